//! One attempt to prove control of a mailbox: pending, then passed, spent, failed or expired.
//!
//! Every function here takes what was read and gives back what to answer and what to write; a refusal may carry
//! changes (a spent try), and they are committed before it is told.

mod purpose;
mod start;

pub use self::purpose::Purpose;
pub use self::start::{Person, Start, Started, start};
use crate::{
    app::{App, AppName},
    assurance::{Assurance, Method},
    changes::{Change, Changes, Decision},
    code::Code,
    contact::Contact,
    id::{ChallengeId, MessageId},
    refusal::Refusal,
    secret::Digest,
    subject::Subject,
    time::Timestamp,
    token::SecretToken,
    vault::Vault,
};

/// How far a challenge has come. Expiry is not a state: it is told from the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for its code or link.
    Pending {
        /// Wrong codes it still survives.
        tries: u32,
        /// Wrong numbers its link still survives.
        link_tries: u32,
    },
    /// The link was approved; the waiting side has not fetched its token.
    Passed {
        /// When it was approved.
        proven_at: Timestamp,
    },
    /// It gave its proof, once.
    Spent,
    /// Too many wrong tries, replaced by a newer one, or wiped.
    Failed,
}

/// A challenge as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Names it.
    pub id: ChallengeId,
    /// The app that asks.
    pub app: AppName,
    /// The person, as the app's contacts know them.
    pub contact: Digest,
    /// What for.
    pub purpose: Purpose,
    /// How far.
    pub state: State,
    /// Whom the token will name.
    pub subject: Subject,
    /// The code, if one was mailed.
    pub code: Option<Digest>,
    /// The token of the link, if one was mailed.
    pub link: Option<Digest>,
    /// What ties it to the side that started it.
    pub binding: Digest,
    /// The two-digit number (10 to 99) that the asking page shows and the link's page wants in another browser.
    pub confirmation: u8,
    /// The address, sealed, where the app's tokens are to carry it.
    pub sealed_address: Option<Vec<u8>>,
    /// From where it was asked, sealed, for the link's page.
    pub sealed_origin: Option<Vec<u8>>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
    /// When it is forgotten.
    pub keep_until: Timestamp,
    /// Counts its writes; 1 when it is added.
    pub version: i64,
}

/// What the page that waits may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Waits.
    Pending,
    /// Approved through its link: redeem it.
    Passed,
    /// Its proof was given.
    Spent,
    /// Ended without a proof.
    Failed,
    /// Ran out of time.
    Expired,
}

/// What a challenge proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The challenge that gave it.
    pub challenge: ChallengeId,
    /// What for.
    pub purpose: Purpose,
    /// Who.
    pub subject: Subject,
    /// How and when.
    pub assurance: Assurance,
    /// The address, sealed, where the app's tokens carry it.
    pub sealed_address: Option<Vec<u8>>,
}

/// A code as it was typed, and what may follow from it.
#[derive(Debug)]
pub struct Attempt<'a> {
    /// The app whose key asks.
    pub app: &'a App,
    /// What was typed.
    pub code: &'a Code,
    /// Whether the asking key is one whose failures may wipe, if the app says so.
    pub may_wipe: bool,
    /// Whether others may decide about the same person at the same moment: then a success writes the contact too, so
    /// that it fails where somebody has just used up the budget for guesses.
    pub shared: bool,
    /// When.
    pub now: Timestamp,
}

/// Checks a code against one challenge, for whoever holds its binding. `live` are the person's other live challenges.
pub fn verify(
    attempt: &Attempt<'_>,
    challenge: Challenge,
    live: Vec<Challenge>,
    contact: Contact,
    presented: (&SecretToken, &dyn Vault),
) -> Decision<Result<Proof, Refusal>> {
    let (binding, vault) = presented;
    if challenge.app != attempt.app.name {
        return refused(Refusal::ChallengeNotFound);
    }
    if challenge.binding != vault.binding(binding) {
        return refused(Refusal::InvalidBinding);
    }
    if !challenge.is_live(attempt.now) {
        return refused(Refusal::ChallengeOver);
    }
    let others = live.into_iter().filter(|other| other.id != challenge.id).collect();
    check(attempt, vec![challenge], others, contact, vault)
}

