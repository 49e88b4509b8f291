//! The one clock and the one generator of the wired server. Everything else takes time and randomness as arguments.

use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Instant,
};

use countersign_domain::{
    random::Random,
    time::{Span, Timestamp},
};
use zeroize::{Zeroize as _, Zeroizing};

/// How far the machine's clock may be behind what was acted upon before somebody should look at it.
pub const CLOCK_TOLERANCE: Span = Span::from_minutes(1);

/// How far the clocks of two nodes of one server may be apart: a token of the one is good at the other at once, and
/// what is taken back at the one is dead at the other.
pub const CLOCK_SKEW: Span = Span::from_seconds(5);

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
        Box::new(SystemRandom { ahead: Zeroizing::new([0; AHEAD]), used: AHEAD })
    }
}

/// Bytes that are fetched at once: a start draws a dozen small secrets, each would be a system call.
const AHEAD: usize = 128;

/// Bytes of the system's for one task. Each is handed out once; what is handed out, and what is left at the end, is
/// wiped here.
struct SystemRandom {
    ahead: Zeroizing<[u8; AHEAD]>,
    used: usize,
}

impl Random for SystemRandom {
    fn fill(&mut self, bytes: &mut [u8]) {
        if bytes.len() > AHEAD {
            return fetch(bytes);
        }
        if bytes.len() > AHEAD - self.used {
            fetch(&mut *self.ahead);
            self.used = 0;
        }
        let ready = &mut self.ahead[self.used..][..bytes.len()];
        bytes.copy_from_slice(ready);
        ready.zeroize();
        self.used += bytes.len();
    }
}

#[expect(
    clippy::expect_used,
    reason = "without randomness no secret may be made; this system call does not fail once booted"
)]
fn fetch(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system's generator gives bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p01_no_byte_of_the_system_is_handed_out_twice() {
        let mut random = SystemEntropy.random();
        let mut seen = std::collections::HashSet::new();
        for length in (8..AHEAD + 40).chain(8..40) {
            let mut bytes = vec![0; length];
            random.fill(&mut bytes);
            // Any eight bytes in a row are a number that will not come again.
            for window in bytes.windows(8) {
                assert!(seen.insert(window.to_vec()), "{length}");
            }
        }
    }

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
        // Whatever the system's clock says meanwhile: what has run has passed.
        for said in [0, later.millis() / 2, later.millis(), later.millis() + 5] {
            let (before, since) = (clock.tell(said), Instant::now());
            std::thread::sleep(std::time::Duration::from_millis(5));
            let passed = clock.tell(said - 3_600_000) - before;
            assert!(passed >= i64::try_from(since.elapsed().as_millis()).unwrap() - 1, "{said}: {passed}");
        }
    }
}
