//! API keys: added, used, ended once.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    api_key::{ApiKey, ApiKeyKind},
    changes::Change,
    id::ApiKeyId,
    testing::Seeded,
};

use super::sample::{self, NOW, after, conflict, digest, save};
use crate::Store;

fn key(seed: u64, kind: ApiKeyKind) -> ApiKey {
    ApiKey {
        id: ApiKeyId::new(after(i64::try_from(seed).unwrap()), &mut Seeded::new(seed)),
        app: sample::app("forum"),
        kind,
        digest: digest(seed),
        label: "Büro 🔑".to_owned(),
        created_at: NOW,
        expires_at: Some(after(seed as i64)),
        revoked_at: None,
        last_used_at: None,
    }
}

/// Keys come back in the order they were made, with their use and their end.
pub async fn keys_round_trip(store: Store) {
    let mut secret = key(1, ApiKeyKind::Secret);
    let open = ApiKey { expires_at: None, label: String::new(), ..key(2, ApiKeyKind::Publishable) };
    save(&store, [&open, &secret].map(|key| Change::ApiKeyAdded(key.clone())).into()).await;
    assert_eq!(store.api_keys().await.unwrap().good, [secret.clone(), open.clone()]);
    save(&store, vec![Change::ApiKeyUsed(secret.id, after(5))]).await;
    save(&store, vec![Change::ApiKeyRevoked(secret.id, after(6))]).await;
    (secret.last_used_at, secret.revoked_at) = (Some(after(5)), Some(after(6)));
    assert_eq!(store.api_keys().await.unwrap().good, [secret, open]);
}

/// No two keys share an id or a digest; a key ends once, and an unknown one not at all.
pub async fn keys_are_unique_and_end_once(store: Store) {
    let first = key(1, ApiKeyKind::Secret);
    save(&store, vec![Change::ApiKeyAdded(first.clone())]).await;
    for twin in
        [ApiKey { digest: digest(2), ..first.clone() }, ApiKey { digest: digest(1), ..key(2, first.kind) }]
    {
        conflict(&store, vec![Change::ApiKeyAdded(twin)]).await;
    }
    let unknown = key(3, ApiKeyKind::Secret).id;
    save(&store, vec![Change::ApiKeyUsed(unknown, NOW)]).await;
    conflict(&store, vec![Change::ApiKeyRevoked(unknown, NOW)]).await;
    save(&store, vec![Change::ApiKeyRevoked(first.id, after(1))]).await;
    conflict(&store, vec![Change::ApiKeyRevoked(first.id, after(2))]).await;
    assert_eq!(store.api_keys().await.unwrap().good, [ApiKey { revoked_at: Some(after(1)), ..first }]);
}
