//! Idempotency keys: remembered once.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::changes::{Change, Idempotency};

use super::sample::{self, after, conflict, digest, save};
use crate::Store;

/// What a key was used for comes back; a second use that did not look first is a conflict.
pub async fn a_key_is_remembered_once(store: Store) {
    let used = Idempotency {
        id: digest(1),
        body: digest(2),
        challenge: sample::challenge(1).id,
        expires_at: after(86_400),
    };
    assert_eq!(store.idempotency(used.id).await.unwrap(), None);
    save(&store, vec![Change::Idempotency(used.clone())]).await;
    assert_eq!(store.idempotency(used.id).await.unwrap(), Some(used.clone()));
    conflict(&store, vec![Change::Idempotency(Idempotency { body: digest(3), ..used.clone() })]).await;
    assert_eq!(store.idempotency(used.id).await.unwrap(), Some(used));
    assert_eq!(store.idempotency(digest(2)).await.unwrap(), None);
}
