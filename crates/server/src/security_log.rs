//! The security log: a line for each failed authentication with the network address that it came from, for programs
//! such as fail2ban that keep attackers out. Off unless it is asked for; the only place where network addresses are
//! written. It knows no person, no code and no token, and nobody waits for it.

use std::{
    fs::File,
    io::Write as _,
    net::IpAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use countersign_domain::{id::RequestId, time::Timestamp};
use parking_lot::Mutex;
use tokio::sync::mpsc;

use crate::{api::rfc3339, config::SecurityLogSettings, shutdown::Shutdown};

/// Lines that wait to be written; beyond, they are lost, and so is nothing but them.
const WAITING: usize = 4096;
/// Lines that are written at once.
const BATCH: usize = 256;

/// The refusals that are failed authentications: somebody guessed, or came with what is not theirs.
const FAILURES: [&str; 8] = [
    "api_key_ended",
    "api_key_malformed",
    "api_key_unknown",
    "invalid_binding",
    "invalid_client",
    "invalid_code",
    "invalid_number",
    "invalid_password",
];

/// A failed authentication.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// The code of its refusal.
    pub code: &'static str,
    /// From where.
    pub address: IpAddr,
    /// In which request.
    pub request: RequestId,
}

/// The way to the log.
#[derive(Default)]
pub struct SecurityLog {
    lines: Option<mpsc::Sender<Failure>>,
    writer: Mutex<Option<Writer>>,
}

/// Writes the lines.
pub struct Writer {
    lines: mpsc::Receiver<Failure>,
    path: PathBuf,
    most_bytes: u64,
    keep: u32,
}

impl SecurityLog {
    /// What the configuration asks for; nothing without a file.
    #[must_use]
    pub fn new(settings: &SecurityLogSettings) -> Self {
        let Some(path) = settings.file.clone() else { return Self::default() };
        let (sender, lines) = mpsc::channel(WAITING);
        let most_bytes = u64::from(settings.rotate_mebibytes.max(1)) << 20;
        let writer = Writer { lines, path, most_bytes, keep: settings.keep_files };
        Self { lines: Some(sender), writer: Mutex::new(Some(writer)) }
    }

    /// Whether it is written at all.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.lines.is_some()
    }

    /// Whether a refusal is a failed authentication.
    #[must_use]
    pub fn concerns(code: &str) -> bool {
        FAILURES.contains(&code)
    }

    /// Notes a failure. Never waits.
    pub fn note(&self, failure: Failure) {
        if let Some(lines) = &self.lines {
            let _ = lines.try_send(failure);
        }
    }

    /// Who writes it; given once, to whoever runs it.
    pub fn take_writer(&self) -> Option<Writer> {
        self.writer.lock().take()
    }
}

impl Writer {
    /// Runs until `shutdown`, then writes what waits and returns.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        let mut is_failing = false;
        loop {
            let mut batch = Vec::new();
            let is_over = tokio::select! {
                biased;
                taken = self.lines.recv_many(&mut batch, BATCH) => taken == 0,
                () = shutdown.requested() => {
                    while let Ok(line) = self.lines.try_recv() {
                        batch.push(line);
                    }
                    true
                }
            };
            let (path, most_bytes, keep) = (self.path.clone(), self.most_bytes, self.keep);
            let written = tokio::task::spawn_blocking(move || write(&path, most_bytes, keep, &batch)).await;
            let failed = !matches!(written, Ok(Ok(())));
            if failed && !std::mem::replace(&mut is_failing, failed) {
                tracing::error!("the security log cannot be written: nobody is kept out by it");
            }
            is_failing = failed;
            if is_over {
                return;
            }
        }
    }
}

/// Writes lines, into a new file where the former one is full.
fn write(path: &Path, most_bytes: u64, keep: u32, failures: &[Failure]) -> std::io::Result<()> {
    let mut file = open(path)?;
    if file.metadata()?.len() >= most_bytes {
        rotate(path, keep)?;
        file = open(path)?;
    }
    let text: String = failures.iter().map(line).collect();
    file.write_all(text.as_bytes())
}

fn open(path: &Path) -> std::io::Result<File> {
    std::fs::OpenOptions::new().create(true).append(true).mode(0o640).open(path)
}

/// Moves `log` to `log.1`, `log.1` to `log.2` and so on; the last one goes.
fn rotate(path: &Path, keep: u32) -> std::io::Result<()> {
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    };
    if keep == 0 {
        return std::fs::remove_file(path);
    }
    for number in (1..keep).rev().filter(|number| numbered(*number).exists()) {
        std::fs::rename(numbered(number), numbered(number + 1))?;
    }
    std::fs::rename(path, numbered(1))
}

/// `2027-01-15T08:00:00.000Z countersign[4711]: authentication failure: invalid_code from 192.0.2.7 request req_…`
fn line(failure: &Failure) -> String {
    let Failure { at, code, address, request } = failure;
    let (time, process) = (rfc3339(*at), std::process::id());
    format!(
        "{time} countersign[{process}]: authentication failure: {code} from {address} request {request}\n"
    )
}

#[cfg(test)]
mod tests {
    use countersign_domain::testing::Seeded;

    use super::*;

    fn failure() -> Failure {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let request = RequestId::new(at, &mut Seeded::new(1));
        Failure { at, code: "invalid_code", address: "2001:db8::7".parse().unwrap(), request }
    }

    #[test]
    fn a_full_file_makes_room_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("security.log");
        for _ in 0..5 {
            write(&path, 1, 2, &[failure()]).unwrap();
        }
        let mut names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["security.log", "security.log.1", "security.log.2"]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, line(&failure()));
        assert!(
            text.contains(" authentication failure: invalid_code from 2001:db8::7 request req_"),
            "{text}"
        );
        assert!(text.starts_with("2027-01-15T08:00:00"), "{text}");
    }
}
