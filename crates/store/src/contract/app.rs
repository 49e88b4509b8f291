//! Apps that were made through the API.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{changes::Change, stored_app::StoredApp};

use super::sample::{self, NOW, conflict, save};
use crate::Store;

/// Apps come back in the order of their names; only the stored version is replaced.
pub async fn apps_round_trip(store: Store) {
    let app = |name: &str| StoredApp {
        name: sample::app(name),
        settings: format!("{{\"title\":\"Größe ✓ {name}\"}}"),
        disabled: false,
        created_at: NOW,
        version: 0,
    };
    assert_eq!(store.apps().await.unwrap().good, []);
    let names = ["b", "a", "a-2"];
    save(&store, names.map(|name| Change::App(app(name))).into()).await;
    conflict(&store, vec![Change::App(app("b"))]).await;
    let replaced = StoredApp { settings: "x".repeat(100_000), disabled: true, version: 1, ..app("b") };
    save(&store, vec![Change::App(replaced.clone())]).await;
    conflict(&store, vec![Change::App(replaced.clone())]).await;
    conflict(&store, vec![Change::App(StoredApp { version: 1, ..app("c") })]).await;
    let stored = |app: StoredApp| StoredApp { version: app.version + 1, ..app };
    let expected = [app("a"), app("a-2"), replaced].map(stored);
    assert_eq!(store.apps().await.unwrap().good, expected);
}
