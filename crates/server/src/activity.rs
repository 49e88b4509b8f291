//! What this server did of late, in numbers without a person in them: sign-ins, refusals, how long answers took, how many
//! messages waited. A day of it is kept in memory, and nowhere else.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use countersign_domain::time::{Span, Timestamp};
use parking_lot::Mutex;

use crate::{shutdown::Shutdown, state::Server};

/// How much time a point stands for.
pub const SLOT: Span = Span::from_minutes(5);
/// Points that are kept: a day.
pub const MOST_POINTS: usize = 288;
/// How often it is looked.
const LOOK: Duration = Duration::from_secs(60);
/// Classes of durations, four to each doubling of microseconds: the last begins at about half a minute.
const CLASSES: usize = 100;

/// What happened within one slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When the slot began.
    pub at: Timestamp,
    /// Proofs that were enough: sign-ins and confirmed addresses.
    pub sign_ins: u64,
    /// Codes, passwords and other proofs that were refused.
    pub refusals: u64,
    /// Messages that waited when it was looked last.
    pub messages_waiting: i64,
    /// How long half of the answers took at most, in milliseconds; none where nobody asked.
    pub latency_median: Option<f64>,
    /// How long 99 of 100 answers took at most, in milliseconds.
    pub latency_most: Option<f64>,
}

/// What is counted until it is looked, and what was seen before.
#[derive(Debug)]
pub struct Activity {
    sign_ins: AtomicU64,
    refusals: AtomicU64,
    durations: [AtomicU64; CLASSES],
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    points: VecDeque<Point>,
    /// How long the answers of the newest point took, by class.
    durations: [u64; CLASSES],
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            sign_ins: AtomicU64::default(),
            refusals: AtomicU64::default(),
            durations: std::array::from_fn(|_| AtomicU64::default()),
            seen: Mutex::new(Seen { points: VecDeque::new(), durations: [0; CLASSES] }),
        }
    }
}

impl Activity {
    /// Counts a proof that was enough.
    pub fn signed_in(&self) {
        self.sign_ins.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a proof that was refused.
    pub fn refused(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an answer.
    pub fn took(&self, duration: Duration) {
        if let Some(class) = self.durations.get(class_of(duration)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes what was counted into the point of this moment, and gives all points, oldest first.
    pub fn look(&self, now: Timestamp, messages_waiting: i64) -> Vec<Point> {
        let mut seen = self.seen.lock();
        let slot = now.millis().div_euclid(SLOT.millis()) * SLOT.millis();
        let at = Timestamp::from_millis(slot);
        if seen.points.back().is_none_or(|newest| newest.at < at) {
            let point = Point {
                at,
                sign_ins: 0,
                refusals: 0,
                messages_waiting: 0,
                latency_median: None,
                latency_most: None,
            };
            seen.points.push_back(point);
            seen.durations = [0; CLASSES];
        }
        let Seen { points, durations } = &mut *seen;
        for (sum, counted) in durations.iter_mut().zip(&self.durations) {
            *sum += counted.swap(0, Ordering::Relaxed);
        }
        if let Some(newest) = points.back_mut() {
            newest.sign_ins += self.sign_ins.swap(0, Ordering::Relaxed);
            newest.refusals += self.refusals.swap(0, Ordering::Relaxed);
            newest.messages_waiting = messages_waiting;
            newest.latency_median = share(durations, 50);
            newest.latency_most = share(durations, 99);
        }
        while points.len() > MOST_POINTS
            || points.front().is_some_and(|oldest| at - oldest_kept() > oldest.at)
        {
            points.pop_front();
        }
        points.iter().copied().collect()
    }
}

fn oldest_kept() -> Span {
    Span::from_millis(SLOT.millis() * MOST_POINTS as i64)
}

/// The class of a duration: four to each doubling.
fn class_of(duration: Duration) -> usize {
    let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(4);
    let doubling = micros.ilog2();
    let quarter = (micros >> (doubling - 2)) & 3;
    let class = u64::from(doubling) * 4 + quarter;
    usize::try_from(class).unwrap_or(CLASSES).min(CLASSES - 1)
}

/// The longest duration of a class, in milliseconds.
fn end_of(class: usize) -> f64 {
    let (doubling, quarter) = (class / 4, class % 4);
    let begin = (1_u64 << doubling) + ((quarter as u64 + 1) << doubling) / 4;
    begin as f64 / 1000.0
}

/// How long so many of a hundred took at most.
fn share(durations: &[u64; CLASSES], percent: u64) -> Option<f64> {
    let all: u64 = durations.iter().sum();
    let wanted = (all * percent).div_ceil(100).max(1);
    let mut sum = 0;
    let class = durations.iter().position(|count| {
        sum += count;
        sum >= wanted
    });
    class.map(end_of)
}

/// Looks every minute until `shutdown`.
pub async fn run(server: Arc<Server>, mut shutdown: Shutdown) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            _ = tick.tick() => {
                let waiting = server.store.message_count().await.map_or(0, |(count, _)| count);
                server.metrics.activity.look(server.now(), waiting);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000) + Span::from_minutes(minutes)
    }

    #[test]
    fn what_is_counted_falls_into_its_slot_and_a_day_is_kept() {
        let activity = Activity::default();
        activity.signed_in();
        activity.look(at(0), 3);
        activity.signed_in();
        activity.refused();
        activity.took(Duration::from_micros(900));
        let points = activity.look(at(4), 7);
        let [point] = points[..] else { panic!("one slot: {points:?}") };
        assert_eq!((point.at, point.sign_ins, point.refusals, point.messages_waiting), (at(0), 2, 1, 7));
        let median = point.latency_median.unwrap();
        assert!((0.9..1.2).contains(&median), "{median}");
        let points = activity.look(at(5), 0);
        assert_eq!((points.len(), points[1].sign_ins, points[1].latency_median), (2, 0, None));
        for slot in 2..400 {
            activity.look(at(slot * 5), 0);
        }
        let points = activity.look(at(400 * 5), 0);
        assert_eq!((points.len(), points[0].at), (MOST_POINTS, at((401 - 288) * 5)));
        assert_eq!(activity.look(at(10_000), 0).len(), 1, "what is older than a day is forgotten");
    }

    #[test]
    fn shares_are_of_all_answers_and_every_duration_has_a_class() {
        let activity = Activity::default();
        for _ in 0..98 {
            activity.took(Duration::from_millis(1));
        }
        activity.took(Duration::from_millis(200));
        activity.took(Duration::from_secs(1_000_000));
        let points = activity.look(at(0), 0);
        let (median, most) = (points[0].latency_median.unwrap(), points[0].latency_most.unwrap());
        assert!((1.0..1.3).contains(&median) && (200.0..300.0).contains(&most), "{median} {most}");
        for micros in [0, 1, 3, 4, 5, 999, 1_000, 65_535, 65_536] {
            let duration = Duration::from_micros(micros);
            let end = end_of(class_of(duration));
            assert!(end * 1000.0 > micros as f64, "{micros}: {end}");
            assert!(micros < 8 || end * 1000.0 <= micros as f64 * 1.26, "{micros}: {end}");
        }
    }
}
