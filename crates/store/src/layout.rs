//! The tables that a list of migrations makes, read off their text: what is copied and sealed anew cannot forget one.

use crate::migration::Migration;

/// What a column holds, as migrations spell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{integer}`.
    Integer,
    /// `{name}` and `{text}`.
    Text,
    /// `{key}` and `{bytes}`.
    Bytes,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may hold nothing.
    pub nullable: bool,
}

/// One table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The columns of its primary key, in order.
    pub key: Vec<String>,
}

impl Table {
    /// The names of its columns with commas between.
    pub(crate) fn column_list(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Where a column stands.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// Whether there is such a column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.position(column).is_some()
    }
}

/// The tables after these steps, in the order in which they are made.
#[must_use]
pub fn tables(migrations: &[Migration]) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for migration in migrations {
        for statement in statements(migration.sql) {
            apply(&statement, &mut tables);
        }
    }
    tables
}

fn statements(sql: &str) -> Vec<String> {
    let bare: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    bare.join("\n").split(";\n").map(|statement| statement.trim().trim_end_matches(';').to_owned()).collect()
}

fn apply(statement: &str, tables: &mut Vec<Table>) {
    if let Some(rest) = statement.strip_prefix("CREATE TABLE ") {
        tables.extend(created(rest));
    } else if let Some(name) = statement.strip_prefix("DROP TABLE ") {
        tables.retain(|table| table.name != name.trim());
    } else if let Some(rest) = statement.strip_prefix("ALTER TABLE ") {
        altered(rest, tables);
    }
}

fn created(rest: &str) -> Option<Table> {
    let (name, body) = rest.split_once('(')?;
    let (body, _) = body.rsplit_once(')')?;
    let mut table = Table { name: name.trim().to_owned(), columns: Vec::new(), key: Vec::new() };
    for part in parts(body) {
        if let Some(list) = part.strip_prefix("PRIMARY KEY") {
            let list = list.trim().trim_matches(['(', ')']);
            table.key = list.split(',').map(|column| column.trim().to_owned()).collect();
        } else if let Some(column) = column(&part) {
            if part.contains("PRIMARY KEY") {
                table.key = vec![column.name.clone()];
            }
            table.columns.push(column);
        }
    }
    Some(table)
}

fn altered(rest: &str, tables: &mut [Table]) -> Option<()> {
    let (name, change) = rest.split_once(char::is_whitespace)?;
    let table = tables.iter_mut().find(|table| table.name == name)?;
    let change = change.trim();
    if let Some(definition) = change.strip_prefix("ADD COLUMN ") {
        table.columns.push(column(definition)?);
    } else if let Some(gone) = change.strip_prefix("DROP COLUMN ") {
        table.columns.retain(|column| column.name != gone.trim());
    } else if let Some((from, to)) =
        change.strip_prefix("RENAME COLUMN ").and_then(|rest| rest.split_once(" TO "))
    {
        table.columns.iter_mut().find(|column| column.name == from.trim())?.name = to.trim().to_owned();
    }
    Some(())
}

/// The parts between commas that stand in no brackets.
fn parts(body: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in body.chars() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        if letter == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(letter);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn column(definition: &str) -> Option<Column> {
    let mut words = definition.split_whitespace();
    let name = words.next()?.to_owned();
    let kind = match words.next()? {
        "{integer}" => Kind::Integer,
        "{name}" | "{text}" => Kind::Text,
        "{key}" | "{bytes}" => Kind::Bytes,
        _ => return None,
    };
    Some(Column { name, kind, nullable: !definition.contains("NOT NULL") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::MIGRATIONS;

    #[test]
    fn a_table_is_read_as_it_is_written() {
        let sql = "-- A table, (with brackets).\nCREATE TABLE a (\n  x {name} NOT NULL,\n  y {bytes},\n  \
                   PRIMARY KEY (x, y)\n) {table};\nCREATE INDEX i ON a (y);\nCREATE TABLE b (z {integer} NOT NULL PRIMARY KEY) \
                   {table};\nALTER TABLE a ADD COLUMN w {integer} NOT NULL DEFAULT 0;\nALTER TABLE a DROP COLUMN y;\n";
        let found = tables(&[Migration { version: 1, sql }]);
        let column = |name: &str, kind, nullable| Column { name: name.to_owned(), kind, nullable };
        let a = vec![column("x", Kind::Text, false), column("w", Kind::Integer, false)];
        assert_eq!(found[0].columns, a);
        assert_eq!(found[0].key, ["x", "y"]);
        assert_eq!((found[1].name.as_str(), found[1].key.as_slice()), ("b", ["z".to_owned()].as_slice()));
    }

    /// What is read off the text is what a database has.
    #[test]
    fn every_table_of_the_program_is_known_as_a_database_has_it() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let types = crate::migration::Types {
            integer: "INTEGER",
            name: "TEXT",
            text: "TEXT",
            key: "BLOB",
            bytes: "BLOB",
            table: "WITHOUT ROWID",
        };
        for statement in MIGRATIONS.iter().flat_map(|migration| migration.statements(&types)) {
            connection.execute_batch(&statement).unwrap();
        }
        let known = tables(MIGRATIONS);
        let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
        let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(names.len(), known.len());
        for table in &known {
            let sql = format!(
                "SELECT name, type, \"notnull\", pk FROM pragma_table_info('{}') ORDER BY cid",
                table.name
            );
            let mut found = connection.prepare(&sql).unwrap();
            let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
            let rows: Vec<(String, String, bool, i64)> =
                found.query_map([], read).unwrap().map(Result::unwrap).collect();
            assert_eq!(rows.len(), table.columns.len(), "{}", table.name);
            for ((name, kind, full, key), column) in rows.iter().zip(&table.columns) {
                let kinds = match kind.as_str() {
                    "INTEGER" => Kind::Integer,
                    "TEXT" => Kind::Text,
                    _ => Kind::Bytes,
                };
                assert_eq!(
                    (name, kinds, !full),
                    (&column.name, column.kind, column.nullable),
                    "{}",
                    table.name
                );
                let place =
                    table.key.iter().position(|part| part == name).map_or(0, |place| place as i64 + 1);
                assert_eq!(*key, place, "{}.{name}", table.name);
            }
        }
    }
}
