//! Two classes of calls, measured in pairs: an interval for the median of their difference.
//!
//! Both calls of a pair run one right after the other, in random order, so that whatever else the machine does falls
//! on both alike. The interval is made of order statistics: it assumes nothing about how noise is distributed, and
//! outliers do not move it. Measuring goes on until the interval is narrow enough to decide; a machine too noisy for
//! that fails the test and says so. It knows nothing of what is measured.

use std::{
    fmt,
    time::{Duration, Instant},
};

use countersign_domain::{random::below, testing::Seeded};
use tokio::sync::Mutex;

/// Pairs that are measured at least.
const LEAST: usize = 10_000;
/// Pairs after which nothing is expected of more.
const MOST: usize = 100_000;
/// Time after which a measurement that has [`LEAST`] pairs ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pairs that are prepared at once.
const BATCH: usize = 500;
/// Half the interval in standard deviations of a rank: the true median is outside once in 15,000 measurements.
const DEVIATIONS: f64 = 4.0;
/// What is planted.
const PLANTED: Duration = Duration::from_micros(100);

/// One measurement at a time: two would disturb each other.
static TURN: Mutex<()> = Mutex::const_new(());

/// Of which class a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    One,
    Other,
}

/// By how much medians may differ.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// By so much, on any machine.
    Time(Duration),
    /// By so much, or by so many hundredths of the time that an answer takes where that is more: a slow or busy machine
    /// stretches both alike.
    Share(Duration, u32),
}

impl Bound {
    fn of(self, usual: i64) -> Duration {
        match self {
            Self::Time(time) => time,
            Self::Share(time, percent) => {
                time.max(Duration::from_nanos(usual.unsigned_abs()) * percent / 100)
            }
        }
    }
}

/// Between what the median of a difference lies, in nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Interval {
    low: i64,
    high: i64,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Measured {
    pairs: usize,
    bound: Duration,
    /// The median of the one class, in nanoseconds.
    usual: i64,
    /// The other class against the one.
    difference: Interval,
    /// The other class, slowed by [`PLANTED`], against the one.
    planted: Interval,
}

impl Measured {
    /// Whether the classes surely differ.
    pub(crate) fn tells(&self) -> bool {
        self.difference.is_beyond(self.bound)
    }
}

impl Interval {
    fn of(differences: &mut [i64]) -> Self {
        differences.sort_unstable();
        let count = differences.len() as f64;
        let reach = DEVIATIONS * count.sqrt() / 2.0;
        let rank = |rank: f64| differences[(rank.max(0.0) as usize).min(differences.len() - 1)];
        Self { low: rank((count / 2.0 - reach).floor()), high: rank((count / 2.0 + reach).ceil()) }
    }

    fn is_within(self, bound: i64) -> bool {
        -bound < self.low && self.high < bound
    }

    /// Whether there is surely a difference beyond the bound.
    fn is_beyond(self, bound: Duration) -> bool {
        let bound = nanos(bound);
        self.low > bound || self.high < -bound
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} to {:.2} µs", self.low as f64 / 1e3, self.high as f64 / 1e3)
    }
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap()
}

/// Asserts that the time of a call does not tell its class, to within `bound`, and that a planted difference is found.
/// `prepare` makes what some calls need, before the clock starts; both classes must be answered `expected`.
pub(crate) async fn assert_equal<C, T: PartialEq + fmt::Debug>(
    name: &str,
    bound: Bound,
    expected: T,
    prepare: impl AsyncFnMut(Class, usize) -> Vec<C>,
    call: impl AsyncFn(C) -> T,
) {
    let measured = measure(bound, expected, prepare, call).await;
    let Measured { pairs, bound, usual, difference, planted } = measured;
    println!(
        "{name}: {pairs} pairs of {:.1} µs: {difference}, bound {bound:?}; with {PLANTED:?} planted: {planted}",
        usual as f64 / 1e3,
    );
    assert!(planted.is_beyond(bound), "{name}: the planted difference is not found: {measured:?}");
    assert!(!measured.tells(), "{name}: the time tells: {measured:?}");
    assert!(
        difference.is_within(nanos(bound)),
        "{name}: on this machine it cannot be told whether the time tells: {measured:?}"
    );
}

/// Measures until both intervals are clear about `bound`, or patience ends.
pub(crate) async fn measure<C, T: PartialEq + fmt::Debug>(
    bound: Bound,
    expected: T,
    mut prepare: impl AsyncFnMut(Class, usize) -> Vec<C>,
    call: impl AsyncFn(C) -> T,
) -> Measured {
    let _turn = TURN.lock().await;
    let begun = Instant::now();
    let mut random = Seeded::new(12);
    let (mut differences, mut planted, mut usual) = (Vec::new(), Vec::new(), Vec::new());
    let mut is_warm = false;
    loop {
        let batches = [
            prepare(Class::One, BATCH).await,
            prepare(Class::Other, BATCH).await,
            prepare(Class::Other, BATCH).await,
        ];
        let mut calls = batches.map(Vec::into_iter);
        for _ in 0..BATCH {
            let mut times = [0; 3];
            for place in shuffled(&mut random) {
                let prepared = calls[place].next().unwrap();
                let delay = if place == 2 { PLANTED } else { Duration::ZERO };
                let (answer, time) = timed(&call, prepared, delay).await;
                assert_eq!(answer, expected);
                times[place] = time;
            }
            if is_warm {
                usual.push(times[0]);
                differences.push(times[1] - times[0]);
                planted.push(times[2] - times[0]);
            }
        }
        is_warm = true;
        if differences.len() < LEAST {
            continue;
        }
        usual.sort_unstable();
        let usual = usual[usual.len() / 2];
        let bound = bound.of(usual);
        let difference = Interval::of(&mut differences);
        let found = Interval::of(&mut planted);
        let is_clear = difference.is_within(nanos(bound)) || difference.is_beyond(bound);
        let is_over = differences.len() >= MOST || begun.elapsed() > PATIENCE;
        if is_over || (is_clear && found.is_beyond(bound)) {
            return Measured { pairs: differences.len(), bound, usual, difference, planted: found };
        }
    }
}

async fn timed<C, T>(call: impl AsyncFn(C) -> T, prepared: C, delay: Duration) -> (T, i64) {
    let begun = Instant::now();
    let answer = call(prepared).await;
    let done = begun.elapsed();
    while begun.elapsed() < done + delay {
        std::hint::spin_loop();
    }
    (answer, nanos(begun.elapsed()))
}

fn shuffled(random: &mut Seeded) -> [usize; 3] {
    let mut places = [0, 1, 2];
    places.swap(0, below(random, 3));
    places.swap(1, 1 + below(random, 2));
    places
}
