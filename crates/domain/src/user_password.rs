//! A user's password as it is kept, and what an attempt at one costs the person whom it is made at. It knows no
//! password and no hash: whether one is right comes in as an argument.

use crate::{
    changes::{Change, Changes, Decision},
    contact::Contact,
    id::{ChallengeId, UserId},
    refusal::Refusal,
    time::Timestamp,
};

/// What one wrong password costs of a person's budget for a day, in millionths as for codes: a hundred a day, and fifty
/// in a row, are all that anybody may try.
const CHARGE: u32 = 1;

/// The password of a user, as the hash that is kept of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPassword {
    /// Whose.
    pub user: UserId,
    /// The hash with its parameters, sealed.
    pub sealed_hash: Vec<u8>,
    /// When the person chose it. Making the hash anew does not change it.
    pub made_at: Timestamp,
    /// 0 when it is not stored yet; counts up with every write.
    pub version: i64,
}

/// The password that somebody wishes who is not known to have the mailbox yet. It belongs to a challenge, becomes
/// nobody's unless that challenge passes and makes a user, and is forgotten with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordWish {
    /// The challenge that must pass.
    pub challenge: ChallengeId,
    /// The hash with its parameters, sealed.
    pub sealed_hash: Vec<u8>,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// Whether this person's budget for wrong passwords allows one more attempt.
///
/// # Errors
/// [`Refusal::TooManyPasswords`] with the time until passwords come back.
pub fn admit(contact: &Contact, now: Timestamp) -> Result<(), Refusal> {
    contact.admit(CHARGE, now).map_err(|refusal| match refusal {
        Refusal::TooManyAttempts { retry_after } => Refusal::TooManyPasswords { retry_after },
        other => other,
    })
}

/// Decides about an attempt of which hashing has said whether it is right. Where the budget was used up meanwhile, a
/// right one is refused too. `shared` as for codes: a success then writes the counters, so that it fails where
/// somebody has just used them up.
pub fn attempt(
    mut contact: Contact,
    is_right: bool,
    shared: bool,
    now: Timestamp,
) -> Decision<Result<(), Refusal>> {
    let mut changes = Changes::default();
    if let Err(refusal) = admit(&contact, now) {
        return Decision { outcome: Err(refusal), changes };
    }
    if !is_right {
        contact.note_failure(CHARGE, now);
        changes.push(Change::Contact(contact));
        return Decision { outcome: Err(Refusal::InvalidPassword), changes };
    }
    if contact.note_success() || shared {
        contact.live_until(now);
        changes.push(Change::Contact(contact));
    }
    Decision { outcome: Ok(()), changes }
}

/// Forgets what was tried at a password that is no more: it says nothing about the next one. Nothing where nothing
/// was tried.
pub fn forgive(mut contact: Contact) -> Changes {
    if contact.version == 0 {
        return Changes::default();
    }
    contact.failures.clear();
    contact.failures_in_a_row = 0;
    Changes(vec![Change::Contact(contact)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        contact::{ContactKey, GUESSES_A_DAY, GUESSES_IN_A_ROW},
        secret::Digest,
        time::Span,
    };

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn contact() -> Contact {
        Contact::fresh(ContactKey { app: None, digest: Digest::new([1; 32]) })
    }

    /// Tries once, and keeps the counters as the store would.
    fn tries(contact: &mut Contact, is_right: bool, now: Timestamp) -> Result<(), Refusal> {
        let decision = attempt(contact.clone(), is_right, false, now);
        for change in decision.changes.0 {
            if let Change::Contact(written) = change {
                *contact = Contact { version: contact.version + 1, ..written };
            }
        }
        decision.outcome
    }

    #[test]
    fn p04_wrong_passwords_end_after_fifty_in_a_row_and_the_right_one_with_them() {
        let mut contact = contact();
        for _ in 0..GUESSES_IN_A_ROW {
            assert_eq!(tries(&mut contact, false, START), Err(Refusal::InvalidPassword));
        }
        let wait = Refusal::TooManyPasswords { retry_after: Span::DAY };
        assert_eq!(tries(&mut contact, true, START), Err(wait), "even the right one");
        assert_eq!(tries(&mut contact, true, START + Span::DAY), Ok(()));
    }

    #[test]
    fn p04_a_success_in_between_gives_no_more_than_a_hundred_a_day() {
        let (mut contact, mut wrong) = (contact(), 0);
        for second in 0..10_000 {
            let now = START + Span::from_seconds(second);
            wrong += u32::from(tries(&mut contact, false, now) == Err(Refusal::InvalidPassword));
            if second % 40 == 39 {
                let _ = tries(&mut contact, true, now);
            }
        }
        assert_eq!(wrong, GUESSES_A_DAY);
    }

    #[test]
    fn a_success_is_written_where_something_was_counted_or_others_decide_too() {
        assert!(attempt(contact(), true, false, START).changes.is_empty());
        assert!(!attempt(contact(), true, true, START).changes.is_empty());
        let mut failed = contact();
        let _ = tries(&mut failed, false, START);
        assert!(!attempt(failed.clone(), true, false, START).changes.is_empty());
        assert!(forgive(contact()).is_empty());
        assert!(matches!(&forgive(failed).0[..], [Change::Contact(fresh)] if fresh.failures.is_empty()));
    }
}
