//! `/v1/challenges`: start, verify, redeem, and the status for a page that waits.

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};
use countersign_domain::{
    app::App,
    challenge::{self, Attempt, Challenge, Proof, Purpose, Status},
    changes::{Changes, Decision},
    code::Code,
    contact::{Contact, ContactKey},
    id::ChallengeId,
    identifier::EmailAddress,
    refresh::RefreshToken,
    refusal::Refusal,
    session::{Holder, Session},
    sign_in::SignedIn,
    time::{Span, Timestamp},
    token::SecretToken,
    vault::Vault,
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Answer, Answered, answer, rfc3339, sign_in::signed_in, start};
use crate::{
    accounts::{Passed, complete, holds_tokens, proven_address, remember},
    call::{Call, Json, Named},
    config::CookieKind,
    cookie,
    error::ApiError,
    state::Server,
    tokens::{self, Grant, Issued},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/challenges", post(start::start))
        .route("/v1/challenges/{id}", get(status))
        .route("/v1/challenges/{id}/verify", post(verify))
        .route("/v1/challenges/{id}/redeem", post(redeem))
}

/// A code as it was typed, with the binding that the start handed out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyBody {
    /// The code; spaces and hyphens are ignored, letters may be small.
    #[schema(min_length = 6, max_length = 64)]
    pub code: String,
    /// What the start answered as `binding`. Left out where the browser holds it in a cookie.
    #[serde(default)]
    #[schema(min_length = 32, max_length = 32)]
    pub binding: Option<String>,
}

/// The binding that the start handed out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemBody {
    /// What the start answered as `binding`. Left out where the browser holds it in a cookie.
    #[serde(default)]
    #[schema(min_length = 32, max_length = 32)]
    pub binding: Option<String>,
}

/// What a proof is worth.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenBody {
    /// An access token (`purpose` sign_in).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// A proof that the address is this person's (`purpose` confirm_address). Opens nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// `Bearer` beside an access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// For how many seconds it is good.
    pub expires_in: i64,
    /// Gives the next access token, once: see `POST /oauth2/token`. Where the app has accounts, for secret keys; a
    /// page gets a cookie instead, or both tokens in cookies where the app says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The session that began, where the app has accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The person, as this app knows them, for ever.
    pub subject: String,
    /// What the proof is worth.
    pub acr: &'static str,
    /// How it was given (RFC 8176).
    pub amr: Vec<&'static str>,
    /// When it was given.
    pub auth_time: i64,
}

/// How far a challenge has come.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatusBody {
    /// The challenge.
    pub id: String,
    /// `passed` means: redeem it now.
    pub status: StatusName,
    /// When it is over.
    pub expires_at: String,
}

/// How far a challenge has come.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusName {
    /// Waits for its code or link.
    Pending,
    /// Its link was approved: redeem it.
    Passed,
    /// Its proof was given.
    Spent,
    /// Ended without a proof.
    Failed,
    /// Ran out of time.
    Expired,
}

/// Check a code against its challenge.
#[utoipa::path(post, path = "/v1/challenges/{id}/verify", tag = "challenges", request_body = VerifyBody,
    params(("id" = String, Path, description = "The challenge")),
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 200, description = "What the proof is worth", body = TokenBody)))]
pub async fn verify(call: Call, Named(id): Named, Json(body, _): Json<VerifyBody>) -> Answer<TokenBody> {
    call.limit_network(None)?;
    let id = challenge_id(&id)?;
    let code = parse_code(&body.code)?;
    let binding = binding_of(&call, body.binding.as_deref())?;
    let proof = prove(&call, id, (&code, &binding)).await?;
    finish(&call, proof)
}

/// Checks a code against its challenge.
pub(super) async fn prove(
    call: &Call,
    id: ChallengeId,
    (code, binding): (&Code, &SecretToken),
) -> Result<Result<Passed, Refusal>, ApiError> {
    let (server, app) = (&call.server, &call.app);
    let failures = server.lanes.failures();
    let found = find_with_contact(server, app, id).await?;
    not_for_password(&found.0)?;
    let lane = server.lanes.enter(&found.0.contact).await;
    // Whoever did not have to wait decides on what was just read, unless somebody failed meanwhile: a right code must
    // not pass on a budget that is gone.
    let mut found = (!lane.waited && server.lanes.failures() == failures).then_some(found);
    let proof = server
        .decide(|| {
            let found = found.take();
            async move {
                let (challenge, contact) = match found {
                    Some(found) => found,
                    None => find_with_contact(server, app, id).await?,
                };
                let person = challenge.contact;
                let decision = judge(call, (challenge, contact), binding, Some(code)).await?;
                complete(call, person, decision, None).await
            }
        })
        .await?;
    if proof.is_err() {
        server.lanes.note_failure();
    }
    Ok(proof)
}

