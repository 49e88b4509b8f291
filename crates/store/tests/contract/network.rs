//! Databases on a server that the environment names: one for each test, gone when the test is over.

#![expect(clippy::expect_used, reason = "a test without its server ends here, with what it was doing")]

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use countersign_store::{engine::Engine, mariadb::MariaDb, network::PoolOptions, postgres::Postgres};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, PgConnection};

pub(crate) const POSTGRES: Server =
    Server { engine: "postgres", variable: "COUNTERSIGN_TEST_POSTGRES", kind: Kind::Postgres };
pub(crate) const MARIADB: Server =
    Server { engine: "mariadb", variable: "COUNTERSIGN_TEST_MARIADB", kind: Kind::MariaDb };

#[derive(Clone, Copy)]
enum Kind {
    Postgres,
    MariaDb,
}

/// A server to test with.
#[derive(Clone, Copy)]
pub(crate) struct Server {
    engine: &'static str,
    variable: &'static str,
    kind: Kind,
}

/// A database of one test.
#[derive(Clone)]
pub(crate) struct Database {
    kind: Kind,
    administrator: String,
    name: String,
}

impl Server {
    /// An empty database, or nothing when somebody asked to skip this engine.
    #[expect(clippy::disallowed_methods, reason = "tests are told by the environment where the servers are")]
    pub(crate) async fn database(self, test: &str) -> Option<Database> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let skipped = std::env::var("COUNTERSIGN_TEST_SKIP").unwrap_or_default();
        let Ok(administrator) = std::env::var(self.variable) else {
            assert!(
                skipped.split(',').any(|engine| engine == self.engine),
                "{} is not set: name a server, or set COUNTERSIGN_TEST_SKIP={}",
                self.variable,
                self.engine
            );
            return None;
        };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}_{}", std::process::id(), &test[..test.len().min(30)]);
        let database = Database { kind: self.kind, administrator, name };
        database.administer(format!("CREATE DATABASE {}", database.name)).await;
        Some(database)
    }
}

impl Database {
    /// Where it is.
    pub(crate) fn url(&self) -> String {
        let (server, options) = self.administrator.split_once('?').unwrap_or((&self.administrator, ""));
        let (server, _) = server.rsplit_once('/').expect("the URL names a database");
        format!("{server}/{}?{options}", self.name)
    }

    /// One more node on this database.
    pub(crate) async fn engine(&self) -> Arc<dyn Engine> {
        let url = self.url();
        let options = PoolOptions { connections: 4, ..PoolOptions::default() };
        match self.kind {
            Kind::Postgres => Arc::new(Postgres::connect(&url, options).await.expect("PostgreSQL")),
            Kind::MariaDb => Arc::new(MariaDb::connect(&url, options).await.expect("MariaDB")),
        }
    }

    /// Runs the test and drops the database, also when the test panics.
    pub(crate) async fn finish(self, test: impl Future<Output = ()> + Send + 'static) {
        let result = tokio::spawn(test).await;
        let drop = match self.kind {
            Kind::Postgres => format!("DROP DATABASE {} WITH (FORCE)", self.name),
            Kind::MariaDb => format!("DROP DATABASE {}", self.name),
        };
        self.administer(drop).await;
        if let Err(panic) = result {
            std::panic::resume_unwind(panic.into_panic());
        }
    }

    /// Ends every connection to this database, after a moment in which work begins.
    pub(crate) async fn kill_connections(&self) {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let name = &self.name;
        match self.kind {
            Kind::Postgres => {
                self.administer(format!(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                ))
                .await;
            }
            Kind::MariaDb => {
                let mut connection =
                    MySqlConnection::connect(&self.administrator).await.expect("administrator");
                let sql = "SELECT id FROM information_schema.processlist WHERE db = ?";
                let ids: Vec<(i64,)> =
                    sqlx::query_as(sql).bind(name).fetch_all(&mut connection).await.expect("processes");
                for (id,) in ids {
                    // It may have ended by itself.
                    let _ended =
                        sqlx::raw_sql(AssertSqlSafe(format!("KILL {id}"))).execute(&mut connection).await;
                }
            }
        }
    }

    async fn administer(&self, sql: String) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        match self.kind {
            Kind::Postgres => {
                let mut connection = PgConnection::connect(&self.administrator).await.expect("administrator");
                sql.execute(&mut connection).await.expect("done");
            }
            Kind::MariaDb => {
                let mut connection =
                    MySqlConnection::connect(&self.administrator).await.expect("administrator");
                sql.execute(&mut connection).await.expect("done");
            }
        }
    }
}
