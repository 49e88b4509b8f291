//! Credentials beside passwords.

use countersign_domain::{
    assurance::Methods,
    credential::{Credential, CredentialKind},
    id::{CredentialId, UserId},
    realm::RealmName,
    secret::Digest,
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

macro_rules! columns {
    () => {
        "id, realm, user_id, kind, lookup, vouched_by, sealed, sealed_label, counter, created_at, used_at, version"
    };
}

pub(crate) fn select_credentials_of(user: UserId) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM credential WHERE user_id = ? ORDER BY id"),
        vec![user.bytes().as_slice().into()],
    )
}

pub(crate) fn select_credential_kinds(user: UserId) -> Statement {
    read(
        "SELECT DISTINCT kind FROM credential WHERE user_id = ? ORDER BY kind",
        vec![user.bytes().as_slice().into()],
    )
}

pub(crate) fn read_credential_kind(row: Row) -> Result<CredentialKind, Error> {
    let mut columns = Columns::new("credential", row);
    CredentialKind::from_name(&columns.text("kind")?).ok_or_else(|| columns.corrupt("kind"))
}

pub(crate) fn select_credential(realm: &RealmName, lookup: Digest) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM credential WHERE realm = ? AND lookup = ?"),
        vec![realm.as_str().into(), lookup.into()],
    )
}

pub(crate) fn read_credential(row: Row) -> Result<Credential, Error> {
    let mut columns = Columns::new("credential", row);
    Ok(Credential {
        id: CredentialId::from_bytes(columns.array("id")?),
        realm: columns.parsed("realm")?,
        user: UserId::from_bytes(columns.array("user_id")?),
        kind: CredentialKind::from_name(&columns.text("kind")?).ok_or_else(|| columns.corrupt("kind"))?,
        lookup: columns.optional_digest("lookup")?,
        vouched_by: Methods::from_names(&columns.text("vouched_by")?)
            .ok_or_else(|| columns.corrupt("vouched_by"))?,
        sealed: columns.bytes("sealed")?,
        sealed_label: columns.optional_bytes("sealed_label")?,
        counter: columns.integer("counter")?,
        created_at: columns.time("created_at")?,
        used_at: columns.optional_time("used_at")?,
        version: columns.integer("version")?,
    })
}

pub(super) fn save(credential: Credential) -> Write {
    let id = credential.id.bytes().as_slice().into();
    let version = credential.version;
    let mut parameters = vec![
        credential.sealed.into(),
        credential.sealed_label.into(),
        credential.counter.into(),
        credential.used_at.into(),
        credential.kind.name().into(),
        (version + 1).into(),
        id,
    ];
    if version == 0 {
        parameters.extend([
            credential.realm.as_str().into(),
            credential.user.bytes().as_slice().into(),
            credential.lookup.into(),
            credential.created_at.into(),
            credential.vouched_by.names().into(),
        ]);
        return one(
            "INSERT INTO credential (sealed, sealed_label, counter, used_at, kind, version, id, realm, \
             user_id, lookup, created_at, vouched_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            parameters,
        );
    }
    parameters.push(version.into());
    one(
        "UPDATE credential SET sealed = ?, sealed_label = ?, counter = ?, used_at = ?, kind = ?, version = ? \
         WHERE id = ? AND version = ?",
        parameters,
    )
}

pub(super) fn remove(id: CredentialId, version: i64) -> Write {
    one(
        "DELETE FROM credential WHERE id = ? AND version = ?",
        vec![id.bytes().as_slice().into(), version.into()],
    )
}

/// Removes what a user who is erased signed in with.
pub(super) fn erase(user: UserId) -> Write {
    any("DELETE FROM credential WHERE user_id = ?", vec![user.bytes().as_slice().into()])
}
