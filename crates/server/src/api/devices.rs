//! `/v1/devices`: a browser becomes a registered device, renews its secret, and is one no more. What a proof is worth is
//! decided where every sign-in is; every failure looks the same here, whoever is said to come.

mod body;

use std::sync::Arc;

use axum::{
    Router,
    extract::FromRequestParts,
    response::{IntoResponse as _, Response},
    routing::{delete, post},
};
use countersign_domain::{
    assurance::{Assurance, Method},
    changes::Changes,
    event::EventKind,
    refusal::Refusal,
    session::Session,
    token::SecretToken,
};
use http::{StatusCode, header, request::Parts};

use self::body::Proof;
pub use self::body::{DeviceBody, RegisterDeviceBody};
use super::{Answer, answer, challenge, me::user_of, own_call::OwnCall, password::sign_in::Name, sign_in};
use crate::{
    accounts::{Entry, Evidence, Passed, authentication, begin, held_device, remember, tell_session},
    call::{Call, Json, Registration, admit_page, host_of},
    config::CookieKind,
    cookie::{self, Page, SessionCookie},
    credentials::{check_label, may_change},
    devices,
    error::ApiError,
    second_factors::{Named, prove_named},
    state::Server,
    visitor::{Visitor, note_use},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/devices", post(register).merge(delete(forget)))
        .route("/v1/devices/renew", post(renew))
}

/// Who may register a browser: a page of an app, with its key; or a person on a page of this server.
pub enum Registrar {
    /// A page of an app.
    App(Box<Call>),
    /// A person at their own account.
    Person(Box<OwnCall>),
}

impl FromRequestParts<Arc<Server>> for Registrar {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            Call::from_request_parts(parts, server).await.map(|call| Self::App(Box::new(call)))
        } else {
            OwnCall::from_request_parts(parts, server).await.map(|own| Self::Person(Box::new(own)))
        }
    }
}

/// Register this browser: with one proof, or as the person who is signed in on a page of this server, a moment ago and with
/// all that they have. Every failure is the same. What is right and not enough is told as a sign-in that goes on.
#[utoipa::path(post, path = "/v1/devices", operation_id = "register_device", tag = "devices",
    request_body = RegisterDeviceBody,
    security(("publishable_key" = []), ("session_cookie" = [])),
    responses((status = 201, description = "It is registered; the cookie is set", body = DeviceBody)))]
pub async fn register(registrar: Registrar, Json(body, _): Json<RegisterDeviceBody>) -> Answer<DeviceBody> {
    if let Some(label) = &body.label {
        check_label(label)?;
    }
    let registration = Registration { label: body.label.clone() };
    let (proof, registers) = (Proof::of(body)?, Some(registration));
    match (registrar, proof) {
        (Registrar::Person(own), None) => {
            let OwnCall { visitor, call } = *own;
            of_session(&visitor, &Call { registers, ..call }).await
        }
        (Registrar::App(call), Some(proof)) => {
            if call.is_secret() {
                return Err(ApiError::KeyKind("publishable"));
            }
            by_proof(&Call { registers, ..*call }, proof).await
        }
        (Registrar::Person(_), Some(_)) | (Registrar::App(_), None) => Err(ApiError::invalid(
            "totp",
            "send one proof with an app's key, or none on a page of this server where you are signed in",
        )),
    }
}

/// Refuses whoever could not register their own browser with the session that they have, before they are asked for more.
///
/// # Errors
/// Those of [`may_change`], or that the session is over.
pub(crate) async fn may_register(visitor: &Visitor) -> Result<(), ApiError> {
    let user = user_of(visitor).await?;
    let credentials = visitor.server.store.credentials_of(user.id).await?;
    may_change(&visitor.server, (&user, &credentials), &visitor.session, visitor.now).await
}

