//! Events, checkpoints and deliveries: written with what they tell about, found by person and node, purged together.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    changes::{Change, Changes},
    event::{Checkpoint, Event, EventKey, EventKind, EventPerson, Outcome, StoredEvent},
    id::{DeliveryId, EventId, NodeId, RequestId},
    random::Random as _,
    testing::Seeded,
    time::Span,
    webhook::Delivery,
};

use super::sample::{NOW, after, app, conflict, save, user};
use crate::{Error, EventFilter, Store};

const FROM: EventId = EventId::from_bytes([0; 16]);
const TO: EventId = EventId::from_bytes([255; 16]);

fn node(seed: u64) -> NodeId {
    NodeId::new(NOW, &mut Seeded::new(seed))
}

fn event(seed: i64, of: u64, person: Option<EventPerson>) -> StoredEvent {
    let mut random = Seeded::new(seed.unsigned_abs());
    StoredEvent {
        id: EventId::new(after(seed), &mut random),
        node: node(of),
        kind: if seed % 2 == 0 { EventKind::ChallengePassed } else { EventKind::ChallengeFailed },
        outcome: Outcome::Success,
        realm: (seed % 2 == 0).then(|| user(1).realm),
        app: (seed % 3 != 0).then(|| app("forum")),
        actor: "person".to_owned(),
        person,
        target: String::new(),
        method: "code".to_owned(),
        request: (seed % 2 == 0).then(|| RequestId::new(NOW, &mut random)),
        sealed: person.map(|_| vec![0, 255]),
        mac: random.bytes(),
    }
}

fn written(event: &StoredEvent) -> Change {
    Change::EventWritten(Box::new(event.clone()))
}

fn checkpoint(sequence: i64, events: &[StoredEvent]) -> Checkpoint {
    Checkpoint {
        sequence,
        node: events[0].node,
        first: events[0].id,
        last: events[events.len() - 1].id,
        count: i64::try_from(events.len()).unwrap(),
        oldest: 1,
        made_at: NOW,
        events: [7; 32],
        previous: [8; 32],
        signature: vec![9; 64],
    }
}

const ANN: EventPerson = EventPerson { name: [1; 16], is_user: true };

/// Events come back whole, in order, by kind, app, person and node.
pub async fn events_are_found_by_what_they_tell(store: Store) {
    let someone = EventPerson { name: [2; 16], is_user: false };
    let people = [Some(ANN), Some(someone), None];
    let all: Vec<StoredEvent> =
        (1..=6).map(|seed| event(seed, u64::from(seed > 3), people[seed as usize % 3])).collect();
    save(&store, all.iter().rev().map(written).collect()).await;
    let filter = EventFilter { after: FROM, kind: None, app: None, realm: None };
    assert_eq!(store.events(filter, 9).await.unwrap(), all);
    assert_eq!(store.events(EventFilter { after: all[1].id, ..filter }, 2).await.unwrap(), all[2..4]);
    let passed = EventFilter { kind: Some(EventKind::ChallengePassed), ..filter };
    let of_kind: Vec<_> =
        all.iter().filter(|event| event.kind == EventKind::ChallengePassed).cloned().collect();
    assert_eq!(store.events(passed, 9).await.unwrap(), of_kind);
    let at_app: Vec<_> = all.iter().filter(|event| event.app.is_some()).cloned().collect();
    assert_eq!(store.events(EventFilter { app: Some("forum"), ..filter }, 9).await.unwrap(), at_app);
    let in_realm: Vec<_> = all.iter().filter(|event| event.realm.is_some()).cloned().collect();
    assert!(!in_realm.is_empty() && in_realm.len() < all.len());
    let realm = in_realm[0].realm.as_ref().map(|realm| realm.as_str());
    assert_eq!(store.events(EventFilter { realm, ..filter }, 9).await.unwrap(), in_realm);
    assert!(store.events(EventFilter { realm: Some("nowhere"), ..filter }, 9).await.unwrap().is_empty());
    let mut anns: Vec<_> = all.iter().filter(|event| event.person == Some(ANN)).cloned().collect();
    assert_eq!(store.events_of_after(ANN.name, filter, 9).await.unwrap(), anns);
    anns.reverse();
    assert_eq!(store.events_of(ANN.name, TO, 9).await.unwrap(), anns);
    assert_eq!(store.events_of(ANN.name, anns[0].id, 1).await.unwrap(), anns[1..]);
    assert!(store.events_of(someone.name, TO, 9).await.unwrap().is_empty(), "nobody asks for them");
    assert_eq!(store.events_of_node(node(1), (FROM, TO), 9).await.unwrap(), all[3..]);
    assert_eq!(store.events_of_node(node(0), (all[0].id, all[1].id), 9).await.unwrap(), all[1..2]);
    assert_eq!(store.event_count(all[4].id).await.unwrap(), 5);
    conflict(&store, vec![written(&all[0])]).await;
}

