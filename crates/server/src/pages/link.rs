//! `/link/{token}`: where the link of a mail leads. Opening it changes nothing; pressing its button does.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    response::{Html, IntoResponse as _, Response},
    routing::get,
};
use countersign_domain::{
    challenge::{self, Approval, Challenge, Status},
    refusal::Refusal,
    token::SecretToken,
    vault::Vault as _,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::{
    api::challenge::{contact_of, decided},
    call::{body, client_address, text_of},
    error::ApiError,
    flood::Lane,
    keys::Context,
    oauth2::Form,
    state::Server,
};

/// The cookie in which a page of ours keeps the binding of what it started.
pub const BINDING_COOKIE: &str = "__Host-countersign-binding";
/// Longest form: a number of two digits.
const LONGEST_FORM: usize = 1024;

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/link/{token}", get(show).post(press))
}

/// Shows who asks, from where and when. Changes nothing, for any client.
async fn show(State(server): State<Arc<Server>>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    match find(&server, &token).await {
        Ok(challenge) if challenge.status(server.now()) == Status::Pending => {
            page(&ask(&server, &challenge, own_binding(&server, &headers, &challenge).is_none(), None))
        }
        Ok(challenge) => page(&over(challenge.status(server.now()) == Status::Passed)),
        Err(ApiError::Unavailable) => ApiError::Unavailable.into_response(),
        Err(_) => page(&over(false)),
    }
}

/// Approves the challenge, for who asked.
async fn press(
    State(server): State<Arc<Server>>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, rest) = request.into_parts();
    if let Some(address) = client_address(&server, &parts) {
        let limit = server.config.load().limits.publishable_requests_per_network_per_minute;
        server.flood.admit(Lane::Page, address, limit, server.now()).map_err(ApiError::TooManyRequests)?;
    }
    let headers = parts.headers.clone();
    let bytes = body(Request::from_parts(parts, rest), LONGEST_FORM).await?;
    let number = Form::read(&bytes)
        .ok()
        .and_then(|form| form.value("number").and_then(|text| text.trim().parse().ok()));
    let challenge = match find(&server, &token).await {
        Ok(challenge) => challenge,
        Err(ApiError::Unavailable) => return Err(ApiError::Unavailable),
        Err(_) => return Ok(page(&over(false))),
    };
    let binding = own_binding(&server, &headers, &challenge);
    let _lane = server.lanes.enter(&challenge.contact).await;
    let (server, token, binding) = (&server, &token, &binding);
    let outcome = server
        .decide(|| async move {
            let challenge = find(server, token).await?;
            let contact = contact_of(server, &challenge).await?;
            let approval = binding.as_ref().map_or(Approval::Number(number.unwrap_or(0)), Approval::Binding);
            Ok(decided(challenge::approve(challenge, contact, approval, &server.keys, server.now())))
        })
        .await?;
    Ok(match outcome {
        Ok(()) => page(&approved()),
        Err(Refusal::InvalidNumber { tries_left }) if tries_left > 0 => {
            page(&ask(server, &challenge, true, Some("That is not the number. Look again where you asked.")))
        }
        Err(_) => page(&over(false)),
    })
}

async fn find(server: &Server, token: &str) -> Result<Challenge, ApiError> {
    let token = SecretToken::parse(token).map_err(|_| ApiError::NotFound)?;
    server.store.challenge_by_link(server.keys.link(&token)).await?.ok_or(ApiError::NotFound)
}

/// The binding, if this browser holds it: then it is the one that asked.
fn own_binding(server: &Server, headers: &HeaderMap, challenge: &Challenge) -> Option<SecretToken> {
    let cookies = text_of(headers, header::COOKIE.as_str())?;
    let value =
        cookies.split(';').find_map(|pair| pair.trim().strip_prefix(BINDING_COOKIE)?.strip_prefix('='))?;
    let binding = SecretToken::parse(value).ok()?;
    (server.keys.binding(&binding) == challenge.binding).then_some(binding)
}

fn ask(server: &Server, challenge: &Challenge, wants_number: bool, problem: Option<&str>) -> String {
    let app = server.app(&challenge.app);
    let title = escape(app.as_ref().map_or(challenge.app.as_str(), |app| app.title.as_str()));
    let origin = challenge.sealed_origin.as_ref().and_then(|sealed| {
        let place = Context { table: "challenge", column: "sealed_origin", id: challenge.id.bytes() };
        let opened = server.keys.open(&place, sealed).ok()?;
        std::str::from_utf8(opened.expose()).ok().map(escape)
    });
    let origin = origin.map_or_else(String::new, |origin| format!("<p>Asked from: {origin}</p>"));
    let number = if wants_number {
        "<label>Number shown where you asked <input name=\"number\" inputmode=\"numeric\" autocomplete=\"off\" \
         maxlength=\"2\" required></label>"
    } else {
        ""
    };
    let problem = problem.map_or_else(String::new, |problem| format!("<p role=\"alert\">{problem}</p>"));
    format!(
        "<h1>Sign in to {title}?</h1>{origin}<p>At {}</p>{problem}<form method=\"post\">{number}\
         <button>Yes, it was me</button></form><p>If you did not ask for this, close this page.</p>",
        crate::api::rfc3339(challenge.created_at)
    )
}

fn approved() -> String {
    "<h1>Done</h1><p>Go back to where you asked: it goes on there.</p>".to_owned()
}

fn over(passed: bool) -> String {
    if passed {
        approved()
    } else {
        "<h1>This link is over</h1><p>It was used, replaced by a newer one, or ran out of time. Ask for a new mail.</p>"
            .to_owned()
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn page(content: &str) -> Response {
    let mut response = Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Countersign</title><main>{content}</main></html>"
    ))
    .into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
