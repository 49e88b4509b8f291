//! The way back to the host of an app that shares no cookie with us: a ticket, good once and for a minute, for the browser
//! that came from there. On the app's host `/.countersign/` leads here through its proxy. It knows no grants: whether
//! somebody may use the app is asked with every request.

mod ticket;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use countersign_domain::{
    app::App, assurance::Level, event::Actor, id::CeremonyId, session::Session, time::Span,
    token::SecretToken,
};
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderValue, request::Parts};
use url::{Url, form_urlencoded::Serializer};

use self::ticket::Ticket;
use super::{
    return_to::{OWN, ReturnTo},
    sign_in::{Visit, astray, mark, request_id, see_other},
    voice::Voice,
};
use crate::{
    accounts::held_app_cookie,
    call::admit_page,
    config::{CookieKind, CookieSettings},
    cookie::{self, AppCookie},
    error::ApiError,
    events::context,
    oauth2::Form,
    state::Server,
    texts::Key,
};

/// How long the way to the sign-in page and back may take.
const STATE_LIFE: Span = Span::from_minutes(20);

/// The routes of this file, on the hosts of apps.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/.countersign/start", get(start)).route("/.countersign/callback", get(callback))
}

/// Where a browser goes that has to sign in to an app first and wanted this page of it: our sign-in page, by way of the
/// app's own host where that cannot see our cookies. `None` for a page of another origin than the app has registered.
#[must_use]
pub fn sign_in_location(server: &Server, app: &App, return_to: &str, acr: Option<Level>) -> Option<String> {
    let return_to = ReturnTo::parse(app, return_to)?;
    let mut query = Serializer::new(String::new());
    query.append_pair("app", app.name.as_str()).append_pair("return_to", return_to.as_str());
    if let Some(level) = acr {
        query.append_pair("acr_values", level.acr());
    }
    let query = query.finish();
    let config = server.config.load();
    Some(if sees_our_cookies(&config.cookies, &config.server.issuer, return_to.host()) {
        format!("{}/sign-in?{query}", config.server.issuer)
    } else {
        format!("{}{OWN}start?{query}", return_to.origin())
    })
}

