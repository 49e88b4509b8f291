//! `/sign-in`: the page where people sign in who come from an app that draws none of its own. Each form is a step of
//! `/v1/sign-in`, and after each the page says what comes next; without JavaScript too, passkeys aside. It has no rules.

mod held;
mod steps;
mod trouble;
mod view;
mod visit;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use countersign_domain::{challenge::Status, event::Actor, id::RequestId, refusal::Refusal};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};

pub use self::visit::Visit;
use self::{
    held::{Presence, Standing, forget_flow, presence, standing},
    steps::{Outcome, begin_nameless, go_on, take},
    view::Shown,
};
pub(super) use self::{
    held::{keep_flow_of, may_change_now},
    trouble::words,
    visit::WayBack,
};
use super::{forward, link::refused, render::dress, rooms::read_form, voice::Voice};
use crate::{
    api::{answer, sign_in::SignInStepBody},
    call::{Call, admit_page},
    cookie::Page,
    devices,
    error::{ApiError, Problem},
    events::context,
    oauth2::Form,
    state::Server,
    texts::Key,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/sign-in", get(show).post(act))
        .route("/sign-in/passkey", post(passkey_options))
        .route("/sign-in/waiting", get(waiting))
}

/// A browser on the page.
pub(super) struct Guest {
    pub(super) call: Call,
    pub(super) visit: Visit,
    pub(super) voice: Voice,
    headers: HeaderMap,
    pub(super) id: String,
}

impl Guest {
    /// Reads where a browser comes from, or gives the page that says what is wrong with that.
    pub(super) fn read(server: &Arc<Server>, parts: &Parts) -> Result<Self, Box<Response>> {
        context::note_actor(Actor::Person);
        let lost = |error: ApiError| Box::new(astray(server, parts, error));
        admit_page(server, parts).map_err(lost)?;
        let visit = Visit::read(server, parts.uri.query()).map_err(lost)?;
        let call = Call::of_page(server, parts, &visit.app).map_err(lost)?;
        let voice = Voice::asked(server, &parts.headers, visit.app.name.as_str(), &visit.ui_locales);
        Ok(Self { call, visit, voice, headers: parts.headers.clone(), id: request_id(parts) })
    }

    fn page(&self) -> Page {
        Page::of(&self.headers, &self.call.server.issuer())
    }

    fn shown<'a>(&'a self, standing: Option<&'a Standing>) -> Shown<'a> {
        Shown {
            call: &self.call,
            visit: &self.visit,
            voice: &self.voice,
            standing,
            answer: None,
            refused: None,
        }
    }

    /// The page after a step that was refused: the same step once more, with what went wrong.
    async fn again(&self, step: &str, error: &ApiError, cookies: Vec<HeaderValue>) -> Response {
        let is_over = matches!(error, ApiError::Refused(Refusal::SignInOver));
        let standing = if is_over { Ok(None) } else { standing(&self.call, &self.headers).await };
        let Ok(standing) = standing else { return refused(&self.voice, None, ApiError::Unavailable) };
        let mut shown = self.shown(standing.as_ref());
        shown.refused = Some((step, error, self.id.clone()));
        let mut response = mark(shown.print(), error.clone());
        keep(&mut response, cookies);
        if is_over {
            keep(&mut response, forget_flow(&self.call.server));
        }
        response
    }
}

/// What comes next, or the way back for somebody who is signed in well enough.
async fn show(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let guest = match Guest::read(&server, &parts) {
        Ok(guest) => guest,
        Err(response) => return *response,
    };
    match next(&guest).await {
        Ok(response) => response,
        Err(error) => guest.again("", &error, Vec::new()).await,
    }
}

/// The page, or the way on. A registered device whose secret is due gets another one in passing.
async fn next(guest: &Guest) -> Result<Response, ApiError> {
    let renewed = renewed(&guest.call).await?;
    let mut response = next_step(guest).await?;
    keep(&mut response, renewed);
    Ok(response)
}

