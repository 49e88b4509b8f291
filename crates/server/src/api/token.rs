//! `GET /v1/token`, and `/oauth2/introspect` and `/oauth2/revoke` beside it: is a token good, and no longer.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use countersign_domain::{
    api_key::ApiKeyKind,
    app::App,
    changes::{Change, Changes, FlowChange},
    event::{Event, EventKind},
    id::TokenId,
    session,
    time::{Span, Timestamp},
    token::{Revocation, RevocationTarget},
};
use http::{HeaderMap, StatusCode, Uri};
use serde::Serialize;
use utoipa::ToSchema;

use super::{answer, refresh};
use crate::{
    call::{authenticate, bearer, body},
    error::ApiError,
    fields::Fields,
    oauth2::{Form, OauthError},
    state::Server,
    system::CLOCK_SKEW,
    tokens::{self, Checked, TokenClaims},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/token", get(token))
        .route("/oauth2/introspect", post(introspect))
        .route("/oauth2/revoke", post(revoke))
}

/// What somebody without a key is told about a good token.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenStatusBody {
    /// Always true: a token that is not good is a 401.
    pub active: bool,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
}

/// What is told about a good token.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum TokenAnswerBody {
    /// To its app, and to who names its audience.
    Claims(Box<TokenClaims>),
    /// To everybody else.
    Status(TokenStatusBody),
}

/// Is this token good? With `Countersign-Key` or `?audience=` the answer holds its claims, else status and end only.
#[utoipa::path(get, path = "/v1/token", tag = "tokens",
    params(("audience" = Option<String>, Query, description = "Whom the token must be for"),
        ("Countersign-Key" = Option<String>, Header, description = "An API key of the app that asks")),
    security(("access_token" = [])),
    responses((status = 200, description = "It is good", body = TokenAnswerBody)))]
pub async fn token(State(server): State<Arc<Server>>, request: Request) -> Response {
    answer_token(&server, request.headers(), request.uri())
}

/// The whole of `GET /v1/token`, also for the path that goes round the router.
#[must_use]
pub fn answer_token(server: &Server, headers: &HeaderMap, uri: &Uri) -> Response {
    try_token(server, headers, uri).map(|body| answer(StatusCode::OK, body)).into_response()
}

/// What somebody without a key is told about a token that was found good before. Everything else is left to [`answer_token`].
#[must_use]
pub fn known(server: &Server, fields: &impl Fields, now: Timestamp) -> Option<TokenStatusBody> {
    let token = bearer(fields).ok().flatten().filter(|_| !fields.has("countersign-key"))?;
    let exp = tokens::known_until(server, token, now)?;
    Some(TokenStatusBody { active: true, exp })
}

fn try_token(server: &Server, headers: &HeaderMap, uri: &Uri) -> Result<TokenAnswerBody, ApiError> {
    let now = server.now();
    let token = bearer(headers)?.ok_or(ApiError::InvalidToken)?;
    let audience = audience(uri)?;
    if audience.is_none() && !headers.contains_key("countersign-key") {
        let exp = tokens::good_until(server, token, now)?;
        return Ok(TokenAnswerBody::Status(TokenStatusBody { active: true, exp }));
    }
    let checked = tokens::check(server, token, now)?;
    let asking = match headers.single("countersign-key")? {
        Some(key) => Some(authenticate(server, key, now)?.0),
        None => None,
    };
    // A token for somebody else is no good to who asks (decision: wrong audience is 401).
    let for_asking = asking.as_ref().is_none_or(|app| app.name == checked.app.name);
    let for_audience = audience.as_ref().is_none_or(|audience| audience == checked.app.audience());
    if !for_asking || !for_audience {
        return Err(ApiError::InvalidToken);
    }
    Ok(TokenAnswerBody::Claims(Box::new(checked.claims()?)))
}

fn audience(uri: &Uri) -> Result<Option<String>, ApiError> {
    let Some(query) = uri.query() else { return Ok(None) };
    for pair in query.split('&') {
        if let Some(value) = pair.strip_prefix("audience=") {
            let text = value.replace('+', " ");
            let decoded = percent_encoding::percent_decode_str(&text).decode_utf8();
            return decoded.map(|text| Some(text.into_owned())).map_err(|_| ApiError::InvalidToken);
        }
    }
    Ok(None)
}

/// RFC 7662: active tokens with their claims.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum IntrospectionBody {
    /// A good token of the asking app.
    Active(Box<ActiveBody>),
    /// A good refresh token of the asking app.
    Refresh(Box<refresh::ActiveRefreshBody>),
    /// Anything else.
    Inactive(InactiveBody),
}

