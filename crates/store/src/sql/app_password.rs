//! App passwords.

use countersign_domain::{
    app_password::AppPassword,
    id::{AppPasswordId, UserId},
    secret::Digest,
    time::Timestamp,
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

macro_rules! columns {
    () => {
        "id, realm, user_id, digest, sealed, created_at, expires_at, used_at"
    };
}

pub(crate) fn select_app_password(digest: Digest) -> Statement {
    read(concat!("SELECT ", columns!(), " FROM app_password WHERE digest = ?"), vec![digest.into()])
}

pub(crate) fn select_app_passwords_of(user: UserId) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM app_password WHERE user_id = ? ORDER BY id"),
        vec![user.bytes().as_slice().into()],
    )
}

pub(crate) fn read_app_password(row: Row) -> Result<AppPassword, Error> {
    let mut columns = Columns::new("app_password", row);
    Ok(AppPassword {
        id: AppPasswordId::from_bytes(columns.array("id")?),
        realm: columns.parsed("realm")?,
        user: UserId::from_bytes(columns.array("user_id")?),
        digest: columns.digest("digest")?,
        sealed: columns.bytes("sealed")?,
        created_at: columns.time("created_at")?,
        expires_at: columns.optional_time("expires_at")?,
        used_at: columns.optional_time("used_at")?,
    })
}

pub(super) fn insert(password: AppPassword) -> Write {
    one(
        concat!("INSERT INTO app_password (", columns!(), ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
        vec![
            password.id.bytes().as_slice().into(),
            password.realm.as_str().into(),
            password.user.bytes().as_slice().into(),
            password.digest.into(),
            password.sealed.into(),
            password.created_at.into(),
            password.expires_at.into(),
            password.used_at.into(),
        ],
    )
}

pub(super) fn used(id: AppPasswordId, at: Timestamp) -> Write {
    any("UPDATE app_password SET used_at = ? WHERE id = ?", vec![at.into(), id.bytes().as_slice().into()])
}

pub(super) fn remove(id: AppPasswordId) -> Write {
    one("DELETE FROM app_password WHERE id = ?", vec![id.bytes().as_slice().into()])
}

pub(super) fn remove_all(user: UserId) -> Write {
    any("DELETE FROM app_password WHERE user_id = ?", vec![user.bytes().as_slice().into()])
}