/// Checks a code against all live challenges of a person, for an app's server that vouches for the browser.
/// One call is one failure, whatever the number of challenges; its chance counts for each of them.
pub fn verify_by_address(
    attempt: &Attempt<'_>,
    live: Vec<Challenge>,
    contact: Contact,
    vault: &dyn Vault,
) -> Decision<Result<Proof, Refusal>> {
    // What brings a password along is for whoever began it, who has the binding: a code alone would make an account with
    // the password of somebody who only knows the address.
    let is_meant = |challenge: &Challenge| {
        challenge.is_live(attempt.now)
            && !matches!(challenge.purpose, Purpose::ResetPassword | Purpose::Register)
    };
    let candidates: Vec<_> = live.into_iter().filter(is_meant).collect();
    if candidates.is_empty() {
        return refused(Refusal::ChallengeOver);
    }
    check(attempt, candidates, Vec::new(), contact, vault)
}

fn check(
    attempt: &Attempt<'_>,
    candidates: Vec<Challenge>,
    others: Vec<Challenge>,
    mut contact: Contact,
    vault: &dyn Vault,
) -> Decision<Result<Proof, Refusal>> {
    let now = attempt.now;
    // A challenge without a code cannot be hit; the call counts as one guess all the same.
    let codes = candidates.iter().filter(|challenge| challenge.code.is_some()).count();
    let count = u32::try_from(codes).unwrap_or(u32::MAX).max(1);
    let charge = count.saturating_mul(attempt.app.challenge.code.chance_in_millionths());
    if let Err(refusal) = contact.admit(charge, now) {
        return refused(refusal);
    }
    // All candidates are digested and compared, so that the time does not tell which one it was.
    let mut hit = None;
    for (place, challenge) in candidates.iter().enumerate() {
        if challenge.code.is_some_and(|code| code == vault.code(challenge.id, attempt.code)) {
            hit = Some(place);
        }
    }
    let mut changes = Changes::default();
    let outcome = if let Some(place) = hit {
        let mut candidates = candidates;
        let challenge = candidates.swap_remove(place);
        let proof = challenge.proof(Method::Code, now);
        end(challenge, State::Spent, &mut changes);
        // Most people make no mistake: then the spent challenge alone is written, and its version settles who spends
        // it. The contact still lists it as live, and whoever reads that list looks at each.
        if contact.note_success() || attempt.shared {
            changes.lead(Change::Contact(contact));
        }
        Ok(proof)
    } else {
        contact.note_failure(charge, now);
        let refusal = fail(attempt, candidates, others, &mut contact, &mut changes);
        changes.lead(Change::Contact(contact));
        Err(refusal)
    };
    Decision { outcome, changes }
}

/// A wrong code: each candidate loses a try, and where the app wipes, everything ends.
fn fail(
    attempt: &Attempt<'_>,
    candidates: Vec<Challenge>,
    others: Vec<Challenge>,
    contact: &mut Contact,
    changes: &mut Changes,
) -> Refusal {
    let wipe = attempt.may_wipe && attempt.app.challenge.wipe_on_failure;
    let mut most_left = 0;
    for mut challenge in candidates {
        // One whose link was approved has given its proof: a wrong code takes nothing from it, short of a wipe.
        let State::Pending { tries, link_tries } = challenge.state else {
            if wipe {
                end(challenge, State::Failed, changes);
            }
            continue;
        };
        let tries = tries.saturating_sub(u32::from(challenge.code.is_some()));
        if wipe || tries == 0 {
            contact.live.retain(|id| *id != challenge.id);
            end(challenge, State::Failed, changes);
        } else {
            most_left = most_left.max(tries);
            challenge.state = State::Pending { tries, link_tries };
            changes.push(Change::Challenge(challenge));
        }
    }
    if wipe {
        contact.live.clear();
        for challenge in others.into_iter().filter(|other| other.is_live(attempt.now)) {
            end(challenge, State::Failed, changes);
        }
    }
    Refusal::InvalidCode { tries_left: most_left }
}

