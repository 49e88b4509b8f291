//! Signing keys: one for each owner and generation.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use std::sync::Arc;

use countersign_domain::{
    algorithm::Algorithm,
    changes::{Change, Retirement},
    signing_key::{Owner, StoredKey},
};

use super::{
    administration::stored,
    sample::{self, NOW, after, conflict, save},
};
use crate::{
    Store,
    engine::{Engine, Value},
    migration::MIGRATIONS,
    sql,
};

fn key(id: &str, generation: i64) -> StoredKey {
    StoredKey {
        id: id.to_owned(),
        owner: Owner::Server,
        algorithm: Algorithm::default(),
        generation,
        sealed: vec![1, 0, 255],
        public: b"{}".to_vec(),
        created_at: NOW,
        active_at: after(1),
        retires_at: after(2),
        gone_at: after(3),
    }
}

fn of_realm(realm: &str, id: &str, generation: i64) -> StoredKey {
    StoredKey { owner: Owner::Realm(realm.parse().unwrap()), ..key(id, generation) }
}

fn of_app(app: &str, id: &str, generation: i64) -> StoredKey {
    StoredKey { owner: Owner::App(sample::app(app)), public: Vec::new(), ..key(id, generation) }
}

/// Keys come back by owner, algorithm and generation: those of no realm first.
pub async fn keys_round_trip(store: Store) {
    let all = [
        key("b", 1),
        key("a", 2),
        of_app("forum", "c", 1),
        of_realm("default", "e", 1),
        of_realm("forum", "d", 1),
        of_realm("forum", "f", 2),
    ];
    save(&store, all.iter().rev().cloned().map(Change::SigningKey).collect()).await;
    assert_eq!(store.signing_keys().await.unwrap().good, all);
}

/// Two nodes that make the same successor: one is told that the other was first. Realms and apps count by themselves.
pub async fn a_generation_is_made_once(store: Store) {
    let all = [key("a", 1), of_app("x", "d", 1), of_realm("x", "b", 1), of_realm("y", "c", 1)];
    for key in &all {
        save(&store, vec![Change::SigningKey(key.clone())]).await;
        let same = StoredKey { id: "z".to_owned(), ..key.clone() };
        conflict(&store, vec![Change::SigningKey(same)]).await;
        conflict(&store, vec![Change::SigningKey(StoredKey { generation: 2, ..key.clone() })]).await;
    }
    assert_eq!(store.signing_keys().await.unwrap().good, all);
}

/// A key from before realms had keys of their own is the server's, and a realm counts on beside it.
pub async fn keys_from_before_realms_had_their_own_are_the_server_s(engine: Arc<dyn Engine>) {
    assert_eq!(engine.migrate(&MIGRATIONS[..12]).await.unwrap(), 12);
    for (id, app) in [("old", ""), ("own", "forum")] {
        let sql = "INSERT INTO signing_key (id, app, algorithm, generation, sealed, public, created_at, active_at, \
                   retires_at, gone_at) VALUES (?, ?, 'EdDSA', 1, ?, ?, ?, ?, ?, ?)";
        let sealed: [Value; 2] = [vec![1, 0, 255].into(), b"{}".to_vec().into()];
        let times = [NOW, after(1), after(2), after(3)].map(Value::from);
        let parameters = [Value::from(id), app.into()].into_iter().chain(sealed).chain(times).collect();
        engine.commit(vec![sql::one(sql, parameters)]).await.unwrap();
    }
    let store = Store::new(engine);
    store.migrate().await.unwrap();
    save(&store, vec![Change::SigningKey(of_realm("default", "new", 1))]).await;
    let own = StoredKey { public: b"{}".to_vec(), ..of_app("forum", "own", 1) };
    assert_eq!(store.signing_keys().await.unwrap().good, [key("old", 1), own, of_realm("default", "new", 1)]);
}

/// The keys of a realm go with it, and nobody else's do.
pub async fn the_keys_of_a_realm_go_with_it(store: Store) {
    let kept = [key("a", 1), of_app("staff", "b", 1), of_realm("default", "c", 1)];
    let changes = kept.iter().cloned().chain([of_realm("staff", "d", 1)]).map(Change::SigningKey);
    save(&store, changes.chain([Change::Realm(stored("staff"))]).collect()).await;
    save(&store, vec![Change::RealmRemoved("staff".parse().unwrap(), 1)]).await;
    assert_eq!(store.signing_keys().await.unwrap().good, kept);
}

/// A key that is retired early ends then, and no other does; an unknown one is a conflict.
pub async fn a_key_is_retired_early(store: Store) {
    save(&store, [key("a", 1), key("b", 2)].map(Change::SigningKey).into()).await;
    let end = |id: &str| Retirement { id: id.to_owned(), retires_at: NOW, gone_at: after(1) };
    save(&store, vec![Change::SigningKeyRetired(end("a"))]).await;
    let retired = StoredKey { retires_at: NOW, gone_at: after(1), ..key("a", 1) };
    assert_eq!(store.signing_keys().await.unwrap().good, [retired, key("b", 2)]);
    conflict(&store, vec![Change::SigningKeyRetired(end("c"))]).await;
}

/// The signing keys of a copy are over, on every clock; the shared secret of an app is not.
pub async fn a_copy_brings_no_signing_key_back(store: Store) {
    store.begin_restore(MIGRATIONS.last().unwrap().version).await.unwrap();
    let own = of_app("forum", "own", 1);
    let all = [key("a", 1), key("b", 2), own.clone(), of_realm("staff", "c", 1)];
    save(&store, all.map(Change::SigningKey).into()).await;
    store.end_restore(NOW).await.unwrap();
    let over = |key| StoredKey { retires_at: NOW, gone_at: NOW, ..key };
    let left = [over(key("a", 1)), over(key("b", 2)), own, over(of_realm("staff", "c", 1))];
    assert_eq!(store.signing_keys().await.unwrap().good, left);
}
