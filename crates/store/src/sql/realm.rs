//! Realms that were made through the API.

use countersign_domain::{realm::RealmName, stored_realm::StoredRealm};

use super::{any, one, read, row::Columns, signing_key};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_realms() -> Statement {
    read("SELECT name, settings, created_at, version FROM realm ORDER BY name", vec![])
}

pub(crate) fn read_realm(row: Row) -> Result<StoredRealm, Error> {
    let mut columns = Columns::new("realm", row);
    Ok(StoredRealm {
        name: columns.parsed("name")?,
        settings: columns.text("settings")?,
        created_at: columns.time("created_at")?,
        version: columns.integer("version")?,
    })
}

pub(super) fn save(realm: StoredRealm) -> Write {
    let name = realm.name.as_str().into();
    if realm.version == 0 {
        return one(
            "INSERT INTO realm (settings, created_at, version, name) VALUES (?, ?, ?, ?)",
            vec![realm.settings.into(), realm.created_at.into(), 1.into(), name],
        );
    }
    one(
        "UPDATE realm SET settings = ?, version = ? WHERE name = ? AND version = ?",
        vec![realm.settings.into(), (realm.version + 1).into(), name, realm.version.into()],
    )
}

/// Its keys and invitations go with it: a later realm of the same name is another one. So do the keys that signed for its
/// apps, of which there are none any more.
pub(super) fn remove(name: &RealmName, version: i64) -> [Write; 5] {
    [
        one(
            "DELETE FROM realm WHERE name = ? AND version = ? \
             AND NOT EXISTS (SELECT 1 FROM realm_user WHERE realm_user.realm = ?)",
            vec![name.as_str().into(), version.into(), name.as_str().into()],
        ),
        any("DELETE FROM admin_key WHERE realm = ?", vec![name.as_str().into()]),
        any("DELETE FROM invitation WHERE realm = ?", vec![name.as_str().into()]),
        any("DELETE FROM access_grant WHERE realm = ?", vec![name.as_str().into()]),
        signing_key::remove_of_realm(name),
    ]
}
