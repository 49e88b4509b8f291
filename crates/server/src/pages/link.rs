//! `/link/{token}`: where the link of a mail leads. Opening it changes nothing; pressing its button does.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::{Path, Request, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use countersign_domain::{
    assurance::Method,
    challenge::{self, Approval, Challenge, Purpose, Started, Status},
    event::{Event, EventKind},
    id::RequestId,
    refusal::Refusal,
    token::SecretToken,
    vault::Vault as _,
};
use http::{HeaderMap, header};
use minijinja::context;

use super::voice::Voice;
use crate::{
    api::challenge::{contact_of, decided},
    call::{admit_page, body, client_address},
    config::CookieKind,
    cookie,
    error::{ApiError, Problem},
    events,
    flood::Lane,
    keys::Context,
    oauth2::Form,
    security_log::Failure,
    state::Server,
    texts::Key,
};

/// Longest form: a number of two digits.
const LONGEST_FORM: usize = 1024;

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/link/{token}", get(show).post(press))
}

/// Shows who asks, from where and when. Changes nothing, for any client.
async fn show(State(server): State<Arc<Server>>, Path(token): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let (headers, id) = (&parts.headers, parts.extensions.get::<RequestId>());
    let admitted = admit_page(&server, &parts);
    if let Err(error) = admitted {
        return refused(&Voice::of_app(&server, headers, ""), id, error);
    }
    let shown = match find(&server, &token).await {
        Ok(challenge) => {
            let voice = Voice::of_app(&server, headers, challenge.app.as_str());
            Ok(match challenge.status(server.now()) {
                Status::Pending => {
                    let elsewhere = own_binding(&server, headers, &challenge).is_none();
                    ask(&server, &challenge, &voice, elsewhere, None)
                }
                Status::Passed => done(&voice),
                Status::Spent | Status::Failed | Status::Expired => over(&voice),
            })
        }
        Err(ApiError::Unavailable) => Err(ApiError::Unavailable),
        Err(_) => Ok(over(&Voice::of_app(&server, headers, ""))),
    };
    shown.unwrap_or_else(|error| refused(&Voice::of_app(&server, headers, ""), id, error))
}

/// Approves the challenge, for who asked.
async fn press(State(server): State<Arc<Server>>, Path(token): Path<String>, request: Request) -> Response {
    let (headers, id) = (request.headers().clone(), request.extensions().get::<RequestId>().copied());
    let approved = approve(&server, &token, &headers, request).await;
    approved.unwrap_or_else(|error| refused(&Voice::of_app(&server, &headers, ""), id.as_ref(), error))
}

/// Turns what is refused into a page: people come here, not programs.
pub(super) fn refused(voice: &Voice, id: Option<&RequestId>, error: ApiError) -> Response {
    let (title, text) = match error {
        ApiError::TooManyRequests(_) => (Key::LinkLater, Key::LinkLaterText),
        _ => (Key::LinkTrouble, Key::LinkTroubleText),
    };
    let mut response = voice.tell(title, text, id.map(ToString::to_string));
    let refused = error.into_response();
    *response.status_mut() = refused.status();
    if let Some(problem) = refused.extensions().get::<Problem>() {
        response.extensions_mut().insert(*problem);
    }
    if let Some(seconds) = refused.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.clone());
    }
    response
}

