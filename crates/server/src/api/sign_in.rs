//! `/v1/sign-in`: a sign-in as a walk. Each answer says what is done and what may come next, so that a client needs to
//! know no rule; the rules are the policy's, and the same wherever a proof is given.

mod body;
mod factors;
mod mails;
mod new_factors;

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::post,
};
use countersign_domain::{
    app::App,
    assurance::{Assurance, Level, Method},
    challenge::Purpose,
    changes::{Change, Changes, FlowChange},
    credential::CredentialKind,
    identifier::EmailAddress,
    pending_sign_in::PendingSignIn,
    policy::Verdict,
    refusal::Refusal,
    session::Session,
    sign_in::SignedIn,
    time::Span,
};
use http::StatusCode;

pub use self::body::{BeginSignInBody, MailedBody, SignInBody, SignInStepBody};
use self::{factors::Typed, new_factors::Made};
use super::{
    Answer, Answered, answer,
    challenge::{TokenBody, answer_signed_in, parse_binding},
    mailbox,
    password::{self, sign_in::Name},
    rfc3339, username,
};
use crate::{
    accounts::{Entry, accepted_session, address_claim, held_session, primary_address},
    call::{Call, Json, Named},
    credentials::is_fresh,
    error::ApiError,
    flow::{self, FlowKey, Pending, Said},
    tokens::Grant,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<crate::state::Server>> {
    Router::new().route("/v1/sign-in", post(begin)).route("/v1/sign-in/{id}", post(go_on))
}

/// Begin a sign-in. The answer is the same for everybody, known or not.
#[utoipa::path(post, path = "/v1/sign-in", operation_id = "begin_sign_in", tag = "sign-in",
    request_body = BeginSignInBody,
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 201, description = "It began", body = SignInBody)))]
pub async fn begin(call: Call, Json(body, _): Json<BeginSignInBody>) -> Answer<SignInBody> {
    let pending = begin_as(&call, body).await?;
    Ok(answer(StatusCode::CREATED, body_of(&call, &pending)))
}

/// Begins a sign-in, for whoever answers with it.
pub(crate) async fn begin_as(call: &Call, body: BeginSignInBody) -> Result<Pending, ApiError> {
    call.limit_network(None)?;
    if call.app.accounts.is_none() {
        return Err(ApiError::invalid(
            "app",
            "say accounts = \"realm\": without, a challenge is all there is",
        ));
    }
    let asked = level(&body.acr_values)?;
    let address = body.email.as_deref().map(mailbox).transpose()?;
    if let Some(name) = &body.username {
        username(name)?;
    }
    let names = usize::from(body.email.is_some()) + usize::from(body.username.is_some());
    if names + usize::from(body.step_up) > 1 {
        return Err(ApiError::invalid("email", "expected one of email, username, and step_up"));
    }
    if body.step_up {
        return call.server.decide(|| step_up(call, asked, body.max_age)).await;
    }
    if body.max_age.is_some() {
        return Err(ApiError::invalid("max_age", "only with step_up: a sign-in proves everything anew"));
    }
    let (row, binding) = if names == 0 {
        flow::nameless(call, asked)?
    } else {
        let email = address.map(|address| address.canonical().to_owned());
        let said = Said { email, username: body.username, challenge: None };
        let (row, binding) = flow::fresh(call, &said, asked)?;
        call.server.commit(Changes(vec![FlowChange::Saved(row.clone()).into()])).await?;
        (row, binding)
    };
    let verdict = Verdict::More(call.server.policy(&call.app).beginnings());
    Ok(Pending { row, verdict, binding: Some(binding) })
}

/// A sign-in that goes on from the session that the browser holds, to no less than that. The user is written too: whatever
/// throws them out at this moment is before or after it.
async fn step_up(call: &Call, asked: Level, max_age: Option<i64>) -> Result<(Pending, Changes), ApiError> {
    let (server, policy, now) = (&call.server, call.server.policy(&call.app), call.server.now());
    let session = session_of(call).await?;
    let user = server.store.user(session.user).await?.ok_or(ApiError::Refused(Refusal::SessionOver))?;
    let Assurance { methods, proven_at } = session.assurance;
    let asked = asked.max(methods.level());
    let (mut row, binding) = flow::fresh(call, &Said::default(), asked)?;
    row.user = Some(user.id);
    let mut verdict = Verdict::More(policy.beginnings());
    let life = max_age.map_or(server.realm(&row.realm).session.absolute, Span::from_seconds);
    if now.since(proven_at) < life {
        let judged = policy.judge(methods, flow::holdings(call, &policy, user.id).await?, asked);
        // Whoever is to make a factor shows first who they are, as on the pages of an account.
        if !matches!(judged, Verdict::Enrol(_)) || is_fresh(proven_at, now) {
            (row.methods, row.proven_at, verdict) = (methods, Some(proven_at), judged);
        }
    }
    if verdict == Verdict::Enough {
        return Err(ApiError::invalid("step_up", "the session is strong enough: there is nothing to add"));
    }
    let changes = vec![Change::User(user), FlowChange::Saved(row.clone()).into()];
    Ok((Pending { row, verdict, binding: Some(binding) }, Changes(changes)))
}

