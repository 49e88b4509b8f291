//! Forgetting: what is past its lifetime goes, and nothing else.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    algorithm::Algorithm,
    app_password::AppPassword,
    ceremony::Ceremony,
    challenge::Challenge,
    changes::{AppPasswordChange, Change, FlowChange, GrantChange, Idempotency},
    contact::Contact,
    grant::StoredGrant,
    id::{AppPasswordId, TokenId},
    invitation::Invitation,
    message::Message,
    pending_sign_in::PendingSignIn,
    session::Session,
    signing_key::{Owner, StoredKey},
    testing::Seeded,
    time::Timestamp,
    token::{Revocation, RevocationTarget},
    user_password::PasswordWish,
};

use super::credential::{ceremony, pending};
use super::grant::grant;
use super::sample::{self, NOW, digest, save};
use crate::{Quota, Store};

/// Tables that have no row here.
const BESIDE: [&str; 2] = ["webhook_delivery", "user_undo"];

/// In every table that forgets, a row whose time has come goes, and one with a millisecond left stays.
pub async fn what_is_over_goes_and_the_rest_stays(store: Store) {
    let left = Timestamp::from_millis(NOW.millis() + 1);
    fill(&store, 1, NOW).await;
    fill(&store, 2, left).await;
    let gone = store.sweep(NOW).await.unwrap();
    let tables = [
        "challenge",
        "contact",
        "message",
        "idempotency",
        "revocation",
        "quota",
        "signing_key",
        "session",
        "password_wish",
        "pending_sign_in",
        "ceremony",
        "app_password",
        "invitation",
        "access_grant",
    ];
    let gone: Vec<_> = gone.into_iter().filter(|(table, _)| !BESIDE.contains(table)).collect();
    assert_eq!(gone, tables.map(|table| (table, 1)));
    for (seed, kept) in [(1, false), (2, true)] {
        assert_eq!(store.challenge(sample::challenge(seed).id).await.unwrap().is_some(), kept);
        assert_eq!(store.contact(sample::contact(seed).key).await.unwrap().version == 1, kept);
        assert_eq!(store.idempotency(digest(seed)).await.unwrap().is_some(), kept);
        assert_eq!(store.session(sample::session(seed).id).await.unwrap().is_some(), kept);
        assert_eq!(store.app_password(digest(seed)).await.unwrap().is_some(), kept);
    }
    let messages = store.messages(10).await.unwrap();
    assert!(matches!(&messages[..], [message] if message.id == sample::message(2).id));
    assert!(matches!(&store.revocations(NOW).await.unwrap()[..], [kept] if kept.expires_at == left));
    assert!(matches!(&store.signing_keys().await.unwrap().good[..], [kept] if kept.gone_at == left));
    assert!(store.take_quota(&quota("1", NOW)).await.unwrap(), "the counter was forgotten");
    assert!(!store.take_quota(&quota("2", left)).await.unwrap(), "the counter was kept");
    assert!(
        store.sweep(left).await.unwrap().iter().all(|(table, rows)| *rows >= 1 || BESIDE.contains(table))
    );
    assert!(store.sweep(left).await.unwrap().iter().all(|(_, rows)| *rows == 0));
}

fn quota(name: &str, expires_at: Timestamp) -> Quota<'_> {
    Quota { name, period: 1, block: 1, limit: 1, expires_at }
}

fn app_password(seed: u64, end: Timestamp) -> AppPassword {
    let session = sample::session(seed);
    AppPassword {
        id: AppPasswordId::new(NOW, &mut Seeded::new(seed)),
        realm: session.realm,
        user: session.user,
        digest: digest(seed),
        sealed: vec![1],
        created_at: NOW,
        expires_at: Some(end),
        used_at: None,
    }
}

/// One row in every table, which may go at `end`.
async fn fill(store: &Store, seed: u64, end: Timestamp) {
    let key = StoredKey {
        id: seed.to_string(),
        owner: Owner::Server,
        algorithm: Algorithm::default(),
        generation: seed as i64,
        sealed: Vec::new(),
        public: Vec::new(),
        created_at: NOW,
        active_at: NOW,
        retires_at: NOW,
        gone_at: end,
    };
    let revocation = Revocation {
        app: sample::app("forum"),
        target: RevocationTarget::Token(TokenId::new(NOW, &mut Seeded::new(seed))),
        before: NOW,
        revoked_at: NOW,
        expires_at: end,
    };
    let challenge = sample::challenge(seed);
    let used = Idempotency { id: digest(seed), body: digest(9), challenge: challenge.id, expires_at: end };
    let wish = PasswordWish { challenge: challenge.id, sealed_hash: Vec::new(), expires_at: end };
    let changes = vec![
        Change::PasswordWished(wish),
        FlowChange::Saved(PendingSignIn { expires_at: end, ..pending(seed) }).into(),
        FlowChange::Asked(Ceremony { expires_at: end, ..ceremony(seed) }).into(),
        GrantChange::Given(StoredGrant { expires_at: Some(end), ..grant(seed, seed) }).into(),
        AppPasswordChange::Added(app_password(seed, end)).into(),
        Change::Contact(Contact { expires_at: end, ..sample::contact(seed) }),
        Change::ChallengeStarted(Challenge { keep_until: end, ..challenge }),
        Change::Message(Message { expires_at: end, ..sample::message(seed) }),
        Change::Idempotency(used),
        Change::Revocation(revocation),
        Change::SigningKey(key),
        Change::SessionStarted(Session { idle_ends_at: end, ..sample::session(seed) }),
        Change::InvitationAdded(Invitation { expires_at: end, ..sample::invitation(seed) }),
    ];
    save(store, changes).await;
    assert!(store.take_quota(&quota(&seed.to_string(), end)).await.unwrap());
}
