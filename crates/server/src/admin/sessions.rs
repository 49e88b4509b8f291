//! Sessions of users: listed and ended, one or all. The person is told.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{delete, get},
};
use countersign_domain::{
    event::EventKind,
    id::SessionId,
    session::{self, Session},
    user,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    List, Page,
    users::{find, tell_person, told},
};
use crate::{
    accounts::{open_device, session_ended},
    api::{Answer, answer, rfc3339},
    call::Named,
    error::ApiError,
    outbox::notice::{Notice, Touched},
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/users/{id}/sessions", get(list).delete(end_all))
        .route("/v1/admin/sessions/{id}", delete(end))
}

/// A live session.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminSessionBody {
    /// Names it; `sid` of its tokens.
    pub id: String,
    /// The app that was signed in to.
    pub app: String,
    /// `cookie` or `refresh_token`: what it is held by.
    pub holder: &'static str,
    /// The approximate name of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// When it began.
    pub created_at: String,
    /// When it was used last, roughly.
    pub used_at: String,
    /// When it ends in any case.
    pub expires_at: String,
}

/// Sessions that are over.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionsEndedBody {
    /// The session, or the user whose they were.
    pub id: String,
    /// How many ended.
    pub ended: usize,
}

/// Live sessions of a user.
#[utoipa::path(get, path = "/v1/admin/users/{id}/sessions", operation_id = "list_sessions", tag = "users",
    params(("id" = String, Path, description = "The user"), Page),
    responses((status = 200, description = "The sessions", body = List<AdminSessionBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    Named(id): Named,
    page: Page,
) -> Answer<List<AdminSessionBody>> {
    let user = find(&server, &id).await?;
    let now = server.now();
    let sessions = server.store.sessions_of(user.id).await?;
    let live = sessions.iter().filter(|session| session.is_live(now));
    Ok(answer(
        StatusCode::OK,
        page.of(live.map(|session| body_of(&server, session)), |session| session.id.clone()),
    ))
}

/// End all sessions of a user. The person is told.
#[utoipa::path(delete, path = "/v1/admin/users/{id}/sessions", operation_id = "end_sessions", tag = "users",
    params(("id" = String, Path, description = "The user")),
    responses((status = 200, description = "How many ended", body = SessionsEndedBody)))]
pub(crate) async fn end_all(
    State(server): State<Arc<Server>>,
    Named(id): Named,
) -> Answer<SessionsEndedBody> {
    let (this, id) = (&server, &id);
    let ended = server
        .decide(|| async move {
            let user = find(this, id).await?;
            let sessions = this.store.sessions_of(user.id).await?;
            let now = this.now();
            let live = sessions.iter().filter(|session| session.is_live(now)).count();
            let mut changes = user::sign_out_everywhere(user.clone(), &sessions, now);
            changes.push(told(EventKind::SessionsEnded, &user));
            if live > 0
                && let Some(app) = this.speaker(&user.realm)
            {
                this.tell_user(&app, &user, &Notice::SignedOutEverywhere, &mut changes).await?;
            }
            Ok((live, changes))
        })
        .await?;
    Ok(answer(StatusCode::OK, SessionsEndedBody { id: id.clone(), ended }))
}

/// End one session. The person is told.
#[utoipa::path(delete, path = "/v1/admin/sessions/{id}", operation_id = "end_session", tag = "users",
    params(("id" = String, Path, description = "The session")),
    responses((status = 200, description = "It ended", body = SessionsEndedBody)))]
pub(crate) async fn end(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<SessionsEndedBody> {
    let session: SessionId = id.parse().map_err(|_| ApiError::NotFound)?;
    end_one(&server, session, |_| true).await?;
    Ok(answer(StatusCode::OK, SessionsEndedBody { id, ended: 1 }))
}

/// Ends a session, or a registered device, if it is one that is meant. The person is told.
///
/// # Errors
/// [`ApiError::NotFound`] for one that is not there or not meant; the store's.
pub(super) async fn end_one(
    server: &Arc<Server>,
    id: SessionId,
    is_meant: fn(&Session) -> bool,
) -> Result<Session, ApiError> {
    server
        .decide(|| async move {
            let session = server.store.session(id).await?.filter(is_meant).ok_or(ApiError::NotFound)?;
            let mut changes = session::end(&session, server.now());
            changes.push(session_ended(&session).into());
            if let Some(user) = server.store.user(session.user).await? {
                tell_person(server, &user, Touched::Sessions, &mut changes).await?;
            }
            Ok((session, changes))
        })
        .await
}

fn body_of(server: &Server, session: &Session) -> AdminSessionBody {
    AdminSessionBody {
        id: session.id.to_string(),
        app: session.app.to_string(),
        holder: session.holder.name(),
        device: open_device(server, session),
        created_at: rfc3339(session.created_at),
        used_at: rfc3339(session.used_at),
        expires_at: rfc3339(session.expires_at),
    }
}
