//! Facts: small values with a version.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use crate::{Error, Store};

/// A fact is written on the version it was read at, and on no other.
pub async fn facts_round_trip(store: Store) {
    assert_eq!(store.fact("root").await.unwrap(), (None, 0));
    let refused = store.save_fact("root", vec![9], 1).await;
    assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    for (version, value) in (0..).zip([vec![0, 255], Vec::new(), vec![7; 70_000]]) {
        store.save_fact("root", value.clone(), version).await.unwrap();
        assert_eq!(store.fact("root").await.unwrap(), (Some(value), version + 1));
        let refused = store.save_fact("root", vec![9], version).await;
        assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
    }
    assert_eq!(store.fact("Root").await.unwrap(), (None, 0), "names are compared byte by byte");
    store.check().await.unwrap();
}
