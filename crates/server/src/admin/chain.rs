//! The chain of the log of events as this server checks it itself: the newest part of it, quickly. Whoever does not trust
//! the server checks what it gives out (`countersign event verify`).

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use countersign_domain::{event::StoredEvent, id::EventId};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    api::{Answer, answer, rfc3339},
    error::ApiError,
    events::{
        chain::{Deviation, Summary, Verifier},
        log::segment,
    },
    state::Server,
};

/// Checkpoints that are looked at at once.
const MOST_CHECKPOINTS: i64 = 50;
/// Events that may wait for the next checkpoint.
const MOST_WAITING: i64 = 10_000;

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/admin/events/check", get(check))
}

/// What a look at the chain found.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChainCheckBody {
    /// Whether what was looked at is what was signed.
    pub in_order: bool,
    /// Whether that was the whole log, and not its newest part alone.
    pub complete: bool,
    /// How many checkpoints were looked at.
    pub checkpoints: i64,
    /// How many events they cover.
    pub events: i64,
    /// How many events wait for the next checkpoint; only where the whole log was looked at.
    pub waiting: i64,
    /// The newest checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest: Option<i64>,
    /// When that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub newest_at: Option<String>,
    /// Where the log is not what was signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<String>,
}

/// Check the newest checkpoints of the log, at most 50, and the whole log where it has no more.
#[utoipa::path(get, path = "/v1/admin/events/check", operation_id = "check_event_chain", tag = "events",
    responses((status = 200, description = "What was found", body = ChainCheckBody)))]
pub(crate) async fn check(State(server): State<Arc<Server>>) -> Answer<ChainCheckBody> {
    let newest = server.store.newest_checkpoint().await?;
    let end = newest.as_ref().map_or(0, |newest| newest.sequence);
    let beginning = newest.as_ref().map_or(0, |newest| newest.oldest - 1);
    let after = beginning.max(end - MOST_CHECKPOINTS);
    let complete = after == beginning;
    let found = walk(&server, after, complete).await?;
    let deviation = found.as_ref().err().map(ToString::to_string);
    let summary = found.unwrap_or_default();
    let body = ChainCheckBody {
        in_order: deviation.is_none(),
        complete,
        checkpoints: summary.checkpoints,
        events: summary.events,
        waiting: summary.waiting,
        newest: newest.as_ref().map(|newest| newest.sequence),
        newest_at: newest.map(|newest| rfc3339(newest.made_at)),
        deviation,
    };
    Ok(answer(StatusCode::OK, body))
}

/// Goes along the chain from behind `after`.
async fn walk(
    server: &Server,
    mut after: i64,
    complete: bool,
) -> Result<Result<Summary, Deviation>, ApiError> {
    let key = server.keys.checkpoint_key().map_err(|_| ApiError::Internal)?;
    let mut verifier = Verifier::new(key.public());
    let mut last = None;
    while let Some(found) = segment(&server.store, after).await? {
        after = found.checkpoint.sequence;
        last = last.max(found.events.last().map(|event| event.id));
        if let Err(deviation) = verifier.follow(found.checkpoint, &found.events) {
            return Ok(Err(deviation));
        }
    }
    if !complete {
        return Ok(Ok(verifier.so_far()));
    }
    let all = (EventId::from_bytes([0; 16]), EventId::from_bytes([u8::MAX; 16]));
    let waiting: Vec<StoredEvent> = server.store.uncovered_events(all, MOST_WAITING).await?;
    let until = last.max(waiting.last().map(|event| event.id)).unwrap_or(EventId::from_bytes([0; 16]));
    let there = server.store.event_count(until).await?;
    Ok(verifier.finish(&waiting, Some(there)))
}
