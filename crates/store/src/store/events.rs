//! Reads of the log of events, the checkpoints that vouch for it, and deliveries to webhooks.

use countersign_domain::{
    event::{Checkpoint, EventKey, EventKind, StoredEvent},
    id::{DeliveryId, EventId, NodeId, UserId},
    time::{Span, Timestamp},
    webhook::Delivery,
};

use super::Store;
use crate::{Error, sql};

/// Which events are asked for, all nodes together, in the order of their ids.
#[derive(Clone, Copy, Debug)]
pub struct EventFilter<'a> {
    /// Only those that follow this one.
    pub after: EventId,
    /// Only of this kind.
    pub kind: Option<EventKind>,
    /// Only at this app.
    pub app: Option<&'a str>,
    /// Only in this realm.
    pub realm: Option<&'a str>,
}

impl<'a> EventFilter<'a> {
    /// The names that a row must have: of its kind, its app and its realm. Empty ones ask for nothing.
    fn names(&self) -> [&'a str; 3] {
        [self.kind.map_or("", EventKind::name), self.app.unwrap_or_default(), self.realm.unwrap_or_default()]
    }
}

impl Store {
    /// The first `most` events that a filter lets through.
    ///
    /// # Errors
    /// As for every read.
    pub async fn events(&self, filter: EventFilter<'_>, most: i64) -> Result<Vec<StoredEvent>, Error> {
        self.all(sql::select_events(filter.after, filter.names(), most), sql::read_event).await
    }

    /// The last `most` events of the user of this name before an event, newest first.
    ///
    /// # Errors
    /// As for every read.
    pub async fn events_of(
        &self,
        person: [u8; 16],
        before: EventId,
        most: i64,
    ) -> Result<Vec<StoredEvent>, Error> {
        self.all(sql::select_events_of(person, before, most), sql::read_event).await
    }

    /// The same of the user of this name alone.
    ///
    /// # Errors
    /// As for every read.
    pub async fn events_of_after(
        &self,
        person: [u8; 16],
        filter: EventFilter<'_>,
        most: i64,
    ) -> Result<Vec<StoredEvent>, Error> {
        let statement = sql::select_events_of_after(person, filter.after, filter.names(), most);
        self.all(statement, sql::read_event).await
    }

    /// The first `most` events of a node after one event, up to and with another.
    ///
    /// # Errors
    /// As for every read.
    pub async fn events_of_node(
        &self,
        node: NodeId,
        (after, until): (EventId, EventId),
        most: i64,
    ) -> Result<Vec<StoredEvent>, Error> {
        self.all(sql::select_events_of_node(node, after, until, most), sql::read_event).await
    }

    /// The first `most` events after one event, up to and with another, that no checkpoint covers.
    ///
    /// # Errors
    /// As for every read.
    pub async fn uncovered_events(
        &self,
        (after, until): (EventId, EventId),
        most: i64,
    ) -> Result<Vec<StoredEvent>, Error> {
        self.all(sql::select_uncovered_events(after, until, most), sql::read_event).await
    }

    /// How many events are kept, up to and with this one.
    ///
    /// # Errors
    /// As for every read.
    pub async fn event_count(&self, until: EventId) -> Result<i64, Error> {
        self.count("event", sql::count_events(until)).await
    }

    /// The key by which a user is named in the log.
    ///
    /// # Errors
    /// As for every read.
    pub async fn event_key(&self, user: UserId) -> Result<Option<EventKey>, Error> {
        self.first(sql::select_event_key(user)).await?.map(sql::read_event_key).transpose()
    }

    /// The first `most` checkpoints after a sequence number.
    ///
    /// # Errors
    /// As for every read.
    pub async fn checkpoints(&self, after: i64, most: i64) -> Result<Vec<Checkpoint>, Error> {
        self.all(sql::select_checkpoints(after, most), sql::read_checkpoint).await
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// As for every read.
    pub async fn newest_checkpoint(&self) -> Result<Option<Checkpoint>, Error> {
        self.first(sql::select_newest_checkpoint()).await?.map(sql::read_checkpoint).transpose()
    }

    /// The newest checkpoint of a node before a sequence number that covers any event.
    ///
    /// # Errors
    /// As for every read.
    pub async fn checkpoint_before(&self, node: NodeId, sequence: i64) -> Result<Option<Checkpoint>, Error> {
        let row = self.first(sql::select_checkpoint_before(node, sequence)).await?;
        row.map(sql::read_checkpoint).transpose()
    }

    /// Adds a checkpoint and forgets `purged` ones with the events of their nodes up to them.
    ///
    /// # Errors
    /// [`Error::Conflict`] when there is one of this sequence number already.
    pub async fn add_checkpoint(&self, checkpoint: Checkpoint, purged: &[Checkpoint]) -> Result<(), Error> {
        let mut writes = vec![sql::insert_checkpoint(checkpoint)];
        for old in purged {
            if old.count > 0 {
                writes.extend(sql::purge_events(old.node, old.last));
            }
            writes.push(sql::delete_checkpoint(old.sequence));
        }
        self.engine.commit(writes).await.map(drop)
    }

    /// Takes up to `most` deliveries to a webhook that are due, the first to be due first, for as long as `lease`; nobody
    /// else gets them meanwhile.
    ///
    /// # Errors
    /// As for every read and commit.
    pub async fn claim_deliveries(
        &self,
        hook: &str,
        now: Timestamp,
        lease: Span,
        most: i64,
    ) -> Result<Vec<Delivery>, Error> {
        let due = self.all(sql::select_due_deliveries(hook, now, most), sql::read_delivery).await?;
        if due.is_empty() {
            return Ok(due);
        }
        let writes = due.iter().map(|delivery| sql::lease_delivery(delivery, now, lease)).collect();
        let taken = self.engine.commit(writes).await?;
        Ok(due.into_iter().zip(taken).filter(|(_, rows)| *rows == 1).map(|(delivery, _)| delivery).collect())
    }

    /// Puts a delivery back until `due_at`.
    ///
    /// # Errors
    /// As for every commit; the lease then ends by itself.
    pub async fn delivery_later(
        &self,
        id: DeliveryId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Result<(), Error> {
        self.engine.commit(vec![sql::delay_delivery(id, attempts, due_at)]).await.map(drop)
    }

    /// Forgets a delivery: it was taken, or is given up.
    ///
    /// # Errors
    /// As for every commit; it may then be delivered once more.
    pub async fn delivery_done(&self, id: DeliveryId) -> Result<(), Error> {
        self.engine.commit(vec![sql::delete_delivery(id)]).await.map(drop)
    }
}
