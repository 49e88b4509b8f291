//! The log of events: what was told among the changes of a decision is named, dated and written in their commit; then
//! it is vouched for by signed checkpoints, exported and purged.
//!
//! To tell something, push [`Event::new(kind)…into()`](countersign_domain::event::Event) among the changes of a decision
//! that is committed by [`Server::decide`] or [`Server::commit`]; nothing else is needed. The time, the request and who
//! was authenticated are added here.

pub mod chain;
pub mod context;
pub mod export;
pub mod log;
pub mod person;
pub mod sealer;

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use countersign_domain::{
    changes::{Change, Changes},
    event::{Actor, Concerned, Event, EventKind, EventPerson, Outcome, StoredEvent},
    id::{EventId, NodeId, UserId},
    random::Random,
    realm::RealmName,
    time::Timestamp,
};
use parking_lot::Mutex;

use self::person::PersonKey;
use crate::{keys::SealError, state::Server, vault::Keys, webhooks};

/// The log as this node writes it.
pub struct Events {
    /// This life of the process.
    pub node: NodeId,
    in_flight: Mutex<BTreeSet<EventId>>,
    has_news: AtomicBool,
}

impl Events {
    /// The log of a process that starts now.
    pub fn new(now: Timestamp, random: &mut dyn Random) -> Self {
        Self {
            node: NodeId::new(now, random),
            in_flight: Mutex::default(),
            // What a former life of this process left.
            has_news: AtomicBool::new(true),
        }
    }

    /// The oldest event that is being written at this moment: those before it are written, or never will be.
    #[must_use]
    pub fn oldest_in_flight(&self) -> Option<EventId> {
        self.in_flight.lock().first().copied()
    }

    /// Whether anything may have been written since this was asked last.
    #[must_use]
    pub fn take_news(&self) -> bool {
        self.has_news.swap(false, Ordering::Relaxed)
    }

    /// There is something to look at once more.
    pub fn note_news(&self) {
        self.has_news.store(true, Ordering::Relaxed);
    }
}

/// Tells what an operator did to the database as a whole, beside no other change.
///
/// # Errors
/// The store's: what was done stays done.
pub async fn tell(server: &Arc<Server>, event: Event) -> Result<(), countersign_store::Error> {
    server.commit(Changes(vec![event.into()])).await
}

/// What an operator did to a database on which no server runs.
pub fn told_by_operator(keys: &Keys, kind: EventKind, now: Timestamp, random: &mut dyn Random) -> Change {
    let mut stored = StoredEvent {
        id: EventId::new(now, random),
        node: NodeId::new(now, random),
        kind,
        outcome: Outcome::Success,
        realm: None,
        app: None,
        actor: Actor::Operator.to_string(),
        person: None,
        target: String::new(),
        method: String::new(),
        request: None,
        sealed: None,
        mac: [0; 16],
    };
    stored.mac = keys.event_mac(&stored.canonical());
    Change::EventWritten(Box::new(stored))
}

/// Events that are being written, until this is dropped.
pub struct InFlight {
    events: Arc<Events>,
    ids: Vec<EventId>,
}

impl InFlight {
    fn add(&mut self, id: EventId) {
        self.events.in_flight.lock().insert(id);
        self.ids.push(id);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut in_flight = self.events.in_flight.lock();
        for id in &self.ids {
            in_flight.remove(id);
        }
        self.events.note_news();
    }
}

