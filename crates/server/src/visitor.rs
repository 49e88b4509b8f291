//! A request that rides on a session's cookie: whose session it is, and that the page behind it may ask. Reading
//! needs a page that is not another site's; changing needs proof that it is our own or the app's (the browser's word,
//! which no page can write).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use countersign_domain::{
    app::App,
    changes::{Change, Changes},
    event::Actor,
    refresh::RefreshToken,
    refusal::Refusal,
    session::Session,
    time::Timestamp,
};
use http::{HeaderMap, request::Parts};

use crate::{
    accounts::{accepted_session, held_session, refreshed_session},
    call::{admit_page, host_of},
    config::CookieKind,
    cookie::{self, Page, SessionCookie},
    error::ApiError,
    events::context,
    state::Server,
};

/// A browser with a live session, on a page of ours or of the session's app.
#[derive(Clone)]
pub struct Visitor {
    /// Everything a handler needs.
    pub server: Arc<Server>,
    /// When the request came.
    pub now: Timestamp,
    /// The session.
    pub session: Session,
    /// What it is held by, where the app's browsers hold tokens.
    pub refresh_token: Option<RefreshToken>,
    /// The host that was asked for, without its port: to choose among configured ones.
    pub host: Option<String>,
    page: Page,
}

/// A person at their own account: a browser with a live session, on a page of ours alone.
#[derive(Clone)]
pub struct Person(pub Visitor);

impl Visitor {
    /// The app that was signed in to, as long as it has accounts.
    ///
    /// # Errors
    /// [`ApiError::AppDisabled`], or [`Refusal::SessionOver`] when it has no accounts any more.
    pub fn app(&self) -> Result<Arc<App>, ApiError> {
        let app = self.server.app(self.session.app.as_str());
        let app = app.filter(|app| app.accounts.is_some() && app.realm == self.session.realm);
        let app = app.ok_or(ApiError::Refused(Refusal::SessionOver))?;
        if app.disabled { Err(ApiError::AppDisabled) } else { Ok(app) }
    }
}

impl FromRequestParts<Arc<Server>> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        let page = Page::of(&parts.headers, &server.issuer());
        if page == Page::Foreign || (page == Page::Unknown && !parts.method.is_safe()) {
            return Err(ApiError::OriginNotAllowed);
        }
        let over = ApiError::Refused(Refusal::SessionOver);
        let held = Held::by(server, &parts.headers).ok_or(over.clone())?;
        let now = server.now();
        admit_page(server, parts)?;
        let found =
            held.session(server, now, parts.method.is_safe()).await?.filter(|session| session.is_live(now));
        let refresh_token = held.refresh_token();
        let mut session = found.ok_or(over)?;
        if !page.may_ask(|| server.app(session.app.as_str())) {
            return Err(ApiError::OriginNotAllowed);
        }
        context::note_actor(Actor::Person);
        note_use(server, &mut session, now).await;
        let host = host_of(parts);
        Ok(Self { server: Arc::clone(server), now, session, refresh_token, host, page })
    }
}

impl FromRequestParts<Arc<Server>> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        let visitor = Visitor::from_request_parts(parts, server).await?;
        if visitor.refresh_token.is_some() {
            return Err(ApiError::Refused(Refusal::SessionOver));
        }
        match visitor.page {
            Page::Own | Page::Unknown => Ok(Self(visitor)),
            Page::Other(_) | Page::Foreign => Err(ApiError::OriginNotAllowed),
        }
    }
}

/// What a browser holds a session by.
enum Held {
    Cookie(SessionCookie),
    /// Genuine, where the app's browsers hold tokens.
    Refresh(RefreshToken),
}

impl Held {
    fn by(server: &Server, headers: &HeaderMap) -> Option<Self> {
        let settings = &server.config.load().cookies;
        if let Some(cookie) = SessionCookie::of(headers, settings) {
            return Some(Self::Cookie(cookie));
        }
        refresh_cookie(server, headers).map(Self::Refresh)
    }

    fn refresh_token(&self) -> Option<RefreshToken> {
        match self {
            Self::Cookie(_) => None,
            Self::Refresh(token) => Some(token.clone()),
        }
    }

    /// The session, for a question or for a change. A refresh token that was spent answers no question; what a change
    /// makes of it, the session's end, is left to who makes it.
    async fn session(
        &self,
        server: &Server,
        now: Timestamp,
        is_question: bool,
    ) -> Result<Option<Session>, ApiError> {
        match self {
            Self::Cookie(cookie) => held_session(server, cookie).await,
            Self::Refresh(token) if is_question => accepted_session(server, token, now).await,
            Self::Refresh(token) => refreshed_session(server, token).await,
        }
    }
}

/// The refresh token that a browser holds, if it was made here.
#[must_use]
pub fn refresh_cookie(server: &Server, headers: &HeaderMap) -> Option<RefreshToken> {
    let name = server.config.load().cookies.name(CookieKind::RefreshToken);
    let token = RefreshToken::parse(&cookie::value(headers, &name)?).ok()?;
    token.is_genuine(&server.keys).then_some(token)
}

/// Moves the idle end, ten times in an idle limit at most. When that fails the session ends earlier than it might.
pub async fn note_use(server: &Server, session: &mut Session, now: Timestamp) {
    let policy = server.realm(&session.realm).life_of(session);
    let before = session.clone();
    if !session.note_use(&policy, now) {
        return;
    }
    match server.store.commit(Changes(vec![Change::Session(session.clone())])).await {
        Ok(()) => session.version += 1,
        Err(error) => {
            if !matches!(error, countersign_store::Error::Conflict) {
                tracing::warn!(%error, "the use of a session could not be noted");
            }
            *session = before;
        }
    }
}
