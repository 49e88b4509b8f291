//! What apps keep with people.

use countersign_domain::{id::UserId, metadata::Metadata, subject::Subject};

use super::{one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_metadata(subject: Subject) -> Statement {
    read(
        "SELECT subject, user_id, sealed, version FROM user_metadata WHERE subject = ?",
        vec![subject.bytes().as_slice().into()],
    )
}

pub(crate) fn read_metadata(row: Row) -> Result<Metadata, Error> {
    let mut columns = Columns::new("user_metadata", row);
    Ok(Metadata {
        subject: Subject::from_bytes(columns.array("subject")?),
        user: UserId::from_bytes(columns.array("user_id")?),
        sealed: columns.bytes("sealed")?,
        version: columns.integer("version")?,
    })
}

/// Inserts version 0 as 1, else replaces exactly that version.
pub(super) fn save(metadata: Metadata) -> Write {
    let subject = metadata.subject.bytes().as_slice().into();
    if metadata.version == 0 {
        return one(
            "INSERT INTO user_metadata (subject, user_id, sealed, version) VALUES (?, ?, ?, 1)",
            vec![subject, metadata.user.bytes().as_slice().into(), metadata.sealed.into()],
        );
    }
    one(
        "UPDATE user_metadata SET sealed = ?, version = ? WHERE subject = ? AND version = ?",
        vec![metadata.sealed.into(), (metadata.version + 1).into(), subject, metadata.version.into()],
    )
}
