//! The PostgreSQL driver: its connections, its types, and what its SQLSTATEs mean.
//!
//! It needs sessions of its own: a pooler that hands out a server connection per transaction loses prepared
//! statements and settings.

mod placeholder;
mod value;

use std::str::FromStr;

use futures_util::future::BoxFuture;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgDatabaseError},
};

use self::placeholder::Placeholders;
use crate::{
    Error,
    engine::{Row, Statement},
    migration::Types,
    network::{
        Network,
        driver::{Driver, Failure, SchemaTexts, refused, transport},
    },
};

pub use crate::network::PoolOptions;

const NAME: &str = "postgres";

/// What every session is told. A commit decides by row versions, so READ COMMITTED is enough; waiting
/// for a lock ends before the server would begin to look for a deadlock, which is after a second; a session that
/// stops in the middle of a transaction must not keep its locks.
const SESSION: &str = "SET default_transaction_isolation = 'read committed'; SET lock_timeout = '500ms'; \
     SET idle_in_transaction_session_timeout = '30s'; SET client_min_messages = 'error'; \
     SET standard_conforming_strings = on; SET bytea_output = 'hex'; SET DateStyle = 'ISO'";

/// Prepared statements kept for each connection.
const STATEMENTS: usize = 512;

/// An engine on PostgreSQL.
pub type Postgres = Network<PostgresDriver>;

impl Postgres {
    /// Connects to the database that `url` names: `postgres://user:password@host:port/database`.
    ///
    /// # Errors
    /// [`Error::Unavailable`], naming host, database and reason, never the password.
    pub async fn connect(url: &str, options: PoolOptions) -> Result<Self, Error> {
        Self::start(PostgresDriver::parse(url)?, options).await
    }

    /// True when an acknowledged commit survives a power cut, as far as the server's settings tell.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server does not answer.
    pub async fn durability(&self) -> Result<bool, Error> {
        self.affirms(
            "SELECT CAST(current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off' AS bigint)",
        )
        .await
    }
}

/// Speaks to PostgreSQL.
pub struct PostgresDriver {
    options: PgConnectOptions,
    place: String,
    placeholders: Placeholders,
}

impl PostgresDriver {
    fn parse(url: &str) -> Result<Self, Error> {
        // The parser's own message may quote a piece of the URL, and so of the password.
        let unreadable =
            || Error::Unavailable("the URL of the PostgreSQL database cannot be read".to_owned());
        if !(url.starts_with("postgres://") || url.starts_with("postgresql://")) {
            return Err(unreadable());
        }
        let options = PgConnectOptions::from_str(url).map_err(|_| unreadable())?;
        let database = options.get_database().unwrap_or_else(|| options.get_username());
        let place = match options.get_socket() {
            Some(socket) => format!("PostgreSQL at {}, database {database}", socket.display()),
            None => {
                format!("PostgreSQL at {}:{}, database {database}", options.get_host(), options.get_port())
            }
        };
        let options = options.statement_cache_capacity(STATEMENTS).disable_statement_logging();
        Ok(Self { options, place, placeholders: Placeholders::default() })
    }

    fn unreached(&self, error: &sqlx::Error) -> Failure {
        let reason = match (code(error), error) {
            (Some("28P01" | "28000"), _) => "it refused the user name or the password".to_owned(),
            (Some("3D000"), _) => "the database does not exist".to_owned(),
            (Some("53300"), _) => "it has too many connections".to_owned(),
            (Some(code), _) => format!("it answered SQLSTATE {code}"),
            (None, sqlx::Error::Io(error)) => error.to_string(),
            (None, sqlx::Error::Tls(error)) => format!("TLS failed: {error}"),
            (None, _) => "it does not speak as PostgreSQL should".to_owned(),
        };
        Failure::Gone(format!("cannot connect to {}: {reason}", self.place))
    }
}

impl Driver for PostgresDriver {
    type Connection = PgConnection;

