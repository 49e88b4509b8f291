//! `/sign-out`, and the same on the hosts of apps behind a proxy: a page that asks, and a button that ends the session. It
//! is the session of the whole realm that ends: what came from it ends everywhere.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use countersign_domain::{event::Actor, session::Session};
use http::{HeaderMap, header, request::Parts};
use minijinja::context;

use super::{
    link::refused,
    sign_in::{foreign, request_id},
    voice::Voice,
};
use crate::{
    accounts::{end_all, held_app_cookie, held_session},
    call::{admit_page, body},
    config::CookieKind,
    cookie::{self, AppCookie, Page, SessionCookie},
    error::ApiError,
    events::context as events,
    fields::Fields as _,
    oauth2::Form,
    state::Server,
    texts::Key,
};

/// Longest form: one word.
const LONGEST_FORM: usize = 1024;

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/sign-out", get(show).post(press))
        .route("/.countersign/sign-out", get(show).post(press_at_app))
}

/// Asks. Changes nothing.
async fn show(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let voice = Voice::at(&server, &parts.headers, parts.uri.path());
    let everywhere = (!voice.is_at_app()).then(|| voice.say(Key::PageSignOutEverywhere));
    let values = context! {
        title => voice.say(Key::PageSignOutQuestion),
        text => voice.say(Key::PageSignOutText), button => voice.say(Key::PageSignOut), everywhere,
    };
    voice.form_page("sign_out.html", values, None)
}

/// Ends the session of this browser, or all of the person's.
async fn press(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, rest) = request.into_parts();
    let is_own = Page::of(&parts.headers, &server.issuer()) == Page::Own;
    let ended = async {
        admit(&server, &parts, is_own)?;
        let bytes = body(Request::from_parts(parts.clone(), rest), LONGEST_FORM).await?;
        let everywhere = Form::read(&bytes).is_ok_and(|form| form.value("everywhere").is_some());
        let settings = &server.config.load_full().cookies;
        let held = match SessionCookie::of(&parts.headers, settings) {
            Some(cookie) => held_session(&server, &cookie).await?,
            None => None,
        };
        end(&server, held, everywhere).await
    };
    let ended = ended.await;
    done(&server, &parts, ended)
}

/// The same from an app's host: the browser alone can say that the page is that host's own.
async fn press_at_app(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let is_own = parts.headers.text("sec-fetch-site") == Some("same-origin");
    let ended = async {
        admit(&server, &parts, is_own)?;
        end(&server, held_at_app(&server, &parts.headers).await?, false).await
    };
    let ended = ended.await;
    done(&server, &parts, ended)
}

/// The session that the cookie of an app's host names, for whichever app it was made.
async fn held_at_app(server: &Server, headers: &HeaderMap) -> Result<Option<Session>, ApiError> {
    let settings = &server.config.load_full().cookies;
    let Some(cookie) = AppCookie::of(headers, settings) else { return Ok(None) };
    let registry = server.registry.load_full();
    let is_for = |app: &&&Arc<_>| is_made_for(server, &cookie, app);
    match registry.apps().iter().find(is_for) {
        Some(app) => held_app_cookie(server, &cookie, app, server.now()).await,
        None => Ok(None),
    }
}

fn is_made_for(server: &Server, cookie: &AppCookie, app: &countersign_domain::app::App) -> bool {
    cookie.mac == server.keys.app_cookie(cookie.session, &app.name)
}

fn admit(server: &Server, parts: &Parts, is_own: bool) -> Result<(), ApiError> {
    events::note_actor(Actor::Person);
    if !is_own {
        return Err(ApiError::OriginNotAllowed);
    }
    admit_page(server, parts)
}

async fn end(server: &Arc<Server>, held: Option<Session>, everywhere: bool) -> Result<(), ApiError> {
    match held {
        Some(session) if everywhere => end_all(server, &session).await,
        Some(session) => server.end_session(&session).await,
        None => Ok(()),
    }
}

/// The page afterwards. Whoever was not signed in is told the same.
fn done(server: &Server, parts: &Parts, ended: Result<(), ApiError>) -> Response {
    let voice = Voice::at(server, &parts.headers, parts.uri.path());
    match ended {
        Ok(()) => {
            let mut response = voice.tell(Key::PageSignedOut, Key::PageSignedOutText, None);
            let settings = &server.config.load().cookies;
            cookie::clear(settings, response.headers_mut());
            for cookie in
                [CookieKind::App, CookieKind::SignIn].map(|kind| settings.clear(kind)).into_iter().flatten()
            {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(error @ ApiError::OriginNotAllowed) => foreign(&voice, &request_id(parts), error),
        Err(error) => refused(&voice, parts.extensions.get(), error),
    }
}
