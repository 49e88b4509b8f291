//! `/v1/me/identifiers`: what a person is found by. An address counts once its code was typed; the other addresses are
//! told, and one that goes can be brought back for seven days. Numbers are kept as given: nothing is sent to them.

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::{get, patch, post},
};
use countersign_domain::{
    account::{self, Account, Outcome},
    challenge::{self, Attempt, Purpose},
    changes::{Change, Changes, Decision},
    code::Code,
    event::{Event, EventKind},
    id::{ChallengeId, IdentifierId},
    identifier::{EmailAddress, PhoneNumber},
    refusal::Refusal,
    secret::Digest,
    time::Timestamp,
    token::SecretToken,
    user::{IdentifierKind, UserIdentifier},
    vault::Vault,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer, answer,
    challenge::{challenge_id, find_with_contact, parse_binding, parse_code},
    leaving::{Leaving, tell_primary},
    me::{fresh, user_of},
    own_call::OwnCall,
    rfc3339,
    start::StartedBody,
};
use crate::{
    accounts::{self, open_identifier, open_profile, proven_address, seal_name},
    call::{Json, Named},
    error::ApiError,
    outbox::{Notice, notice::masked},
    state::Server,
    visitor::{Person, Visitor},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/me/identifiers", get(list).post(add))
        .route("/v1/me/identifiers/{id}", patch(change).delete(remove))
        .route("/v1/me/identifiers/{id}/verify", post(verify))
}

/// Something that a person is found by.
#[derive(Debug, Serialize, ToSchema)]
pub struct IdentifierBody {
    /// Names it.
    pub id: String,
    /// `email`, `phone` or `username`.
    pub kind: &'static str,
    /// Itself.
    pub value: String,
    /// Whether it is the first of its kind to be used.
    pub primary: bool,
    /// When the person proved control of it. Only what is proven signs in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<String>,
    /// When it was added.
    pub created_at: String,
}

impl IdentifierBody {
    /// An identifier, opened.
    #[must_use]
    pub fn of(identifier: &UserIdentifier, value: String) -> Self {
        Self {
            id: identifier.id().to_string(),
            kind: identifier.kind.name(),
            value,
            primary: identifier.primary,
            verified_at: identifier.verified_at.map(rfc3339),
            created_at: rfc3339(identifier.created_at),
        }
    }
}

/// All that a person is found by: twenty at most.
#[derive(Debug, Serialize, ToSchema)]
pub struct IdentifiersBody {
    /// By kind, the primary one first.
    pub items: Vec<IdentifierBody>,
}

/// What is to be added: one of both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddIdentifierBody {
    /// A mailbox: a code is mailed to it.
    #[serde(default)]
    #[schema(max_length = 254)]
    pub email: Option<String>,
    /// A number with its country (E.164). It is kept and does not sign in: nothing is sent to numbers yet.
    #[serde(default)]
    #[schema(max_length = 42)]
    pub phone: Option<String>,
}

/// What shows that an address is the person's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyIdentifierBody {
    /// The code; absent where the mail's link was pressed.
    #[serde(default)]
    #[schema(min_length = 6, max_length = 64)]
    pub code: Option<String>,
    /// What the start answered as `binding`.
    #[schema(min_length = 32, max_length = 32)]
    pub binding: String,
    /// The id of an address that the new one takes the place of.
    #[serde(default)]
    #[schema(max_length = 30)]
    pub replaces: Option<String>,
}

/// What is to be changed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeIdentifierBody {
    /// `true`: it is the first of its kind to be used from now on.
    pub primary: bool,
}

/// What am I found by?
#[utoipa::path(get, path = "/v1/me/identifiers", operation_id = "my_identifiers", tag = "account", security(("session_cookie" = [])),
    responses((status = 200, description = "Addresses, numbers and the name", body = IdentifiersBody)))]
pub async fn list(Person(visitor): Person) -> Answer<IdentifiersBody> {
    Ok(answer(StatusCode::OK, body_of(&visitor).await?))
}

