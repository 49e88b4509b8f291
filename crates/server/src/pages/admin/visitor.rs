//! Who is on a page of the administration: whoever showed an admin key a while ago, or a person with the role `admin`
//! where the configuration lets them. Looked at anew for every request; what they may do is not decided here.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use countersign_domain::{
    app::{AccountPolicy, App, AppName, BrowserTokens},
    assurance::Level,
    membership::Role,
    realm::RealmName,
    session::Session,
    time::{Span, Timestamp},
    user::{User, UserStatus},
};
use data_encoding::HEXLOWER;
use http::{HeaderMap, HeaderValue, header, request::Parts};
use minijinja::{Value, context};
use url::form_urlencoded::Serializer;

use crate::{
    accounts::{held_session, open_profile},
    admin::operator::{Administrator, Vouched},
    call::{admit_page, is_forwarded},
    cookie::{OperatorCookie, Page, SessionCookie},
    error::ApiError,
    events::{context, person::key_of},
    fields::Fields as _,
    listener::Peer,
    pages::{
        sign_in::{WayBack, astray, see_other},
        voice::Voice,
    },
    state::Server,
};

/// How long ago an administrator may have proven who they are, to look.
const PROVEN_TO_LOOK: Span = Span::from_hours(8);
/// The same to change anything.
const PROVEN_TO_CHANGE: Span = Span::from_hours(1);

/// Who may come in on a listener.
#[derive(Clone, Copy, Debug)]
pub struct Doors {
    /// Whoever shows an admin key.
    pub key: bool,
    /// Administrators of realms, where the configuration lets them.
    pub person: bool,
}

/// Somebody who was let in.
pub(super) struct Visitor {
    pub(super) vouched: Vouched,
    /// Whether they came with an admin key.
    pub(super) has_key: bool,
    /// What the browser is to keep.
    pub(super) cookie: Option<HeaderValue>,
    /// Where they confirm who they are, where that is too long ago to change anything.
    pub(super) stale: Option<String>,
}

/// Why somebody is not let in.
enum Closed {
    /// Nothing is here for them.
    Nothing,
    /// They are to go there first.
    Elsewhere(String),
    /// They are to say which realm they administer.
    Choose(Vec<Door>),
    /// Something is wrong with what they show.
    Refused(ApiError),
}

