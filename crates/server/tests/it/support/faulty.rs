//! A database that fails when it is told to, and counts what is asked of it.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use countersign_store::{
    Error,
    engine::{Engine, Row, Statement, Write},
    migration::Migration,
};
use futures_util::future::BoxFuture;

/// An engine before another.
pub(crate) struct Faulty {
    inner: Arc<dyn Engine>,
    pub(crate) reads_fail: AtomicBool,
    pub(crate) commits_fail: AtomicBool,
    /// Reads of which this is a part fail.
    pub(crate) failing: Mutex<Option<&'static str>>,
    /// Reads wait while it is set.
    pub(crate) is_stalled: AtomicBool,
    /// Set here, what it sets is set by the next commit that succeeds: reads fail, or wait.
    pub(crate) fails_after_commit: AtomicBool,
    pub(crate) stalls_after_commit: AtomicBool,
    reads: AtomicU64,
    commits: AtomicU64,
    writes: AtomicU64,
}

impl Faulty {
    pub(crate) fn new(inner: Arc<dyn Engine>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            reads_fail: AtomicBool::new(false),
            commits_fail: AtomicBool::new(false),
            failing: Mutex::new(None),
            is_stalled: AtomicBool::new(false),
            fails_after_commit: AtomicBool::new(false),
            stalls_after_commit: AtomicBool::new(false),
            reads: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        })
    }

    /// Reads, commits and writes so far.
    pub(crate) fn counts(&self) -> [u64; 3] {
        [&self.reads, &self.commits, &self.writes].map(|count| count.load(Ordering::SeqCst))
    }
}

fn fault<T: Send + 'static>() -> BoxFuture<'static, Result<T, Error>> {
    Box::pin(async { Err(Error::Unavailable("told to fail".to_owned())) })
}

impl Engine for Faulty {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn is_exclusive(&self) -> bool {
        self.inner.is_exclusive()
    }

    fn query(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        let is_failing = self.failing.lock().unwrap().is_some_and(|part| statement.sql.contains(part));
        if is_failing || self.reads_fail.load(Ordering::SeqCst) {
            return fault();
        }
        self.reads.fetch_add(1, Ordering::SeqCst);
        Box::pin(async {
            while self.is_stalled.load(Ordering::SeqCst) {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            self.inner.query(statement).await
        })
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Vec<u64>, Error>> {
        if self.commits_fail.load(Ordering::SeqCst) {
            return fault();
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.writes.fetch_add(writes.len() as u64, Ordering::SeqCst);
        Box::pin(async {
            let written = self.inner.commit(writes).await;
            if written.is_ok() {
                for (ordered, switch) in [
                    (&self.fails_after_commit, &self.reads_fail),
                    (&self.stalls_after_commit, &self.is_stalled),
                ] {
                    if ordered.swap(false, Ordering::SeqCst) {
                        switch.store(true, Ordering::SeqCst);
                    }
                }
            }
            written
        })
    }

    fn migrate<'a>(&'a self, migrations: &'a [Migration]) -> BoxFuture<'a, Result<i64, Error>> {
        self.inner.migrate(migrations)
    }

    fn version(&self) -> BoxFuture<'_, Result<i64, Error>> {
        self.inner.version()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}
