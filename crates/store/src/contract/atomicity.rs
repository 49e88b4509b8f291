//! All or nothing: a commit that ends in a conflict leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    changes::{Change, Changes, Idempotency},
    contact::Contact,
};

use super::sample::{self, after, conflict, digest, save};
use crate::Store;

/// A start whose last change is refused promises no message, counts nothing and makes no challenge.
pub async fn a_conflict_at_the_end_leaves_nothing(store: Store) {
    let taken = Idempotency {
        id: digest(50),
        body: digest(51),
        challenge: sample::challenge(9).id,
        expires_at: after(86_400),
    };
    let former = sample::contact(7);
    save(&store, vec![Change::Idempotency(taken.clone()), Change::Contact(former.clone())]).await;
    let stale = Contact { version: 5, ..former.clone() };
    for last in [Change::Idempotency(taken), Change::Contact(stale), Change::Challenge(sample::challenge(8))]
    {
        let (contact, challenge, message) = (sample::contact(1), sample::challenge(1), sample::message(1));
        let updated = Contact { version: 1, failures_in_a_row: 9, ..former.clone() };
        conflict(
            &store,
            vec![
                Change::Contact(contact.clone()),
                Change::Contact(updated),
                Change::ChallengeStarted(challenge.clone()),
                Change::Message(message),
                last,
            ],
        )
        .await;
        assert_eq!(store.contact(contact.key).await.unwrap().version, 0);
        assert_eq!(store.contact(former.key.clone()).await.unwrap().failures_in_a_row, 0);
        assert_eq!(store.challenge(challenge.id).await.unwrap(), None);
        assert_eq!(store.message_count().await.unwrap(), (0, None));
    }
}

/// A conflict takes none of the commits along that are carried out beside it.
pub async fn a_conflict_harms_no_other_commit(store: Store) {
    save(&store, vec![Change::ChallengeStarted(sample::challenge(0))]).await;
    let commits: Vec<_> = (0..60)
        .map(|seed: u64| {
            let store = store.clone();
            // Every third is a duplicate; its message must not stay.
            let challenge = sample::challenge(if seed.is_multiple_of(3) { 0 } else { 1_000 + seed });
            let changes =
                vec![Change::Message(sample::message(2_000 + seed)), Change::ChallengeStarted(challenge)];
            tokio::spawn(async move { store.commit(Changes(changes)).await.is_ok() })
        })
        .collect();
    let mut kept = 0;
    for (seed, commit) in (0..60_u64).zip(commits) {
        let done = commit.await.unwrap();
        assert_eq!(done, !seed.is_multiple_of(3), "commit {seed}");
        kept += i64::from(done);
    }
    assert_eq!(store.message_count().await.unwrap().0, kept);
}
