//! Realms, admin keys and invitations: kept as they were, ended once, spent once.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    admin_key::AdminKey,
    changes::{Change, Changes},
    id::{AdminKeyId, InvitationId, UserId},
    invitation::{Invitation, MOST_OPEN},
    realm::RealmName,
    stored_realm::StoredRealm,
    testing::Seeded,
    user::User,
};

use super::sample::{self, NOW, after, conflict, digest, invitation, save};
use crate::Store;

fn realm(name: &str) -> RealmName {
    name.parse().unwrap()
}

pub(super) fn stored(name: &str) -> StoredRealm {
    StoredRealm {
        name: realm(name),
        settings: format!("{{\"name\":\"{name}\"}}"),
        created_at: NOW,
        version: 0,
    }
}

fn key(seed: u64) -> AdminKey {
    AdminKey {
        id: AdminKeyId::new(after(seed as i64), &mut Seeded::new(seed)),
        realm: Some(realm("staff")),
        scopes: "read users".parse().unwrap(),
        digest: digest(seed),
        label: "Büro 🔑".to_owned(),
        created_at: NOW,
        expires_at: Some(after(seed as i64)),
        revoked_at: None,
        last_used_at: None,
    }
}

/// Realms come back in the order of their names; only the stored version is replaced.
pub async fn realms_round_trip(store: Store) {
    assert_eq!(store.realms().await.unwrap().good, []);
    save(&store, ["b", "a"].map(|name| Change::Realm(stored(name))).into()).await;
    conflict(&store, vec![Change::Realm(stored("b"))]).await;
    let replaced = StoredRealm { settings: "x".repeat(1_000), version: 1, ..stored("b") };
    save(&store, vec![Change::Realm(replaced.clone())]).await;
    conflict(&store, vec![Change::Realm(replaced.clone())]).await;
    conflict(&store, vec![Change::Realm(StoredRealm { version: 1, ..stored("c") })]).await;
    let next = |realm: StoredRealm| StoredRealm { version: realm.version + 1, ..realm };
    assert_eq!(store.realms().await.unwrap().good, [stored("a"), replaced].map(next));
}

/// A realm with a user is not removed; one without goes, with its keys and invitations, and takes no other's.
pub async fn an_empty_realm_is_removed_with_what_it_has(store: Store) {
    let person = User { realm: realm("staff"), ..sample::user(1) };
    let other = AdminKey { realm: None, ..key(2) };
    let all = vec![
        Change::Realm(stored("staff")),
        Change::Realm(stored("club")),
        Change::AdminKeyAdded(key(1)),
        Change::AdminKeyAdded(other.clone()),
        Change::InvitationAdded(invitation(1)),
        Change::InvitationAdded(Invitation { realm: realm("club"), ..invitation(2) }),
        Change::UserAdded(person.clone()),
    ];
    save(&store, all).await;
    conflict(&store, vec![Change::RealmRemoved(realm("staff"), 1)]).await;
    save(&store, vec![Change::UserErased(person.id, 1)]).await;
    conflict(&store, vec![Change::RealmRemoved(realm("staff"), 2)]).await;
    save(&store, vec![Change::RealmRemoved(realm("staff"), 1)]).await;
    let names: Vec<_> = store.realms().await.unwrap().good.into_iter().map(|realm| realm.name).collect();
    assert_eq!(names, [realm("club")]);
    assert_eq!(store.admin_keys().await.unwrap().good, [other]);
    assert_eq!(store.invitation(invitation(1).id).await.unwrap(), None);
    assert!(store.invitation(invitation(2).id).await.unwrap().is_some());
}

