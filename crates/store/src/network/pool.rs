//! Connections to one database: at most so many, reused while they are healthy, made anew when they are not.
//!
//! Not the pool of `sqlx`, which asks the server for a sign of life at every release: that is one more round trip
//! and one more task for each read. Here a connection is asked only when it has rested, and a connection whose
//! caller went away in the middle of something is dropped instead of being examined.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};

use super::driver::{Driver, Failure};
use crate::{
    Error,
    engine::{Row, Statement},
};

/// A connection that rested longer than this is asked for a sign of life before it is used.
const FRESH: Duration = Duration::from_secs(1);
/// A statement that has no answer by then counts as lost with its connection. Longer than any lock wait.
const ANSWER: Duration = Duration::from_secs(15);
/// How long closing waits for reads under way.
const DRAIN: Duration = Duration::from_secs(10);

/// Connections beside those of [`PoolOptions`], for what a node must learn of the others in time: what was taken back
/// on one, apps and keys on the other.
pub const RESERVED: usize = 2;

/// How many connections an engine may use, and how long a caller waits for one.
#[derive(Clone, Copy, Debug)]
pub struct PoolOptions {
    /// Most connections open at once for what callers ask and write, at least 1. [`RESERVED`] more are kept apart.
    pub connections: u32,
    /// How many of them may carry commits at once, at least 1. Each carries the commits of many callers.
    pub writers: u32,
    /// How long a caller waits for a connection, a new one included.
    pub acquire_timeout: Duration,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self { connections: 8, writers: 4, acquire_timeout: Duration::from_secs(5) }
    }
}

/// The connections of one engine.
pub(super) struct Pool<D: Driver> {
    driver: D,
    common: Share<D::Connection>,
    reserved: Share<D::Connection>,
    options: PoolOptions,
}

/// Connections that wait for each other's callers only.
struct Share<C> {
    idle: Mutex<Vec<Idle<C>>>,
    permits: Semaphore,
    most: usize,
}

impl<C> Share<C> {
    fn of(most: usize) -> Self {
        Self { idle: Mutex::new(Vec::new()), permits: Semaphore::new(most), most }
    }
}

struct Idle<C> {
    connection: C,
    since: Instant,
}

/// A connection in use. Dropping it closes the connection; [`Lease::give_back`] keeps it.
pub(super) struct Lease<'p, D: Driver> {
    pool: &'p Pool<D>,
    share: &'p Share<D::Connection>,
    connection: D::Connection,
    healthy: bool,
    _permit: SemaphorePermit<'p>,
}

impl<D: Driver> Pool<D> {
    pub(super) fn new(driver: D, options: PoolOptions) -> Self {
        let common = Share::of(options.connections.max(1) as usize);
        Self { driver, common, reserved: Share::of(RESERVED), options }
    }

    pub(super) fn options(&self) -> &PoolOptions {
        &self.options
    }

    /// A connection that is alive, as far as one can know.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when none became free in time or none can be opened.
    pub(super) async fn acquire(&self) -> Result<Lease<'_, D>, Error> {
        self.acquire_of(&self.common).await
    }

    /// The same, of those that are kept apart.
    ///
    /// # Errors
    /// As [`Pool::acquire`].
    pub(super) async fn acquire_reserved(&self) -> Result<Lease<'_, D>, Error> {
        self.acquire_of(&self.reserved).await
    }

    async fn acquire_of<'p>(&'p self, share: &'p Share<D::Connection>) -> Result<Lease<'p, D>, Error> {
        let wait = self.options.acquire_timeout;
        let permit = match timeout(wait, share.permits.acquire()).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(Error::Unavailable(format!("{} is closed", D::NAME))),
            Err(_) => {
                return Err(Error::Unavailable(format!("no {} connection became free in {wait:?}", D::NAME)));
            }
        };
        let connection = match self.rested(share).await {
            Some(connection) => connection,
            None => self.open().await?,
        };
        Ok(Lease { pool: self, share, connection, healthy: true, _permit: permit })
    }

    /// A connection outside the pool, for work that may take long.
    pub(super) async fn open(&self) -> Result<D::Connection, Error> {
        let wait = self.options.acquire_timeout;
        match timeout(wait, self.driver.open()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(failure)) => Err(failure.into_error()),
            Err(_) => Err(Error::Unavailable(format!("{} did not accept a connection in {wait:?}", D::NAME))),
        }
    }

    pub(super) fn driver(&self) -> &D {
        &self.driver
    }

    /// Waits for what is under way, then says goodbye on every connection.
    pub(super) async fn close(&self) {
        for share in [&self.common, &self.reserved] {
            let everything = u32::try_from(share.most).unwrap_or(u32::MAX);
            // Should a statement take longer, its connection is closed when it is given back.
            let _drained = timeout(DRAIN, share.permits.acquire_many(everything)).await;
            share.permits.close();
            let idle = std::mem::take(&mut *share.idle.lock());
            for Idle { connection, .. } in idle {
                self.driver.shut(connection).await;
            }
        }
    }

    async fn rested(&self, share: &Share<D::Connection>) -> Option<D::Connection> {
        let Idle { mut connection, since } = share.idle.lock().pop()?;
        if since.elapsed() < FRESH {
            return Some(connection);
        }
        if let Ok(Ok(())) = timeout(self.options.acquire_timeout, self.driver.ping(&mut connection)).await {
            return Some(connection);
        }
        // What ended this connection (a restart, a firewall) has most likely ended the others.
        self.forget();
        None
    }

    fn forget(&self) {
        self.common.idle.lock().clear();
        self.reserved.idle.lock().clear();
    }
}

impl<D: Driver> Lease<'_, D> {
    pub(super) async fn query(&mut self, statement: &Statement) -> Result<Vec<Row>, Failure> {
        let answer = timeout(ANSWER, self.pool.driver.query(&mut self.connection, statement)).await;
        self.examined(answer)
    }

    pub(super) async fn execute(&mut self, statement: &Statement) -> Result<u64, Failure> {
        let answer = timeout(ANSWER, self.pool.driver.execute(&mut self.connection, statement)).await;
        self.examined(answer)
    }

    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Failure> {
        let answer = timeout(ANSWER, self.pool.driver.run(&mut self.connection, sql)).await;
        self.examined(answer)
    }

    /// Undoes the transaction under way, if the connection still lives.
    pub(super) async fn roll_back(&mut self) {
        if self.healthy && self.run("ROLLBACK").await.is_err() {
            self.healthy = false;
        }
    }

    /// Keeps the connection for the next caller unless something is wrong with it.
    pub(super) fn give_back(self) {
        if self.healthy && !self.share.permits.is_closed() {
            self.share.idle.lock().push(Idle { connection: self.connection, since: Instant::now() });
        }
    }

    fn examined<T>(
        &mut self,
        answer: Result<Result<T, Failure>, tokio::time::error::Elapsed>,
    ) -> Result<T, Failure> {
        let answer = answer
            .unwrap_or_else(|_| Err(Failure::Gone(format!("{} gave no answer in {ANSWER:?}", D::NAME))));
        if answer.as_ref().is_err_and(Failure::is_connection) {
            self.healthy = false;
            self.pool.forget();
        }
        answer
    }
}
