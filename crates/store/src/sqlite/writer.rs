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

/// How much less urgent the writer is than the rest; 19 is the most.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

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
            .spawn(move || {
                give_way();
                run(&connection, &waiting);
            })
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

/// Lets the threads that answer requests go first where all share one core: a batch takes a millisecond or two, and
/// those who wait for it gain more from a larger one than they lose. On Linux each thread has a niceness of its own.
fn give_way() {
    #[cfg(target_os = "linux")]
    {
        let me = Some(rustix::thread::gettid());
        let present = rustix::process::getpriority_process(me).unwrap_or_default();
        // A system that does not allow it is a little slower, no more.
        let _ = rustix::process::setpriority_process(me, present + NICENESS);
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
type Outcomes = Vec<Result<Vec<u64>, Error>>;

/// Commits what waits with one fsync, and answers everybody.
///
/// A savepoint for each member would have SQLite set aside every page before it changes, so the first try goes without:
/// only when a member is refused, all are done again with savepoints, which undo that member alone.
fn commit(connection: &Connection, batch: &mut Vec<Waiting>) {
    let together = transaction(connection, batch, apply, Undo::Everything);
    let outcomes = match together {
        Ok(outcomes) if outcomes.len() == batch.len() => Ok(outcomes),
        Ok(_) => transaction(connection, batch, within_savepoint, Undo::Member),
        Err(error) => Err(error),
    };
    match outcomes {
        Ok(outcomes) => {
            for ((_, answer), outcome) in batch.drain(..).zip(outcomes) {
                let _ = answer.send(outcome);
            }
        }
        // A commit that failed as a whole promises nothing to anybody.
        Err(error) => {
            for (_, answer) in batch.drain(..) {
                let _ = answer.send(Err(Error::Unavailable(error.to_string())));
            }
        }
    }
}

/// What a refused member leaves undone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    Everything,
    Member,
}

/// One transaction. With [`Undo::Everything`] fewer outcomes than members say that nothing was done.
fn transaction(
    connection: &Connection,
    batch: &[Waiting],
    each: fn(&Connection, &[Write]) -> Result<Vec<u64>, Error>,
    undo: Undo,
) -> Result<Outcomes, Error> {
    run_cached(connection, "BEGIN IMMEDIATE")?;
    let mut outcomes = Vec::with_capacity(batch.len());
    for (writes, _) in batch {
        let outcome = each(connection, writes);
        if outcome.is_err() && undo == Undo::Everything {
            run_cached(connection, "ROLLBACK")?;
            // A single member needs no second try: it was undone as a whole.
            return Ok(if batch.len() == 1 { vec![outcome] } else { Vec::new() });
        }
        outcomes.push(outcome);
    }
    run_cached(connection, "COMMIT").inspect_err(|_| {
        // Nothing to do about a rollback that fails: the next transaction says why.
        let _ = run_cached(connection, "ROLLBACK");
    })?;
    Ok(outcomes)
}

fn run_cached(connection: &Connection, sql: &str) -> Result<(), Error> {
    let ran = connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    ran.map(drop).map_err(connection::error)
}

fn within_savepoint(connection: &Connection, writes: &[Write]) -> Result<Vec<u64>, Error> {
    run_cached(connection, "SAVEPOINT member")?;
    let result = apply(connection, writes);
    if result.is_err() {
        run_cached(connection, "ROLLBACK TO member")?;
    }
    run_cached(connection, "RELEASE member")?;
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
