//! Events, and the keys that people are named by in them.

use countersign_domain::{
    event::{EventKey, EventKind, EventPerson, Outcome, StoredEvent},
    id::{EventId, NodeId, RequestId, UserId},
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Value, Write},
};

macro_rules! columns {
    () => {
        "event.id, event.node, event.kind, event.outcome, event.realm, event.app, event.actor, event.person, \
         event.is_user, event.target, event.method, event.request, event.sealed, event.mac"
    };
}

/// The first `most` events after an id, of one kind, one app and one realm where they are given.
pub(crate) fn select_events(after: EventId, names: [&str; 3], most: i64) -> Statement {
    let mut values = vec![id(after)];
    values.extend(twice(names));
    values.push(most.into());
    read(
        concat!(
            "SELECT ",
            columns!(),
            " FROM event WHERE id > ? AND (? = '' OR kind = ?) AND (? = '' OR app = ?) \
             AND (? = '' OR realm = ?) ORDER BY id LIMIT ?"
        ),
        values,
    )
}

/// The last `most` events of a user before an id, newest first.
pub(crate) fn select_events_of(person: [u8; 16], before: EventId, most: i64) -> Statement {
    read(
        concat!(
            "SELECT ",
            columns!(),
            " FROM event_person JOIN event ON event.id = event_person.event_id \
             WHERE event_person.person = ? AND event_person.event_id < ? ORDER BY event_person.event_id DESC LIMIT ?"
        ),
        vec![person.as_slice().into(), id(before), most.into()],
    )
}

/// What is compared is asked first whether it is empty.
fn twice(names: [&str; 3]) -> impl Iterator<Item = Value> {
    names.into_iter().flat_map(|name| [Value::from(name), Value::from(name)])
}

/// The same of one user.
pub(crate) fn select_events_of_after(
    person: [u8; 16],
    after: EventId,
    names: [&str; 3],
    most: i64,
) -> Statement {
    let mut values = vec![person.as_slice().into(), id(after)];
    values.extend(twice(names));
    values.push(most.into());
    read(
        concat!(
            "SELECT ",
            columns!(),
            " FROM event_person JOIN event ON event.id = event_person.event_id \
             WHERE event_person.person = ? AND event_person.event_id > ? AND (? = '' OR event.kind = ?) \
             AND (? = '' OR event.app = ?) AND (? = '' OR event.realm = ?) \
             ORDER BY event_person.event_id LIMIT ?"
        ),
        values,
    )
}

/// The first `most` events of a node after one id, up to another.
pub(crate) fn select_events_of_node(node: NodeId, after: EventId, until: EventId, most: i64) -> Statement {
    read(
        concat!(
            "SELECT ",
            columns!(),
            " FROM event WHERE node = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?"
        ),
        vec![node.bytes().as_slice().into(), id(after), id(until), most.into()],
    )
}

/// The first `most` events after one id, up to another, that no checkpoint covers.
pub(crate) fn select_uncovered_events(after: EventId, until: EventId, most: i64) -> Statement {
    read(
        concat!(
            "SELECT ",
            columns!(),
            " FROM event WHERE event.id > ? AND event.id <= ? AND NOT EXISTS (SELECT 1 FROM event_checkpoint \
             WHERE event_checkpoint.node = event.node AND event_checkpoint.last_id >= event.id) \
             ORDER BY event.id LIMIT ?"
        ),
        vec![id(after), id(until), most.into()],
    )
}

pub(crate) fn count_events(until: EventId) -> Statement {
    read("SELECT COUNT(*) FROM event WHERE id <= ?", vec![id(until)])
}

