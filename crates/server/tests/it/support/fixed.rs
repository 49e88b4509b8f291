//! The clock and the generator of tests: nothing here depends on when or how often a test runs.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use countersign_domain::{
    random::Random,
    testing::Seeded,
    time::{Span, Timestamp},
};
use countersign_server::system::{Clock, Entropy};

/// When every test begins.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A clock that stands still until a test moves it.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START.millis())))
    }

    pub(crate) fn advance(&self, span: Span) {
        self.0.fetch_add(span.millis(), Ordering::SeqCst);
    }

    pub(crate) fn set(&self, moment: Timestamp) {
        self.0.store(moment.millis(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    fn not_before(&self, moment: Timestamp) {
        self.0.fetch_max(moment.millis(), Ordering::SeqCst);
    }
}

/// Hands out seeded generators, no two alike, and others on every node.
pub(crate) struct SeededEntropy(AtomicU64);

impl SeededEntropy {
    pub(crate) fn new(node: u64) -> Self {
        Self(AtomicU64::new(node << 32))
    }
}

impl Entropy for SeededEntropy {
    fn random(&self) -> Box<dyn Random + Send> {
        Box::new(Seeded::new(self.0.fetch_add(1, Ordering::SeqCst)))
    }
}
