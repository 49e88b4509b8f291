//! Races: one winner, nothing lost, nothing doubled.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    challenge::{Challenge, State},
    changes::{Change, Changes},
    contact::ContactKey,
    id::{ChallengeId, MessageId},
    message::Message,
    time::Span,
};

use super::sample::{self, NOW, distinct, save};
use crate::{Error, Store};

/// Of 50 who read a live challenge and spend it, one may answer yes.
pub async fn p03_one_of_many_spends_wins(store: Store) {
    for with_contact in [true, false] {
        let seed = u64::from(with_contact);
        let (challenge, mut contact) = (sample::challenge(seed), sample::contact(seed));
        save(&store, vec![Change::Contact(contact.clone()), Change::ChallengeStarted(challenge.clone())])
            .await;
        contact.version = 1;
        let spends: Vec<_> = (0..50)
            .map(|_| {
                let store = store.clone();
                let spent = Challenge { state: State::Spent, code: None, ..challenge.clone() };
                let mut changes =
                    Changes(vec![Change::MessageDropped(MessageId::of(spent.id)), Change::Challenge(spent)]);
                if with_contact {
                    changes.lead(Change::Contact(contact.clone()));
                }
                tokio::spawn(async move { store.commit(changes).await })
            })
            .collect();
        let mut won = 0;
        for spend in spends {
            match spend.await.unwrap() {
                Ok(()) => won += 1,
                Err(error) => assert!(matches!(error, Error::Conflict), "{error}"),
            }
        }
        assert_eq!(won, 1);
        let kept = store.challenge(challenge.id).await.unwrap().unwrap();
        assert_eq!((kept.state, kept.version), (State::Spent, 2));
    }
}

/// 30 wrong codes at once are 30 failures and 30 tries, after as many conflicts as it takes.
pub async fn p04_parallel_failures_are_counted_exactly(store: Store) {
    let state = State::Pending { tries: 100, link_tries: 2 };
    let (challenge, contact) = (Challenge { state, ..sample::challenge(1) }, sample::contact(1));
    save(&store, vec![Change::Contact(contact.clone()), Change::ChallengeStarted(challenge.clone())]).await;
    let guesses: Vec<_> =
        (0..30).map(|_| tokio::spawn(guess(store.clone(), challenge.id, contact.key.clone()))).collect();
    for guess in guesses {
        guess.await.unwrap();
    }
    let contact = store.contact(contact.key).await.unwrap();
    assert_eq!((contact.failures.len(), contact.failures_in_a_row, contact.version), (30, 30, 31));
    let kept = store.challenge(challenge.id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.version), (State::Pending { tries: 70, link_tries: 2 }, 31));
}

/// Reads, decides and commits until nobody else was faster.
async fn guess(store: Store, id: ChallengeId, key: ContactKey) {
    for _ in 0..1_000 {
        let mut challenge = store.challenge(id).await.unwrap().unwrap();
        let mut contact = store.contact(key.clone()).await.unwrap();
        contact.note_failure(1, NOW);
        if let State::Pending { tries, .. } = &mut challenge.state {
            *tries -= 1;
        }
        let changes = Changes(vec![Change::Contact(contact), Change::Challenge(challenge)]);
        match store.commit(changes).await {
            Err(Error::Conflict) => tokio::task::yield_now().await,
            committed => return committed.unwrap(),
        }
    }
    panic!("a thousand conflicts in a row");
}

/// Of many first writes of one contact one wins; the others are told to read again.
pub async fn one_of_many_first_writes_wins(store: Store) {
    let writes: Vec<_> = (0..30)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(
                async move { store.commit(Changes(vec![Change::Contact(sample::contact(1))])).await },
            )
        })
        .collect();
    let mut won = 0;
    for write in writes {
        match write.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert!(matches!(error, Error::Conflict), "{error}"),
        }
    }
    assert_eq!(won, 1);
}

/// Eight who take messages at once never take the same one.
pub async fn claims_are_never_doubled(store: Store) {
    const MESSAGES: u64 = 120;
    save(&store, (0..MESSAGES).map(|seed| Change::Message(sample::message(seed))).collect()).await;
    let workers: Vec<_> = (0..8).map(|_| tokio::spawn(drain(store.clone()))).collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    claimed.extend(drain(store).await);
    assert_eq!(distinct(claimed), MESSAGES as usize);
}

/// Takes what is due until a claim comes back empty.
async fn drain(store: Store) -> Vec<MessageId> {
    let mut taken = Vec::new();
    loop {
        match store.claim_messages(NOW, Span::from_seconds(60), 7).await {
            Ok(messages) if messages.is_empty() => return taken,
            Ok(messages) => taken.extend(messages.iter().map(|message: &Message| message.id)),
            Err(Error::Conflict) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    }
}
