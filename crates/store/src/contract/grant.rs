//! Grants: found by their names, their holder and their target in one read each, given and taken once, gone with the
//! user, the realm and their time.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    changes::{Change, Changes, GrantChange},
    grant::{MOST_READ, StoredGrant},
    id::GrantId,
    stored_realm::StoredRealm,
    user::User,
};

use super::sample::{NOW, after, conflict, digest, save, user};
use crate::{Error, GrantList, Store};

/// A grant of a holder for a target.
pub(super) fn grant(holder: u64, target: u64) -> StoredGrant {
    StoredGrant {
        id: GrantId::of(&digest(1_000 * holder + target)),
        realm: "staff".parse().unwrap(),
        holder: digest(holder),
        target: digest(500 + target),
        sealed: vec![0, 255, holder as u8, target as u8],
        expires_at: None,
        version: 0,
    }
}

fn given(grant: StoredGrant) -> Change {
    GrantChange::Given(grant).into()
}

fn stored(grants: impl IntoIterator<Item = StoredGrant>) -> Vec<StoredGrant> {
    let mut all: Vec<_> = grants.into_iter().map(|grant| StoredGrant { version: 1, ..grant }).collect();
    all.sort_by_key(|grant| *grant.id.bytes());
    all
}

async fn listed(store: &Store, list: GrantList) -> Vec<StoredGrant> {
    let start = GrantId::from_bytes([0; 16]);
    let all = store.grants_after(&list, start, 100).await.unwrap();
    let mut parts = Vec::new();
    let mut at = start;
    while let Some(last) = {
        let part = store.grants_after(&list, at, 2).await.unwrap();
        parts.extend(part.iter().cloned());
        part.last().map(|grant| grant.id)
    } {
        at = last;
    }
    assert_eq!(parts, all, "part by part it is the same list");
    all
}

/// What one user may reach is one read by names; lists are by holder, target and realm, and part by part.
pub async fn grants_are_found_by_name_holder_and_target(store: Store) {
    let elsewhere = StoredGrant { realm: "default".parse().unwrap(), ..grant(9, 9) };
    let over = StoredGrant { expires_at: Some(after(-5)), ..grant(1, 3) };
    let all = [grant(1, 1), grant(1, 2), over.clone(), grant(2, 1), grant(3, 2), elsewhere.clone()];
    save(&store, all.map(given).into()).await;
    let mut named = store.grants(&[grant(1, 1).id, grant(7, 7).id, grant(2, 1).id, over.id]).await.unwrap();
    named.sort_by_key(|grant| *grant.id.bytes());
    assert_eq!(named, stored([grant(1, 1), grant(2, 1), over.clone()]));
    assert_eq!(store.grants(&[]).await.unwrap(), []);
    let of_first = listed(&store, GrantList::Holders(vec![digest(1)])).await;
    assert_eq!(of_first, stored([grant(1, 1), grant(1, 2), over.clone()]));
    let of_two = listed(&store, GrantList::Holders(vec![digest(1), digest(3), digest(8)])).await;
    assert_eq!(of_two, stored([grant(1, 1), grant(1, 2), over.clone(), grant(3, 2)]));
    let for_first = listed(&store, GrantList::Target(digest(501))).await;
    assert_eq!(for_first, stored([grant(1, 1), grant(2, 1)]));
    let of_realm = listed(&store, GrantList::Realm("default".parse().unwrap())).await;
    assert_eq!(of_realm, stored([elsewhere]));
    assert_eq!(listed(&store, GrantList::Holders(Vec::new())).await, []);
}

/// A grant is replaced and taken away at its version only.
pub async fn a_grant_is_written_and_taken_at_its_version(store: Store) {
    save(&store, vec![given(grant(1, 1))]).await;
    conflict(&store, vec![given(grant(1, 1))]).await;
    let other = StoredGrant { sealed: vec![7], expires_at: Some(after(60)), version: 1, ..grant(1, 1) };
    save(&store, vec![given(other.clone())]).await;
    conflict(&store, vec![given(other.clone())]).await;
    conflict(&store, vec![GrantChange::Taken(other.id, 1).into()]).await;
    let found = store.grants(&[other.id]).await.unwrap();
    assert_eq!(found, [StoredGrant { version: 2, ..other.clone() }]);
    save(&store, vec![GrantChange::Taken(other.id, 2).into()]).await;
    conflict(&store, vec![GrantChange::Taken(other.id, 2).into()]).await;
    assert_eq!(store.grants(&[other.id]).await.unwrap(), []);
}

/// Of many who give the same grant at the same moment, and of many who take it away, one does.
pub async fn one_of_many_gives_a_grant(store: Store) {
    for change in [given(grant(1, 1)), GrantChange::Taken(grant(1, 1).id, 1).into()] {
        let tasks: Vec<_> = (0..30)
            .map(|_| {
                let (store, change) = (store.clone(), change.clone());
                tokio::spawn(async move { store.commit(Changes(vec![change])).await })
            })
            .collect();
        let mut winners = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(()) => winners += 1,
                Err(error) => assert!(matches!(error, Error::Conflict), "{error}"),
            }
        }
        assert_eq!(winners, 1, "{change:?}");
    }
    assert_eq!(store.grants(&[grant(1, 1).id]).await.unwrap(), []);
}

/// Who gives a user something while the user is erased does not leave it behind, whoever of them is first.
pub async fn a_grant_to_who_is_erased_is_a_conflict(store: Store) {
    for seed in 0..20 {
        let person = user(seed);
        save(&store, vec![Change::UserAdded(person.clone()), given(grant(seed, 2))]).await;
        let erase = vec![
            Change::UserErased(person.id, person.version),
            GrantChange::AllOfHolderTaken(digest(seed)).into(),
        ];
        let give = vec![Change::User(User { signed_in_at: NOW, ..person }), given(grant(seed, 1))];
        let tasks = [erase, give].map(|changes| {
            let store = store.clone();
            tokio::spawn(async move { store.commit(Changes(changes)).await })
        });
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap().is_ok());
        }
        let left = store.grants(&[grant(seed, 1).id, grant(seed, 2).id]).await.unwrap();
        match outcomes[..] {
            [true, false] => assert_eq!(left, []),
            [false, true] => assert_eq!(left.len(), 2),
            _ => panic!("{outcomes:?}"),
        }
    }
}

/// A realm that is removed leaves no grants.
pub async fn a_removed_realm_takes_its_grants(store: Store) {
    let realm = StoredRealm {
        name: "staff".parse().unwrap(),
        settings: "{}".to_owned(),
        created_at: NOW,
        version: 0,
    };
    let kept = StoredGrant { realm: "default".parse().unwrap(), ..grant(2, 2) };
    save(&store, vec![Change::Realm(realm.clone()), given(grant(1, 1)), given(kept.clone())]).await;
    save(&store, vec![Change::RealmRemoved(realm.name, 1)]).await;
    assert_eq!(store.grants(&[grant(1, 1).id, kept.id]).await.unwrap(), stored([kept]));
}

/// One read takes as many names as a decision can need, and says so where there are more.
pub async fn as_many_as_may_be_asked_for_are_found(store: Store) {
    let some = [grant(1, 1), grant(1, MOST_READ as u64)];
    save(&store, some.clone().map(given).into()).await;
    let mut names: Vec<_> = (1..=MOST_READ as u64).map(|target| grant(1, target).id).collect();
    assert_eq!(store.grants(&names).await.unwrap().len(), 2);
    names.push(grant(2, 1).id);
    let refused = store.grants(&names).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
}
