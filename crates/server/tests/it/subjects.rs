//! How apps know people.

use std::sync::Arc;

use countersign_server::{config::AppSettings, wiring};
use countersign_store::{Store, sqlite::Sqlite};

use crate::{
    flow::sign_in,
    support::{TestServer, World, backend::OTHER_ROOT, fixed, settings},
};

const ANN: &str = "ann@mail.example";

fn with_sectors(config: &mut countersign_server::config::Config) {
    for name in ["news", "chat"] {
        config.apps.push(AppSettings { sector: Some("the-family".to_owned()), ..settings::app(name) });
    }
    config.apps.push(AppSettings { sector: Some("forum".to_owned()), ..settings::app("shared-forum") });
}

async fn subject(server: &TestServer, app: &str, address: &str) -> String {
    sign_in(server, app, address).await.text("subject")
}

#[tokio::test]
async fn p36_subjects_are_stable_over_restarts_and_moves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countersign.db");
    let mut seen = Vec::new();
    for _life in 0..2 {
        let world = World::on(Arc::new(Sqlite::open(&path).unwrap()));
        let server = world.node_with(with_sectors).await;
        seen.push(subject(&server, "forum", ANN).await);
        server.stop().await;
    }
    // Another, empty database with the same root key; another case of the same address.
    let moved = TestServer::new().await;
    seen.push(subject(&moved, "forum", ANN).await);
    assert!(seen.iter().all(|subject| *subject == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn p36_subjects_are_pairwise_and_equal_within_a_sector() {
    let server = TestServer::with(with_sectors).await;
    let mut all = std::collections::HashSet::new();
    for app in ["forum", "shop", "news", "shared-forum"] {
        for address in [ANN, "bob@mail.example"] {
            assert!(all.insert(subject(&server, app, address).await), "{app} {address}");
        }
    }
    assert_eq!(subject(&server, "news", ANN).await, subject(&server, "chat", ANN).await);
    assert!(all.iter().all(|subject| !subject.contains("ann") && subject.len() >= 32));
}

#[tokio::test]
async fn p36_subjects_cannot_be_computed_without_the_root_key() {
    let here = TestServer::new().await;
    let there = World::memory().with_root(OTHER_ROOT).node().await;
    assert_ne!(subject(&here, "forum", ANN).await, subject(&there, "forum", ANN).await);
}

#[tokio::test]
async fn p36_a_database_is_not_opened_with_another_root_key() {
    let world = World::memory();
    let server = world.node().await;
    let store: Store = server.server.store.clone();
    let other = World::memory().with_root(OTHER_ROOT);
    let system = (Arc::clone(&world.clock) as _, Arc::new(fixed::SeededEntropy::new(9)) as _);
    let refused = wiring::assemble(settings::config(), store, &other.root(), system).await;
    assert!(refused.err().unwrap().to_string().contains("another root key"));
}