/// Admin keys come back in the order they were made, with their use and their end; each ends once.
pub async fn admin_keys_round_trip_and_end_once(store: Store) {
    let mut first = key(1);
    let second = AdminKey {
        realm: None,
        scopes: "all".parse().unwrap(),
        expires_at: None,
        label: String::new(),
        ..key(2)
    };
    save(&store, [&second, &first].map(|key| Change::AdminKeyAdded(key.clone())).into()).await;
    assert_eq!(store.admin_keys().await.unwrap().good, [first.clone(), second.clone()]);
    conflict(&store, vec![Change::AdminKeyAdded(AdminKey { digest: digest(1), ..key(3) })]).await;
    save(&store, vec![Change::AdminKeyUsed(first.id, after(5)), Change::AdminKeyUsed(key(9).id, NOW)]).await;
    save(&store, vec![Change::AdminKeyRevoked(first.id, after(6))]).await;
    conflict(&store, vec![Change::AdminKeyRevoked(first.id, after(7))]).await;
    conflict(&store, vec![Change::AdminKeyRevoked(key(9).id, NOW)]).await;
    (first.last_used_at, first.revoked_at) = (Some(after(5)), Some(after(6)));
    assert_eq!(store.admin_keys().await.unwrap().good, [first, second]);
}

/// Invitations are found by mailbox and listed by realm; inviting again replaces; what is over is swept.
pub async fn invitations_are_found_replaced_and_swept(store: Store) {
    for seed in 1..=3 {
        save(&store, vec![Change::InvitationAdded(invitation(seed))]).await;
    }
    assert_eq!(store.invitation_of(&sample::app("forum"), digest(2)).await.unwrap(), Some(invitation(2)));
    assert_eq!(store.invitation_of(&sample::app("shop"), digest(2)).await.unwrap(), None);
    let again = Invitation { digest: digest(2), expires_at: after(120), ..invitation(9) };
    save(&store, vec![Change::InvitationAdded(again.clone())]).await;
    assert_eq!(store.invitation(invitation(2).id).await.unwrap(), None);
    let start = InvitationId::from_bytes([0; 16]);
    let listed = store.invitations_after(&realm("staff"), start, 9).await.unwrap();
    assert_eq!(listed, [invitation(1), invitation(3), again.clone()]);
    assert_eq!(store.invitations_after(&realm("staff"), listed[0].id, 1).await.unwrap(), listed[1..2]);
    assert!(store.invitations_after(&RealmName::default(), start, 9).await.unwrap().is_empty());
    assert_eq!(store.open_invitations(&realm("staff"), NOW).await.unwrap(), 3);
    assert_eq!(store.open_invitations(&realm("staff"), after(60)).await.unwrap(), 1);
    store.sweep(after(60)).await.unwrap();
    assert_eq!(store.invitations_after(&realm("staff"), start, 9).await.unwrap(), [again]);
}

/// Of many who come with one invitation at the same moment, one is let in.
pub async fn one_of_many_spends_an_invitation(store: Store) {
    save(&store, vec![Change::InvitationAdded(invitation(1))]).await;
    let tasks: Vec<_> = (1..=50)
        .map(|seed| {
            let store = store.clone();
            let changes =
                vec![Change::UserAdded(sample::user(seed)), Change::InvitationSpent(invitation(1).id)];
            tokio::spawn(async move { store.commit(Changes(changes)).await })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(winners, 1);
    let users = store.users_after(&RealmName::default(), UserId::from_bytes([0; 16]), 99).await.unwrap();
    assert_eq!(users.len(), 1, "nothing is left of the others");
}

/// A realm has so many open invitations and no more; one that is over makes room.
pub async fn open_invitations_of_a_realm_are_limited(store: Store) {
    let all: Vec<_> =
        (1..=MOST_OPEN.unsigned_abs()).map(|seed| Change::InvitationAdded(invitation(seed))).collect();
    save(&store, all).await;
    let more = MOST_OPEN.unsigned_abs() + 1;
    conflict(&store, vec![Change::InvitationAdded(invitation(more))]).await;
    let again = Invitation { digest: digest(1), ..invitation(more) };
    save(&store, vec![Change::InvitationAdded(again)]).await;
    let later = Invitation { created_at: after(60), expires_at: after(90), ..invitation(more + 1) };
    save(&store, vec![Change::InvitationAdded(later)]).await;
}
