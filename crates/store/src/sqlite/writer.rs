//! The writer thread: the only one that changes the database, so that commits never wait for a lock.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
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
/// So many callers are many: only then is a commit held up for more of them.
const COMPANY: usize = 16;
/// For how long at most; an fsync takes about as long on a good disk.
const PATIENCE: Duration = Duration::from_micros(100);
/// Jobs that may wait; beyond, callers are told to come back.
const QUEUE: usize = 8192;

/// How much less urgent the writer is than the rest; 19 is the most.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

type Answer<T> = oneshot::Sender<Result<T, Error>>;

pub(super) enum Job {
    Query(Statement, Answer<Vec<Row>>),
    Commit(Vec<Write>, Answer<Committed>),
    Migrate(Vec<Migration>, Answer<i64>),
    Version(Answer<i64>),
    Scrub(Answer<()>),
    Close(Answer<()>),
}

/// How a commit ended, and how those of its group did.
pub(super) struct Committed {
    pub(super) outcome: Outcome,
    /// Told when this is dropped.
    _others: Others,
}

/// The rest of a group. One caller is told by the writer and tells the others, from the thread they run on: waking each
/// from here costs a change of threads for each. Whatever becomes of that caller, dropping this tells them.
struct Others(Vec<(Outcome, Answer<Committed>)>);

impl Drop for Others {
    fn drop(&mut self) {
        for (outcome, answer) in self.0.drain(..) {
            let _ = answer.send(Ok(Committed { outcome, _others: Self(Vec::new()) }));
        }
    }
}

pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    /// How many wait. The queue of the library that has an end would take all its memory at the start.
    waiting: Arc<AtomicUsize>,
}

/// The writer's end of the queue.
struct Jobs {
    jobs: mpsc::Receiver<Job>,
    waiting: Arc<AtomicUsize>,
}

impl Jobs {
    /// The next job, when there is one; none when nobody can ask any more.
    fn wait(&self) -> Option<Job> {
        let job = self.jobs.recv().ok();
        self.took(job)
    }

    /// The next job, if it is there.
    fn next(&self) -> Option<Job> {
        let job = self.jobs.try_recv().ok();
        self.took(job)
    }

    fn took(&self, job: Option<Job>) -> Option<Job> {
        if job.is_some() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        job
    }
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, Error> {
        let (jobs, receiver) = mpsc::channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let queue = Jobs { jobs: receiver, waiting: Arc::clone(&waiting) };
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                give_way();
                run(&connection, &queue);
            })
            .map_err(|error| Error::Unavailable(format!("the writer thread: {error}")))?;
        Ok(Self { jobs, waiting })
    }

    /// Hands a job to the thread and waits for its answer.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(Answer<T>) -> Job,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let (answer, answered) = oneshot::channel();
        let sent = if self.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE {
            self.jobs.send(job(answer)).map_err(|_| closed())
        } else {
            Err(Error::Unavailable("too many writes are waiting".to_owned()))
        };
        if sent.is_err() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
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

fn run(connection: &Connection, jobs: &Jobs) {
    let (mut batch, mut other) = (Vec::with_capacity(BATCH), None);
    loop {
        if batch.is_empty() && other.is_none() {
            match jobs.wait() {
                Some(Job::Commit(writes, answer)) => {
                    batch.push((writes, answer));
                    other = gather(jobs, &mut batch);
                }
                Some(job) => other = Some(job),
                None => return,
            }
        }
        let answers = commit(connection, &mut batch);
        if let Some(job) = other.take() {
            tell(answers);
            if !serve(connection, job) {
                return;
            }
            continue;
        }
        // Who came meanwhile; those that are answered now may come back.
        other = gather(jobs, &mut batch);
        let expected = (batch.len() + answers.len()).min(BATCH);
        tell(answers);
        if other.is_none() {
            other = wait_for_company(jobs, &mut batch, expected);
        }
    }
}

/// Does what is no commit; false when that was the end.
fn serve(connection: &Connection, job: Job) -> bool {
    match job {
        Job::Query(statement, answer) => drop(answer.send(connection::query(connection, &statement))),
        Job::Migrate(migrations, answer) => drop(answer.send(migrate(connection, &migrations))),
        Job::Version(answer) => drop(answer.send(version(connection))),
        Job::Commit(writes, answer) => {
            tell(commit(connection, &mut vec![(writes, answer)]));
        }
        Job::Scrub(answer) => drop(answer.send(connection::scrub(connection))),
        Job::Close(answer) => {
            // An ordinary end leaves one file and no journal. Failing that, the journal is read at the next start.
            let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            let _ = answer.send(Ok(()));
            return false;
        }
    }
    true
}

/// Takes the commits that wait now, as far as there is room. Another job ends the batch, so that order is kept, and is
/// given back.
fn gather(jobs: &Jobs, batch: &mut Vec<Waiting>) -> Option<Job> {
    while batch.len() < BATCH {
        match jobs.next() {
            Some(Job::Commit(writes, answer)) => batch.push((writes, answer)),
            Some(other) => return Some(other),
            None => return None,
        }
    }
    None
}

