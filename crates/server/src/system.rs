//! The one clock and the one generator of the wired server. Everything else takes time and randomness as arguments.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Instant,
};

use countersign_domain::{
    random::Random,
    time::{Span, Timestamp},
};

/// How far the machine's clock may be behind what was acted upon before somebody should look at it.
pub const CLOCK_TOLERANCE: Span = Span::from_minutes(1);

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now. Never earlier than any time it told before.
    fn now(&self) -> Timestamp;

    /// Never tells a time before `moment` from here on: what was acted upon stays in the past.
    fn not_before(&self, moment: Timestamp);

    /// How far the machine's clock is behind the time that is told here; nothing while it is right.
    fn behind(&self) -> Span {
        Span::from_millis(0)
    }
}

/// The system's clock, which never runs backwards here: what expired stays expired when the clock is set back. Until
/// the system's clock has caught up, time goes on from the newest time that was told.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
    /// The newest time that was told, less the time this clock had run by then, in milliseconds.
    floor: AtomicI64,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { started: Instant::now(), floor: AtomicI64::new(0) }
    }
}

impl SystemClock {
    fn tell(&self, moment: i64) -> i64 {
        let run = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(0);
        let floor = moment.saturating_sub(run);
        self.floor.fetch_max(floor, Ordering::Relaxed).max(floor).saturating_add(run)
    }
}

/// The machine's clock as it stands, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else is given")]
fn machine() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.tell(machine()))
    }

    fn behind(&self) -> Span {
        let machine = Timestamp::from_millis(machine());
        self.now().since(machine)
    }

    fn not_before(&self, moment: Timestamp) {
        self.tell(moment.millis());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p29_time_neither_runs_backwards_nor_stands_still() {
        let clock = SystemClock::default();
        let ahead = clock.now() + countersign_domain::time::Span::DAY;
        clock.not_before(ahead);
        let first = clock.now();
        assert!(first >= ahead);
        std::thread::sleep(std::time::Duration::from_millis(20));
        let later = clock.now();
        assert!(later.since(first).millis() >= 15, "{first:?} {later:?}");
        clock.not_before(Timestamp::from_millis(0));
        assert!(clock.now() >= later);
        assert!(clock.behind() > Span::from_hours(23));
        assert!(SystemClock::default().behind() < Span::from_seconds(1));
    }
}
