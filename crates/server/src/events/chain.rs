//! The chain of checkpoints: what each covers, and whether what is there is what was signed. It reads no store and no
//! file; whoever does hands over one checkpoint after the other, each with the events that are there.

use std::collections::HashMap;

use countersign_domain::{
    event::{Checkpoint, StoredEvent},
    id::{EventId, NodeId},
    time::{Span, Timestamp},
};

use crate::keys::{is_signed, sha256};

/// Events that nobody has signed for so long will not be.
const OVERDUE: Span = Span::from_hours(2);

/// SHA-256 over events in their order, each behind its length.
#[must_use]
pub fn digest(events: &[StoredEvent]) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(events.len() * 256);
    for event in events {
        let canonical = event.canonical();
        bytes.extend((canonical.len() as u64).to_be_bytes());
        bytes.extend(canonical);
    }
    sha256(&bytes)
}

/// What the next checkpoint names this one by.
#[must_use]
pub fn hash(checkpoint: &Checkpoint) -> [u8; 32] {
    let mut bytes = checkpoint.statement();
    bytes.extend(&checkpoint.signature);
    sha256(&bytes)
}

/// Where the events of a node may begin: the moment it started.
#[must_use]
pub fn beginning(node: NodeId) -> EventId {
    at(node.made_at())
}

/// Below every event of this moment, above every event before it.
#[must_use]
pub fn at(moment: Timestamp) -> EventId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&moment.millis().max(0).to_be_bytes()[2..]);
    EventId::from_bytes(bytes)
}

/// Where the log is not what was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Deviation {
    /// Checkpoints are missing.
    #[error("checkpoint {expected} is missing: {found} follows")]
    Missing {
        /// The one that should be there.
        expected: i64,
        /// The one that is.
        found: i64,
    },
    /// A checkpoint was not signed with this key, or changed since.
    #[error("checkpoint {0} was not signed by this server's key, or was changed")]
    Signature(i64),
    /// A checkpoint does not vouch for the one before it.
    #[error("checkpoint {0} follows another one than is there")]
    Chain(i64),
    /// More or fewer events than were signed.
    #[error("checkpoint {sequence} covers {signed} events of {node}, {found} are there")]
    Count {
        /// Which checkpoint.
        sequence: i64,
        /// Whose events.
        node: NodeId,
        /// How many were signed.
        signed: i64,
        /// How many are there.
        found: usize,
    },
    /// As many events as were signed, not the same ones.
    #[error("the events of checkpoint {sequence} ({first} to {last}) are not those that were signed")]
    Events {
        /// Which checkpoint.
        sequence: i64,
        /// The first of them.
        first: EventId,
        /// The last of them.
        last: EventId,
    },
    /// The oldest checkpoints are missing, and the newest does not say that they were purged.
    #[error("the log begins at checkpoint {found}, the newest checkpoint says {signed}")]
    Beginning {
        /// Where it should.
        signed: i64,
        /// Where it does.
        found: i64,
    },
    /// An event that was never signed, though it is old.
    #[error("event {0} was never signed")]
    NeverSigned(EventId),
    /// Events that belong to nothing.
    #[error("{found} events are there, {expected} are accounted for")]
    Strays {
        /// Covered and waiting.
        expected: i64,
        /// There.
        found: i64,
    },
    /// Checkpoints that were seen before are gone.
    #[error("the log ends at checkpoint {found}; {known} was seen before")]
    End {
        /// What was seen.
        known: i64,
        /// What there is.
        found: i64,
    },
}

/// What was found to be in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Checkpoints.
    pub checkpoints: i64,
    /// Events that they cover.
    pub events: i64,
    /// Events that wait for the next one.
    pub waiting: i64,
    /// The newest checkpoint: sequence number and hash. Keep it to see later that nothing was cut off.
    pub newest: Option<(i64, [u8; 32])>,
}

