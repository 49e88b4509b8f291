//! Sealing keys, wrapped.

use countersign_domain::sealing_key::StoredSealingKey;

use super::{any, one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_sealing_keys() -> Statement {
    read(
        "SELECT number, realm, generation, wrapped, handover, created_at, active_at FROM sealing_key \
         ORDER BY realm, generation",
        vec![],
    )
}

pub(crate) fn read_sealing_key(row: Row) -> Result<StoredSealingKey, Error> {
    let mut columns = Columns::new("sealing_key", row);
    let number = columns.number("number")?;
    let realm = columns.text("realm")?;
    let realm =
        if realm.is_empty() { None } else { Some(realm.parse().map_err(|_| columns.corrupt("realm"))?) };
    Ok(StoredSealingKey {
        number,
        realm,
        generation: columns.integer("generation")?,
        wrapped: columns.bytes("wrapped")?,
        handover: columns.optional_bytes("handover")?,
        created_at: columns.time("created_at")?,
        active_at: columns.time("active_at")?,
    })
}

pub(crate) fn insert_sealing_key(key: StoredSealingKey) -> Write {
    one(
        "INSERT INTO sealing_key (number, realm, generation, wrapped, handover, created_at, active_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        vec![
            i64::from(key.number).into(),
            key.realm.as_ref().map_or("", |realm| realm.as_str()).into(),
            key.generation.into(),
            key.wrapped.into(),
            key.handover.into(),
            key.created_at.into(),
            key.active_at.into(),
        ],
    )
}

/// Wraps a key anew; one that is gone is a conflict.
pub(crate) fn rewrap_sealing_key(number: u32, wrapped: Vec<u8>) -> Write {
    one("UPDATE sealing_key SET wrapped = ? WHERE number = ?", vec![wrapped.into(), i64::from(number).into()])
}

pub(crate) fn delete_sealing_key(number: u32) -> Write {
    any("DELETE FROM sealing_key WHERE number = ?", vec![i64::from(number).into()])
}

/// Ends what was handed over to nodes without the new master key.
pub(crate) fn end_handovers() -> Write {
    any("UPDATE sealing_key SET handover = NULL WHERE handover IS NOT NULL", vec![])
}
