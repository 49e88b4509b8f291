//! What an attempt at a second factor costs the person whom it is made at: a budget of their own, which wrong passwords
//! and mailed codes do not touch. It knows no factor: what one wrong attempt costs, and whether it is right, come in as
//! arguments.

use crate::{
    changes::{Change, Changes, Decision},
    contact::Contact,
    refusal::Refusal,
    time::Timestamp,
};

/// What an attempt was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Right.
    Right,
    /// It was right once. It is refused like a wrong one and costs nothing: nobody learns anything by it, and a form that
    /// was sent twice must not lock its sender out.
    Spent,
    /// Wrong.
    Wrong,
}

/// Decides about an attempt at one of a person's second factors. A success always writes the counters: of many attempts
/// at once, each reads the counters that the one before it left, or is decided anew.
pub fn attempt(
    mut contact: Contact,
    (verdict, charge): (Verdict, u32),
    now: Timestamp,
) -> Decision<Result<(), Refusal>> {
    let mut changes = Changes::default();
    if let Err(refusal) = contact.admit(charge, now) {
        let refusal = match refusal {
            Refusal::TooManyAttempts { retry_after } => Refusal::TooManyProofs { retry_after },
            other => other,
        };
        return Decision { outcome: Err(refusal), changes };
    }
    let outcome = match verdict {
        Verdict::Right => {
            contact.note_success();
            contact.live_until(now);
            Ok(())
        }
        Verdict::Spent => {
            let tries_left = contact.tries_left(charge, now);
            return Decision { outcome: Err(Refusal::InvalidCode { tries_left }), changes };
        }
        Verdict::Wrong => {
            contact.note_failure(charge, now);
            Err(Refusal::InvalidCode { tries_left: contact.tries_left(charge, now) })
        }
    };
    changes.push(Change::Contact(contact));
    Decision { outcome, changes }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{contact::ContactKey, secret::Digest, time::Span};

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn contact() -> Contact {
        Contact::fresh(ContactKey { app: None, digest: Digest::new([1; 32]) })
    }

    /// Tries once, and keeps the counters as the store would.
    fn tries(contact: &mut Contact, verdict: Verdict, charge: u32, now: Timestamp) -> Result<(), Refusal> {
        let decision = attempt(contact.clone(), (verdict, charge), now);
        for change in decision.changes.0 {
            if let Change::Contact(written) = change {
                *contact = Contact { version: contact.version + 1, ..written };
            }
        }
        decision.outcome
    }

    #[test]
    fn p04_the_chance_to_guess_a_second_factor_stays_below_one_in_ten_thousand_a_day() {
        for (charge, most) in [(2, 50), (1, 50), (10, 10)] {
            let mut contact = contact();
            for left in (0..most).rev() {
                let wrong = tries(&mut contact, Verdict::Wrong, charge, START);
                assert_eq!(wrong, Err(Refusal::InvalidCode { tries_left: left }), "{charge}");
            }
            let wait = Refusal::TooManyProofs { retry_after: Span::DAY };
            for verdict in [Verdict::Right, Verdict::Spent, Verdict::Wrong] {
                assert_eq!(tries(&mut contact, verdict, charge, START), Err(wait), "{verdict:?}");
            }
            assert_eq!(tries(&mut contact, Verdict::Right, charge, START + Span::DAY), Ok(()));
        }
    }

    #[test]
    fn p04_a_success_in_between_gives_no_chance_more() {
        let (mut contact, mut wrong) = (contact(), 0);
        for second in 0..10_000 {
            let now = START + Span::from_seconds(second);
            wrong += u32::from(matches!(
                tries(&mut contact, Verdict::Wrong, 2, now),
                Err(Refusal::InvalidCode { .. })
            ));
            if second % 20 == 19 {
                let _ = tries(&mut contact, Verdict::Right, 2, now);
            }
        }
        assert_eq!(wrong, 50, "two millionths each");
    }

    #[test]
    fn what_was_right_once_costs_nothing_and_a_success_is_written() {
        let mut contact = contact();
        for _ in 0..200 {
            let spent = tries(&mut contact, Verdict::Spent, 2, START);
            assert_eq!(spent, Err(Refusal::InvalidCode { tries_left: 50 }));
        }
        assert_eq!(contact.version, 0);
        assert_eq!(tries(&mut contact, Verdict::Right, 2, START), Ok(()));
        assert_eq!(contact.version, 1);
    }
}