/// Registers a person's own browser.
async fn of_session(visitor: &Visitor, call: &Call) -> Answer<DeviceBody> {
    let server = &visitor.server;
    let (device, secret) = server
        .decide(|| async move {
            let user = user_of(visitor).await?;
            let session = server.store.session(visitor.session.id).await?;
            let session = session.ok_or(ApiError::Refused(Refusal::SessionOver))?;
            let credentials = server.store.credentials_of(user.id).await?;
            may_change(server, (&user, &credentials), &session, visitor.now).await?;
            devices::register(call, &user, &session).await
        })
        .await?;
    Ok(registered(call, (&device, &secret), None))
}

/// Registers a browser for whoever a proof shows.
async fn by_proof(call: &Call, proof: Proof) -> Answer<DeviceBody> {
    if call.app.accounts.is_none() {
        return Err(ApiError::invalid("app", "say accounts = \"realm\": without, nobody has devices"));
    }
    let proven = match proof {
        Proof::Totp(name, code) => by_name(call, &name, &code).await,
        Proof::Code { challenge, code, binding } => {
            call.limit_network(None)?;
            let proven = challenge::prove(call, challenge, (&code, &binding)).await;
            proven.map(|passed| passed.and_then(entry_of))
        }
        Proof::Step(key, step) => sign_in::prove(call, &key, *step).await,
    };
    // Whoever it was said to be: what is wrong is told to nobody.
    let refused = |_| {
        call.server.metrics.refused_proof(&call.app);
        ApiError::RegistrationRefused
    };
    let entry = match proven {
        Ok(entry) => entry.map_err(refused)?,
        Err(ApiError::Refused(refusal)) => return Err(refused(refusal)),
        Err(other) => return Err(other),
    };
    let signed_in = sign_in::signed_in(call, entry)?;
    let secret = signed_in.secret.as_ref().ok_or(ApiError::Internal)?;
    Ok(registered(call, (&signed_in.session, secret), signed_in.device.as_ref()))
}

/// What a challenge for signing in led to; one for anything else registers nobody.
fn entry_of(passed: Passed) -> Result<Entry, Refusal> {
    passed.entry.ok_or(Refusal::ChallengeOver)
}

/// Looks at a code beside a name, where the policy lets it begin.
async fn by_name(call: &Call, name: &Name, code: &str) -> Result<Result<Entry, Refusal>, ApiError> {
    let (server, policy) = (&call.server, call.server.policy(&call.app));
    if !policy.start.has(Method::Totp) {
        return Err(ApiError::invalid("totp", "the app's policy.start does not have it"));
    }
    call.limit_network(None)?;
    let (kind, digest) = name.key(call);
    let user = server.store.user_by_identifier(&call.app.realm, kind, digest).await?;
    let counters = Named { name: &digest, user: user.as_ref() }.counters(call);
    let _lane = server.lanes.enter(&counters.digest).await;
    let outcome = server.decide(|| take_code(call, name, code)).await?;
    if outcome.is_err() {
        server.lanes.note_failure();
    }
    Ok(outcome)
}

async fn take_code(
    call: &Call,
    name: &Name,
    code: &str,
) -> Result<(Result<Entry, Refusal>, Changes), ApiError> {
    let (server, app) = (&call.server, &call.app);
    let (kind, digest) = name.key(call);
    let user = server.store.user_by_identifier(&app.realm, kind, digest).await?;
    let proven = prove_named(call, &Named { name: &digest, user: user.as_ref() }, code).await?;
    let mut changes = proven.changes;
    let (user, accounts) = match (proven.outcome, user, &app.accounts) {
        (Ok(()), Some(user), Some(accounts)) => (user, accounts),
        (Ok(()), ..) => return Err(ApiError::Internal),
        (Err(refusal), ..) => return Ok((Err(refusal), changes)),
    };
    let address = name.mailbox(server, user.id).await?;
    let assurance = Assurance::of(Method::Totp, server.now());
    let evidence = Evidence { assurance, address: address.as_ref(), flow: None, trusts: false };
    let entered = begin(call, accounts, evidence, Some(user)).await?;
    match &entered.outcome {
        Ok(entry) => {
            changes.extend(entered.changes);
            if let Entry::SignedIn(signed_in) = entry {
                tell_session(call, signed_in, &mut changes);
            }
        }
        Err(_) => {
            let refused = authentication(EventKind::SignInRefused, app, Method::Totp);
            changes.push(refused.failed().into());
        }
    }
    Ok((entered.outcome, changes))
}