/// A good token.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActiveBody {
    /// True.
    pub active: bool,
    /// `Bearer`.
    pub token_type: &'static str,
    /// What it says.
    #[serde(flatten)]
    pub claims: TokenClaims,
}

/// Not a good token of the asking app; why is not told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InactiveBody {
    /// False.
    pub active: bool,
}

/// Token introspection (RFC 7662) for the app's own tokens.
#[utoipa::path(post, path = "/oauth2/introspect", tag = "tokens",
    request_body(content = crate::oauth2::TokenForm, content_type = "application/x-www-form-urlencoded"),
    security(("secret_key" = []), ("client_secret_basic" = [])),
    responses((status = 200, description = "Whether it is good", body = IntrospectionBody),
        (status = 400, description = "`invalid_request`", body = crate::oauth2::OauthErrorBody),
        (status = 401, description = "`invalid_client`", body = crate::oauth2::OauthErrorBody)))]
pub async fn introspect(State(server): State<Arc<Server>>, request: Request) -> Result<Response, OauthError> {
    let (app, form) = client(&server, request).await?;
    let token = form.token()?;
    if refresh::is_refresh_token(token) {
        let good = refresh::introspected(&server, &app, token).await?;
        let body = match good {
            Some(body) => IntrospectionBody::Refresh(Box::new(body)),
            None => IntrospectionBody::Inactive(InactiveBody { active: false }),
        };
        return Ok(super::answer(StatusCode::OK, body).into_response());
    }
    let now = server.now();
    let good = match tokens::check(&server, token, now) {
        Ok(checked) if checked.app.name == app.name => Some(checked),
        Ok(_) | Err(ApiError::InvalidToken) => None,
        Err(error) => return Err(error.into()),
    };
    let body = match good {
        Some(checked) => {
            let claims = checked.claims()?;
            IntrospectionBody::Active(Box::new(ActiveBody { active: true, token_type: "Bearer", claims }))
        }
        None => IntrospectionBody::Inactive(InactiveBody { active: false }),
    };
    Ok(super::answer(StatusCode::OK, body).into_response())
}

/// Token revocation (RFC 7009) for the app's own tokens: 200 whether the token was good or not.
#[utoipa::path(post, path = "/oauth2/revoke", tag = "tokens",
    request_body(content = crate::oauth2::TokenForm, content_type = "application/x-www-form-urlencoded"),
    security(("secret_key" = []), ("client_secret_basic" = [])),
    responses((status = 200, description = "It is good no longer, or never was"),
        (status = 400, description = "`invalid_request`", body = crate::oauth2::OauthErrorBody),
        (status = 401, description = "`invalid_client`", body = crate::oauth2::OauthErrorBody)))]
