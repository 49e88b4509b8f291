//! Delivers what webhooks are to be told: takes rows that are due, posts them, tries again for three days, and forgets
//! them. A delivery may come twice; its id does not change.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use countersign_domain::{time::Span, webhook::Delivery};
use http::{HeaderMap, HeaderValue};

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
/// Deliveries that are taken at once, and are on their way side by side.
const CLAIM: i64 = 16;
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
    let mut tick = tokio::time::interval(POLL);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            _ = tick.tick() => {}
        }
        tokio::select! {
            // What is on its way comes once more, from whoever takes it next.
            () = shutdown.requested() => return,
            () = deliver_due(&server, &poster) => {}
        }
    }
}

/// Delivers what is due now.
pub async fn deliver_due(server: &Server, poster: &Client) {
    match server.store.claim_deliveries(server.now(), LEASE, CLAIM).await {
        Ok(due) => {
            futures_util::future::join_all(due.iter().map(|delivery| deliver(server, poster, delivery)))
                .await;
        }
        Err(countersign_store::Error::Conflict) => {}
        Err(error) => tracing::warn!(%error, "what webhooks are to be told cannot be read"),
    }
}

async fn deliver(server: &Server, poster: &Client, delivery: &Delivery) {
    let Some(hook) = server.webhooks.find(&delivery.hook) else {
        tracing::warn!(delivery = %delivery.id, hook = delivery.hook, "a webhook is not told: it is not configured any more");
        return done(server, delivery).await;
    };
    // Another node may have a key that this one has not read yet.
    let Some(body) = body(server, delivery) else {
        return later(server, hook, delivery, "what it is to be told does not open here").await;
    };
    let outcome = match headers(server, hook, delivery, &body) {
        Some(headers) => poster.post((hook.guard, &hook.target), headers, Bytes::from(body)).await,
        None => Err(SendError::Address),
    };
    let reason = match outcome {
        Ok(status) if status.is_success() => return done(server, delivery).await,
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    later(server, hook, delivery, &reason).await;
}

/// Puts a delivery off, until it has been tried for too long.
async fn later(server: &Server, hook: &Hook, delivery: &Delivery, reason: &str) {
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
        return done(server, delivery).await;
    }
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
