//! The schema: migrating again changes nothing, and an older program keeps its hands off.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use std::sync::Arc;

use countersign_domain::changes::Change;

use super::sample::{self, save};
use crate::{
    Error, Store,
    engine::{Engine, Statement},
    migration::{MIGRATIONS, Migration},
};

/// Migrating a database that is up to date does nothing and says so.
pub async fn migrating_again_changes_nothing(store: Store) {
    save(&store, vec![Change::ChallengeStarted(sample::challenge(1))]).await;
    let (found, known) = store.version().await.unwrap();
    assert_eq!(found, known);
    assert_eq!(store.migrate().await.unwrap(), known);
    assert_eq!(store.challenge(sample::challenge(1).id).await.unwrap(), Some(sample::challenge(1)));
}

/// A database that the first release wrote keeps what it has and takes what is new.
pub async fn the_first_release_is_brought_up_to_date(engine: Arc<dyn Engine>) {
    assert_eq!(engine.migrate(&MIGRATIONS[..1]).await.unwrap(), 1);
    let store = Store::new(engine);
    save(&store, vec![Change::ChallengeStarted(sample::challenge(1)), Change::Contact(sample::contact(1))])
        .await;
    assert_eq!(store.migrate().await.unwrap(), MIGRATIONS.len() as i64);
    assert_eq!(store.challenge(sample::challenge(1).id).await.unwrap(), Some(sample::challenge(1)));
    assert_eq!(store.contact(sample::contact(1).key).await.unwrap().version, 1);
    save(&store, vec![Change::UserAdded(sample::user(1)), Change::SessionStarted(sample::session(1))]).await;
    assert_eq!(store.session(sample::session(1).id).await.unwrap(), Some(sample::session(1)));
}

/// A database that a newer release wrote is refused, with both versions named, and left as it is.
pub async fn a_newer_schema_is_refused_and_untouched(store: Store) {
    let newer = Migration {
        version: 99,
        sql: "CREATE TABLE future (name {name} NOT NULL PRIMARY KEY) {table};\n\
              INSERT INTO future (name) VALUES ('kept');\n",
    };
    let steps: Vec<_> = MIGRATIONS.iter().copied().chain([newer]).collect();
    assert_eq!(store.engine.migrate(&steps).await.unwrap(), 99);
    save(&store, vec![Change::Message(sample::message(1))]).await;

    let (_, known) = store.version().await.unwrap();
    let refused = store.migrate().await;
    assert!(matches!(refused, Err(Error::Newer { found: 99, known: told }) if told == known), "{refused:?}");
    assert_eq!(store.version().await.unwrap(), (99, known));
    assert_eq!(store.messages(10).await.unwrap(), [sample::message(1)]);
    let rows = Statement { sql: "SELECT name FROM future", parameters: Vec::new() };
    assert_eq!(store.engine.query(rows).await.unwrap().len(), 1);
}
