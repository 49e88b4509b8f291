//! `/devices/new`: the page where a browser becomes a registered device, with a name and the code of an authenticator app
//! where the policy lets that begin, or as whoever is signed in. What is right is what `POST /v1/devices` says.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{FromRequestParts as _, Request, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use countersign_domain::{assurance::Method, refusal::Refusal};
use http::{HeaderValue, header, request::Parts};
use minijinja::context;
use serde_json::json;

use super::sign_in::{Guest, Visit, foreign, form, keep, keep_flow_of, mark, renewed, see_other, words};
use crate::{
    api::{
        devices::{RegisterDeviceBody, Registrar, may_register, register},
        own_call::OwnCall,
    },
    call::Json,
    error::ApiError,
    oauth2::Form,
    state::Server,
    texts::Key,
    visitor::Visitor,
};

const TEXTS: [(&str, Key); 9] = [
    ("about", Key::PageDeviceText),
    ("done", Key::PageDeviceDoneText),
    ("name", Key::PageName),
    ("code", Key::PageTotp),
    ("label", Key::PageDeviceLabel),
    ("label_hint", Key::PageDeviceLabelHint),
    ("button", Key::PageDevice),
    ("other", Key::PageDeviceOther),
    ("reference", Key::PageReference),
];

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/devices/new", get(show).post(press))
}

/// What the page is to show.
#[derive(Clone, Copy)]
enum Shown<'a> {
    /// The form, for somebody who is known or not, after a refusal.
    Form(bool, Option<&'a ApiError>),
    /// That it is done.
    Done,
}

/// Asks who it is, or only for a name of the device.
async fn show(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let guest = match Guest::read(&server, &parts) {
        Ok(guest) => guest,
        Err(response) => return *response,
    };
    let known = known(&server, &mut parts, &guest.visit).await;
    if let Some(visitor) = &known
        && !guest.visit.fresh
        && let Err(ApiError::NotFresh | ApiError::StrongerNeeded) = may_register(visitor).await
    {
        return see_other(&to_fresh_sign_in(&guest.visit), None);
    }
    let is_known = known.is_some();
    if !is_known && !takes_totp(&guest) {
        return see_other(&to_sign_in(&guest.visit), None);
    }
    match renewed(&guest.call).await {
        Ok(renewed) => {
            let mut response = page(&guest, Shown::Form(is_known, None));
            keep(&mut response, renewed);
            response
        }
        Err(error) => mark(page(&guest, Shown::Form(is_known, Some(&error))), error),
    }
}

/// Registers the browser.
async fn press(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (mut parts, rest) = request.into_parts();
    let guest = match Guest::read(&server, &parts) {
        Ok(guest) => guest,
        Err(response) => return *response,
    };
    let form = match form(&guest, Request::from_parts(parts.clone(), rest)).await {
        Ok(form) => form,
        Err(error) => return foreign(&guest.voice, &guest.id, error),
    };
    let is_known = known(&server, &mut parts, &guest.visit).await.is_some();
    match made(&server, &mut parts, &guest, (&form, is_known)).await {
        Ok(cookies) => done(&guest, cookies),
        Err(ApiError::MoreNeeded(more)) => {
            let text = |member: &str| more[member].as_str().unwrap_or_default();
            see_other(&to_sign_in(&guest.visit), keep_flow_of(&server, text("id"), text("binding")))
        }
        Err(error) => mark(page(&guest, Shown::Form(is_known, Some(&error))), error),
    }
}

/// What the browser is to keep.
async fn made(
    server: &Arc<Server>,
    parts: &mut Parts,
    guest: &Guest,
    (form, is_known): (&Form, bool),
) -> Result<Vec<HeaderValue>, ApiError> {
    let mut body = json!({});
    if let Some(label) = form.value("label") {
        body["label"] = label.into();
    }
    let registrar = if is_known {
        Registrar::Person(Box::new(OwnCall::from_request_parts(parts, server).await?))
    } else {
        let name = form.value("name").unwrap_or_default().trim();
        let member = if name.contains('@') { "email" } else { "username" };
        body[member] = name.into();
        body["totp"] = form.value("code").unwrap_or_default().into();
        Registrar::App(Box::new(guest.call.clone()))
    };
    let body: RegisterDeviceBody = serde_json::from_value(body).map_err(|_| ApiError::RegistrationRefused)?;
    let registered = match register(registrar, Json(body, Bytes::new())).await {
        // What does not even read is no more right than what is wrong.
        Err(ApiError::InvalidMember { .. }) if !is_known => Err(ApiError::RegistrationRefused),
        Err(ApiError::Refused(Refusal::SessionOver)) => Err(ApiError::NotFresh),
        other => other,
    };
    let response = registered?.into_response();
    Ok(response.headers().get_all(header::SET_COOKIE).iter().cloned().collect())
}

/// Where a browser goes that is registered now.
fn done(guest: &Guest, cookies: Vec<HeaderValue>) -> Response {
    match (&guest.visit.return_to, guest.visit.state) {
        (Some(_), Some(_)) => see_other(&guest.visit.here(), cookies),
        (Some(return_to), None) => see_other(return_to.as_str(), cookies),
        (None, _) => {
            let mut response = page(guest, Shown::Done);
            keep(&mut response, cookies);
            response
        }
    }
}

/// Who is signed in here, if this may become a device of theirs.
async fn known(server: &Arc<Server>, parts: &mut Parts, visit: &Visit) -> Option<Visitor> {
    let visitor = Visitor::from_request_parts(parts, server).await.ok()?;
    (visitor.session.realm == visit.app.realm && visitor.refresh_token.is_none()).then_some(visitor)
}

/// Whether a code of an authenticator app may begin.
fn takes_totp(guest: &Guest) -> bool {
    guest.call.server.policy(&guest.call.app).start.has(Method::Totp)
}

fn to_sign_in(visit: &Visit) -> String {
    Visit { registers: true, ..visit.clone() }.here()
}

/// The same for somebody who is signed in, and not as strongly or as lately as this takes. They come back with what says so.
fn to_fresh_sign_in(visit: &Visit) -> String {
    to_sign_in(&Visit { fresh: true, ..visit.clone() })
}

fn page(guest: &Guest, shown: Shown<'_>) -> Response {
    let (voice, visit) = (&guest.voice, &guest.visit);
    let (is_done, is_known, error) = match shown {
        Shown::Form(is_known, error) => (false, is_known, error),
        Shown::Done => (true, true, None),
    };
    let texts: BTreeMap<&str, String> = TEXTS.iter().map(|(name, key)| (*name, voice.say(*key))).collect();
    let heading = if is_done { Key::PageDeviceDone } else { Key::PageDevice };
    let sign_in = match error {
        Some(ApiError::NotFresh | ApiError::StrongerNeeded) => Some(to_fresh_sign_in(visit)),
        _ => (!is_known).then(|| to_sign_in(visit)),
    };
    let values = context! {
        title => voice.say(heading),
        texts, is_done, is_known, sign_in,
        problem => error.map(|error| words(voice, "device", error)),
        reference => error.map(|_| guest.id.clone()),
    };
    voice.form_page("device.html", values, visit.return_to.as_ref().map(|to| to.origin()))
}
