//! Group commit: the commits that wait go to the server in one transaction, so that they share its one flush.
//!
//! First without savepoints, which is what almost always succeeds; when one of the commits fails, everything is
//! rolled back and done again with a savepoint for each, so that a failing commit undoes only itself; when the
//! transaction as a whole cannot be done (a deadlock, a lock that is not free), each commit is done alone, holding
//! no locks but its own. No answer is given before the server has acknowledged the transaction, so doing it again
//! is never seen from outside.

use std::sync::Arc;

use tokio::{
    sync::{Mutex, mpsc, oneshot},
    time::Instant,
};

use super::{
    driver::{Driver, Failure},
    pool::{Lease, Pool},
};
use crate::{
    Error,
    engine::{Expect, Write},
};

/// Most commits in one transaction. PostgreSQL keeps 64 savepoints of a transaction in memory that others can see.
const BATCH: usize = 64;

/// How many rows each write touched.
type Outcome = Result<Vec<u64>, Error>;

/// A caller's commit and the way back to the caller.
pub(super) struct Commit {
    pub(super) writes: Vec<Write>,
    pub(super) reply: oneshot::Sender<Outcome>,
    pub(super) since: Instant,
}

/// Why a transaction was not committed.
enum Stop {
    /// Nothing of it stands.
    Undone(Failure),
    /// COMMIT was sent and neither acknowledged nor declined.
    Unknown(String),
}

/// Takes waiting commits and carries them out until the queue is closed and empty.
pub(super) async fn writer<D: Driver>(pool: Arc<Pool<D>>, queue: Arc<Mutex<mpsc::Receiver<Commit>>>) {
    loop {
        let mut commits = Vec::with_capacity(BATCH);
        if queue.lock().await.recv_many(&mut commits, BATCH).await == 0 {
            return;
        }
        let limit = pool.options().acquire_timeout;
        let (fresh, stale) = commits.into_iter().partition(|commit: &Commit| commit.since.elapsed() <= limit);
        answer_all(stale, "too many commits are waiting");
        carry_out(&pool, fresh).await;
    }
}

async fn carry_out<D: Driver>(pool: &Pool<D>, commits: Vec<Commit>) {
    let mut rest = commits;
    if rest.len() > 1 {
        rest = together(pool, rest).await;
    }
    let mut rest = rest.into_iter();
    while let Some(commit) = rest.next() {
        let outcome = alone(pool, &commit.writes).await;
        let down = matches!(outcome, Err(Error::Unavailable(_)));
        answer(commit, outcome);
        // Each of the others would wait as long for the same answer.
        if down && let Err(error) = pool.acquire().await.map(Lease::give_back) {
            return answer_all(rest.collect(), &error.to_string());
        }
    }
}

/// Carries out several commits in one transaction and returns those that must be done alone.
async fn together<D: Driver>(pool: &Pool<D>, commits: Vec<Commit>) -> Vec<Commit> {
    for savepoints in [false, true] {
        let mut lease = match pool.acquire().await {
            Ok(lease) => lease,
            Err(error) => {
                answer_all(commits, &error.to_string());
                return Vec::new();
            }
        };
        match transaction(&mut lease, &commits, savepoints).await {
            Ok(outcomes) => {
                lease.give_back();
                for (commit, outcome) in commits.into_iter().zip(outcomes) {
                    answer(commit, outcome);
                }
                return Vec::new();
            }
            Err(Stop::Undone(failure)) => {
                lease.roll_back().await;
                lease.give_back();
                if !matches!(failure, Failure::Refused(_)) {
                    return commits;
                }
            }
            Err(Stop::Unknown(text)) => {
                answer_all(commits, &text);
                return Vec::new();
            }
        }
    }
    commits
}

