//! `POST /v1/challenges`: a code or a link is mailed, and the caller gets what it needs to finish.

mod body;

use countersign_domain::{
    app::App,
    challenge::{self, Person, Purpose, Start, Started},
    changes::{Change, Changes, Idempotency},
    contact::ContactKey,
    id::ChallengeId,
    identifier::EmailAddress,
    message::Message,
    refusal::Refusal,
    secret::{Digest, Secret},
    time::{Span, Timestamp},
    token::SecretToken,
    user::UserStatus,
    vault::Vault as _,
};
use http::{HeaderValue, StatusCode};

pub use self::body::{EndUser, PurposeName, Recipient, StartBody, StartedBody};
use super::{Answer, answer, challenge::parse_binding, rfc3339};
use crate::{
    accounts,
    call::{Call, Json},
    error::ApiError,
    keys::Context,
    outbox::{LEASE, Payload},
    user_passwords,
};

/// Longest `Idempotency-Key` in bytes.
const LONGEST_IDEMPOTENCY_KEY: usize = 255;

/// What a challenge is started for, beyond what its body says.
pub(super) struct Aim {
    /// What the proof is for.
    pub purpose: Purpose,
    /// What the member with the address is called.
    pub member: &'static str,
    /// The hash of the password that the person wishes.
    pub wish: Option<Secret<String>>,
}

/// What is the same at every try of a start.
pub(super) struct Prepared {
    body: StartBody,
    aim: Aim,
    address: EmailAddress,
    former_binding: Option<SecretToken>,
    idempotency: Option<(Digest, Digest)>,
    /// Whether it is a person's own account that the address is for: then who may come to the app is not asked.
    for_account: bool,
}

/// What a try ends in.
enum Outcome {
    Started(Box<Started>, Option<Box<Payload>>),
    Repeated(Idempotency),
    Refused(ApiError),
}

/// Start a challenge: mail a code, a link or both.
#[utoipa::path(post, path = "/v1/challenges", tag = "challenges", request_body = StartBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "Repeat safely: the same key and body start one challenge")),
    security(("secret_key" = []), ("publishable_key" = [])),
    responses((status = 201, description = "It was started", body = StartedBody)))]
pub async fn start(call: Call, Json(body, bytes): Json<StartBody>) -> Answer<StartedBody> {
    let aim = Aim { purpose: body.purpose.into(), member: "to.email", wish: None };
    if aim.purpose == Purpose::SignIn
        && call.app.accounts.is_some()
        && !call.server.policy(&call.app).has_mail()
    {
        return Err(ApiError::Refused(Refusal::MethodNotOffered));
    }
    let prepared = prepare(&call, body, &bytes, aim)?;
    prepared.limit(&call)?;
    run(&call, &prepared).await
}

impl Prepared {
    /// Takes one request from the person's network's budget.
    pub(super) fn limit(&self, call: &Call) -> Result<(), ApiError> {
        call.limit_network(self.body.end_user.as_ref().and_then(|user| user.ip))
    }

    /// Says that a person wants the address for their own account.
    pub(super) fn for_account(mut self) -> Self {
        self.for_account = true;
        self
    }

    /// Adds the hash of the password that the person wishes.
    pub(super) fn wish(&mut self, hash: Secret<String>) {
        self.aim.wish = Some(hash);
    }
}

/// Starts what was prepared, within the limits of the network.
pub(super) async fn run(call: &Call, prepared: &Prepared) -> Answer<StartedBody> {
    let server = &call.server;
    match attempt(call, prepared).await? {
        Outcome::Started(started, _) => {
            let mut body = body_of(&call.app, &started);
            body.binding = body.binding.filter(|_| !prepared.body.binding_cookie);
            let mut answered = answer(StatusCode::CREATED, body);
            if prepared.body.binding_cookie || call.origin.as_deref() == Some(server.issuer().as_str()) {
                crate::pages::link::remember(server, answered.response_mut(), &started);
            }
            Ok(answered)
        }
        Outcome::Repeated(idempotency) => repeat(call, &idempotency).await,
        Outcome::Refused(error) => Err(error),
    }
}

/// The same for a sign-in that is under way, which keeps the binding itself.
pub(super) async fn begin(call: &Call, prepared: &Prepared) -> Result<StartedBody, ApiError> {
    match attempt(call, prepared).await? {
        Outcome::Started(started, _) => Ok(body_of(&call.app, &started)),
        Outcome::Repeated(_) => Err(ApiError::Internal),
        Outcome::Refused(error) => Err(error),
    }
}