/// Fetch the token after the link was approved, once.
#[utoipa::path(post, path = "/v1/challenges/{id}/redeem", tag = "challenges", request_body = RedeemBody,
    params(("id" = String, Path, description = "The challenge")),
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 200, description = "What the proof is worth", body = TokenBody)))]
pub async fn redeem(call: Call, Named(id): Named, Json(body, _): Json<RedeemBody>) -> Answer<TokenBody> {
    call.limit_polls()?;
    let id = challenge_id(&id)?;
    let binding = binding_of(&call, body.binding.as_deref())?;
    let (this, server, app, binding) = (&call, &call.server, &call.app, &binding);
    let found = find(&call.server, &call.app, id).await?;
    not_for_password(&found)?;
    let contact = found.contact;
    let _lane = server.lanes.enter(&contact).await;
    let proof = server
        .decide(|| async move {
            let challenge = find(server, app, id).await?;
            let presented: (&SecretToken, &dyn Vault) = (binding, &server.keys);
            let decision = challenge::redeem(app, challenge, presented, server.now());
            complete(this, contact, decision, None).await
        })
        .await;
    finish(&call, proof?)
}

/// How far a challenge has come, for a page that waits.
#[utoipa::path(get, path = "/v1/challenges/{id}", tag = "challenges",
    params(("id" = String, Path, description = "The challenge")),
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 200, description = "How far it has come", body = StatusBody)))]
pub async fn status(call: Call, Named(id): Named) -> Answer<StatusBody> {
    call.limit_polls()?;
    let challenge = find(&call.server, &call.app, challenge_id(&id)?).await?;
    let status = match challenge.status(call.now) {
        Status::Pending => StatusName::Pending,
        Status::Passed => StatusName::Passed,
        Status::Spent => StatusName::Spent,
        Status::Failed => StatusName::Failed,
        Status::Expired => StatusName::Expired,
    };
    let body = StatusBody { id: challenge.id.to_string(), status, expires_at: rfc3339(challenge.expires_at) };
    Ok(answer(StatusCode::OK, body))
}

/// What a decision answered and what it wrote, as [`Server::decide`] wants it.
pub(crate) fn decided<T>(decision: Decision<T>) -> (T, Changes) {
    (decision.outcome, decision.changes)
}

/// A challenge of this app. Another app's is not told from one that never was.
async fn find(server: &Server, app: &App, id: ChallengeId) -> Result<Challenge, ApiError> {
    let found = server.store.challenge(id).await?.filter(|challenge| challenge.app == app.name);
    found.ok_or(ApiError::Refused(Refusal::ChallengeNotFound))
}

/// Refuses a challenge that is worth a new password and no token.
fn not_for_password(challenge: &Challenge) -> Result<(), ApiError> {
    match challenge.purpose {
        Purpose::ResetPassword => Err(ApiError::Refused(Refusal::ChallengeNotFound)),
        Purpose::SignIn | Purpose::ConfirmAddress | Purpose::Register => Ok(()),
    }
}

/// The same, with the counters of the person whom it asks.
pub(crate) async fn find_with_contact(
    server: &Server,
    app: &App,
    id: ChallengeId,
) -> Result<(Challenge, Contact), ApiError> {
    let found = server.store.challenge_and_contact(id).await?;
    let found = found.filter(|(challenge, _)| challenge.app == app.name);
    found.ok_or(ApiError::Refused(Refusal::ChallengeNotFound))
}

/// What a code proves of a challenge, or where none was typed the link that was approved, to whoever has its binding.
pub(super) async fn judge(
    call: &Call,
    (challenge, contact): (Challenge, Contact),
    binding: &SecretToken,
    code: Option<&Code>,
) -> Result<Decision<Result<Proof, Refusal>>, ApiError> {
    let (server, app, now) = (&call.server, &call.app, call.server.now());
    let presented: (&SecretToken, &dyn Vault) = (binding, &server.keys);
    let Some(code) = code else { return Ok(challenge::redeem(app, challenge, presented, now)) };
    let may_wipe = app.challenge.wipe_on_failure && call.is_secret();
    let live = if may_wipe { server.store.listed_challenges(&contact).await? } else { Vec::new() };
    let attempt = Attempt { app, code, may_wipe, shared: server.is_shared(), now };
    Ok(challenge::verify(&attempt, challenge, live, contact, presented))
}

/// The counters of the person whom a challenge asked.
pub(crate) async fn contact_of(server: &Server, challenge: &Challenge) -> Result<Contact, ApiError> {
    let key = ContactKey { app: Some(challenge.app.clone()), digest: challenge.contact };
    Ok(server.store.contact(key).await?)
}

/// Turns a proof into the answer that it is worth.
pub(super) fn finish(call: &Call, passed: Result<Passed, Refusal>) -> Answer<TokenBody> {
    let (server, app) = (&call.server, &call.app);
    let Passed { proof, entry } = passed.inspect_err(|_| server.metrics.refused_proof(app))?;
    let signed_in = entry.map(|entry| signed_in(call, entry)).transpose()?;
    let address = if app.token.address_claim { proven_address(server, &proof)? } else { None };
    let session = signed_in.as_ref().map(|signed_in| &signed_in.session);
    let grant = Grant {
        purpose: proof.purpose,
        subject: session.map_or(proof.subject, |session| session.subject),
        assurance: session.map_or(proof.assurance, |session| session.assurance),
        address: address.as_ref().map(EmailAddress::canonical),
        session,
    };
    answer_signed_in(call, &grant, signed_in.as_deref())
}

