//! Exports: every checkpoint with its events, as lines of JSON at the end of a file and as syslog (RFC 5424). Both
//! follow the chain behind the requests; a file that cannot be written or a syslog that is gone costs nobody a wait.

use std::{
    io::Write as _,
    net::{SocketAddr, UdpSocket},
    os::unix::{fs::OpenOptionsExt as _, net::UnixDatagram},
    path::{Path, PathBuf},
};

use countersign_domain::event::Outcome;
use countersign_store::Store;

use super::log::{CheckpointLine, EventLine, Line, Segment, segment};
use crate::config::{ConfigError, EventSettings};

/// `authpriv` (RFC 5424, 6.2.1).
const FACILITY: u8 = 10;
const NOTICE: u8 = 5;
const WARNING: u8 = 4;

/// Where the log goes besides the database.
#[derive(Debug, Default)]
pub struct Exports {
    targets: Vec<Target>,
}

#[derive(Debug)]
struct Target {
    to: Sink,
    /// The last checkpoint that went there; none before the first look.
    after: Option<i64>,
    is_failing: bool,
}

#[derive(Clone, Debug)]
enum Sink {
    File(PathBuf),
    Unix(PathBuf),
    Udp(SocketAddr),
}

impl Exports {
    /// What the configuration asks for.
    ///
    /// # Errors
    /// When the address of the syslog does not read.
    pub fn new(settings: &EventSettings) -> Result<Self, ConfigError> {
        let mut sinks: Vec<Sink> = settings.file.iter().cloned().map(Sink::File).collect();
        if let Some(address) = &settings.syslog {
            sinks.push(syslog(address)?);
        }
        let target = |to| Target { to, after: None, is_failing: false };
        Ok(Self { targets: sinks.into_iter().map(target).collect() })
    }

    /// Finds where each target goes on. What is signed after this goes there; of what is there already, a syslog gets
    /// nothing.
    pub async fn begin(&mut self, store: &Store) {
        for target in &mut self.targets {
            if let Err(error) = target.begin(store).await {
                tracing::warn!(%error, "where the export of events goes on cannot be read; next time");
            }
        }
    }

    /// Carries on what is new.
    pub async fn follow(&mut self, store: &Store) {
        for target in &mut self.targets {
            match target.follow(store).await {
                Ok(()) if std::mem::take(&mut target.is_failing) => {
                    tracing::info!("events are exported again");
                }
                Ok(()) => {}
                Err(error) => {
                    if !std::mem::replace(&mut target.is_failing, true) {
                        tracing::error!(%error, "events cannot be exported; they are tried again");
                    }
                }
            }
        }
    }
}

/// Where a syslog listens.
fn syslog(address: &str) -> Result<Sink, ConfigError> {
    let expected = || {
        ConfigError(
            "events.syslog: expected unix:/dev/log, or udp: and an address of this machine".to_owned(),
        )
    };
    match address.split_once(':') {
        Some(("unix", path)) if path.starts_with('/') => Ok(Sink::Unix(path.into())),
        Some(("udp", address)) => {
            let address: SocketAddr = address.parse().map_err(|_| expected())?;
            // It is neither encrypted nor answered: not for other machines.
            if address.ip().is_loopback() { Ok(Sink::Udp(address)) } else { Err(expected()) }
        }
        _ => Err(expected()),
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

impl Target {
    async fn begin(&mut self, store: &Store) -> Result<i64, Error> {
        if let Some(after) = self.after {
            return Ok(after);
        }
        let newest = store.newest_checkpoint().await?.map_or(0, |newest| newest.sequence);
        let after = match &self.to {
            Sink::File(file) => {
                let position = position(file);
                if position > newest {
                    tracing::error!(
                        position,
                        newest,
                        "the file of events is ahead of the log, which was restored or cut off: the file goes on behind the newest checkpoint"
                    );
                }
                position.min(newest)
            }
            Sink::Unix(_) | Sink::Udp(_) => newest,
        };
        self.after = Some(after);
        Ok(after)
    }

    async fn follow(&mut self, store: &Store) -> Result<(), Error> {
        let mut after = self.begin(store).await?;
        while let Some(found) = segment(store, after).await? {
            after = found.checkpoint.sequence;
            let to = self.to.clone();
            tokio::task::spawn_blocking(move || to.write(&found)).await??;
            self.after = Some(after);
        }
        Ok(())
    }
}

impl Sink {
    fn write(&self, segment: &Segment) -> Result<(), Error> {
        match self {
            Self::File(file) => append(file, segment),
            Self::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                send(segment, |line| socket.send_to(line, path).map(drop))
            }
            Self::Udp(address) => {
                let local = if address.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
                let socket = UdpSocket::bind(local)?;
                send(segment, |line| socket.send_to(line, address).map(drop))
            }
        }
    }
}

/// The lines of a segment: the events, then their checkpoint.
///
/// # Errors
/// When memory fails.
pub fn lines(segment: &Segment) -> serde_json::Result<String> {
    let mut text = String::new();
    let events = segment.events.iter().map(|event| Line::Event(EventLine::from(event)));
    let checkpoint = Line::Checkpoint(CheckpointLine::from(&segment.checkpoint));
    for line in events.chain(std::iter::once(checkpoint)) {
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    Ok(text)
}

/// One write for all lines, then the position: after a crash between both, lines stand there twice.
fn append(path: &Path, segment: &Segment) -> Result<(), Error> {
    let text = lines(segment)?;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.create(true).append(true).mode(0o640).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    let position = position_file(path);
    let fresh = position.with_extension("position.new");
    std::fs::write(&fresh, segment.checkpoint.sequence.to_string())?;
    std::fs::rename(&fresh, &position)?;
    Ok(())
}

/// The last checkpoint that a file was given. Kept beside it, for the file itself may be rotated away.
fn position(file: &Path) -> i64 {
    let text = std::fs::read_to_string(position_file(file)).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn position_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".position");
    PathBuf::from(name)
}

fn send(segment: &Segment, mut send: impl FnMut(&[u8]) -> std::io::Result<()>) -> Result<(), Error> {
    for event in &segment.events {
        let severity = if event.outcome == Outcome::Success { NOTICE } else { WARNING };
        let line = EventLine::from(event);
        send(syslog_line(severity, &line.time, &line.kind, &serde_json::to_string(&line)?).as_bytes())?;
    }
    let checkpoint = CheckpointLine::from(&segment.checkpoint);
    let time = crate::api::rfc3339(segment.checkpoint.made_at);
    Ok(send(syslog_line(NOTICE, &time, "checkpoint", &serde_json::to_string(&checkpoint)?).as_bytes())?)
}

/// One message (RFC 5424, 6): no host, for the one that takes it knows it; the kind as message id.
fn syslog_line(severity: u8, time: &str, id: &str, text: &str) -> String {
    let (priority, process) = (u16::from(FACILITY) * 8 + u16::from(severity), std::process::id());
    // A name of 32 characters at most (6.2.7).
    let id: String = id.chars().take(32).collect();
    format!("<{priority}>1 {time} - countersign {process} {id} - {text}")
}