/// Add an address (a code is mailed to it) or a number. Needs a sign-in of the last ten minutes.
#[utoipa::path(post, path = "/v1/me/identifiers", operation_id = "add_identifier", tag = "account",
    request_body = AddIdentifierBody, security(("session_cookie" = [])),
    responses((status = 202, description = "A code is on its way to the address", body = StartedBody),
        (status = 201, description = "The number was added", body = IdentifierBody)))]
pub async fn add(own: OwnCall, Json(body, _): Json<AddIdentifierBody>) -> Result<Response, ApiError> {
    fresh(&own.visitor).await?;
    match (&body.email, &body.phone) {
        (Some(email), None) => {
            let user = user_of(&own.visitor).await?;
            let locale = open_profile(&own.visitor.server, &user)?.locale;
            let mut started = own.start(email, locale).await?;
            *started.response_mut().status_mut() = StatusCode::ACCEPTED;
            Ok(started.into_response())
        }
        (None, Some(phone)) => add_number(&own.visitor, phone).await,
        _ => Err(ApiError::invalid("email", "expected email or phone, and one of them alone")),
    }
}

async fn add_number(visitor: &Visitor, written: &str) -> Result<Response, ApiError> {
    let number =
        PhoneNumber::parse(written).map_err(|error| ApiError::invalid("phone", error.to_string()))?;
    let (server, number) = (&visitor.server, &number);
    let digest = server.keys.claimed_phone(visitor.session.user, number);
    let decided = server
        .decide(|| async move {
            let account = account_of(visitor).await?;
            let sealed =
                seal_name(server, &mut *server.random(), (&account.user.realm, &digest), number.as_str())?;
            let new = new_identifier(&account, IdentifierKind::Phone, (digest, sealed), (None, server.now()));
            let event = happened(EventKind::IdentifierAdded, &account).by_method("phone");
            Ok(with_event(account::add(&account, new, None), event))
        })
        .await?;
    decided?;
    let identifiers = server.store.identifiers_of(visitor.session.user).await?;
    let added = identifiers.iter().find(|known| known.digest == digest).ok_or(ApiError::Internal)?;
    let body = IdentifierBody::of(added, number.as_str().to_owned());
    Ok(answer(StatusCode::CREATED, body).into_response())
}

/// What came with a proof of an address.
struct Presented {
    challenge: ChallengeId,
    code: Option<Code>,
    binding: SecretToken,
    replaces: Option<IdentifierId>,
}

/// Type the code that was mailed to a new address. Needs a sign-in of the last ten minutes.
#[utoipa::path(post, path = "/v1/me/identifiers/{id}/verify", operation_id = "verify_identifier", tag = "account",
    params(("id" = String, Path, description = "The challenge that adding it began")),
    request_body = VerifyIdentifierBody, security(("session_cookie" = [])),
    responses((status = 200, description = "The address is the person's; all that they are found by", body = IdentifiersBody)))]
pub async fn verify(
    own: OwnCall,
    Named(id): Named,
    Json(body, _): Json<VerifyIdentifierBody>,
) -> Answer<IdentifiersBody> {
    fresh(&own.visitor).await?;
    own.call.limit_network(None)?;
    let presented = Presented {
        challenge: challenge_id(&id)?,
        code: body.code.as_deref().map(parse_code).transpose()?,
        binding: parse_binding(&body.binding)?,
        replaces: body.replaces.as_deref().map(identifier_id).transpose()?,
    };
    let (server, own, presented) = (&own.call.server, &own, &presented);
    let contact = find_with_contact(server, &own.call.app, presented.challenge).await?.0.contact;
    let _lane = server.lanes.enter(&contact).await;
    let decided = server.decide(|| prove(own, presented)).await?;
    if decided.is_err() {
        server.lanes.note_failure();
    }
    decided?;
    Ok(answer(StatusCode::OK, body_of(&own.visitor).await?))
}

