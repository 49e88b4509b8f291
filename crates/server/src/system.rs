//! The one clock and the one generator of the wired server. Everything else takes time and randomness as arguments.

use std::sync::atomic::{AtomicI64, Ordering};

use countersign_domain::{random::Random, time::Timestamp};

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now. Never earlier than any time it told before.
    fn now(&self) -> Timestamp;

    /// Never tells a time before `moment` from here on: what was acted upon stays in the past.
    fn not_before(&self, moment: Timestamp);
}

/// The system's clock, which never runs backwards here: what expired stays expired when the clock is set back.
#[derive(Debug, Default)]
pub struct SystemClock {
    newest: AtomicI64,
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
    fn now(&self) -> Timestamp {
        let since_1970 =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(self.newest.fetch_max(now, Ordering::Relaxed).max(now))
    }

    fn not_before(&self, moment: Timestamp) {
        self.newest.fetch_max(moment.millis(), Ordering::Relaxed);
    }
}

/// Hands out generators, one for each task.
pub trait Entropy: Send + Sync {
    /// A generator fit for secrets.
    fn random(&self) -> Box<dyn Random + Send>;
}

/// The operating system's generator, asked directly: the cryptographic library's own would first gather entropy for
/// some 30 ms, which the first request would pay.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn random(&self) -> Box<dyn Random + Send> {
        Box::new(*self)
    }
}

impl Random for SystemEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        #[expect(
            clippy::expect_used,
            reason = "without randomness no secret may be made; this system call does not fail once booted"
        )]
        getrandom::fill(bytes).expect("the system's generator gives bytes");
    }
}