/// Whether the cookie of a session goes to a host.
fn sees_our_cookies(settings: &CookieSettings, issuer: &str, host: &str) -> bool {
    let own = Url::parse(issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
    let is_below = |domain: &String| {
        host == domain || host.strip_suffix(domain.as_str()).is_some_and(|label| label.ends_with('.'))
    };
    // The page sets them from our own host, for the domain that this is below.
    own.as_deref() == Some(host) || settings.at(own.as_deref()).domain.as_ref().is_some_and(is_below)
}

/// Where somebody goes who is signed in: back, by a ticket where the app's host waits for one.
pub(super) async fn go_back(
    server: &Arc<Server>,
    visit: &Visit,
    return_to: &ReturnTo,
    session: &Session,
) -> Result<Response, ApiError> {
    let Some(state) = visit.state else { return Ok(see_other(return_to.as_str(), None)) };
    let app = &visit.app.name;
    let ticket =
        Ticket { app: app.to_string(), return_to: return_to.as_str().to_owned(), session: session.id, state };
    let text = ticket.issue(server, session).await?;
    Ok(see_other(&format!("{}{OWN}callback?ticket={text}", return_to.origin()), None))
}

/// On the app's host: marks the browser, and sends it to the sign-in page with what the mark looks like from outside.
async fn start(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let sent = admit(&server, &parts).and_then(|()| {
        let visit = Visit::read(&server, parts.uri.query())?;
        if visit.return_to.is_none() {
            return Err(ApiError::invalid("return_to", "say where to go back to"));
        }
        let settings = &server.config.load().cookies;
        // One that is there stays, so that two pages that are opened at once do not shut each other out.
        let state =
            state_of(&parts.headers, settings).unwrap_or_else(|| SecretToken::draw(&mut *server.random()));
        let digest = server.keys.visit(&visit.app.name, &state);
        let to = format!("{}{}", server.issuer(), Visit { state: Some(digest), ..visit }.here());
        Ok(see_other(&to, settings.set(CookieKind::State, state.expose(), STATE_LIFE)))
    });
    sent.unwrap_or_else(|error| astray(&server, &parts, error))
}

/// On the app's host: takes the ticket, and lets the browser go on to where it wanted.
async fn callback(State(server): State<Arc<Server>>, request: Request) -> Response {
    context::note_actor(Actor::Person);
    let (parts, _) = request.into_parts();
    let redeemed = match admit(&server, &parts) {
        Ok(()) => redeem(&server, &parts).await,
        Err(error) => Err(error),
    };
    match redeemed {
        Ok(Some((to, cookies))) => see_other(&to, cookies),
        Ok(None) => {
            let voice = Voice::at(&server, &parts.headers, parts.uri.path());
            let page =
                voice.tell_with_way(Key::PageCallbackOver, Key::PageCallbackOverText, request_id(&parts));
            mark(page, ApiError::Refused(countersign_domain::refusal::Refusal::SignInOver))
        }
        Err(error) => astray(&server, &parts, error),
    }
}

/// Where a ticket leads, and what the browser is to keep; none for one that leads nowhere, whatever the reason.
async fn redeem(server: &Arc<Server>, parts: &Parts) -> Result<Option<(String, Vec<HeaderValue>)>, ApiError> {
    let form = Form::read(parts.uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let Some((id, secret)) = form.value("ticket").and_then(read_ticket) else { return Ok(None) };
    let config = server.config.load_full();
    let settings = &config.cookies;
    let state = state_of(&parts.headers, settings);
    // Whoever shows it, it is over.
    let Some((ticket, session)) = Ticket::take(server, id, &secret).await? else { return Ok(None) };
    let app = server.app(&ticket.app).filter(|app| !app.disabled && app.accounts.is_some());
    let Some(app) = app.filter(|app| app.realm == session.realm) else { return Ok(None) };
    // The app may have changed its pages meanwhile.
    let Some(return_to) = ReturnTo::parse(&app, &ticket.return_to) else { return Ok(None) };
    let now = server.now();
    let is_its_browser = state.is_some_and(|state| server.keys.visit(&app.name, &state) == ticket.state);
    if !is_its_browser {
        // A browser that is in already may go where it wanted, as by any link. Nobody gets in so.
        let held = match AppCookie::of(&parts.headers, settings) {
            Some(held) => held_app_cookie(server, &held, &app, now).await?,
            None => None,
        };
        return Ok(held.map(|_| (return_to.as_str().to_owned(), Vec::new())));
    }
    let cookie = AppCookie { session: session.id, mac: server.keys.app_cookie(session.id, &app.name) };
    let cookies = [cookie.set(settings, session.expires_at.since(now)), settings.clear(CookieKind::State)];
    Ok(Some((return_to.as_str().to_owned(), cookies.into_iter().flatten().collect())))
}

/// A ticket as it was handed out.
fn read_ticket(text: &str) -> Option<(CeremonyId, SecretToken)> {
    let (id, secret) = text.split_once('.')?;
    let id: [u8; 16] = BASE64URL_NOPAD.decode(id.as_bytes()).ok()?.try_into().ok()?;
    Some((CeremonyId::from_bytes(id), SecretToken::parse(secret).ok()?))
}

fn state_of(headers: &HeaderMap, settings: &CookieSettings) -> Option<SecretToken> {
    SecretToken::parse(&cookie::value(headers, &settings.name(CookieKind::State))?).ok()
}

fn admit(server: &Server, parts: &Parts) -> Result<(), ApiError> {
    if !server.knows_registry(server.now()) {
        return Err(ApiError::Unavailable);
    }
    admit_page(server, parts)
}
