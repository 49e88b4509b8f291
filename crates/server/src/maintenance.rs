//! What happens by itself: forgetting, key rotation, revocations of other nodes, the time that was acted upon.

mod signing_keys;

pub use self::signing_keys::{Private, add_key, make_key, replace_key, rotate};

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use countersign_domain::time::{Span, Timestamp};

use crate::{
    envelope::{self, reseal::Progress},
    key_ring::KeyRing,
    registry::{Registry, Stored, report_left_out},
    shutdown::Shutdown,
    state::Server,
    system::CLOCK_TOLERANCE,
};

/// What went wrong, for a log line: the store, a key, or the configuration.
pub type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How often revocations of other nodes are read.
const FOLLOW: Duration = Duration::from_millis(250);
/// How often apps and keys of other nodes are read.
const RELOAD: Duration = Duration::from_millis(500);
/// Revocations are read this far back again: a commit may take long to be seen, and clocks of nodes differ.
const OVERLAP: Span = Span::from_minutes(10);
/// How often it is asked whether something is to be sealed anew.
const RESEAL: Duration = Duration::from_secs(2);
/// How often the newest time acted upon is written.
const NOTE_TIME: Duration = Duration::from_secs(1);
/// The fact that holds it.
const NEWEST_TIME: &str = "newest_time";

/// Runs everything until `shutdown`. Each by itself: what other nodes took back is read however long a sweep takes.
pub async fn run(server: Arc<Server>, shutdown: Shutdown) {
    let sweep_every = Duration::from_secs(server.config.load().retention.sweep_seconds.clamp(1, 3600));
    let sweeping = every(sweep_every, shutdown.clone(), || sweep(&server));
    let was_behind = AtomicBool::new(false);
    let sealing = reseal(&server, shutdown.clone());
    let noting = every(NOTE_TIME, shutdown.clone(), || async {
        watch_clock(&server, &was_behind);
        note_decisions(&server).await;
        if let Err(error) = catch_up(&server).await {
            tracing::warn!(%error, "changed apps and keys cannot be read; within a second again");
        }
    });
    if server.store.is_exclusive() {
        tokio::join!(sweeping, noting, sealing);
    } else {
        let following = every(FOLLOW, shutdown.clone(), || follow(&server));
        let reloading = every(RELOAD, shutdown, || follow_registry(&server));
        tokio::join!(sweeping, noting, sealing, following, reloading);
    }
    let _ = server.store.commit(server.key_use.take()).await;
}

async fn every<F: Future<Output = ()>>(period: Duration, mut shutdown: Shutdown, work: impl Fn() -> F) {
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            _ = tick.tick() => work().await,
        }
    }
}

/// Seals anew what is sealed with former keys. It may end in the middle: what is left is found at the next start.
async fn reseal(server: &Arc<Server>, mut shutdown: Shutdown) {
    let progress = Progress::default();
    let looking = every(RESEAL, shutdown.clone(), || async {
        if let Err(error) = envelope::reseal::look(server, &progress).await {
            tracing::warn!(%error, "what former keys sealed could not be sealed anew; in a moment again");
        }
    });
    tokio::select! {
        () = looking => {}
        () = shutdown.requested() => {}
    }
}

async fn sweep(server: &Arc<Server>) {
    let now = server.now();
    // What is forgotten now must stay in the past: a clock set back would bring tokens to life whose revocation is gone.
    if let Err(error) = note_time(server, now).await {
        tracing::warn!(%error, "the time could not be noted, so nothing is purged; next time");
        return;
    }
    if let Err(error) = crate::erasure::sweep(server).await {
        tracing::warn!(%error, "accounts that were to be erased could not be; next time");
    }
    match server.store.sweep(now).await {
        Ok(gone) => {
            for (table, rows) in gone.into_iter().filter(|(_, rows)| *rows > 0) {
                tracing::debug!(table, rows, "forgot what is past its lifetime");
            }
        }
        Err(error) => tracing::warn!(%error, "what is past its lifetime could not be purged; next time"),
    }
    server.revocations.sweep(now);
    let uses = server.key_use.take();
    if let Err(error) = server.store.commit(uses).await {
        tracing::warn!(%error, "the last use of API keys could not be written");
    }
    if let Err(error) = envelope::ensure(server).await {
        tracing::error!(%error, "a realm has no sealing key of its own yet");
    }
    if let Err(error) = rotate(server).await {
        tracing::error!(%error, "signing keys could not be looked after");
    }
}

