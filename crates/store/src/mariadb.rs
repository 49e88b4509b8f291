//! The MariaDB driver: its connections, its types, and what its error numbers mean.
//!
//! MySQL speaks the same protocol but is not tested.

use std::str::FromStr;

use futures_util::future::BoxFuture;
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, MySql, MySqlConnection, Row as _,
    TypeInfo as _, ValueRef as _,
    mysql::{
        MySqlArguments, MySqlConnectOptions, MySqlDatabaseError, MySqlRow, MySqlTypeInfo, MySqlValueRef,
    },
};

use crate::{
    Error,
    engine::{Row, Statement, Value},
    migration::Types,
    network::{
        Network,
        driver::{Driver, Failure, SchemaTexts, refused, transport, unreadable},
    },
};

pub use crate::network::PoolOptions;

const NAME: &str = "mariadb";

/// What every session is told. Strict, so that nothing is cut to fit; text is quoted as in the other engines;
/// a session that stops in the middle of a transaction must not keep its locks.
const SESSION: &str = "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES,PIPES_AS_CONCAT,\
     NO_BACKSLASH_ESCAPES,NO_ENGINE_SUBSTITUTION', SESSION autocommit = 1, \
     SESSION innodb_lock_wait_timeout = 1, SESSION lock_wait_timeout = 60, \
     SESSION idle_transaction_timeout = 30; \
     SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Prepared statements kept for each connection.
const STATEMENTS: usize = 256;

/// An engine on MariaDB.
pub type MariaDb = Network<MariaDbDriver>;

impl MariaDb {
    /// Connects to the database that `url` names: `mariadb://user:password@host:port/database`, or `mysql://…`.
    ///
    /// # Errors
    /// [`Error::Unavailable`], naming host, database and reason, never the password.
    pub async fn connect(url: &str, options: PoolOptions) -> Result<Self, Error> {
        Self::start(MariaDbDriver::parse(url)?, options).await
    }

    /// True when an acknowledged commit survives a power cut, as far as the server's settings tell.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the server does not answer.
    pub async fn durability(&self) -> Result<bool, Error> {
        self.affirms("SELECT CAST(@@innodb_flush_log_at_trx_commit IN (1, 3) AS SIGNED)").await
    }
}

/// Speaks to MariaDB.
pub struct MariaDbDriver {
    options: MySqlConnectOptions,
    place: String,
}

impl MariaDbDriver {
    fn parse(url: &str) -> Result<Self, Error> {
        // The parser's own message may quote a piece of the URL, and so of the password.
        let unreadable = || Error::Unavailable("the URL of the MariaDB database cannot be read".to_owned());
        let rest = url.strip_prefix("mariadb://").or_else(|| url.strip_prefix("mysql://"));
        let url = format!("mysql://{}", rest.ok_or_else(unreadable)?);
        let options = MySqlConnectOptions::from_str(&url).map_err(|_| unreadable())?;
        let Some(database) = options.get_database() else {
            return Err(Error::Unavailable("the URL of the MariaDB database names no database".to_owned()));
        };
        let place = match options.get_socket() {
            Some(socket) => format!("MariaDB at {}, database {database}", socket.display()),
            None => format!("MariaDB at {}:{}, database {database}", options.get_host(), options.get_port()),
        };
        let options = options.statement_cache_capacity(STATEMENTS).disable_statement_logging();
        Ok(Self { options, place })
    }

    fn unreached(&self, error: &sqlx::Error) -> Failure {
        let reason = match (number(error), error) {
            (Some(1044 | 1045 | 1698), _) => "it refused the user name or the password".to_owned(),
            (Some(1049), _) => "the database does not exist".to_owned(),
            (Some(1040 | 1203), _) => "it has too many connections".to_owned(),
            (Some(number), _) => format!("it answered error {number}"),
            (None, sqlx::Error::Io(error)) => error.to_string(),
            (None, sqlx::Error::Tls(error)) => format!("TLS failed: {error}"),
            (None, _) => "it does not speak as MariaDB should".to_owned(),
        };
        Failure::Gone(format!("cannot connect to {}: {reason}", self.place))
    }
}

impl Driver for MariaDbDriver {
    type Connection = MySqlConnection;

    const NAME: &'static str = NAME;
    const BEGIN_TOGETHER: &'static str = "BEGIN";
    const BEGIN_SAVEPOINT: &'static str = "BEGIN; SAVEPOINT member";
    const BEGIN_SNAPSHOT: &'static str = "SET SESSION idle_transaction_timeout = 0; \
         SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; \
         START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
    const COMPARES_ROWS: bool = false;
    const SCHEMA: SchemaTexts = SchemaTexts {
        // A lock's name is for the whole server and at most 64 characters long.
        lock: "SELECT CAST(GET_LOCK(CONCAT('countersign_', SHA1(DATABASE())), 0) AS SIGNED)",
        types: Types {
            integer: "BIGINT",
            name: "VARCHAR(190) CHARACTER SET ascii COLLATE ascii_nopad_bin",
            text: "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
            key: "VARBINARY(64)",
            bytes: "MEDIUMBLOB",
            table: "ENGINE=InnoDB",
        },
        transactional: false,
    };