async fn prove(own: &OwnCall, presented: &Presented) -> Result<(Result<(), Refusal>, Changes), ApiError> {
    let (server, app) = (&own.call.server, &own.call.app);
    let (challenge, contact) = find_with_contact(server, app, presented.challenge).await?;
    if challenge.purpose != Purpose::ConfirmAddress {
        return Ok((Err(Refusal::ChallengeOver), Changes::default()));
    }
    let (now, held) = (server.now(), (&presented.binding, &server.keys as &dyn Vault));
    let decision = match &presented.code {
        Some(code) => {
            let attempt = Attempt { app, code, may_wipe: false, shared: server.is_shared(), now };
            challenge::verify(&attempt, challenge, Vec::new(), contact, held)
        }
        None => challenge::redeem(app, challenge, held, now),
    };
    let Decision { outcome, mut changes } = decision;
    let proof = match outcome {
        Ok(proof) => proof,
        Err(refusal) => return Ok((Err(refusal), changes)),
    };
    let address = proven_address(server, &proof)?.ok_or(Refusal::ChallengeOver)?;
    let taken_in = take_in(own, &address, presented.replaces).await?;
    changes.extend(taken_in.changes);
    Ok((taken_in.outcome, changes))
}

/// Makes a proven address the person's, perhaps in place of another one; everybody who should know is told.
async fn take_in(
    own: &OwnCall,
    address: &EmailAddress,
    replaces: Option<IdentifierId>,
) -> Result<Outcome, ApiError> {
    let (server, app, account) = (&own.call.server, &own.call.app, account_of(&own.visitor).await?);
    fresh(&own.visitor).await?;
    let realm = &account.user.realm;
    let owner = accounts::user_of(server, realm, address).await?.map(|user| user.id);
    let (digest, now) = (server.keys.identifier(realm, address), server.now());
    let sealed = seal_name(server, &mut *server.random(), (realm, &digest), address.canonical())?;
    let new = new_identifier(&account, IdentifierKind::Email, (digest, sealed), (Some(now), now));
    let mut rest = account.identifiers.clone();
    let added = Notice::AddressAdded { address: masked(address.canonical()) };
    let Some(replaces) = replaces else {
        let mut decision = account::add(&account, new, owner);
        if decision.outcome.is_ok() && !decision.changes.is_empty() {
            server.tell_all(app, (&account.user, &rest), &added, &mut decision.changes)?;
            let event = happened(EventKind::IdentifierAdded, &account).by_method("email");
            decision.changes.push(event.into());
        }
        return Ok(decision);
    };
    let old = account.find(replaces).filter(|old| old.is_way_in()).ok_or(ApiError::NotFound)?;
    let leaving = Leaving::of(server, &account, old)?;
    let told = leaving.notice(masked(address.canonical()));
    let mut decision = account::replace(&account, new, owner, (old, leaving.undo));
    if decision.outcome.is_ok() && !decision.changes.is_empty() {
        rest.retain(|known| known.digest != old.digest);
        server.tell_all(app, (&account.user, &rest), &added, &mut decision.changes)?;
        server.tell_all(app, (&account.user, std::slice::from_ref(old)), &told, &mut decision.changes)?;
        decision.changes.push(happened(EventKind::IdentifierChanged, &account).by_method("email").into());
    }
    Ok(decision)
}

/// Use an address or number first. Needs a sign-in of the last ten minutes.
#[utoipa::path(patch, path = "/v1/me/identifiers/{id}", operation_id = "change_identifier", tag = "account",
    params(("id" = String, Path, description = "The identifier")),
    request_body = ChangeIdentifierBody, security(("session_cookie" = [])),
    responses((status = 200, description = "All that the person is found by", body = IdentifiersBody)))]
pub async fn change(
    Person(visitor): Person,
    Named(id): Named,
    Json(body, _): Json<ChangeIdentifierBody>,
) -> Answer<IdentifiersBody> {
    fresh(&visitor).await?;
    if !body.primary {
        return Err(ApiError::invalid("primary", "expected true: say it of the one that takes its place"));
    }
    let (id, server, visitor) = (identifier_id(&id)?, &visitor.server, &visitor);
    let decided = server
        .decide(|| async move {
            let account = account_of(visitor).await?;
            fresh(visitor).await?;
            let chosen = account.find(id).ok_or(ApiError::NotFound)?;
            let event = happened(EventKind::IdentifierPrimaryChanged, &account);
            let mut decision = account::make_primary(&account, chosen);
            if let Some(app) = server.app(visitor.session.app.as_str()) {
                tell_primary(server, &app, (&account, chosen), &mut decision.changes)?;
            }
            Ok(with_event(decision, event))
        })
        .await?;
    decided?;
    Ok(answer(StatusCode::OK, body_of(visitor).await?))
}

