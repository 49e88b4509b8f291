//! `countersign serve`: the server, until it is told to stop.

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, anyhow};
use clap::Args;
use countersign_server::{
    config::{Config, DEFAULT_FILE, ListenAddress, ListenerSettings, Loaded, Part, process_environment},
    listener::{Address, Listener},
    reload,
    service::Service,
    state::Server,
    system::{Entropy as _, SystemClock, SystemEntropy},
    wiring,
};
use tokio::signal::unix::{SignalKind, signal};

/// Run the server.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign serve
  countersign --config /etc/countersign.toml serve")]
pub struct Serve {}

/// The socket in the data folder through which the command line speaks to a running server.
pub const CONTROL_SOCKET: &str = "control.sock";

impl Serve {
    /// Runs until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// What keeps it from starting, and what to do about it.
    pub async fn run(self, path: Option<&Path>) -> anyhow::Result<()> {
        let environment = process_environment();
        let loaded = load(path)?;
        crate::log::start(&loaded.config.log)?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let config = usable(loaded)?;
        let way = wiring::mail_way(&config).map_err(|error| anyhow!(error))?;
        let server = open(config).await?;
        let listeners = listen(&server).await?;
        let (stop_watching, until) = countersign_server::shutdown::channel();
        let file = path.map(Path::to_owned);
        let watching = tokio::spawn(reload::watch(Arc::clone(&server), file, environment, until));
        let running = wiring::start(server, way, listeners);
        stop_signal().await?;
        stop_watching.stop();
        watching.await?;
        tracing::info!("stopping: requests under way are answered first");
        running.stop().await;
        Ok(())
    }
}

/// Says whether the configuration can be used.
///
/// # Errors
/// What is wrong with it.
pub fn check_config(path: Option<&Path>) -> anyhow::Result<()> {
    let config = usable(load(path)?)?;
    countersign_server::config::declared(&config.apps)?;
    wiring::renderer(&config).map_err(|error| anyhow!(error))?;
    wiring::mail_way(&config).map_err(|error| anyhow!(error))?;
    crate::log::say("The configuration is good.");
    Ok(())
}

/// Reads the configuration, from the file and the environment.
///
/// # Errors
/// What is wrong with it.
pub fn read_config(path: Option<&Path>) -> anyhow::Result<Config> {
    load(path).map(|loaded| loaded.config)
}

fn load(path: Option<&Path>) -> anyhow::Result<Loaded> {
    let name = path.unwrap_or_else(|| Path::new(DEFAULT_FILE)).display().to_string();
    Config::load(path, process_environment().into_iter()).context(name)
}

/// The configuration, if `serve` can use it.
fn usable(loaded: Loaded) -> anyhow::Result<Config> {
    let problems: Vec<String> = loaded.check().iter().map(ToString::to_string).collect();
    anyhow::ensure!(problems.is_empty(), "the configuration cannot be used:\n{}", problems.join("\n"));
    Ok(loaded.config)
}

/// Opens the store and puts the server together.
///
/// # Errors
/// What is wrong with the database, the root key, the apps or the signing keys.
pub async fn open(config: Config) -> anyhow::Result<Arc<Server>> {
    let store = wiring::open_store(&config).await.map_err(|error| anyhow!(error))?;
    let root = wiring::root_key(&config, &store, &mut *SystemEntropy.random()).await;
    let root = root.map_err(|error| anyhow!(error))?;
    let system = (Arc::new(SystemClock::default()) as _, Arc::new(SystemEntropy) as _);
    wiring::assemble(config, store, &root, system).await.map_err(|error| anyhow!(error))
}

async fn listen(server: &Arc<Server>) -> anyhow::Result<Vec<(Listener, Service)>> {
    let config = server.config.load_full();
    let mut listeners = Vec::new();
    for settings in &config.server.listeners {
        let listener = bind(settings).await?;
        tracing::info!(address = settings.address, parts = ?settings.parts, "listening");
        listeners.push((listener, wiring::service(server, &settings.parts)));
    }
    let control = config.storage.data_dir.join(CONTROL_SOCKET);
    if config.storage.data_dir.is_dir() {
        let listener = Listener::bind(Address::Unix { path: control.clone(), mode: Some(0o600) }).await;
        let listener = listener.with_context(|| control.display().to_string())?;
        listeners.push((listener, wiring::service(server, &[Part::Admin, Part::Operations])));
    }
    Ok(listeners)
}

async fn bind(settings: &ListenerSettings) -> anyhow::Result<Listener> {
    let read = settings.read().map_err(|(key, why)| anyhow!("listeners.{key}: {why}"))?;
    let address = match read {
        ListenAddress::Unix(path, mode) => Address::Unix { path, mode: Some(mode) },
        ListenAddress::Tcp(host, port) => {
            let found = tokio::net::lookup_host((host.as_str(), port)).await;
            let found = found.with_context(|| format!("listeners.address: {}", settings.address))?;
            Address::Tcp(found.into_iter().next().context("listeners.address: no such host")?)
        }
    };
    Listener::bind(address).await.with_context(|| settings.address.clone())
}

/// Waits for SIGTERM or SIGINT.
///
/// # Errors
/// When the system gives no signal handlers.
pub async fn stop_signal() -> anyhow::Result<()> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
