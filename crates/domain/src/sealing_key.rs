//! Sealing keys as they are kept: wrapped, numbered, and each with the moment from which it seals. No key is known here.

use crate::{realm::RealmName, time::Timestamp};

/// A sealing key that only the master key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSealingKey {
    /// What sealed values know it by; never given twice in one database. From 2 on: number 1 is derived, not kept.
    pub number: u32,
    /// Whose it is; the server's own where there is none.
    pub realm: Option<RealmName>,
    /// Counts the keys of one owner, from 1.
    pub generation: i64,
    /// The key, wrapped by the master key.
    pub wrapped: Vec<u8>,
    /// The key, sealed with the one that the server sealed with before: for nodes that were not given a new master key
    /// yet. Gone once nothing is sealed with a former key any more.
    pub handover: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it seals. Every node has read it by then.
    pub active_at: Timestamp,
}