/// The answer to a registration: the device, its cookie, and that of the browser that was trusted on the way.
fn registered(
    call: &Call,
    (device, secret): (&Session, &SecretToken),
    trusted: Option<&(Session, SecretToken)>,
) -> super::Answered<DeviceBody> {
    let server = &call.server;
    server.metrics.proved(&call.app, device.assurance.methods);
    let config = server.config.load();
    let cookies = config.cookies.at(call.host.as_deref());
    let mut answered = answer(StatusCode::CREATED, DeviceBody::of(server, device, true));
    let trusted = trusted.and_then(|(browser, secret)| cookie::set(&cookies, browser, secret, call.now));
    let set = [cookie::set(&cookies, device, secret, call.now), remember(call, device), trusted];
    for cookie in set.into_iter().flatten() {
        answered.response_mut().headers_mut().append(header::SET_COOKIE, cookie);
    }
    answered
}

/// A browser that holds a registered device, on a page of this server or of the device's app.
pub struct HeldDevice {
    server: Arc<Server>,
    cookie: SessionCookie,
    device: Session,
    host: Option<String>,
}

impl FromRequestParts<Arc<Server>> for HeldDevice {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        let page = Page::of(&parts.headers, &server.issuer());
        // The browser's word, which no page can write: a cookie alone changes nothing.
        if matches!(page, Page::Foreign | Page::Unknown) {
            return Err(ApiError::OriginNotAllowed);
        }
        let now = server.now();
        admit_page(server, parts)?;
        let over = ApiError::Refused(Refusal::SessionOver);
        let cookie = SessionCookie::of_registered(&parts.headers, &server.config.load().cookies);
        let cookie = cookie.ok_or(over.clone())?;
        let device = held_device(server, &cookie, now).await?.ok_or(over)?;
        if !page.may_ask(|| server.app(device.app.as_str())) {
            return Err(ApiError::OriginNotAllowed);
        }
        Ok(Self { server: Arc::clone(server), cookie, device, host: host_of(parts) })
    }
}

/// Renew the secret of this device where it is due. The former one is good for half a minute more.
#[utoipa::path(post, path = "/v1/devices/renew", operation_id = "renew_device", tag = "devices",
    security(("device_cookie" = [])),
    responses((status = 204, description = "It is fresh; the cookie is set where it was not")))]
pub async fn renew(held: HeldDevice) -> Result<Response, ApiError> {
    let HeldDevice { server, cookie, mut device, host } = held;
    let mut response = super::me::nothing();
    let config = server.config.load_full();
    match devices::renew_held(&server, &cookie, &config.cookies.at(host.as_deref())).await? {
        Some(set) => drop(response.headers_mut().append(header::SET_COOKIE, set)),
        None => note_use(&server, &mut device, server.now()).await,
    }
    Ok(response)
}

/// Forget this device: it ends at once, everywhere.
#[utoipa::path(delete, path = "/v1/devices", operation_id = "forget_device", tag = "devices",
    security(("device_cookie" = [])),
    responses((status = 204, description = "It is over; the cookie is taken away")))]
pub async fn forget(held: HeldDevice) -> Result<Response, ApiError> {
    held.server.end_session(&held.device).await?;
    let config = held.server.config.load();
    let mut response = super::me::nothing();
    let cookies = config.cookies.at(held.host.as_deref());
    if let Some(gone) = cookies.clear(CookieKind::RegisteredDevice) {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    Ok(response.into_response())
}