pub async fn revoke(State(server): State<Arc<Server>>, request: Request) -> Result<Response, OauthError> {
    let (app, form) = client(&server, request).await?;
    let token = form.token()?;
    if refresh::is_refresh_token(token) {
        refresh::revoke(&server, &app, token).await?;
        return Ok(StatusCode::OK.into_response());
    }
    match tokens::check(&server, token, server.now()) {
        Ok(Checked { exp, app: owner, id, .. }) if owner.name == app.name => {
            take_back(&server, &app, RevocationTarget::Token(id), end_of(exp)).await?;
        }
        Ok(_) | Err(ApiError::InvalidToken) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(StatusCode::OK.into_response())
}

/// Takes tokens back: committed first, then known here at once and elsewhere within a second. Answers up to when tokens
/// of the target were made that are dead now.
///
/// Beside other nodes that is a little later than now: a token bears the time of the node that made it, and whoever was
/// signed in by a node that is ahead would otherwise outlive the revocation. Asking which node made a token would need
/// the node's name in it, and its clock as it was. The price: who signs in within [`CLOCK_SKEW`] after a revocation
/// signs in once more.
///
/// # Errors
/// [`ApiError::Unavailable`] when it could not be committed.
pub async fn take_back(
    server: &Arc<Server>,
    app: &App,
    target: RevocationTarget,
    expires_at: Timestamp,
) -> Result<Timestamp, ApiError> {
    take_back_at(server, &[app], target, expires_at).await
}

/// The same at several apps, in one commit.
///
/// # Errors
/// As for one.
pub async fn take_back_at(
    server: &Arc<Server>,
    apps: &[&App],
    target: RevocationTarget,
    expires_at: Timestamp,
) -> Result<Timestamp, ApiError> {
    let now = server.now();
    let rows: Vec<_> = apps
        .iter()
        .map(|app| {
            server.metrics.revoked(app);
            let before = up_to(server, app, &target, (now, expires_at));
            let target = target.clone();
            (*app, Revocation { app: app.name.clone(), target, before, revoked_at: now, expires_at })
        })
        .collect();
    let all = &rows;
    server
        .decide(|| async move {
            let mut changes = Changes::default();
            for (app, row) in all {
                changes.push(Change::Revocation(row.clone()));
                if app.accounts.is_some() {
                    changes.extend(sessions_with(server, row).await?);
                }
                changes.push(taken_back(app, row).into());
            }
            Ok(((), changes))
        })
        .await?;
    Ok(rows.iter().map(|(_, row)| row.before).max().unwrap_or(now))
}

/// Up to when tokens were made that a revocation concerns, of `now` and its end.
fn up_to(
    server: &Server,
    app: &App,
    target: &RevocationTarget,
    (now, expires_at): (Timestamp, Timestamp),
) -> Timestamp {
    match target {
        RevocationTarget::Token(id) => TokenId::made_at(id),
        // A session that ends with them may be giving a token at this moment.
        RevocationTarget::Subject(_) | RevocationTarget::App
            if server.store.is_exclusive() && app.accounts.is_none() =>
        {
            now
        }
        RevocationTarget::Subject(_) | RevocationTarget::App => now + CLOCK_SKEW,
        // What is being made at this moment too.
        RevocationTarget::Session(_) => expires_at,
        RevocationTarget::Access(_) => now,
    }
}

/// What is told of it. The app's name for a person is no name for a log.
fn taken_back(app: &App, revocation: &Revocation) -> Event {
    let event = Event::new(EventKind::TokenRevoked).at(&app.name).within(&app.realm);
    match &revocation.target {
        RevocationTarget::Token(id) => event.by_method("token").on(&id.to_string()),
        RevocationTarget::Subject(_) => event.by_method("subject"),
        RevocationTarget::App => event.by_method("app"),
        RevocationTarget::Session(id) => event.by_method("session").on(&id.to_string()),
        RevocationTarget::Access(_) => event.by_method("access"),
    }
}

/// The end of the sessions that tokens like the revoked ones would be made from again, and of the sign-ins under way in
/// which something was proven before.
async fn sessions_with(server: &Server, revocation: &Revocation) -> Result<Changes, ApiError> {
    let mut changes = Changes::default();
    match &revocation.target {
        RevocationTarget::App => {
            changes.push(Change::SessionsOfAppEnded(revocation.app.clone()));
            changes.push(FlowChange::DroppedAt(revocation.app.clone(), None).into());
        }
        RevocationTarget::Subject(subject) => {
            let Some(known) = server.store.subject(*subject).await? else { return Ok(changes) };
            // At this app alone: the subject may be one of another realm, whose operator is not asked.
            changes.push(FlowChange::DroppedAt(revocation.app.clone(), Some(known.user)).into());
            let sessions = server.store.sessions_of(known.user).await?;
            for session in sessions.iter().filter(|session| session.app == revocation.app) {
                changes.extend(session::end(session, revocation.revoked_at));
            }
        }
        RevocationTarget::Token(_) | RevocationTarget::Session(_) | RevocationTarget::Access(_) => {}
    }
    Ok(changes)
}

fn end_of(exp: i64) -> Timestamp {
    Timestamp::from_millis(exp.saturating_mul(1000)) + Span::from_minutes(1)
}

/// The app that speaks at `/oauth2`, by its secret key as Bearer or as `client_secret_basic`, and its form.
pub(super) async fn client(server: &Arc<Server>, request: Request) -> Result<(Arc<App>, Form), OauthError> {
    let (app, key) = {
        let headers = request.headers();
        let basic = headers.single("authorization")?.and_then(basic_secret);
        let bearer = bearer(headers)?.map(str::to_owned);
        let text = basic.or(bearer).ok_or(OauthError::invalid_client())?;
        authenticate(server, &text, server.now()).map_err(OauthError::from_key)?
    };
    if key.kind != ApiKeyKind::Secret {
        return Err(OauthError::invalid_client());
    }
    Form::expect(request.headers())?;
    let bytes = body(request, Form::LONGEST).await?;
    Ok((app, Form::read(&bytes)?))
}

/// The password of `Basic` credentials, form-decoded (RFC 6749, 2.3.1).
fn basic_secret(value: &str) -> Option<String> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = data_encoding::BASE64.decode(encoded.trim().as_bytes()).ok()?;
    let (_, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    percent_encoding::percent_decode_str(secret).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}
