//! Where the nodes of a test keep things: memory, or a database of its own on a server that the environment names.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use countersign_server::{config::Config, keys::RootKey};
use countersign_store::{engine::Engine, sqlite::Sqlite};

use super::{TestServer, fixed::TestClock, mailbox::Mailbox, settings};
use crate::network::{Database, Server};

/// What the nodes of a test share: a database, a clock, a root key and the world's mailboxes.
pub(crate) struct World {
    pub(crate) clock: Arc<TestClock>,
    pub(crate) mailbox: Arc<Mailbox>,
    backend: Backend,
    root: &'static str,
    nodes: AtomicU64,
}

enum Backend {
    Shared(Arc<dyn Engine>),
    Network(Database),
}

/// The root key of tests.
const ROOT: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
/// Another one.
pub(crate) const OTHER_ROOT: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

impl World {
    /// A world of one database in memory.
    pub(crate) fn memory() -> Self {
        Self::on(Arc::new(Sqlite::memory().unwrap()))
    }

    /// A world on an engine that all its nodes use.
    pub(crate) fn on(engine: Arc<dyn Engine>) -> Self {
        Self::of(Backend::Shared(engine))
    }

    fn of(backend: Backend) -> Self {
        let (clock, mailbox) = (TestClock::new(), Arc::default());
        Self { clock, mailbox, backend, root: ROOT, nodes: AtomicU64::new(1) }
    }

    /// The same with another root key.
    pub(crate) fn with_root(mut self, root: &'static str) -> Self {
        self.root = root;
        self
    }

    pub(crate) fn root(&self) -> RootKey {
        RootKey::parse(self.root).unwrap()
    }

    /// What its clock tells.
    pub(crate) fn clock_now(&self) -> countersign_domain::time::Timestamp {
        countersign_server::system::Clock::now(&*self.clock)
    }

    /// One more node.
    pub(crate) async fn node(&self) -> TestServer {
        self.node_with(|_| {}).await
    }

    /// One more node, with a configuration that was changed.
    pub(crate) async fn node_with(&self, change: impl FnOnce(&mut Config)) -> TestServer {
        let engine = match &self.backend {
            Backend::Shared(engine) => Arc::clone(engine),
            Backend::Network(database) => database.engine().await,
        };
        let mut config = settings::config();
        change(&mut config);
        let node = self.nodes.fetch_add(1, Ordering::SeqCst);
        TestServer::assemble(engine, self, config, node).await
    }
}

/// Runs a case in memory.
pub(crate) async fn in_memory<F: Future<Output = ()>>(case: impl FnOnce(World) -> F) {
    case(World::memory()).await;
}

/// Runs a case on a server; does nothing when somebody asked to skip its engine.
pub(crate) async fn on_server<F>(server: Server, name: &str, case: impl FnOnce(World) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(database) = server.database(name).await else { return };
    let world = World::of(Backend::Network(database.clone()));
    database.finish(case(world)).await;
}

/// Makes a test of each case for each engine.
macro_rules! on_every_engine {
    ($($case:ident)*) => {$(
        mod $case {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::support::backend::in_memory(super::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::support::backend::on_server($crate::network::POSTGRES, stringify!($case), super::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                $crate::support::backend::on_server($crate::network::MARIADB, stringify!($case), super::$case).await;
            }
        }
    )*};
}

pub(crate) use on_every_engine;