/// `Set-Cookie` with the next secret of the browser's registered device, where that is due.
pub(super) async fn renewed(call: &Call) -> Result<Option<HeaderValue>, ApiError> {
    let Some(cookie) = &call.registered_cookie else { return Ok(None) };
    let config = call.server.config.load_full();
    match devices::renew_held(&call.server, cookie, &config.cookies.at(call.host.as_deref())).await {
        Err(ApiError::Refused(Refusal::SessionOver)) => Ok(None),
        renewed => renewed,
    }
}

async fn next_step(guest: &Guest) -> Result<Response, ApiError> {
    let Guest { call, visit, headers, .. } = guest;
    let presence = presence(call, visit).await?;
    if let Presence::Enough(session) = presence {
        if visit.registers || visit.opens_nothing(&session) {
            return Ok(see_other(&visit.devices(), None));
        }
        return match &visit.return_to {
            Some(return_to) => forward::go_back(&call.server, visit, return_to, &session).await,
            None => Ok(guest.shown(None).print_done()),
        };
    }
    let standing = standing(call, headers).await?;
    let passed = |standing: &Standing| {
        let challenge = standing.challenge.as_ref();
        challenge.is_some_and(|challenge| challenge.status(call.server.now()) == Status::Passed)
    };
    match &standing {
        // Who waits has confirmed elsewhere. No other site's page makes it go on.
        Some(standing) if passed(standing) && guest.page() != Page::Foreign => {
            let link = SignInStepBody::Link { binding: standing.key.binding.expose().to_owned() };
            let outcome = go_on(call, &standing.key, link).await?;
            Ok(see_other(&visit.here(), outcome.cookies))
        }
        None if matches!(presence, Presence::TooWeak) => Ok(guest.shown(None).print_step_up()),
        standing => Ok(guest.shown(standing.as_ref()).print()),
    }
}

/// Takes what a form of the page sends.
async fn act(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, rest) = request.into_parts();
    let guest = match Guest::read(&server, &parts) {
        Ok(guest) => guest,
        Err(response) => return *response,
    };
    let form = match form(&guest, Request::from_parts(parts, rest)).await {
        Ok(form) => form,
        Err(error @ ApiError::OriginNotAllowed) => return foreign(&guest.voice, &guest.id, error),
        Err(error) => return guest.again("", &error, Vec::new()).await,
    };
    let step = form.value("step").unwrap_or_default();
    match take(&guest.call, &guest.visit, &guest.headers, &form).await {
        Ok(Outcome { cookies, answer: Some(answer), .. }) if answer["new_totp"].is_object() => {
            shown_answer(&guest, answer, cookies).await
        }
        Ok(Outcome { cookies, .. }) => see_other(&guest.visit.here(), cookies),
        Err(error) if step == "new_totp" => {
            // The picture is shown once; its question waits for another code.
            let answer = serde_json::json!({"new_totp": {"ceremony": form.value("ceremony")}});
            let standing = standing(&guest.call, &guest.headers).await.ok().flatten();
            let mut shown = guest.shown(standing.as_ref());
            shown.answer = Some(answer);
            shown.refused = Some((step, &error, guest.id.clone()));
            let response = shown.print();
            mark(response, error)
        }
        Err(error) => guest.again(step, &error, Vec::new()).await,
    }
}

/// A page that shows once what a step answered.
async fn shown_answer(guest: &Guest, answer: serde_json::Value, cookies: Vec<HeaderValue>) -> Response {
    match standing(&guest.call, &guest.headers).await {
        Ok(standing) => {
            let mut shown = guest.shown(standing.as_ref());
            shown.answer = Some(answer);
            let mut response = shown.print();
            keep(&mut response, cookies);
            response
        }
        Err(error) => guest.again("", &error, cookies).await,
    }
}

/// The form, from our own page: only its browser can say so.
pub(super) async fn form(guest: &Guest, request: Request) -> Result<Form, ApiError> {
    if guest.page() != Page::Own {
        return Err(ApiError::OriginNotAllowed);
    }
    read_form(request).await
}

