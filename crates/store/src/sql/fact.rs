//! Small facts about this database.

use super::{one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Write},
};

pub(crate) fn select_fact(name: &str) -> Statement {
    read("SELECT name, value, version FROM fact WHERE name = ?", vec![name.into()])
}

pub(crate) fn read_fact(row: Row) -> Result<(Vec<u8>, i64), Error> {
    let mut columns = Columns::new("fact", row);
    columns.text("name")?;
    Ok((columns.bytes("value")?, columns.integer("version")?))
}

/// Writes a fact that was read at `version`; 0 for one that was not there.
pub(crate) fn save_fact(name: &str, value: Vec<u8>, version: i64) -> Write {
    let mut parameters = vec![value.into(), (version + 1).into(), name.into()];
    if version == 0 {
        return one("INSERT INTO fact (value, version, name) VALUES (?, ?, ?)", parameters);
    }
    parameters.push(version.into());
    one("UPDATE fact SET value = ?, version = ? WHERE name = ? AND version = ?", parameters)
}
