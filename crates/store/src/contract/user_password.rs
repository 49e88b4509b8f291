//! Passwords of users: one for each, replaced at its version only, gone when they are; and wishes, forgotten in time.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    changes::{Change, Changes},
    user_password::{PasswordWish, UserPassword},
};

use super::sample::{NOW, after, challenge, conflict, save, user};
use crate::{Error, Store, engine::Statement};

/// A password of the user of the same seed.
fn password(seed: u64) -> UserPassword {
    UserPassword { user: user(seed).id, sealed_hash: vec![0, 255, 39], made_at: NOW, version: 0 }
}

/// A password comes back, is replaced and removed at its version only, and a user has one.
pub async fn a_password_is_replaced_at_its_version(store: Store) {
    save(&store, vec![Change::Password(password(1)), Change::Password(password(2))]).await;
    let first = UserPassword { version: 1, ..password(1) };
    assert_eq!(store.password(first.user).await.unwrap(), Some(first.clone()));
    assert_eq!(store.password(user(3).id).await.unwrap(), None);
    conflict(&store, vec![Change::Password(password(1))]).await;
    let next = UserPassword { sealed_hash: Vec::new(), made_at: after(5), ..first.clone() };
    save(&store, vec![Change::Password(next.clone())]).await;
    conflict(&store, vec![Change::Password(first.clone())]).await;
    conflict(&store, vec![Change::PasswordRemoved(first.user, 1)]).await;
    assert_eq!(store.password(first.user).await.unwrap(), Some(UserPassword { version: 2, ..next }));
    save(&store, vec![Change::PasswordRemoved(first.user, 2)]).await;
    assert_eq!(store.password(first.user).await.unwrap(), None);
    conflict(&store, vec![Change::PasswordRemoved(first.user, 2)]).await;
    assert_eq!(store.password(user(2).id).await.unwrap().unwrap().version, 1);
}

/// Of many who change a password at the same moment, one writes.
pub async fn one_of_many_changes_wins(store: Store) {
    save(&store, vec![Change::Password(password(1))]).await;
    let tasks: Vec<_> = (0..50_u8)
        .map(|number| {
            let store = store.clone();
            let next = UserPassword { sealed_hash: vec![number], version: 1, ..password(1) };
            tokio::spawn(async move { store.commit(Changes(vec![Change::Password(next)])).await })
        })
        .collect();
    let mut winners = Vec::new();
    for (number, task) in (0..50_u8).zip(tasks) {
        match task.await.unwrap() {
            Ok(()) => winners.push(number),
            Err(error) => assert!(matches!(error, Error::Conflict), "{error}"),
        }
    }
    let stored = store.password(user(1).id).await.unwrap().unwrap();
    assert_eq!((stored.sealed_hash, stored.version), (winners, 2));
}

/// An erased user leaves no password, and everybody else's stays.
pub async fn erasing_a_user_takes_the_password(store: Store) {
    for seed in [1, 2] {
        save(&store, vec![Change::UserAdded(user(seed)), Change::Password(password(seed))]).await;
    }
    save(&store, vec![Change::UserErased(user(1).id, 1)]).await;
    let rows = Statement { sql: "SELECT user_id FROM user_password", parameters: Vec::new() };
    let rows = store.engine.query(rows).await.unwrap();
    assert_eq!(rows, [[crate::engine::Value::from(user(2).id.bytes().as_slice())]]);
}

/// A wish comes back by its challenge, once, and is forgotten when its time has come.
pub async fn a_wish_is_kept_until_its_end(store: Store) {
    let wish = |seed, end| PasswordWish {
        challenge: challenge(seed).id,
        sealed_hash: vec![seed as u8],
        expires_at: end,
    };
    let (over, kept) = (wish(1, NOW), wish(2, after(1)));
    save(&store, vec![Change::PasswordWished(over.clone()), Change::PasswordWished(kept.clone())]).await;
    conflict(&store, vec![Change::PasswordWished(over.clone())]).await;
    assert_eq!(store.password_wish(over.challenge).await.unwrap(), Some(over.clone()));
    store.sweep(NOW).await.unwrap();
    assert_eq!(store.password_wish(over.challenge).await.unwrap(), None);
    assert_eq!(store.password_wish(kept.challenge).await.unwrap(), Some(kept));
}
