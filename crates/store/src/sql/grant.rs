//! Grants: found by the digests of who holds them and what for.

use countersign_domain::{grant::StoredGrant, id::GrantId, realm::RealmName, secret::Digest};

use super::{any, fixed, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Value, Write},
};

macro_rules! columns {
    () => {
        "id, realm, holder, target, sealed, expires_at, version"
    };
}

/// Those of some names, which are one at least. A list is filled up to the next power of two with its last name, so that
/// an engine prepares few statements.
pub(crate) fn select_grants(ids: &[GrantId]) -> Statement {
    let mut parameters: Vec<Value> = ids.iter().map(|id| id.bytes().as_slice().into()).collect();
    let sql = concat!("SELECT ", columns!(), " FROM access_grant WHERE id IN (");
    let sql = format!("{sql}{})", fill(&mut parameters));
    read(fixed(sql), parameters)
}

/// The same by their holders, a part at a time.
pub(crate) fn select_grants_of_holders(holders: &[Digest], after: GrantId, most: i64) -> Statement {
    let mut parameters: Vec<Value> = holders.iter().map(|holder| (*holder).into()).collect();
    let sql = concat!("SELECT ", columns!(), " FROM access_grant WHERE holder IN (");
    let sql = format!("{sql}{}) AND id > ? ORDER BY id LIMIT ?", fill(&mut parameters));
    parameters.extend([after.bytes().as_slice().into(), most.into()]);
    read(fixed(sql), parameters)
}

pub(crate) fn select_grants_of_target(target: Digest, after: GrantId, most: i64) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM access_grant WHERE target = ? AND id > ? ORDER BY id LIMIT ?"),
        vec![target.into(), after.bytes().as_slice().into(), most.into()],
    )
}

pub(crate) fn select_grants_of_realm(realm: &RealmName, after: GrantId, most: i64) -> Statement {
    read(
        concat!("SELECT ", columns!(), " FROM access_grant WHERE realm = ? AND id > ? ORDER BY id LIMIT ?"),
        vec![realm.as_str().into(), after.bytes().as_slice().into(), most.into()],
    )
}

/// Repeats the last of some parameters until their number is a power of two; returns a place for each.
fn fill(parameters: &mut Vec<Value>) -> String {
    if let Some(last) = parameters.last().cloned() {
        parameters.resize(parameters.len().next_power_of_two(), last);
    }
    vec!["?"; parameters.len()].join(", ")
}

pub(crate) fn read_grant(row: Row) -> Result<StoredGrant, Error> {
    let mut columns = Columns::new("access_grant", row);
    Ok(StoredGrant {
        id: GrantId::from_bytes(columns.array("id")?),
        realm: columns.parsed("realm")?,
        holder: columns.digest("holder")?,
        target: columns.digest("target")?,
        sealed: columns.bytes("sealed")?,
        expires_at: columns.optional_time("expires_at")?,
        version: columns.integer("version")?,
    })
}

/// Inserts version 0 as 1, else replaces what is sealed and the end of exactly that version.
pub(super) fn save(grant: StoredGrant) -> Write {
    let id = grant.id.bytes().as_slice().into();
    if grant.version == 0 {
        return one(
            "INSERT INTO access_grant (id, realm, holder, target, sealed, expires_at, version) \
             VALUES (?, ?, ?, ?, ?, ?, 1)",
            vec![
                id,
                grant.realm.as_str().into(),
                grant.holder.into(),
                grant.target.into(),
                grant.sealed.into(),
                grant.expires_at.into(),
            ],
        );
    }
    one(
        "UPDATE access_grant SET sealed = ?, expires_at = ?, version = ? WHERE id = ? AND version = ?",
        vec![
            grant.sealed.into(),
            grant.expires_at.into(),
            (grant.version + 1).into(),
            id,
            grant.version.into(),
        ],
    )
}

pub(super) fn remove(id: GrantId, version: i64) -> Write {
    one(
        "DELETE FROM access_grant WHERE id = ? AND version = ?",
        vec![id.bytes().as_slice().into(), version.into()],
    )
}

pub(super) fn remove_of_holder(holder: Digest) -> Write {
    any("DELETE FROM access_grant WHERE holder = ?", vec![holder.into()])
}
