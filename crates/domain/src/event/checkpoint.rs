//! A checkpoint: what vouches for a run of events of one node, and for all checkpoints before it.

use crate::{
    id::{EventId, NodeId},
    time::Timestamp,
};

/// A signed statement about events. All nodes that share a database make one row of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Counts all checkpoints of the database, from 1.
    pub sequence: i64,
    /// Whose events it covers.
    pub node: NodeId,
    /// The first of them; nothing but zeros where it covers none.
    pub first: EventId,
    /// The last of them.
    pub last: EventId,
    /// How many they are.
    pub count: i64,
    /// The oldest checkpoint that is kept beside this one; what is missing before it was purged.
    pub oldest: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// SHA-256 over the events, each behind its length.
    pub events: [u8; 32],
    /// SHA-256 over the checkpoint before it, with its signature; zeros for the first.
    pub previous: [u8; 32],
    /// Ed25519 over [`statement`](Self::statement).
    pub signature: Vec<u8>,
}

impl Checkpoint {
    /// What is signed.
    #[must_use]
    pub fn statement(&self) -> Vec<u8> {
        let mut bytes = b"countersign checkpoint 1\n".to_vec();
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.node.bytes());
        bytes.extend(self.first.bytes());
        bytes.extend(self.last.bytes());
        bytes.extend(self.count.to_be_bytes());
        bytes.extend(self.oldest.to_be_bytes());
        bytes.extend(self.made_at.millis().to_be_bytes());
        bytes.extend(self.events);
        bytes.extend(self.previous);
        bytes
    }
}