/// The answer to a proof: a token, and the session's cookie for a browser.
pub(super) fn answer_signed_in(
    call: &Call,
    grant: &Grant<'_>,
    signed_in: Option<&SignedIn>,
) -> Answer<TokenBody> {
    let (server, app) = (&call.server, &call.app);
    let issued = tokens::issue(server, app, grant)?;
    server.metrics.proved(app, grant.assurance.methods);
    let body = body_of(server, grant, issued);
    let mut answered = if signed_in.is_some() && holds_tokens(call) {
        in_cookies((server, call.host.as_deref()), body, grant.session, call.now)
    } else {
        answer(StatusCode::OK, body)
    };
    for cookie in signed_in.into_iter().flat_map(|signed_in| cookies_of(call, signed_in)) {
        answered.response_mut().headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(answered)
}

/// What a browser is given to keep after a sign-in: the session, that it is known, and that it is trusted.
pub(crate) fn cookies_of(call: &Call, signed_in: &SignedIn) -> Vec<HeaderValue> {
    let config = call.server.config.load();
    let settings = &config.cookies.at(call.host.as_deref());
    let SignedIn { session, secret, device, .. } = signed_in;
    let held = secret.as_ref().filter(|_| !holds_tokens(call));
    let of_session = held.and_then(|secret| cookie::set(settings, session, secret, call.now));
    let of_device =
        device.as_ref().and_then(|(device, secret)| cookie::set(settings, device, secret, call.now));
    of_session.into_iter().chain(remember(call, session)).chain(of_device).collect()
}

/// An answer whose tokens the browser gets in cookies, where no script reads them.
pub(super) fn in_cookies(
    (server, host): (&Server, Option<&str>),
    mut body: TokenBody,
    session: Option<&Session>,
    now: Timestamp,
) -> Answered<TokenBody> {
    let config = server.config.load();
    let settings = config.cookies.at(host);
    let life = session.map_or(Span::from_seconds(body.expires_in), |session| session.idle_ends_at.since(now));
    let tokens = [
        (CookieKind::AccessToken, body.access_token.take(), Span::from_seconds(body.expires_in)),
        (CookieKind::RefreshToken, body.refresh_token.take(), life),
    ];
    body.token_type = None;
    let mut answered = answer(StatusCode::OK, body);
    for (kind, token, life) in tokens {
        if let Some(cookie) = token.and_then(|token| settings.set(kind, &token, life)) {
            answered.response_mut().headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    answered
}

/// What a token and its session look like in an answer.
pub(super) fn body_of(server: &Server, grant: &Grant<'_>, issued: Issued) -> TokenBody {
    let sign_in = grant.purpose == Purpose::SignIn;
    let (access_token, proof) = if sign_in { (Some(issued.token), None) } else { (None, Some(issued.token)) };
    let refresh_token = grant.session.and_then(|session| match session.holder {
        Holder::Refresh { generation, .. } => {
            Some(RefreshToken::make(session.id, generation, &server.keys).text())
        }
        Holder::Cookie(_) | Holder::Device(_) | Holder::Registered { .. } => None,
    });
    TokenBody {
        access_token,
        proof,
        token_type: sign_in.then_some("Bearer"),
        expires_in: issued.lifetime.seconds(),
        refresh_token,
        session: grant.session.map(|session| session.id.to_string()),
        subject: grant.subject.to_string(),
        acr: grant.assurance.acr(),
        amr: grant.assurance.methods.amr(),
        auth_time: grant.assurance.proven_at.seconds(),
    }
}

/// The id of a challenge.
pub(crate) fn challenge_id(text: &str) -> Result<ChallengeId, ApiError> {
    text.parse().map_err(|_| ApiError::Refused(Refusal::ChallengeNotFound))
}

/// The binding that a caller gives, or that their browser holds.
pub(super) fn binding_of(call: &Call, given: Option<&str>) -> Result<SecretToken, ApiError> {
    match (given, &call.held_binding) {
        (Some(text), _) => parse_binding(text),
        (None, Some(held)) => Ok(held.clone()),
        (None, None) => Err(ApiError::invalid("binding", "send what the start answered as binding")),
    }
}

/// A code as it was typed.
pub(super) fn parse_code(typed: &str) -> Result<Code, ApiError> {
    Code::parse(typed).map_err(|error| malformed(("code", "malformed_code"), &error))
}

/// A binding as it was handed out.
pub(super) fn parse_binding(text: &str) -> Result<SecretToken, ApiError> {
    SecretToken::parse(text).map_err(|error| malformed(("binding", "malformed_binding"), &error))
}

fn malformed((member, code): (&'static str, &'static str), error: &dyn std::error::Error) -> ApiError {
    ApiError::InvalidMember { member, code, detail: error.to_string() }
}
