//! The log of events for operators: a list with filters, and the whole chain, segment by segment, for whoever checks
//! or exports it. What is sealed for a person stays sealed.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, Query, State, rejection::QueryRejection},
    routing::get,
};
use countersign_domain::{
    event::{EventKind, StoredEvent},
    id::{EventId, UserId},
    realm::RealmName,
    time::Timestamp,
};
use countersign_store::EventFilter;
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{List, Operator, list_query, usual_limit};
use crate::{
    api::{Answer, answer},
    error::ApiError,
    events::{
        chain,
        log::{CheckpointLine, EventLine, segment},
        person::key_of,
    },
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/events", get(list))
        .route("/v1/admin/events/segment", get(one_segment))
        .route("/v1/admin/events/waiting", get(waiting))
        .route("/v1/admin/events/chain", get(about))
}

/// Which events are asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// Only of this kind.
    #[serde(default)]
    kind: Option<String>,
    /// Only at this app.
    #[serde(default)]
    app: Option<String>,
    /// Only in this realm; that of the key where it has one.
    #[serde(default)]
    realm: Option<String>,
    /// Only about this user.
    #[serde(default)]
    user: Option<String>,
    /// From this moment on (RFC 3339).
    #[serde(default)]
    since: Option<String>,
    /// What the former part named as `next`.
    #[serde(default)]
    after: Option<String>,
    /// At most so many: 1 to 200, 50 by default.
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: usize,
}

/// Where in the chain to go on.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SegmentQuery {
    /// The sequence number of the checkpoint before; 0 for the first.
    #[serde(default)]
    after: i64,
}

/// Up to where events are to be counted.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ChainQuery {
    /// An event.
    #[serde(default)]
    until: Option<String>,
}

/// A checkpoint with the events that are there for it; neither at the end of the chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentBody {
    /// The checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<CheckpointLine>,
    /// The events.
    pub events: Vec<EventLine>,
}

/// What is needed to check the chain.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChainBody {
    /// The key that signs checkpoints (Ed25519), in base64url.
    pub public_key: String,
    /// How many events are kept, up to and with the one that was asked for.
    pub events: i64,
}

impl FromRequestParts<Arc<Server>> for EventQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        list_query(&parts.uri, |query: &Self| query.limit)
    }
}

impl EventQuery {
    fn kind(&self) -> Result<Option<EventKind>, ApiError> {
        let read = |name: &String| {
            EventKind::from_name(name)
                .ok_or_else(|| ApiError::invalid("kind", "there are no events of this kind"))
        };
        self.kind.as_ref().map(read).transpose()
    }

    fn begin(&self) -> Result<EventId, ApiError> {
        if let Some(after) = &self.after {
            return after.parse().map_err(|error| ApiError::invalid("after", format!("{error}")));
        }
        let Some(since) = &self.since else { return Ok(EventId::from_bytes([0; 16])) };
        let moment: jiff::Timestamp = since
            .parse()
            .map_err(|_| ApiError::invalid("since", "expected a time such as 2027-01-31T12:00:00Z"))?;
        Ok(chain::at(Timestamp::from_millis(moment.as_millisecond())))
    }
}

/// What happened, oldest first. A key of one realm sees what happened in that realm.
#[utoipa::path(get, path = "/v1/admin/events", operation_id = "list_events", tag = "events",
    params(EventQuery),
    responses((status = 200, description = "The events", body = List<EventLine>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    operator: Operator,
    query: EventQuery,
) -> Answer<List<EventLine>> {
    let most = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
    let realm = match &query.realm {
        Some(name) => Some(operator.choose(Some(name))?),
        // What happened in no realm, or in another one, is not for who has one.
        None => operator.realm().cloned(),
    };
    let filter = EventFilter {
        after: query.begin()?,
        kind: query.kind()?,
        app: query.app.as_deref(),
        realm: realm.as_ref().map(RealmName::as_str),
    };
    let found = match &query.user {
        None => server.store.events(filter, most).await?,
        Some(user) => {
            let user: UserId = user.parse().map_err(|error| ApiError::invalid("user", format!("{error}")))?;
            match key_of(&server, user).await? {
                Some(key) => server.store.events_of_after(key.name.name, filter, most).await?,
                None => Vec::new(),
            }
        }
    };
    Ok(answer(StatusCode::OK, page(&found, query.limit, |line| EventLine { sealed: String::new(), ..line })))
}

/// The events of a page, and where the next begins.
fn page(found: &[StoredEvent], limit: usize, shown: impl Fn(EventLine) -> EventLine) -> List<EventLine> {
    let items: Vec<EventLine> = found.iter().take(limit).map(|event| shown(EventLine::from(event))).collect();
    let next = items.last().filter(|_| found.len() > limit).map(|last| last.id.clone());
    List { items, next }
}

/// The next checkpoint of the log with the events that it covers.
#[utoipa::path(get, path = "/v1/admin/events/segment", operation_id = "show_event_segment", tag = "events",
    params(SegmentQuery),
    responses((status = 200, description = "The checkpoint and its events", body = SegmentBody)))]
pub(crate) async fn one_segment(
    State(server): State<Arc<Server>>,
    query: Result<Query<SegmentQuery>, QueryRejection>,
) -> Answer<SegmentBody> {
    let Query(query) = query.map_err(|error| ApiError::invalid("after", error.body_text()))?;
    let body = match segment(&server.store, query.after).await? {
        Some(found) => SegmentBody {
            checkpoint: Some(CheckpointLine::from(&found.checkpoint)),
            events: found.events.iter().map(EventLine::from).collect(),
        },
        None => SegmentBody { checkpoint: None, events: Vec::new() },
    };
    Ok(answer(StatusCode::OK, body))
}

/// Events that no checkpoint covers yet.
#[utoipa::path(get, path = "/v1/admin/events/waiting", operation_id = "list_waiting_events", tag = "events",
    params(EventQuery),
    responses((status = 200, description = "The events", body = List<EventLine>)))]
pub(crate) async fn waiting(State(server): State<Arc<Server>>, query: EventQuery) -> Answer<List<EventLine>> {
    let most = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
    let range = (query.begin()?, EventId::from_bytes([u8::MAX; 16]));
    let found = server.store.uncovered_events(range, most).await?;
    Ok(answer(StatusCode::OK, page(&found, query.limit, |line| line)))
}

/// What is needed to check the log: the public key of its checkpoints, and how many events are kept.
#[utoipa::path(get, path = "/v1/admin/events/chain", operation_id = "describe_event_chain", tag = "events",
    params(ChainQuery),
    responses((status = 200, description = "The key and the count", body = ChainBody)))]
pub(crate) async fn about(
    State(server): State<Arc<Server>>,
    query: Result<Query<ChainQuery>, QueryRejection>,
) -> Answer<ChainBody> {
    let Query(query) = query.map_err(|error| ApiError::invalid("until", error.body_text()))?;
    let until = match &query.until {
        Some(id) => id.parse().map_err(|error| ApiError::invalid("until", format!("{error}")))?,
        None => EventId::from_bytes([u8::MAX; 16]),
    };
    let key = server.keys.checkpoint_key().map_err(|_| ApiError::Internal)?;
    let public_key = data_encoding::BASE64URL_NOPAD.encode(&key.public());
    Ok(answer(StatusCode::OK, ChainBody { public_key, events: server.store.event_count(until).await? }))
}