async fn transaction<D: Driver>(
    lease: &mut Lease<'_, D>,
    commits: &[Commit],
    savepoints: bool,
) -> Result<Vec<Outcome>, Stop> {
    let begin = if savepoints { D::BEGIN_SAVEPOINT } else { D::BEGIN_TOGETHER };
    lease.run(begin).await.map_err(Stop::Undone)?;
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(commits.len());
    let mut kept = true;
    for commit in commits {
        if savepoints && !outcomes.is_empty() {
            let next = if kept {
                "RELEASE SAVEPOINT member; SAVEPOINT member"
            } else {
                "ROLLBACK TO SAVEPOINT member"
            };
            lease.run(next).await.map_err(Stop::Undone)?;
        }
        let outcome = match write_all(lease, &commit.writes).await {
            Ok(counts) => Ok(counts),
            Err(Failure::Refused(error)) if savepoints => Err(error),
            Err(failure) => return Err(Stop::Undone(failure)),
        };
        kept = outcome.is_ok();
        outcomes.push(outcome);
    }
    let end = if kept { "COMMIT" } else { "ROLLBACK TO SAVEPOINT member; COMMIT" };
    finish(lease, end).await?;
    Ok(outcomes)
}

/// One commit by itself. When the connection turned out to be dead before anything could happen, once more.
async fn alone<D: Driver>(pool: &Pool<D>, writes: &[Write]) -> Outcome {
    let mut again = true;
    loop {
        let mut lease = pool.acquire().await?;
        let result = if let [write] = writes
            && is_safe_without_transaction(write)
        {
            one_statement(&mut lease, write).await
        } else {
            one_transaction(&mut lease, writes).await
        };
        match result {
            Ok(counts) => {
                lease.give_back();
                return Ok(counts);
            }
            Err(Stop::Undone(failure)) if failure.is_connection() && again => again = false,
            Err(Stop::Undone(failure)) => {
                lease.give_back();
                return Err(failure.into_error());
            }
            Err(Stop::Unknown(text)) => return Err(Error::Unavailable(text)),
        }
    }
}

async fn one_statement<D: Driver>(lease: &mut Lease<'_, D>, write: &Write) -> Result<Vec<u64>, Stop> {
    match write_all(lease, std::slice::from_ref(write)).await {
        Err(Failure::Gone(text)) => Err(Stop::Unknown(text)),
        result => result.map_err(Stop::Undone),
    }
}

async fn one_transaction<D: Driver>(lease: &mut Lease<'_, D>, writes: &[Write]) -> Result<Vec<u64>, Stop> {
    let result = async {
        lease.run("BEGIN").await.map_err(Stop::Undone)?;
        let counts = write_all(lease, writes).await.map_err(Stop::Undone)?;
        finish(lease, "COMMIT").await?;
        Ok(counts)
    }
    .await;
    if result.is_err() {
        lease.roll_back().await;
    }
    result
}

async fn write_all<D: Driver>(lease: &mut Lease<'_, D>, writes: &[Write]) -> Result<Vec<u64>, Failure> {
    let mut counts = Vec::with_capacity(writes.len());
    for write in writes {
        let count = lease.execute(&write.statement).await?;
        if write.expect == Expect::One && count != 1 {
            return Err(Failure::Refused(Error::Conflict));
        }
        counts.push(count);
    }
    Ok(counts)
}

async fn finish<D: Driver>(lease: &mut Lease<'_, D>, end: &str) -> Result<(), Stop> {
    match lease.run(end).await {
        Ok(()) => Ok(()),
        Err(failure @ (Failure::Lost | Failure::Refused(Error::Conflict))) => Err(Stop::Undone(failure)),
        // A server that stops or is interrupted may have committed all the same.
        Err(failure) => {
            let reason = failure.into_error();
            Err(Stop::Unknown(format!("the outcome of a commit to {} is unknown: {reason}", D::NAME)))
        }
    }
}

/// True when the write cannot have touched more rows than expected by the time its count is known.
fn is_safe_without_transaction(write: &Write) -> bool {
    let sql = write.statement.sql.trim_start();
    let plain_insert = sql.starts_with("INSERT INTO") && !sql.contains("SELECT") && !sql.contains(" ON ");
    write.expect == Expect::Any || plain_insert
}

fn answer_all(commits: Vec<Commit>, text: &str) {
    for commit in commits {
        answer(commit, Err(Error::Unavailable(text.to_owned())));
    }
}

fn answer(commit: Commit, outcome: Outcome) {
    // A caller that went away does not change what was done.
    let _gone = commit.reply.send(outcome);
}
