//! What an `Idempotency-Key` was used for.

use countersign_domain::{changes::Idempotency, id::ChallengeId, secret::Digest, time::Span};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_idempotency(id: Digest) -> Statement {
    read("SELECT id, body, challenge, expires_at FROM idempotency WHERE id = ?", vec![id.into()])
}

pub(crate) fn read_idempotency(row: Row) -> Result<Idempotency, Error> {
    let mut columns = Columns::new("idempotency", row);
    Ok(Idempotency {
        id: columns.digest("id")?,
        body: columns.digest("body")?,
        challenge: ChallengeId::from_bytes(columns.array("challenge")?),
        expires_at: columns.time("expires_at")?,
    })
}

/// Adds one; an earlier use of the same key that has expired makes room.
pub(super) fn insert(idempotency: &Idempotency) -> [Write; 2] {
    let expired = idempotency.expires_at - Span::DAY;
    let make_room = any(
        "DELETE FROM idempotency WHERE id = ? AND expires_at <= ?",
        vec![idempotency.id.into(), expired.into()],
    );
    let insert = one(
        "INSERT INTO idempotency (id, body, challenge, expires_at) VALUES (?, ?, ?, ?)",
        vec![
            idempotency.id.into(),
            idempotency.body.into(),
            idempotency.challenge.bytes().as_slice().into(),
            idempotency.expires_at.into(),
        ],
    );
    [make_room, insert]
}