    fn open(&self) -> BoxFuture<'_, Result<MySqlConnection, Failure>> {
        Box::pin(async {
            let mut connection = self.options.connect().await.map_err(|error| self.unreached(&error))?;
            self.run(&mut connection, SESSION).await?;
            Ok(connection)
        })
    }

    fn query<'a>(
        &'a self,
        connection: &'a mut MySqlConnection,
        statement: &'a Statement,
    ) -> BoxFuture<'a, Result<Vec<Row>, Failure>> {
        Box::pin(async {
            let arguments = bound(&statement.parameters)?;
            let rows = sqlx::query_with(statement.sql, arguments)
                .fetch_all(connection)
                .await
                .map_err(|error| meaning(&error))?;
            rows.iter().map(row).collect()
        })
    }

    fn execute<'a>(
        &'a self,
        connection: &'a mut MySqlConnection,
        statement: &'a Statement,
    ) -> BoxFuture<'a, Result<u64, Failure>> {
        Box::pin(async {
            let arguments = bound(&statement.parameters)?;
            let done = sqlx::query_with(statement.sql, arguments).execute(connection).await;
            Ok(done.map_err(|error| meaning(&error))?.rows_affected())
        })
    }

    fn run<'a>(
        &'a self,
        connection: &'a mut MySqlConnection,
        sql: &'a str,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let done = sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await;
            done.map(|_| ()).map_err(|error| meaning(&error))
        })
    }

    fn ping<'a>(&'a self, connection: &'a mut MySqlConnection) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async { connection.ping().await.map_err(|error| meaning(&error)) })
    }

    fn shut(&self, connection: MySqlConnection) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // The server notices a closed socket as well as a goodbye.
            let _said = connection.close().await;
        })
    }
}

/// What a failed statement means for its transaction and its connection.
fn meaning(error: &sqlx::Error) -> Failure {
    let Some(number) = number(error) else { return transport(NAME, error) };
    let text = format!("{NAME} answered error {number}: {}", class(number));
    match number {
        1022 | 1062 | 1586 => Failure::Refused(Error::Conflict),
        // A lock wait that ran out may or may not have ended the transaction: that is a setting of the server.
        1020 | 1205 | 1213 => Failure::Lost,
        1146 => Failure::Missing(text),
        1050 | 1060 | 1061 | 1091 => Failure::Exists(text),
        // Ended by an administrator or a shutdown; not, or no longer, the server that takes writes; a prepared
        // statement that the server does not know any more.
        1053 | 1927 | 1290 | 1836 | 1047 | 1243 | 1615 => Failure::Stale(text),
        1152..=1161 | 2006 | 2013 => Failure::Gone(text),
        _ => refused(text),
    }
}

fn number(error: &sqlx::Error) -> Option<u16> {
    match error {
        sqlx::Error::Database(error) => {
            error.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
        }
        _ => None,
    }
}

fn class(number: u16) -> &'static str {
    match number {
        1021 | 1041 | 1114 => "out of disk or memory",
        1044 | 1142 | 1227 => "a right is missing",
        1048 | 1264 | 1364 | 1366 | 1406 => "a value does not fit",
        1053 | 1927 | 1317 => "an operator intervened, or the server is stopping",
        1290 | 1836 | 1047 => "this server takes no writes",
        1054 | 1064 | 1146 => "the schema is not what it should be",
        _ => "unexpected",
    }
}

fn bound(parameters: &[Value]) -> Result<MySqlArguments, Failure> {
    let mut arguments = MySqlArguments::default();
    for parameter in parameters {
        let added = match parameter {
            // The protocol marks a NULL apart from its type.
            Value::Null => arguments.add(None::<i64>),
            Value::Integer(integer) => arguments.add(*integer),
            Value::Text(text) => arguments.add(text.as_str()),
            Value::Bytes(bytes) => arguments.add(bytes.as_slice()),
        };
        added.map_err(|_| refused(format!("a parameter is too large for {NAME}")))?;
    }
    Ok(arguments)
}

fn row(row: &MySqlRow) -> Result<Row, Failure> {
    (0..row.len())
        .map(|index| {
            let raw = row.try_get_raw(index).map_err(|_| unreadable(NAME))?;
            value(raw).ok_or_else(|| unreadable(NAME))
        })
        .collect()
}

fn value(raw: MySqlValueRef<'_>) -> Option<Value> {
    if raw.is_null() {
        return Some(Value::Null);
    }
    let kind = raw.type_info().into_owned();
    if fits::<i64>(&kind) {
        decoded(raw).map(Value::Integer)
    } else if fits::<u64>(&kind) {
        decoded::<u64>(raw)?.try_into().ok().map(Value::Integer)
    } else if kind.name() == "DECIMAL" {
        decimal(decoded(raw)?).map(Value::Integer)
    } else if fits::<str>(&kind) {
        // The name of the type says VARBINARY for text of a binary collation; only the collation tells.
        decoded(raw).map(Value::Text)
    } else if fits::<[u8]>(&kind) {
        decoded(raw).map(Value::Bytes)
    } else {
        None
    }
}

fn fits<T: sqlx::Type<MySql> + ?Sized>(kind: &MySqlTypeInfo) -> bool {
    T::compatible(kind)
}

fn decoded<'r, T: sqlx::Decode<'r, MySql>>(raw: MySqlValueRef<'r>) -> Option<T> {
    T::decode(raw).ok()
}

/// A whole DECIMAL, which is what SUM of BIGINT is and which is sent as text.
fn decimal(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.bytes().any(|digit| digit != b'0') {
        return None;
    }
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_decimals_are_read_and_others_refused() {
        let cases = [
            ("0", Some(0)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("12.000", Some(12)),
            ("12.5", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(decimal(text), expected, "{text}");
        }
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_quoted() {
        for url in ["mysql://user:hunter2@host:port/x", "postgres://user:hunter2@h/x", "mariadb://hunter2@h"]
        {
            let error = MariaDbDriver::parse(url).err().expect("refused").to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_failed_connect_names_host_and_reason_and_no_password() {
        let url = "mariadb://someone:hunter2@127.0.0.1:1/things";
        let error = MariaDb::connect(url, PoolOptions::default()).await.err().expect("nobody listens");
        let text = error.to_string();
        assert!(text.contains("127.0.0.1:1, database things"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}
