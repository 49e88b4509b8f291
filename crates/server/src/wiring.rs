//! The wiring: from a configuration to a running server and back to nothing. The only place that knows all parts.

mod mail;

pub use self::mail::{mail_way, renderer, way};
use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use axum::Router;
use countersign_domain::{random::Random, secret::Secret};
use countersign_store::{
    Store, engine::Engine, mariadb::MariaDb, network::PoolOptions, postgres::Postgres, sqlite::Sqlite,
};

use crate::{
    admin, api,
    config::{Config, ConfigError, Part, declared},
    error::ApiError,
    events::Events,
    key_ring::KeyRing,
    keys::RootKey,
    listener::{self, Listener},
    maintenance,
    metrics::Metrics,
    openapi, operations,
    outbox::{self, worker::Way},
    pages,
    registry::{Registry, Stored, report_left_out},
    service::{self, Admission, Service},
    session_cache::SessionCache,
    shutdown::{self, Shutdown},
    signature_cache::SignatureCache,
    state::Server,
    system::{CLOCK_TOLERANCE, Clock, Entropy},
    telemetry::Telemetry,
    vault::Keys,
};

/// Why a server could not be put together: what to do is in the text.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// How long the collector of traces may keep the end waiting.
const EXPORT_PATIENCE: Duration = Duration::from_secs(5);
/// The fact by which a database knows its root key.
const ROOT_CHECK: &str = "root_check";

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

/// The root key that a configuration names; made and kept in the data folder when it names none and the database is
/// new. A database that has a root key already gets no second one.
///
/// # Errors
/// When it does not read, is missing, or the file cannot be made.
pub async fn root_key(
    config: &Config,
    store: &Store,
    random: &mut (dyn Random + Send),
) -> Result<RootKey, Error> {
    let keys = &config.keys;
    let text = match (&keys.root_key, &keys.root_key_file, &keys.root_key_command) {
        (Some(text), None, None) => Secret::new(text.clone()),
        (None, Some(file), None) => read_secret(file)?,
        (None, None, Some(command)) => output_of(command)?,
        (None, None, None) => {
            let is_new = store.fact(ROOT_CHECK).await?.0.is_none();
            return kept_root_key(&config.storage.data_dir, is_new, random).and_then(not_of_dev);
        }
        _ => {
            let why = "keys: give only one of root_key, root_key_file and root_key_command";
            return Err(ConfigError(why.to_owned()).into());
        }
    };
    let key = RootKey::parse(text.expose()).map_err(|error| ConfigError(format!("keys: {error}")))?;
    // In the configuration itself it is found by its check, and `dev` gives it there.
    if keys.root_key.is_some() { Ok(key) } else { not_of_dev(key) }
}

fn not_of_dev(key: RootKey) -> Result<RootKey, Error> {
    if crate::dev_keys::is_dev_root_key(&key) {
        return Err(
            "this is the root key of `countersign dev`, which everybody knows: make one of your own".into()
        );
    }
    Ok(key)
}

fn kept_root_key(folder: &Path, is_new: bool, random: &mut dyn Random) -> Result<RootKey, Error> {
    let path = folder.join("root.key");
    if path.exists() {
        return Ok(RootKey::parse(read_secret(&path)?.expose())?);
    }
    if !is_new {
        return Err(format!(
            "{} is missing: bring it back from a backup, this database needs it",
            path.display()
        )
        .into());
    }
    make_folder(folder)?;
    let key = RootKey::generate(random);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(key.to_text().expose().as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    // The name must be on the disk too, before anything is digested with the key.
    sync(folder)?;
    tracing::warn!(path = %path.display(), "a root key was made: back it up, losing it loses every subject");
    Ok(key)
}

/// Makes a folder and those above it, and their names durable: a database whose folder has no name is lost with all
/// that was promised.
fn make_folder(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    let missing: Vec<_> = folder.ancestors().take_while(|above| !above.exists()).collect();
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).and_then(|()| {
        let parents = missing.iter().filter_map(|made| made.parent());
        parents.map(|parent| if parent == Path::new("") { Path::new(".") } else { parent }).try_for_each(sync)
    });
    made.map_err(|error| format!("{}: {error}", folder.display()).into())
}

/// Makes the names in a folder durable.
fn sync(folder: &Path) -> std::io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

