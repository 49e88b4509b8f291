//! The counters of one person: how often they were written to, how often somebody guessed, which challenges live.
//!
//! There is one contact for each (app, address digest), made on the first ask, and one for the address digest at all
//! apps together. A contact is written by every start and every verify; its version is what makes races between them
//! end with one winner on every engine. It knows no address.

use crate::{
    app::{AppName, ChallengePolicy},
    id::ChallengeId,
    refusal::Refusal,
    secret::Digest,
    time::{Span, Timestamp},
};

/// Messages remembered for one contact, and so the largest limit of messages a day.
pub const MOST_SENDS: usize = 64;
/// Messages to one address within a day, all apps together.
pub const SENDS_EVERYWHERE: usize = 40;
/// Challenges of one person at one app that may live at once.
pub const MOST_LIVE: usize = 3;
/// What wrong codes within 24 hours may cost, in millionths of a chance to hit: 1e-4 (security property 4).
pub const GUESSES_A_DAY: u32 = 100;
/// Wrong codes in a row before only links are mailed. Below the daily budget, so that a success in the middle of an
/// attack gives codes back without raising the daily chance.
pub const GUESSES_IN_A_ROW: u32 = 50;

/// One wrong code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// The chance it had, in millionths: the number of live codes it was held against, or more for short alphabets.
    pub charge: u32,
}

/// Whose counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactKey {
    /// The app, or none for all apps together.
    pub app: Option<AppName>,
    /// The person, as a digest made for this app alone.
    pub digest: Digest,
}

/// The counters of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Whose.
    pub key: ContactKey,
    /// Messages of the last 24 hours, oldest first.
    pub sends: Vec<Timestamp>,
    /// Wrong codes of the last 24 hours, oldest first.
    pub failures: Vec<Failure>,
    /// Wrong codes since the last success.
    pub failures_in_a_row: u32,
    /// Live challenges, oldest first; among them may be some that have ended since.
    pub live: Vec<ChallengeId>,
    /// When the row may be forgotten.
    pub expires_at: Timestamp,
    /// 0 when it is not stored yet; counts up with every write.
    pub version: i64,
}

impl Contact {
    /// A person nobody has written to.
    #[must_use]
    pub const fn fresh(key: ContactKey) -> Self {
        Self {
            key,
            sends: Vec::new(),
            failures: Vec::new(),
            failures_in_a_row: 0,
            live: Vec::new(),
            expires_at: Timestamp::from_millis(0),
            version: 0,
        }
    }

    /// Whether one more guess, which hits with a chance of `charge` millionths, is within this person's budget.
    ///
    /// # Errors
    /// [`Refusal::TooManyAttempts`] with the time until codes come back.
    pub fn admit(&self, charge: u32, now: Timestamp) -> Result<(), Refusal> {
        let recent = self.failures.iter().filter(|failure| failure.at + Span::DAY > now);
        let mut spent: u32 = recent.clone().map(|failure| failure.charge).sum();
        // A row of failures blocks until a quiet day has passed since its last; the daily budget until enough of its
        // oldest failures have left the last 24 hours.
        let mut until = now;
        if self.failures_in_a_row >= GUESSES_IN_A_ROW {
            until = self.failures.last().map_or(now, |failure| failure.at + Span::DAY);
        }
        for failure in recent {
            if spent.saturating_add(charge) <= GUESSES_A_DAY {
                break;
            }
            spent -= failure.charge;
            until = until.max(failure.at + Span::DAY);
        }
        if until > now { Err(Refusal::TooManyAttempts { retry_after: until.since(now) }) } else { Ok(()) }
    }

    /// How many more guesses that hit with a chance of `charge` millionths this person's budget allows now.
    #[must_use]
    pub fn tries_left(&self, charge: u32, now: Timestamp) -> u32 {
        let recent = self.failures.iter().filter(|failure| failure.at + Span::DAY > now);
        let spent: u32 = recent.map(|failure| failure.charge).sum();
        let of_day = GUESSES_A_DAY.saturating_sub(spent) / charge.max(1);
        of_day.min(GUESSES_IN_A_ROW.saturating_sub(self.failures_in_a_row))
    }

    /// Whether this app may write to this person now.
    ///
    /// # Errors
    /// [`Refusal::ResendTooSoon`] or [`Refusal::TooManyMessages`], with the time to wait.
    pub fn may_send(&self, policy: &ChallengePolicy, now: Timestamp) -> Result<(), Refusal> {
        if let Some(&last) = self.sends.last() {
            let next = last + policy.resend_pause;
            if next > now {
                return Err(Refusal::ResendTooSoon { retry_after: next.since(now) });
            }
        }
        for (span, limit) in [(Span::from_hours(1), policy.sends_per_hour), (Span::DAY, policy.sends_per_day)]
        {
            let recent: Vec<_> = self.sends.iter().filter(|&&sent| sent + span > now).collect();
            if recent.len() >= limit.min(MOST_SENDS) {
                let oldest = recent.first().map_or(now, |&&sent| sent);
                return Err(Refusal::TooManyMessages { retry_after: (oldest + span).since(now) });
            }
        }
        Ok(())
    }