/// Remove an address, a number or the name. An address is told, and can be brought back for seven days. Needs a sign-in of
/// the last ten minutes.
#[utoipa::path(delete, path = "/v1/me/identifiers/{id}", operation_id = "remove_identifier", tag = "account",
    params(("id" = String, Path, description = "The identifier")), security(("session_cookie" = [])),
    responses((status = 200, description = "All that the person is still found by", body = IdentifiersBody)))]
pub async fn remove(own: OwnCall, Named(id): Named) -> Answer<IdentifiersBody> {
    fresh(&own.visitor).await?;
    let (id, own) = (identifier_id(&id)?, &own);
    own.call.server.decide(|| take_out(own, id)).await??;
    Ok(answer(StatusCode::OK, body_of(&own.visitor).await?))
}

async fn take_out(own: &OwnCall, id: IdentifierId) -> Result<(Result<(), Refusal>, Changes), ApiError> {
    let (server, app, account) = (&own.call.server, &own.call.app, account_of(&own.visitor).await?);
    fresh(&own.visitor).await?;
    let gone = account.find(id).ok_or(ApiError::NotFound)?;
    let event = happened(EventKind::IdentifierRemoved, &account).by_method(gone.kind.name());
    if !gone.is_way_in() {
        return Ok(with_event(account::remove(&account, gone, None), event));
    }
    let mut rest = account.identifiers.clone();
    rest.retain(|known| known.digest != gone.digest);
    let left = rest.iter().find(|known| known.is_way_in()).ok_or(Refusal::LastWayIn)?;
    let leaving = Leaving::of(server, &account, gone)?;
    let told = leaving.notice(masked(&open_identifier(server, left)?));
    let removed = Notice::AddressRemoved { address: leaving.shown };
    let mut decision = account::remove(&account, gone, leaving.undo);
    server.tell_all(app, (&account.user, &rest), &removed, &mut decision.changes)?;
    server.tell_all(app, (&account.user, std::slice::from_ref(gone)), &told, &mut decision.changes)?;
    Ok(with_event(decision, event))
}

/// A person's user and identifiers as they are now.
async fn account_of(visitor: &Visitor) -> Result<Account, ApiError> {
    let user = user_of(visitor).await?;
    let identifiers = visitor.server.store.identifiers_of(user.id).await?;
    Ok(Account { user, identifiers })
}

/// An identifier of a person's, by its digest and sealed; proven and added at two times.
pub(super) fn new_identifier(
    account: &Account,
    kind: IdentifierKind,
    (digest, sealed): (Digest, Vec<u8>),
    (verified_at, created_at): (Option<Timestamp>, Timestamp),
) -> UserIdentifier {
    let (realm, user) = (account.user.realm.clone(), account.user.id);
    UserIdentifier { realm, kind, digest, user, sealed, primary: false, verified_at, created_at }
}

fn happened(kind: EventKind, account: &Account) -> Event {
    Event::new(kind).of_user(account.user.id).within(&account.user.realm)
}

/// A decision with an event, unless nothing is changed.
pub(super) fn with_event(decision: Outcome, event: Event) -> (Result<(), Refusal>, Changes) {
    let Decision { outcome, mut changes } = decision;
    if outcome.is_ok() && !changes.is_empty() {
        changes.push(Change::from(event));
    }
    (outcome, changes)
}

async fn body_of(visitor: &Visitor) -> Result<IdentifiersBody, ApiError> {
    let server = &visitor.server;
    let all = server.store.identifiers_of(visitor.session.user).await?;
    let items = all.iter().map(|known| Ok(IdentifierBody::of(known, open_identifier(server, known)?)));
    Ok(IdentifiersBody { items: items.collect::<Result<_, ApiError>>()? })
}

fn identifier_id(text: &str) -> Result<IdentifierId, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}