/// Makes of what is told among `changes` what is written. The events count as being written until the second part is
/// dropped: after the commit.
///
/// # Errors
/// The store's; [`Unavailable`](countersign_store::Error::Unavailable) when a user's key does not open.
pub async fn write_down(
    server: &Server,
    changes: Changes,
) -> Result<(Changes, InFlight), countersign_store::Error> {
    let events = Arc::clone(&server.events);
    let mut scribe = Scribe::new(server, &changes);
    let mut written = Changes(Vec::with_capacity(changes.0.len() + 1));
    let mut in_flight = InFlight { events, ids: Vec::new() };
    let is_kept = server.config.load().events.enabled;
    for change in changes.0 {
        match change {
            Change::Event(event) => {
                let now = server.now();
                let id = EventId::new(now, &mut *scribe.random);
                if is_kept {
                    // Before anything is waited for: nothing behind it may be signed meanwhile.
                    in_flight.add(id);
                }
                if !server.webhooks.is_empty() {
                    let queued = webhooks::deliveries(server, &event, &mut *scribe.random).await?;
                    scribe.added.extend(queued);
                }
                if is_kept {
                    let stored = scribe.write(&event, id, now).await?;
                    written.push(Change::EventWritten(Box::new(stored)));
                }
            }
            other => written.push(other),
        }
    }
    // Behind all others: the user may be among them.
    written.0.extend(scribe.added);
    Ok((written, in_flight))
}

/// Writes the events of one commit.
struct Scribe<'a> {
    server: &'a Server,
    random: Box<dyn Random + Send>,
    known: HashMap<UserId, PersonKey>,
    erased: HashSet<UserId>,
    added: Vec<Change>,
}

impl<'a> Scribe<'a> {
    fn new(server: &'a Server, changes: &Changes) -> Self {
        let erased = changes.0.iter().filter_map(|change| match change {
            Change::UserErased(user, _) => Some(*user),
            _ => None,
        });
        let erased = erased.collect();
        Self { server, random: server.random(), known: HashMap::new(), erased, added: Vec::new() }
    }

    async fn write(
        &mut self,
        event: &Event,
        id: EventId,
        now: Timestamp,
    ) -> Result<StoredEvent, countersign_store::Error> {
        let (person, sealed) = self.person(event, id, now).await?;
        let mut stored = StoredEvent {
            id,
            node: self.server.events.node,
            kind: event.kind,
            outcome: event.outcome,
            realm: event.realm.clone().or_else(|| self.home(event)),
            app: event.app.clone(),
            actor: event.actor.clone().unwrap_or_else(context::actor).to_string(),
            person,
            target: event.target.clone().unwrap_or_default(),
            method: event.method.clone().unwrap_or_default().into_owned(),
            request: context::request(),
            sealed,
            mac: [0; 16],
        };
        stored.mac = self.server.keys.event_mac(&stored.canonical());
        Ok(stored)
    }

    /// What happened at an app happened in its realm.
    fn home(&self, event: &Event) -> Option<RealmName> {
        self.server.app(event.app.as_ref()?.as_str()).map(|app| app.realm.clone())
    }

    async fn person(
        &mut self,
        event: &Event,
        id: EventId,
        now: Timestamp,
    ) -> Result<(Option<EventPerson>, Option<Vec<u8>>), countersign_store::Error> {
        match &event.person {
            Concerned::Nobody => Ok((None, None)),
            Concerned::Contact(contact) => {
                Ok((Some(person::of_the_day(&self.server.keys, contact, now)), None))
            }
            Concerned::User(user) => {
                if !self.known.contains_key(user) {
                    let key = self.key(*user).await?;
                    self.known.insert(*user, key);
                }
                let Some(key) = self.known.get(user) else { return Ok((None, None)) };
                let sealed = key.seal(&mut *self.random, id, &event.details).map_err(|error| lost(&error))?;
                Ok((Some(key.name), sealed))
            }
        }
    }

    async fn key(&mut self, user: UserId) -> Result<PersonKey, countersign_store::Error> {
        let keys = &self.server.keys;
        if let Some(row) = self.server.store.event_key(user).await? {
            return PersonKey::open(keys, &row).map_err(|error| lost(&error));
        }
        let (key, row) = PersonKey::draw(keys, user, &mut *self.random).map_err(|error| lost(&error))?;
        // Whoever is erased in this commit keeps none.
        if !self.erased.contains(&user) {
            self.added.push(Change::EventKeyAdded(row));
        }
        Ok(key)
    }
}

fn lost(error: &SealError) -> countersign_store::Error {
    countersign_store::Error::Unavailable(format!("a person's key in the log of events: {error}"))
}
