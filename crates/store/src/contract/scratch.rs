//! A table with every type in it, and short ways to write and read it.

use std::sync::Arc;

use crate::{
    Error,
    engine::{Engine, Expect, Row, Statement, Value, Write},
    migration::{MIGRATIONS, Migration},
};

const TABLES: &str = "
CREATE TABLE scratch (
  id {key} NOT NULL PRIMARY KEY,
  number {integer},
  name {name} UNIQUE,
  words {text},
  digest {key},
  content {bytes},
  version {integer} NOT NULL
) {table};
CREATE TABLE scratch_step (
  at_version {integer} NOT NULL
) {table};
CREATE INDEX scratch_number ON scratch (number);
INSERT INTO scratch_step (at_version) VALUES (1);
";

/// The same step as it is when the server stops in the middle of it.
const INTERRUPTED: &str = "
CREATE TABLE scratch (
  id {key} NOT NULL PRIMARY KEY,
  number {integer},
  name {name} UNIQUE,
  words {text},
  digest {key},
  content {bytes},
  version {integer} NOT NULL
) {table};
CREATE INDEX scratch_number ON scratch (number);
CREATE TABLE no type at all;
";

const INSERT: &str =
    "INSERT INTO scratch (id, number, name, words, digest, content, version) VALUES (?, ?, ?, ?, ?, ?, ?)";

/// The program's steps and one more.
pub(super) fn migrations() -> Vec<Migration> {
    followed_by(TABLES)
}

/// The program's steps and one more that fails after half of it.
pub(super) fn interrupted_migrations() -> Vec<Migration> {
    followed_by(INTERRUPTED)
}

fn followed_by(sql: &'static str) -> Vec<Migration> {
    let mut migrations = MIGRATIONS.to_vec();
    let version = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0) + 1;
    migrations.push(Migration { version, sql });
    migrations
}

/// Makes the scratch tables.
pub(super) async fn prepare(engine: &Arc<dyn Engine>) {
    let migrations = migrations();
    let reached = engine.migrate(&migrations).await;
    assert_eq!(reached.ok(), migrations.last().map(|migration| migration.version));
}

pub(super) fn bytes(text: &str) -> Value {
    Value::Bytes(text.as_bytes().to_vec())
}

pub(super) fn write(sql: &'static str, parameters: Vec<Value>, expect: Expect) -> Write {
    Write { statement: Statement { sql, parameters }, expect }
}

/// A new row with `number` and nothing else.
pub(super) fn insert(id: &str, number: i64) -> Write {
    let nothing = Value::Null;
    let name = nothing.clone();
    insert_all(id, [Value::Integer(number), name, nothing.clone(), nothing.clone(), nothing])
}

/// A new row with all its columns: number, name, words, digest, content.
pub(super) fn insert_all(id: &str, columns: [Value; 5]) -> Write {
    let mut parameters = vec![bytes(id)];
    parameters.extend(columns);
    parameters.push(Value::Integer(0));
    write(INSERT, parameters, Expect::One)
}

/// Sets `number` if the row still has `version`.
pub(super) fn update(id: &str, number: i64, version: i64) -> Write {
    write(
        "UPDATE scratch SET number = ?, version = version + 1 WHERE id = ? AND version = ?",
        vec![Value::Integer(number), bytes(id), Value::Integer(version)],
        Expect::One,
    )
}

/// Adds one to the row's version, whatever it is.
pub(super) fn increment(id: &str) -> Write {
    write("UPDATE scratch SET version = version + 1 WHERE id = ?", vec![bytes(id)], Expect::One)
}

pub(super) async fn query(engine: &Arc<dyn Engine>, sql: &'static str, parameters: Vec<Value>) -> Vec<Row> {
    match engine.query(Statement { sql, parameters }).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    }
}

/// How many rows the scratch table has.
pub(super) async fn count(engine: &Arc<dyn Engine>) -> i64 {
    single(&query(engine, "SELECT COUNT(*) FROM scratch", Vec::new()).await)
}

/// The row's number, if there is such a row.
pub(super) async fn number(engine: &Arc<dyn Engine>, id: &str) -> Option<Value> {
    let rows = query(engine, "SELECT number FROM scratch WHERE id = ?", vec![bytes(id)]).await;
    rows.into_iter().next().and_then(|row| row.into_iter().next())
}

/// The only value of the only row.
pub(super) fn single(rows: &[Row]) -> i64 {
    match rows {
        [row] => match row.as_slice() {
            [Value::Integer(integer)] => *integer,
            _ => panic!("not one integer: {row:?}"),
        },
        _ => panic!("not one row: {rows:?}"),
    }
}

/// Asserts that a commit was refused because of another write.
pub(super) fn assert_conflict(outcome: &Result<Vec<u64>, Error>) {
    assert!(matches!(outcome, Err(Error::Conflict)), "{outcome:?}");
}
