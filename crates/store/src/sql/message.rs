//! Messages: the outbox.

use countersign_domain::{id::MessageId, message::Message, time::Timestamp};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Value, Write},
};

macro_rules! columns {
    () => {
        "id, app, deliver, sealed, attempts, due_at, created_at, expires_at"
    };
}

pub(crate) fn select_due_messages(now: Timestamp, most: i64) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM message WHERE due_at <= ? ORDER BY due_at LIMIT ?"),
        vec![now.into(), most.into()],
    )
}

pub(crate) fn select_messages(most: i64) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM message ORDER BY id LIMIT ?"), vec![most.into()])
}

pub(crate) fn select_message(message: MessageId) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM message WHERE id = ?"), vec![id(message)])
}

pub(crate) fn select_messages_after(after: MessageId, most: i64) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM message WHERE id > ? ORDER BY id LIMIT ?"),
        vec![id(after), most.into()],
    )
}

pub(crate) fn count_messages() -> Statement {
    read("SELECT COUNT(*), MIN(created_at) FROM message", vec![])
}

pub(crate) fn read_message_count(row: Row) -> Result<(i64, Option<Timestamp>), Error> {
    let mut columns = Columns::new("message", row);
    Ok((columns.integer("id")?, columns.optional_time("created_at")?))
}

pub(crate) fn read_message(row: Row) -> Result<Message, Error> {
    let mut columns = Columns::new("message", row);
    Ok(Message {
        id: MessageId::from_bytes(columns.array("id")?),
        app: columns.parsed("app")?,
        deliver: columns.flag("deliver")?,
        sealed: columns.bytes("sealed")?,
        attempts: columns.number("attempts")?,
        due_at: columns.time("due_at")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
    })
}

pub(super) fn insert(message: Message) -> Write {
    one(
        concat!("INSERT INTO message (", columns!(), ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
        vec![
            id(message.id),
            message.app.as_str().into(),
            message.deliver.into(),
            message.sealed.into(),
            i64::from(message.attempts).into(),
            message.due_at.into(),
            message.created_at.into(),
            message.expires_at.into(),
        ],
    )
}

/// Makes one message due, if it still waits.
pub(super) fn due(message: MessageId, at: Timestamp) -> Write {
    one("UPDATE message SET due_at = ? WHERE id = ?", vec![at.into(), id(message)])
}

/// Forgets one message, if it still waits.
pub(super) fn forget(message: MessageId) -> Write {
    one("DELETE FROM message WHERE id = ?", vec![id(message)])
}

/// Takes a message until `until`, if nobody else took it since it was read.
pub(crate) fn lease_message(message: &Message, until: Timestamp) -> Write {
    any(
        "UPDATE message SET due_at = ? WHERE id = ? AND due_at = ?",
        vec![until.into(), id(message.id), message.due_at.into()],
    )
}

pub(crate) fn delay_message(message: MessageId, attempts: u32, due_at: Timestamp) -> Write {
    any(
        "UPDATE message SET due_at = ?, attempts = ? WHERE id = ?",
        vec![due_at.into(), i64::from(attempts).into(), id(message)],
    )
}

pub(crate) fn delete_message(message: MessageId) -> Write {
    any("DELETE FROM message WHERE id = ?", vec![id(message)])
}

/// Makes every message due: for a process that knows itself to be the only one.
pub(crate) fn release_messages(now: Timestamp) -> Write {
    any("UPDATE message SET due_at = ? WHERE attempts = 0 AND due_at > ?", vec![now.into(), now.into()])
}

fn id(message: MessageId) -> Value {
    message.bytes().as_slice().into()
}
