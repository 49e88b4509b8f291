//! The log of events forgets what is past its time, also where somebody took checkpoints out of it.

use countersign_domain::time::Span;
use countersign_server::config::Config;

use crate::{
    accounts::with_club,
    events::{ANN, all, look, three_checkpoints, verify},
    flow::sign_in,
    support::TestServer,
};

/// Checkpoints are lost whose events are still there, at the beginning and in the middle: all of it goes when it is time.
#[tokio::test]
async fn p40_what_lost_its_checkpoint_is_purged_with_what_comes_after_it() {
    for gap in
        ["DELETE FROM event_checkpoint WHERE sequence = 1", "DELETE FROM event_checkpoint WHERE sequence = 2"]
    {
        let server = TestServer::with(|config: &mut Config| {
            with_club(config);
            config.events.retention_days = 1;
        })
        .await;
        three_checkpoints(&server).await;
        let before = all(&server).await;
        server.spoil(gap).await;
        for _ in 0..2 {
            server.advance(Span::from_hours(25)).await;
            sign_in(&server, "club", ANN).await;
            look(&server).await;
        }
        let kept = all(&server).await;
        assert!(kept.iter().all(|event| !before.iter().any(|old| old.id == event.id)), "{gap}");
        assert!(verify(&server).await.is_err(), "{gap}: and it never becomes whole");
    }
}
