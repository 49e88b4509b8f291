//! A database that fails when it is told to, and counts what is asked of it.

use std::sync::{
    Arc,
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
        if self.reads_fail.load(Ordering::SeqCst) {
            return fault();
        }
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.query(statement)
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Vec<u64>, Error>> {
        if self.commits_fail.load(Ordering::SeqCst) {
            return fault();
        }
        self.commits.fetch_add(1, Ordering::SeqCst);
        self.writes.fetch_add(writes.len() as u64, Ordering::SeqCst);
        self.inner.commit(writes)
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
