//! An event as it is kept, and the bytes that a checkpoint vouches for.

use super::{EventKind, Outcome};
use crate::{
    app::AppName,
    id::{EventId, NodeId, RequestId, UserId},
    realm::RealmName,
};

/// An event as it is kept: nobody is named in it but by a pseudonym.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Names it; its time is in it.
    pub id: EventId,
    /// The life of a server process that wrote it.
    pub node: NodeId,
    /// What happened.
    pub kind: EventKind,
    /// How it ended.
    pub outcome: Outcome,
    /// In which realm.
    pub realm: Option<RealmName>,
    /// At which app.
    pub app: Option<AppName>,
    /// Who did it: `person`, `api_key:…`, `operator`, `admin_key:…` or `server`.
    pub actor: String,
    /// Whom it is about.
    pub person: Option<EventPerson>,
    /// What it was done to; empty where that is nothing but the person.
    pub target: String,
    /// By which means; empty where there is none.
    pub method: String,
    /// In which request; none for what the server did by itself.
    pub request: Option<RequestId>,
    /// Details, sealed under the person's key.
    pub sealed: Option<Vec<u8>>,
    /// Shows until a checkpoint covers it that this server wrote it: no part of [`canonical`](Self::canonical).
    pub mac: [u8; 16],
}

/// A person in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventPerson {
    /// The pseudonym: a user's own for as long as they exist, anybody else's for a day.
    pub name: [u8; 16],
    /// Whether it is a user's, who can ask for what concerns them.
    pub is_user: bool,
}

/// The key under which a user is named in the log, sealed. It goes with the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventKey {
    /// Whose.
    pub user: UserId,
    /// 32 bytes, sealed.
    pub sealed: Vec<u8>,
}

impl StoredEvent {
    /// All of it as bytes, each part behind its length: two events give the same bytes only when they are the same.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        let empty: &[u8] = &[];
        let person: &[u8] = self.person.as_ref().map_or(empty, |person| &person.name);
        let parts: [&[u8]; 12] = [
            self.id.bytes(),
            self.node.bytes(),
            self.kind.name().as_bytes(),
            self.outcome.name().as_bytes(),
            self.realm.as_ref().map_or(empty, |realm| realm.as_str().as_bytes()),
            self.app.as_ref().map_or(empty, |app| app.as_str().as_bytes()),
            self.actor.as_bytes(),
            person,
            self.target.as_bytes(),
            self.method.as_bytes(),
            self.request.as_ref().map_or(empty, |request| request.bytes()),
            self.sealed.as_deref().unwrap_or_default(),
        ];
        for part in parts {
            bytes.extend(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            bytes.extend(part);
        }
        bytes.push(u8::from(self.person.is_some_and(|person| person.is_user)));
        bytes
    }
}
