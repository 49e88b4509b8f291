//! An engine for a database behind a socket: a pool for reads, a queue and a few writers for commits.
//!
//! It knows no database: PostgreSQL and MariaDB are [`driver::Driver`]s.

mod batch;
pub mod driver;
mod pool;
mod schema;
mod snapshot;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout},
};

pub use self::pool::{PoolOptions, RESERVED};
use self::{batch::Commit, driver::Driver, pool::Pool};
use crate::{
    Error,
    engine::{Engine, Row, Snapshot, Statement, Value, Write},
    migration::Migration,
};

/// Most commits that may wait.
const QUEUE: usize = 1024;

/// An engine for one database that other nodes use too.
pub struct Network<D: Driver> {
    pool: Arc<Pool<D>>,
    queue: Mutex<Option<mpsc::Sender<Commit>>>,
    writers: Mutex<Vec<JoinHandle<()>>>,
}

impl<D: Driver> Network<D> {
    /// Connects once, to show that it can be done, and starts the writers.
    ///
    /// # Errors
    /// [`Error::Unavailable`], with a text that names the host and the reason.
    pub async fn start(driver: D, options: PoolOptions) -> Result<Self, Error> {
        let pool = Arc::new(Pool::new(driver, options));
        pool.acquire().await?.give_back();
        let (sender, receiver) = mpsc::channel(QUEUE);
        let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
        let count = options.writers.clamp(1, options.connections.max(1));
        let writers = (0..count)
            .map(|_| tokio::spawn(batch::writer(Arc::clone(&pool), Arc::clone(&receiver))))
            .collect();
        Ok(Self { pool, queue: Mutex::new(Some(sender)), writers: Mutex::new(writers) })
    }

    /// True when `statement` answers one row whose only value is 1; for questions about the server's settings.
    ///
    /// # Errors
    /// As [`Engine::query`].
    pub(crate) async fn affirms(&self, statement: &'static str) -> Result<bool, Error> {
        let rows = self.query(Statement { sql: statement, parameters: Vec::new() }).await?;
        Ok(rows == [[Value::Integer(1)]])
    }

    async fn read(&self, statement: Statement, reserved: bool) -> Result<Vec<Row>, Error> {
        let acquire =
            async || if reserved { self.pool.acquire_reserved().await } else { self.pool.acquire().await };
        let mut lease = acquire().await?;
        let mut result = lease.query(&statement).await;
        if result.as_ref().is_err_and(driver::Failure::is_connection) {
            // A read changes nothing, so it may be asked again where somebody listens.
            drop(lease);
            lease = acquire().await?;
            result = lease.query(&statement).await;
        }
        lease.give_back();
        result.map_err(driver::Failure::into_error)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<Vec<u64>, Error> {
        if writes.is_empty() {
            return Ok(Vec::new());
        }
        let closed = || Error::Unavailable(format!("{} is closed", D::NAME));
        let queue = self.queue.lock().clone().ok_or_else(closed)?;
        let (reply, answer) = oneshot::channel();
        let commit = Commit { writes, reply, since: Instant::now() };
        match timeout(self.pool.options().acquire_timeout, queue.send(commit)).await {
            Ok(sent) => sent.map_err(|_| closed())?,
            Err(_) => return Err(Error::Unavailable("too many commits are waiting".to_owned())),
        }
        // Kept open, a sender would keep the writers from ending.
        drop(queue);
        answer.await.map_err(|_| closed())?
    }
}

impl<D: Driver> Engine for Network<D> {
    fn name(&self) -> &'static str {
        D::NAME
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn query(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        Box::pin(self.read(statement, false))
    }

    fn query_reserved(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        Box::pin(self.read(statement, true))
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>, Error>> {
        Box::pin(async { snapshot::begin(&self.pool).await.map(|moment| Box::new(moment) as _) })
    }

    fn compares_rows(&self) -> bool {
        D::COMPARES_ROWS
    }

    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Vec<u64>, Error>> {
        Box::pin(self.write(writes))
    }

    fn migrate<'a>(&'a self, migrations: &'a [Migration]) -> BoxFuture<'a, Result<i64, Error>> {
        Box::pin(schema::migrate(&self.pool, migrations))
    }

    fn version(&self) -> BoxFuture<'_, Result<i64, Error>> {
        Box::pin(schema::version(&self.pool))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.queue.lock().take();
            let writers = std::mem::take(&mut *self.writers.lock());
            for writer in writers {
                // A writer ends when the queue is empty; it has no result to report.
                let _ended = writer.await;
            }
            self.pool.close().await;
        })
    }
}
