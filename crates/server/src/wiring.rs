//! The wiring: from a configuration to a running server and back to nothing. The only place that knows all parts.

mod mail;

pub use self::mail::{mail_way, renderer, way};
pub use crate::key_file::root_key;
use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::Router;
use countersign_domain::time::Timestamp;
use countersign_store::{
    Store, engine::Engine, mariadb::MariaDb, network::PoolOptions, postgres::Postgres, sqlite::Sqlite,
};

use crate::{
    activity, admin, api,
    config::{Config, ConfigError, Part},
    envelope,
    error::ApiError,
    events::{self, Events},
    fingerprint::Fingerprints,
    forward_auth::{self, KnownCache},
    hashing,
    key_file::{make_folder, read_secret},
    key_ring::KeyRing,
    keys::RootKey,
    listener::{self, Listener},
    maintenance,
    metrics::Metrics,
    openapi, operations,
    outbox::{self, worker::Way},
    pages::{self, admin::Doors},
    passkeys,
    registry::{Registry, Stored, report_left_out},
    security_log::SecurityLog,
    service::{self, Admission, Service},
    session_cache::SessionCache,
    shutdown::{self, Shutdown},
    signature_cache::SignatureCache,
    state::Server,
    system::{CLOCK_TOLERANCE, Clock, Entropy},
    telemetry::Telemetry,
    webhooks::{self, Webhooks},
};

/// Why a server could not be put together: what to do is in the text.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// How long the collector of traces may keep the end waiting.
const EXPORT_PATIENCE: Duration = Duration::from_secs(5);

/// Opens the store that a configuration names and brings its schema up to date.
///
/// # Errors
/// When the address does not read, or the database does not open or is newer than this program.
pub async fn open_store(config: &Config) -> Result<Store, Error> {
    let store = Store::new(open_engine(config).await?);
    store.migrate().await?;
    Ok(store)
}

/// Opens the database that a configuration names, as it is.
///
/// # Errors
/// When the address does not read or the database does not open.
pub async fn open_engine(config: &Config) -> Result<Arc<dyn Engine>, Error> {
    let storage = &config.storage;
    let url = match &storage.url_file {
        Some(file) => read_secret(file)?.expose().trim().to_owned(),
        None => storage.url.clone(),
    };
    let options = PoolOptions { connections: storage.max_connections.max(1), ..PoolOptions::default() };
    if url == ":memory:" {
        return Ok(Arc::new(Sqlite::memory()?));
    }
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = storage.data_dir.join(path);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        return Ok(Arc::new(Sqlite::open(&path)?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(Postgres::connect(&url, options).await?));
    }
    if let Some(rest) = url.strip_prefix("mariadb://").or_else(|| url.strip_prefix("mysql://")) {
        return Ok(Arc::new(MariaDb::connect(&format!("mysql://{rest}"), options).await?));
    }
    Err(ConfigError("storage.url: expected sqlite:PATH, :memory:, postgres://… or mariadb://…".to_owned())
        .into())
}

/// Puts a server together on a store. Nothing runs yet.
///
/// # Errors
/// When the root key is not the database's, or the store does not answer.
pub async fn assemble(
    config: Config,
    store: Store,
    root: &RootKey,
    system: (Arc<dyn Clock>, Arc<dyn Entropy>),
) -> Result<Arc<Server>, Error> {
    let (clock, entropy) = system;
    if store.is_half_restored().await? {
        return Err("a restore into this database began and did not end: begin it anew with countersign restore --again".into());
    }
    // The time first: keys seal from a moment on.
    catch_up(&store, &*clock).await?;
    let keys = envelope::open(&store, root, clock.now()).await?;
    let began = clock.now();
    let renderer = renderer(&config)?;
    let registry = Registry::build(&config, Stored::read(&store).await?, &keys)?;
    let key_ring = KeyRing::open(store.signing_keys().await?, &KeyRing::default(), &keys);
    report_left_out(registry.corrupt(), &[]);
    report_left_out(key_ring.corrupt(), &[]);
    let metrics = Metrics::new();
    let telemetry = Telemetry::new(&config.telemetry, &clock, &entropy, &metrics)?;
    let webhooks = Webhooks::new(&config.webhooks)?;
    let security_log = SecurityLog::new(&config.security_log);
    let server = Arc::new(Server {
        sessions: SessionCache::new(config.server.session_cache),
        known: KnownCache::new(config.forward_auth.cache_bytes()),
        registry: ArcSwap::from_pointee(registry),
        key_ring: ArcSwap::from_pointee(key_ring),
        config: ArcSwap::from_pointee(config),
        renderer: ArcSwap::from_pointee(renderer),
        keys,
        freshness: Default::default(),
        revocations: Default::default(),
        fingerprints: Fingerprints::new(&mut *entropy.random()),
        signatures: SignatureCache::default(),
        epoch: Default::default(),
        flood: Default::default(),
        key_use: Default::default(),
        quotas: Default::default(),
        outbox: Default::default(),
        metrics,
        telemetry,
        reloading: Default::default(),
        lanes: Default::default(),
        security_log,
        webhooks,
        events: Arc::new(Events::new(began, &mut *entropy.random())),
        hashing: Default::default(),
        clock,
        entropy,
        store,
    });
    hashing::follow(&server)?;
    learn(&server, began).await?;
    Ok(server)
}

/// Reads what other nodes, or a former life, decided, and makes the keys that are missing.
async fn learn(server: &Arc<Server>, began: Timestamp) -> Result<(), Error> {
    server.freshness.note_read(began);
    let now = server.now();
    server.revocations.add(server.store.revocations(Timestamp::from_millis(0)).await?, &server.epoch);
    server.revocations.note_asked(now);
    if let Some(restored_at) = server.store.restored_at().await? {
        server.revocations.refuse_all_until(restored_at);
    }
    envelope::ensure(server).await?;
    maintenance::rotate(server).await?;
    if server.store.is_exclusive() {
        server.store.release_messages(now).await?;
    }
    Ok(())
}

