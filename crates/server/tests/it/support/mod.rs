//! What every test here starts from: a server put together as in production, with a clock that tests move, a seeded
//! generator, a mailbox that keeps what was sent, and callers as types. It knows no property.

pub(crate) mod authenticator;
pub(crate) mod backend;
pub(crate) mod caller;
pub(crate) mod faulty;
pub(crate) mod fixed;
pub(crate) mod mailbox;
pub(crate) mod settings;

use std::{sync::Arc, time::Duration};

use countersign_domain::time::{Span, Timestamp};
use countersign_server::{
    config::{Config, Part},
    maintenance, outbox,
    service::Service,
    shutdown,
    state::Server,
    wiring,
};
use countersign_store::{
    Store,
    engine::{Engine, Expect, Row, Statement, Write},
};

pub(crate) use self::{
    backend::World,
    caller::{Answer, Caller},
    mailbox::Letter,
};
use self::{caller::Client, fixed::TestClock, mailbox::Mailbox};

/// Longest time that anything done in the background may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// One node: a server, its outbox and, beside other nodes, what follows them.
pub(crate) struct TestServer {
    pub(crate) server: Arc<Server>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) mailbox: Arc<Mailbox>,
    engine: Arc<dyn Engine>,
    service: Service,
    stop: shutdown::Trigger,
    tasks: tokio::task::JoinSet<()>,
}

impl TestServer {
    /// A server in memory with the usual apps.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A server in memory whose configuration was changed.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        World::memory().node_with(change).await
    }

    /// Puts a node together on an open engine.
    pub(crate) async fn assemble(engine: Arc<dyn Engine>, world: &World, config: Config, node: u64) -> Self {
        let store = Store::new(Arc::clone(&engine));
        store.migrate().await.unwrap();
        let entropy = Arc::new(fixed::SeededEntropy::new(node));
        let system = (Arc::clone(&world.clock) as _, entropy as _);
        let mailbox = Arc::clone(&world.mailbox);
        let way = wiring::way(&config, Arc::clone(&mailbox) as _).unwrap();
        let server = wiring::assemble(config, store, &world.root(), system).await.unwrap();
        let (stop, until) = shutdown::channel();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(outbox::worker::run(Arc::clone(&server), Arc::new(way), until.clone()));
        if !engine.is_exclusive() {
            tasks.spawn(maintenance::run(Arc::clone(&server), until));
        }
        let service = wiring::service(&server, &[Part::Public, Part::Operations]);
        let clock = Arc::clone(&world.clock);
        Self { server, clock, mailbox, engine, service, stop, tasks }
    }

    /// Ends this node in order and closes its database.
    pub(crate) async fn stop(mut self) {
        self.stop.stop();
        while self.tasks.join_next().await.is_some() {}
        self.server.store.close().await;
    }

    /// Calls as `caller`.
    pub(crate) fn calls(&self, caller: Caller) -> Client {
        Client::new(self.service.clone(), caller)
    }

    /// Calls as the server of an app.
    pub(crate) fn app(&self, app: &str) -> Client {
        self.calls(Caller::Secret(settings::secret_key(app)))
    }

    /// Calls without any credential.
    pub(crate) fn anybody(&self) -> Client {
        self.calls(Caller::Anonymous)
    }

    /// Moves the clock, and waits until this node has caught up with the others again.
    pub(crate) async fn advance(&self, span: Span) {
        self.clock.advance(span);
        self.caught_up().await;
    }

    /// Waits until this node knows what others took back.
    pub(crate) async fn caught_up(&self) {
        wait_until("revocations were read", || async { self.server.knows_revocations(self.server.now()) })
            .await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.server.now()
    }

    /// The next mail to an address that no test has read.
    pub(crate) async fn mail_to(&self, address: &str) -> Letter {
        let found = tokio::time::timeout(PATIENCE, self.mailbox.next(address)).await;
        found.unwrap_or_else(|_| panic!("no mail to {address}"))
    }

    /// Asserts that nothing is on its way to an address.
    pub(crate) async fn no_mail_to(&self, address: &str) {
        self.outbox_is_empty().await;
        assert!(self.mailbox.take(address).is_none(), "a mail to {address}");
    }

    /// Waits until every message was sent or dropped, and forgotten.
    pub(crate) async fn outbox_is_empty(&self) {
        wait_until("the outbox is empty", || async {
            self.server.store.message_count().await.unwrap().0 == 0
        })
        .await;
    }

    /// What the database answers, below everything that this program makes of it.
    pub(crate) async fn query(&self, sql: &'static str) -> Vec<Row> {
        self.engine.query(Statement { sql, parameters: Vec::new() }).await.unwrap()
    }

    /// Changes rows as no part of this program does.
    pub(crate) async fn spoil(&self, sql: &'static str) {
        let statement = Statement { sql, parameters: Vec::new() };
        self.engine.commit(vec![Write { statement, expect: Expect::One }]).await.unwrap();
    }

    /// The same of any number of rows.
    pub(crate) async fn spoil_any(&self, sql: &'static str) {
        let statement = Statement { sql, parameters: Vec::new() };
        self.engine.commit(vec![Write { statement, expect: Expect::Any }]).await.unwrap();
    }

    /// Every row of every table that a request may change, to tell that nothing was changed.
    pub(crate) async fn everything(&self) -> Vec<Vec<Row>> {
        // Mails that leave change their own rows, whatever a request does.
        self.outbox_is_empty().await;
        let mut all = Vec::new();
        for sql in [
            "SELECT * FROM challenge ORDER BY id",
            "SELECT * FROM contact ORDER BY app, digest",
            "SELECT id, app, deliver FROM message ORDER BY id",
            "SELECT * FROM idempotency ORDER BY id",
            "SELECT * FROM revocation ORDER BY app, target",
        ] {
            all.push(self.query(sql).await);
        }
        all
    }
}

/// Waits for something that the background does.
pub(crate) async fn wait_until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "waited in vain: {what}");
}
