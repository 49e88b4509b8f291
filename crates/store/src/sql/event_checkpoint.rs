//! Checkpoints of the log of events.

use countersign_domain::{
    event::Checkpoint,
    id::{EventId, NodeId},
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

macro_rules! columns {
    () => {
        "sequence, node, first_id, last_id, covered, oldest, made_at, events, previous, signature"
    };
}

/// The first `most` checkpoints after a sequence number.
pub(crate) fn select_checkpoints(after: i64, most: i64) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM event_checkpoint WHERE sequence > ? ORDER BY sequence LIMIT ?"),
        vec![after.into(), most.into()],
    )
}

pub(crate) fn select_newest_checkpoint() -> Statement {
    read(concat!("SELECT ", columns!(), " FROM event_checkpoint ORDER BY sequence DESC LIMIT 1"), Vec::new())
}

/// The newest checkpoint of a node before a sequence number that covers anything.
pub(crate) fn select_checkpoint_before(node: NodeId, sequence: i64) -> Statement {
    read(
        concat!(
            "SELECT ",
            columns!(),
            " FROM event_checkpoint WHERE node = ? AND sequence < ? AND covered > 0 ORDER BY last_id DESC LIMIT 1"
        ),
        vec![node.bytes().as_slice().into(), sequence.into()],
    )
}

pub(crate) fn read_checkpoint(row: Row) -> Result<Checkpoint, Error> {
    let mut columns = Columns::new("event_checkpoint", row);
    Ok(Checkpoint {
        sequence: columns.integer("sequence")?,
        node: NodeId::from_bytes(columns.array("node")?),
        first: EventId::from_bytes(columns.array("first_id")?),
        last: EventId::from_bytes(columns.array("last_id")?),
        count: columns.integer("covered")?,
        oldest: columns.integer("oldest")?,
        made_at: columns.time("made_at")?,
        events: columns.array("events")?,
        previous: columns.array("previous")?,
        signature: columns.bytes("signature")?,
    })
}

pub(crate) fn insert_checkpoint(checkpoint: Checkpoint) -> Write {
    one(
        concat!("INSERT INTO event_checkpoint (", columns!(), ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        vec![
            checkpoint.sequence.into(),
            checkpoint.node.bytes().as_slice().into(),
            checkpoint.first.bytes().as_slice().into(),
            checkpoint.last.bytes().as_slice().into(),
            checkpoint.count.into(),
            checkpoint.oldest.into(),
            checkpoint.made_at.into(),
            checkpoint.events.as_slice().into(),
            checkpoint.previous.as_slice().into(),
            checkpoint.signature.into(),
        ],
    )
}

pub(crate) fn delete_checkpoint(sequence: i64) -> Write {
    any("DELETE FROM event_checkpoint WHERE sequence = ?", vec![sequence.into()])
}