/// Lets no time be told that is before what was acted upon.
async fn catch_up(store: &Store, clock: &dyn Clock) -> Result<(), Error> {
    let Some(newest) = maintenance::newest_time(store).await? else { return Ok(()) };
    let ahead = newest.since(clock.now());
    if ahead > CLOCK_TOLERANCE {
        let minutes = ahead.seconds() / 60;
        tracing::error!(
            minutes,
            "this machine's clock is behind the database: set it right, until then time goes on from there"
        );
    }
    clock.not_before(newest);
    Ok(())
}

/// The routes of some parts, with the refusals for what is not there.
pub fn routes(server: &Arc<Server>, parts: &[Part]) -> Router {
    routes_with(server, parts, Router::new())
}

/// The same, with some more: those of `dev`.
pub fn routes_with(server: &Arc<Server>, parts: &[Part], mut router: Router<Arc<Server>>) -> Router {
    if parts.contains(&Part::Public) {
        router = router
            .merge(api::routes())
            .merge(pages::undo::routes())
            .merge(passkeys::party::routes())
            .merge(operations::public_routes())
            .merge(pages::link::routes())
            .merge(pages::sign_in::routes())
            .merge(pages::sign_out::routes())
            .merge(pages::devices::routes())
            .merge(pages::forward::routes())
            .merge(pages::assets::routes())
            .merge(pages::docs::routes())
            .merge(pages::account::routes(server))
            .merge(openapi::routes());
    }
    let doors = Doors { key: parts.contains(&Part::Admin), person: parts.contains(&Part::Public) };
    if doors.key || doors.person {
        router = router.merge(pages::admin::routes(server, doors));
    }
    if doors.key && !doors.person {
        router = router.merge(pages::assets::routes());
    }
    if let Some(door) = service::door(parts) {
        router = router.merge(forward_auth::routes(door));
    }
    if parts.contains(&Part::Admin) {
        router = router.merge(admin::routes(server)).merge(openapi::admin_routes());
    }
    if parts.contains(&Part::Operations) {
        router = router.merge(operations::routes());
    }
    router
        .layer(axum::middleware::from_fn(service::note_route))
        .fallback(|| async { ApiError::NotFound })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .with_state(Arc::clone(server))
}

/// A server that accepts connections and sends mail.
pub struct Running {
    server: Arc<Server>,
    listening: tokio::task::JoinSet<()>,
    background: tokio::task::JoinSet<()>,
    exporting: tokio::task::JoinSet<()>,
    stop_listening: shutdown::Trigger,
    stop_background: shutdown::Trigger,
    stop_exporting: shutdown::Trigger,
}

/// Starts everything: maintenance, the outbox and the listeners, each with the service it serves.
pub fn start(server: Arc<Server>, way: Way, listeners: Vec<(Listener, Service)>) -> Running {
    let (stop_listening, until) = shutdown::channel();
    let (stop_background, until_background) = shutdown::channel();
    let (stop_exporting, until_exported) = shutdown::channel();
    let mut listening = tokio::task::JoinSet::new();
    let mut background = tokio::task::JoinSet::new();
    let mut exporting = tokio::task::JoinSet::new();
    let settings = server.config.load().server.clone();
    let limits = listener::Limits {
        connections: settings.max_connections,
        drain: Duration::from_secs(settings.shutdown_seconds),
        ..listener::Limits::default()
    };
    background.spawn(maintenance::run(Arc::clone(&server), until_background.clone()));
    background.spawn(activity::run(Arc::clone(&server), until_background.clone()));
    if server.config.load().events.enabled {
        background.spawn(events::sealer::run(Arc::clone(&server), until_background.clone()));
    }
    if !server.webhooks.is_empty() {
        background.spawn(webhooks::worker::run(Arc::clone(&server), until_background.clone()));
    }
    if let Some(writer) = server.security_log.take_writer() {
        background.spawn(writer.run(until_background.clone()));
    }
    background.spawn(outbox::worker::run(Arc::clone(&server), Arc::new(way), until_background));
    if let Some(exporter) = server.telemetry.take_exporter() {
        exporting.spawn(exporter.run(until_exported));
    }
    for (listener, service) in listeners {
        listening.spawn(listener.serve(service, limits.clone(), Shutdown::clone(&until)));
    }
    Running { server, listening, background, exporting, stop_listening, stop_background, stop_exporting }
}

impl Running {
    /// Ends in order: no new requests, those under way answered, mails in memory sent, traces handed over, the
    /// database closed.
    pub async fn stop(mut self) {
        self.stop_listening.stop();
        while self.listening.join_next().await.is_some() {}
        self.stop_background.stop();
        let patience = Duration::from_secs(self.server.config.load().server.shutdown_seconds);
        let ended =
            tokio::time::timeout(patience, async { while self.background.join_next().await.is_some() {} })
                .await;
        if ended.is_err() {
            tracing::warn!("mails were still on their way; they wait in the store");
            self.background.shutdown().await;
        }
        self.stop_exporting.stop();
        let handed_over = async { while self.exporting.join_next().await.is_some() {} };
        if tokio::time::timeout(EXPORT_PATIENCE, handed_over).await.is_err() {
            tracing::warn!("some traces were not collected");
            self.exporting.shutdown().await;
        }
        self.server.store.close().await;
    }
}

/// A service for some parts, open to everybody.
#[must_use]
pub fn service(server: &Arc<Server>, parts: &[Part]) -> Service {
    Service::new(Arc::clone(server), routes(server, parts), parts, Admission::Everybody)
}
