//! Small facts about a database, each with a version.

use super::Store;
use crate::{Error, sql};

impl Store {
    /// A small fact about this database and its version; `None` and 0 when it was never written.
    ///
    /// # Errors
    /// As for every read.
    pub async fn fact(&self, name: &str) -> Result<(Option<Vec<u8>>, i64), Error> {
        let row = self.first(sql::select_fact(name)).await?;
        row.map_or(Ok((None, 0)), |row| sql::read_fact(row).map(|(value, version)| (Some(value), version)))
    }

    /// Writes a fact that was read at `version`.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another node wrote it first.
    pub async fn save_fact(&self, name: &str, value: Vec<u8>, version: i64) -> Result<(), Error> {
        self.engine.commit(vec![sql::save_fact(name, value, version)]).await.map(drop)
    }
}