/// Go on with a sign-in: give a proof, or ask for a mail. 200 is a session; 202 says what may come next.
#[utoipa::path(post, path = "/v1/sign-in/{id}", operation_id = "go_on_with_sign_in", tag = "sign-in",
    request_body = SignInStepBody,
    params(("id" = String, Path, description = "The sign-in")),
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 200, description = "Signed in", body = TokenBody),
        (status = 202, description = "What may come next", body = SignInBody)))]
pub async fn go_on(
    call: Call,
    Named(id): Named,
    Json(body, _): Json<SignInStepBody>,
) -> Result<Response, ApiError> {
    let id = id.parse().map_err(|_| ApiError::Refused(Refusal::SignInOver))?;
    let key = FlowKey { id, binding: parse_binding(body.binding())? };
    let entry = match step(&call, &key, body).await? {
        Step::Asked(answered) => return Ok(answered.into_response()),
        Step::Proven(entry) => entry.inspect_err(|_| call.server.metrics.refused_proof(&call.app))?,
    };
    match entry {
        Entry::Pending(pending) => Ok(answer(StatusCode::ACCEPTED, body_of(&call, &pending)).into_response()),
        signed_in => answer_entry(&call, signed_in).await.map(IntoResponse::into_response),
    }
}

/// Gives one proof of a sign-in that is under way.
pub(super) async fn prove(
    call: &Call,
    key: &FlowKey,
    body: SignInStepBody,
) -> Result<Result<Entry, Refusal>, ApiError> {
    match step(call, key, body).await? {
        Step::Proven(entry) => Ok(entry),
        Step::Asked(_) => Err(ApiError::Refused(Refusal::MethodNotOffered)),
    }
}

/// What a step was.
pub(crate) enum Step {
    /// A question, and its answer.
    Asked(Answered<SignInBody>),
    /// A proof, and what it led to.
    Proven(Result<Entry, Refusal>),
}

/// Takes a step of a sign-in that is under way, for whoever answers with what it led to.
pub(crate) async fn step(call: &Call, key: &FlowKey, body: SignInStepBody) -> Result<Step, ApiError> {
    use SignInStepBody as Body;
    Ok(match body {
        Body::Mail { locale, end_user, .. } => Step::Asked(mails::send(call, key, locale, end_user).await?),
        Body::PasskeyOptions { .. } => Step::Asked(factors::passkey_options(call, key).await?),
        Body::NewPasskeyOptions { .. } => Step::Asked(new_factors::passkey_options(call, key).await?),
        Body::NewTotpOptions { .. } => Step::Asked(new_factors::totp_options(call, key).await?),
        Body::Code { code, .. } => {
            call.limit_network(None)?;
            Step::Proven(mails::code_or_link(call, key, Some(&code)).await?)
        }
        Body::Link { .. } => {
            call.limit_polls()?;
            Step::Proven(mails::code_or_link(call, key, None).await?)
        }
        Body::Password { password, end_user, .. } => {
            let row = flow::find(&call.server, &call.app, key, call.now).await?;
            let name = name_of(call, &row).await?;
            factors::offered(call, &row, &[Method::Password]).await?;
            let proven = password::sign_in::prove(call, &name, &password, end_user.as_ref(), Some(key));
            Step::Proven(proven.await?)
        }
        Body::Passkey { credential, trust_device, .. } => {
            Step::Proven(factors::passkey(call, key, (&credential, trust_device)).await?)
        }
        Body::Totp { code, trust_device, .. } => {
            Step::Proven(factors::typed(call, key, (Typed::Totp(&code), trust_device)).await?)
        }
        Body::RecoveryCode { code, .. } => {
            Step::Proven(factors::typed(call, key, (Typed::RecoveryCode(&code), false)).await?)
        }
        Body::NewPasskey { credential, label, .. } => {
            let made = (Made::Passkey(&credential), label.as_deref());
            Step::Proven(new_factors::add(call, key, made).await?)
        }
        Body::NewTotp { ceremony, code, label, .. } => {
            let ceremony = ceremony.parse().map_err(|_| ApiError::Refused(Refusal::CeremonyOver))?;
            let made = (Made::Totp(ceremony, &code), label.as_deref());
            Step::Proven(new_factors::add(call, key, made).await?)
        }
    })
}

/// The mailbox that a sign-in is about: the one that it began with, or the first of who it is known to be.
async fn address_of(call: &Call, row: &PendingSignIn) -> Result<EmailAddress, ApiError> {
    if let Some(address) = flow::open(&call.server, row)?.address()? {
        return Ok(address);
    }
    let known = match row.user {
        Some(user) => primary_address(&call.server, user).await?,
        None => None,
    };
    known.ok_or_else(|| ApiError::invalid("email", "begin the sign-in with an email for this method"))
}

