//! Forgetting: rows past their lifetime, and what erased people left in the files.

use std::sync::atomic::Ordering;

use countersign_domain::time::Timestamp;

use super::Store;
use crate::{Error, sql};

impl Store {
    /// Purges what is past its lifetime, and what erased people left in the files; returns how many rows of each table
    /// went.
    ///
    /// # Errors
    /// As for every commit; what was not purged goes at the next sweep.
    pub async fn sweep(&self, now: Timestamp) -> Result<Vec<(&'static str, u64)>, Error> {
        let mut gone = Vec::new();
        for (table, write) in sql::sweep(now) {
            let rows = self.engine.commit(vec![write]).await?;
            gone.push((table, rows.into_iter().sum()));
        }
        if self.unscrubbed.swap(false, Ordering::SeqCst)
            && let Err(error) = self.engine.scrub().await
        {
            self.unscrubbed.store(true, Ordering::SeqCst);
            return Err(error);
        }
        Ok(gone)
    }
}