    const NAME: &'static str = NAME;
    // Two nodes whose batches touch the same rows in different order find out sooner than commits by themselves.
    const BEGIN_TOGETHER: &'static str = "BEGIN; SET LOCAL lock_timeout = '100ms'";
    const BEGIN_SAVEPOINT: &'static str = "BEGIN; SET LOCAL lock_timeout = '100ms'; SAVEPOINT member";
    // The moment is that of the first read.
    const BEGIN_SNAPSHOT: &'static str = "SET idle_in_transaction_session_timeout = 0; \
         BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1";
    const COMPARES_ROWS: bool = true;
    const SCHEMA: SchemaTexts = SchemaTexts {
        lock: "SELECT CAST(CAST(pg_try_advisory_lock(4861725502718364519) AS integer) AS bigint)",
        types: Types {
            integer: "BIGINT",
            name: "TEXT COLLATE \"C\"",
            text: "TEXT",
            key: "BYTEA",
            bytes: "BYTEA",
            table: "",
        },
        transactional: true,
    };

    fn open(&self) -> BoxFuture<'_, Result<PgConnection, Failure>> {
        Box::pin(async {
            let mut connection = self.options.connect().await.map_err(|error| self.unreached(&error))?;
            self.run(&mut connection, SESSION).await?;
            Ok(connection)
        })
    }

    fn query<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        statement: &'a Statement,
    ) -> BoxFuture<'a, Result<Vec<Row>, Failure>> {
        Box::pin(async {
            let sql = self.placeholders.rewritten(statement);
            let arguments = value::bound(&statement.parameters)?;
            let rows = sqlx::query_with(AssertSqlSafe(sql), arguments)
                .fetch_all(connection)
                .await
                .map_err(|error| meaning(&error))?;
            rows.iter().map(value::row).collect()
        })
    }

    fn execute<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        statement: &'a Statement,
    ) -> BoxFuture<'a, Result<u64, Failure>> {
        Box::pin(async {
            let sql = self.placeholders.rewritten(statement);
            let arguments = value::bound(&statement.parameters)?;
            let done = sqlx::query_with(AssertSqlSafe(sql), arguments).execute(connection).await;
            Ok(done.map_err(|error| meaning(&error))?.rows_affected())
        })
    }

    fn run<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        sql: &'a str,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await;
            done.map(|_| ()).map_err(|error| meaning(&error))
        })
    }

    fn ping<'a>(&'a self, connection: &'a mut PgConnection) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async { connection.ping().await.map_err(|error| meaning(&error)) })
    }

    fn shut(&self, connection: PgConnection) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // The server notices a closed socket as well as a goodbye.
            let _said = connection.close().await;
        })
    }
}

/// What a failed statement means for its transaction and its connection.
fn meaning(error: &sqlx::Error) -> Failure {
    let Some(code) = code(error) else { return transport(NAME, error) };
    let text = format!("{NAME} answered SQLSTATE {code}: {}", class(code));
    match code {
        "23505" | "23P01" => Failure::Refused(Error::Conflict),
        "40001" | "40P01" | "55P03" | "25P02" => Failure::Lost,
        "42P01" => Failure::Missing(text),
        // Shut down or ended by an administrator; a standby after a switch; a statement prepared before a change
        // of the schema, or by another session behind a pooler.
        "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "25006" | "0A000" | "26000" => Failure::Stale(text),
        _ if code.starts_with("08") => Failure::Gone(text),
        _ => refused(text),
    }
}

fn code(error: &sqlx::Error) -> Option<&str> {
    match error {
        sqlx::Error::Database(error) => {
            error.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::code)
        }
        _ => None,
    }
}

fn class(code: &str) -> &'static str {
    match code.get(..2).unwrap_or_default() {
        "08" => "the connection failed",
        "22" => "a value does not fit",
        "23" => "a constraint is violated",
        "25" | "26" | "0A" => "the session is in a wrong state",
        "28" => "authorization failed",
        "42" => "the schema is not what it should be, or a right is missing",
        "53" => "out of disk, memory or connections",
        "57" => "an operator intervened, or the server is starting or stopping",
        "58" => "a system error",
        _ => "unexpected",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_cannot_be_read_is_not_quoted() {
        for url in ["postgres://user:hunter2@host:port/x", "mysql://user:hunter2@host/x", "hunter2"] {
            let error = PostgresDriver::parse(url).err().expect("refused").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_failed_connect_names_host_and_reason_and_no_password() {
        let url = "postgres://someone:hunter2@127.0.0.1:1/things";
        let error = Postgres::connect(url, PoolOptions::default()).await.err().expect("nobody listens");
        let text = error.to_string();
        assert!(text.contains("127.0.0.1:1, database things"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
