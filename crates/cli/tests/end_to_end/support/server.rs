//! A server of a test's own: the real binary with a configuration in a temporary folder, ended with the test.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use countersign_domain::api_key::{ApiKeyKind, ApiKeyText};
use countersign_server::{
    keys::RootKey,
    system::{Entropy as _, SystemEntropy},
};

use super::{
    free_port,
    http::{self, Answer, Request},
    tools, wait_for,
};

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
/// The app that most tests use.
pub(crate) const APP: &str = "shop";

/// What a server is started with.
#[derive(Clone)]
pub(crate) struct Setup {
    /// Where configuration, data and log lie.
    pub(crate) folder: Arc<tempfile::TempDir>,
    /// The port of this node.
    pub(crate) port: u16,
    /// The port that links and tokens name; another node's, where there are two.
    pub(crate) issuer_port: u16,
    /// `storage.url`.
    pub(crate) storage: String,
    /// Where mail goes.
    pub(crate) smtp_port: u16,
    /// More lines of the section `mail`.
    pub(crate) mail: String,
    /// The log's level.
    pub(crate) log_level: &'static str,
    /// The secret key of every app here.
    pub(crate) secret: String,
    /// The root key; empty for one that the server makes itself.
    pub(crate) root: String,
    /// Lines of the app.
    pub(crate) app: String,
    /// More sections: other apps.
    pub(crate) more: String,
    /// A program and its arguments that the server is started under; the server's process stays ours.
    pub(crate) under: Vec<String>,
    /// Variables that it is started with.
    pub(crate) variables: Vec<(String, String)>,
}

impl Setup {
    /// A SQLite file, one app with codes and links, mail to this port.
    pub(crate) fn new(smtp_port: u16) -> Self {
        let port = free_port();
        Self {
            folder: Arc::new(tempfile::tempdir().unwrap()),
            port,
            issuer_port: port,
            storage: "sqlite:countersign.db".to_owned(),
            smtp_port,
            mail: String::new(),
            log_level: "info",
            secret: key(ApiKeyKind::Secret),
            root: RootKey::generate(&mut *SystemEntropy.random()).to_text().expose().to_owned(),
            app: String::new(),
            more: String::new(),
            under: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// Another node on the same database, with the same keys.
    pub(crate) fn second(&self) -> Self {
        Self { folder: Arc::new(tempfile::tempdir().unwrap()), port: free_port(), ..self.clone() }
    }

    /// Where the server keeps its files.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What the server logged and printed, in all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn config(&self) -> String {
        let Self { port, issuer_port, smtp_port, storage, secret, root, app, more, mail, log_level, .. } =
            self;
        let data = self.data().display().to_string();
        let keys = if root.is_empty() { String::new() } else { format!("[keys]\nroot_key = '{root}'\n") };
        format!(
            "[server]\nissuer = 'http://localhost:{issuer_port}'\nshutdown_seconds = 5\n\
             [[server.listeners]]\naddress = '127.0.0.1:{port}'\nparts = ['public', 'operations']\n\
             [storage]\nurl = '{storage}'\ndata_dir = '{data}'\n\
             {keys}\
             [log]\nlevel = '{log_level}'\n\
             [mail]\nfrom = 'no-reply@example.org'\n{mail}\n\
             [[mail.smtp]]\nhost = '127.0.0.1'\nport = {smtp_port}\nsecurity = 'none'\n\
             [[apps]]\nname = '{APP}'\ndelivery = 'both'\nresend_pause_seconds = 0\n{app}\n\
             [[apps.keys]]\nkey = '{secret}'\n{more}"
        )
    }

    /// Starts it and waits until it is ready.
    pub(crate) fn start(self) -> Server {
        fs::write(self.folder.path().join("countersign.toml"), self.config()).unwrap();
        let child = spawn(&self);
        let mut server = Server { setup: self, child };
        server.await_readiness();
        server
    }
}

impl Setup {
    /// Runs another command of the program on the same configuration, which must succeed; what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        tools::run(&mut self.command(arguments))
    }

    /// The same, for whoever looks how it ends.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let config = self.folder.path().join("countersign.toml");
        fs::write(&config, self.config()).unwrap();
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(config).args(arguments).envs(self.variables.iter().cloned());
        command
    }
}

/// A new API key.
pub(crate) fn key(kind: ApiKeyKind) -> String {
    ApiKeyText::draw(kind, &mut *SystemEntropy.random()).expose().to_owned()
}

fn spawn(setup: &Setup) -> Child {
    let folder = setup.folder.path();
    let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut line = setup.under.clone();
    line.push(PROGRAM.to_owned());
    Command::new(&line[0])
        .args(&line[1..])
        .arg("--config")
        .arg(folder.join("countersign.toml"))
        .arg("serve")
        .envs(setup.variables.iter().cloned())
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", line[0]))
}

/// A running server, killed when dropped.
pub(crate) struct Server {
    /// What it was started with.
    pub(crate) setup: Setup,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    fn await_readiness(&mut self) {
        wait_for("readiness", Duration::from_secs(30), || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the server ended: {}", self.setup.log());
            self.get("/readyz", &[]).ok().filter(|answer| answer.status == 200)
        });
    }

    /// Ends it as a power cut ends a process.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends it as an operator does, and waits for the end.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        wait_for("an ordinary end", Duration::from_secs(20), || self.child.try_wait().unwrap())
    }

    /// The number of its process in this life.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Starts it again with the same configuration.
    pub(crate) fn start_again(&mut self) {
        self.child = spawn(&self.setup);
        self.await_readiness();
    }

    /// Asks without a key of its own.
    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> std::io::Result<Answer> {
        http::ask(self.setup.port, Request { method: "GET", path, headers }, "")
    }
}
