//! What people are found by.

use countersign_domain::{
    id::UserId,
    user::{IdentifierKind, UserIdentifier},
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Value, Write},
};

pub(crate) fn select_identifiers_of(user: UserId) -> Statement {
    read(
        "SELECT digest, realm, kind, user_id, sealed, is_primary, verified_at, created_at FROM user_identifier \
         WHERE user_id = ? ORDER BY kind, is_primary DESC, created_at, digest",
        vec![user.bytes().as_slice().into()],
    )
}

pub(crate) fn read_identifier(row: Row) -> Result<UserIdentifier, Error> {
    let mut columns = Columns::new("user_identifier", row);
    Ok(UserIdentifier {
        digest: columns.digest("digest")?,
        realm: columns.parsed("realm")?,
        kind: IdentifierKind::from_name(&columns.text("kind")?).ok_or_else(|| columns.corrupt("kind"))?,
        user: UserId::from_bytes(columns.array("user_id")?),
        sealed: columns.bytes("sealed")?,
        primary: columns.flag("is_primary")?,
        verified_at: columns.optional_time("verified_at")?,
        created_at: columns.time("created_at")?,
    })
}

pub(super) fn insert(identifier: UserIdentifier) -> Write {
    one(
        "INSERT INTO user_identifier (digest, realm, kind, user_id, sealed, is_primary, verified_at, created_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        vec![
            identifier.digest.into(),
            identifier.realm.as_str().into(),
            identifier.kind.name().into(),
            identifier.user.bytes().as_slice().into(),
            identifier.sealed.into(),
            identifier.primary.into(),
            identifier.verified_at.into(),
            identifier.created_at.into(),
        ],
    )
}

pub(super) fn verify(identifier: &UserIdentifier) -> Write {
    any(
        "UPDATE user_identifier SET verified_at = ? \
         WHERE realm = ? AND kind = ? AND digest = ? AND user_id = ? AND verified_at IS NULL",
        vec![
            identifier.verified_at.into(),
            identifier.realm.as_str().into(),
            identifier.kind.name().into(),
            identifier.digest.into(),
            identifier.user.bytes().as_slice().into(),
        ],
    )
}

pub(super) fn update(identifier: &UserIdentifier) -> Write {
    let mut parameters = vec![identifier.primary.into(), identifier.verified_at.into()];
    parameters.extend(place(identifier));
    one(
        "UPDATE user_identifier SET is_primary = ?, verified_at = ? \
         WHERE realm = ? AND kind = ? AND digest = ? AND user_id = ?",
        parameters,
    )
}

pub(super) fn remove(identifier: &UserIdentifier) -> Write {
    one(
        "DELETE FROM user_identifier WHERE realm = ? AND kind = ? AND digest = ? AND user_id = ?",
        place(identifier).into(),
    )
}

/// What names its row, and whose it must be.
fn place(identifier: &UserIdentifier) -> [Value; 4] {
    [
        identifier.realm.as_str().into(),
        identifier.kind.name().into(),
        identifier.digest.into(),
        identifier.user.bytes().as_slice().into(),
    ]
}
