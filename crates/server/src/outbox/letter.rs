//! What is to be said, to whom and in which language, before anybody decides how it looks. Knows nothing of
//! MIME, templates or servers; every field is data, none is trusted to be free of control characters.

use countersign_domain::{secret::Secret, time::Timestamp};

use super::{address::Address, caller_text::CallerText, notice::Notice};
use crate::texts::Locale;

/// One mail to one person.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Stable id of the message: the left side of the Message-ID, the same for every try.
    pub id: String,
    /// The app's short name: the name of its folder of templates.
    pub app_name: String,
    /// The app as people know it.
    pub app_title: String,
    /// Who writes.
    pub from: Mailbox,
    /// Who reads: exactly one.
    pub to: Address,
    /// What for.
    pub purpose: Purpose,
    /// The code to type, if one is sent.
    pub code: Option<Secret<String>>,
    /// The link to open, if one is sent: a complete URL.
    pub link: Option<Secret<String>>,
    /// The language.
    pub locale: Locale,
    /// For how long code and link work, in minutes.
    pub minutes: u32,
    /// Where the request came from, in words, if known: a browser, a network.
    pub requested_from: Option<String>,
    /// What the app's server wants as subject, instead of ours.
    pub subject: Option<CallerText>,
    /// What the app's server wants as text, instead of ours.
    pub content: Option<CallerText>,
    /// The host for which the code is meant: it makes the origin-bound last line.
    pub origin_host: String,
    /// The date of the mail.
    pub date: Timestamp,
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name shown; may be empty.
    pub name: String,
    /// The address.
    pub address: Address,
}

/// Why somebody gets a mail.
#[derive(Clone, Debug)]
pub enum Purpose {
    /// They want to sign in.
    SignIn,
    /// They say that this is their address.
    ConfirmAddress,
    /// They want to choose a new password.
    ResetPassword,
    /// They are told something: there is no code.
    Tell(Notice),
}
