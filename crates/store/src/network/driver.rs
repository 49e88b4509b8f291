//! What differs between two databases behind a socket: how to speak to them, and what their errors mean.
//!
//! A driver does one thing on one connection. It knows no pool, no queue and no retry.

use futures_util::future::BoxFuture;

use crate::{
    Error,
    engine::{Row, Statement},
    migration::Types,
};

/// Why one call on one connection did not succeed, by what must happen next.
///
/// Texts carry codes and never a database's own message: those quote parameter values.
#[derive(Debug)]
pub enum Failure {
    /// The statement did nothing; what the transaction did before can be kept by going back to a savepoint.
    Refused(Error),
    /// The whole transaction must be rolled back, and may be tried again: a deadlock, a serialisation failure, a
    /// lock that was not free in time.
    Lost,
    /// The table does not exist.
    Missing(String),
    /// The table, column or index to be made exists.
    Exists(String),
    /// The server says that this connection is of no more use; the statement was not carried out.
    Stale(String),
    /// Nobody answered: whether the statement was carried out is unknown.
    Gone(String),
}

impl Failure {
    /// True when the connection must not be used again.
    #[must_use]
    pub fn is_connection(&self) -> bool {
        matches!(self, Self::Stale(_) | Self::Gone(_))
    }

    /// What the engine's caller is told.
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Refused(error) => error,
            Self::Lost => Error::Conflict,
            Self::Missing(text) | Self::Exists(text) | Self::Stale(text) | Self::Gone(text) => {
                Error::Unavailable(text)
            }
        }
    }
}

/// Texts by which a driver brings the schema up to date.
#[derive(Clone, Copy, Debug)]
pub struct SchemaTexts {
    /// One row, one column: 1 when this connection now holds the lock on the schema.
    pub lock: &'static str,
    /// The type words of migrations.
    pub types: Types,
    /// True when making a table can be rolled back.
    pub transactional: bool,
}

/// One kind of database.
pub trait Driver: Send + Sync + 'static {
    /// A connection, ready to use.
    type Connection: Send + 'static;

    /// For logs and metrics.
    const NAME: &'static str;
    /// Starts a transaction that carries the commits of several callers.
    const BEGIN_TOGETHER: &'static str;
    /// The same, with a first savepoint named `member`.
    const BEGIN_SAVEPOINT: &'static str;
    /// Starts a transaction that sees everything as it is now, and writes nothing, for as long as it takes.
    const BEGIN_SNAPSHOT: &'static str;
    /// Whether `(a, b) > (?, ?)` is looked up in an index.
    const COMPARES_ROWS: bool;
    /// How the schema is changed.
    const SCHEMA: SchemaTexts;

    /// Connects, and sets what the engine relies on. The text of a failure names the host, never the password.
    fn open(&self) -> BoxFuture<'_, Result<Self::Connection, Failure>>;

    /// Runs a statement and returns its rows.
    fn query<'a>(
        &'a self,
        connection: &'a mut Self::Connection,
        statement: &'a Statement,
    ) -> BoxFuture<'a, Result<Vec<Row>, Failure>>;

    /// Runs a statement and returns how many rows it touched.
    fn execute<'a>(
        &'a self,
        connection: &'a mut Self::Connection,
        statement: &'a Statement,
    ) -> BoxFuture<'a, Result<u64, Failure>>;

    /// Runs statements without parameters, separated by `;`, in one round trip.
    fn run<'a>(
        &'a self,
        connection: &'a mut Self::Connection,
        sql: &'a str,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// One round trip that shows that the connection is alive.
    fn ping<'a>(&'a self, connection: &'a mut Self::Connection) -> BoxFuture<'a, Result<(), Failure>>;

    /// Says goodbye.
    fn shut(&self, connection: Self::Connection) -> BoxFuture<'_, ()>;
}

/// What an error that the server did not send means, for a connection to `name`.
pub(crate) fn transport(name: &str, error: &sqlx::Error) -> Failure {
    match error {
        sqlx::Error::Io(error) => Failure::Gone(format!("the connection to {name} failed: {error}")),
        sqlx::Error::Tls(error) => Failure::Gone(format!("TLS with {name} failed: {error}")),
        sqlx::Error::Encode(_) => refused(format!("a parameter is too large for {name}")),
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => unreadable(name),
        _ => Failure::Gone(format!("the connection to {name} is out of step")),
    }
}

/// A statement that the database does not carry out, for a reason that is not another write.
pub(crate) fn refused(text: String) -> Failure {
    Failure::Refused(Error::Unavailable(text))
}

/// A value of a type or size that [`Value`](crate::engine::Value) has no place for.
pub(crate) fn unreadable(name: &str) -> Failure {
    refused(format!("{name} returned a value that this program cannot read"))
}