/// By which name a password is looked for.
async fn name_of(call: &Call, row: &PendingSignIn) -> Result<Name, ApiError> {
    match flow::open(&call.server, row)?.username {
        Some(name) => username(&name).map(Name::Username),
        None => address_of(call, row).await.map(Name::Email),
    }
}

/// What must follow in a sign-in that is under way.
pub(crate) async fn verdict_of(call: &Call, row: &PendingSignIn) -> Result<Verdict, ApiError> {
    let policy = call.server.policy(&call.app);
    Ok(match row.user.filter(|_| !row.methods.is_empty()) {
        Some(user) => policy.judge(row.methods, flow::holdings(call, &policy, user).await?, row.asked),
        None => Verdict::More(policy.beginnings()),
    })
}

/// The live session that the browser holds, where it is one of this app.
async fn session_of(call: &Call) -> Result<Session, ApiError> {
    if call.is_secret() {
        return Err(ApiError::KeyKind("publishable"));
    }
    let mut held = Vec::new();
    if let Some(cookie) = &call.session_cookie {
        held.extend(held_session(&call.server, cookie).await?);
    }
    if let Some(token) = &call.held_refresh {
        held.extend(accepted_session(&call.server, token, call.now).await?);
    }
    let App { name, realm, .. } = &*call.app;
    let is_here = |session: &Session| session.app == *name && session.realm == *realm;
    let found = held.into_iter().find(|session| is_here(session) && session.is_live(call.now));
    found.ok_or(ApiError::Refused(Refusal::SessionOver))
}

/// The weakest of the levels that are asked for: any of them is enough.
pub(crate) fn level(acr_values: &[String]) -> Result<Level, ApiError> {
    let levels: Option<Vec<Level>> = acr_values.iter().map(|acr| Level::from_acr(acr)).collect();
    let unknown = || ApiError::invalid("acr_values", "expected urn:countersign:mailbox, aal1 or aal2");
    Ok(levels.ok_or_else(unknown)?.into_iter().min().unwrap_or(Level::Mailbox))
}

/// The steps that may come next, by their names.
pub(crate) fn steps_of(call: &Call, verdict: &Verdict) -> Vec<&'static str> {
    let has_passwords = call.server.realm(&call.app.realm).passwords;
    let Verdict::More(methods) = verdict else { return Vec::new() };
    let mut steps = Vec::new();
    for method in methods {
        let name = match method {
            Method::Code | Method::Link => "mail",
            Method::Password if !has_passwords => continue,
            method => method.name(),
        };
        if !steps.contains(&name) {
            steps.push(name);
        }
    }
    steps
}

/// How a sign-in stands, in the words of the interface.
fn body_of(call: &Call, pending: &Pending) -> SignInBody {
    let Pending { row, verdict, binding } = pending;
    let enrol = match verdict {
        Verdict::Enrol(kinds) => kinds.iter().copied().map(CredentialKind::name).collect(),
        Verdict::Enough | Verdict::More(_) => Vec::new(),
    };
    SignInBody {
        id: row.id.to_string(),
        binding: binding.as_ref().map(|binding| binding.expose().to_owned()),
        expires_at: rfc3339(row.expires_at),
        done: row.methods.iter().map(Method::name).collect(),
        next: steps_of(call, verdict),
        enrol,
        challenge: None,
        passkey: None,
        new_passkey: None,
        new_totp: None,
    }
}

/// The refusal of a route that knows no sign-ins under way: it says how this one goes on.
fn more_needed(call: &Call, pending: &Pending) -> ApiError {
    match serde_json::to_value(body_of(call, pending)) {
        Ok(body) => ApiError::MoreNeeded(Box::new(body)),
        Err(_) => ApiError::Internal,
    }
}

/// A session, where a proof was enough for one; else it is told how the sign-in goes on.
pub(super) fn signed_in(call: &Call, entry: Entry) -> Result<Box<SignedIn>, ApiError> {
    match entry {
        Entry::SignedIn(signed_in) => Ok(signed_in),
        Entry::Pending(pending) => Err(more_needed(call, &pending)),
    }
}

/// The answer to a proof that was enough.
pub(super) async fn answer_entry(call: &Call, entry: Entry) -> Answer<TokenBody> {
    let signed_in = signed_in(call, entry)?;
    let session = &signed_in.session;
    let address = address_claim(&call.server, &call.app, session.user).await?;
    let grant = Grant {
        purpose: Purpose::SignIn,
        subject: session.subject,
        assurance: session.assurance,
        address: address.as_deref(),
        session: Some(session),
    };
    answer_signed_in(call, &grant, Some(&signed_in))
}
