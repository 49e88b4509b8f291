//! Users of realms: listed, found by exact address, switched off and on, erased. What an address is stays sealed, for
//! operators too.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, Query, State},
    routing::get,
};
use countersign_domain::{
    event::{Event, EventKind},
    id::UserId,
    identifier::EmailAddress,
    realm::RealmName,
    user::{self, User},
};
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Serialize};

use super::{List, invalid, usual_limit};
use crate::{
    accounts::user_of,
    api::{Answer, answer, rfc3339},
    call::{Json, Named},
    erasure,
    error::ApiError,
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/users", get(list))
        .route("/v1/admin/users/{id}", get(show).patch(change).delete(erase))
}

/// Which users are asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserQuery {
    /// Of which realm: `default` where absent.
    #[serde(default)]
    realm: Option<String>,
    /// Only who has this address, exactly.
    #[serde(default)]
    email: Option<String>,
    /// What the former part named as `next`.
    #[serde(default)]
    after: Option<String>,
    /// At most so many: 1 to 200, 50 by default.
    #[serde(default = "usual_limit")]
    limit: usize,
}

/// A user, without what is sealed.
#[derive(Debug, Serialize)]
pub struct UserBody {
    /// Names it.
    pub id: String,
    /// Where it lives.
    pub realm: String,
    /// `active`, `disabled` or `erasing`.
    pub status: &'static str,
    /// How many addresses it has.
    pub identifiers: usize,
    /// How many live sessions it has.
    pub sessions: usize,
    /// When it was made.
    pub created_at: String,
    /// When the person signed in last.
    pub signed_in_at: String,
}

/// A user who is gone, or will be.
#[derive(Debug, Serialize)]
pub struct UserErasedBody {
    /// Named it.
    pub id: String,
    /// `erased`, or `erasing` where the realm waits some days; a second time erases at once.
    pub outcome: &'static str,
    /// When it will be erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<String>,
}

/// What is to be changed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeUserBody {
    status: StatusName,
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusName {
    Active,
    Disabled,
}

impl FromRequestParts<Arc<Server>> for UserQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        let Query(query) =
            Query::<Self>::try_from_uri(&parts.uri).map_err(|error| invalid("limit", &error.body_text()))?;
        if (1..=200).contains(&query.limit) { Ok(query) } else { Err(invalid("limit", "expected 1 to 200")) }
    }
}

async fn list(State(server): State<Arc<Server>>, query: UserQuery) -> Answer<List<UserBody>> {
    let realm: RealmName = match &query.realm {
        Some(name) => name.parse().map_err(|error| invalid("realm", &format!("{error}")))?,
        None => RealmName::default(),
    };
    let mut users = match &query.email {
        Some(email) => {
            let address = EmailAddress::parse(email).map_err(|error| invalid("email", &error.to_string()))?;
            user_of(&server, &realm, &address).await?.into_iter().collect()
        }
        None => {
            let after = match &query.after {
                Some(id) => id.parse().map_err(|error| invalid("after", &format!("{error}")))?,
                None => UserId::from_bytes([0; 16]),
            };
            let most = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
            server.store.users_after(&realm, after, most).await?
        }
    };
    let more = users.len() > query.limit;
    users.truncate(query.limit);
    let next = users.last().filter(|_| more).map(|user| user.id.to_string());
    let mut items = Vec::with_capacity(users.len());
    for user in users {
        items.push(body_of(&server, user).await?);
    }
    Ok(answer(StatusCode::OK, List { items, next }))
}

async fn show(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<UserBody> {
    let user = find(&server, &id).await?;
    Ok(answer(StatusCode::OK, body_of(&server, user).await?))
}

/// Switches a user off, with all sessions and what came from them, or on.
async fn change(
    State(server): State<Arc<Server>>,
    Named(id): Named,
    Json(body, _): Json<ChangeUserBody>,
) -> Answer<UserBody> {
    let (this, id) = (&server, &id);
    let user = server
        .decide(|| async move {
            let user = find(this, id).await?;
            let (mut decision, kind) = match body.status {
                StatusName::Active => (user::enable(user), EventKind::UserEnabled),
                StatusName::Disabled => {
                    let sessions = this.store.sessions_of(user.id).await?;
                    (user::disable(user, &sessions, this.now()), EventKind::UserDisabled)
                }
            };
            let user = &decision.outcome;
            let told = Event::new(kind).of_user(user.id).within(&user.realm);
            decision.changes.push(told.into());
            Ok((decision.outcome, decision.changes))
        })
        .await?;
    Ok(answer(StatusCode::OK, body_of(&server, user).await?))
}

/// Erases a user, after the days that the realm gives them to change their mind.
async fn erase(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<UserErasedBody> {
    let (this, id) = (&server, &id);
    let at = server
        .decide(|| async move {
            let user = find(this, id).await?;
            let app = this.speaker(&user.realm);
            erasure::begin(this, user, app.as_deref()).await
        })
        .await?;
    let outcome = if at.is_some() { "erasing" } else { "erased" };
    Ok(answer(StatusCode::OK, UserErasedBody { id: id.clone(), outcome, erased_at: at.map(rfc3339) }))
}

pub(super) async fn find(server: &Server, id: &str) -> Result<User, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::NotFound)?;
    server.store.user(id).await?.ok_or(ApiError::NotFound)
}

async fn body_of(server: &Server, user: User) -> Result<UserBody, ApiError> {
    let sessions = server.store.sessions_of(user.id).await?;
    let now = server.now();
    Ok(UserBody {
        id: user.id.to_string(),
        realm: user.realm.to_string(),
        status: user.status.name(),
        identifiers: server.store.identifiers_of(user.id).await?.len(),
        sessions: sessions.iter().filter(|session| session.is_live(now)).count(),
        created_at: rfc3339(user.created_at),
        signed_in_at: rfc3339(user.signed_in_at),
    })
}
