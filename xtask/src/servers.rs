//! The private database servers of a run: started by us, reachable from this machine only, gone when we are.
//!
//! Knows nothing of what is kept in them: each test makes a database of its own.

mod guard;
mod mariadb;
mod postgres;

use std::{fmt::Write as _, io::Read as _, net::TcpListener, time::Duration};

use anyhow::Context as _;

use crate::{
    environment,
    options::Options,
    packages::{self, Need},
    skip::Skipped,
};
use guard::Guard;

/// A database engine that needs a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MariaDB.
    Mariadb,
}

impl Engine {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Postgres, Self::Mariadb];

    /// As it is called on the command line and in `COUNTERSIGN_TEST_SKIP`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
        }
    }

    /// What must be there for it.
    pub(crate) fn need(self) -> Need {
        match self {
            Self::Postgres => Need::Postgres,
            Self::Mariadb => Need::Mariadb,
        }
    }

    /// The variable by which the tests find it.
    fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "COUNTERSIGN_TEST_POSTGRES",
            Self::Mariadb => "COUNTERSIGN_TEST_MARIADB",
        }
    }

    fn start(self, password: &str) -> anyhow::Result<Server> {
        match self {
            Self::Postgres => postgres::start(password),
            Self::Mariadb => mariadb::start(password),
        }
    }
}

/// One running server and how to reach it, as a user that may make databases.
#[derive(Debug)]
pub(crate) struct Server {
    url: String,
    guard: Guard,
}

/// The running servers. Dropping them stops them.
#[derive(Debug)]
pub(crate) struct Servers {
    running: Vec<(Engine, Server)>,
}

impl Servers {
    /// Starts one server for each of these engines.
    ///
    /// # Errors
    /// When one of them does not start; those that did are stopped.
    pub(crate) fn start(wanted: &[Engine]) -> anyhow::Result<Self> {
        let password = password()?;
        let running = wanted
            .iter()
            .map(|&engine| {
                let server = engine.start(&password);
                Ok((engine, server.with_context(|| format!("no private {} server", engine.name()))?))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { running })
    }

    /// The variables by which the tests find the servers.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        self.running.iter().map(|(engine, server)| (engine.variable(), server.url.clone())).collect()
    }

    fn all_running(&mut self) -> bool {
        self.running.iter_mut().all(|(_, server)| server.guard.is_running())
    }
}

/// Starts the servers and keeps them until Ctrl-C.
///
/// # Errors
/// When they cannot be started, or one of them ends.
pub(crate) fn keep(options: &Options) -> anyhow::Result<bool> {
    let skipped = Skipped::new(options, environment::is_root());
    let wanted = skipped.engines();
    packages::provide(&wanted.iter().map(|engine| engine.need()).collect::<Vec<_>>(), options.install)?;
    let mut servers = Servers::start(&wanted)?;
    for (name, value) in servers.variables().into_iter().chain(skipped.variable(None)) {
        println!("export {name}='{value}'");
    }
    println!("# Running until Ctrl-C.");
    while servers.all_running() {
        std::thread::sleep(Duration::from_millis(500));
    }
    anyhow::bail!("a server ended")
}

/// A password for this run: the port is open to every user of this machine.
fn password() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}")?;
    }
    Ok(text)
}

/// A port that is free now.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