pub(crate) fn read_event(row: Row) -> Result<StoredEvent, Error> {
    let mut columns = Columns::new("event", row);
    Ok(StoredEvent {
        id: EventId::from_bytes(columns.array("id")?),
        node: NodeId::from_bytes(columns.array("node")?),
        kind: EventKind::from_name(&columns.text("kind")?).ok_or_else(|| columns.corrupt("kind"))?,
        outcome: Outcome::from_name(&columns.text("outcome")?).ok_or_else(|| columns.corrupt("outcome"))?,
        realm: optional(&mut columns, "realm")?,
        app: optional(&mut columns, "app")?,
        actor: columns.text("actor")?,
        person: read_person(&mut columns)?,
        target: columns.text("target")?,
        method: columns.text("method")?,
        request: match columns.bytes("request")?.as_slice() {
            [] => None,
            bytes => {
                let bytes = bytes.try_into().map_err(|_| columns.corrupt("request"))?;
                Some(RequestId::from_bytes(bytes))
            }
        },
        sealed: columns.optional_bytes("sealed")?,
        mac: columns.array("mac")?,
    })
}

fn read_person(columns: &mut Columns) -> Result<Option<EventPerson>, Error> {
    let name = columns.bytes("person")?;
    let is_user = columns.flag("is_user")?;
    if name.is_empty() && !is_user {
        return Ok(None);
    }
    let name = name.try_into().map_err(|_| columns.corrupt("person"))?;
    Ok(Some(EventPerson { name, is_user }))
}

/// Text that parses, or is empty for none.
fn optional<T: std::str::FromStr>(columns: &mut Columns, column: &'static str) -> Result<Option<T>, Error> {
    let text = columns.text(column)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| columns.corrupt(column))
}

pub(super) fn insert(event: StoredEvent, writes: &mut Vec<Write>) {
    let name: &[u8] = event.person.as_ref().map_or(&[], |person| &person.name);
    let is_user = event.person.is_some_and(|person| person.is_user);
    if is_user {
        writes.push(one(
            "INSERT INTO event_person (person, event_id) VALUES (?, ?)",
            vec![name.into(), id(event.id)],
        ));
    }
    let text = |text: Option<&str>| Value::from(text.unwrap_or_default());
    writes.push(one(
        "INSERT INTO event (id, node, kind, outcome, realm, app, actor, person, is_user, target, method, request, \
         sealed, mac) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        vec![
            id(event.id),
            event.node.bytes().as_slice().into(),
            event.kind.name().into(),
            event.outcome.name().into(),
            text(event.realm.as_ref().map(|realm| realm.as_str())),
            text(event.app.as_ref().map(|app| app.as_str())),
            event.actor.into(),
            name.into(),
            is_user.into(),
            event.target.into(),
            event.method.into(),
            event.request.as_ref().map_or(&[][..], |request| request.bytes()).into(),
            event.sealed.into(),
            event.mac.as_slice().into(),
        ],
    ));
}

/// Adds a user's key, as long as there is such a user.
pub(super) fn insert_key(key: EventKey) -> Write {
    let user = || Value::from(key.user.bytes().as_slice());
    one(
        "INSERT INTO event_key (user_id, sealed) SELECT ?, ? WHERE EXISTS (SELECT 1 FROM realm_user WHERE id = ?)",
        vec![user(), key.sealed.clone().into(), user()],
    )
}

pub(crate) fn select_event_key(user: UserId) -> Statement {
    read("SELECT user_id, sealed FROM event_key WHERE user_id = ?", vec![user.bytes().as_slice().into()])
}

pub(crate) fn read_event_key(row: Row) -> Result<EventKey, Error> {
    let mut columns = Columns::new("event_key", row);
    Ok(EventKey { user: UserId::from_bytes(columns.array("user_id")?), sealed: columns.bytes("sealed")? })
}

/// Forgets the key of a user: nobody can tell any more whom their events are about.
pub(super) fn delete_key(user: UserId) -> Write {
    any("DELETE FROM event_key WHERE user_id = ?", vec![user.bytes().as_slice().into()])
}

/// Forgets the events of a node up to one: those before what its checkpoint covers have lost theirs, or never had any.
pub(crate) fn purge_events(node: NodeId, last: EventId) -> [Write; 2] {
    let range = || vec![node.bytes().as_slice().into(), id(last)];
    [
        any(
            "DELETE FROM event_person WHERE event_id IN \
             (SELECT id FROM event WHERE node = ? AND id <= ?)",
            range(),
        ),
        any("DELETE FROM event WHERE node = ? AND id <= ?", range()),
    ]
}

fn id(event: EventId) -> Value {
    event.bytes().as_slice().into()
}
