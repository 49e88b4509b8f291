//! Bringing the schema up to date: one node at a time, each step recorded, able to go on after a crash.
//!
//! `schema_version` has a row for each step. Where making a table can be rolled back, a step is one transaction. Where it
//! cannot, the row is written first as unfinished; a start that finds one repeats the step and passes over what
//! is there already. A step that also changes rows must therefore be one that can be carried out twice.

use std::time::Duration;

use super::{
    driver::{Driver, Failure},
    pool::Pool,
};
use crate::{
    Error,
    engine::{Statement, Value},
    migration::Migration,
};

const TABLE: &str = "CREATE TABLE IF NOT EXISTS schema_version \
                     (version BIGINT NOT NULL PRIMARY KEY, finished BIGINT NOT NULL)";
const STEPS: &str = "SELECT version, finished FROM schema_version ORDER BY version";

/// How often a node asks whether the node that migrates has finished, and how many times.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
const LOCK_TRIES: u32 = 2400;

/// What is recorded of one step.
#[derive(Clone, Copy)]
struct Step {
    version: i64,
    finished: bool,
}

/// The version of the last finished step.
pub(super) async fn version<D: Driver>(pool: &Pool<D>) -> Result<i64, Error> {
    let mut lease = pool.acquire().await?;
    let rows = lease.query(&Statement { sql: STEPS, parameters: Vec::new() }).await;
    let steps = steps(rows);
    lease.give_back();
    Ok(reached(&steps.map_err(Failure::into_error)?))
}

/// Carries out the steps that are missing, on a connection of its own, and returns the version reached.
pub(super) async fn migrate<D: Driver>(pool: &Pool<D>, migrations: &[Migration]) -> Result<i64, Error> {
    let mut session = Session { driver: pool.driver(), connection: pool.open().await? };
    let result = session.migrate(migrations).await;
    // The lock goes with the connection.
    session.driver.shut(session.connection).await;
    result
}

struct Session<'d, D: Driver> {
    driver: &'d D,
    connection: D::Connection,
}

impl<D: Driver> Session<'_, D> {
    async fn migrate(&mut self, migrations: &[Migration]) -> Result<i64, Error> {
        let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
        if self.recorded(known).await?.0 == known {
            return Ok(known);
        }
        self.lock().await?;
        // What was read before the lock was held may be out of date.
        let (reached, unfinished) = self.recorded(known).await?;
        self.run(TABLE).await.map_err(Failure::into_error)?;
        for migration in migrations.iter().filter(|migration| migration.version > reached) {
            let repeated = unfinished.contains(&migration.version);
            self.step(migration, repeated).await.map_err(Failure::into_error)?;
        }
        Ok(known.max(reached))
    }

    /// The version reached and the versions begun but not finished.
    async fn recorded(&mut self, known: i64) -> Result<(i64, Vec<i64>), Error> {
        let statement = Statement { sql: STEPS, parameters: Vec::new() };
        let rows = self.driver.query(&mut self.connection, &statement).await;
        let steps = steps(rows).map_err(Failure::into_error)?;
        let found = steps.iter().map(|step| step.version).max().unwrap_or(0);
        if found > known {
            return Err(Error::Newer { found, known });
        }
        let unfinished = steps.iter().filter(|step| !step.finished).map(|step| step.version).collect();
        Ok((reached(&steps), unfinished))
    }

    async fn lock(&mut self) -> Result<(), Error> {
        let statement = Statement { sql: D::SCHEMA.lock, parameters: Vec::new() };
        for _ in 0..LOCK_TRIES {
            let rows =
                self.driver.query(&mut self.connection, &statement).await.map_err(Failure::into_error)?;
            if rows == [[Value::Integer(1)]] {
                return Ok(());
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        Err(Error::Unavailable("another node has been changing the schema for two minutes".to_owned()))
    }

    async fn step(&mut self, migration: &Migration, repeated: bool) -> Result<(), Failure> {
        let version = migration.version;
        let transactional = D::SCHEMA.transactional;
        if transactional {
            self.run("BEGIN").await?;
        } else if !repeated {
            self.run(&format!("INSERT INTO schema_version (version, finished) VALUES ({version}, 0)"))
                .await?;
        }
        for statement in migration.statements(&D::SCHEMA.types) {
            match self.run(&statement).await {
                Err(Failure::Exists(_)) if repeated => {}
                result => result?,
            }
        }
        if transactional {
            let record =
                format!("INSERT INTO schema_version (version, finished) VALUES ({version}, 1); COMMIT");
            self.run(&record).await
        } else {
            self.run(&format!("UPDATE schema_version SET finished = 1 WHERE version = {version}")).await
        }
    }

    async fn run(&mut self, sql: &str) -> Result<(), Failure> {
        self.driver.run(&mut self.connection, sql).await
    }
}

fn reached(steps: &[Step]) -> i64 {
    steps.iter().filter(|step| step.finished).map(|step| step.version).max().unwrap_or(0)
}

fn steps(rows: Result<Vec<Vec<Value>>, Failure>) -> Result<Vec<Step>, Failure> {
    let rows = match rows {
        Err(Failure::Missing(_)) => return Ok(Vec::new()),
        rows => rows?,
    };
    rows.into_iter()
        .map(|row| match row.as_slice() {
            [Value::Integer(version), Value::Integer(finished)] => {
                Ok(Step { version: *version, finished: *finished == 1 })
            }
            _ => Err(Failure::Refused(Error::Corrupt {
                table: "schema_version",
                column: "version",
                id: String::new(),
            })),
        })
        .collect()
}