async fn attempt(call: &Call, prepared: &Prepared) -> Result<Outcome, ApiError> {
    let (server, app) = (&call.server, &call.app);
    let person = server.keys.contact(Some(&app.name), &prepared.address);
    let _lane = server.lanes.enter(&person).await;
    let quota = tokio::sync::OnceCell::new();
    let quota = &quota;
    let mut outcome = server.decide(|| decide(call, prepared, person, quota)).await?;
    if let Outcome::Started(_, payload) = &mut outcome {
        if let Some(payload) = payload.take() {
            server.outbox.offer(*payload);
        }
        server.metrics.started(app);
    }
    Ok(outcome)
}

/// Reads what a start is asked with. `bytes` are what an `Idempotency-Key` is remembered with.
pub(super) fn prepare(call: &Call, body: StartBody, bytes: &[u8], aim: Aim) -> Result<Prepared, ApiError> {
    let invalid =
        |member, code, detail: &str| ApiError::InvalidMember { member, code, detail: detail.to_owned() };
    if !call.is_secret() && (body.end_user.is_some() || body.subject.is_some() || body.content.is_some()) {
        return Err(ApiError::KeyKind("secret"));
    }
    if call.is_secret() && body.binding_cookie {
        return Err(ApiError::KeyKind("publishable"));
    }
    let address = EmailAddress::parse(&body.to.email)
        .map_err(|error| invalid(aim.member, error.code(), &error.to_string()))?;
    let former_binding = match &body.binding {
        Some(text) => Some(parse_binding(text)?),
        None => call.held_binding.clone().filter(|_| body.binding_cookie),
    };
    if body.locale.as_ref().is_some_and(|locale| locale.len() > 200) {
        return Err(invalid("locale", "locale_too_long", "at most 200 characters"));
    }
    crate::outbox::check_caller_text(body.subject.as_deref(), body.content.as_deref())
        .map_err(|(member, detail)| invalid(member, "text_not_allowed", &detail))?;
    let idempotency = match &call.idempotency_key {
        Some(key) if key.is_empty() || key.len() > LONGEST_IDEMPOTENCY_KEY => {
            return Err(invalid("Idempotency-Key", "idempotency_key_length", "1 to 255 characters"));
        }
        Some(key) => {
            let origin = call.origin.as_deref().unwrap_or_default();
            let id = [call.key.id.bytes().as_slice(), origin.as_bytes(), key.as_bytes()];
            Some((call.server.keys.idempotency(&id), call.server.keys.idempotency(&[bytes])))
        }
        None => None,
    };
    Ok(Prepared { body, aim, address, former_binding, idempotency, for_account: false })
}

async fn decide(
    call: &Call,
    prepared: &Prepared,
    person: Digest,
    quota: &tokio::sync::OnceCell<Result<bool, Span>>,
) -> Result<(Outcome, Changes), ApiError> {
    let (server, app) = (&call.server, &call.app);
    let now = server.now();
    if let Some(outcome) = earlier(call, prepared, now).await? {
        return Ok((outcome, Changes::default()));
    }
    let everywhere = server.keys.contact(None, &prepared.address);
    let at_app = ContactKey { app: Some(app.name.clone()), digest: person };
    let at_all = ContactKey { app: None, digest: everywhere };
    let [contact, everywhere] = server.store.contacts([at_app, at_all]).await?;
    let live = server.store.listed_challenges(&contact).await?;
    let mut random = server.random();
    let id = ChallengeId::new(now, &mut *random);
    let seal = |column, plain: &[u8], random: &mut dyn countersign_domain::random::Random| {
        let place = Context { table: "challenge", column, id: id.bytes() };
        server.keys.seal(random, &place, plain).map_err(|_| ApiError::Internal)
    };
    let sealed_address = (app.token.address_claim || app.accounts.is_some())
        .then(|| seal("sealed_address", prepared.address.canonical().as_bytes(), &mut *random));
    let origin = crate::pages::Requested::describe(call, prepared.body.end_user.as_ref());
    let start = Start {
        app,
        id,
        address: &prepared.address,
        purpose: prepared.aim.purpose,
        former_binding: prepared.former_binding.as_ref(),
        sealed_address: sealed_address.transpose()?,
        sealed_origin: origin
            .map(|origin| seal("sealed_origin", origin.as_bytes(), &mut *random))
            .transpose()?,
        now,
    };
    let decision = challenge::start(start, Person { contact, everywhere, live }, &server.keys, &mut *random);
    let mut changes = decision.changes;
    let mut started = match decision.outcome {
        Ok(started) => started,
        Err(refusal) => return Ok((Outcome::Refused(refusal.into()), changes)),
    };
    match quota.get_or_try_init(|| take_quota(call, now)).await? {
        Ok(within_total) => started.deliver &= within_total,
        Err(wait) => return Ok((Outcome::Refused(ApiError::AppLimit(*wait)), Changes::default())),
    }
    started.deliver &= prepared.for_account || may_be_reached(call, prepared).await?;
    if let Some(hash) = &prepared.aim.wish {
        let end = started.challenge.keep_until;
        changes.push(user_passwords::wish(server, started.challenge.id, hash, end)?);
    }
    let payload = Payload::new(call, &prepared.body, &prepared.address, &started);
    changes.push(Change::Message(message(call, &payload, &started, &mut *random)?));
    if let Some((id, body)) = prepared.idempotency {
        let challenge = started.challenge.id;
        changes.push(Change::Idempotency(Idempotency { id, body, challenge, expires_at: now + Span::DAY }));
    }
    Ok((Outcome::Started(Box::new(started), Some(Box::new(payload))), changes))
}

