//! Signing keys, their private parts sealed.

use countersign_domain::{
    algorithm::Algorithm,
    changes::Retirement,
    realm::RealmName,
    signing_key::{Owner, StoredKey},
    time::Timestamp,
};

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_signing_keys() -> Statement {
    read(
        "SELECT id, realm, app, algorithm, generation, sealed, public, created_at, active_at, retires_at, gone_at \
         FROM signing_key ORDER BY realm, app, algorithm, generation",
        vec![],
    )
}

pub(crate) fn read_signing_key(row: Row) -> Result<StoredKey, Error> {
    let mut columns = Columns::new("signing_key", row);
    let id = columns.text("id")?;
    let (realm, app) = (columns.text("realm")?, columns.text("app")?);
    let owner = match (realm.as_str(), app.as_str()) {
        ("", "") => Owner::Server,
        (realm, "") => Owner::Realm(realm.parse().map_err(|_| columns.corrupt("realm"))?),
        ("", app) => Owner::App(app.parse().map_err(|_| columns.corrupt("app"))?),
        _ => return Err(columns.corrupt("realm")),
    };
    Ok(StoredKey {
        id,
        owner,
        algorithm: Algorithm::parse(&columns.text("algorithm")?)
            .ok_or_else(|| columns.corrupt("algorithm"))?,
        generation: columns.integer("generation")?,
        sealed: columns.bytes("sealed")?,
        public: columns.bytes("public")?,
        created_at: columns.time("created_at")?,
        active_at: columns.time("active_at")?,
        retires_at: columns.time("retires_at")?,
        gone_at: columns.time("gone_at")?,
    })
}

pub(super) fn insert(key: StoredKey) -> Write {
    let (realm, app) = match &key.owner {
        Owner::Server => ("", ""),
        Owner::Realm(realm) => (realm.as_str(), ""),
        Owner::App(app) => ("", app.as_str()),
    };
    one(
        "INSERT INTO signing_key (id, realm, app, algorithm, generation, sealed, public, created_at, active_at, \
         retires_at, gone_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        vec![
            key.id.into(),
            realm.into(),
            app.into(),
            key.algorithm.name().into(),
            key.generation.into(),
            key.sealed.into(),
            key.public.into(),
            key.created_at.into(),
            key.active_at.into(),
            key.retires_at.into(),
            key.gone_at.into(),
        ],
    )
}

pub(super) fn retire(retirement: Retirement) -> Write {
    one(
        "UPDATE signing_key SET retires_at = ?, gone_at = ? WHERE id = ?",
        vec![retirement.retires_at.into(), retirement.gone_at.into(), retirement.id.into()],
    )
}

/// Ends all but the shared secrets of apps, on every clock: none is before a key was made.
pub(crate) fn end_signing_keys() -> Write {
    any("UPDATE signing_key SET retires_at = created_at, gone_at = created_at WHERE app = ''", vec![])
}

/// Of a realm that is removed.
pub(super) fn remove_of_realm(realm: &RealmName) -> Write {
    any("DELETE FROM signing_key WHERE realm = ?", vec![realm.as_str().into()])
}

pub(crate) fn delete_gone_signing_keys(now: Timestamp) -> Write {
    any("DELETE FROM signing_key WHERE gone_at <= ?", vec![now.into()])
}
