//! API keys.

use countersign_domain::{
    api_key::{ApiKey, ApiKeyKind},
    id::ApiKeyId,
    time::Timestamp,
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_api_keys() -> Statement {
    read(
        "SELECT id, app, kind, digest, label, created_at, expires_at, revoked_at, last_used_at FROM api_key ORDER BY id",
        vec![],
    )
}

pub(crate) fn read_api_key(row: Row) -> Result<ApiKey, Error> {
    let mut columns = Columns::new("api_key", row);
    Ok(ApiKey {
        id: ApiKeyId::from_bytes(columns.array("id")?),
        app: columns.parsed("app")?,
        kind: ApiKeyKind::from_name(&columns.text("kind")?).ok_or_else(|| columns.corrupt("kind"))?,
        digest: columns.digest("digest")?,
        label: columns.text("label")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.optional_time("expires_at")?,
        revoked_at: columns.optional_time("revoked_at")?,
        last_used_at: columns.optional_time("last_used_at")?,
    })
}

pub(super) fn insert(key: ApiKey) -> Write {
    one(
        "INSERT INTO api_key (id, app, kind, digest, label, created_at, expires_at, revoked_at, last_used_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        vec![
            key.id.bytes().as_slice().into(),
            key.app.as_str().into(),
            key.kind.name().into(),
            key.digest.into(),
            key.label.into(),
            key.created_at.into(),
            key.expires_at.into(),
            key.revoked_at.into(),
            key.last_used_at.into(),
        ],
    )
}

pub(super) fn revoke(id: ApiKeyId, at: Timestamp) -> Write {
    one(
        "UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
        vec![at.into(), id.bytes().as_slice().into()],
    )
}

pub(super) fn used(id: ApiKeyId, at: Timestamp) -> Write {
    any("UPDATE api_key SET last_used_at = ? WHERE id = ?", vec![at.into(), id.bytes().as_slice().into()])
}