/// What is told and not written down is not committed at all: it would be lost.
pub async fn p40_an_event_that_nobody_wrote_down_is_refused(store: Store) {
    let told = Changes(vec![Change::UserAdded(user(1)), Event::new(EventKind::UserCreated).into()]);
    assert!(matches!(store.commit(told).await, Err(Error::Unavailable(_))));
    assert_eq!(store.user(user(1).id).await.unwrap(), None);
}

/// A checkpoint is made once, covers its node's events, and takes them along when it goes.
pub async fn p40_checkpoints_cover_and_purge_their_own_events(store: Store) {
    let mine: Vec<_> = (1..=3).map(|seed| event(seed, 0, Some(ANN))).collect();
    let theirs: Vec<_> = (2..=3).map(|seed| event(seed + 100, 1, Some(ANN))).collect();
    save(&store, mine.iter().chain(&theirs).map(written).collect()).await;
    let first = checkpoint(1, &mine[..2]);
    store.add_checkpoint(first.clone(), &[]).await.unwrap();
    assert!(matches!(store.add_checkpoint(checkpoint(1, &theirs), &[]).await, Err(Error::Conflict)));
    assert_eq!(store.newest_checkpoint().await.unwrap(), Some(first.clone()));
    let uncovered = [&mine[2..], &theirs[..]].concat();
    assert_eq!(store.uncovered_events((FROM, TO), 9).await.unwrap(), uncovered);
    assert_eq!(store.uncovered_events((mine[2].id, theirs[0].id), 9).await.unwrap(), theirs[..1]);
    let second = checkpoint(2, &mine[2..]);
    store.add_checkpoint(second.clone(), std::slice::from_ref(&first)).await.unwrap();
    assert_eq!(store.checkpoints(0, 9).await.unwrap(), std::slice::from_ref(&second));
    assert_eq!(store.checkpoint_before(node(0), 3).await.unwrap(), Some(second));
    assert_eq!(store.checkpoint_before(node(0), 2).await.unwrap(), None);
    let kept = [&mine[2..], &theirs[..]].concat();
    assert_eq!(
        store.events(EventFilter { after: FROM, kind: None, app: None, realm: None }, 9).await.unwrap(),
        kept
    );
    assert_eq!(store.events_of(ANN.name, TO, 9).await.unwrap().len(), 3);
}

/// The key of a user's name is made once, for a user who exists, and goes with them.
pub async fn p40_the_key_of_a_name_goes_with_its_user(store: Store) {
    let key = EventKey { user: user(1).id, sealed: vec![3; 40] };
    conflict(&store, vec![Change::EventKeyAdded(key.clone())]).await;
    save(&store, vec![Change::UserAdded(user(1)), Change::EventKeyAdded(key.clone())]).await;
    assert_eq!(store.event_key(key.user).await.unwrap(), Some(key.clone()));
    conflict(&store, vec![Change::EventKeyAdded(key.clone())]).await;
    save(&store, vec![Change::UserErased(key.user, 1)]).await;
    assert_eq!(store.event_key(key.user).await.unwrap(), None);
    conflict(&store, vec![Change::EventKeyAdded(key)]).await;
}

/// A delivery is taken by one at a time, put back, and forgotten when it is done or past its time.
pub async fn deliveries_are_taken_once(store: Store) {
    let delivery = |seed: u64| Delivery {
        id: DeliveryId::new(NOW, &mut Seeded::new(seed)),
        hook: "crm".to_owned(),
        sealed: vec![0, 1, 255],
        attempts: 0,
        due_at: NOW,
        expires_at: after(60),
    };
    save(&store, vec![Change::WebhookQueued(delivery(1)), Change::WebhookQueued(delivery(2))]).await;
    let lease = Span::from_seconds(10);
    let (one, other) = tokio::join!(
        store.claim_deliveries("crm", NOW, lease, 9),
        store.claim_deliveries("crm", NOW, lease, 9)
    );
    let taken = one.unwrap_or_default().len() + other.unwrap_or_default().len();
    assert!(taken <= 2, "{taken}");
    assert!(store.claim_deliveries("crm", NOW, lease, 9).await.unwrap().len() + taken == 2);
    assert!(
        store.claim_deliveries("erp", NOW, lease, 9).await.unwrap().is_empty(),
        "nothing for another one"
    );
    store.delivery_later(delivery(1).id, 3, after(30)).await.unwrap();
    store.delivery_done(delivery(2).id).await.unwrap();
    assert!(store.claim_deliveries("crm", after(29), lease, 9).await.unwrap().is_empty());
    let again = store.claim_deliveries("crm", after(30), lease, 9).await.unwrap();
    assert_eq!(again, [Delivery { attempts: 3, due_at: after(30), ..delivery(1) }]);
    store.sweep(after(60)).await.unwrap();
    assert!(store.claim_deliveries("crm", after(100), lease, 9).await.unwrap().is_empty());
}
