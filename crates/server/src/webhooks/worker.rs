//! Delivers what webhooks are to be told: takes rows that are due, posts them, tries again for three days, and forgets
//! them. Each webhook is told one thing after the other, and none waits for another one. A delivery may come twice; its
//! id does not change.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use bytes::Bytes;
use countersign_domain::{
    time::{Span, Timestamp},
    webhook::Delivery,
};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::{Hook, body, stamp};
use crate::{
    outgoing::{Client, SendError},
    shutdown::Shutdown,
    state::Server,
};

/// How often the store is asked for what is due.
const POLL: Duration = Duration::from_secs(1);
/// How long a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// For how long a delivery belongs to the node that took it.
const LEASE: Span = Span::from_seconds(120);
/// Deliveries to one webhook that are taken at once, to be told one after the other.
const CLAIM: i64 = 16;
/// No further one of those is begun after so long: the lease must not end while it is on its way.
const TURN: Duration = Duration::from_secs(90);
/// Webhooks that are told something side by side.
const AT_ONCE: usize = 16;
/// How long to wait after the first, second, … failure; the last one again and again.
const BACKOFF: [Span; 7] = [
    Span::from_seconds(5),
    Span::from_seconds(30),
    Span::from_minutes(2),
    Span::from_minutes(10),
    Span::from_minutes(30),
    Span::from_hours(1),
    Span::from_hours(4),
];

/// Runs until `shutdown`. What was not delivered stays in the store.
pub async fn run(server: Arc<Server>, mut shutdown: Shutdown) {
    let poster = match Client::new(PATIENCE) {
        Ok(poster) => poster,
        Err(error) => {
            tracing::error!(%error, "webhooks are told nothing");
            return;
        }
    };
    let hooks = server.webhooks.all();
    let mut tick = tokio::time::interval(POLL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut under_way, mut busy, mut first) = (FuturesUnordered::new(), BTreeSet::new(), 0);
    loop {
        tokio::select! {
            // What is on its way comes once more, from whoever takes it next.
            () = shutdown.requested() => return,
            Some(done) = under_way.next() => { busy.remove(&done); }
            _ = tick.tick() => {
                // Each begins in its turn: where there are many, those at the end come too.
                let idle: Vec<usize> =
                    (first..hooks.len()).chain(0..first).filter(|place| !busy.contains(place)).collect();
                for place in idle.into_iter().take(AT_ONCE.saturating_sub(busy.len())) {
                    busy.insert(place);
                    first = (place + 1) % hooks.len();
                    let (server, poster) = (&*server, &poster);
                    under_way.push(async move {
                        tell(server, poster, &hooks[place]).await;
                        place
                    });
                }
            }
        }
    }
}

/// Delivers what is due now, to all webhooks.
pub async fn deliver_due(server: &Server, poster: &Client) {
    let all = futures_util::stream::iter(server.webhooks.all());
    all.for_each_concurrent(AT_ONCE, |hook| tell(server, poster, hook)).await;
}

/// Delivers what is due to one webhook, one after the other, until nothing is left or it does not answer.
async fn tell(server: &Server, poster: &Client, hook: &Hook) {
    let until = Instant::now() + TURN;
    loop {
        let due = match server.store.claim_deliveries(&hook.name, server.now(), LEASE, CLAIM).await {
            Ok(due) => due,
            Err(countersign_store::Error::Conflict) => return,
            Err(error) => {
                tracing::warn!(%error, "what a webhook is to be told cannot be read");
                return;
            }
        };
        let is_all = i64::try_from(due.len()).is_ok_and(|count| count < CLAIM);
        let mut due = due.into_iter();
        while let Some(delivery) = due.next() {
            if let Some(again_at) = deliver(server, poster, hook, &delivery).await {
                return give_back(server, due, again_at).await;
            }
            if Instant::now() >= until {
                return give_back(server, due, server.now()).await;
            }
        }
        if is_all {
            return;
        }
    }
}

/// Puts back what was taken and not tried.
async fn give_back(server: &Server, due: impl Iterator<Item = Delivery>, due_at: Timestamp) {
    for delivery in due {
        put_back(server, &delivery, delivery.attempts, due_at).await;
    }
}

/// Delivers one. When the webhook does not answer at all: from when on it may be asked again.
async fn deliver(server: &Server, poster: &Client, hook: &Hook, delivery: &Delivery) -> Option<Timestamp> {
    // Another node may have a key that this one has not read yet.
    let Some(body) = body(server, delivery) else {
        later(server, hook, delivery, "what it is to be told does not open here").await;
        return None;
    };
    let outcome = match headers(server, hook, delivery, &body) {
        Some(headers) => poster.post((hook.guard, &hook.target), headers, Bytes::from(body)).await,
        None => Err(SendError::Address),
    };
    match outcome {
        Ok(status) if status.is_success() => {
            done(server, delivery).await;
            None
        }
        // It may be what it is told that it does not take: the next may be.
        Ok(status) => {
            later(server, hook, delivery, status.as_str()).await;
            None
        }
        Err(error) => Some(later(server, hook, delivery, &error.to_string()).await),
    }
}

/// Puts a delivery off, until it has been tried for too long. When it is tried again, if it is.
async fn later(server: &Server, hook: &Hook, delivery: &Delivery, reason: &str) -> Timestamp {
    let attempts = delivery.attempts.saturating_add(1);
    if attempts == 1 {
        tracing::warn!(
            hook = hook.name,
            reason,
            "a webhook did not take what it was told; it is tried again"
        );
    }
    let wait = BACKOFF[usize::try_from(delivery.attempts).unwrap_or(usize::MAX).min(BACKOFF.len() - 1)];
    let due_at = server.now() + wait;
    if due_at >= delivery.expires_at {
        tracing::error!(delivery = %delivery.id, hook = hook.name, "a webhook was never told: given up");
        done(server, delivery).await;
    } else {
        put_back(server, delivery, attempts, due_at).await;
    }
    due_at
}

async fn put_back(server: &Server, delivery: &Delivery, attempts: u32, due_at: Timestamp) {
    if let Err(error) = server.store.delivery_later(delivery.id, attempts, due_at).await {
        tracing::warn!(%error, "a delivery could not be put back; its lease ends by itself");
    }
}

fn headers(server: &Server, hook: &Hook, delivery: &Delivery, body: &[u8]) -> Option<HeaderMap> {
    let stamp = stamp(server.now());
    let signature = hook.sign(delivery.id, &stamp, body);
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", delivery.id.to_string()),
        ("webhook-timestamp", stamp),
        ("webhook-signature", signature),
    ] {
        headers.insert(name, HeaderValue::from_str(&value).ok()?);
    }
    Some(headers)
}

async fn done(server: &Server, delivery: &Delivery) {
    if let Err(error) = server.store.delivery_done(delivery.id).await {
        tracing::warn!(%error, "a delivery could not be forgotten: it comes once more");
    }
}
