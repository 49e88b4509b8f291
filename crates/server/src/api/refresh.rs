//! `POST /oauth2/token`: a refresh token for its successor and an access token (RFC 6749, 6). Introspection and
//! revocation of refresh tokens are here too.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::post,
};
use countersign_domain::{
    app::App,
    challenge::Purpose,
    event::{Event, EventKind},
    refresh::{self, RefreshToken},
    refusal::Refusal,
    session::{Holder, Session},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    answer,
    challenge::{TokenBody, body_of, decided},
    token::client,
};
use crate::{
    accounts::{address_claim, session_ended},
    error::ApiError,
    oauth2::OauthError,
    state::Server,
    tokens::{self, Grant},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/oauth2/token", post(token))
}

/// The parameters of a refresh. Others are ignored.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RefreshForm {
    /// `refresh_token`.
    pub grant_type: String,
    /// The newest one.
    pub refresh_token: String,
}

/// A good refresh token.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActiveRefreshBody {
    /// True.
    pub active: bool,
    /// Who made it.
    pub iss: String,
    /// The person, as the app knows them.
    pub sub: String,
    /// The app it was made for.
    pub client_id: String,
    /// The session.
    pub sid: String,
    /// When the session began, in seconds since 1970.
    pub iat: i64,
    /// When the session ends unless it is used.
    pub exp: i64,
}

/// Refresh: the next access token and the next refresh token. The former one is good once more for half a minute, for
/// a client that lost the answer; used later it ends the session.
#[utoipa::path(post, path = "/oauth2/token", operation_id = "refresh", tag = "tokens",
    request_body(content = RefreshForm, content_type = "application/x-www-form-urlencoded"),
    security(("secret_key" = []), ("client_secret_basic" = [])),
    responses((status = 200, description = "The next ones", body = TokenBody),
        (status = 400, description = "`invalid_request`, `invalid_grant` or `unsupported_grant_type`",
            body = crate::oauth2::OauthErrorBody),
        (status = 401, description = "`invalid_client`", body = crate::oauth2::OauthErrorBody)))]
pub async fn token(State(server): State<Arc<Server>>, request: Request) -> Result<Response, OauthError> {
    let (app, form) = client(&server, request).await?;
    match form.value("grant_type") {
        Some("refresh_token") => {}
        Some(_) => return Err(OauthError::UnsupportedGrantType),
        None => return Err(OauthError::InvalidRequest("the parameter grant_type is missing")),
    }
    let text = form.value("refresh_token");
    let text = text.ok_or(OauthError::InvalidRequest("the parameter refresh_token is missing"))?;
    let token = genuine(&server, &app, text).ok_or(OauthError::InvalidGrant)?;
    let session = rotated(&server, &app, &token).await?.map_err(|_| OauthError::InvalidGrant)?;
    Ok(answer(StatusCode::OK, next_tokens(&server, &app, &session).await?).into_response())
}

/// Spends a refresh token for its successor, which is of the session's number now.
pub(super) async fn rotated(
    server: &Arc<Server>,
    app: &App,
    token: &RefreshToken,
) -> Result<Result<Session, Refusal>, ApiError> {
    let policy = &server.realm(&app.realm).session;
    server
        .decide(|| async move {
            let session = server.store.session(token.session).await?;
            let session = session.filter(|session| session.realm == app.realm);
            let known = session.clone();
            let (outcome, mut changes) =
                decided(refresh::refresh(token, session, &app.name, policy, server.now()));
            if let (Err(_), Some(session), false) = (&outcome, known, changes.is_empty()) {
                let reused = Event { kind: EventKind::RefreshReused, ..session_ended(&session) };
                changes.push(reused.failed().into());
            }
            Ok((outcome, changes))
        })
        .await
}

/// An access token of a session, with its refresh token where it has one.
pub(super) async fn next_tokens(
    server: &Server,
    app: &App,
    session: &Session,
) -> Result<TokenBody, ApiError> {
    let address = address_claim(server, app, session.user).await?;
    let grant = Grant {
        purpose: Purpose::SignIn,
        subject: session.subject,
        assurance: session.assurance,
        address: address.as_deref(),
        session: Some(session),
    };
    let issued = tokens::issue(server, app, &grant)?;
    Ok(body_of(server, &grant, issued))
}

/// Whether a text is meant to be a refresh token.
pub(super) fn is_refresh_token(text: &str) -> bool {
    text.starts_with(RefreshToken::PREFIX)
}

/// What introspection tells about a refresh token; nothing when it is not good at this app. It is not spent by that.
pub(super) async fn introspected(
    server: &Server,
    app: &App,
    text: &str,
) -> Result<Option<ActiveRefreshBody>, ApiError> {
    let Some((token, session)) = found(server, app, text).await? else { return Ok(None) };
    let Holder::Refresh { generation, .. } = session.holder else { return Ok(None) };
    if !session.is_live(server.now()) || token.generation != generation {
        return Ok(None);
    }
    Ok(Some(ActiveRefreshBody {
        active: true,
        iss: server.issuer(),
        sub: session.subject.to_string(),
        client_id: app.name.to_string(),
        sid: session.id.to_string(),
        iat: session.created_at.seconds(),
        exp: session.idle_ends_at.seconds(),
    }))
}

/// Ends the session of a refresh token, spent or not, with its access tokens (RFC 7009, 2.1).
pub(super) async fn revoke(server: &Arc<Server>, app: &App, text: &str) -> Result<(), ApiError> {
    match found(server, app, text).await? {
        Some((_, session)) => server.end_session(&session).await,
        None => Ok(()),
    }
}

async fn found(server: &Server, app: &App, text: &str) -> Result<Option<(RefreshToken, Session)>, ApiError> {
    let Some(token) = genuine(server, app, text) else { return Ok(None) };
    let session = server.store.session(token.session).await?;
    let session = session.filter(|session| session.app == app.name && session.realm == app.realm);
    Ok(session.map(|session| (token, session)))
}

/// A token that was made here, where the app has accounts.
fn genuine(server: &Server, app: &App, text: &str) -> Option<RefreshToken> {
    app.accounts.as_ref()?;
    RefreshToken::parse(text).ok().filter(|token| token.is_genuine(&server.keys))
}