/// Goes along the chain.
#[derive(Debug)]
pub struct Verifier {
    public: Vec<u8>,
    first: Option<i64>,
    newest: Option<Checkpoint>,
    last: HashMap<NodeId, EventId>,
    summary: Summary,
}

impl Verifier {
    /// One that trusts this public key.
    #[must_use]
    pub fn new(public: Vec<u8>) -> Self {
        Self { public, first: None, newest: None, last: HashMap::new(), summary: Summary::default() }
    }

    /// The next checkpoint, with all events of its node that are there between the node's former checkpoint and the
    /// end of this one.
    ///
    /// # Errors
    /// The first [`Deviation`].
    pub fn follow(&mut self, checkpoint: Checkpoint, events: &[StoredEvent]) -> Result<(), Deviation> {
        let sequence = checkpoint.sequence;
        if !is_signed(&self.public, &checkpoint.statement(), &checkpoint.signature) {
            return Err(Deviation::Signature(sequence));
        }
        match &self.newest {
            Some(newest) if sequence != newest.sequence + 1 => {
                return Err(Deviation::Missing { expected: newest.sequence + 1, found: sequence });
            }
            Some(newest) if checkpoint.previous != hash(newest) => return Err(Deviation::Chain(sequence)),
            None if sequence == 1 && checkpoint.previous != [0; 32] => {
                return Err(Deviation::Chain(sequence));
            }
            _ => {}
        }
        self.check_events(&checkpoint, events)?;
        self.first.get_or_insert(sequence);
        self.summary.checkpoints += 1;
        self.summary.events += checkpoint.count;
        self.newest = Some(checkpoint);
        Ok(())
    }

    fn check_events(&mut self, checkpoint: &Checkpoint, events: &[StoredEvent]) -> Result<(), Deviation> {
        let sequence = checkpoint.sequence;
        if usize::try_from(checkpoint.count).ok() != Some(events.len()) {
            let (node, signed, found) = (checkpoint.node, checkpoint.count, events.len());
            return Err(Deviation::Count { sequence, node, signed, found });
        }
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        let follows = self.last.get(&checkpoint.node).is_none_or(|former| *former < first.id);
        let is_theirs = events.iter().all(|event| event.node == checkpoint.node);
        let ends = (first.id, last.id) == (checkpoint.first, checkpoint.last);
        if !follows || !is_theirs || !ends || digest(events) != checkpoint.events {
            let (first, last) = (checkpoint.first, checkpoint.last);
            return Err(Deviation::Events { sequence, first, last });
        }
        self.last.insert(checkpoint.node, last.id);
        Ok(())
    }

    /// What was found to be in order so far, of a part of the chain.
    #[must_use]
    pub fn so_far(self) -> Summary {
        let newest = self.newest.map(|newest| (newest.sequence, hash(&newest)));
        Summary { newest, ..self.summary }
    }

    /// The end of the chain, with the events that wait for the next checkpoint, and how many events there are up to the
    /// last of all that were seen, where somebody has counted them.
    ///
    /// # Errors
    /// The first [`Deviation`].
    pub fn finish(mut self, waiting: &[StoredEvent], there: Option<i64>) -> Result<Summary, Deviation> {
        if let Some(newest) = &self.newest {
            let first = self.first.unwrap_or(newest.sequence);
            if newest.oldest != first {
                return Err(Deviation::Beginning { signed: newest.oldest, found: first });
            }
            let overdue = at(newest.made_at - OVERDUE);
            if let Some(old) = waiting.iter().find(|event| event.id < overdue) {
                return Err(Deviation::NeverSigned(old.id));
            }
            self.summary.newest = Some((newest.sequence, hash(newest)));
        }
        self.summary.waiting = i64::try_from(waiting.len()).unwrap_or(i64::MAX);
        let expected = self.summary.events + self.summary.waiting;
        match there {
            Some(found) if found != expected => Err(Deviation::Strays { expected, found }),
            _ => Ok(self.summary),
        }
    }
}
