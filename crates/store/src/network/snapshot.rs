//! A database as it was at one moment: one transaction on a connection of its own, which goes with it.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use tokio::time::timeout;

use super::{
    driver::{Driver, Failure},
    pool::Pool,
};
use crate::{
    Error,
    engine::{Row, Snapshot, Statement},
};

/// How long one read may take: tables are read in parts.
const ANSWER: Duration = Duration::from_secs(60);

/// One transaction that only reads.
pub(super) struct Moment<D: Driver> {
    pool: Arc<Pool<D>>,
    connection: D::Connection,
}

/// Begins.
pub(super) async fn begin<D: Driver>(pool: &Arc<Pool<D>>) -> Result<Moment<D>, Error> {
    let mut connection = pool.open().await?;
    pool.driver().run(&mut connection, D::BEGIN_SNAPSHOT).await.map_err(Failure::into_error)?;
    Ok(Moment { pool: Arc::clone(pool), connection })
}

impl<D: Driver> Snapshot for Moment<D> {
    fn query(&mut self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        Box::pin(async move {
            let answer = self.pool.driver().query(&mut self.connection, &statement);
            match timeout(ANSWER, answer).await {
                Ok(answer) => answer.map_err(Failure::into_error),
                Err(_) => Err(Error::Unavailable(format!("{} gave no answer in {ANSWER:?}", D::NAME))),
            }
        })
    }
}