/// How somebody on the link's page shows that they are the one who asked.
#[derive(Clone, Copy, Debug)]
pub enum Approval<'a> {
    /// This browser holds the binding.
    Binding(&'a SecretToken),
    /// The number that the asking page shows was typed.
    Number(u8),
}

/// Approves a challenge on its link's page. The waiting side then redeems it.
pub fn approve(
    mut challenge: Challenge,
    mut contact: Contact,
    approval: Approval<'_>,
    vault: &dyn Vault,
    now: Timestamp,
) -> Decision<Result<(), Refusal>> {
    let State::Pending { tries, link_tries } = challenge.state else {
        return refused(Refusal::ChallengeOver);
    };
    if !challenge.is_live(now) {
        return refused(Refusal::ChallengeOver);
    }
    let approved = match approval {
        // No mistake of a person's, and nothing that anybody could guess: it costs the link nothing.
        Approval::Binding(binding) if challenge.binding != vault.binding(binding) => {
            return refused(Refusal::InvalidBinding);
        }
        Approval::Binding(_) => true,
        Approval::Number(number) => challenge.confirmation == number,
    };
    let mut changes = Changes::default();
    if approved {
        challenge.state = State::Passed { proven_at: now };
        changes.push(Change::Challenge(challenge));
        if contact.note_success() {
            changes.lead(Change::Contact(contact));
        }
        return Decision { outcome: Ok(()), changes };
    }
    let link_tries = link_tries.saturating_sub(1);
    if link_tries == 0 {
        contact.live.retain(|id| *id != challenge.id);
        end(challenge, State::Failed, &mut changes);
        changes.lead(Change::Contact(contact));
    } else {
        challenge.state = State::Pending { tries, link_tries };
        changes.push(Change::Challenge(challenge));
    }
    Decision { outcome: Err(Refusal::InvalidNumber { tries_left: link_tries }), changes }
}

/// Gives the waiting side its proof, once.
pub fn redeem(
    app: &App,
    challenge: Challenge,
    presented: (&SecretToken, &dyn Vault),
    now: Timestamp,
) -> Decision<Result<Proof, Refusal>> {
    let (binding, vault) = presented;
    if challenge.app != app.name {
        return refused(Refusal::ChallengeNotFound);
    }
    if challenge.binding != vault.binding(binding) {
        return refused(Refusal::InvalidBinding);
    }
    match challenge.state {
        _ if !challenge.is_live(now) => refused(Refusal::ChallengeOver),
        State::Passed { proven_at } => {
            let proof = challenge.proof(Method::Link, proven_at);
            let mut changes = Changes::default();
            end(challenge, State::Spent, &mut changes);
            Decision { outcome: Ok(proof), changes }
        }
        _ => refused(Refusal::NotApproved),
    }
}

impl Challenge {
    /// Whether it can still give a proof.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        matches!(self.state, State::Pending { .. } | State::Passed { .. }) && now < self.expires_at
    }

    /// What the page that waits may know.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        match self.state {
            State::Spent => Status::Spent,
            State::Failed => Status::Failed,
            _ if now >= self.expires_at => Status::Expired,
            State::Pending { .. } => Status::Pending,
            State::Passed { .. } => Status::Passed,
        }
    }

    fn proof(&self, method: Method, proven_at: Timestamp) -> Proof {
        Proof {
            challenge: self.id,
            purpose: self.purpose,
            subject: self.subject,
            assurance: Assurance::of(method, proven_at),
            sealed_address: self.sealed_address.clone(),
        }
    }
}

/// Ends a challenge: what it could have been used with goes at once, and so does a mail that still waits.
fn end(mut challenge: Challenge, state: State, changes: &mut Changes) {
    changes.push(Change::MessageDropped(MessageId::of(challenge.id)));
    challenge.state = state;
    challenge.code = None;
    challenge.sealed_address = None;
    challenge.sealed_origin = None;
    changes.push(Change::Challenge(challenge));
}

fn refused<T>(refusal: Refusal) -> Decision<Result<T, Refusal>> {
    Decision { outcome: Err(refusal), changes: Changes::default() }
}

#[cfg(test)]
mod tests;
