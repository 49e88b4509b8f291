//! Shared counters: exact, however many take at once.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use super::sample::after;
use crate::{Error, Quota, Store};

const fn quota(name: &str, period: i64, block: i64, limit: i64) -> Quota<'_> {
    Quota { name, period, block, limit, expires_at: super::sample::NOW }
}

/// A block is taken whole or not at all; names and periods count for themselves.
pub async fn blocks_are_taken_up_to_the_limit(store: Store) {
    let take = async |quota: Quota<'_>| store.take_quota(&quota).await.unwrap();
    assert!(take(quota("mail", 1, 4, 10)).await);
    assert!(take(quota("mail", 1, 4, 10)).await);
    assert!(!take(quota("mail", 1, 4, 10)).await);
    assert!(take(quota("mail", 1, 2, 10)).await, "what is left may still be taken");
    assert!(!take(quota("mail", 1, 1, 10)).await);
    assert!(take(quota("mail", 2, 10, 10)).await);
    assert!(take(quota("other", 1, 10, 10)).await);
    assert!(!take(quota("none", 1, 1, 0)).await);
    assert!(take(quota("mail", 1, 1, 11)).await, "a limit that was raised counts at once");
    assert!(take(Quota { expires_at: after(9), ..quota("mail", 3, 1, 1) }).await);
}

/// Of 64 who take at once, exactly as many succeed as there is.
pub async fn the_limit_is_exact_under_parallel_takers(store: Store) {
    let takers: Vec<_> = (0..64)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                loop {
                    match store.take_quota(&quota("mail", 1, 3, 121)).await {
                        Err(Error::Conflict) => tokio::task::yield_now().await,
                        taken => return taken.unwrap(),
                    }
                }
            })
        })
        .collect();
    let mut taken = 0;
    for taker in takers {
        taken += i64::from(taker.await.unwrap());
    }
    assert_eq!(taken, 40);
    assert!(store.take_quota(&quota("mail", 1, 1, 121)).await.unwrap(), "120 were counted");
    assert!(!store.take_quota(&quota("mail", 1, 1, 121)).await.unwrap());
}
