//! How fresh the apps and keys in memory are: when they were last read, and whether a reading is owed. It does not
//! know what was read.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use countersign_domain::time::Timestamp;

/// When apps and keys were last read from the store.
#[derive(Debug, Default)]
pub struct Freshness {
    read_at: AtomicI64,
    is_behind: AtomicBool,
}

impl Freshness {
    /// Notes that they were read, beginning at `now`, and are what the store has.
    pub fn note_read(&self, now: Timestamp) {
        self.read_at.fetch_max(now.millis(), Ordering::Relaxed);
        self.is_behind.store(false, Ordering::Relaxed);
    }

    /// Notes that they could not be read: the next look must.
    pub fn note_failure(&self) {
        self.is_behind.store(true, Ordering::Relaxed);
    }

    /// When they were last read.
    #[must_use]
    pub fn read_at(&self) -> Timestamp {
        Timestamp::from_millis(self.read_at.load(Ordering::Relaxed))
    }

    /// Whether the last reading failed.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.is_behind.load(Ordering::Relaxed)
    }
}
