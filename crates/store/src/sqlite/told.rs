//! How the members of a group that was committed together are told: one after the other, each by the one before, from the
//! threads that they run on. To wake each from the writer's thread would cost a change of threads for each; and whoever
//! comes with a question while all of them are awake would wait behind the whole group.

use std::{
    collections::VecDeque,
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
    vec,
};

use tokio::sync::oneshot;

use crate::Error;

/// What a commit led to: the rows that each of its writes touched.
pub(super) type Outcome = Result<Vec<u64>, Error>;

/// After this time all that are left are told, whatever keeps the one whose turn it is: it may wait for one of them.
const STALLED: Duration = Duration::from_millis(20);

/// How a commit ended.
pub(super) struct Committed {
    pub(super) outcome: Outcome,
    next: Next,
}

/// Who is told when this is dropped, by whoever has been told.
struct Next(Option<Others>);

impl Drop for Next {
    fn drop(&mut self) {
        if let Some(others) = &self.0 {
            others.tell_one();
        }
    }
}

/// Where a member waits.
type Answer = oneshot::Sender<Result<Committed, Error>>;

/// Those of a group who are not told yet.
#[derive(Clone)]
pub(super) struct Others(Arc<Mutex<vec::IntoIter<(Outcome, Answer)>>>);

impl Others {
    fn new(answers: Vec<(Outcome, Answer)>) -> Self {
        Self(Arc::new(Mutex::new(answers.into_iter())))
    }

    /// Tells the next who is still there; who has gone away gives their answer back, and is passed over. False when nobody was left.
    pub(super) fn tell_one(&self) -> bool {
        loop {
            let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((outcome, answer)) = next else { return false };
            match answer.send(Ok(Committed { outcome, next: Next(Some(self.clone())) })) {
                Ok(()) => return true,
                // It tells nobody: this does.
                Err(gone) => gone.into_iter().for_each(|mut gone| gone.next.0 = None),
            }
        }
    }

    fn are_told(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len() == 0
    }
}

/// The groups that are being told.
pub(super) struct Told {
    groups: VecDeque<(Instant, Others)>,
    cores: usize,
}

impl Told {
    pub(super) fn new() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self { groups: VecDeque::new(), cores }
    }

    /// Begins to tell a group: as many at once as there are cores to go on with.
    pub(super) fn tell(&mut self, answers: Vec<(Outcome, Answer)>) {
        self.left();
        let group = Others::new(answers);
        for _ in 0..self.cores {
            if !group.tell_one() {
                return;
            }
        }
        self.groups.push_back((Instant::now(), group));
    }

    /// Tells those who have waited for too long; how long to wait for the next, where somebody is left.
    pub(super) fn left(&mut self) -> Option<Duration> {
        while let Some((since, group)) = self.groups.front() {
            let left = STALLED.saturating_sub(since.elapsed());
            if !group.are_told() && !left.is_zero() {
                return Some(left);
            }
            while group.tell_one() {}
            self.groups.pop_front();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Engine as _, Expect, Statement, Value, Write},
        migration::Migration,
        sqlite::Sqlite,
    };

    #[tokio::test]
    async fn who_waits_for_a_later_one_of_its_own_group_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("store.db")).unwrap();
        let table = "CREATE TABLE step (\n  number {integer} NOT NULL PRIMARY KEY\n) {table};\n";
        sqlite.migrate(&[Migration { version: 1, sql: table }]).await.unwrap();
        let insert = |number: i64| {
            let parameters = vec![Value::Integer(number)];
            let statement = Statement { sql: "INSERT INTO step (number) VALUES (?)", parameters };
            sqlite.commit(vec![Write { statement, expect: Expect::One }])
        };
        let waiting: Vec<_> = (0..100).map(insert).collect();
        // Nobody asks for the answer of those before, whose turn it is.
        for commit in waiting.into_iter().rev() {
            let touched = tokio::time::timeout(Duration::from_secs(10), commit).await.unwrap().unwrap();
            assert_eq!(touched, [1]);
        }
    }
}