impl From<ApiError> for Closed {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl Visitor {
    /// Whoever sent a request; what to answer to others.
    pub(super) async fn of(server: &Arc<Server>, doors: Doors, parts: &Parts) -> Result<Self, Box<Response>> {
        let visitor = match known(server, doors, parts).await {
            Ok(visitor) => visitor,
            Err(Closed::Nothing) => return Err(Box::new(ApiError::NotFound.into_response())),
            Err(Closed::Elsewhere(to)) => return Err(Box::new(see_other(&to, None))),
            Err(Closed::Choose(realms)) => return Err(Box::new(choice(server, parts, realms))),
            Err(Closed::Refused(error)) => return Err(Box::new(astray(server, parts, error))),
        };
        context::note_actor(visitor.vouched.operator().actor());
        Ok(visitor)
    }
}

async fn known(server: &Arc<Server>, doors: Doors, parts: &Parts) -> Result<Visitor, Closed> {
    let lets_people = doors.person && !server.config.load().admin.realms.is_empty();
    if !is_open(doors, parts) && !lets_people {
        return Err(Closed::Nothing);
    }
    admit_page(server, parts)?;
    let now = server.now();
    if doors.key
        && let Some(visitor) = with_key(server, &parts.headers, now)?
    {
        return Ok(visitor);
    }
    let path = parts.uri.path();
    if !lets_people {
        let mut query = Serializer::new(String::new());
        query.append_pair("to", path);
        return Err(Closed::Elsewhere(format!("/admin/sign-in?{}", query.finish())));
    }
    let cookie = SessionCookie::of(&parts.headers, &server.config.load().cookies);
    let session = match &cookie {
        Some(cookie) => held_session(server, cookie).await?,
        None => None,
    };
    match session.filter(|session| session.is_live(now)) {
        Some(session) => administrator(server, &session, path).await,
        None => Err(way_in(server, path)),
    }
}

/// Whether admin keys are taken here: not from whom a proxy passes on to a socket.
pub(super) fn is_open(doors: Doors, parts: &Parts) -> bool {
    let is_networked = matches!(parts.extensions.get::<Peer>(), Some(Peer(Some(_))));
    doors.key && (is_networked || !is_forwarded(&parts.headers))
}

/// Whoever holds the cookie of a visit whose key is good still.
fn with_key(server: &Server, headers: &HeaderMap, now: Timestamp) -> Result<Option<Visitor>, ApiError> {
    let settings = server.config.load().cookies.clone();
    let Some(cookie) = OperatorCookie::of(headers, &settings, &server.keys) else { return Ok(None) };
    // What was ended elsewhere must not stay good here because nobody hears of it.
    if !server.knows_registry(now) || !server.knows_revocations(now) {
        return Err(ApiError::Unavailable);
    }
    let is_over = server.revocations.is_told_of(server.keys.operator_visit(&cookie.visit))
        || server.revocations.refuse_all_of(cookie.begun_at);
    if is_over || !cookie.is_live(now) {
        return Ok(None);
    }
    let registry = server.registry.load();
    let Some(key) = registry.admin_key_by_id(cookie.key).filter(|key| key.is_valid(now)) else {
        return Ok(None);
    };
    server.key_use.note_admin(key, now);
    let renewed = cookie.renewed(now).and_then(|cookie| cookie.set(&settings, &server.keys));
    let vouched = Vouched::key(Arc::clone(key));
    Ok(Some(Visitor { vouched, has_key: true, cookie: renewed, stale: None }))
}

/// The administrator whose session it is, proven with two factors and not too long ago.
async fn administrator(server: &Server, session: &Session, path: &str) -> Result<Visitor, Closed> {
    if !server.config.load().admin.lets(&session.realm) {
        return Err(Closed::Nothing);
    }
    // Where the app that was signed in to has gone, so has the session.
    let home = server.app(session.app.as_str());
    if !home.is_some_and(|home| home.is_home_in(&session.realm)) {
        return Err(Closed::Nothing);
    }
    let user = server.store.user(session.user).await.map_err(ApiError::from)?;
    let is_active = |user: &User| user.status == UserStatus::Active && user.realm == session.realm;
    let user = user.filter(is_active).ok_or(Closed::Nothing)?;
    if open_profile(server, &user)?.role() != Role::Admin {
        return Err(Closed::Nothing);
    }
    let age = server.now().since(session.assurance.proven_at);
    let is_strong = session.assurance.methods.level() == Level::Aal2;
    let again = sign_in(server, &session.app, path);
    if !is_strong || age >= PROVEN_TO_LOOK {
        return Err(Closed::Elsewhere(again));
    }
    let stale = (age >= PROVEN_TO_CHANGE).then_some(again);
    let name = key_of(server, user.id).await?.map(|key| HEXLOWER.encode(&key.name.name)).unwrap_or_default();
    let person = Arc::new(Administrator { realm: user.realm, name });
    Ok(Visitor { vouched: Vouched::person(person), has_key: false, cookie: None, stale })
}

/// A realm that is administered by people, and the app where they sign in for that.
struct Door {
    realm: RealmName,
    app: Arc<App>,
}

/// Where nobody is signed in: the sign-in of the one realm that is let in, or the choice among several.
fn way_in(server: &Server, path: &str) -> Closed {
    let realms = realms(server);
    match realms.as_slice() {
        [] => Closed::Nothing,
        [only] => Closed::Elsewhere(sign_in(server, &only.app.name, path)),
        _ => Closed::Choose(realms),
    }
}

/// The realms that are let in, with the first app of each that people sign in to.
fn realms(server: &Server) -> Vec<Door> {
    let registry = server.registry.load_full();
    let settings = server.config.load().admin.clone();
    // Where browsers hold tokens there is no session to come with.
    let has_sessions = |accounts: &AccountPolicy| accounts.browser_tokens == BrowserTokens::Session;
    let is_good = |app: &&Arc<App>| app.accounts.as_ref().is_some_and(has_sessions) && !app.disabled;
    let mut found: Vec<Door> = Vec::new();
    for app in registry.apps().into_iter().filter(is_good).filter(|app| settings.lets(&app.realm)) {
        if found.iter().all(|door| door.realm != app.realm) {
            found.push(Door { realm: app.realm.clone(), app: Arc::clone(app) });
        }
    }
    found
}

/// The page where somebody says which realm they administer.
fn choice(server: &Server, parts: &Parts, doors: Vec<Door>) -> Response {
    let voice = Voice::of_app(server, &parts.headers, "");
    let doors = doors.iter().map(|Door { realm, app }| {
        let sign_in = sign_in(server, &app.name, parts.uri.path());
        context! { realm => realm.as_str(), app => app.title.as_str(), sign_in }
    });
    let values =
        context! { title => voice.say_named("admin.choose", &[]), realms => doors.collect::<Value>() };
    voice.form_page("admin/choose.html", values, None)
}

/// The sign-in to an app, with two factors and anew, that leads back to a page.
fn sign_in(server: &Server, app: &AppName, path: &str) -> String {
    WayBack { app, path, fresh: true, level: Some(Level::Aal2) }.address(&server.issuer())
}

/// Whether a form is one of ours: sent from the very place that it is sent to. The listener of admin keys may have another
/// name than the issuer's; no page can write these headers.
pub(super) fn is_own(server: &Server, doors: Doors, headers: &HeaderMap) -> bool {
    if doors.person && Page::of(headers, &server.issuer()) == Page::Own {
        return true;
    }
    let text = |name| headers.text(name);
    match (headers.contains_key("sec-fetch-site"), headers.contains_key(header::ORIGIN)) {
        (true, _) => text("sec-fetch-site") == Some("same-origin"),
        (false, true) => {
            let origin = text("origin").unwrap_or_default();
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some() && authority == text("host")
        }
        (false, false) => false,
    }
}
