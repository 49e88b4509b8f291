//! Revocations: kept by target, the later replacing the earlier, read by the time they were asked for.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use countersign_domain::{
    app::AppName,
    changes::{Change, Changes},
    id::{SessionId, TokenId},
    random::Random as _,
    secret::Digest,
    subject::Subject,
    testing::Seeded,
    time::Timestamp,
    token::{Revocation, RevocationTarget},
};

use super::sample::{self, NOW, after, digest, save};
use crate::{Error, Store};

fn all_targets() -> [RevocationTarget; 5] {
    [
        RevocationTarget::Token(TokenId::new(NOW, &mut Seeded::new(1))),
        RevocationTarget::Subject(Subject::from_bytes(Seeded::new(2).bytes())),
        RevocationTarget::Session(SessionId::new(NOW, &mut Seeded::new(3))),
        RevocationTarget::App,
        RevocationTarget::Access(Digest::new(Seeded::new(4).bytes())),
    ]
}

fn revocation(app: &str, target: RevocationTarget, seconds: i64) -> Revocation {
    let is_access = matches!(target, RevocationTarget::Access(_));
    Revocation {
        app: if is_access { AppName::any() } else { sample::app(app) },
        target,
        before: after(seconds - 1),
        revoked_at: after(seconds),
        expires_at: after(seconds + 3_600),
    }
}

async fn since(store: &Store, seconds: i64) -> Vec<Revocation> {
    let mut found = store.revocations(after(seconds)).await.unwrap();
    found.sort_by_key(|revocation| revocation.revoked_at);
    found
}

/// Every target, at two apps, comes back from the moment it was asked for on.
pub async fn targets_round_trip(store: Store) {
    let mut all = Vec::new();
    for app in ["forum", "shop"] {
        // Those of what somebody may reach are of no app alone.
        let of_all = |target: &RevocationTarget| matches!(target, RevocationTarget::Access(_));
        let is_first = all.is_empty();
        for target in all_targets().into_iter().filter(|target| is_first || !of_all(target)) {
            all.push(revocation(app, target, all.len() as i64));
        }
    }
    save(&store, all.iter().cloned().map(Change::Revocation).collect()).await;
    for from in 0..=all.len() {
        assert_eq!(since(&store, from as i64).await, all[from..]);
    }
}

/// Revoked again, a target has one row, the later one.
pub async fn the_later_replaces_the_earlier(store: Store) {
    for target in all_targets() {
        save(&store, vec![Change::Revocation(revocation("forum", target.clone(), 0))]).await;
        let later = revocation("forum", target.clone(), 10);
        save(&store, vec![Change::Revocation(later.clone())]).await;
        let found = since(&store, -100).await;
        let same: Vec<_> = found.iter().filter(|revocation| revocation.target == target).collect();
        assert_eq!(same, [&later]);
    }
}

/// Revoked again by a node whose clock is behind, a target keeps the later times.
pub async fn an_earlier_one_moves_nothing_back(store: Store) {
    for target in all_targets() {
        let later = Revocation { expires_at: after(20), ..revocation("forum", target.clone(), 10) };
        save(&store, vec![Change::Revocation(later.clone())]).await;
        let earlier = revocation("forum", target.clone(), 0);
        // What somebody may reach changed once more, whenever that was.
        let more = i64::from(matches!(target, RevocationTarget::Access(_)));
        let before = Timestamp::from_millis(later.before.millis() + more);
        let (now, expires_at) = (Revocation { before, ..later.clone() }, earlier.expires_at);
        save(&store, vec![Change::Revocation(earlier)]).await;
        let found = since(&store, -100).await;
        let same: Vec<_> = found.iter().filter(|revocation| revocation.target == target).collect();
        assert_eq!(same, [&Revocation { expires_at, ..now }]);
    }
}

/// Whatever the clock of the node says, what a holder of grants may reach has changed later than the last time.
pub async fn every_change_of_access_is_news(store: Store) {
    let told = |seconds| Revocation::of_access(digest(1), after(seconds));
    let mut last = Timestamp::from_millis(0);
    for seconds in [0, 0, -5, 3, 3, 2] {
        save(&store, vec![Change::Revocation(told(seconds))]).await;
        let [found] = &since(&store, -100).await[..] else { panic!("one row") };
        assert!(found.before > last && found.target == told(0).target, "{found:?}");
        last = found.before;
    }
}

/// Of many revocations of a target at once, one row is left, with the latest times.
pub async fn the_latest_of_many_stays(store: Store) {
    let revoke = |seconds| {
        let store = store.clone();
        async move {
            let change = Change::Revocation(revocation("forum", RevocationTarget::App, seconds));
            while let Err(error) = store.commit(Changes(vec![change.clone()])).await {
                assert!(matches!(error, Error::Conflict), "{error}");
            }
        }
    };
    futures_util::future::join_all((0..24).map(|number| revoke((number * 7) % 24))).await;
    assert_eq!(since(&store, -100).await, [revocation("forum", RevocationTarget::App, 23)]);
}
