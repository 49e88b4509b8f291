//! Signs what was written: once in a while, for this node's events and for those that an ended node left, and forgets
//! what is past its time. Nobody waits for it.

use std::{sync::Arc, time::Duration};

use countersign_domain::{
    event::{Checkpoint, StoredEvent},
    id::{EventId, NodeId},
    time::{Span, Timestamp},
};

use super::{
    chain::{self, Deviation},
    export::Exports,
};
use crate::{keys::is_signed, shutdown::Shutdown, state::Server};

/// Events of one checkpoint.
pub const MOST_COVERED: i64 = 1000;
/// A commit that was begun so long ago is over, where this process alone writes.
const SETTLED: Span = Span::from_seconds(30);
/// The same where a database server may still be at work on it.
const SETTLED_SHARED: Span = Span::from_seconds(120);
/// A node that has not signed its events for so long has ended.
const ENDED: Span = Span::from_hours(1);
/// Checkpoints that are forgotten with each new one.
const PURGED_AT_ONCE: i64 = 16;
/// Checkpoints that are made in a row.
const IN_A_ROW: usize = 100;
/// After how long what others left, and what is past its time, is looked for anew.
const LOOK_AROUND: Span = Span::from_minutes(10);

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Signs, exports and purges until `shutdown`.
pub async fn run(server: Arc<Server>, mut shutdown: Shutdown) {
    let exports = Exports::new(&server.config.load().events);
    let mut exports = exports.unwrap_or_else(|error| {
        tracing::error!(%error, "events are not exported");
        Exports::default()
    });
    let period = Duration::from_secs(server.config.load().events.checkpoint_seconds.clamp(1, 3600));
    let mut tick = tokio::time::interval(period);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut sealer = Sealer::default();
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            _ = tick.tick() => {}
        }
        // Before anything is signed: what a former life left goes out too.
        exports.begin(&server.store).await;
        if let Err(error) = sealer.look(&server).await {
            tracing::warn!(%error, "events could not be signed; next time");
            server.events.note_news();
        }
        exports.follow(&server.store).await;
    }
}

/// What the last look has found.
#[derive(Debug, Default)]
pub struct Sealer {
    looked_around_at: Option<Timestamp>,
    newest: i64,
}

impl Sealer {
    /// Signs what has settled.
    ///
    /// # Errors
    /// The store's; what was not signed is signed at the next look.
    pub async fn look(&mut self, server: &Server) -> Result<(), Error> {
        let now = server.now();
        let is_due = |last: Timestamp| now.since(last) >= LOOK_AROUND;
        if self.looked_around_at.is_none_or(is_due) {
            self.look_around(server, now).await?;
            self.looked_around_at = Some(now);
        }
        if !server.events.take_news() {
            return Ok(());
        }
        let until = settled(server, now);
        let node = server.events.node;
        let former = server.store.checkpoint_before(node, i64::MAX).await?;
        trust(server, former.as_ref())?;
        let mut after = former.map_or_else(|| chain::beginning(node), |former| former.last);
        for _ in 0..IN_A_ROW {
            let events = server.store.events_of_node(node, (after, until), MOST_COVERED).await?;
            let Some(last) = events.last() else { break };
            after = last.id;
            self.sign(server, node, &events).await?;
        }
        // What has not settled yet is there the next time too.
        let end = EventId::from_bytes([u8::MAX; 16]);
        if !server.store.events_of_node(node, (after, end), 1).await?.is_empty() {
            server.events.note_news();
        }
        Ok(())
    }

    /// Signs what ended nodes left, and forgets what is past its time although nothing new happens.
    async fn look_around(&mut self, server: &Server, now: Timestamp) -> Result<(), Error> {
        let newest = newest(server).await?;
        let begin = newest.as_ref().map_or(Timestamp::from_millis(0), |newest| newest.made_at - Span::DAY);
        let end = if server.store.is_exclusive() { now } else { now - ENDED };
        let (mut after, until) = (chain::at(begin), chain::at(end));
        for _ in 0..IN_A_ROW {
            let left = server.store.uncovered_events((after, until), MOST_COVERED).await?;
            let Some(last) = left.last() else { break };
            after = last.id;
            for (node, events) in by_node(left) {
                if node != server.events.node {
                    self.sign(server, node, &events).await?;
                }
            }
        }
        for _ in 0..IN_A_ROW {
            let newest = self::newest(server).await?;
            if purgeable(server, newest.as_ref(), now).await?.is_empty() {
                break;
            }
            self.sign(server, server.events.node, &[]).await?;
        }
        Ok(())
    }

    async fn sign(&mut self, server: &Server, node: NodeId, events: &[StoredEvent]) -> Result<(), Error> {
        let (genuine, forged): (Vec<_>, Vec<_>) =
            events.iter().cloned().partition(|event| event.mac == server.keys.event_mac(&event.canonical()));
        if let Some(forged) = forged.first() {
            tracing::error!(event = %forged.id, "an event was changed, or not written by this server: it is not signed");
        }
        if genuine.is_empty() && !events.is_empty() {
            return Ok(());
        }
        for _ in 0..IN_A_ROW {
            match self.add(server, node, &genuine).await {
                // Another node was first.
                Err(countersign_store::Error::Conflict) => {}
                other => return Ok(other?),
            }
        }
        Err(countersign_store::Error::Conflict.into())
    }

