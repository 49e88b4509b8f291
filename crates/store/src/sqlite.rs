//! SQLite: one file, one writer thread, durable commits shared by everybody who waits.
//!
//! Reads run where they are asked for, on a connection from a small pool: a point read takes a few microseconds,
//! less than handing it to another thread. Writes go to one thread that gathers the waiting commits into one
//! transaction and answers all of them after one fsync (WAL, `synchronous=FULL`). When one of them fails, the
//! transaction begins anew with a savepoint for each.

mod connection;
mod writer;

use std::{fs::File, path::Path, sync::Arc};

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rusqlite::Connection;

use self::writer::{Job, Writer};
use crate::{
    Error,
    engine::{Engine, Row, Snapshot, Statement, Write},
    migration::Migration,
};

/// A SQLite database, in a file that belongs to this process alone or in memory.
pub struct Sqlite {
    writer: Writer,
    /// Idle connections for reads; none for a database in memory, which only the writer can see.
    readers: Option<Arc<Readers>>,
    /// Held as long as the database is open, so that no second server opens it.
    _lock: Option<File>,
}

struct Readers {
    path: std::path::PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Sqlite {
    /// Opens or creates the database file at `path` (mode 0600) and takes the lock beside it.
    ///
    /// # Errors
    /// [`Error::InUse`] when another process holds the lock, [`Error::Unavailable`] when the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let lock = connection::lock(path)?;
        connection::create(path)?;
        let connection = connection::open(path, connection::Access::Write)?;
        let readers = Arc::new(Readers { path: path.to_owned(), idle: Mutex::new(Vec::new()) });
        Ok(Self { writer: Writer::start(connection)?, readers: Some(readers), _lock: Some(lock) })
    }

    /// A database in memory, gone when this is dropped.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is no memory or thread for it.
    pub fn memory() -> Result<Self, Error> {
        let connection = connection::memory()?;
        Ok(Self { writer: Writer::start(connection)?, readers: None, _lock: None })
    }
}

impl Readers {
    fn query(&self, statement: &Statement) -> Result<Vec<Row>, Error> {
        let idle = self.idle.lock().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connection::open(&self.path, connection::Access::Read)?,
        };
        let rows = connection::query(&connection, statement)?;
        self.idle.lock().push(connection);
        Ok(rows)
    }
}

/// A reader that began and does not end: the journal keeps what it saw.
struct Moment(Connection);

impl Snapshot for Moment {
    fn query(&mut self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        Box::pin(std::future::ready(connection::query(&self.0, &statement)))
    }
}

