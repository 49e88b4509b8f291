//! A request that rides on a session's cookie: whose session it is, and that the page behind it may ask. Reading
//! needs a page that is not another site's; changing needs proof that it is our own or the app's (the browser's word,
//! which no page can write).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use countersign_domain::{
    app::App,
    changes::{Change, Changes},
    event::Actor,
    refusal::Refusal,
    session::Session,
    time::Timestamp,
};
use http::request::Parts;

use crate::{
    accounts::held_session,
    call::{admit_poll, client_address},
    cookie::{Page, SessionCookie},
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
        let cookie = SessionCookie::of(&parts.headers).ok_or(over.clone())?;
        let now = server.now();
        if let Some(address) = client_address(server, parts) {
            admit_poll(server, address, now)?;
        }
        let found = held_session(server, &cookie).await?.filter(|session| session.is_live(now));
        let mut session = found.ok_or(over)?;
        if let Page::Other(origin) = &page {
            let app = server.app(session.app.as_str());
            if !app.is_some_and(|app| app.origins.contains(origin)) {
                return Err(ApiError::OriginNotAllowed);
            }
        }
        context::note_actor(Actor::Person);
        note_use(server, &mut session, now).await;
        Ok(Self { server: Arc::clone(server), now, session, page })
    }
}

impl FromRequestParts<Arc<Server>> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        let visitor = Visitor::from_request_parts(parts, server).await?;
        match visitor.page {
            Page::Own | Page::Unknown => Ok(Self(visitor)),
            Page::Other(_) | Page::Foreign => Err(ApiError::OriginNotAllowed),
        }
    }
}

/// Moves the idle end, ten times in an idle limit at most. When that fails the session ends earlier than it might.
async fn note_use(server: &Server, session: &mut Session, now: Timestamp) {
    let policy = server.realm(&session.realm).session;
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
