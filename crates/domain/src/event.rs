//! What happened: an authentication, a change of an account, an act of an operator. An event travels among the
//! changes that it tells about, so that it is written in their commit or not at all.
//!
//! Whoever decides says what happened and to whom; who asked, in which request and when is added by the server where
//! the changes are committed. This module knows no key and no hash: how a person is called in the log is decided by
//! who has the keys.

mod checkpoint;
mod kind;
mod stored;

pub use self::{
    checkpoint::Checkpoint,
    kind::EventKind,
    stored::{EventKey, EventPerson, StoredEvent},
};
use std::borrow::Cow;

use crate::{
    app::AppName,
    changes::Change,
    id::{ApiKeyId, UserId},
    realm::RealmName,
    secret::Digest,
    subject::Subject,
};

/// Longest target in bytes.
const LONGEST_TARGET: usize = 100;

/// Something that happened. Make one with [`new`](Self::new), say whom it concerned, and push it among the changes of
/// the decision that it tells about:
///
/// ```
/// use countersign_domain::{changes::Changes, event::{Event, EventKind}, id::UserId};
///
/// let user = UserId::from_bytes([7; 16]);
/// let mut changes = Changes::default();
/// changes.push(Event::new(EventKind::PasswordChanged).of_user(user).by_method("password").into());
/// ```
///
/// Time, request and actor are added at the commit: the actor is whoever the request was authenticated as.
#[derive(Clone, Debug)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// How it ended.
    pub outcome: Outcome,
    /// In which realm.
    pub realm: Option<RealmName>,
    /// At which app.
    pub app: Option<AppName>,
    /// Whom it is about.
    pub person: Concerned,
    /// The person, as the app knows them: for webhooks alone, not kept with the event.
    pub subject: Option<Subject>,
    /// Who did it, where that is not whoever the request was authenticated as.
    pub actor: Option<Actor>,
    /// What it was done to, where that is no person: the id of a key, a session or a token.
    pub target: Option<String>,
    /// By which means, such as `code`, `link` or `password`.
    pub method: Option<Cow<'static, str>>,
    /// What else the person may read about it: sealed under their own key. Without a person it is not kept.
    pub details: Vec<(&'static str, String)>,
}

/// How something ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It happened.
    Success,
    /// It was refused.
    Failure,
}

/// Whom an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Concerned {
    /// No person.
    #[default]
    Nobody,
    /// A user: named by a key of their own, which goes when they are erased.
    User(UserId),
    /// Somebody known by an address at one app, without an account: named by a pseudonym that changes daily.
    Contact(Digest),
}

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The person whom it is about.
    Person,
    /// An app, by one of its keys.
    ApiKey(ApiKeyId),
    /// An operator at the machine.
    Operator,
    /// An administrator, by the id of their key.
    AdminKey(String),
    /// An administrator who is a person with that role, by what the log calls them; empty where it has not named them yet.
    Administrator(String),
    /// This server, by itself.
    Server,
}

impl Outcome {
    /// The name under which it travels and is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }

    /// The outcome that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Success, Self::Failure].into_iter().find(|outcome| outcome.name() == name)
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Person => f.write_str("person"),
            Self::ApiKey(id) => write!(f, "api_key:{id}"),
            Self::Operator => f.write_str("operator"),
            Self::AdminKey(id) => write!(f, "admin_key:{}", clean(id)),
            Self::Administrator(name) if name.is_empty() => f.write_str("administrator"),
            Self::Administrator(name) => write!(f, "administrator:{}", clean(name)),
            Self::Server => f.write_str("server"),
        }
    }
}

impl Event {
    /// Something that happened, successfully unless [`failed`](Self::failed) is said.
    #[must_use]
    pub const fn new(kind: EventKind) -> Self {
        Self {
            kind,
            outcome: Outcome::Success,
            realm: None,
            app: None,
            person: Concerned::Nobody,
            subject: None,
            actor: None,
            target: None,
            method: None,
            details: Vec::new(),
        }
    }

    /// About this user.
    #[must_use]
    pub fn of_user(self, user: UserId) -> Self {
        Self { person: Concerned::User(user), ..self }
    }

    /// About somebody without an account, by the digest that the app's contacts know them by.
    #[must_use]
    pub fn of_contact(self, contact: Digest) -> Self {
        Self { person: Concerned::Contact(contact), ..self }
    }

    /// The person, as the app knows them: for webhooks.
    #[must_use]
    pub fn of_subject(self, subject: Subject) -> Self {
        Self { subject: Some(subject), ..self }
    }

    /// At this app.
    #[must_use]
    pub fn at(self, app: &AppName) -> Self {
        Self { app: Some(app.clone()), ..self }
    }

    /// In this realm.
    #[must_use]
    pub fn within(self, realm: &RealmName) -> Self {
        Self { realm: Some(realm.clone()), ..self }
    }

    /// Done to this, which is no person: an id or a name of ours. What is not visible ASCII is left out.
    #[must_use]
    pub fn on(self, target: &str) -> Self {
        Self { target: Some(clean(target)), ..self }
    }

    /// By this means.
    #[must_use]
    pub fn by_method(self, method: impl Into<Cow<'static, str>>) -> Self {
        Self { method: Some(method.into()), ..self }
    }

    /// Done by somebody else than whoever the request was authenticated as.
    #[must_use]
    pub fn by(self, actor: Actor) -> Self {
        Self { actor: Some(actor), ..self }
    }

    /// It was refused.
    #[must_use]
    pub fn failed(self) -> Self {
        Self { outcome: Outcome::Failure, ..self }
    }

    /// Something that the person may read about it; no code, no token.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }
}

impl From<Event> for Change {
    fn from(event: Event) -> Self {
        Self::Event(Box::new(event))
    }
}

/// What may stand in a log: visible ASCII, not too long.
fn clean(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(LONGEST_TARGET).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p40_no_control_character_gets_into_a_target_or_an_actor() {
        for (given, kept) in [
            ("key_1", "key_1"),
            ("a\r\nb\u{1b}[31m\0c", "ab[31mc"),
            ("jos\u{e9} \u{202e}x", "josx"),
            ("", ""),
        ] {
            assert_eq!(Event::new(EventKind::AppCreated).on(given).target.as_deref(), Some(kept));
            assert_eq!(Actor::AdminKey(given.to_owned()).to_string(), format!("admin_key:{kept}"));
        }
        assert_eq!(
            Event::new(EventKind::AppCreated).on(&"x".repeat(500)).target.map(|text| text.len()),
            Some(100)
        );
    }
}
