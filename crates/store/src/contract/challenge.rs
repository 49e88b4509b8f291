//! Challenges: every state is read as it was written, and only the newest version is replaced.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    challenge::{Challenge, Purpose, State},
    changes::Change,
    contact::Contact,
    id::ChallengeId,
    testing::Seeded,
    time::Timestamp,
};

use super::sample::{self, NOW, conflict, save};
use crate::Store;

const STATES: [State; 5] = [
    State::Pending { tries: 1, link_tries: 1 },
    State::Pending { tries: u32::MAX, link_tries: 0 },
    State::Passed { proven_at: NOW },
    State::Spent,
    State::Failed,
];

/// All states and purposes, with and without what is optional, when added and when replaced.
pub async fn every_state_round_trips(store: Store) {
    let mut seed = 0;
    for purpose in [Purpose::SignIn, Purpose::ConfirmAddress, Purpose::Register, Purpose::ResetPassword] {
        for state in STATES {
            for full in [true, false] {
                seed += 1;
                let mut challenge = Challenge { purpose, state, ..sample::challenge(seed) };
                challenge.confirmation = if full { 99 } else { 0 };
                if !full {
                    (challenge.code, challenge.link) = (None, None);
                    (challenge.sealed_address, challenge.sealed_origin) = (None, None);
                }
                round_trip(&store, challenge).await;
            }
        }
    }
}

async fn round_trip(store: &Store, mut challenge: Challenge) {
    save(store, vec![Change::ChallengeStarted(challenge.clone())]).await;
    for state in STATES {
        assert_eq!(store.challenge(challenge.id).await.unwrap().as_ref(), Some(&challenge));
        if let Some(link) = challenge.link {
            assert_eq!(store.challenge_by_link(link).await.unwrap().as_ref(), Some(&challenge));
        }
        challenge.state = state;
        challenge.code = None;
        challenge.sealed_address = None;
        challenge.sealed_origin = None;
        save(store, vec![Change::Challenge(challenge.clone())]).await;
        challenge.version += 1;
    }
    assert_eq!(store.challenge(challenge.id).await.unwrap(), Some(challenge));
}

/// Nothing is found by an id or a link that was never stored.
pub async fn what_is_not_there_is_not_found(store: Store) {
    save(&store, vec![Change::ChallengeStarted(sample::challenge(1))]).await;
    let other = sample::challenge(2);
    assert_eq!(store.challenge(other.id).await.unwrap(), None);
    assert_eq!(store.challenge_by_link(sample::digest(2)).await.unwrap(), None);
}

/// A version that is not the stored one replaces nothing, be it older or newer.
pub async fn another_version_is_a_conflict(store: Store) {
    let challenge = sample::challenge(1);
    conflict(&store, vec![Change::Challenge(challenge.clone())]).await;
    save(&store, vec![Change::ChallengeStarted(challenge.clone())]).await;
    let spent = Challenge { state: State::Spent, ..challenge.clone() };
    save(&store, vec![Change::Challenge(spent.clone())]).await;
    for version in [0, 1, 3] {
        conflict(&store, vec![Change::Challenge(Challenge { version, ..challenge.clone() })]).await;
    }
    let kept = store.challenge(challenge.id).await.unwrap();
    assert_eq!(kept, Some(Challenge { version: 2, ..spent }));
}

/// Ids and links name one challenge each; any number may have no link.
pub async fn ids_and_links_are_unique(store: Store) {
    let first = sample::challenge(1);
    save(&store, vec![Change::ChallengeStarted(first.clone())]).await;
    conflict(&store, vec![Change::ChallengeStarted(first.clone())]).await;
    let same_link = Challenge { link: first.link, ..sample::challenge(2) };
    conflict(&store, vec![Change::ChallengeStarted(same_link)]).await;
    for seed in 3..6 {
        let linkless = Challenge { link: None, ..sample::challenge(seed) };
        save(&store, vec![Change::ChallengeStarted(linkless)]).await;
    }
}

/// The newest challenge says how far time had come.
pub async fn the_newest_tells_the_time(store: Store) {
    assert_eq!(store.newest_challenge().await.unwrap(), None);
    for millis in [1_800_000_000_000, 1_900_000_000_123, 1_700_000_000_000] {
        let id = ChallengeId::new(Timestamp::from_millis(millis), &mut Seeded::new(9));
        let link = None;
        save(&store, vec![Change::ChallengeStarted(Challenge { id, link, ..sample::challenge(1) })]).await;
    }
    let newest = store.newest_challenge().await.unwrap();
    assert_eq!(newest, Some(Timestamp::from_millis(1_900_000_000_123)));
}

/// A contact's list may name challenges that were forgotten; those are left out.
pub async fn listed_challenges_are_those_that_exist(store: Store) {
    let (first, gone, last) = (sample::challenge(1), sample::challenge(2), sample::challenge(3));
    for challenge in [&first, &last] {
        save(&store, vec![Change::ChallengeStarted(challenge.clone())]).await;
    }
    let contact = Contact { live: vec![last.id, gone.id, first.id], ..sample::contact(1) };
    assert_eq!(store.listed_challenges(&contact).await.unwrap(), [last, first]);
}
