//! Who is on a page of the administration: whoever showed an admin key a while ago, or a person with the role `admin`
//! where the configuration lets them. Looked at anew for every request; what they may do is not decided here.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use countersign_domain::{
    app::{AccountPolicy, BrowserTokens},
    assurance::Level,
    membership::Role,
    session::Session,
    time::{Span, Timestamp},
    user::{User, UserStatus},
};
use data_encoding::HEXLOWER;
use http::{HeaderMap, HeaderValue, header, request::Parts};
use url::form_urlencoded::Serializer;

use crate::{
    accounts::{held_session, open_profile},
    admin::operator::{Administrator, Vouched},
    call::{admit_page, is_forwarded, text_of},
    cookie::{OperatorCookie, Page, SessionCookie},
    error::ApiError,
    events::{context, person::key_of},
    listener::Peer,
    pages::sign_in::{astray, see_other},
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
}

/// Why somebody is not let in.
enum Closed {
    /// Nothing is here for them.
    Nothing,
    /// They are to go there first.
    Elsewhere(String),
    /// Something is wrong with what they show.
    Refused(ApiError),
}

impl From<ApiError> for Closed {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl Visitor {
    /// Whoever sent a request, to look or to change something; what to answer to others.
    pub(super) async fn of(
        server: &Arc<Server>,
        doors: Doors,
        parts: &Parts,
        changes: bool,
    ) -> Result<Self, Box<Response>> {
        let visitor = match known(server, doors, parts, changes).await {
            Ok(visitor) => visitor,
            Err(Closed::Nothing) => return Err(Box::new(ApiError::NotFound.into_response())),
            Err(Closed::Elsewhere(to)) => return Err(Box::new(see_other(&to, None))),
            Err(Closed::Refused(error)) => return Err(Box::new(astray(server, parts, error))),
        };
        context::note_actor(visitor.vouched.operator().actor());
        Ok(visitor)
    }
}

async fn known(server: &Arc<Server>, doors: Doors, parts: &Parts, changes: bool) -> Result<Visitor, Closed> {
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
        Some(session) => administrator(server, &session, path, changes).await,
        None => Err(Closed::Elsewhere(sign_in(server, None, path).ok_or(Closed::Nothing)?)),
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
    Ok(Some(Visitor { vouched: Vouched::key(Arc::clone(key)), has_key: true, cookie: renewed }))
}

/// The administrator whose session it is, proven with two factors and not too long ago.
async fn administrator(
    server: &Server,
    session: &Session,
    path: &str,
    changes: bool,
) -> Result<Visitor, Closed> {
    if !server.config.load().admin.lets(&session.realm) {
        return Err(Closed::Nothing);
    }
    // Where the app that was signed in to has gone, so has the session.
    let home = server.app(session.app.as_str());
    let is_at_home =
        home.is_some_and(|home| home.accounts.is_some() && home.realm == session.realm && !home.disabled);
    if !is_at_home {
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
    if !is_strong || age >= if changes { PROVEN_TO_CHANGE } else { PROVEN_TO_LOOK } {
        return Err(Closed::Elsewhere(sign_in(server, Some(session), path).ok_or(Closed::Nothing)?));
    }
    let name = key_of(server, user.id).await?.map(|key| HEXLOWER.encode(&key.name.name)).unwrap_or_default();
    let person = Arc::new(Administrator { realm: user.realm, name });
    Ok(Visitor { vouched: Vouched::person(person), has_key: false, cookie: None })
}

/// The sign-in, with two factors and anew, that leads back to a page: to the app of the session, or to the first of a realm
/// that is let in.
fn sign_in(server: &Server, session: Option<&Session>, path: &str) -> Option<String> {
    let registry = server.registry.load_full();
    let settings = server.config.load().admin.clone();
    // Where browsers hold tokens there is no session to come with.
    let is_good = |app: &&Arc<countersign_domain::app::App>| {
        let has_sessions = |accounts: &AccountPolicy| accounts.browser_tokens == BrowserTokens::Session;
        app.accounts.as_ref().is_some_and(has_sessions) && !app.disabled
    };
    let app = match session {
        Some(session) => session.app.to_string(),
        None => {
            let mut all = registry.apps().into_iter().filter(is_good);
            all.find(|app| settings.lets(&app.realm))?.name.to_string()
        }
    };
    let mut query = Serializer::new(String::new());
    query.append_pair("app", &app).append_pair("return_to", &format!("{}{path}", server.issuer()));
    query.append_pair("fresh", "yes").append_pair("acr_values", "aal2");
    Some(format!("/sign-in?{}", query.finish()))
}

/// Whether a form is one of ours: sent from the very place that it is sent to. The listener of admin keys may have another
/// name than the issuer's; no page can write these headers.
pub(super) fn is_own(server: &Server, doors: Doors, headers: &HeaderMap) -> bool {
    if doors.person && Page::of(headers, &server.issuer()) == Page::Own {
        return true;
    }
    let text = |name: &str| text_of(headers, name);
    match (headers.contains_key("sec-fetch-site"), headers.contains_key(header::ORIGIN)) {
        (true, _) => text("sec-fetch-site").as_deref() == Some("same-origin"),
        (false, true) => {
            let origin = text("origin").unwrap_or_default();
            let authority = origin.split_once("://").map(|(_, authority)| authority);
            authority.is_some() && authority == text("host").as_deref()
        }
        (false, false) => false,
    }
}
