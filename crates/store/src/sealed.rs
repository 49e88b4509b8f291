//! Everything that is sealed, in one table: where it is, what it is sealed for, and whose key seals it. What is read
//! here is opened and sealed anew by somebody who has keys; what is written here replaces exactly what was read.

use std::sync::LazyLock;

use countersign_domain::realm::RealmName;

use crate::{
    Error, Store,
    engine::{Row, Statement, Value, Write},
    layout::{Table, tables},
    migration::MIGRATIONS,
    sql::{after_key, any, fixed, read},
};

/// A column with sealed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The columns whose bytes, one after the other, are the id that values are sealed for.
    pub id: &'static [&'static str],
    /// The column that names the realm whose key seals it; the server's own key does where there is none, or it is empty.
    pub realm: Option<&'static str>,
}

/// All of them. A migration that adds a column whose name begins with `sealed` adds a line here.
pub const SEALED: &[SealedColumn] = &[
    of("challenge", "sealed_address", &["id"], None),
    of("challenge", "sealed_origin", &["id"], None),
    of("message", "sealed", &["id"], None),
    of("signing_key", "sealed", &["id"], Some("realm")),
    of("realm_user", "sealed_profile", &["id"], Some("realm")),
    of("user_identifier", "sealed", &["digest"], Some("realm")),
    of("session", "sealed_device", &["id"], Some("realm")),
    of("app_password", "sealed", &["id"], Some("realm")),
    of("event_key", "sealed", &["user_id"], None),
    of("webhook_delivery", "sealed", &["id"], None),
    of("user_password", "sealed_hash", &["user_id"], None),
    of("password_wish", "sealed_hash", &["challenge"], None),
    of("user_undo", "sealed", &["link"], None),
    of("user_metadata", "sealed", &["subject"], None),
    of("credential", "sealed", &["id"], Some("realm")),
    of("credential", "sealed_label", &["id"], Some("realm")),
    of("pending_sign_in", "sealed", &["id"], Some("realm")),
    of("ceremony", "sealed", &["id"], Some("realm")),
    of("access_grant", "sealed", &["id"], Some("realm")),
];

/// Sealed columns that are never sealed anew, and why.
pub const UNTOUCHED: &[(&str, &str, &str)] =
    &[("event", "sealed", "a person's own key seals it, and the log's digests vouch for it as it is")];

const fn of(
    table: &'static str,
    column: &'static str,
    id: &'static [&'static str],
    realm: Option<&'static str>,
) -> SealedColumn {
    SealedColumn { table, column, id, realm }
}

/// A sealed value and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRow {
    /// The key of its row: where to go on after it.
    pub key: Vec<Value>,
    /// What it is sealed for.
    pub id: Vec<u8>,
    /// Whose key is to seal it.
    pub realm: Option<RealmName>,
    /// The value.
    pub sealed: Vec<u8>,
}

impl Store {
    /// The first `most` sealed values of a column whose keys follow `after`, in the order of their keys.
    ///
    /// # Errors
    /// As for every read.
    pub async fn sealed_rows(
        &self,
        column: &SealedColumn,
        after: Option<&[Value]>,
        most: i64,
    ) -> Result<Vec<SealedRow>, Error> {
        let table = table_of(column)?;
        let (condition, mut parameters) = after_key(&table.key, after, self.engine.compares_rows());
        let key = table.key.join(", ");
        let mut wanted = vec![key.clone()];
        wanted.extend(column.id.iter().map(|id| (*id).to_owned()));
        wanted.extend(column.realm.map(str::to_owned));
        let SealedColumn { table: name, column: sealed, .. } = column;
        let sql = format!(
            "SELECT {}, {sealed} FROM {name} WHERE {sealed} IS NOT NULL AND {condition} ORDER BY {key} LIMIT ?",
            wanted.join(", ")
        );
        parameters.push(most.into());
        let rows = self.engine.query(read(fixed(sql), parameters)).await?;
        rows.into_iter().map(|row| split(column, table.key.len(), row)).collect()
    }

    /// Replaces sealed values where they are still what was read; returns how many were.
    ///
    /// # Errors
    /// As for every commit.
    pub async fn reseal(
        &self,
        column: &SealedColumn,
        values: Vec<(SealedRow, Vec<u8>)>,
    ) -> Result<u64, Error> {
        let table = table_of(column)?;
        let writes = values.into_iter().map(|(row, sealed)| replace(column, table, row, sealed)).collect();
        Ok(self.engine.commit(writes).await?.into_iter().sum())
    }

