//! One connection: how it is opened, asked, and what its errors mean.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    config::DbConfig,
    types::{ToSql, ToSqlOutput, ValueRef},
};

use crate::{
    Error,
    engine::{Row, Statement, Value},
};

/// Pages in the journal before they are carried into the database, 16 MiB of them: a page that many commits touch is
/// then carried once.
const CHECKPOINT: i64 = 4000;

/// How SQLite reaches the system: the file is this process's alone, so its connections tell each other in memory who reads
/// and who writes. Without it each read asks the system for a lock and gives it back.
const ALONE: &str = "unix-excl";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Takes the lock file beside the database. The system releases it when the process ends, however it ends.
pub(super) fn lock(path: &Path) -> Result<File, Error> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = private(&PathBuf::from(name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse),
        Err(TryLockError::Error(error)) => Err(Error::Unavailable(format!("the lock file: {error}"))),
    }
}

/// Makes sure that the file exists and that only its owner reads it; the journal inherits that.
pub(super) fn create(path: &Path) -> Result<(), Error> {
    private(path).map(drop)
}

fn private(path: &Path) -> Result<File, Error> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| Error::Unavailable(format!("{}: {error}", path.display())))
}

pub(super) fn open(path: &Path, access: Access) -> Result<Connection, Error> {
    let flags = match access {
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    };
    let connection = Connection::open_with_flags_and_vfs(path, flags, ALONE).map_err(error)?;
    keep_statements(&connection)?;
    connection.busy_timeout(std::time::Duration::from_secs(5)).map_err(error)?;
    if access == Access::Write {
        // The first that asks for the file: another program has it open when that is refused.
        let mode: String =
            connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(|found| {
                match error(found) {
                    Error::Conflict => Error::InUse,
                    other => other,
                }
            })?;
        if mode != "wal" {
            return Err(Error::Unavailable(format!(
                "the journal mode stayed at {mode}: WAL needs a local disk"
            )));
        }
        connection.pragma_update(None, "synchronous", "FULL").map_err(error)?;
        // What is deleted is overwritten: who asks to be forgotten is.
        connection.pragma_update(None, "secure_delete", "ON").map_err(error)?;
        // What a savepoint sets aside stays in memory.
        connection.pragma_update(None, "temp_store", "MEMORY").map_err(error)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT).map_err(error)?;
    }
    Ok(connection)
}

/// A reader to whom nothing changes any more.
pub(super) fn moment(path: &Path) -> Result<Connection, Error> {
    let connection = open(path, Access::Read)?;
    // The moment is that of the first read.
    connection.execute_batch("BEGIN").map_err(error)?;
    connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(())).map_err(error)?;
    Ok(connection)
}

/// A database in memory, gone with its connection.
pub(super) fn memory() -> Result<Connection, Error> {
    let connection = Connection::open_in_memory().map_err(error)?;
    keep_statements(&connection)?;
    Ok(connection)
}

/// Every statement is prepared once. A plan never depends on a bound value: otherwise a join is prepared anew each time
/// it is asked with another one.
fn keep_statements(connection: &Connection) -> Result<(), Error> {
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop).map_err(error)
}

/// Empties the journal, which still holds what was deleted; in the database itself it was overwritten.
pub(super) fn scrub(connection: &Connection) -> Result<(), Error> {
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: bool = connection.query_row(checkpoint, [], |row| row.get(0)).map_err(error)?;
    if busy { Err(Error::Unavailable("somebody reads the journal".to_owned())) } else { Ok(()) }
}

pub(super) fn query(connection: &Connection, statement: &Statement) -> Result<Vec<Row>, Error> {
    let mut prepared = connection.prepare_cached(statement.sql).map_err(error)?;
    let width = prepared.column_count();
    let mut found = prepared.query(rusqlite::params_from_iter(&statement.parameters)).map_err(error)?;
    let mut rows = Vec::new();
    while let Some(row) = found.next().map_err(error)? {
        rows.push(
            (0..width)
                .map(|column| row.get_ref(column).map(read))
                .collect::<Result<_, _>>()
                .map_err(error)?,
        );
    }
    Ok(rows)
}

pub(super) fn execute(connection: &Connection, statement: &Statement) -> Result<u64, Error> {
    let mut prepared = connection.prepare_cached(statement.sql).map_err(error)?;
    let touched = prepared.execute(rusqlite::params_from_iter(&statement.parameters)).map_err(error)?;
    Ok(touched as u64)
}

fn read(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Text(number.to_string()),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// What a SQLite error means to a caller. The message of the library may quote a statement, never a value.
pub(super) fn error(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::Conflict
        }
        _ => Error::Unavailable(error.to_string()),
    }
}
