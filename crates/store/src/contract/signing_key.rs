//! Signing keys: one for each generation.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    algorithm::Algorithm,
    changes::{Change, Retirement},
    signing_key::StoredKey,
};

use super::sample::{self, NOW, after, conflict, save};
use crate::{Store, migration::MIGRATIONS};

fn key(id: &str, generation: i64) -> StoredKey {
    StoredKey {
        id: id.to_owned(),
        app: None,
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

/// Keys of all apps and of one come back by app, algorithm and generation.
pub async fn keys_round_trip(store: Store) {
    let own = StoredKey { app: Some(sample::app("forum")), public: Vec::new(), ..key("c", 1) };
    let all = [key("b", 1), key("a", 2), own];
    save(&store, all.iter().rev().cloned().map(Change::SigningKey).collect()).await;
    assert_eq!(store.signing_keys().await.unwrap().good, all);
}

/// Two nodes that make the same successor: one is told that the other was first.
pub async fn a_generation_is_made_once(store: Store) {
    save(&store, vec![Change::SigningKey(key("a", 1))]).await;
    conflict(&store, vec![Change::SigningKey(key("b", 1))]).await;
    conflict(&store, vec![Change::SigningKey(key("a", 2))]).await;
    assert_eq!(store.signing_keys().await.unwrap().good, [key("a", 1)]);
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
    let own = StoredKey { app: Some(sample::app("forum")), ..key("own", 1) };
    save(&store, [key("a", 1), key("b", 2), own.clone()].map(Change::SigningKey).into()).await;
    store.end_restore(NOW).await.unwrap();
    let over = |id, generation| StoredKey { retires_at: NOW, gone_at: NOW, ..key(id, generation) };
    assert_eq!(store.signing_keys().await.unwrap().good, [over("a", 1), over("b", 2), own]);
}
