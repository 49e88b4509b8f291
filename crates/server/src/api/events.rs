//! `/v1/me/events`: what happened around a person's own account, newest first, for themselves.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Query, State},
    routing::get,
};
use countersign_domain::{
    event::StoredEvent,
    id::{EventId, UserId},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, answer, rfc3339};
use crate::{
    error::ApiError,
    events::person::{PersonKey, key_of},
    state::Server,
    visitor::Person,
};

/// Events of one page of the list, unless it is asked for fewer or more.
const USUAL: i64 = 50;
/// Most events of one page of the list.
const MOST: i64 = 200;

/// Later than every event.
pub const LATEST: EventId = EventId::from_bytes([u8::MAX; 16]);

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/me/events", get(list))
}

/// Which part of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MyEventsQuery {
    #[serde(default)]
    before: Option<String>,
    #[serde(default)]
    limit: Option<i64>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyEventBody {
    /// Names it.
    pub id: String,
    /// When.
    pub time: String,
    /// What.
    pub kind: &'static str,
    /// `success` or `failure`.
    pub outcome: &'static str,
    /// At which app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Who: `person` is you; `api_key:…` an app for you; `operator` and `admin_key:…` an administrator; `server`
    /// nobody.
    pub actor: String,
    /// By which means.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub method: String,
    /// What it was done to, such as a session.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub target: String,
    /// What else is known of it, such as the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub details: Option<serde_json::Value>,
}

/// A part of the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyEventsBody {
    /// The events, newest first.
    pub items: Vec<MyEventBody>,
    /// What to ask for as `before` to have earlier ones; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What happened around my account?
#[utoipa::path(get, path = "/v1/me/events", operation_id = "my_events", tag = "account",
    params(("before" = Option<String>, Query, description = "What the former part named as `next`"),
        ("limit" = Option<i64>, Query, description = "At most so many: 1 to 200, 50 by default")),
    security(("session_cookie" = [])),
    responses((status = 200, description = "The events, newest first", body = MyEventsBody)))]
pub async fn list(
    Person(visitor): Person,
    State(server): State<Arc<Server>>,
    query: Result<Query<MyEventsQuery>, axum::extract::rejection::QueryRejection>,
) -> Answer<MyEventsBody> {
    let Query(query) = query.map_err(|error| ApiError::invalid("limit", error.body_text()))?;
    let limit = query.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::invalid("limit", format!("expected 1 to {MOST}")));
    }
    let before = match &query.before {
        Some(id) => id.parse().map_err(|error| ApiError::invalid("before", format!("{error}")))?,
        None => LATEST,
    };
    Ok(answer(StatusCode::OK, events_of(&server, visitor.session.user, before, limit).await?))
}

/// The last `limit` events around a user's account before one, as the user may read them.
///
/// # Errors
/// The store's.
pub async fn events_of(
    server: &Server,
    user: UserId,
    before: EventId,
    limit: i64,
) -> Result<MyEventsBody, ApiError> {
    let Some(key) = key_of(server, user).await? else {
        return Ok(MyEventsBody { items: Vec::new(), next: None });
    };
    let mut found = server.store.events_of(key.name.name, before, limit + 1).await?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > shown;
    found.truncate(shown);
    let next = found.last().filter(|_| more).map(|event| event.id.to_string());
    let items = found.into_iter().map(|event| body_of(event, &key)).collect();
    Ok(MyEventsBody { items, next })
}

fn body_of(event: StoredEvent, key: &PersonKey) -> MyEventBody {
    MyEventBody {
        id: event.id.to_string(),
        time: rfc3339(event.id.made_at()),
        kind: event.kind.name(),
        outcome: event.outcome.name(),
        app: event.app.map(|app| app.to_string()),
        actor: event.actor,
        method: event.method,
        target: event.target,
        details: event.sealed.and_then(|sealed| key.details(event.id, &sealed)),
    }
}
