//! The servers that are measured, and the runtime in which callers and their mailboxes live.

use std::{
    cell::Cell,
    future::Future,
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use tokio::{runtime::Runtime, task::LocalSet};

use super::{
    process::Process,
    sink::{self, Mailboxes},
};
use crate::{environment, servers::free_port};

pub(crate) use crate::order::API_KEY;

/// Sessions remembered, unless somebody asks for more: what the server does by itself.
pub(crate) const SESSIONS: usize = 65_536;

/// What all measurements share.
pub(crate) struct World {
    runtime: Runtime,
    tasks: LocalSet,
    /// Who waits for which mail.
    pub(crate) mailboxes: Mailboxes,
    sink: u16,
    people: Cell<u64>,
}

impl World {
    /// Starts the mail server.
    ///
    /// # Errors
    /// When it cannot listen.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (tasks, mailboxes) = (LocalSet::new(), Mailboxes::default());
        let sink = tasks.block_on(&runtime, sink::start(mailboxes.clone()))?;
        Ok(Self { runtime, tasks, mailboxes, sink, people: Cell::new(0) })
    }

    /// Runs callers; mail is taken meanwhile. They never sleep, like those of the floor: the server would pay for waking
    /// them.
    pub(crate) fn run<F: Future>(&self, work: F) -> F::Output {
        let awake = async {
            loop {
                tokio::task::yield_now().await;
            }
        };
        self.tasks.block_on(&self.runtime, async {
            tokio::select! {
                biased;
                output = work => output,
                () = awake => unreachable!("it never ends"),
            }
        })
    }

    /// Runs callers who sleep when there is nothing to do.
    pub(crate) fn rest<F: Future>(&self, work: F) -> F::Output {
        self.tasks.block_on(&self.runtime, work)
    }

    /// The port of the mail server.
    pub(crate) const fn sink(&self) -> u16 {
        self.sink
    }

    /// A person nobody has written to yet.
    pub(crate) fn person(&self) -> u64 {
        self.people.set(self.people.get() + 1);
        self.people.get()
    }
}

/// The program under measurement, as an operator runs it.
pub(crate) struct Server {
    /// Its process.
    pub(crate) process: Process,
    /// Where apps and people reach it.
    pub(crate) port: u16,
    /// Where proxies reach it.
    pub(crate) verify: u16,
    /// Where its metrics are.
    operations: u16,
    /// From its start to its first answer with status 200.
    pub(crate) started_in: Duration,
}

impl Server {
    /// The program that is measured.
    ///
    /// # Errors
    /// When there is no place where cargo builds.
    pub(crate) fn program() -> anyhow::Result<PathBuf> {
        Ok(environment::target()?.join("release/countersign"))
    }

    /// Starts it on the database in `folder` and waits for its first answer.
    ///
    /// # Errors
    /// When it does not start or does not answer.
    pub(crate) fn start(world: &World, folder: &Path) -> anyhow::Result<Self> {
        Self::start_with(world.sink, folder)
    }

    /// The same, with the mail server on port `sink`.
    ///
    /// # Errors
    /// When it does not start or does not answer.
    pub(crate) fn start_with(sink: u16, folder: &Path) -> anyhow::Result<Self> {
        Self::start_with_more(sink, folder, (SESSIONS, ""))
    }

    /// The same, with so many sessions remembered, and more at the end of its configuration, where the app is.
    ///
    /// # Errors
    /// When it does not start or does not answer.
    pub(crate) fn start_with_more(
        sink: u16,
        folder: &Path,
        (sessions, more): (usize, &str),
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let [port, operations, verify] = [free_port()?, free_port()?, free_port()?];
        let config = folder.join("countersign.toml");
        std::fs::write(&config, configuration(folder, [port, operations, verify, sink], sessions) + more)?;
        let began = Instant::now();
        let arguments = ["--config".as_ref(), config.as_os_str(), "serve".as_ref()];
        let process = Process::start(&Self::program()?, &arguments, &folder.join("server.log"))?;
        while get(port, "/.well-known/jwks.json").is_err() {
            if began.elapsed() > Duration::from_secs(60) {
                bail!("the server does not answer: see {}", folder.join("server.log").display());
            }
        }
        Ok(Self { process, port, verify, operations, started_in: began.elapsed() })
    }

    /// The value of a counter without labels.
    ///
    /// # Errors
    /// When the metrics are not there.
    pub(crate) fn counter(&self, name: &str) -> anyhow::Result<f64> {
        let text = get(self.operations, "/metrics")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(line.with_context(|| format!("there is no metric {name}"))?.trim().parse()?)
    }
}

fn configuration(folder: &Path, [port, operations, verify, sink]: [u16; 4], sessions: usize) -> String {
    format!(
        r#"[server]
issuer = "http://localhost:8080"
session_cache = {sessions}
listeners = [
  {{ address = "127.0.0.1:{port}", parts = ["public"] }},
  {{ address = "127.0.0.1:{operations}", parts = ["operations"] }},
  {{ address = "127.0.0.1:{verify}", parts = ["verify"] }},
]
[storage]
data_dir = "{folder}"
[mail]
from = "no-reply@example.org"
max_connections = 16
smtp = [{{ host = "127.0.0.1", port = {sink}, security = "none" }}]
[limits]
messages_per_day = 100_000_000
polls_per_network_per_minute = 1_000_000_000
[forward_auth]
cache_mib = 256
[[apps]]
name = "bench"
forward_auth = {{ open = true, scopes = ["read:email", "read:name"] }}
resend_pause_seconds = 0
messages_per_person_per_hour = 64
messages_per_person_per_day = 64
messages_per_day = 100_000_000
keys = [{{ key = "{API_KEY}" }}]
"#,
        folder = folder.display(),
    )
}

/// The answer to a `GET` with status 200.
///
/// # Errors
/// When it is not reached or answers something else.
pub(crate) fn get(port: u16, path: &str) -> anyhow::Result<String> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    get_on(stream, path)
}

/// The same, of the server whose data is in `folder`, as its operator.
///
/// # Errors
/// As [`get`].
pub(crate) fn ask_as_operator(folder: &Path, path: &str) -> anyhow::Result<String> {
    let stream = UnixStream::connect(folder.join("control.sock"))?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    get_on(stream, path)
}

fn get_on(mut stream: impl Read + Write, path: &str) -> anyhow::Result<String> {
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    anyhow::ensure!(
        answer.starts_with("HTTP/1.1 200"),
        "{path}: {}",
        answer.lines().next().unwrap_or_default()
    );
    Ok(answer)
}