/// What an authenticator is asked, for the page's script: it sends the answer with the form.
async fn passkey_options(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, rest) = request.into_parts();
    let asked = async {
        let guest = match Guest::read(&server, &parts) {
            Ok(guest) => guest,
            Err(response) => return Ok(*response),
        };
        let form = form(&guest, Request::from_parts(parts, rest)).await?;
        options(&guest, form.value("step").unwrap_or_default()).await
    };
    asked.await.unwrap_or_else(|error: ApiError| error.into_response())
}

async fn options(guest: &Guest, step: &str) -> Result<Response, ApiError> {
    let Guest { call, visit, headers, .. } = guest;
    let (key, begun) = match standing(call, headers).await? {
        Some(standing) => (standing.key, Outcome::default()),
        None => begin_nameless(call, visit).await?,
    };
    let binding = key.binding.expose().to_owned();
    let step = match step {
        "new_passkey" => SignInStepBody::NewPasskeyOptions { binding },
        _ => SignInStepBody::PasskeyOptions { binding },
    };
    let options = go_on(call, &key, step).await?.answer.unwrap_or_default();
    let mut response = answer(StatusCode::OK, options).into_response();
    keep(&mut response, begun.cookies);
    Ok(response)
}

/// Whether the link was confirmed, for the page's script that waits for it.
async fn waiting(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let guest = match Guest::read(&server, &parts) {
        Ok(guest) => guest,
        Err(response) => return *response,
    };
    if guest.page() == Page::Foreign {
        return ApiError::OriginNotAllowed.into_response();
    }
    let standing = standing(&guest.call, &guest.headers).await;
    let status = |standing: Standing| standing.challenge.map(|challenge| challenge.status(server.now()));
    match standing {
        Ok(standing) => {
            let waits = standing.and_then(status) == Some(Status::Pending);
            answer(StatusCode::OK, serde_json::json!({ "waits": waits })).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// The page for whoever came by an address that names no app of ours, or no way back.
pub(super) fn astray(server: &Server, parts: &Parts, error: ApiError) -> Response {
    let (title, text) = match error {
        ApiError::NotFound | ApiError::InvalidMember { .. } => (Key::PageAstray, Key::PageAstrayText),
        ApiError::TooManyRequests(_) => (Key::LinkLater, Key::LinkLaterText),
        _ => (Key::LinkTrouble, Key::LinkTroubleText),
    };
    let voice = Voice::at(server, &parts.headers, parts.uri.path());
    mark(voice.tell(title, text, Some(request_id(parts))), error)
}

/// The page for whoever was sent here by a page of another site.
pub(super) fn foreign(voice: &Voice, id: &str, error: ApiError) -> Response {
    mark(voice.tell(Key::PageForeign, Key::PageForeignText, Some(id.to_owned())), error)
}

/// Gives a page the status of a refusal, and leaves its code for logs and metrics.
pub(super) fn mark(mut response: Response, error: ApiError) -> Response {
    let refusal = error.into_response();
    *response.status_mut() = refusal.status();
    if let Some(problem) = refusal.extensions().get::<Problem>() {
        response.extensions_mut().insert(*problem);
    }
    if let Some(seconds) = refusal.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.clone());
    }
    response
}

/// Sends a browser on, with what it is to keep.
pub(super) fn see_other(to: &str, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::from_str(to) {
        Ok(to) => response.headers_mut().insert(header::LOCATION, to),
        Err(_) => return ApiError::Internal.into_response(),
    };
    dress(&mut response);
    keep(&mut response, cookies);
    response
}

pub(super) fn keep(response: &mut Response, cookies: impl IntoIterator<Item = HeaderValue>) {
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

pub(super) fn request_id(parts: &Parts) -> String {
    parts.extensions.get::<RequestId>().map(ToString::to_string).unwrap_or_default()
}
