//! What signs people in: a site, an API or a service. OAuth says client, a proxy says service; here it is one record.

use std::sync::Arc;

use crate::{
    algorithm::Algorithm,
    assurance::{Level, Methods},
    code::CodeForm,
    color::Color,
    forward_auth::ForwardAuth,
    identifier::EmailAddress,
    realm::RealmName,
    slug::is_slug,
    subject::Sector,
    time::Span,
};

/// The permanent name of an app: `client_id`, default audience and part of its addresses.
///
/// 1 to 63 of `a-z`, `0-9` and `-`, beginning and ending with a letter or digit. An app that must be renamed is a
/// new app: subjects are derived from the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppName(Arc<str>);

/// A name that no app can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an app's name has 1 to 63 characters of a-z, 0-9 and -, and neither begins nor ends with -")]
pub struct AppNameError;

impl AppName {
    /// What stands for no app alone: what is taken back under this name concerns all of them. No app has it.
    #[must_use]
    pub fn any() -> Self {
        Self("*".into())
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for AppName {
    type Err = AppNameError;

    fn from_str(text: &str) -> Result<Self, AppNameError> {
        if is_slug(text) { Ok(Self(text.into())) } else { Err(AppNameError) }
    }
}

impl std::borrow::Borrow<str> for AppName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AppName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a mail carries to prove itself by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Delivery {
    /// A code to type.
    #[default]
    Code,
    /// A link to open.
    Link,
    /// Both, the link beside the code.
    Both,
}

impl Delivery {
    /// Whether a code is mailed.
    #[must_use]
    pub const fn has_code(self) -> bool {
        matches!(self, Self::Code | Self::Both)
    }

    /// Whether a link is mailed.
    #[must_use]
    pub const fn has_link(self) -> bool {
        matches!(self, Self::Link | Self::Both)
    }
}

/// How an app's challenges behave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengePolicy {
    /// What the mail carries.
    pub delivery: Delivery,
    /// The form of its codes.
    pub code: CodeForm,
    /// Life of a sign-in challenge: at most [`ChallengePolicy::LONGEST_LIFE`].
    pub life: Span,
    /// Life of a challenge that confirms an address: at most a day.
    pub confirmation_life: Span,
    /// Wrong codes that one challenge survives: 1 to 10.
    pub tries: u32,
    /// Every wrong code by a secret key ends all challenges of that person at that app. Whoever can make the app's
    /// server pass a wrong code on can end a person's challenges: a denial of service that the operator accepts.
    pub wipe_on_failure: bool,
    /// How long after one message the next may be asked for.
    pub resend_pause: Span,
    /// Messages to one person within an hour.
    pub sends_per_hour: usize,
    /// Messages to one person within 24 hours: at most [`crate::contact::MOST_SENDS`].
    pub sends_per_day: usize,
}

impl ChallengePolicy {
    /// The longest life of a sign-in challenge (NIST SP 800-63B-4, 3.1.3.2: 10 minutes).
    pub const LONGEST_LIFE: Span = Span::from_minutes(10);
}

impl Default for ChallengePolicy {
    fn default() -> Self {
        Self {
            delivery: Delivery::Code,
            code: CodeForm::default(),
            life: Self::LONGEST_LIFE,
            confirmation_life: Span::DAY,
            tries: 5,
            wipe_on_failure: false,
            resend_pause: Span::from_seconds(30),
            sends_per_hour: 6,
            sends_per_day: 20,
        }
    }
}

/// How an app's tokens are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPolicy {
    /// The signature.
    pub algorithm: Algorithm,
    /// Life of an access token: one minute to 90 days.
    pub lifetime: Span,
    /// `aud`, where it is not the app's name.
    pub audience: Option<String>,
    /// Whether the verified address is a claim (`email`, `email_verified`).
    pub address_claim: bool,
}

impl Default for TokenPolicy {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::default(),
            lifetime: Span::from_hours(1),
            audience: None,
            address_claim: false,
        }
    }
}