async fn approve(
    server: &Arc<Server>,
    token: &str,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, rest) = request.into_parts();
    let address = client_address(server, &parts);
    if let Some(address) = address {
        let limit = server.config.load().limits.publishable_requests_per_network_per_minute;
        server.flood.admit(Lane::Page, address, limit, server.now()).map_err(ApiError::TooManyRequests)?;
    }
    let bytes = body(Request::from_parts(parts, rest), LONGEST_FORM).await?;
    let number = Form::read(&bytes)
        .ok()
        .and_then(|form| form.value("number").and_then(|text| text.trim().parse().ok()));
    let challenge = match find(server, token).await {
        Ok(challenge) => challenge,
        Err(ApiError::Unavailable) => return Err(ApiError::Unavailable),
        Err(_) => return Ok(over(&Voice::of_app(server, headers, ""))),
    };
    let voice = Voice::of_app(server, headers, challenge.app.as_str());
    let binding = own_binding(server, headers, &challenge);
    let _lane = server.lanes.enter(&challenge.contact).await;
    let binding = &binding;
    let outcome = server
        .decide(|| async move {
            let challenge = find(server, token).await?;
            let contact = contact_of(server, &challenge).await?;
            let approval = binding.as_ref().map_or(Approval::Number(number.unwrap_or(0)), Approval::Binding);
            let (app, person) = (challenge.app.clone(), challenge.contact);
            let decision = challenge::approve(challenge, contact, approval, &server.keys, server.now());
            let (outcome, mut changes) = decided(decision);
            if outcome.is_err() && !changes.is_empty() {
                let failed = Event::new(EventKind::ChallengeFailed).at(&app).of_contact(person).failed();
                changes.push(failed.by_method(Method::Link.name()).into());
            }
            Ok((outcome, changes))
        })
        .await?;
    Ok(match outcome {
        Ok(()) => done(&voice),
        Err(Refusal::InvalidNumber { tries_left: 1.. }) => {
            note_failure(server, address);
            ask(server, &challenge, &voice, true, Some(Key::LinkWrongNumber))
        }
        Err(Refusal::InvalidBinding) => ask(server, &challenge, &voice, true, None),
        Err(_) => over(&voice),
    })
}

/// A wrong number is answered with the page once more, not with a refusal that could be told from others.
fn note_failure(server: &Server, address: Option<IpAddr>) {
    if let (Some(address), Some(request)) = (address, events::context::request()) {
        let at = server.now();
        server.security_log.note(Failure { at, code: "invalid_number", address, request });
    }
}

async fn find(server: &Server, token: &str) -> Result<Challenge, ApiError> {
    let token = SecretToken::parse(token).map_err(|_| ApiError::NotFound)?;
    server.store.challenge_by_link(server.keys.link(&token)).await?.ok_or(ApiError::NotFound)
}

/// Leaves the binding with the browser that asks, so that a link opened in the same browser asks for no number, and
/// the code needs nothing that a page would have to keep.
pub fn remember(server: &Server, response: &mut Response, started: &Started) {
    let life = started.challenge.expires_at.since(started.challenge.created_at);
    let settings = &server.config.load().cookies;
    if let Some(value) = settings.set(CookieKind::Binding, started.binding.expose(), life) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The binding that a browser holds.
#[must_use]
pub fn held_binding(server: &Server, headers: &HeaderMap) -> Option<SecretToken> {
    let name = server.config.load().cookies.name(CookieKind::Binding);
    SecretToken::parse(&cookie::value(headers, &name)?).ok()
}

/// The binding, if this browser holds it: then it is the one that asked.
fn own_binding(server: &Server, headers: &HeaderMap, challenge: &Challenge) -> Option<SecretToken> {
    let binding = held_binding(server, headers)?;
    (server.keys.binding(&binding) == challenge.binding).then_some(binding)
}

/// The page that asks: by whom, when and from where it was asked for, and the number where it is needed.
fn ask(
    server: &Server,
    challenge: &Challenge,
    voice: &Voice,
    wants_number: bool,
    problem: Option<Key>,
) -> Response {
    let origin = challenge.sealed_origin.as_ref().and_then(|sealed| {
        let place = Context { table: "challenge", column: "sealed_origin", id: challenge.id.bytes() };
        let opened = server.keys.open(&place, sealed).ok()?;
        std::str::from_utf8(opened.expose()).ok().map(str::to_owned)
    });
    let question = match challenge.purpose {
        Purpose::ResetPassword => Key::LinkQuestionReset,
        Purpose::SignIn | Purpose::ConfirmAddress | Purpose::Register => Key::LinkQuestion,
    };
    let values = context! {
        title => voice.say(question),
        when => crate::api::rfc3339(challenge.created_at).replace('T', " ").replace('Z', " UTC"),
        when_label => voice.say(Key::LinkWhen), origin_label => voice.say(Key::LinkOrigin), origin,
        problem => problem.map(|key| voice.say(key)), wants_number,
        number_label => voice.say(Key::LinkNumber), number_hint => voice.say(Key::LinkNumberHint),
        button => voice.say(Key::LinkButton), warning => voice.say(Key::LinkWarning),
    };
    voice.page("link.html", values)
}

fn done(voice: &Voice) -> Response {
    voice.tell(Key::LinkDone, Key::LinkDoneText, None)
}

pub(super) fn over(voice: &Voice) -> Response {
    voice.tell(Key::LinkOver, Key::LinkOverText, None)
}
