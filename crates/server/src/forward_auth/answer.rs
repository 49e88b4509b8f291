//! What a proxy is answered. It decides nothing; the words and the statuses are those that proxies' recipes rest on.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use countersign_domain::{
    app::App,
    assurance::Level,
    forward_auth::{Opener, SignInMode},
    time::Timestamp,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    asker::Asker,
    identity::{Told, write_nobody},
    known::Known,
    question::{Forwarded, Question},
};
use crate::{error::ApiError, fields::Fields as _, pages::forward::sign_in_location, state::Server};

/// The status that a refusal would have had where the caller asked for another, so that a proxy can give it on.
const OWN_STATUS: HeaderName = HeaderName::from_static("countersign-status");
const NO_APP: &str = "Service Not Found!";
const NO_GRANT: &str = "User does not have access to this service";

/// Why it is no.
#[derive(Clone, Debug)]
pub enum Refused {
    /// Nobody is signed in, at the app where there is one.
    Nobody(Option<Arc<App>>),
    /// Somebody is, and there is no such app.
    NoApp,
    /// Somebody is, and may not use it.
    NoGrant,
    /// Somebody is who may use it, but not known strongly enough for this.
    TooWeak(Arc<App>, Level),
}

impl Refused {
    /// This, unless somebody is known who could use it if they were known more strongly.
    pub(super) fn or_no_grant(self) -> Self {
        if matches!(self, Self::TooWeak(..)) { self } else { Self::NoGrant }
    }
}

/// Who somebody is, for the service that asks itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct PresenceBody {
    /// The person, as the app knows them.
    pub subject: String,
    /// What the app may know and do.
    pub scopes: Vec<String>,
    /// What was proven.
    pub acr: &'static str,
    /// How (RFC 8176).
    pub amr: Vec<&'static str>,
    /// When, in seconds since 1970.
    pub auth_time: i64,
}

/// Yes, and who it is, for a proxy.
fn telling(told: &Told) -> Response {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.reserve(12);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    told.write(headers);
    response
}

/// Yes, and who it is.
///
/// # Errors
/// While there is no key to sign the assertion with.
pub fn allowed(
    server: &Server,
    app: &App,
    known: &Known,
    (asker, now): (Asker, Timestamp),
) -> Result<Response, ApiError> {
    let mut response = known.tell(server, (app, now), telling)?;
    if asker == Asker::Service {
        let body = PresenceBody {
            subject: known.identity.subject.to_string(),
            scopes: known.scopes().iter().map(ToString::to_string).collect(),
            acr: known.assurance.acr(),
            amr: known.assurance.methods.amr(),
            auth_time: known.assurance.proven_at.seconds(),
        };
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        *response.body_mut() = serde_json::to_vec(&body).map_err(|_| ApiError::Internal)?.into();
    }
    Ok(response)
}

/// Yes to a request that needs nobody.
#[must_use]
pub fn nobody_needed() -> Response {
    let mut response = empty(StatusCode::OK);
    write_nobody(response.headers_mut());
    response
}

/// No, in the words of the app.
pub fn refused(
    server: &Server,
    refused: Refused,
    question: &Question<'_>,
    (headers, forwarded): (&HeaderMap, &Forwarded<'_>),
) -> Response {
    let to_sign_in =
        |app: &App, level: Option<Level>| sign_in_location(server, app, &page_of(headers, forwarded)?, level);
    let mut response = match &refused {
        Refused::NoApp => with_text(StatusCode::NOT_FOUND, NO_APP),
        Refused::NoGrant => with_text(StatusCode::UNAUTHORIZED, NO_GRANT),
        Refused::Nobody(None) => empty(StatusCode::NOT_FOUND),
        Refused::Nobody(Some(app)) => match app.forward_auth.sign_in {
            SignInMode::Hide => empty(StatusCode::NOT_FOUND),
            SignInMode::Unauthorized => challenged(app),
            SignInMode::Redirect => match to_sign_in(app, None) {
                Some(place) => redirect(&place),
                None => challenged(app),
            },
        },
        Refused::TooWeak(app, level) => {
            let place =
                (app.forward_auth.sign_in == SignInMode::Redirect).then(|| to_sign_in(app, Some(*level)));
            match place.flatten() {
                Some(place) => redirect(&place),
                None => too_weak(*level),
            }
        }
    };
    as_asked(&mut response, question);
    response
}

/// To our own page, for a browser that goes to a page and whose registered device is to get another secret there. It comes
/// back at once.
pub fn to_renew(
    server: &Server,
    app: &App,
    question: &Question<'_>,
    (headers, forwarded): (&HeaderMap, &Forwarded<'_>),
) -> Option<Response> {
    // Our pages are shown in no frame.
    let is_whole = matches!(headers.single("sec-fetch-dest"), Ok(None | Some("document")));
    let page = page_of(headers, forwarded).filter(|_| is_whole)?;
    let mut response = redirect(&sign_in_location(server, app, &page, None)?);
    as_asked(&mut response, question);
    Some(response)
}

/// Another status in place of a refusal's own, where the proxy asked for that.
fn as_asked(response: &mut Response, question: &Question<'_>) {
    if let Some(status) = question.refuse {
        let own = std::mem::replace(response.status_mut(), status);
        response.headers_mut().insert(OWN_STATUS, own.as_u16().into());
    }
}

/// The page that a browser wants to see; none where it is no browser that goes to a page, or that is not known.
fn page_of(headers: &HeaderMap, forwarded: &Forwarded<'_>) -> Option<String> {
    let header = |name| headers.text(name);
    let is_read = forwarded.method.is_some_and(|method| method == "GET" || method == "HEAD");
    let wants_page = match header("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => header("accept").is_some_and(|accept| accept.contains("text/html")),
    };
    if !is_read || !wants_page {
        return None;
    }
    let target = forwarded.target?;
    let scheme = header("x-forwarded-proto").unwrap_or("https");
    Some(format!("{scheme}://{}{target}", header("x-forwarded-host")?))
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn with_text(status: StatusCode, text: &'static str) -> Response {
    let mut response = empty(status);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    *response.body_mut() = text.into();
    response
}

fn challenged(app: &App) -> Response {
    let mut response = empty(StatusCode::UNAUTHORIZED);
    let accepts = app.forward_auth.accepts;
    for (opener, scheme) in [(Opener::Token, "Bearer"), (Opener::AppPassword, "Basic realm=\"app password\"")]
    {
        if accepts.has(opener) {
            response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
    }
    response
}

/// RFC 9470, 3: what is missing, for clients that can get it.
fn too_weak(level: Level) -> Response {
    let mut response = with_text(StatusCode::UNAUTHORIZED, NO_GRANT);
    let acr = level.acr();
    let value = format!("Bearer error=\"insufficient_user_authentication\", acr_values=\"{acr}\"");
    if let Ok(value) = HeaderValue::from_str(&value) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

fn redirect(place: &str) -> Response {
    let mut response = empty(StatusCode::FOUND);
    match HeaderValue::from_str(place) {
        Ok(place) => drop(response.headers_mut().insert(header::LOCATION, place)),
        Err(_) => *response.status_mut() = StatusCode::UNAUTHORIZED,
    }
    response
}