    /// How many values of a column there are by their first five bytes, which tell the key they were sealed with.
    ///
    /// # Errors
    /// As for every read. It reads the whole table.
    pub async fn sealed_heads(&self, column: &SealedColumn) -> Result<Vec<(Vec<u8>, i64)>, Error> {
        let SealedColumn { table, column: sealed, .. } = column;
        let sql = format!(
            "SELECT SUBSTR({sealed}, 1, 5), COUNT(*) FROM {table} WHERE {sealed} IS NOT NULL \
             GROUP BY SUBSTR({sealed}, 1, 5)"
        );
        let rows = self.engine.query(Statement { sql: fixed(sql), parameters: Vec::new() }).await?;
        rows.into_iter()
            .map(|row| match <[Value; 2]>::try_from(row) {
                Ok([Value::Bytes(head), Value::Integer(count)]) => Ok((head, count)),
                _ => Err(corrupt(column)),
            })
            .collect()
    }
}

fn table_of(column: &SealedColumn) -> Result<&'static Table, Error> {
    /// Read off the migrations once: whoever seals anew asks for each handful of rows.
    static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| tables(MIGRATIONS));
    let found = TABLES.iter().find(|table| table.name == column.table);
    found.ok_or_else(|| Error::Unavailable(format!("there is no table {}", column.table)))
}

fn corrupt(column: &SealedColumn) -> Error {
    Error::Corrupt { table: column.table, column: column.column, id: String::new() }
}

fn split(column: &SealedColumn, key: usize, mut row: Row) -> Result<SealedRow, Error> {
    let Some(Value::Bytes(sealed)) = row.pop() else { return Err(corrupt(column)) };
    let realm = match column.realm.map(|_| row.pop()) {
        Some(Some(Value::Text(name))) if name.is_empty() => None,
        Some(Some(Value::Text(name))) => Some(name.parse().map_err(|_| corrupt(column))?),
        Some(_) => return Err(corrupt(column)),
        None => None,
    };
    let mut id = Vec::new();
    for part in row.split_off(key) {
        match part {
            Value::Bytes(bytes) => id.extend(bytes),
            Value::Text(text) => id.extend(text.into_bytes()),
            Value::Integer(number) => id.extend(number.to_be_bytes()),
            Value::Null => return Err(corrupt(column)),
        }
    }
    Ok(SealedRow { key: row, id, realm, sealed })
}

/// Whoever read the row before must not write back what it held: where rows have versions, this is one more.
fn replace(column: &SealedColumn, table: &Table, row: SealedRow, sealed: Vec<u8>) -> Write {
    let version = if table.has("version") { ", version = version + 1" } else { "" };
    let key: String = table.key.iter().map(|name| format!("{name} = ? AND ")).collect();
    let SealedColumn { table: name, column, .. } = column;
    let sql = format!("UPDATE {name} SET {column} = ?{version} WHERE {key}{column} = ?");
    let mut parameters = vec![Value::Bytes(sealed)];
    parameters.extend(row.key);
    parameters.push(Value::Bytes(row.sealed));
    any(fixed(sql), parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p33_every_sealed_column_of_the_schema_is_sealed_anew() {
        let tables = tables(MIGRATIONS);
        let mut listed: Vec<_> =
            SEALED.iter().map(|column| (column.table.to_owned(), column.column.to_owned())).collect();
        let mut found: Vec<(String, String)> = Vec::new();
        for table in &tables {
            let sealed = table.columns.iter().filter(|column| column.name.starts_with("sealed"));
            found.extend(sealed.map(|column| (table.name.clone(), column.name.clone())));
        }
        listed.extend(UNTOUCHED.iter().map(|(table, column, _)| ((*table).to_owned(), (*column).to_owned())));
        listed.sort();
        found.sort();
        assert_eq!(found, listed, "add the column to SEALED in store/src/sealed.rs");
        for column in SEALED {
            let table = tables.iter().find(|table| table.name == column.table).unwrap();
            assert!(column.id.iter().chain(&column.realm).all(|name| table.has(name)), "{column:?}");
        }
    }
}
