//! Users, identifiers and subjects: found by what they are found by, unique where they must be, gone when erased.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    changes::Change,
    id::UserId,
    session::Session,
    subject::Subject,
    user::{IdentifierKind, User, UserIdentifier, UserStatus, UserSubject},
};

use super::sample::{after, conflict, digest, identifier, save, session, user, user_subject};
use crate::{Store, engine::Statement};

/// A user with one identifier, one subject and one session.
async fn add(store: &Store, seed: u64) {
    let all = vec![
        Change::UserAdded(user(seed)),
        Change::IdentifierAdded(identifier(seed)),
        Change::SubjectAdded(user_subject(seed)),
        Change::SessionStarted(session(seed)),
    ];
    save(store, all).await;
}

/// A user comes back by id, by identifier, by subject, and in the list of its realm.
pub async fn users_are_found_by_all_that_they_have(store: Store) {
    for seed in 1..=3 {
        add(&store, seed).await;
    }
    let email = IdentifierKind::Email;
    for seed in 1..=3 {
        let found = store.user(user(seed).id).await.unwrap();
        assert_eq!(found.as_ref(), Some(&user(seed)));
        assert_eq!(store.user_by_identifier(&user(seed).realm, email, digest(seed)).await.unwrap(), found);
        assert_eq!(store.identifiers_of(user(seed).id).await.unwrap(), [identifier(seed)]);
        let subject = user_subject(seed);
        assert_eq!(store.user_subject(subject.user, subject.sector).await.unwrap(), Some(subject));
        assert_eq!(store.subject(subject.subject).await.unwrap(), Some(subject));
        assert_eq!(store.user_subject(subject.user, digest(2)).await.unwrap(), None);
    }
    let mut all = [user(1), user(2), user(3)];
    all.sort_by_key(|user| user.id);
    let from = UserId::from_bytes([0; 16]);
    assert_eq!(store.users_after(&all[0].realm, from, 9).await.unwrap(), all);
    assert_eq!(store.users_after(&all[0].realm, all[0].id, 1).await.unwrap(), all[1..2]);
    let elsewhere = "other".parse().unwrap();
    assert!(store.users_after(&elsewhere, from, 9).await.unwrap().is_empty());
    assert_eq!(store.user_by_identifier(&elsewhere, email, digest(1)).await.unwrap(), None);
}

/// What a user has is counted, and nobody else's with it.
pub async fn what_a_user_has_is_counted(store: Store) {
    add(&store, 1).await;
    add(&store, 2).await;
    let more = [3, 4].map(|seed| Session { user: user(1).id, ..session(seed) });
    save(&store, more.map(Change::SessionStarted).to_vec()).await;
    save(&store, vec![Change::IdentifierAdded(UserIdentifier { user: user(2).id, ..identifier(5) })]).await;
    for (seed, expected) in [(1, (1, 3)), (2, (2, 1)), (9, (0, 0))] {
        assert_eq!(store.count_of_user(user(seed).id).await.unwrap(), expected, "{seed}");
    }
}

/// A user is replaced at its version only.
pub async fn another_version_is_a_conflict(store: Store) {
    add(&store, 1).await;
    let changed =
        User { status: UserStatus::Disabled, sealed_profile: None, signed_in_at: after(60), ..user(1) };
    save(&store, vec![Change::User(changed.clone())]).await;
    conflict(&store, vec![Change::User(user(1))]).await;
    conflict(&store, vec![Change::UserSignedIn(user(1))]).await;
    conflict(&store, vec![Change::UserErased(user(1).id, 1)]).await;
    let changed = User { version: 2, ..changed };
    assert_eq!(store.user(user(1).id).await.unwrap(), Some(changed.clone()));
    // A sign-in is noted, and nothing else of what it knew.
    let signed_in = User { signed_in_at: after(90), version: 2, ..user(1) };
    save(&store, vec![Change::UserSignedIn(signed_in)]).await;
    let signed_in = User { signed_in_at: after(90), version: 3, ..changed };
    assert_eq!(store.user(user(1).id).await.unwrap(), Some(signed_in));
}

/// An identifier belongs to one user of a realm, a subject to one user, and a user has one subject in a sector.
pub async fn p14_what_names_a_person_is_unique(store: Store) {
    add(&store, 1).await;
    let taken = UserIdentifier { user: user(2).id, ..identifier(1) };
    conflict(&store, vec![Change::UserAdded(user(2)), Change::IdentifierAdded(taken.clone())]).await;
    assert_eq!(store.user(user(2).id).await.unwrap(), None, "nothing is left of the second");
    let elsewhere = UserIdentifier { realm: "other".parse().unwrap(), ..taken };
    save(&store, vec![Change::IdentifierAdded(elsewhere)]).await;
    let (sector, subject) = (digest(7), user_subject(1).subject);
    conflict(&store, vec![Change::SubjectAdded(UserSubject { user: user(2).id, sector, subject })]).await;
    let second = UserSubject { subject: Subject::from_bytes([9; 24]), ..user_subject(1) };
    conflict(&store, vec![Change::SubjectAdded(second)]).await;
}

/// Of many who register one address at the same moment, one becomes a user.
pub async fn one_of_many_registrations_wins(store: Store) {
    let tasks: Vec<_> = (1..=50)
        .map(|seed| {
            let store = store.clone();
            let mine = UserIdentifier { digest: digest(1), user: user(seed).id, ..identifier(seed) };
            let changes = vec![Change::UserAdded(user(seed)), Change::IdentifierAdded(mine)];
            tokio::spawn(async move { store.commit(countersign_domain::changes::Changes(changes)).await })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        winners += usize::from(task.await.unwrap().is_ok());
    }
    assert_eq!(winners, 1);
    let from = UserId::from_bytes([0; 16]);
    assert_eq!(store.users_after(&user(1).realm, from, 99).await.unwrap().len(), 1);
}

/// After an erasure no row of the person is left, and everybody else's are.
pub async fn erasing_leaves_nothing(store: Store) {
    add(&store, 1).await;
    add(&store, 2).await;
    let erased = vec![Change::UserErased(user(1).id, 1), Change::SessionsEnded(user(1).id)];
    save(&store, erased).await;
    for sql in [
        "SELECT id FROM realm_user",
        "SELECT user_id FROM user_identifier",
        "SELECT user_id FROM user_subject",
        "SELECT user_id FROM session",
    ] {
        let rows = store.engine.query(Statement { sql, parameters: Vec::new() }).await.unwrap();
        assert_eq!(rows, [[crate::engine::Value::from(user(2).id.bytes().as_slice())]], "{sql}");
    }
    assert_eq!(
        store.user_by_identifier(&user(1).realm, IdentifierKind::Email, digest(1)).await.unwrap(),
        None
    );
}
