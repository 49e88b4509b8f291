//! `/v1/session`: the session that a browser's cookie holds, for pages of its app. Is it alive, an access token, the
//! end.

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use countersign_domain::challenge::Purpose;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Answer, answer,
    challenge::{TokenBody, body_of},
    rfc3339,
};
use crate::{
    accounts::address_claim,
    cookie,
    error::ApiError,
    state::Server,
    tokens::{self, Grant},
    visitor::Visitor,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/session", get(show).delete(end)).route("/v1/session/token", post(token))
}

/// A live session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionStatusBody {
    /// Names it: `sid` of its access tokens.
    pub id: String,
    /// The app that was signed in to.
    pub app: String,
    /// The person, as that app knows them.
    pub subject: String,
    /// What the sign-in proved.
    pub acr: &'static str,
    /// How (RFC 8176).
    pub amr: Vec<&'static str>,
    /// When, in seconds since 1970.
    pub auth_time: i64,
    /// When it ends unless it is used.
    pub idle_ends_at: String,
    /// When it ends in any case.
    pub expires_at: String,
}

/// Is the browser signed in?
#[utoipa::path(get, path = "/v1/session", operation_id = "session", tag = "sessions", security(("session_cookie" = [])),
    responses((status = 200, description = "It is", body = SessionStatusBody)))]
pub async fn show(visitor: Visitor) -> Answer<SessionStatusBody> {
    visitor.app()?;
    let session = &visitor.session;
    let body = SessionStatusBody {
        id: session.id.to_string(),
        app: session.app.to_string(),
        subject: session.subject.to_string(),
        acr: session.assurance.acr(),
        amr: vec![session.assurance.method.amr()],
        auth_time: session.assurance.proven_at.seconds(),
        idle_ends_at: rfc3339(session.idle_ends_at),
        expires_at: rfc3339(session.expires_at),
    };
    Ok(answer(StatusCode::OK, body))
}

/// An access token for the app that was signed in to.
#[utoipa::path(post, path = "/v1/session/token", operation_id = "session_token", tag = "sessions", security(("session_cookie" = [])),
    responses((status = 200, description = "A fresh one", body = TokenBody)))]
pub async fn token(visitor: Visitor) -> Answer<TokenBody> {
    let (app, session) = (visitor.app()?, &visitor.session);
    let address = address_claim(&visitor.server, &app, session.user).await?;
    let grant = Grant {
        purpose: Purpose::SignIn,
        subject: session.subject,
        assurance: session.assurance,
        address: address.as_deref(),
        session: Some(session),
    };
    let issued = tokens::issue(&visitor.server, &app, &grant)?;
    Ok(answer(StatusCode::OK, body_of(&visitor.server, &grant, issued)))
}

/// Sign out: the session ends, and every access token that came from it.
#[utoipa::path(delete, path = "/v1/session", operation_id = "sign_out", tag = "sessions", security(("session_cookie" = [])),
    responses((status = 204, description = "It ended; the cookie is taken away")))]
pub async fn end(visitor: Visitor) -> Result<Response, ApiError> {
    visitor.server.end_session(&visitor.session).await?;
    Ok(signed_out())
}

/// Nothing, with the cookie taken away.
pub(super) fn signed_out() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie::clear());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
