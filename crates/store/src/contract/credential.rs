//! Credentials, sign-ins under way and questions to authenticators: written at their version, found by what they are
//! found by, answered once, gone with their user.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    assurance::{Level, Method, Methods},
    ceremony::{Ceremony, CeremonyKind},
    changes::{Change, Changes, FlowChange},
    credential::{Credential, CredentialKind},
    id::{CeremonyId, CredentialId, SignInId},
    pending_sign_in::PendingSignIn,
    testing::Seeded,
};

use super::sample::{NOW, after, app, conflict, digest, save, user};
use crate::{Error, Store};

/// A passkey of the user of the same seed.
pub(super) fn passkey(seed: u64) -> Credential {
    let owner = user(seed);
    Credential {
        id: CredentialId::new(NOW, &mut Seeded::new(seed)),
        realm: owner.realm,
        user: owner.id,
        kind: CredentialKind::Passkey,
        vouched_by: Methods::from(Method::Code),
        lookup: Some(digest(seed)),
        sealed: vec![0, 255, 39],
        sealed_label: None,
        counter: 0,
        created_at: NOW,
        used_at: None,
        version: 0,
    }
}

fn totp(seed: u64) -> Credential {
    let id = CredentialId::new(NOW, &mut Seeded::new(seed + 1_000));
    Credential { id, kind: CredentialKind::Totp, lookup: None, counter: 7, ..passkey(seed) }
}

/// A sign-in under way of the user of the same seed.
pub(super) fn pending(seed: u64) -> PendingSignIn {
    let owner = user(seed);
    PendingSignIn {
        id: SignInId::new(NOW, &mut Seeded::new(seed)),
        realm: owner.realm,
        app: app("forum"),
        user: Some(owner.id),
        binding: digest(seed),
        methods: Methods::from(Method::Code).with(Method::Totp),
        proven_at: Some(NOW),
        asked: Level::Aal2,
        sealed: vec![9],
        created_at: NOW,
        expires_at: after(900),
        version: 0,
    }
}

/// A question to the user of the same seed.
pub(super) fn ceremony(seed: u64) -> Ceremony {
    let owner = user(seed);
    Ceremony {
        id: CeremonyId::new(NOW, &mut Seeded::new(seed)),
        realm: owner.realm,
        kind: CeremonyKind::Authentication,
        within: [seed as u8; 16],
        user: Some(owner.id),
        sealed: vec![8],
        expires_at: after(300),
    }
}

/// Credentials come back by their user and by their lookup, and are written and removed at their version only.
pub async fn credentials_are_found_and_written_at_their_version(store: Store) {
    save(&store, [passkey(1), totp(1), totp(2)].map(Change::Credential).into()).await;
    let stored = |credential: Credential| Credential { version: credential.version + 1, ..credential };
    let mut of_first = store.credentials_of(user(1).id).await.unwrap();
    of_first.sort_by_key(|credential| credential.counter);
    assert_eq!(of_first, [stored(passkey(1)), stored(totp(1))]);
    let kinds = store.credential_kinds(user(1).id).await.unwrap();
    assert_eq!(kinds, [CredentialKind::Passkey, CredentialKind::Totp]);
    let found = store.credential(&passkey(1).realm, digest(1)).await.unwrap().unwrap();
    assert_eq!(found, stored(passkey(1)));
    assert_eq!(store.credential(&passkey(1).realm, digest(2)).await.unwrap(), None);
    let used = Credential {
        counter: 5,
        used_at: Some(after(1)),
        sealed: vec![1],
        sealed_label: Some(vec![2]),
        ..found.clone()
    };
    save(&store, vec![Change::Credential(used.clone())]).await;
    conflict(&store, vec![Change::Credential(found.clone())]).await;
    conflict(&store, vec![Change::CredentialRemoved(found.id, found.version)]).await;
    assert_eq!(store.credential(&used.realm, digest(1)).await.unwrap(), Some(stored(used)));
    save(&store, vec![Change::CredentialRemoved(found.id, 2)]).await;
    assert_eq!(store.credential(&found.realm, digest(1)).await.unwrap(), None);
}

/// A credential id belongs to one user of a realm; credentials without one do not get into each other's way.
pub async fn p19_a_lookup_belongs_to_one_credential(store: Store) {
    save(&store, [passkey(1), totp(1), totp(2)].map(Change::Credential).into()).await;
    conflict(&store, vec![Change::Credential(Credential { lookup: Some(digest(1)), ..passkey(2) })]).await;
    let elsewhere = Credential { realm: "staff".parse().unwrap(), lookup: Some(digest(1)), ..passkey(2) };
    save(&store, vec![Change::Credential(elsewhere)]).await;
}

