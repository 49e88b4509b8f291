//! Sealing keys, what is sealed with them, and databases that take a copy.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{changes::Change, sealing_key::StoredSealingKey, user::User};

use super::sample::{self, NOW, after, save};
use crate::{
    Error, FactUpdate, KeyChanges, Store,
    copy::{Vacancy, copied_tables},
    engine::Value,
    migration::MIGRATIONS,
    sealed::{SEALED, SealedColumn},
};

fn key(number: u32, realm: &str) -> StoredSealingKey {
    StoredSealingKey {
        number,
        realm: realm.parse().ok(),
        generation: i64::from(number),
        wrapped: vec![1, 0, 255],
        handover: Some(vec![7]),
        created_at: NOW,
        active_at: after(10),
    }
}

/// Keys come and go with the facts about them, all of it or nothing.
pub async fn sealing_keys_change_with_their_facts(store: Store) {
    let fact = |version| FactUpdate { name: "master_key", value: vec![9], version };
    let added = vec![key(2, ""), key(3, "staff")];
    let changes = KeyChanges { facts: vec![fact(0)], added: added.clone(), ..KeyChanges::default() };
    store.change_sealing_keys(changes).await.unwrap();
    assert_eq!(store.sealing_keys().await.unwrap().good, added);
    let late = KeyChanges { facts: vec![fact(0)], removed: vec![2], ..KeyChanges::default() };
    assert!(matches!(store.change_sealing_keys(late).await, Err(Error::Conflict)));
    let gone = KeyChanges { rewrapped: vec![(3, vec![5]), (4, vec![5])], ..KeyChanges::default() };
    assert!(matches!(store.change_sealing_keys(gone).await, Err(Error::Conflict)));
    assert_eq!(store.sealing_keys().await.unwrap().good, added);
    let changes = KeyChanges {
        facts: vec![fact(1)],
        rewrapped: vec![(3, vec![5])],
        removed: vec![2],
        ends_handovers: true,
        ..KeyChanges::default()
    };
    store.change_sealing_keys(changes).await.unwrap();
    let left = StoredSealingKey { wrapped: vec![5], handover: None, ..key(3, "staff") };
    assert_eq!(store.sealing_keys().await.unwrap().good, [left]);
}

fn column(table: &str) -> &'static SealedColumn {
    SEALED.iter().find(|column| column.table == table).unwrap()
}

/// Sealed values are read part by part, each once, and replaced only where they are still what was read.
pub async fn sealed_values_are_replaced_where_nobody_wrote(store: Store) {
    for seed in 1..=7 {
        let changes = vec![
            Change::UserAdded(sample::user(seed)),
            Change::IdentifierAdded(sample::identifier(seed)),
            Change::SessionStarted(sample::session(seed)),
        ];
        save(&store, changes).await;
    }
    for name in ["realm_user", "user_identifier", "session"] {
        let (column, mut found, mut cursor) = (column(name), Vec::new(), None::<Vec<Value>>);
        loop {
            let part = store.sealed_rows(column, cursor.as_deref(), 3).await.unwrap();
            let Some(last) = part.last() else { break };
            cursor = Some(last.key.clone());
            found.extend(part);
        }
        assert_eq!(found.len(), 7, "{name}");
        assert!(found.iter().all(|row| row.realm.as_ref().is_some_and(|realm| realm.is_default())));
        assert_eq!(sample::distinct(found.iter().map(|row| row.id.clone()).collect()), 7);
    }
    let column = column("realm_user");
    let rows = store.sealed_rows(column, None, 10).await.unwrap();
    assert!(rows.iter().any(|row| row.id == sample::user(1).id.bytes()));
    let newer = User { sealed_profile: Some(vec![2]), ..sample::user(2) };
    save(&store, vec![Change::UserErased(sample::user(1).id, 1), Change::User(newer.clone())]).await;
    let replaced = rows.into_iter().map(|row| (row, vec![1, 0, 0, 0, 9, 9])).collect();
    assert_eq!(store.reseal(column, replaced).await.unwrap(), 5);
    let kept = store.user(newer.id).await.unwrap().unwrap();
    assert_eq!(kept.sealed_profile, Some(vec![2]), "what somebody wrote meanwhile stays");
    assert_eq!(store.user(sample::user(1).id).await.unwrap(), None);
    // Whoever read a row before writes nothing back.
    super::sample::conflict(&store, vec![Change::User(sample::user(3))]).await;
    let mut heads = store.sealed_heads(column).await.unwrap();
    heads.sort();
    assert_eq!(heads, [(vec![1, 0, 0, 0, 9], 5), (vec![2], 1)]);
}

/// A copy goes into an empty database only; one that did not end is known, and is begun anew.
pub async fn a_copy_goes_into_an_empty_database(store: Store) {
    let version = MIGRATIONS.last().unwrap().version;
    assert_eq!(store.vacancy().await.unwrap(), Vacancy::Empty);
    store.begin_restore(version).await.unwrap();
    assert_eq!(store.vacancy().await.unwrap(), Vacancy::HalfRestored);
    let tables = copied_tables(version);
    let app = tables.iter().find(|table| table.name == "app").unwrap();
    let row: Vec<Value> = vec!["forum".into(), "{}".into(), false.into(), NOW.into(), 1.into()];
    store.insert_rows(app, vec![row.clone()]).await.unwrap();
    assert!(matches!(store.insert_rows(app, vec![row.clone()]).await, Err(Error::Conflict)));
    store.begin_restore(version).await.unwrap();
    assert_eq!(store.apps().await.unwrap().good.len(), 0, "what was left is gone");
    store.insert_rows(app, vec![row]).await.unwrap();
    store.end_restore(NOW).await.unwrap();
    assert_eq!(store.vacancy().await.unwrap(), Vacancy::Taken);
    assert_eq!(store.restored_at().await.unwrap(), Some(NOW));
    assert_eq!(store.apps().await.unwrap().good.len(), 1);
}