    async fn add(
        &mut self,
        server: &Server,
        node: NodeId,
        events: &[StoredEvent],
    ) -> Result<(), countersign_store::Error> {
        let now = server.now();
        let newest = newest(server).await?;
        let found = newest.as_ref().map_or(0, |newest| newest.sequence);
        if found < self.newest {
            tracing::error!(found, known = self.newest, "checkpoints of the log of events are gone");
        }
        let purged = purgeable(server, newest.as_ref(), now).await?;
        // What was signed last, never what is there: only a purge without a gap moves the beginning.
        let begin = newest.as_ref().map_or(found + 1, |newest| newest.oldest);
        let oldest = (begin..).zip(&purged).take_while(|(expected, old)| *expected == old.sequence).count();
        let oldest = begin + i64::try_from(oldest).unwrap_or(0);
        let nothing = EventId::from_bytes([0; 16]);
        let mut checkpoint = Checkpoint {
            sequence: found.max(self.newest) + 1,
            node,
            first: events.first().map_or(nothing, |event| event.id),
            last: events.last().map_or(nothing, |event| event.id),
            count: i64::try_from(events.len()).unwrap_or(i64::MAX),
            oldest,
            made_at: now,
            events: chain::digest(events),
            previous: newest.as_ref().map_or([0; 32], chain::hash),
            signature: Vec::new(),
        };
        let key = server.keys.checkpoint_key().map_err(|error| {
            countersign_store::Error::Unavailable(format!("the key of the log of events: {error}"))
        })?;
        checkpoint.signature = key.sign(&checkpoint.statement());
        let sequence = checkpoint.sequence;
        server.store.add_checkpoint(checkpoint, &purged).await?;
        self.newest = sequence;
        Ok(())
    }
}

/// The newest checkpoint, as this server signed it.
async fn newest(server: &Server) -> Result<Option<Checkpoint>, countersign_store::Error> {
    let newest = server.store.newest_checkpoint().await?;
    trust(server, newest.as_ref())?;
    Ok(newest)
}

/// Nothing is signed or purged after checkpoints that somebody else wrote.
fn trust<'a>(
    server: &Server,
    checkpoints: impl IntoIterator<Item = &'a Checkpoint>,
) -> Result<(), countersign_store::Error> {
    let unavailable = |error: &dyn std::fmt::Display| {
        countersign_store::Error::Unavailable(format!("the log of events: {error}"))
    };
    let public = server.keys.checkpoint_key().map_err(|error| unavailable(&error))?.public();
    let mut checkpoints = checkpoints.into_iter();
    let forged = checkpoints.find(|found| !is_signed(&public, &found.statement(), &found.signature));
    let Some(forged) = forged else { return Ok(()) };
    let deviation = Deviation::Signature(forged.sequence);
    tracing::error!(%deviation, "the log of events was changed: nothing is signed or purged any more");
    Err(unavailable(&deviation))
}

/// The oldest checkpoints, as far as they and their events are past their time. Where some before them are gone that no
/// purge took, the log goes on forgetting, and goes on showing that.
async fn purgeable(
    server: &Server,
    newest: Option<&Checkpoint>,
    now: Timestamp,
) -> Result<Vec<Checkpoint>, countersign_store::Error> {
    let Some(newest) = newest else { return Ok(Vec::new()) };
    let days = i64::from(server.config.load().events.retention_days.max(1));
    let limit = now - Span::from_hours(24 * days);
    let mut oldest = server.store.checkpoints(0, PURGED_AT_ONCE + 1).await?;
    // The newest stays: the next one follows it.
    oldest.pop();
    let past = oldest.iter().take_while(|old| old.made_at < limit).count();
    oldest.truncate(past);
    trust(server, &oldest)?;
    let is_whole = |(expected, old): (i64, &Checkpoint)| expected == old.sequence;
    if !(newest.oldest..).zip(&oldest).all(is_whole)
        // Another node may have purged meanwhile: then what is made here conflicts with what it made.
        && server.store.newest_checkpoint().await?.as_ref() == Some(newest)
    {
        tracing::error!(
            oldest = newest.oldest,
            "old checkpoints of the log of events are gone: it will not show as whole again"
        );
    }
    Ok(oldest)
}

/// Up to where all events of this node are written that ever will be.
fn settled(server: &Server, now: Timestamp) -> EventId {
    let span = if server.store.is_exclusive() { SETTLED } else { SETTLED_SHARED };
    let settled = chain::at(now - span);
    server.events.oldest_in_flight().map_or(settled, |oldest| settled.min(chain::at(oldest.made_at())))
}

/// Events in the order of their ids, by node.
fn by_node(events: Vec<StoredEvent>) -> Vec<(NodeId, Vec<StoredEvent>)> {
    let mut nodes: Vec<(NodeId, Vec<StoredEvent>)> = Vec::new();
    for event in events {
        match nodes.iter_mut().find(|(node, _)| *node == event.node) {
            Some((_, theirs)) => theirs.push(event),
            None => nodes.push((event.node, vec![event])),
        }
    }
    nodes
}
