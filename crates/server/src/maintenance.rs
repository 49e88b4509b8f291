//! What happens by itself: forgetting, key rotation, revocations of other nodes, the time that was acted upon.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use countersign_domain::{
    algorithm::Algorithm,
    app::AppName,
    changes::{Change, Changes, Retirement},
    event::{Event, EventKind},
    secret::Secret,
    signing_key::{RotationPolicy, StoredKey},
    time::{Span, Timestamp},
};

use crate::{
    envelope::{self, reseal::Progress},
    key_ring::{KeyRing, place},
    keys::SigningKey,
    registry::{Registry, Stored, report_left_out},
    shutdown::Shutdown,
    state::Server,
    system::{CLOCK_SKEW, CLOCK_TOLERANCE},
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
    let registry = Registry::build(&server.config.load(), stored, &server.keys)?;
    report_left_out(registry.corrupt(), server.registry.load().corrupt());
    // One at a time: whoever comes here holds the lock of reloading.
    let former = server.registry.load_full();
    let registry = registry.after(&former);
    let is_other = registry.generation() != former.generation();
    server.registry.store(Arc::new(registry));
    if is_other {
        server.epoch.advance();
    }
    let stored = server.store.signing_keys().await?;
    let former = server.key_ring.load_full();
    if !former.is_of(&stored) {
        let key_ring = KeyRing::open(stored, &former, &server.keys);
        report_left_out(key_ring.corrupt(), former.corrupt());
        server.key_ring.store(Arc::new(key_ring));
        server.epoch.advance();
    }
    Ok(())
}

/// Makes the signing keys that are missing or will be needed soon: one for each algorithm in use, and one for each
/// app with a shared secret.
///
/// # Errors
/// The store's, or the cryptographic library's.
pub async fn rotate(server: &Arc<Server>) -> Result {
    let policy = policy(server);
    let mut wanted: Vec<(Option<AppName>, Algorithm)> = vec![(None, Algorithm::default())];
    for app in server.registry.load().apps() {
        let algorithm = app.token.algorithm;
        let scope = (algorithm.is_symmetric().then(|| app.name.clone()), algorithm);
        if !wanted.contains(&scope) {
            wanted.push(scope);
        }
    }
    for (app, algorithm) in wanted {
        let ring = server.key_ring.load_full();
        let newest = ring.newest(app.as_ref(), algorithm);
        // A shared secret is in the app's own configuration: only its operator can change it, also when it does not
        // read just now.
        let is_operators = app.is_some() && (newest.is_some() || !ring.corrupt().is_empty());
        let due = if is_operators { None } else { policy.successor_due(newest, server.now()) };
        if let Some(active_at) = due {
            let generation = ring.next_generation(app.as_ref(), algorithm);
            add_key(server, (app, algorithm), generation, active_at).await?;
        }
    }
    Ok(())
}

fn policy(server: &Server) -> RotationPolicy {
    let default = RotationPolicy::default();
    match server.config.load().keys.rotate_after_days {
        Some(days) => {
            RotationPolicy { rotate_after: Span::from_hours(24 * i64::from(days.clamp(1, 365))), ..default }
        }
        None => default,
    }
}

/// A private key, for the one answer that shows it.
pub type Private = Secret<Vec<u8>>;

/// Makes a key that signs from `active_at`. When another node made one first, that one is taken.
///
/// # Errors
/// The store's, or the cryptographic library's.
pub async fn add_key(
    server: &Arc<Server>,
    scope: (Option<AppName>, Algorithm),
    generation: i64,
    active_at: Timestamp,
) -> Result<Option<Private>> {
    let (stored, private) = make_key(server, scope, generation, active_at).await?;
    let told = key_created(&stored);
    let kept = keep(server, Changes(vec![Change::SigningKey(stored), told.into()])).await?;
    Ok(kept.then_some(private))
}

/// Makes a key that signs from now on, and retires those before it: their signatures are accepted for `accept` more,
/// or no longer at all. `None` when another node made one first.
///
/// # Errors
/// The store's, or the cryptographic library's.
pub async fn replace_key(
    server: &Arc<Server>,
    (app, algorithm): (Option<AppName>, Algorithm),
    accept: Span,
) -> Result<Option<Private>> {
    let ring = server.key_ring.load_full();
    let generation = ring.next_generation(app.as_ref(), algorithm);
    // At once is at once everywhere: also where the clock is behind ours.
    let from = if accept == Span::ZERO { server.now() - CLOCK_SKEW } else { server.now() };
    let (stored, private) = make_key(server, (app.clone(), algorithm), generation, from).await?;
    let former = ring.all().into_iter().filter(|key| key.app == app && key.algorithm == algorithm);
    let ends = former.filter(|key| key.gone_at > from).map(|key| {
        let gone_at = key.gone_at.min(from + accept);
        let retires_at = key.retires_at.min(from);
        Change::SigningKeyRetired(Retirement { id: key.id.clone(), retires_at, gone_at })
    });
    // Both or neither: a successor must not stand beside a key that was to be refused.
    let told = key_created(&stored);
    let retired = ends.flat_map(|change| {
        let told = match &change {
            Change::SigningKeyRetired(retirement) => {
                Some(Event::new(EventKind::SigningKeyRetired).on(&retirement.id).into())
            }
            _ => None,
        };
        std::iter::once(change).chain(told)
    });
    let changes = Changes([Change::SigningKey(stored), told.into()].into_iter().chain(retired).collect());
    let kept = keep(server, changes).await?;
    Ok(kept.then_some(private))
}

fn key_created(key: &StoredKey) -> Event {
    let event = Event::new(EventKind::SigningKeyCreated).on(&key.id).by_method(key.algorithm.name());
    match &key.app {
        Some(app) => event.at(app),
        None => event,
    }
}

/// A key that signs from `active_at`, not kept yet, and its private part.
///
/// # Errors
/// The cryptographic library's.
pub async fn make_key(
    server: &Server,
    (app, algorithm): (Option<AppName>, Algorithm),
    generation: i64,
    active_at: Timestamp,
) -> Result<(StoredKey, Private)> {
    let generate = move || SigningKey::generate(algorithm);
    let key = tokio::task::spawn_blocking(generate).await.map_err(|_| crate::keys::KeyError::Failed)??;
    let private = key.to_private()?;
    let id = key.kid().to_owned();
    let public = key.public_jwk(&id).map(|jwk| serde_json::to_vec(&jwk)).transpose()?.unwrap_or_default();
    let life = policy(server).life(active_at);
    let forever = Timestamp::from_millis(i64::MAX / 2);
    // A shared secret signs until its app's operator asks for another.
    let (retires_at, gone_at) =
        if app.is_some() { (forever, forever) } else { (life.retires_at, life.gone_at) };
    let stored = StoredKey {
        sealed: server.keys.seal(&mut *server.random(), &place(&id), private.expose())?,
        id,
        app,
        algorithm,
        generation,
        public,
        created_at: server.now(),
        active_at,
        retires_at,
        gone_at,
    };
    Ok((stored, private))
}

/// Writes changes of signing keys and takes over what is kept now. False when another node wrote first.
async fn keep(server: &Arc<Server>, changes: Changes) -> Result<bool> {
    match server.commit(changes).await {
        Ok(()) => catch_up(server).await.map(|()| true),
        Err(countersign_store::Error::Conflict) => reload(server).await.map(|()| false),
        Err(error) => Err(error.into()),
    }
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
