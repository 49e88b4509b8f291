//! The writer thread: the only one that changes the database, so that commits never wait for a lock.

use std::{
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};

use futures_util::future::BoxFuture;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::{self, execute};
use crate::{
    Error,
    engine::{Expect, Row, Statement, Write},
    migration::{Migration, Types},
};

/// Commits that share one transaction and one fsync.
const BATCH: usize = 256;
/// Jobs that may wait; beyond, callers are told to come back.
const QUEUE: usize = 8192;

type Answer<T> = oneshot::Sender<Result<T, Error>>;

pub(super) enum Job {
    Query(Statement, Answer<Vec<Row>>),
    Commit(Vec<Write>, Answer<Vec<u64>>),
    Migrate(Vec<Migration>, Answer<i64>),
    Version(Answer<i64>),
    Close(Answer<()>),
}

pub(super) struct Writer {
    jobs: SyncSender<Job>,
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, Error> {
        connection.set_prepared_statement_cache_capacity(128);
        let (jobs, waiting) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(&connection, &waiting))
            .map_err(|error| Error::Unavailable(format!("the writer thread: {error}")))?;
        Ok(Self { jobs })
    }

    /// Hands a job to the thread and waits for its answer.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(Answer<T>) -> Job,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let (answer, answered) = oneshot::channel();
        let sent = self.jobs.try_send(job(answer)).map_err(|error| match error {
            TrySendError::Full(_) => Error::Unavailable("too many writes are waiting".to_owned()),
            TrySendError::Disconnected(_) => closed(),
        });
        Box::pin(async move {
            sent?;
            answered.await.unwrap_or_else(|_| Err(closed()))
        })
    }
}

fn closed() -> Error {
    Error::Unavailable("the database is closed".to_owned())
}

fn run(connection: &Connection, jobs: &Receiver<Job>) {
    let mut batch = Vec::with_capacity(BATCH);
    while let Ok(job) = jobs.recv() {
        let mut next = Some(job);
        // Whatever waits now shares the transaction; other jobs end the batch, so that order is kept.
        while let Some(Job::Commit(writes, answer)) = next.take_if(|job| matches!(job, Job::Commit(..))) {
            batch.push((writes, answer));
            if batch.len() < BATCH {
                next = jobs.try_recv().ok();
            }
        }
        if !batch.is_empty() {
            commit(connection, &mut batch);
        }
        match next {
            Some(Job::Query(statement, answer)) => {
                drop(answer.send(connection::query(connection, &statement)))
            }
            Some(Job::Migrate(migrations, answer)) => drop(answer.send(migrate(connection, &migrations))),
            Some(Job::Version(answer)) => drop(answer.send(version(connection))),
            Some(Job::Close(answer)) => {
                // An ordinary end leaves one file and no journal. Failing that, the journal is read at the next start.
                let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
                let _ = answer.send(Ok(()));
                return;
            }
            Some(Job::Commit(..)) | None => {}
        }
    }
}

type Waiting = (Vec<Write>, Answer<Vec<u64>>);

fn commit(connection: &Connection, batch: &mut Vec<Waiting>) {
    let alone = batch.len() == 1;
    let begun = connection.execute_batch("BEGIN IMMEDIATE").map_err(connection::error);
    let mut done = Vec::with_capacity(batch.len());
    for (writes, answer) in batch.drain(..) {
        let result = match &begun {
            Ok(()) if alone => apply(connection, &writes),
            Ok(()) => within_savepoint(connection, &writes),
            Err(_) => Err(closed_transaction()),
        };
        done.push((result, answer));
    }
    let committed = match &begun {
        Ok(()) if alone && done.iter().any(|(result, _)| result.is_err()) => rollback(connection),
        Ok(()) => {
            connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([])).map(drop).map_err(
                |error| {
                    let _ = rollback(connection);
                    connection::error(error)
                },
            )
        }
        Err(_) => Err(closed_transaction()),
    };
    for (result, answer) in done {
        // A commit that failed as a whole promises nothing to anybody.
        let told = match (&committed, result) {
            (Ok(()), result) => result,
            (Err(error), Ok(_)) => Err(Error::Unavailable(error.to_string())),
            (Err(_), Err(error)) => Err(error),
        };
        let _ = answer.send(told);
    }
}

fn closed_transaction() -> Error {
    Error::Unavailable("no transaction could be begun".to_owned())
}

fn rollback(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch("ROLLBACK").map_err(connection::error)
}

fn within_savepoint(connection: &Connection, writes: &[Write]) -> Result<Vec<u64>, Error> {
    let run = |sql| {
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]))
            .map_err(connection::error)
    };
    run("SAVEPOINT member")?;
    let result = apply(connection, writes);
    if result.is_err() {
        run("ROLLBACK TO member")?;
    }
    run("RELEASE member")?;
    result
}

fn apply(connection: &Connection, writes: &[Write]) -> Result<Vec<u64>, Error> {
    writes
        .iter()
        .map(|write| {
            let touched = execute(connection, &write.statement)?;
            if write.expect == Expect::One && touched != 1 { Err(Error::Conflict) } else { Ok(touched) }
        })
        .collect()
}

/// Every table has a key of its own, so its rows lie in the key's tree: one tree less to write for each row.
const TYPES: Types = Types {
    integer: "INTEGER",
    name: "TEXT",
    text: "TEXT",
    key: "BLOB",
    bytes: "BLOB",
    table: "WITHOUT ROWID",
};

fn version(connection: &Connection) -> Result<i64, Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(connection::error)
}

fn migrate(connection: &Connection, migrations: &[Migration]) -> Result<i64, Error> {
    let known = migrations.last().map_or(0, |migration| migration.version);
    connection.execute_batch("BEGIN EXCLUSIVE").map_err(connection::error)?;
    let result = version(connection).and_then(|found| {
        if found > known {
            return Err(Error::Newer { found, known });
        }
        for migration in migrations.iter().filter(|migration| migration.version > found) {
            for statement in migration.statements(&TYPES) {
                connection.execute_batch(&statement).map_err(connection::error)?;
            }
            connection.pragma_update(None, "user_version", migration.version).map_err(connection::error)?;
        }
        Ok(known)
    });
    let end = if result.is_ok() { "COMMIT" } else { "ROLLBACK" };
    connection.execute_batch(end).map_err(connection::error)?;
    result
}
