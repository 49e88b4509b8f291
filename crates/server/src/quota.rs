//! Messages by app and in total: counters in the store that outlive restarts, from which this node takes a block at
//! a time, so that a busy app is no hot row.

use std::collections::HashMap;

use countersign_domain::{
    app::App,
    time::{Span, Timestamp},
};
use countersign_store::{Quota, Store};
use parking_lot::Mutex;

/// The counter of all apps together.
const EVERYTHING: &str = "messages";
/// A node takes this part of a limit at once, and at most [`LARGEST_BLOCK`].
const BLOCKS: u32 = 100;
const LARGEST_BLOCK: u32 = 64;

/// What this node has taken and not used.
#[derive(Debug, Default)]
pub struct Quotas {
    taken: Mutex<HashMap<String, Share>>,
}

#[derive(Clone, Copy, Debug)]
struct Share {
    day: i64,
    left: u32,
    /// The counter was found at its limit: no need to ask again this day.
    spent: bool,
}

impl Quotas {
    /// Takes one message of the app's; `Err` with the time until there are more.
    ///
    /// # Errors
    /// The store's; `Ok(Err(…))` when the day's messages are used up.
    pub async fn take_app(
        &self,
        store: &Store,
        app: &App,
        now: Timestamp,
    ) -> Result<Result<(), Span>, countersign_store::Error> {
        let name = format!("messages/{}", app.name);
        self.take(store, &name, app.messages_per_day, now).await
    }

    /// Takes one message of all apps together.
    ///
    /// # Errors
    /// The store's; `Ok(Err(…))` when the day's messages are used up.
    pub async fn take_total(
        &self,
        store: &Store,
        limit: u32,
        now: Timestamp,
    ) -> Result<Result<(), Span>, countersign_store::Error> {
        self.take(store, EVERYTHING, limit, now).await
    }

    async fn take(
        &self,
        store: &Store,
        name: &str,
        limit: u32,
        now: Timestamp,
    ) -> Result<Result<(), Span>, countersign_store::Error> {
        let day = now.millis().div_euclid(Span::DAY.millis());
        let tomorrow = Timestamp::from_millis((day + 1) * Span::DAY.millis());
        if let Some(answer) = self.take_leased(name, day) {
            return Ok(if answer { Ok(()) } else { Err(tomorrow.since(now)) });
        }
        // The last messages of a day may not fill a block: then a single one is asked for.
        let block = (limit / BLOCKS).clamp(1, LARGEST_BLOCK);
        for size in [block, 1] {
            let quota = Quota {
                name,
                period: day,
                block: size.into(),
                limit: limit.into(),
                expires_at: tomorrow + Span::DAY,
            };
            if store.take_quota(&quota).await? {
                self.note(name, day, size - 1, false);
                return Ok(Ok(()));
            }
        }
        self.note(name, day, 0, true);
        Ok(Err(tomorrow.since(now)))
    }

    /// Takes one of what was leased: `None` when the store must be asked.
    fn take_leased(&self, name: &str, day: i64) -> Option<bool> {
        let mut taken = self.taken.lock();
        let share = taken.get_mut(name).filter(|share| share.day == day)?;
        if share.left > 0 {
            share.left -= 1;
            return Some(true);
        }
        share.spent.then_some(false)
    }

    fn note(&self, name: &str, day: i64, left: u32, spent: bool) {
        let mut taken = self.taken.lock();
        let share = taken.entry(name.to_owned()).or_insert(Share { day, left: 0, spent: false });
        if share.day != day {
            *share = Share { day, left: 0, spent: false };
        }
        share.left += left;
        share.spent = spent && share.left == 0;
    }

    /// Forgets what was found to be used up: the limits may have been raised.
    pub fn reconsider(&self) {
        self.taken.lock().retain(|_, share| !share.spent);
    }
}