fn read_secret(path: &Path) -> Result<Secret<String>, Error> {
    std::fs::read_to_string(path)
        .map(Secret::new)
        .map_err(|error| format!("{}: {error}", path.display()).into())
}

fn output_of(command: &[String]) -> Result<Secret<String>, Error> {
    let [program, arguments @ ..] = command else {
        return Err(ConfigError("keys.root_key_command: name a program".to_owned()).into());
    };
    let output = std::process::Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("keys.root_key_command: {program}: {error}"))?;
    if !output.status.success() {
        return Err(format!("keys.root_key_command: {program} ended with {}", output.status).into());
    }
    Ok(Secret::new(String::from_utf8(output.stdout).map_err(|_| "keys.root_key_command: not text")?))
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
    let keys = Keys::new(root);
    check_root(&store, &keys).await?;
    catch_up(&store, &*clock).await?;
    let began = clock.now();
    let declared = declared(&config.apps)?;
    let renderer = renderer(&config)?;
    let registry = Registry::build(&declared, Stored::read(&store).await?, &keys);
    let key_ring = KeyRing::open(store.signing_keys().await?, &KeyRing::default(), &keys);
    report_left_out(registry.corrupt(), &[]);
    report_left_out(key_ring.corrupt(), &[]);
    let metrics = Metrics::new();
    let telemetry = Telemetry::new(&config.telemetry, &clock, &entropy, &metrics)?;
    let server = Arc::new(Server {
        sessions: SessionCache::new(config.server.session_cache),
        registry: ArcSwap::from_pointee(registry),
        key_ring: ArcSwap::from_pointee(key_ring),
        config: ArcSwap::from_pointee(config),
        renderer: ArcSwap::from_pointee(renderer),
        keys,
        freshness: Default::default(),
        revocations: Default::default(),
        signatures: SignatureCache::new(&mut *entropy.random()),
        epoch: Default::default(),
        flood: Default::default(),
        key_use: Default::default(),
        quotas: Default::default(),
        outbox: Default::default(),
        metrics,
        telemetry,
        reloading: Default::default(),
        lanes: Default::default(),
        events: Arc::new(Events::new(began, &mut *entropy.random())),
        clock,
        entropy,
        store,
    });
    server.freshness.note_read(began);
    let now = server.now();
    server.revocations.add(
        server.store.revocations(countersign_domain::time::Timestamp::from_millis(0)).await?,
        &server.epoch,
    );
    server.revocations.note_asked(now);
    maintenance::rotate(&server).await?;
    if server.store.is_exclusive() {
        server.store.release_messages(now).await?;
    }
    Ok(server)
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

async fn check_root(store: &Store, keys: &Keys) -> Result<(), Error> {
    let check = keys.check().bytes().to_vec();
    match store.fact(ROOT_CHECK).await? {
        (Some(kept), _) if kept == check => Ok(()),
        (Some(_), _) => {
            Err("this database was made with another root key: give it the one it was made with".into())
        }
        (None, version) => match store.save_fact(ROOT_CHECK, check, version).await {
            // Another node was first: it must have the same key.
            Err(countersign_store::Error::Conflict) => Box::pin(check_root(store, keys)).await,
            other => Ok(other?),
        },
    }
}

/// The routes of some parts, with the refusals for what is not there.
pub fn routes(server: &Arc<Server>, parts: &[Part]) -> Router {
    routes_with(server, parts, Router::new())
}

/// The same, with some more: those of `dev`.
pub fn routes_with(server: &Arc<Server>, parts: &[Part], mut router: Router<Arc<Server>>) -> Router {
    if parts.contains(&Part::Public) {
        router = router
            .merge(api::challenge::routes())
            .merge(api::verify::routes())
            .merge(api::token::routes())
            .merge(api::refresh::routes())
            .merge(api::session::routes())
            .merge(api::me::routes())
            .merge(operations::public_routes())
            .merge(pages::link::routes())
            .merge(pages::assets::routes())
            .merge(pages::docs::routes())
            .merge(openapi::routes());
    }
    if parts.contains(&Part::Admin) {
        router = router.merge(admin::routes(server));
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
    Service::new(
        Arc::clone(server),
        routes(server, parts),
        parts.contains(&Part::Public),
        Admission::Everybody,
    )
}
