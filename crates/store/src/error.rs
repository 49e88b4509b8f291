//! What can go wrong when something is kept, as few cases as a caller can act on.

/// Why a read or a commit did not happen. Nothing was changed when one of these comes back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else wrote first: read again, decide again.
    #[error("another write came first")]
    Conflict,
    /// A row that this program cannot have written. `id` is the row's key as text, never a person's data.
    #[error("a row of {table} is not what it should be: column {column}, row {id}")]
    Corrupt {
        /// Table of the row.
        table: &'static str,
        /// Column that does not read.
        column: &'static str,
        /// Key of the row.
        id: String,
    },
    /// The database did not answer, is full, or refused: try later. The text is for the operator's log.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database was written by a newer release.
    #[error(
        "the database has schema version {found}, this program knows {known}: start the newer program, or restore a backup made before the upgrade"
    )]
    Newer {
        /// Version found in the database.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// The database belongs to a running server, or another program has its file open.
    #[error(
        "the database is in use by another process; stop it, or speak to it through its control socket if it is a server"
    )]
    InUse,
}
