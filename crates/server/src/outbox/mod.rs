//! From a message to somebody's mailbox: what is said, how it looks, and by which way it leaves.
//!
//! A [`letter::Letter`] is rendered ([`render`]), written as a mail ([`mail`]), perhaps signed ([`dkim`]) and
//! handed to a [`sender::Sender`]. The [`worker`] alone knows of stores and retries, the [`payload`] alone of what
//! is sealed.

pub mod address;
pub mod blocks;
pub mod caller_text;
pub mod console;
pub mod dkim;
pub mod encode;
pub mod file;
pub mod letter;
pub mod mail;
pub mod notice;
pub mod payload;
pub mod render;
pub mod sender;
pub mod sendmail;
pub mod smtp;
pub mod worker;

pub use self::{
    notice::{Notice, Reader},
    payload::Payload,
    worker::{LEASE, Outbox},
};

/// Checks a caller's subject and text before anything is promised.
///
/// # Errors
/// The member that is not allowed, and why.
pub fn check_caller_text(subject: Option<&str>, content: Option<&str>) -> Result<(), (&'static str, String)> {
    if let Some(subject) = subject {
        caller_text::CallerText::subject(subject).map_err(|error| ("subject", error.to_string()))?;
    }
    if let Some(content) = content {
        let text =
            caller_text::CallerText::content(content).map_err(|error| ("content", error.to_string()))?;
        if !text.mentions_code() {
            return Err(("content", "the text must hold %code%".to_owned()));
        }
    }
    Ok(())
}