impl Engine for Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn query(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        match &self.readers {
            Some(readers) => Box::pin(std::future::ready(readers.query(&statement))),
            None => self.writer.ask(|answer| Job::Query(statement, answer)),
        }
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>, Error>> {
        let moment = match &self.readers {
            Some(readers) => connection::moment(&readers.path).map(|reader| Box::new(Moment(reader)) as _),
            None => {
                Err(Error::Unavailable("a database in memory keeps nothing that could be copied".to_owned()))
            }
        };
        Box::pin(std::future::ready(moment))
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Vec<u64>, Error>> {
        let committed = self.writer.ask(|answer| Job::Commit(writes, answer));
        Box::pin(async { committed.await?.outcome })
    }

    fn migrate<'a>(&'a self, migrations: &'a [Migration]) -> BoxFuture<'a, Result<i64, Error>> {
        self.writer.ask(|answer| Job::Migrate(migrations.to_vec(), answer))
    }

    fn version(&self) -> BoxFuture<'_, Result<i64, Error>> {
        self.writer.ask(Job::Version)
    }

    fn scrub(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.writer.ask(Job::Scrub)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            if let Some(readers) = &self.readers {
                readers.idle.lock().clear();
            }
            let _ = self.writer.ask(Job::Close).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Expect, Value};

    #[tokio::test]
    async fn p29_the_writer_waits_for_the_disk_at_every_commit() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("store.db")).unwrap();
        for (sql, expected) in [
            ("PRAGMA synchronous", Value::Integer(2)),
            ("PRAGMA journal_mode", Value::Text("wal".to_owned())),
        ] {
            let statement = Statement { sql, parameters: Vec::new() };
            let found = sqlite.writer.ask(|answer| Job::Query(statement, answer)).await.unwrap();
            assert_eq!(found, [[expected]], "{sql}");
        }
    }

    #[test]
    fn no_plan_depends_on_a_bound_value_in_a_file_or_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let file = |access| {
            let path = folder.path().join("store.db");
            connection::create(&path).unwrap();
            connection::open(&path, access).unwrap()
        };
        let memory = connection::memory().unwrap();
        for connection in [file(connection::Access::Write), file(connection::Access::Read), memory] {
            let stable = rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG;
            assert!(connection.db_config(stable).unwrap());
        }
    }

    #[tokio::test]
    async fn a_commit_that_fails_takes_none_of_its_group_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("store.db")).unwrap();
        let write = |sql, number: i64, expect| {
            let parameters = vec![Value::Integer(number)];
            crate::engine::Write { statement: Statement { sql, parameters }, expect }
        };
        let table = "CREATE TABLE step (\n  number {integer} NOT NULL PRIMARY KEY\n) {table};\n";
        sqlite.migrate(&[Migration { version: 1, sql: table }]).await.unwrap();
        const INSERT: &str = "INSERT INTO step (number) VALUES (?)";
        const DELETE: &str = "DELETE FROM step WHERE number = ?";
        // All of them wait before the first is answered; every tenth first writes a row, then fails.
        let waiting: Vec<_> = (0..100)
            .map(|number| {
                let mut writes = vec![write(INSERT, number, Expect::One)];
                if number % 10 == 3 {
                    writes.push(write(DELETE, 1000, Expect::One));
                }
                sqlite.commit(writes)
            })
            .collect();
        // Whoever goes away takes nobody's answer along.
        let kept = waiting.into_iter().enumerate().filter(|(number, _)| number % 7 != 0);
        for (number, commit) in kept.collect::<Vec<_>>() {
            match commit.await {
                Err(error) => {
                    assert!(number % 10 == 3 && matches!(error, Error::Conflict), "{number}: {error}")
                }
                Ok(touched) => assert!(number % 10 != 3 && touched == [1], "{number}: {touched:?}"),
            }
        }
        let count = Statement {
            sql: "SELECT COUNT(*), COUNT(NULLIF(number % 10, 3)) FROM step",
            parameters: Vec::new(),
        };
        assert_eq!(sqlite.query(count).await.unwrap(), [[Value::Integer(90), Value::Integer(90)]]);
    }

    #[tokio::test]
    async fn p39_a_full_disk_in_the_middle_of_a_group_leaves_what_was_promised_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("store.db")).unwrap();
        let table =
            "CREATE TABLE step (\n  number {integer} NOT NULL PRIMARY KEY,\n  filling {bytes}\n) {table};\n";
        sqlite.migrate(&[Migration { version: 1, sql: table }]).await.unwrap();
        let write = |number: i64, bytes: usize| crate::engine::Write {
            statement: Statement {
                sql: "INSERT INTO step (number, filling) VALUES (?, ?)",
                parameters: vec![Value::Integer(number), Value::Bytes(vec![7; bytes])],
            },
            expect: Expect::One,
        };
        let limit =
            |sql| sqlite.writer.ask(|answer| Job::Query(Statement { sql, parameters: Vec::new() }, answer));
        let mut promised = Vec::new();
        for round in 0..6 {
            limit("PRAGMA max_page_count = 40").await.unwrap();
            // The first of each group conflicts with itself, so that each has a savepoint; one in the middle is too large.
            let waiting: Vec<_> = (0..60)
                .map(|place| {
                    let number = round * 100 + place;
                    sqlite.commit(match place {
                        0 => vec![write(number, 1), write(number, 1)],
                        30 if round % 2 == 0 => vec![write(number, 1), write(number + 1000, 200_000)],
                        _ => vec![write(number, 200)],
                    })
                })
                .collect();
            for (place, commit) in (0..).zip(waiting) {
                if commit.await.is_ok() {
                    promised.push(vec![Value::Integer(round * 100 + place)]);
                }
            }
        }
        limit("PRAGMA max_page_count = 100000").await.unwrap();
        let rows = Statement { sql: "SELECT number FROM step ORDER BY number", parameters: Vec::new() };
        assert_eq!(sqlite.query(rows).await.unwrap(), promised);
        assert!(!promised.is_empty() && promised.len() < 360, "{} of 360", promised.len());
    }

    #[tokio::test]
    async fn values_of_the_wrong_type_are_read_as_they_are() {
        // SQLite keeps any type in any column; a reader must not panic over it.
        let sqlite = Sqlite::memory().unwrap();
        let statement = Statement { sql: "SELECT 1.5, NULL, CAST(X'FF' AS TEXT)", parameters: Vec::new() };
        let found = sqlite.query(statement).await.unwrap();
        assert_eq!(found, [[Value::Text("1.5".to_owned()), Value::Null, Value::Text("\u{fffd}".to_owned())]]);
    }
}
