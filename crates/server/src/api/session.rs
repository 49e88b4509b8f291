//! `/v1/session`: the session that a browser's cookie holds, for pages of its app. Is it alive, an access token, the
//! end.

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use countersign_domain::{app::AppName, id::SessionId, subject::Subject, time::Timestamp};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Answer, answer, as_rfc3339, as_text,
    challenge::{TokenBody, in_cookies},
    refresh::{next_tokens, rotated},
};
use crate::{
    accounts::refreshed_session,
    cookie::{self, Page},
    error::ApiError,
    fields::Fields,
    registry::Registry,
    session_cache::LiveSession,
    state::Server,
    visitor::{Visitor, refresh_cookie},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/session", get(show).delete(end)).route("/v1/session/token", post(token))
}

/// A live session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionStatusBody {
    /// Names it: `sid` of its access tokens.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub id: SessionId,
    /// The app that was signed in to.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub app: AppName,
    /// The person, as that app knows them.
    #[serde(serialize_with = "as_text")]
    #[schema(value_type = String)]
    pub subject: Subject,
    /// What the sign-in proved.
    pub acr: &'static str,
    /// How (RFC 8176).
    pub amr: Vec<&'static str>,
    /// When, in seconds since 1970.
    pub auth_time: i64,
    /// When it ends unless it is used.
    #[serde(serialize_with = "as_rfc3339")]
    #[schema(value_type = String)]
    pub idle_ends_at: Timestamp,
    /// When it ends in any case.
    #[serde(serialize_with = "as_rfc3339")]
    #[schema(value_type = String)]
    pub expires_at: Timestamp,
}

/// Is the browser signed in?
#[utoipa::path(get, path = "/v1/session", operation_id = "session", tag = "sessions", security(("session_cookie" = [])),
    responses((status = 200, description = "It is", body = SessionStatusBody)))]
pub async fn show(visitor: Visitor, headers: HeaderMap) -> Answer<SessionStatusBody> {
    visitor.app()?;
    let (server, session) = (&visitor.server, &visitor.session);
    if visitor.refresh_token.is_none()
        && let Some(cookie) = session_cookie(&server.registry.load(), &headers)
    {
        let policy = server.realm(&session.realm).session;
        server.sessions.insert(server.fingerprints.of(cookie), session, &policy, visitor.now);
    }
    Ok(answer(StatusCode::OK, status_body(session.into())))
}

/// The session of a cookie that was found good before and still is, as `GET /v1/session` tells it. What is odd in any way,
/// or not known, is left to [`show`].
#[must_use]
pub fn known(server: &Server, fields: &impl Fields, now: Timestamp) -> Option<SessionStatusBody> {
    let registry = server.registry.load();
    let cookie = session_cookie(&registry, fields)?;
    let session = server.sessions.get(server.fingerprints.of(cookie), now)?;
    if !server.knows_revocations(now)
        || server.revocations.may_have_ended(&session.app, session.id, session.subject)
    {
        return None;
    }
    let app = registry.app(session.app.as_str())?;
    let page = Page::of(fields, &server.config.load().server.issuer);
    let may_ask = page.may_ask(|| Some(Arc::clone(app)));
    (may_ask && app.is_home_in(&session.realm)).then(|| status_body(session))
}

/// The whole answer to `GET /v1/session` where the session is [known].
#[must_use]
pub fn answer_known(server: &Server, headers: &HeaderMap) -> Option<Response> {
    let body = known(server, headers, server.now())?;
    Some(answer(StatusCode::OK, body).into_response())
}

fn session_cookie<'f>(registry: &Registry, fields: &'f impl Fields) -> Option<&'f str> {
    cookie::value_in(fields.text("cookie")?, &registry.forward_auth().session_cookie)
}

fn status_body(session: LiveSession) -> SessionStatusBody {
    SessionStatusBody {
        id: session.id,
        app: session.app,
        subject: session.subject,
        acr: session.assurance.acr(),
        amr: session.assurance.methods.amr(),
        auth_time: session.assurance.proven_at.seconds(),
        idle_ends_at: session.idle_ends_at,
        expires_at: session.expires_at,
    }
}

/// An access token for the app that was signed in to. A browser that holds tokens gets the next ones, in cookies.
#[utoipa::path(post, path = "/v1/session/token", operation_id = "session_token", tag = "sessions", security(("session_cookie" = [])),
    responses((status = 200, description = "A fresh one", body = TokenBody)))]
pub async fn token(visitor: Visitor) -> Answer<TokenBody> {
    let (app, server) = (visitor.app()?, &visitor.server);
    let Some(token) = &visitor.refresh_token else {
        return Ok(answer(StatusCode::OK, next_tokens(server, &app, &visitor.session).await?));
    };
    let session = rotated(server, &app, token).await??;
    let body = next_tokens(server, &app, &session).await?;
    Ok(in_cookies((server, visitor.host.as_deref()), body, Some(&session), visitor.now))
}

/// Sign out: the session ends, and every access token that came from it.
#[utoipa::path(delete, path = "/v1/session", operation_id = "sign_out", tag = "sessions", security(("session_cookie" = [])),
    responses((status = 204, description = "It ended; the cookie is taken away")))]
pub async fn end(visitor: Visitor, headers: HeaderMap) -> Result<Response, ApiError> {
    visitor.server.end_session(&visitor.session).await?;
    // All cookies are taken away, so all that they held ends.
    if let Some(token) = refresh_cookie(&visitor.server, &headers)
        && token.session != visitor.session.id
        && let Some(other) = refreshed_session(&visitor.server, &token).await?
    {
        visitor.server.end_session(&other).await?;
    }
    Ok(signed_out(&visitor))
}

/// Nothing, with the cookies taken away.
pub(super) fn signed_out(visitor: &Visitor) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let config = visitor.server.config.load();
    cookie::clear(&config.cookies.at(visitor.host.as_deref()), response.headers_mut());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
