//! Delivers what was promised: takes messages from requests and from the store, sends them, tries again until their
//! challenge is over, and forgets them.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use countersign_domain::{
    id::MessageId,
    time::{Span, Timestamp},
};
use futures_util::FutureExt as _;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use super::{
    Payload, mail,
    sender::{SendError, Sender},
};
use crate::{
    dkim_keys::DkimKeys,
    shutdown::{self, Shutdown},
    state::Server,
    telemetry::What,
};

/// For how long a message belongs to the node that took it.
pub const LEASE: Span = Span::from_seconds(180);
/// A message is not begun when less than this is left of its lease: the time that a send may take at two servers.
const LONGEST_SEND: Span = Span::from_seconds(100);
/// Messages that wait in memory; beyond, they wait in the store until their lease ends.
const WAITING: usize = 1024;
/// Messages taken from the store at once.
const CLAIM: i64 = 64;
/// How often the store is asked for messages of other nodes, and for those that are due again.
const POLL: std::time::Duration = std::time::Duration::from_secs(1);
/// How long to wait after the first, second, … failure; the last one again and again.
const BACKOFF: [Span; 7] = [
    Span::from_seconds(1),
    Span::from_seconds(2),
    Span::from_seconds(5),
    Span::from_seconds(10),
    Span::from_seconds(20),
    Span::from_seconds(30),
    Span::from_seconds(60),
];

/// The way to the worker, and how it fares.
pub struct Outbox {
    offers: mpsc::Sender<Payload>,
    taken: Mutex<Option<mpsc::Receiver<Payload>>>,
    sent: Mutex<Vec<MessageId>>,
    forget: Notify,
    last_sent: AtomicI64,
    last_failed: AtomicI64,
    failures_in_a_row: AtomicU64,
}

impl Default for Outbox {
    fn default() -> Self {
        let (offers, taken) = mpsc::channel(WAITING);
        Self {
            offers,
            taken: Mutex::new(Some(taken)),
            sent: Mutex::default(),
            forget: Notify::new(),
            last_sent: AtomicI64::new(0),
            last_failed: AtomicI64::new(0),
            failures_in_a_row: AtomicU64::new(0),
        }
    }
}

impl Outbox {
    /// Hands a message over that was just committed. When too many wait, it stays in the store for later.
    pub fn offer(&self, payload: Payload) {
        let _ = self.offers.try_send(payload);
    }

    /// How many sends failed since the last that did not.
    #[must_use]
    pub fn failures_in_a_row(&self) -> u64 {
        self.failures_in_a_row.load(Ordering::Relaxed)
    }

    /// When a mail last left; 1970 when none did.
    #[must_use]
    pub fn last_sent(&self) -> Timestamp {
        Timestamp::from_millis(self.last_sent.load(Ordering::Relaxed))
    }
}

/// What the worker sends with.
pub struct Way {
    /// The sender.
    pub sender: Arc<dyn Sender>,
    /// The keys that sign mail.
    pub dkim: DkimKeys,
    /// Messages on their way at once.
    pub at_once: usize,
}

/// Runs until `shutdown`, then sends what waits in memory and returns. What cannot be sent stays in the store.
pub async fn run(server: Arc<Server>, way: Arc<Way>, mut shutdown: Shutdown) {
    let Some(waiting) = server.outbox.taken.lock().take() else { return };
    let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..way.at_once.max(1) {
        tasks.spawn(take_and_send(
            Arc::clone(&server),
            Arc::clone(&way),
            Arc::clone(&waiting),
            shutdown.clone(),
        ));
    }
    let (stop_forgetting, until) = shutdown::channel();
    // A set, so that nothing is left when this task is ended from outside.
    let mut forgetting = tokio::task::JoinSet::new();
    forgetting.spawn(forget_loop(Arc::clone(&server), until));
    let mut tick = tokio::time::interval(POLL);
    loop {
        tokio::select! {
            () = shutdown.requested() => break,
            _ = tick.tick() => claim(&server).await,
        }
    }
    // Nothing more is offered; every sender ends when the queue is empty.
    while tasks.join_next().await.is_some() {}
    stop_forgetting.stop();
    while forgetting.join_next().await.is_some() {}
    forget(&server).await;
}

async fn claim(server: &Server) {
    let now = server.now();
    // What cannot be queued is left for others, or for later.
    let most = CLAIM.min(i64::try_from(server.outbox.offers.capacity()).unwrap_or(CLAIM));
    if most == 0 {
        return;
    }
    match server.store.claim_messages(now, LEASE, most).await {
        Ok(messages) => {
            for message in messages {
                match Payload::open(&server.keys, &message, now + LEASE) {
                    Ok(payload) => server.outbox.offer(payload),
                    Err(error) => {
                        tracing::error!(message = %message.id, %error, "a message does not open; it stays")
                    }
                }
            }
        }
        Err(countersign_store::Error::Conflict) => {}
        Err(error) => tracing::warn!(%error, "the outbox cannot be read"),
    }
}

