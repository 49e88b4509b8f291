//! What people change about themselves: identifiers come and go one at a time, links work once, and an erasure takes
//! everything.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    changes::{Change, Changes},
    metadata::Metadata,
    undo::{Undo, UndoKind},
    user::{IdentifierKind, UserIdentifier},
};

use super::sample::{NOW, after, conflict, digest, identifier, save, user, user_subject};
use crate::{Store, engine::Statement};

fn undo(seed: u64, kind: UndoKind) -> Undo {
    Undo {
        link: digest(seed + 500),
        user: user(seed).id,
        kind,
        sealed: (kind == UndoKind::Address).then(|| vec![0, 255]),
        created_at: NOW,
        expires_at: after(60),
    }
}

fn metadata(seed: u64, version: i64) -> Metadata {
    Metadata {
        subject: user_subject(seed).subject,
        user: user(seed).id,
        sealed: vec![seed as u8, 0],
        version,
    }
}

async fn add(store: &Store, seed: u64) {
    let all = vec![
        Change::UserAdded(user(seed)),
        Change::IdentifierAdded(identifier(seed)),
        Change::SubjectAdded(user_subject(seed)),
        Change::UndoAdded(undo(seed, UndoKind::Address)),
        Change::Metadata(metadata(seed, 0)),
    ];
    save(store, all).await;
}

/// An identifier is changed and removed by its owner alone, and what is gone cannot be changed.
pub async fn p14_an_identifier_is_its_owner_s_to_change(store: Store) {
    add(&store, 1).await;
    let other = UserIdentifier { user: user(2).id, ..identifier(1) };
    conflict(&store, vec![Change::IdentifierChanged(other.clone())]).await;
    conflict(&store, vec![Change::IdentifierRemoved(other)]).await;
    let changed = UserIdentifier { primary: false, verified_at: None, ..identifier(1) };
    save(&store, vec![Change::IdentifierChanged(changed.clone())]).await;
    assert_eq!(store.identifiers_of(user(1).id).await.unwrap(), std::slice::from_ref(&changed));
    save(&store, vec![Change::IdentifierRemoved(changed.clone())]).await;
    conflict(&store, vec![Change::IdentifierChanged(changed.clone())]).await;
    conflict(&store, vec![Change::IdentifierRemoved(changed)]).await;
    assert!(store.identifiers_of(user(1).id).await.unwrap().is_empty());
}

/// Of many who take one username at the same moment, each an account of their own, one has it.
pub async fn p14_one_of_many_has_a_username(store: Store) {
    for seed in 1..=50 {
        save(&store, vec![Change::UserAdded(user(seed))]).await;
    }
    let tasks: Vec<_> = (1..=50)
        .map(|seed| {
            let store = store.clone();
            let kind = IdentifierKind::Username;
            let mine = UserIdentifier { kind, digest: digest(7), user: user(seed).id, ..identifier(seed) };
            let changes = Changes(vec![Change::User(user(seed)), Change::IdentifierAdded(mine)]);
            tokio::spawn(async move { store.commit(changes).await.is_ok() })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap());
    }
    assert_eq!(winners, 1);
}

/// Links are found, dropped by user and kind, and swept when they are over; an erasure that is due is not swept but named.
pub async fn links_that_take_back_are_found_until_they_are_over(store: Store) {
    add(&store, 1).await;
    save(&store, vec![Change::UndoAdded(undo(2, UndoKind::Erasure))]).await;
    save(&store, vec![Change::UndoAdded(Undo { user: user(1).id, ..undo(3, UndoKind::Erasure) })]).await;
    assert_eq!(store.undo(digest(501)).await.unwrap(), Some(undo(1, UndoKind::Address)));
    assert_eq!(store.undos_of(user(1).id).await.unwrap().len(), 2);
    assert!(store.erasures_due(after(59), 9).await.unwrap().is_empty());
    assert_eq!(store.erasures_due(after(60), 9).await.unwrap().len(), 2);
    assert_eq!(store.erasures_due(after(60), 1).await.unwrap().len(), 1);
    save(&store, vec![Change::UndoUsed(digest(503))]).await;
    conflict(&store, vec![Change::UndoUsed(digest(503))]).await;
    save(&store, vec![Change::UndosDropped(user(1).id, UndoKind::Erasure)]).await;
    assert_eq!(store.undos_of(user(1).id).await.unwrap(), [undo(1, UndoKind::Address)]);
    store.sweep(after(60)).await.unwrap();
    assert!(store.undos_of(user(1).id).await.unwrap().is_empty());
    assert_eq!(store.erasures_due(after(60), 9).await.unwrap(), [undo(2, UndoKind::Erasure)]);
}

/// Metadata is replaced at its version only.
pub async fn metadata_is_kept_by_version(store: Store) {
    add(&store, 1).await;
    conflict(&store, vec![Change::Metadata(metadata(1, 0))]).await;
    conflict(&store, vec![Change::Metadata(metadata(1, 2))]).await;
    let changed = Metadata { sealed: vec![7; 8192], ..metadata(1, 1) };
    save(&store, vec![Change::Metadata(changed.clone())]).await;
    let found = store.metadata(user_subject(1).subject).await.unwrap();
    assert_eq!(found, Some(Metadata { version: 2, ..changed }));
    assert_eq!(store.subjects_of(user(1).id).await.unwrap(), [user_subject(1)]);
    assert_eq!(store.metadata(user_subject(2).subject).await.unwrap(), None);
}

/// After an erasure neither links nor metadata are left, and everybody else's are.
pub async fn erasing_takes_links_and_metadata(store: Store) {
    add(&store, 1).await;
    add(&store, 2).await;
    save(&store, vec![Change::UserErased(user(1).id, 1)]).await;
    for sql in ["SELECT user_id FROM user_undo", "SELECT user_id FROM user_metadata"] {
        let rows = store.engine.query(Statement { sql, parameters: Vec::new() }).await.unwrap();
        assert_eq!(rows, [[crate::engine::Value::from(user(2).id.bytes().as_slice())]], "{sql}");
    }
}