/// Reads what other nodes wrote.
async fn follow(server: &Arc<Server>) {
    let now = server.now();
    let since = server.revocations.asked_at() - OVERLAP;
    match server.store.revocations(since).await {
        Ok(rows) => {
            server.revocations.add(rows, &server.epoch);
            server.revocations.note_asked(now);
        }
        Err(error) => tracing::warn!(%error, "revocations of other nodes cannot be read"),
    }
}

/// Reads apps and keys that other nodes wrote.
async fn follow_registry(server: &Arc<Server>) {
    if let Err(error) = reload(server).await {
        tracing::warn!(%error, "apps and keys of other nodes cannot be read");
    }
}

/// Apps, API keys and signing keys as the store has them now.
///
/// # Errors
/// The store's; what was known stays, and is [read again](catch_up).
pub async fn reload(server: &Server) -> Result {
    // One after the other: what was read first must not be taken over last.
    let _turn = server.reloading.lock().await;
    note_reading(server).await
}

/// The same where the last reading failed. Beside no other node nobody else would make up for it.
///
/// # Errors
/// Those of [`reload`].
pub async fn catch_up(server: &Server) -> Result {
    let _turn = server.reloading.lock().await;
    if server.freshness.is_behind() { note_reading(server).await } else { Ok(()) }
}

async fn note_reading(server: &Server) -> Result {
    let began = server.now();
    let taken_over = take_over(server).await;
    match &taken_over {
        Ok(()) => server.freshness.note_read(began),
        Err(_) => server.freshness.note_failure(),
    }
    taken_over
}

async fn take_over(server: &Server) -> Result {
    envelope::reload(server).await?;
    let stored = Stored::read(&server.store).await?;
    // All of it is read before any of it is taken over: whether an app has left its realm can be told once.
    let signing_keys = server.store.signing_keys().await?;
    let registry = Registry::build(&server.config.load(), stored, &server.keys)?;
    report_left_out(registry.corrupt(), server.registry.load().corrupt());
    // One at a time: whoever comes here holds the lock of reloading.
    let former = server.registry.load_full();
    let registry = registry.after(&former);
    let is_other = registry.generation() != former.generation();
    let is_left = !registry.keeps_realms_of(&former);
    server.registry.store(Arc::new(registry));
    if is_other {
        server.epoch.advance();
    }
    let former = server.key_ring.load_full();
    // After the apps: what is found right under this ring was found with the apps of now.
    if is_left || !former.is_of(&signing_keys) {
        let key_ring = KeyRing::open(signing_keys, &former, &server.keys);
        report_left_out(key_ring.corrupt(), former.corrupt());
        server.key_ring.store(Arc::new(key_ring));
        server.epoch.advance();
    }
    Ok(())
}

/// Says once when this machine's clock is set back under a running server, and once when it is right again.
fn watch_clock(server: &Server, was_behind: &AtomicBool) {
    let behind = server.clock.behind();
    let is_behind = behind > CLOCK_TOLERANCE;
    match (was_behind.swap(is_behind, Ordering::Relaxed), is_behind) {
        (false, true) => tracing::error!(
            minutes = behind.seconds() / 60,
            "this machine's clock was set back: until it has caught up, time goes on from where it was"
        ),
        (true, false) => tracing::info!("this machine's clock has caught up"),
        _ => {}
    }
}

/// Writes the newest time acted upon, so that it is not run behind after a restart. Nothing to do when no decision was
/// made since the last time.
async fn note_decisions(server: &Arc<Server>) {
    if server.metrics.acted() == 0 {
        return;
    }
    if let Err(error) = note_time(server, server.now()).await {
        tracing::warn!(%error, "the time could not be noted");
    }
}

async fn note_time(server: &Server, now: Timestamp) -> std::result::Result<(), countersign_store::Error> {
    let (value, version) = server.store.fact(NEWEST_TIME).await?;
    let newest = value.and_then(|bytes| bytes.try_into().ok()).map_or(i64::MIN, i64::from_be_bytes);
    if newest >= now.millis() {
        return Ok(());
    }
    match server.store.save_fact(NEWEST_TIME, now.millis().to_be_bytes().to_vec(), version).await {
        // Another node noted a time just now: good enough.
        Err(countersign_store::Error::Conflict) => Ok(()),
        other => other,
    }
}

/// The newest time that a former life of this server acted upon.
///
/// # Errors
/// The store's.
pub async fn newest_time(
    store: &countersign_store::Store,
) -> std::result::Result<Option<Timestamp>, countersign_store::Error> {
    let (value, _) = store.fact(NEWEST_TIME).await?;
    let noted =
        value.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes).map(Timestamp::from_millis);
    // A key that is from the future would sign nothing until then.
    let keys = store.signing_keys().await?.good.into_iter().map(|key| key.created_at).max();
    Ok(noted.max(store.newest_challenge().await?).max(keys))
}
