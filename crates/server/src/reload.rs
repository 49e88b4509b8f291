//! Changes of the configuration while the server runs: a valid one is taken over, an invalid one is reported and the
//! former one stays. It does not know what the settings mean, only which of them are read once, at the start.

mod templates;

use std::{
    collections::BTreeSet,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};

pub use self::templates::{TemplatesWatch, watch_templates};
use crate::{
    config::{Config, DEFAULT_FILE, changed},
    hashing, maintenance,
    shutdown::Shutdown,
    state::Server,
    wiring,
};

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// What comes of a configuration that cannot be used.
const UNUSABLE: &str = "the changed configuration cannot be used; the former one stays";
/// What comes of settings of passwords that cannot be used.
const HASHLESS: &str = "the settings of passwords cannot be used; hashing stays as it was";
/// What comes of templates or texts that cannot be used.
const WORDLESS: &str =
    "the templates and texts cannot be used; the former ones stay, the settings are taken over";
/// Settings that are read once, at the start; everything below them as well.
const NEXT_START: [&str; 23] = [
    "events.checkpoint_seconds",
    "events.enabled",
    "events.file",
    "events.syslog",
    "forward_auth.cache_mib",
    "keys.root_key",
    "keys.root_key_command",
    "keys.root_key_file",
    "log",
    "mail.dkim",
    "mail.folder",
    "mail.max_connections",
    "mail.sendmail",
    "mail.smtp",
    "mail.transport",
    "retention",
    "security_log",
    "server.listeners",
    "server.max_connections",
    "server.session_cache",
    "storage",
    "telemetry",
    "webhooks",
];

/// Takes over what changes in the configuration until `shutdown`: looks when the file changes and when a SIGHUP comes.
/// `file` is the one that was read at the start, none for [`DEFAULT_FILE`]; `environment` is put over it again.
pub async fn watch(
    server: Arc<Server>,
    file: Option<PathBuf>,
    environment: Vec<(String, String)>,
    mut shutdown: Shutdown,
) {
    let mut reloader = Reloader::new(file, environment);
    let mut templates = TemplatesWatch::new(&server);
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => hangup,
        Err(error) => {
            tracing::error!(%error, "the configuration is not watched: there is no signal handler");
            return;
        }
    };
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            _ = hangup.recv() => {
                tracing::info!("SIGHUP: the configuration is read again");
                reloader.forget_complaints();
                reloader.reload(&server).await;
            }
            _ = look.tick() => {
                reloader.look(&server).await;
                templates.look(&server);
            }
        }
    }
}

/// What tells one state of a file from another: device and inode, size, time of change.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

/// Reads the configuration again and again.
#[derive(Debug)]
pub struct Reloader {
    /// The file that was named or, from the first time it was there, the default one: a file that has gone away is an
    /// error and no wish for a server without one.
    file: Option<PathBuf>,
    default: PathBuf,
    environment: Vec<(String, String)>,
    stamp: Stamp,
    /// Whether what was read could not be taken over for want of the store.
    is_due: bool,
    complained: BTreeSet<String>,
}

impl Reloader {
    /// One that takes the file as it is now as read.
    #[must_use]
    pub fn new(file: Option<PathBuf>, environment: Vec<(String, String)>) -> Self {
        Self::with_default(file, PathBuf::from(DEFAULT_FILE), environment)
    }

    fn with_default(file: Option<PathBuf>, default: PathBuf, environment: Vec<(String, String)>) -> Self {
        let mut reloader =
            Self { file, default, environment, stamp: None, is_due: false, complained: BTreeSet::new() };
        reloader.settle();
        reloader.stamp = reloader.look_up();
        reloader
    }

    /// Takes the default file for the one to read once it is there.
    fn settle(&mut self) {
        if self.file.is_none() && self.default.is_file() {
            self.file = Some(self.default.clone());
        }
    }

    fn look_up(&self) -> Stamp {
        stamp(self.file.as_ref().unwrap_or(&self.default))
    }

    /// Reads the configuration again if its file changed. What could not be taken over for want of the store is
    /// tried again the next time.
    pub async fn look(&mut self, server: &Arc<Server>) {
        let stamp = self.look_up();
        if stamp != self.stamp || self.is_due {
            // Taken before it was read: a change in between is a change to look at.
            self.stamp = stamp;
            self.reload(server).await;
        }
    }

    /// Reads the configuration and takes it over if it can be used. For want of the store that is due again.
    pub async fn reload(&mut self, server: &Arc<Server>) {
        self.is_due = false;
        self.settle();
        let (config, warnings) = match self.read() {
            Ok(read) => read,
            Err(problems) => {
                self.complain(problems, UNUSABLE);
                return;
            }
        };
        self.forget_complaints();
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let former = server.config.load_full();
        let keys = changed(&former, &config);
        server.config.store(Arc::new(config));
        server.epoch.advance();
        if let Err(error) = maintenance::reload(server).await {
            server.config.store(former);
            server.epoch.advance();
            self.complain(vec![error.to_string()], UNUSABLE);
            self.is_due = true;
            return;
        }
        server.quotas.reconsider();
        if let Err(error) = hashing::follow(server) {
            self.complain(vec![error.to_string()], HASHLESS);
        }
        if let Err(error) = maintenance::rotate(server).await {
            tracing::error!(%error, "signing keys could not be looked after");
        }
        report(&keys);
        // Words are no reason to leave a key or an app as it was: the former ones stay, the settings are taken over.
        if let Err(error) = wiring::renderer(&server.config.load()) {
            self.complain(error.to_string().lines().map(str::to_owned).collect(), WORDLESS);
        }
    }

    fn read(&self) -> Result<(Config, Vec<String>), Vec<String>> {
        let loaded = Config::load(self.file.as_deref(), self.environment.iter().cloned())
            .map_err(|error| error.to_string().lines().map(str::to_owned).collect::<Vec<_>>())?;
        let problems: Vec<String> = loaded.check().iter().map(ToString::to_string).collect();
        if problems.is_empty() { Ok((loaded.config, loaded.warnings)) } else { Err(problems) }
    }

    /// Reports what is wrong, each thing once, and what comes of it.
    fn complain(&mut self, problems: Vec<String>, consequence: &str) {
        for problem in problems {
            if self.complained.insert(problem.clone()) {
                tracing::error!(problem, "{consequence}");
            }
        }
    }

    fn forget_complaints(&mut self) {
        self.complained.clear();
    }
}

fn report(keys: &[String]) {
    let (later, now): (Vec<&str>, Vec<&str>) = keys.iter().map(String::as_str).partition(|key| waits(key));
    if !now.is_empty() {
        tracing::info!(keys = now.join(", "), "the configuration changed");
    }
    if !later.is_empty() {
        tracing::warn!(keys = later.join(", "), "takes effect at the next start");
    }
}

/// Whether a setting is read only at the start.
fn waits(key: &str) -> bool {
    NEXT_START
        .iter()
        .any(|start| key.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

fn stamp(file: &Path) -> Stamp {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.dev(), metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()))
}

#[cfg(test)]
mod tests;
