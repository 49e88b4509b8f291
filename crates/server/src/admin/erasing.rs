//! Users who are erased, one or many: at once, or after the days that their realm gives them.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{delete, post},
};
use countersign_domain::{time::Timestamp, user::UserStatus};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Operator, users::find};
use crate::{
    api::{Answer, answer, rfc3339},
    call::{Json, Named},
    erasure,
    error::ApiError,
    state::Server,
};

/// Users that can be erased at once.
const MOST_AT_ONCE: usize = 100;

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/users/delete", post(erase_many))
        .route("/v1/admin/users/{id}", delete(erase))
}

/// Whom to erase.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseUsersBody {
    /// Up to 100 ids.
    ids: Vec<String>,
}

/// What became of a user who was to be erased: gone, or will be.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserErasedBody {
    /// Named it.
    pub id: String,
    /// `erased`; `erasing` where the realm waits some days: a second time erases at once; `not_found`; `unavailable`.
    pub outcome: &'static str,
    /// When it will be erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<String>,
}

/// What became of each of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsersErasedBody {
    /// In the order in which they were named.
    pub items: Vec<UserErasedBody>,
}

/// Erase a user, after the days that the realm gives them to change their mind; at once when asked a second time.
#[utoipa::path(delete, path = "/v1/admin/users/{id}", operation_id = "erase_user", tag = "users",
    params(("id" = String, Path, description = "The user")),
    responses((status = 200, description = "What became of them", body = UserErasedBody)))]
pub(crate) async fn erase(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<UserErasedBody> {
    let at = erase_one(&server, &id).await?;
    Ok(answer(StatusCode::OK, erased(id, at)))
}

fn erased(id: String, at: Option<Timestamp>) -> UserErasedBody {
    let outcome = if at.is_some() { "erasing" } else { "erased" };
    UserErasedBody { id, outcome, erased_at: at.map(rfc3339) }
}

/// Erase up to 100 users, each by itself: one that cannot be keeps no other.
#[utoipa::path(post, path = "/v1/admin/users/delete", operation_id = "erase_users", tag = "users",
    request_body = EraseUsersBody,
    responses((status = 200, description = "What became of each", body = UsersErasedBody)))]
pub(crate) async fn erase_many(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Json(body, _): Json<EraseUsersBody>,
) -> Answer<UsersErasedBody> {
    if !(1..=MOST_AT_ONCE).contains(&body.ids.len()) {
        return Err(ApiError::invalid("ids", "expected 1 to 100"));
    }
    if body.ids.iter().collect::<std::collections::BTreeSet<_>>().len() < body.ids.len() {
        return Err(ApiError::invalid("ids", "one of them is named twice"));
    }
    let mut items = Vec::with_capacity(body.ids.len());
    for id in body.ids {
        let done = match find(&server, &id).await {
            Ok(user) if operator.covers(&user.realm) => erase_one(&server, &id).await,
            Ok(_) => Err(ApiError::NotFound),
            Err(error) => Err(error),
        };
        let refused = |outcome| UserErasedBody { id: id.clone(), outcome, erased_at: None };
        items.push(match done {
            Ok(at) => erased(id, at),
            Err(ApiError::NotFound) => refused("not_found"),
            Err(_) => refused("unavailable"),
        });
    }
    Ok(answer(StatusCode::OK, UsersErasedBody { items }))
}

/// When the user will be erased, where the realm gives days to think about it.
async fn erase_one(server: &Arc<Server>, id: &str) -> Result<Option<Timestamp>, ApiError> {
    // Asked for again, not tried again: what a race has just begun is not hastened.
    let may_hasten = find(server, id).await?.status == UserStatus::Erasing;
    server
        .decide(|| async move {
            let user = find(server, id).await?;
            let app = server.speaker(&user.realm);
            erasure::begin(server, user, app.as_deref(), may_hasten).await
        })
        .await
}
