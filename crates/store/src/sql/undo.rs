//! Links that take something back.

use countersign_domain::{
    id::UserId,
    secret::Digest,
    time::Timestamp,
    undo::{Undo, UndoKind},
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

macro_rules! columns {
    () => {
        "link, user_id, kind, sealed, created_at, expires_at"
    };
}

pub(crate) fn select_undo(link: Digest) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM user_undo WHERE link = ?"), vec![link.into()])
}

pub(crate) fn select_undos_of(user: UserId) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM user_undo WHERE user_id = ? ORDER BY created_at, link"),
        vec![user.bytes().as_slice().into()],
    )
}

pub(crate) fn select_erasures_due(now: Timestamp, most: i64) -> Statement {
    read(
        concat!(
            "SELECT ",
            columns!(),
            " FROM user_undo WHERE expires_at <= ? AND kind = 'erasure' ORDER BY expires_at LIMIT ?"
        ),
        vec![now.into(), most.into()],
    )
}

pub(crate) fn read_undo(row: Row) -> Result<Undo, Error> {
    let mut columns = Columns::new("user_undo", row);
    Ok(Undo {
        link: columns.digest("link")?,
        user: UserId::from_bytes(columns.array("user_id")?),
        kind: UndoKind::from_name(&columns.text("kind")?).ok_or_else(|| columns.corrupt("kind"))?,
        sealed: columns.optional_bytes("sealed")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.time("expires_at")?,
    })
}

pub(super) fn insert(undo: Undo) -> Write {
    one(
        concat!("INSERT INTO user_undo (", columns!(), ") VALUES (?, ?, ?, ?, ?, ?)"),
        vec![
            undo.link.into(),
            undo.user.bytes().as_slice().into(),
            undo.kind.name().into(),
            undo.sealed.into(),
            undo.created_at.into(),
            undo.expires_at.into(),
        ],
    )
}

pub(super) fn remove(link: Digest) -> Write {
    one("DELETE FROM user_undo WHERE link = ?", vec![link.into()])
}

pub(super) fn drop_of(user: UserId, kind: UndoKind) -> Write {
    any(
        "DELETE FROM user_undo WHERE user_id = ? AND kind = ?",
        vec![user.bytes().as_slice().into(), kind.name().into()],
    )
}