type Waiting = Arc<tokio::sync::Mutex<mpsc::Receiver<Payload>>>;

async fn take_and_send(server: Arc<Server>, way: Arc<Way>, waiting: Waiting, mut shutdown: Shutdown) {
    loop {
        let next = {
            let mut waiting = waiting.lock().await;
            tokio::select! {
                biased;
                next = waiting.recv() => next,
                () = shutdown.requested() => waiting.try_recv().ok(),
            }
        };
        let Some(payload) = next else { return };
        // A mail that cannot be written must not end the task that writes the others.
        if AssertUnwindSafe(deliver(&server, &way, payload)).catch_unwind().await.is_err() {
            tracing::error!("a message could not be delivered: it waits until its lease ends");
        }
    }
}

async fn deliver(server: &Server, way: &Way, payload: Payload) {
    let now = server.now();
    if payload.leased_until <= now + LONGEST_SEND {
        // It waited too long here: the store hands it out anew, and only once.
        return;
    }
    if !payload.deliver {
        return done(server, payload.id);
    }
    if payload.expires_at <= now {
        server.metrics.messages_expired.inc();
        tracing::warn!(message = %payload.id, app = payload.app(), "a message was not delivered before its challenge ended");
        return done(server, payload.id);
    }
    let span = server.telemetry.begin_delivery(payload.promised_in);
    let sent = send(server, way, &payload).await;
    server.telemetry.end(span, || What::Delivery { outcome: outcome_of(&sent), attempts: payload.attempts });
    match sent {
        Ok(()) => {
            server.metrics.messages_sent.inc();
            server.outbox.last_sent.store(server.now().millis(), Ordering::Relaxed);
            server.outbox.failures_in_a_row.store(0, Ordering::Relaxed);
            done(server, payload.id);
        }
        Err(SendError::Never(reason)) => {
            server.metrics.messages_refused.inc();
            tracing::warn!(message = %payload.id, app = payload.app(), %reason, "a message was refused for good");
            done(server, payload.id);
        }
        Err(SendError::Later(reason)) => later(server, &payload, &reason.to_string()).await,
    }
}

fn outcome_of(sent: &Result<(), SendError>) -> &'static str {
    match sent {
        Ok(()) => "sent",
        Err(SendError::Never(_)) => "refused",
        Err(SendError::Later(_)) => "later",
    }
}

async fn send(server: &Server, way: &Way, payload: &Payload) -> Result<(), SendError> {
    let local = SendError::Later(super::sender::Reason::Local);
    let app = server.app(payload.app());
    let letter = payload.letter(&server.config.load(), app.as_deref()).ok_or(local)?;
    let rendered = server.renderer.load().render(&letter).map_err(|error| {
        tracing::error!(%error, "a mail cannot be written");
        local
    })?;
    let mut written = mail::compose(&letter, rendered);
    way.dkim.sign(&mut written, letter.date).map_err(|error| {
        tracing::error!(%error, "a mail cannot be signed");
        local
    })?;
    way.sender.send(&written).await
}

async fn later(server: &Server, payload: &Payload, reason: &str) {
    let now = server.now();
    server.metrics.messages_delayed.inc();
    server.outbox.last_failed.store(now.millis(), Ordering::Relaxed);
    let row = server.outbox.failures_in_a_row.fetch_add(1, Ordering::Relaxed);
    if row == 0 {
        tracing::warn!(reason, "mail does not leave; messages wait and are tried again");
    }
    let wait = BACKOFF[usize::try_from(payload.attempts).unwrap_or(usize::MAX).min(BACKOFF.len() - 1)];
    if let Err(error) = server.store.message_later(payload.id, payload.attempts + 1, now + wait).await {
        tracing::warn!(%error, "a message could not be put back; its lease ends by itself");
    }
}

/// Notes that a message is to be forgotten: many are forgotten in one commit.
fn done(server: &Server, id: MessageId) {
    server.outbox.sent.lock().push(id);
    server.outbox.forget.notify_one();
}

/// Ends between two commits only: what it has taken in hand would be sent once more.
async fn forget_loop(server: Arc<Server>, mut shutdown: Shutdown) {
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            () = server.outbox.forget.notified() => forget(&server).await,
        }
    }
}

async fn forget(server: &Server) {
    let sent = std::mem::take(&mut *server.outbox.sent.lock());
    if sent.is_empty() {
        return;
    }
    if let Err(error) = server.store.messages_done(&sent).await {
        // They will be sent once more when their lease ends: twice is better than never.
        tracing::warn!(%error, "sent messages could not be forgotten");
        server.outbox.sent.lock().extend(sent);
    }
}

#[cfg(test)]
mod tests;
