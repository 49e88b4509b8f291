//! What an engine must be able to do: answer one statement, and carry out a list of writes all or nothing.
//!
//! Everything above this file is the same for every engine; everything below it knows one database and no nouns.

use futures_util::future::BoxFuture;

use crate::{Error, migration::Migration};

/// A value bound to a statement or read from a row. Times are milliseconds; ids and digests are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A 64-bit integer; booleans are 0 and 1.
    Integer(i64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// One row: its values in the order of the statement's columns.
pub type Row = Vec<Value>;

/// A statement with `?` for each parameter, in the dialect all engines share.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The text. Static, so that an engine can keep it prepared.
    pub sql: &'static str,
    /// One value for each `?`, in order.
    pub parameters: Vec<Value>,
}

/// How many rows a write must touch for the commit to stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Any number, none included.
    Any,
    /// Exactly one: otherwise the whole commit is rolled back as [`Error::Conflict`].
    One,
}

/// A statement that changes rows, and what must be true of it.
#[derive(Clone, Debug)]
pub struct Write {
    /// What to do.
    pub statement: Statement,
    /// What must have happened.
    pub expect: Expect,
}

/// A database as it was at one moment, on a connection of its own that ends when this is dropped.
pub trait Snapshot: Send {
    /// Runs one read and returns all its rows.
    fn query(&mut self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>>;
}

/// A database, reduced to what the store needs of it.
///
/// Promises every engine keeps, shown by the contract suite:
/// - a commit that answers `Ok` has reached the disk (where there is one) and is seen by every later read;
/// - a commit that answers anything else has left nothing behind;
/// - a duplicate key, a serialisation failure, a deadlock and a busy database are [`Error::Conflict`];
/// - everything else that a database may say is [`Error::Unavailable`], and the engine recovers by itself.
pub trait Engine: Send + Sync {
    /// A name for logs and metrics: `sqlite`, `postgres`, `mariadb`.
    fn name(&self) -> &'static str;

    /// True when no other process can write to this database while this engine is open.
    fn is_exclusive(&self) -> bool;

    /// Runs one read and returns all its rows.
    fn query(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>>;

    /// The same by a way that is kept free of every other read: for what must be known in time however busy the
    /// database is. Not another way where reads do not wait for each other.
    fn query_reserved(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        self.query(statement)
    }

    /// Everything as it is now, for as long as it takes to read it. Others write meanwhile.
    fn snapshot(&self) -> BoxFuture<'_, Result<Box<dyn Snapshot>, Error>> {
        let none = || Error::Unavailable(format!("{} keeps nothing that could be copied", self.name()));
        Box::pin(std::future::ready(Err(none())))
    }

    /// Whether `(a, b) > (?, ?)` is looked up in an index.
    fn compares_rows(&self) -> bool {
        true
    }

    /// Carries out all writes in order, all or nothing, and returns how many rows each touched.
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Vec<u64>, Error>>;

    /// Brings the schema up to date under a lock that other nodes respect; returns the version it is at now.
    ///
    /// # Errors
    /// [`Error::Newer`] when the database is ahead of this program; nothing is touched then.
    fn migrate<'a>(&'a self, migrations: &'a [Migration]) -> BoxFuture<'a, Result<i64, Error>>;

    /// The version the schema is at, 0 for an empty database.
    fn version(&self) -> BoxFuture<'_, Result<i64, Error>>;

    /// Makes sure that nothing of what was deleted is left in the database's own files. Where others look after the
    /// files there is nothing to do.
    fn scrub(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Finishes what is under way and closes the database.
    fn close(&self) -> BoxFuture<'_, ()>;
}
