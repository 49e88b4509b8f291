//! Backups: everything that is kept, in one file that does not depend on the engine, sealed as a whole.
//!
//! A file is `countersign-backup\n`, the length of the header (32 bits, big-endian), the header in JSON, and chunks. Each
//! chunk is sealed for its number, for whether it is the last, and for this header, so that none can be changed, left
//! out, moved or taken from another file. Their key is drawn for this file alone; the header holds it wrapped by the
//! master key and, where there is one, by a recovery key.

pub mod chunk;
pub mod header;
pub mod record;
pub mod restore;
pub mod write;

/// What went wrong, and what to do about it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