/// Whether the mail is to be sent: to people who can get in with it.
async fn may_be_reached(call: &Call, prepared: &Prepared) -> Result<bool, ApiError> {
    if prepared.aim.purpose != Purpose::ResetPassword {
        return accounts::may_come(call, &prepared.address).await;
    }
    let user = accounts::user_of(&call.server, &call.app.realm, &prepared.address).await?;
    Ok(user.is_some_and(|user| user.status == UserStatus::Active))
}

/// What the same `Idempotency-Key` led to before.
async fn earlier(call: &Call, prepared: &Prepared, now: Timestamp) -> Result<Option<Outcome>, ApiError> {
    let Some((id, body)) = prepared.idempotency else { return Ok(None) };
    let found = call.server.store.idempotency(id).await?.filter(|found| found.expires_at > now);
    Ok(found.map(|found| {
        let same = found.body == body;
        if same { Outcome::Repeated(found) } else { Outcome::Refused(ApiError::IdempotencyKeyReused) }
    }))
}

/// One message of the app's and of the server's. `Ok(false)` when the server's are used up: that is not told.
async fn take_quota(call: &Call, now: Timestamp) -> Result<Result<bool, Span>, ApiError> {
    let server = &call.server;
    if let Err(wait) = server.quotas.take_app(&server.store, &call.app, now).await? {
        return Ok(Err(wait));
    }
    let limit = server.config.load().limits.messages_per_day;
    let within = server.quotas.take_total(&server.store, limit, now).await?.is_ok();
    if !within {
        tracing::warn!("the messages of all apps for today are used up: this one is promised and not sent");
    }
    Ok(Ok(within))
}

fn message(
    call: &Call,
    payload: &Payload,
    started: &Started,
    random: &mut dyn countersign_domain::random::Random,
) -> Result<Message, ApiError> {
    let challenge = &started.challenge;
    let sealed = payload.seal(&call.server.keys, random).map_err(|_| ApiError::Internal)?;
    Ok(Message {
        id: payload.id,
        app: challenge.app.clone(),
        deliver: started.deliver,
        sealed,
        attempts: 0,
        due_at: challenge.created_at + LEASE,
        created_at: challenge.created_at,
        expires_at: challenge.expires_at,
    })
}

fn body_of(app: &App, started: &Started) -> StartedBody {
    let challenge = &started.challenge;
    StartedBody {
        id: challenge.id.to_string(),
        binding: Some(started.binding.expose().to_owned()),
        confirmation_number: Some(challenge.confirmation.to_string()),
        expires_at: rfc3339(challenge.expires_at),
        resend_after: rfc3339(challenge.created_at + app.challenge.resend_pause + Span::from_millis(999)),
    }
}

/// The answer of an earlier request with the same `Idempotency-Key` and body, without its secrets.
async fn repeat(call: &Call, idempotency: &Idempotency) -> Answer<StartedBody> {
    let found = call.server.store.challenge(idempotency.challenge).await?;
    let challenge = found.ok_or(ApiError::Refused(Refusal::ChallengeOver))?;
    let body = StartedBody {
        id: challenge.id.to_string(),
        binding: None,
        confirmation_number: None,
        expires_at: rfc3339(challenge.expires_at),
        resend_after: rfc3339(
            challenge.created_at + call.app.challenge.resend_pause + Span::from_millis(999),
        ),
    };
    let mut answered = answer(StatusCode::CREATED, body);
    answered.response_mut().headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    Ok(answered)
}
