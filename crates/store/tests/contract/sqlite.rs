//! What only a database in a file can keep: its rows over a restart, its lock, its mode.

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use countersign_store::{Error, Store, sqlite::Sqlite};

async fn open(path: &Path) -> Store {
    let store = Store::new(Arc::new(Sqlite::open(path).unwrap()));
    store.migrate().await.unwrap();
    store
}

#[tokio::test]
async fn p29_a_restart_keeps_all_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    for life in 0..5_i64 {
        let store = open(&path).await;
        let (value, version) = store.fact("life").await.unwrap();
        assert_eq!((value, version), ((life > 0).then(|| vec![life as u8]), life));
        store.save_fact("life", vec![life as u8 + 1], version).await.unwrap();
        if life % 2 == 0 {
            store.close().await;
            assert!(matches!(store.fact("life").await, Ok(_) | Err(Error::Unavailable(_))));
            assert!(matches!(store.save_fact("late", vec![], 0).await, Err(Error::Unavailable(_))));
        }
    }
    assert_eq!(open(&path).await.fact("late").await.unwrap(), (None, 0));
}

#[tokio::test]
async fn the_first_release_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Sqlite::open(&folder.path().join("store.db")).unwrap();
    countersign_store::contract::schema::the_first_release_is_brought_up_to_date(Arc::new(engine)).await;
}

#[tokio::test]
async fn keys_from_before_realms_had_their_own_are_the_server_s() {
    let engine = Arc::new(Sqlite::memory().unwrap());
    countersign_store::contract::signing_key::keys_from_before_realms_had_their_own_are_the_server_s(engine)
        .await;
}

#[tokio::test]
async fn a_second_open_is_refused_while_the_first_lives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path).await;
    assert!(matches!(Sqlite::open(&path), Err(Error::InUse)));
    store.save_fact("still", vec![1], 0).await.unwrap();
    drop(store);
    assert_eq!(open(&path).await.fact("still").await.unwrap(), (Some(vec![1]), 1));
}

#[tokio::test]
async fn only_the_owner_reads_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder.path().join("store.db")).await;
    store.save_fact("one", vec![1], 0).await.unwrap();
    let mut files = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.path().display());
        files += 1;
    }
    assert!(files >= 3, "the database, its journal and its lock");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    std::fs::write(
        &path,
        "a text that somebody put here by mistake, longer than a header of SQLite\n".repeat(9),
    )
    .unwrap();
    assert!(matches!(Sqlite::open(&path), Err(Error::Unavailable(_))));
}
