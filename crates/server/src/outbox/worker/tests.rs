//! The worker's own tasks: none of them outlives it.

use countersign_domain::testing::Seeded;
use countersign_store::{Store, sqlite::Sqlite};
use futures_util::future::BoxFuture;

use super::*;
use crate::{
    config::Config,
    keys::RootKey,
    outbox::mail::Mail,
    system::{SystemClock, SystemEntropy},
    wiring,
};

struct Nowhere;

impl Sender for Nowhere {
    fn name(&self) -> &'static str {
        "nowhere"
    }

    fn send<'a>(&'a self, _: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SendError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn nothing_is_left_of_a_worker_that_is_ended() {
    for from_outside in [false, true] {
        let store = Store::new(Arc::new(Sqlite::memory().unwrap()));
        store.migrate().await.unwrap();
        let system = (Arc::new(SystemClock::default()) as _, Arc::new(SystemEntropy) as _);
        let (config, root) = (Config::default(), RootKey::generate(&mut Seeded::new(1)));
        let way = Arc::new(wiring::way(&config, Arc::new(Nowhere)).unwrap());
        let server = wiring::assemble(config, store, &root, system).await.unwrap();
        let (stop, until) = shutdown::channel();
        let worker = tokio::spawn(run(Arc::clone(&server), way, until));
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(Arc::strong_count(&server) > 2, "the worker and its tasks hold it");
        if from_outside {
            worker.abort();
        } else {
            stop.stop();
        }
        let _ = worker.await;
        for _ in 0..100 {
            if Arc::strong_count(&server) > 1 {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        }
        assert_eq!(Arc::strong_count(&server), 1, "ended from outside: {from_outside}");
    }
}