/// Of many who use a credential at the same moment, one writes.
pub async fn p21_one_of_many_uses_wins(store: Store) {
    save(&store, vec![Change::Credential(totp(1))]).await;
    let tasks: Vec<_> = (100..150)
        .map(|counter| {
            let store = store.clone();
            let used = Credential { counter, version: 1, ..totp(1) };
            tokio::spawn(async move { store.commit(Changes(vec![Change::Credential(used)])).await })
        })
        .collect();
    let mut winners = Vec::new();
    for (counter, task) in (100..150).zip(tasks) {
        match task.await.unwrap() {
            Ok(()) => winners.push(counter),
            Err(error) => assert!(matches!(error, Error::Conflict), "{error}"),
        }
    }
    let stored: Vec<_> =
        store.credentials_of(user(1).id).await.unwrap().iter().map(|stored| stored.counter).collect();
    assert_eq!(stored, winners);
}

/// A sign-in under way comes back, and is written and ended at its version only.
pub async fn a_sign_in_under_way_is_written_at_its_version(store: Store) {
    let nobody = PendingSignIn {
        user: None,
        methods: Methods::NONE,
        proven_at: None,
        asked: Level::Mailbox,
        ..pending(2)
    };
    save(&store, [pending(1), nobody.clone()].map(|pending| FlowChange::Saved(pending).into()).into()).await;
    for kept in [pending(1), nobody] {
        let found = store.pending_sign_in(kept.id).await.unwrap();
        assert_eq!(found, Some(PendingSignIn { version: 1, ..kept }));
    }
    let mut found = store.pending_sign_in(pending(1).id).await.unwrap().unwrap();
    found.note(Method::Password, after(-5));
    save(&store, vec![FlowChange::Saved(found.clone()).into()]).await;
    conflict(&store, vec![FlowChange::Saved(found.clone()).into()]).await;
    conflict(&store, vec![FlowChange::Ended(found.id, 1).into()]).await;
    let written = store.pending_sign_in(found.id).await.unwrap();
    assert_eq!(written, Some(PendingSignIn { version: 2, ..found.clone() }));
    save(&store, vec![FlowChange::Ended(found.id, 2).into()]).await;
    assert_eq!(store.pending_sign_in(found.id).await.unwrap(), None);
}

/// A question comes back until it is answered, and is answered once.
pub async fn p16_a_question_is_answered_once(store: Store) {
    let nobodys = Ceremony { user: None, ..ceremony(2) };
    save(&store, [ceremony(1), nobodys.clone()].map(|asked| FlowChange::Asked(asked).into()).into()).await;
    for kept in [ceremony(1), nobodys] {
        assert_eq!(store.ceremony(kept.id).await.unwrap(), Some(kept.clone()));
        save(&store, vec![FlowChange::Answered(kept.id).into()]).await;
        conflict(&store, vec![FlowChange::Answered(kept.id).into()]).await;
        assert_eq!(store.ceremony(kept.id).await.unwrap(), None);
    }
}

/// An erased user leaves none of them, and everybody else's stay.
pub async fn erasing_a_user_takes_the_credentials(store: Store) {
    for seed in [1, 2] {
        let changes = vec![
            Change::UserAdded(user(seed)),
            Change::Credential(passkey(seed)),
            FlowChange::Saved(pending(seed)).into(),
            FlowChange::Asked(ceremony(seed)).into(),
        ];
        save(&store, changes).await;
    }
    save(&store, vec![Change::UserErased(user(1).id, 1)]).await;
    for (seed, kept) in [(1, false), (2, true)] {
        assert_eq!(store.credentials_of(user(seed).id).await.unwrap().len() == 1, kept);
        assert_eq!(store.pending_sign_in(pending(seed).id).await.unwrap().is_some(), kept);
        assert_eq!(store.ceremony(ceremony(seed).id).await.unwrap().is_some(), kept);
    }
    let elsewhere = PendingSignIn { id: SignInId::from_bytes([9; 16]), app: app("elsewhere"), ..pending(2) };
    save(&store, vec![FlowChange::Saved(elsewhere.clone()).into()]).await;
    let dropped = |user| vec![FlowChange::DroppedAt(elsewhere.app.clone(), user).into()];
    save(&store, dropped(Some(user(1).id))).await;
    assert!(store.pending_sign_in(elsewhere.id).await.unwrap().is_some(), "it is somebody else's");
    save(&store, dropped(Some(user(2).id))).await;
    assert_eq!(store.pending_sign_in(elsewhere.id).await.unwrap(), None);
    assert!(store.pending_sign_in(pending(2).id).await.unwrap().is_some(), "it is at another app");
    save(&store, vec![FlowChange::Saved(elsewhere.clone()).into()]).await;
    save(&store, dropped(None)).await;
    assert_eq!(store.pending_sign_in(elsewhere.id).await.unwrap(), None);
    assert!(store.pending_sign_in(pending(2).id).await.unwrap().is_some(), "it is at another app");
    save(&store, vec![FlowChange::Dropped(user(2).id).into()]).await;
    assert_eq!(store.pending_sign_in(pending(2).id).await.unwrap(), None);
    assert_eq!(store.ceremony(ceremony(2).id).await.unwrap(), None);
    assert_eq!(store.credentials_of(user(2).id).await.unwrap().len(), 1);
}
