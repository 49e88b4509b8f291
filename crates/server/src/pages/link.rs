//! `/link/{token}`: where the link of a mail leads. Opening it changes nothing; pressing its button does.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use countersign_domain::{
    challenge::{self, Approval, Challenge, Started, Status},
    id::RequestId,
    refusal::Refusal,
    token::SecretToken,
    vault::Vault as _,
};
use http::{HeaderMap, HeaderValue, header};
use minijinja::context;

use crate::{
    api::challenge::{contact_of, decided},
    call::{admit_poll, body, client_address, text_of},
    error::{ApiError, Problem},
    flood::Lane,
    keys::Context,
    oauth2::Form,
    outbox::locale::Locale,
    pages::{
        render::page,
        texts::{LinkTexts, link_texts},
    },
    state::Server,
};

/// The cookie in which a page of ours keeps the binding of what it started.
pub const BINDING_COOKIE: &str = "__Host-countersign-binding";
/// Longest form: a number of two digits.
const LONGEST_FORM: usize = 1024;

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/link/{token}", get(show).post(press)).layer(from_fn(show_refusals))
}

/// Turns what is refused into a page: people come here, not programs.
async fn show_refusals(request: Request, next: Next) -> Response {
    let texts = texts(request.headers());
    let id = request.extensions().get::<RequestId>().map(ToString::to_string);
    let refused = next.run(request).await;
    let Some(problem) = refused.extensions().get::<Problem>().copied() else { return refused };
    let (title, text) = match problem.0 {
        "too_many_requests" => (texts.later, texts.later_text),
        _ => (texts.trouble, texts.trouble_text),
    };
    let mut response = page("message.html", &context! { lang => texts.lang, title, text, id });
    *response.status_mut() = refused.status();
    response.extensions_mut().insert(problem);
    if let Some(seconds) = refused.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.clone());
    }
    response
}

/// Shows who asks, from where and when. Changes nothing, for any client.
async fn show(
    State(server): State<Arc<Server>>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    if let Some(address) = client_address(&server, &parts) {
        admit_poll(&server, address, server.now())?;
    }
    let texts = texts(&parts.headers);
    Ok(match find(&server, &token).await {
        Ok(challenge) => match challenge.status(server.now()) {
            Status::Pending => {
                let elsewhere = own_binding(&server, &parts.headers, &challenge).is_none();
                ask(&server, &challenge, texts, elsewhere, None)
            }
            Status::Passed => done(texts),
            Status::Spent | Status::Failed | Status::Expired => over(texts),
        },
        Err(ApiError::Unavailable) => return Err(ApiError::Unavailable),
        Err(_) => over(texts),
    })
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
    let texts = texts(&headers);
    let bytes = body(Request::from_parts(parts, rest), LONGEST_FORM).await?;
    let number = Form::read(&bytes)
        .ok()
        .and_then(|form| form.value("number").and_then(|text| text.trim().parse().ok()));
    let challenge = match find(&server, &token).await {
        Ok(challenge) => challenge,
        Err(ApiError::Unavailable) => return Err(ApiError::Unavailable),
        Err(_) => return Ok(over(texts)),
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
        Ok(()) => done(texts),
        Err(Refusal::InvalidNumber { tries_left: 1.. }) => {
            ask(server, &challenge, texts, true, Some(texts.wrong_number))
        }
        Err(Refusal::InvalidBinding) => ask(server, &challenge, texts, true, None),
        Err(_) => over(texts),
    })
}

async fn find(server: &Server, token: &str) -> Result<Challenge, ApiError> {
    let token = SecretToken::parse(token).map_err(|_| ApiError::NotFound)?;
    server.store.challenge_by_link(server.keys.link(&token)).await?.ok_or(ApiError::NotFound)
}

/// Leaves the binding with a page of ours, so that a link opened in the same browser asks for no number.
pub fn remember(response: &mut Response, started: &Started) {
    let life = started.challenge.expires_at.since(started.challenge.created_at).seconds();
    let cookie = format!(
        "{BINDING_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={life}",
        started.binding.expose()
    );
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// The binding, if this browser holds it: then it is the one that asked.
fn own_binding(server: &Server, headers: &HeaderMap, challenge: &Challenge) -> Option<SecretToken> {
    let cookies = text_of(headers, header::COOKIE.as_str())?;
    let value =
        cookies.split(';').find_map(|pair| pair.trim().strip_prefix(BINDING_COOKIE)?.strip_prefix('='))?;
    let binding = SecretToken::parse(value).ok()?;
    (server.keys.binding(&binding) == challenge.binding).then_some(binding)
}

/// The page that asks: by whom, when and from where it was asked for, and the number where it is needed.
fn ask(
    server: &Server,
    challenge: &Challenge,
    texts: &LinkTexts,
    wants_number: bool,
    problem: Option<&str>,
) -> Response {
    let app = server.app(challenge.app.as_str());
    let name = app.as_ref().map_or(challenge.app.as_str(), |app| app.title.as_str());
    let origin = challenge.sealed_origin.as_ref().and_then(|sealed| {
        let place = Context { table: "challenge", column: "sealed_origin", id: challenge.id.bytes() };
        let opened = server.keys.open(&place, sealed).ok()?;
        std::str::from_utf8(opened.expose()).ok().map(str::to_owned)
    });
    let values = context! {
        lang => texts.lang, title => texts.question.replace("{app}", name),
        when_label => texts.when, when => crate::api::rfc3339(challenge.created_at).replace('T', " ").replace('Z', " UTC"),
        origin_label => texts.origin, origin, problem, wants_number,
        number_label => texts.number, number_hint => texts.number_hint,
        button => texts.button, warning => texts.warning,
    };
    page("link.html", &values)
}

fn done(texts: &LinkTexts) -> Response {
    page("message.html", &context! { lang => texts.lang, title => texts.done, text => texts.done_text })
}

fn over(texts: &LinkTexts) -> Response {
    page("message.html", &context! { lang => texts.lang, title => texts.over, text => texts.over_text })
}

/// The person's language, as the browser says.
fn texts(headers: &HeaderMap) -> &'static LinkTexts {
    let wanted = text_of(headers, header::ACCEPT_LANGUAGE.as_str());
    link_texts(wanted.map_or_else(Locale::default, |wanted| Locale::negotiate(&wanted)))
}
