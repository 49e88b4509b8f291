//! Sessions: both kinds come back as they were, one write of many wins, and what ended is gone.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    changes::{Change, Changes},
    session::{Holder, Session},
};

use super::sample::{after, app, conflict, digest, save, session, user};
use crate::{Error, Store};

/// A browser's and a client's session come back by id and in the list of their user.
pub async fn both_kinds_round_trip(store: Store) {
    let client = session(1);
    let browser =
        Session { user: client.user, holder: Holder::Cookie(digest(5)), sealed_device: None, ..session(2) };
    save(&store, vec![Change::SessionStarted(client.clone()), Change::SessionStarted(browser.clone())]).await;
    assert_eq!(store.session(client.id).await.unwrap(), Some(client.clone()));
    assert_eq!(store.session(browser.id).await.unwrap(), Some(browser.clone()));
    assert_eq!(store.session(session(3).id).await.unwrap(), None);
    let mut both = [client, browser];
    both.sort_by_key(|session| session.id);
    assert_eq!(store.sessions_of(both[0].user).await.unwrap(), both);
    assert!(store.sessions_of(user(9).id).await.unwrap().is_empty());
    assert_eq!(store.session_count(both[0].user).await.unwrap(), 2);
    assert_eq!(store.session_count(user(9).id).await.unwrap(), 0);
    conflict(&store, vec![Change::SessionStarted(session(1))]).await;
}

/// A trusted device is told from a session by a cookie.
pub async fn a_trusted_device_is_no_session(store: Store) {
    let device = Session { holder: Holder::Device(digest(5)), ..session(1) };
    save(&store, vec![Change::SessionStarted(device.clone())]).await;
    assert_eq!(store.session(device.id).await.unwrap(), Some(device));
}

/// A registered device comes back with both of its digests, and with another name.
pub async fn p30_a_registered_device_round_trips(store: Store) {
    let fresh = Session { holder: Holder::registered(digest(5), after(1)), ..session(1) };
    save(&store, vec![Change::SessionStarted(fresh.clone())]).await;
    assert_eq!(store.session(fresh.id).await.unwrap(), Some(fresh.clone()));
    let renewed = Session {
        holder: Holder::Registered { digest: digest(6), former: Some(digest(5)), rotated_at: after(9) },
        sealed_device: Some(vec![7; 40]),
        ..fresh
    };
    save(&store, vec![Change::Session(renewed.clone())]).await;
    assert_eq!(store.session(renewed.id).await.unwrap(), Some(Session { version: 2, ..renewed }));
}

/// Of many who rotate the same token at the same moment, one writes.
pub async fn p34_one_of_many_rotations_wins(store: Store) {
    save(&store, vec![Change::SessionStarted(session(1))]).await;
    let next = Session {
        holder: Holder::Refresh { generation: 2, rotated_at: after(5) },
        used_at: after(5),
        idle_ends_at: after(700),
        ..session(1)
    };
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (store, next) = (store.clone(), next.clone());
            tokio::spawn(async move { store.commit(Changes(vec![Change::Session(next)])).await })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => winners += 1,
            Err(error) => assert!(matches!(error, Error::Conflict), "{error}"),
        }
    }
    assert_eq!(winners, 1);
    assert_eq!(store.session(session(1).id).await.unwrap(), Some(Session { version: 2, ..next }));
}

/// What ended is gone, cannot be written again, and may be ended again.
pub async fn p29_what_ended_stays_ended(store: Store) {
    let of_two = |seed| Session { user: user(2).id, ..session(seed) };
    let all = [session(1), of_two(2), of_two(3)];
    save(&store, all.iter().cloned().map(Change::SessionStarted).collect()).await;
    for _ in 0..2 {
        save(&store, vec![Change::SessionEnded(session(1).id)]).await;
        assert_eq!(store.session(session(1).id).await.unwrap(), None);
    }
    conflict(&store, vec![Change::Session(session(1))]).await;
    assert_eq!(store.sessions_of(user(2).id).await.unwrap().len(), 2);
    save(&store, vec![Change::SessionsEnded(user(2).id)]).await;
    assert!(store.sessions_of(user(2).id).await.unwrap().is_empty());
    let elsewhere = Session { app: app("shop"), ..session(5) };
    save(&store, [session(4), elsewhere.clone()].map(Change::SessionStarted).into()).await;
    save(&store, vec![Change::SessionsOfAppEnded(app("forum"))]).await;
    assert_eq!(store.session(session(4).id).await.unwrap(), None);
    assert_eq!(store.session(elsewhere.id).await.unwrap(), Some(elsewhere));
}