/// How an app whose people have accounts treats them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AccountPolicy {
    /// Who may come who has not been here before.
    pub sign_up: SignUp,
    /// What browsers on the app's pages hold.
    pub browser_tokens: BrowserTokens,
    /// What may be proven first, where the realm's policy is not meant.
    pub start: Option<Methods>,
    /// The level that every session has at least, where the realm's policy is not meant.
    pub least: Option<Level>,
    /// For how long trusted browsers count, where the realm's policy is not meant.
    pub trust: Option<Span>,
}

/// What a browser holds that was signed in on a page of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BrowserTokens {
    /// The cookie of a session, which only this server can read.
    #[default]
    Session,
    /// An access token and a refresh token, each in a cookie: the first can be read by every server that gets it.
    Jwt,
}

/// Who may sign in who has no account yet.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum SignUp {
    /// Everybody.
    #[default]
    Open,
    /// Who has a mailbox at one of these domains, as A-labels in lower case. A subdomain is another domain.
    Domains(Vec<String>),
    /// Nobody.
    Closed,
    /// Who was invited, and nobody else.
    Invitation,
}

impl SignUp {
    /// Whether somebody with this mailbox may come, invited or not.
    #[must_use]
    pub fn admits(&self, address: &EmailAddress) -> bool {
        match self {
            Self::Open => true,
            Self::Domains(domains) => domains.iter().any(|domain| domain == address.domain()),
            Self::Closed | Self::Invitation => false,
        }
    }
}

/// How an app's mails look.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct MailPolicy {
    /// The name before the sender's address; the app's title where absent.
    pub sender_name: Option<String>,
    /// The sender's address, from the app's own domain; the server's where absent.
    pub sender_address: Option<String>,
    /// The subject line; may hold `%code%`. A translated one where absent.
    pub subject: Option<String>,
    /// Language of people whose own is not known.
    pub locale: Option<String>,
}

/// An app, as an operator declared it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its permanent name.
    pub name: AppName,
    /// What people read.
    pub title: String,
    /// The colour of its pages; ours where there is none.
    pub accent: Option<Color>,
    /// A disabled app starts nothing and its keys and tokens are refused.
    pub disabled: bool,
    /// Pages that may use its publishable keys: `https://host[:port]`, compared exactly.
    pub origins: Vec<String>,
    /// The pool of users it belongs to.
    pub realm: RealmName,
    /// How people's accounts are treated; none when there are no accounts and only keyed subjects.
    pub accounts: Option<AccountPolicy>,
    /// Whose pseudonyms it sees.
    pub sector: Sector,
    /// Messages of the whole app within a day.
    pub messages_per_day: u32,
    /// How challenges behave.
    pub challenge: ChallengePolicy,
    /// How tokens are made.
    pub token: TokenPolicy,
    /// How mails look.
    pub mail: MailPolicy,
    /// How it is opened where it is a service behind a reverse proxy.
    pub forward_auth: ForwardAuth,
}

impl App {
    /// An app with every default.
    #[must_use]
    pub fn new(name: AppName) -> Self {
        Self {
            title: name.to_string(),
            accent: None,
            disabled: false,
            origins: Vec::new(),
            realm: RealmName::default(),
            accounts: None,
            sector: Sector::App(name.clone()),
            messages_per_day: 10_000,
            challenge: ChallengePolicy::default(),
            token: TokenPolicy::default(),
            mail: MailPolicy::default(),
            forward_auth: ForwardAuth::default(),
            name,
        }
    }

    /// `aud` of its tokens.
    #[must_use]
    pub fn audience(&self) -> &str {
        self.token.audience.as_deref().unwrap_or_else(|| self.name.as_str())
    }

    /// Whether sessions and people of `realm` are at home here: it has accounts there, and is not switched off.
    #[must_use]
    pub fn is_home_in(&self, realm: &RealmName) -> bool {
        self.accounts.is_some() && self.realm == *realm && !self.disabled
    }

    /// Whether tokens of an app of another realm would be taken for this one's. Nothing crosses realms.
    #[must_use]
    pub fn crosses_realms_with(&self, other: &Self) -> bool {
        self.realm != other.realm && self.audience() == other.audience()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_slugs() {
        for good in ["a", "forum", "shop-2", &"a".repeat(63)] {
            assert!(good.parse::<AppName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a b", "a.b", "ä", "constructor\0", &"a".repeat(64)] {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
    }
}
