//! Admin keys.

use countersign_domain::{admin_key::AdminKey, id::AdminKeyId, realm::RealmName, time::Timestamp};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_admin_keys() -> Statement {
    read(
        "SELECT id, realm, scopes, digest, label, created_at, expires_at, revoked_at, last_used_at FROM admin_key \
         ORDER BY id",
        vec![],
    )
}

pub(crate) fn read_admin_key(row: Row) -> Result<AdminKey, Error> {
    let mut columns = Columns::new("admin_key", row);
    Ok(AdminKey {
        id: AdminKeyId::from_bytes(columns.array("id")?),
        realm: match columns.text("realm")? {
            all if all.is_empty() => None,
            one => Some(one.parse().map_err(|_| columns.corrupt("realm"))?),
        },
        scopes: columns.parsed("scopes")?,
        digest: columns.digest("digest")?,
        label: columns.text("label")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.optional_time("expires_at")?,
        revoked_at: columns.optional_time("revoked_at")?,
        last_used_at: columns.optional_time("last_used_at")?,
    })
}

pub(super) fn insert(key: AdminKey) -> Write {
    one(
        "INSERT INTO admin_key (id, realm, scopes, digest, label, created_at, expires_at, revoked_at, last_used_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        vec![
            key.id.bytes().as_slice().into(),
            key.realm.as_ref().map_or("", RealmName::as_str).into(),
            key.scopes.to_string().into(),
            key.digest.into(),
            key.label.into(),
            key.created_at.into(),
            key.expires_at.into(),
            key.revoked_at.into(),
            key.last_used_at.into(),
        ],
    )
}

pub(super) fn revoke(id: AdminKeyId, at: Timestamp) -> Write {
    one(
        "UPDATE admin_key SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
        vec![at.into(), id.bytes().as_slice().into()],
    )
}

pub(super) fn used(id: AdminKeyId, at: Timestamp) -> Write {
    any("UPDATE admin_key SET last_used_at = ? WHERE id = ?", vec![at.into(), id.bytes().as_slice().into()])
}
