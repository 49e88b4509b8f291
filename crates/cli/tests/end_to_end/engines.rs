//! The same promises on PostgreSQL and MariaDB, with two nodes on one database, and with the database gone for a
//! while.

use std::{
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use crate::support::{
    person::MAIL,
    server::{Server, Setup},
    sink::Sink,
    tools, wait_for,
};

/// A database of one test, with a user of its own; both gone when the test is over.
struct Database {
    postgres: bool,
    /// `user:password@host:port/database` of who may do everything.
    administrator: String,
    name: String,
}

impl Database {
    /// A new one; `None` when the engine was left out on purpose.
    fn new(variable: &str, engine: &str) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let administrator = tools::tool(variable, engine)?;
        let name = format!("e2e_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let database = Self { postgres: engine == "postgres", administrator, name };
        let name = &database.name;
        if database.postgres {
            database.tell(&format!("CREATE ROLE {name} LOGIN PASSWORD '{name}'"));
            database.tell(&format!("CREATE DATABASE {name} OWNER {name}"));
        } else {
            database.tell(&format!("CREATE DATABASE {name}"));
            database.tell(&format!("CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{name}'"));
            database.tell(&format!("GRANT ALL ON {name}.* TO {name}@'127.0.0.1'"));
        }
        Some(database)
    }

    /// `storage.url`.
    fn url(&self) -> String {
        let scheme = if self.postgres { "postgres" } else { "mariadb" };
        let place = self.administrator.rsplit('@').next().unwrap();
        let place = place.split('/').next().unwrap();
        format!("{scheme}://{0}:{0}@{place}/{0}", self.name)
    }

    /// Makes it refuse everybody, and ends who is connected.
    fn shut(&self) {
        let name = &self.name;
        if self.postgres {
            self.tell(&format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false"));
            self.tell(&format!(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            ));
        } else {
            self.tell(&format!("ALTER USER {name}@'127.0.0.1' ACCOUNT LOCK"));
            self.tell(&format!("KILL USER {name}@'127.0.0.1'"));
        }
    }

    /// Takes it into service again.
    fn open(&self) {
        let name = &self.name;
        self.tell(&if self.postgres {
            format!("ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
        } else {
            format!("ALTER USER {name}@'127.0.0.1' ACCOUNT UNLOCK")
        });
    }

    fn tell(&self, statement: &str) {
        tools::run(&mut self.command(statement));
    }

    fn command(&self, statement: &str) -> Command {
        if self.postgres {
            let mut command = Command::new("psql");
            command.args([&self.administrator, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement]);
            return command;
        }
        let parts: Vec<&str> = self.administrator.split(['/', ':', '@']).collect();
        let [_, _, _, user, password, host, port, _] = parts[..] else { panic!("an odd MariaDB address") };
        let mut command = Command::new("mariadb");
        let options =
            ["--no-defaults", "--host", host, "--port", port, "--user", user, "--execute", statement];
        command.args(options).env("MYSQL_PWD", password);
        command
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = &self.name;
        let statements = if self.postgres {
            [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("DROP ROLE IF EXISTS {name}")]
        } else {
            [format!("DROP DATABASE IF EXISTS {name}"), format!("DROP USER IF EXISTS {name}@'127.0.0.1'")]
        };
        for statement in statements {
            let _ = self.command(&statement).output();
        }
    }
}

fn two_nodes(database: &Database, sink: &Sink) -> (Server, Server) {
    let mut setup = Setup::new(sink.port);
    setup.storage = database.url();
    let second = setup.second();
    (setup.start(), second.start())
}

#[test]
fn p28_two_nodes_on_postgres_are_one_server() {
    if let Some(database) = Database::new("COUNTERSIGN_TEST_POSTGRES", "postgres") {
        nodes_agree(&database);
    }
}

#[test]
fn p28_two_nodes_on_mariadb_are_one_server() {
    if let Some(database) = Database::new("COUNTERSIGN_TEST_MARIADB", "mariadb") {
        nodes_agree(&database);
    }
}

fn nodes_agree(database: &Database) {
    let sink = Sink::start();
    let (one, other) = two_nodes(database, &sink);
    let started = one.client().start("jane@example.net").unwrap();
    assert_eq!(started.status, 201, "{started:?}");
    let code = sink.mail_to("jane@example.net", MAIL).unwrap().code();
    let proof = other.client().verify_started(&started, &code).unwrap();
    assert_eq!(proof.status, 200, "a code of one node at the other: {proof:?}");
    assert_ne!(one.client().verify_started(&started, &code).unwrap().status, 200, "spent on both");
    let token = proof.text("access_token");
    assert_eq!(one.client().token_status(&token), 200);
    assert_eq!(other.client().token_status(&token), 200);
    assert_eq!(one.client().revoke(&token).unwrap().status, 200);
    let begun = Instant::now();
    assert_eq!(one.client().token_status(&token), 401, "at once where it was revoked");
    wait_for("the other node refuses", Duration::from_secs(1), || {
        (other.client().token_status(&token) == 401).then_some(())
    });
    assert!(begun.elapsed() <= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[test]
fn p39_without_postgres_everything_is_refused_until_it_is_back() {
    if let Some(database) = Database::new("COUNTERSIGN_TEST_POSTGRES", "postgres") {
        outage(&database);
    }
}

#[test]
fn p39_without_mariadb_everything_is_refused_until_it_is_back() {
    if let Some(database) = Database::new("COUNTERSIGN_TEST_MARIADB", "mariadb") {
        outage(&database);
    }
}

fn outage(database: &Database) {
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    setup.storage = database.url();
    let server = setup.start();
    let client = server.client();
    let token = client.sign_in("before@example.net", &sink).text("access_token");
    let started = client.start("jane@example.net").unwrap();
    let code = sink.mail_to("jane@example.net", MAIL).unwrap().code();
    database.shut();
    for answer in [
        client.start("during@example.net").unwrap(),
        client.verify_started(&started, &code).unwrap(),
        client.verify("jane@example.net", &code).unwrap(),
        client.redeem(&started).unwrap(),
        client.revoke(&token).unwrap(),
    ] {
        assert_eq!(answer.status, 503, "{answer:?}");
    }
    wait_for("readiness ends", Duration::from_secs(20), || {
        (server.get("/readyz", &[]).ok()?.status == 503).then_some(())
    });
    database.open();
    wait_for("it is ready again, without a restart", Duration::from_secs(20), || {
        (server.get("/readyz", &[]).ok()?.status == 200).then_some(())
    });
    let proof = client.verify_started(&started, &code).unwrap();
    assert_eq!(proof.status, 200, "the code outlived the outage: {proof:?}");
    assert!(sink.mails().iter().all(|mail| mail.to != "during@example.net"), "refused, yet mailed");
}