    /// Whether this address may be written to once more by any app.
    #[must_use]
    pub fn may_send_anywhere(&self, now: Timestamp) -> bool {
        self.sends.iter().filter(|&&sent| sent + Span::DAY > now).count() < SENDS_EVERYWHERE
    }

    /// Notes that a message was promised.
    pub fn note_send(&mut self, now: Timestamp) {
        self.sends.retain(|&sent| sent + Span::DAY > now);
        if self.sends.len() >= MOST_SENDS {
            self.sends.remove(0);
        }
        self.sends.push(now);
        self.live_until(now + Span::DAY);
    }

    /// Notes a wrong code.
    pub fn note_failure(&mut self, charge: u32, now: Timestamp) {
        let last = self.failures.last().map(|failure| failure.at);
        if last.is_some_and(|last| last + Span::DAY <= now) {
            self.failures_in_a_row = 0;
        }
        self.failures.retain(|failure| failure.at + Span::DAY > now);
        self.failures.push(Failure { at: now, charge });
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        self.live_until(now + Span::DAY);
    }

    /// Notes that this person proved control: the row of failures ends, the daily budget does not. Whether there was
    /// such a row, so that this must be kept.
    pub fn note_success(&mut self) -> bool {
        std::mem::take(&mut self.failures_in_a_row) > 0
    }

    /// Keeps the row at least until `moment`.
    pub fn live_until(&mut self, moment: Timestamp) {
        self.expires_at = self.expires_at.max(moment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{random::below, testing::Seeded};

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn person() -> Contact {
        Contact::fresh(ContactKey { app: "forum".parse().ok(), digest: Digest::new([1; 32]) })
    }

    #[test]
    fn p04_no_pattern_of_guesses_has_a_better_chance_than_one_in_ten_thousand_a_day() {
        for seed in 0..40 {
            let mut random = Seeded::new(seed);
            let (mut contact, mut now, mut guesses) = (person(), START, Vec::new());
            for _ in 0..4_000 {
                now = now
                    + Span::from_seconds(
                        below(&mut random, 256) as i64 * [1, 30, 900][below(&mut random, 3)],
                    );
                let live = 1 + below(&mut random, 3) as u32;
                if contact.admit(live, now).is_ok() {
                    contact.note_failure(live, now);
                    guesses.push((now, live));
                }
                if below(&mut random, 20) == 0 {
                    contact.note_success();
                }
            }
            for &(end, _) in &guesses {
                let chance: u32 = guesses
                    .iter()
                    .filter(|(at, _)| *at <= end && *at + Span::DAY > end)
                    .map(|(_, live)| live)
                    .sum();
                assert!(chance <= 100, "seed {seed}: {chance} millionths within a day");
            }
            assert!(guesses.len() > 50, "the test must guess at all");
        }
    }

    #[test]
    fn p04_codes_come_back_after_a_quiet_day_or_a_success() {
        let mut contact = person();
        for second in 0..i64::from(GUESSES_IN_A_ROW) {
            assert_eq!(contact.admit(1, START + Span::from_seconds(second)), Ok(()));
            contact.note_failure(1, START + Span::from_seconds(second));
        }
        let last = START + Span::from_seconds(i64::from(GUESSES_IN_A_ROW) - 1);
        assert!(matches!(contact.admit(1, last), Err(Refusal::TooManyAttempts { retry_after: Span::DAY })));
        assert!(contact.admit(1, last + Span::DAY - Span::from_seconds(1)).is_err());
        assert_eq!(contact.admit(1, last + Span::DAY), Ok(()));
        contact.note_success();
        assert_eq!(contact.admit(1, last), Ok(()));
    }

    #[test]
    fn p11_messages_to_one_person_are_limited() {
        let policy = ChallengePolicy::default();
        let mut contact = person();
        contact.note_send(START);
        let pause = policy.resend_pause;
        assert_eq!(contact.may_send(&policy, START), Err(Refusal::ResendTooSoon { retry_after: pause }));
        let mut now = START;
        for _ in 1..policy.sends_per_hour {
            now = now + pause;
            assert_eq!(contact.may_send(&policy, now), Ok(()));
            contact.note_send(now);
        }
        now = now + pause;
        let wait = (START + Span::from_hours(1)).since(now);
        assert_eq!(contact.may_send(&policy, now), Err(Refusal::TooManyMessages { retry_after: wait }));
        assert_eq!(contact.may_send(&policy, START + Span::from_hours(1)), Ok(()));
    }

    #[test]
    fn p11_a_day_of_messages_is_limited_exactly() {
        let policy = ChallengePolicy::default();
        let (mut contact, mut now, mut sent) = (person(), START, 0);
        while now < START + Span::DAY {
            if contact.may_send(&policy, now).is_ok() {
                contact.note_send(now);
                sent += 1;
            }
            now = now + Span::from_seconds(10);
        }
        assert_eq!(sent, policy.sends_per_day);
        let mut everywhere = person();
        for _ in 0..SENDS_EVERYWHERE {
            assert!(everywhere.may_send_anywhere(START));
            everywhere.note_send(START);
        }
        assert!(!everywhere.may_send_anywhere(START));
    }
}