/// Among many callers, most of those that were just answered come back at once: without a moment's wait for them they
/// would travel in two half-empty groups that take turns, with an fsync each.
fn wait_for_company(jobs: &Jobs, batch: &mut Vec<Waiting>, expected: usize) -> Option<Job> {
    if expected < COMPANY {
        return None;
    }
    let begun = Instant::now();
    while batch.len() < expected && begun.elapsed() < PATIENCE {
        // Whoever is coming may need this core.
        thread::yield_now();
        let other = gather(jobs, batch);
        if other.is_some() {
            return other;
        }
    }
    None
}

type Waiting = (Vec<Write>, Answer<Committed>);
pub(super) type Outcome = Result<Vec<u64>, Error>;

/// Carries out what waits, durably; what to tell whom.
fn commit(connection: &Connection, batch: &mut Vec<Waiting>) -> Vec<(Outcome, Answer<Committed>)> {
    if batch.is_empty() {
        return Vec::new();
    }
    let outcomes = together(connection, batch).unwrap_or_else(|| apart(connection, batch));
    outcomes.into_iter().zip(batch.drain(..).map(|(_, answer)| answer)).collect()
}

fn tell(answers: Vec<(Outcome, Answer<Committed>)>) {
    let mut answers = answers.into_iter();
    if let Some((outcome, first)) = answers.next() {
        // One that has gone away gives the rest back, to be dropped here.
        let _ = first.send(Ok(Committed { outcome, _others: Others(answers.collect()) }));
    }
}

/// Carries everything out in one transaction without a savepoint for each, which costs as much again as the writes.
/// `None` when one of several fails, which is rare: then nothing has happened, and each must be told apart.
fn together(connection: &Connection, batch: &[Waiting]) -> Option<Vec<Outcome>> {
    let alone = batch.len() == 1;
    if let Err(error) = begin(connection) {
        return Some(all_failed(&error, batch));
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    for (writes, _) in batch {
        match apply(connection, writes) {
            Ok(touched) => outcomes.push(Ok(touched)),
            Err(error) => {
                let _ = run_alone(connection, "ROLLBACK");
                return alone.then(|| vec![Err(error)]);
            }
        }
    }
    Some(end(connection, outcomes))
}

/// Carries everything out in one transaction, in which those that fail are undone by themselves.
fn apart(connection: &Connection, batch: &[Waiting]) -> Vec<Outcome> {
    if let Err(error) = begin(connection) {
        return all_failed(&error, batch);
    }
    let mut outcomes = Vec::with_capacity(batch.len());
    for (writes, _) in batch {
        let outcome = within_savepoint(connection, writes);
        // A full disk may end the transaction, or keep a member from being undone: then nobody is promised anything,
        // and nothing is written on top of what is left.
        let Some(outcome) = outcome.filter(|_| !connection.is_autocommit()) else {
            let _ = run_alone(connection, "ROLLBACK");
            return all_failed(&Error::Unavailable("the transaction broke".to_owned()), batch);
        };
        outcomes.push(outcome);
    }
    end(connection, outcomes)
}

fn begin(connection: &Connection) -> Result<(), Error> {
    // One that could be neither committed nor undone.
    if !connection.is_autocommit() {
        run_alone(connection, "ROLLBACK")?;
    }
    run_alone(connection, "BEGIN IMMEDIATE")
}

/// Commits. One that fails as a whole promises nothing to anybody.
fn end(connection: &Connection, outcomes: Vec<Outcome>) -> Vec<Outcome> {
    let Err(error) = run_alone(connection, "COMMIT") else { return outcomes };
    let _ = run_alone(connection, "ROLLBACK");
    let told = |outcome: Outcome| outcome.and(Err(Error::Unavailable(error.to_string())));
    outcomes.into_iter().map(told).collect()
}

fn all_failed(error: &Error, batch: &[Waiting]) -> Vec<Outcome> {
    let told = || Error::Unavailable(format!("nothing was written: {error}"));
    batch.iter().map(|_| Err(told())).collect()
}

fn run_alone(connection: &Connection, sql: &str) -> Result<(), Error> {
    let done = connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    done.map(drop).map_err(connection::error)
}

/// What became of one member; `None` when it could be neither carried out nor undone.
fn within_savepoint(connection: &Connection, writes: &[Write]) -> Option<Outcome> {
    run_alone(connection, "SAVEPOINT member").ok()?;
    let outcome = apply(connection, writes);
    if outcome.is_err() {
        run_alone(connection, "ROLLBACK TO member").ok()?;
    }
    run_alone(connection, "RELEASE member").ok()?;
    Some(outcome)
}

fn apply(connection: &Connection, writes: &[Write]) -> Outcome {
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
