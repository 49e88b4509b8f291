//! Who may ask at `/v1/admin`: whoever opens the Unix socket, whose mode says who may; over a network whoever has an
//! admin key, and never a browser; and our own pages in this process, for whom they have seen. What each may do where is
//! in `access`.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use countersign_domain::{
    admin_key::{AdminKey, AdminKeyText, AdminScope},
    app::App,
    event::Actor,
    realm::RealmName,
    time::Timestamp,
};
use http::{HeaderMap, request::Parts};

use super::access;
use crate::{
    call::{bearer, client_address, is_forwarded},
    error::ApiError,
    events::context,
    flood::Lane,
    listener::Peer,
    state::Server,
};

/// Keys that open nothing, from one network within a minute.
const WRONG_KEYS_PER_MINUTE: u32 = 30;

/// Who asks.
#[derive(Clone, Debug)]
pub enum Operator {
    /// Somebody on this machine, by a Unix socket: may do everything.
    Local,
    /// Who holds this admin key.
    Key(Arc<AdminKey>),
    /// A person with the role `admin`, on a page of ours: may do what a key of their realm with every scope may.
    Person(Arc<Administrator>),
}

/// A person who administers their realm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administrator {
    /// Their realm.
    pub realm: RealmName,
    /// What the log of events calls them; empty where it has not named them yet.
    pub name: String,
}

/// Whom a page of ours has seen, and vouches for within this process. No network can put one on a request, and nobody is
/// at the machine by it.
#[derive(Clone, Debug)]
pub struct Vouched(Operator);

impl Vouched {
    /// Who holds this key.
    #[must_use]
    pub const fn key(key: Arc<AdminKey>) -> Self {
        Self(Operator::Key(key))
    }

    /// This person.
    #[must_use]
    pub const fn person(person: Arc<Administrator>) -> Self {
        Self(Operator::Person(person))
    }

    /// Who it is.
    #[must_use]
    pub const fn operator(&self) -> &Operator {
        &self.0
    }
}

impl Operator {
    /// The one realm that is theirs; none where all are.
    #[must_use]
    pub fn realm(&self) -> Option<&RealmName> {
        match self {
            Self::Local => None,
            Self::Key(key) => key.realm.as_ref(),
            Self::Person(person) => Some(&person.realm),
        }
    }

    /// Whether they may do what a scope allows, where it is theirs to do.
    #[must_use]
    pub fn allows(&self, scope: AdminScope) -> bool {
        match self {
            Self::Local | Self::Person(_) => true,
            Self::Key(key) => key.scopes.allow(scope),
        }
    }

    /// As whom the log of events knows them.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Local => Actor::Operator,
            Self::Key(key) => Actor::AdminKey(key.id.to_string()),
            Self::Person(person) => Actor::Administrator(person.name.clone()),
        }
    }

    /// Whether a realm is theirs.
    #[must_use]
    pub fn covers(&self, realm: &RealmName) -> bool {
        self.realm().is_none_or(|own| own == realm)
    }

    /// The realm that a request names, their own or the default one where it names none.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] when it is not theirs, [`ApiError::InvalidMember`] when it is no name.
    pub fn choose(&self, asked: Option<&str>) -> Result<RealmName, ApiError> {
        let Some(name) = asked else { return Ok(self.realm().cloned().unwrap_or_default()) };
        let name: RealmName = name.parse().map_err(|error| ApiError::invalid("realm", format!("{error}")))?;
        if self.covers(&name) { Ok(name) } else { Err(ApiError::NotFound) }
    }

    /// Refuses who has one realm only.
    ///
    /// # Errors
    /// [`ApiError::AllRealmsNeeded`].
    pub fn of_all_realms(&self) -> Result<(), ApiError> {
        if self.realm().is_none() { Ok(()) } else { Err(ApiError::AllRealmsNeeded) }
    }

    /// An app that is known now and theirs.
    ///
    /// # Errors
    /// [`ApiError::NotFound`].
    pub fn app(&self, server: &Server, name: &str) -> Result<Arc<App>, ApiError> {
        let app = super::find_app(server, name)?;
        if self.covers(&app.realm) { Ok(app) } else { Err(ApiError::NotFound) }
    }
}

impl FromRequestParts<Arc<Server>> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        parts.extensions.get::<Self>().cloned().ok_or(ApiError::Internal)
    }
}

/// Lets in who may ask what they ask, and leaves word of who it is.
pub(super) async fn admit(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match operator(&server, &parts).await {
        Ok(operator) => {
            context::note_actor(operator.actor());
            parts.extensions.insert(operator);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(error) => error.into_response(),
    }
}

async fn operator(server: &Server, parts: &Parts) -> Result<Operator, ApiError> {
    if let Some(Vouched(operator)) = parts.extensions.get::<Vouched>() {
        access::check(server, operator, parts).await?;
        return Ok(operator.clone());
    }
    let is_networked = matches!(parts.extensions.get::<Peer>(), Some(Peer(Some(_))));
    if !is_networked {
        // Whom a proxy passes on to a socket is not who may open it.
        return if is_forwarded(&parts.headers) { Err(ApiError::NotFound) } else { Ok(Operator::Local) };
    }
    refuse_browsers(&parts.headers)?;
    let now = server.now();
    let text = bearer(&parts.headers)?.ok_or(ApiError::KeyMissing)?;
    let key = authenticate(server, parts, text)?;
    let operator = Operator::Key(Arc::clone(&key));
    access::check(server, &operator, parts).await?;
    server.key_use.note_admin(&key, now);
    Ok(operator)
}

/// What a browser sends by itself. A key in a page is everybody's key, so no page can use one.
fn refuse_browsers(headers: &HeaderMap) -> Result<(), ApiError> {
    let is_browsers = |name: &str| name == "origin" || name == "cookie" || name.starts_with("sec-fetch-");
    if headers.keys().any(|name| is_browsers(name.as_str())) { Err(ApiError::BrowserRefused) } else { Ok(()) }
}

/// The admin key of a text that came with a request. Those that open nothing are counted by network.
///
/// # Errors
/// What is wrong with it, or [`ApiError::TooManyRequests`]; [`ApiError::Unavailable`] while keys are not known well enough.
pub(crate) fn authenticate(server: &Server, parts: &Parts, text: &str) -> Result<Arc<AdminKey>, ApiError> {
    let now = server.now();
    find_key(server, text, now).map_err(|error| match client_address(server, parts) {
        Some(address) if error != ApiError::Unavailable => {
            let admitted = server.flood.admit(Lane::AdminKey, address, WRONG_KEYS_PER_MINUTE, now);
            admitted.err().map_or(error, ApiError::TooManyRequests)
        }
        _ => error,
    })
}

fn find_key(server: &Server, text: &str, now: Timestamp) -> Result<Arc<AdminKey>, ApiError> {
    let text = AdminKeyText::parse(text).map_err(|error| ApiError::KeyMalformed(error.to_string()))?;
    if !server.knows_registry(now) {
        return Err(ApiError::Unavailable);
    }
    let registry = server.registry.load();
    let key = registry.admin_key(&server.keys.admin_key(&text)).ok_or(ApiError::KeyUnknown)?;
    if key.is_valid(now) { Ok(Arc::clone(key)) } else { Err(ApiError::KeyEnded) }
}
