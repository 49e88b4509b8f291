//! The outbox: a message is handed to one taker at a time, and stays until it is done.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{changes::Change, id::MessageId, message::Message, time::Span};

use super::sample::{self, NOW, after, conflict, save};
use crate::Store;

const LEASE: Span = Span::from_seconds(60);

/// All columns come back, for messages that are sent and those that only look so.
pub async fn messages_round_trip(store: Store) {
    assert_eq!(store.message_count().await.unwrap(), (0, None));
    let sent = sample::message(1);
    let hushed = Message {
        deliver: false,
        attempts: u32::MAX,
        sealed: (0..=255).collect(),
        created_at: after(-5),
        ..sample::message(2)
    };
    save(&store, vec![Change::Message(sent.clone()), Change::Message(hushed.clone())]).await;
    let mut kept = store.messages(10).await.unwrap();
    kept.sort_by_key(|message| message.created_at);
    assert_eq!(kept, [hushed, sent.clone()]);
    assert_eq!(store.message_count().await.unwrap(), (2, Some(after(-5))));
    assert_eq!(store.messages(1).await.unwrap().len(), 1);
    conflict(&store, vec![Change::Message(sent)]).await;
}

/// What is due is taken in the order it fell due, up to the number asked for, and once per lease.
pub async fn a_lease_keeps_others_off_until_it_ends(store: Store) {
    let due = [(1, after(-3)), (2, after(-9)), (3, after(-6)), (4, after(1))];
    let messages = due.map(|(seed, due_at)| Message { due_at, ..sample::message(seed) });
    save(&store, messages.iter().cloned().map(Change::Message).collect()).await;
    let ids = |taken: Vec<Message>| taken.iter().map(|message| message.id).collect::<Vec<_>>();

    let first = ids(store.claim_messages(NOW, LEASE, 2).await.unwrap());
    assert_eq!(first, [messages[1].id, messages[2].id]);
    assert_eq!(ids(store.claim_messages(NOW, LEASE, 10).await.unwrap()), [messages[0].id]);
    assert_eq!(ids(store.claim_messages(NOW, LEASE, 10).await.unwrap()), []);
    assert_eq!(ids(store.claim_messages(after(1), LEASE, 10).await.unwrap()), [messages[3].id]);
    let again = ids(store.claim_messages(after(60), LEASE, 10).await.unwrap());
    assert_eq!(again.len(), 3, "leases that ended give their messages back: {again:?}");
}

/// Put back, a message waits until then with its new count; done, it is gone; doing so twice is no error.
pub async fn later_and_done(store: Store) {
    let (one, two) = (sample::message(1), sample::message(2));
    save(&store, vec![Change::Message(one.clone()), Change::Message(two.clone())]).await;
    store.message_later(one.id, 3, after(30)).await.unwrap();
    let due = store.claim_messages(after(29), LEASE, 10).await.unwrap();
    assert_eq!(due, std::slice::from_ref(&two));
    let due = store.claim_messages(after(30), LEASE, 10).await.unwrap();
    assert_eq!(due, [Message { attempts: 3, due_at: after(30), ..one.clone() }]);
    for _ in 0..2 {
        store.messages_done(&[one.id, two.id]).await.unwrap();
        assert_eq!(store.message_count().await.unwrap(), (0, None));
    }
    store.message_later(one.id, 4, NOW).await.unwrap();
    assert_eq!(store.messages(10).await.unwrap(), [], "what is done does not come back");
}

/// After a restart, what was leased and never tried is due at once; what failed before keeps its pause.
pub async fn release_after_a_restart(store: Store) {
    let leased = Message { due_at: after(60), ..sample::message(1) };
    let failed = Message { due_at: after(60), attempts: 1, ..sample::message(2) };
    let overdue = Message { due_at: after(-60), ..sample::message(3) };
    save(&store, [&leased, &failed, &overdue].map(|message| Change::Message(message.clone())).into()).await;
    store.release_messages(NOW).await.unwrap();
    let due = store.claim_messages(NOW, LEASE, 10).await.unwrap();
    let ids: Vec<MessageId> = due.iter().map(|message| message.id).collect();
    assert_eq!(ids, [overdue.id, leased.id]);
}

/// Dropping the message of a challenge drops that one and none else; one that is gone is no conflict.
pub async fn the_message_of_an_ended_challenge_goes(store: Store) {
    let challenge = sample::challenge(1);
    let one = Message { id: MessageId::of(challenge.id), ..sample::message(1) };
    let other = sample::message(2);
    save(&store, [&one, &other].map(|message| Change::Message(message.clone())).into()).await;
    save(&store, vec![Change::MessageDropped(one.id)]).await;
    assert_eq!(store.messages(10).await.unwrap(), [other]);
    save(&store, vec![Change::MessageDropped(one.id)]).await;
}

/// An operator makes one message due or forgets it; one that is gone is a conflict, others are untouched. Pages
/// follow each other by id.
pub async fn an_operator_hurries_and_forgets_messages(store: Store) {
    let later = |seed| Message { due_at: after(60), attempts: 4, ..sample::message(seed) };
    let messages = [later(1), later(2), later(3)];
    save(&store, messages.iter().cloned().map(Change::Message).collect()).await;
    let all = store.messages(10).await.unwrap();
    assert_eq!(store.messages_after(MessageId::from_bytes([0; 16]), 2).await.unwrap(), all[..2]);
    assert_eq!(store.messages_after(all[1].id, 2).await.unwrap(), all[2..]);
    save(&store, vec![Change::MessageDue(messages[0].id, NOW)]).await;
    let due = Message { due_at: NOW, ..messages[0].clone() };
    assert_eq!(store.claim_messages(NOW, LEASE, 10).await.unwrap(), [due]);
    save(&store, vec![Change::MessageForgotten(messages[1].id)]).await;
    conflict(&store, vec![Change::MessageForgotten(messages[1].id)]).await;
    conflict(&store, vec![Change::MessageDue(messages[1].id, NOW)]).await;
    assert_eq!(store.messages(10).await.unwrap().len(), 2);
}
