//! The log as it is given out: a checkpoint with the events that it covers, and each of both as a line of JSON that
//! reads back to the same.

use countersign_domain::{
    event::{Checkpoint, EventKind, EventPerson, Outcome, StoredEvent},
    time::Timestamp,
};
use countersign_store::Store;
use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{chain, sealer::MOST_COVERED};
use crate::api::rfc3339;

/// A checkpoint with the events that are there where it says so.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// All events of its node from the node's former checkpoint to the end of this one.
    pub events: Vec<StoredEvent>,
}

/// The segment that follows a sequence number.
///
/// # Errors
/// The store's.
pub async fn segment(store: &Store, after: i64) -> Result<Option<Segment>, countersign_store::Error> {
    let Some(checkpoint) = store.checkpoints(after, 1).await?.pop() else { return Ok(None) };
    if checkpoint.count == 0 {
        return Ok(Some(Segment { checkpoint, events: Vec::new() }));
    }
    let former = store.checkpoint_before(checkpoint.node, checkpoint.sequence).await?;
    let begin = former.map_or_else(|| chain::beginning(checkpoint.node), |former| former.last);
    // One more than can be signed is enough to see that there are too many.
    let range = (begin, checkpoint.last);
    let events = store.events_of_node(checkpoint.node, range, MOST_COVERED + 1).await?;
    Ok(Some(Segment { checkpoint, events }))
}

/// An event for programs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct EventLine {
    /// Names it.
    pub id: String,
    /// When (RFC 3339, UTC).
    pub time: String,
    /// The life of a server process that wrote it.
    pub node: String,
    /// What happened.
    pub kind: String,
    /// `success` or `failure`.
    pub outcome: String,
    /// In which realm.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub realm: String,
    /// At which app.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub app: String,
    /// Who did it.
    pub actor: String,
    /// Whom it is about: a user's own pseudonym (`user:…`), or one that changes daily (`day:…`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub person: String,
    /// What it was done to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// By which means.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// In which request.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// What the person may read about it, sealed under their key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sealed: String,
}

/// A checkpoint for programs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CheckpointLine {
    /// Counts them.
    pub sequence: i64,
    /// Whose events it covers.
    pub node: String,
    /// The first of them.
    pub first: String,
    /// The last of them.
    pub last: String,
    /// How many.
    pub count: i64,
    /// The oldest checkpoint that was kept when it was made.
    pub oldest: i64,
    /// When, in milliseconds since 1970.
    pub made_at: i64,
    /// SHA-256 of the events.
    pub events: String,
    /// SHA-256 of the checkpoint before.
    pub previous: String,
    /// Ed25519.
    pub signature: String,
}

/// One line of an exported log: events first, then the checkpoint that covers them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// An event.
    Event(EventLine),
    /// A checkpoint.
    Checkpoint(CheckpointLine),
}

/// A line that does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} does not read")]
pub struct LineError(&'static str);

impl From<&StoredEvent> for EventLine {
    fn from(event: &StoredEvent) -> Self {
        let person = |person: &EventPerson| {
            let kind = if person.is_user { "user" } else { "day" };
            format!("{kind}:{}", HEXLOWER.encode(&person.name))
        };
        Self {
            id: event.id.to_string(),
            time: rfc3339(event.id.made_at()),
            node: event.node.to_string(),
            kind: event.kind.name().to_owned(),
            outcome: event.outcome.name().to_owned(),
            realm: event.realm.as_ref().map(ToString::to_string).unwrap_or_default(),
            app: event.app.as_ref().map(ToString::to_string).unwrap_or_default(),
            actor: event.actor.clone(),
            person: event.person.as_ref().map(person).unwrap_or_default(),
            target: event.target.clone(),
            method: event.method.clone(),
            request_id: event.request.map(|request| request.to_string()).unwrap_or_default(),
            sealed: event.sealed.as_deref().map(|sealed| BASE64.encode(sealed)).unwrap_or_default(),
        }
    }
}

impl TryFrom<&EventLine> for StoredEvent {
    type Error = LineError;

    fn try_from(line: &EventLine) -> Result<Self, LineError> {
        let person = match line.person.split_once(':') {
            Some((kind, name)) => {
                let name = HEXLOWER.decode(name.as_bytes()).ok().and_then(|name| name.try_into().ok());
                let name = name.ok_or(LineError("person"))?;
                Some(EventPerson { name, is_user: kind == "user" })
            }
            None => None,
        };
        let sealed = BASE64.decode(line.sealed.as_bytes()).map_err(|_| LineError("sealed"))?;
        Ok(Self {
            id: line.id.parse().map_err(|_| LineError("id"))?,
            node: line.node.parse().map_err(|_| LineError("node"))?,
            kind: EventKind::from_name(&line.kind).ok_or(LineError("kind"))?,
            outcome: Outcome::from_name(&line.outcome).ok_or(LineError("outcome"))?,
            realm: optional(&line.realm, "realm")?,
            app: optional(&line.app, "app")?,
            actor: line.actor.clone(),
            person,
            target: line.target.clone(),
            method: line.method.clone(),
            request: optional(&line.request_id, "request_id")?,
            sealed: Some(sealed).filter(|sealed| !sealed.is_empty()),
            mac: [0; 16],
        })
    }
}

impl From<&Checkpoint> for CheckpointLine {
    fn from(checkpoint: &Checkpoint) -> Self {
        Self {
            sequence: checkpoint.sequence,
            node: checkpoint.node.to_string(),
            first: checkpoint.first.to_string(),
            last: checkpoint.last.to_string(),
            count: checkpoint.count,
            oldest: checkpoint.oldest,
            made_at: checkpoint.made_at.millis(),
            events: HEXLOWER.encode(&checkpoint.events),
            previous: HEXLOWER.encode(&checkpoint.previous),
            signature: BASE64.encode(&checkpoint.signature),
        }
    }
}

impl TryFrom<&CheckpointLine> for Checkpoint {
    type Error = LineError;

    fn try_from(line: &CheckpointLine) -> Result<Self, LineError> {
        let hash = |text: &str, what| {
            let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
            bytes.ok_or(LineError(what))
        };
        Ok(Self {
            sequence: line.sequence,
            node: line.node.parse().map_err(|_| LineError("node"))?,
            first: line.first.parse().map_err(|_| LineError("first"))?,
            last: line.last.parse().map_err(|_| LineError("last"))?,
            count: line.count,
            oldest: line.oldest,
            made_at: Timestamp::from_millis(line.made_at),
            events: hash(&line.events, "events")?,
            previous: hash(&line.previous, "previous")?,
            signature: BASE64.decode(line.signature.as_bytes()).map_err(|_| LineError("signature"))?,
        })
    }
}

fn optional<T: std::str::FromStr>(text: &str, what: &'static str) -> Result<Option<T>, LineError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_| LineError(what)) }
}
