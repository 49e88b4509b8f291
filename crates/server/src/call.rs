//! What a handler is called with: who asks, from where, when. Made once for each request, from its headers.

mod host;
mod page;

pub use self::host::{host_of, is_forwarded};

use std::{net::IpAddr, sync::Arc};

use axum::{
    body::{Bytes, HttpBody as _},
    extract::{FromRequest, FromRequestParts, OptionalFromRequest, Path, Request},
};
use countersign_domain::{
    api_key::{ApiKey, ApiKeyKind, ApiKeyText},
    app::App,
    event::Actor,
    random::Random,
    refresh::RefreshToken,
    time::Timestamp,
    token::SecretToken,
};
use http::{HeaderMap, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

pub use crate::client_address::client_address;
use crate::{
    accounts::KnownBrowser,
    cookie::SessionCookie,
    error::{ApiError, BodyError},
    events::context,
    fields::Fields,
    flood::Lane,
    pages::link::held_binding,
    state::Server,
    visitor::refresh_cookie,
};

/// Longest JSON body in bytes.
pub const LONGEST_BODY: usize = 16 * 1024;
/// How long a body may take to arrive.
const BODY_PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// An app's call: its key was checked, and its origin where the key wants that.
#[derive(Clone)]
pub struct Call {
    /// Everything a handler needs.
    pub server: Arc<Server>,
    /// When the request came.
    pub now: Timestamp,
    /// Whose key it came with.
    pub app: Arc<App>,
    /// The key.
    pub key: Arc<ApiKey>,
    /// The page it came from, if a browser said so.
    pub origin: Option<String>,
    /// The network address of the caller, if there is one.
    pub address: Option<IpAddr>,
    /// `Idempotency-Key`, if one was sent.
    pub idempotency_key: Option<String>,
    /// `Accept-Language`, if one was sent.
    pub languages: Option<String>,
    /// The cookie of a session, if one was sent. Nobody has looked whether it is good.
    pub session_cookie: Option<SessionCookie>,
    /// The binding of a challenge that a browser holds in a cookie.
    pub held_binding: Option<SecretToken>,
    /// The refresh token that a browser holds in a cookie, made here, spent or not.
    pub held_refresh: Option<RefreshToken>,
    /// `User-Agent`, if one was sent: that of the person's browser where the key is publishable.
    pub user_agent: Option<String>,
    /// Who signed in with the browser before, as far as it tells.
    pub known_browser: Option<KnownBrowser>,
    /// The cookie of a device that a person trusts, if one was sent. Nobody has looked whether it is good.
    pub device_cookie: Option<SessionCookie>,
    /// The host that was asked for, without its port: to choose among configured ones.
    pub host: Option<String>,
    /// The cookie of a registered device, if one was sent. Nobody has looked whether it is good.
    pub registered_cookie: Option<SessionCookie>,
    /// Where a proof that is enough registers this browser in place of signing it in: as what.
    pub registers: Option<Registration>,
}

/// A browser that is to be a registered device.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// What the person calls it; else it has the approximate name of the browser.
    pub label: Option<String>,
}

impl Call {
    /// A generator for this call.
    #[must_use]
    pub fn random(&self) -> Box<dyn Random + Send> {
        self.server.random()
    }

    /// Whether the key is the app's server's own.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.key.kind == ApiKeyKind::Secret
    }

    /// Refuses publishable keys.
    ///
    /// # Errors
    /// [`ApiError::KeyKind`].
    pub fn secret_only(&self) -> Result<(), ApiError> {
        if self.is_secret() { Ok(()) } else { Err(ApiError::KeyKind("secret")) }
    }

    /// Takes one request from the network's budget. A secret key's own address is not a person's: only what it says
    /// about the person counts.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`].
    pub fn limit_network(&self, end_user: Option<IpAddr>) -> Result<(), ApiError> {
        let config = self.server.config.load();
        let (lane, address, limit) = match self.key.kind {
            ApiKeyKind::Secret => (Lane::Secret, end_user, config.limits.requests_per_network_per_minute),
            ApiKeyKind::Publishable | ApiKeyKind::Proxy => {
                (Lane::Publishable, self.address, config.limits.publishable_requests_per_network_per_minute)
            }
        };
        let Some(address) = address else { return Ok(()) };
        self.server.flood.admit(lane, address, limit, self.now).map_err(ApiError::TooManyRequests)
    }

    /// Takes one question of a page that waits from its network's budget. An app's own server asks for many people
    /// and answers for its key: it has none.
    ///
    /// # Errors
    /// [`ApiError::TooManyRequests`].
    pub fn limit_polls(&self) -> Result<(), ApiError> {
        let page = self.address.filter(|_| !self.is_secret());
        page.map_or(Ok(()), |address| admit_poll(&self.server, address, self.now))
    }
}

/// Takes one question of a page that waits from its network's budget.
///
/// # Errors
/// [`ApiError::TooManyRequests`].
pub fn admit_poll(server: &Server, address: IpAddr, now: Timestamp) -> Result<(), ApiError> {
    let limit = server.config.load().limits.polls_per_network_per_minute;
    server.flood.admit(Lane::Poll, address, limit, now).map_err(ApiError::TooManyRequests)
}

/// The same for the network that a request comes from, where that is known.
///
/// # Errors
/// [`ApiError::TooManyRequests`].
pub fn admit_page(server: &Server, parts: &Parts) -> Result<(), ApiError> {
    client_address(server, parts).map_or(Ok(()), |address| admit_poll(server, address, server.now()))
}

impl FromRequestParts<Arc<Server>> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        let now = server.now();
        let text = bearer(&parts.headers)?.ok_or(ApiError::KeyMissing)?;
        let (app, key) = authenticate(server, text, now)?;
        let origin = page_of(&parts.headers, server)?;
        if key.kind == ApiKeyKind::Publishable {
            // Absent outside a browser, and then nobody vouches for the page.
            let listed = origin.as_ref().is_some_and(|origin| app.origins.contains(origin));
            if !listed {
                return Err(ApiError::OriginNotAllowed);
            }
        }
        let is_browser = key.kind == ApiKeyKind::Publishable;
        let held_binding = is_browser.then(|| held_binding(server, &parts.headers)).flatten();
        Ok(Self {
            now,
            app,
            key,
            origin,
            address: client_address(server, parts),
            idempotency_key: parts.headers.single("idempotency-key")?.map(str::to_owned),
            languages: parts.headers.text("accept-language").map(str::to_owned),
            session_cookie: SessionCookie::of(&parts.headers, &server.config.load().cookies),
            held_binding,
            held_refresh: is_browser.then(|| refresh_cookie(server, &parts.headers)).flatten(),
            user_agent: parts.headers.text("user-agent").map(str::to_owned),
            known_browser: is_browser.then(|| KnownBrowser::of(&parts.headers, server)).flatten(),
            device_cookie: is_browser
                .then(|| SessionCookie::of_device(&parts.headers, &server.config.load().cookies))
                .flatten(),
            host: host_of(parts),
            registered_cookie: is_browser
                .then(|| SessionCookie::of_registered(&parts.headers, &server.config.load().cookies))
                .flatten(),
            registers: None,
            server: Arc::clone(server),
        })
    }
}

/// The origin of the page that asks, as its browser says. A browser names none when a page reads from where it came
/// from itself; it says so in a header that no page can write.
///
/// # Errors
/// [`ApiError::InvalidHeader`] when more than one page is named.
fn page_of(headers: &HeaderMap, server: &Server) -> Result<Option<String>, ApiError> {
    let own = || headers.text("sec-fetch-site").filter(|site| *site == "same-origin");
    let named = headers.single("origin")?.map(str::to_owned);
    Ok(named.or_else(|| own().map(|_| server.issuer())))
}

/// The app and key behind the text of a key that is an app's server's or page's own.
///
/// # Errors
/// What is wrong with the key, or with its app.
pub fn authenticate(
    server: &Server,
    text: &str,
    now: Timestamp,
) -> Result<(Arc<App>, Arc<ApiKey>), ApiError> {
    let (app, key) = authenticate_any(server, text, now)?;
    if key.kind == ApiKeyKind::Proxy {
        Err(ApiError::KeyKind("secret or publishable"))
    } else {
        Ok((app, key))
    }
}

/// The same, also for the key of a proxy.
///
/// # Errors
/// What is wrong with the key, or with its app.
pub fn authenticate_any(
    server: &Server,
    text: &str,
    now: Timestamp,
) -> Result<(Arc<App>, Arc<ApiKey>), ApiError> {
    let text = ApiKeyText::parse(text).map_err(|error| ApiError::KeyMalformed(error.to_string()))?;
    // A key that was ended elsewhere must not stay good here because nobody hears of it.
    if !server.knows_registry(now) {
        return Err(ApiError::Unavailable);
    }
    let registry = server.registry.load();
    let key = registry.key(&server.keys.api_key(&text)).ok_or(ApiError::KeyUnknown)?;
    if !key.is_valid(now) {
        return Err(ApiError::KeyEnded);
    }
    // A good key of an app that does not read just now is no reason to throw it away.
    let absent = || if registry.is_corrupt(&key.app) { ApiError::Unavailable } else { ApiError::KeyUnknown };
    let app = registry.app(key.app.as_str()).ok_or_else(absent)?;
    if app.disabled {
        return Err(ApiError::AppDisabled);
    }
    server.key_use.note(key, now);
    context::note_actor(Actor::ApiKey(key.id));
    if key.kind == ApiKeyKind::Secret {
        context::note_apps_server();
    }
    Ok((Arc::clone(app), Arc::clone(key)))
}

/// The Bearer credential of a request, if it carries one.
///
/// # Errors
/// [`ApiError::InvalidHeader`] when there are several: which of them is meant is nobody's to guess.
pub fn bearer(fields: &impl Fields) -> Result<Option<&str>, ApiError> {
    let parts = fields.single("authorization")?.and_then(|value| value.split_once(' '));
    let is_bearer = |(scheme, _): &(&str, &str)| scheme.eq_ignore_ascii_case("bearer");
    Ok(parts.filter(is_bearer).map(|(_, credential)| credential.trim()))
}

/// What stands in the path in place of `{…}`. Text that does not decode names nothing.
#[derive(Clone, Debug)]
pub struct Named(pub String);

impl FromRequestParts<Arc<Server>> for Named {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        let named = Path::<String>::from_request_parts(parts, server).await;
        named.map(|Path(name)| Self(name)).map_err(|_| ApiError::NotFound)
    }
}

/// A JSON body of our own interface: the right media type, not too long, no unknown members.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T, pub Bytes);

impl<T: DeserializeOwned> FromRequest<Arc<Server>> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &Arc<Server>) -> Result<Self, ApiError> {
        let media_type = request.headers().single("content-type")?;
        let essence = media_type.map(|value| value.split(';').next().unwrap_or_default().trim());
        if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
            return Err(ApiError::Body(BodyError::MediaType("Content-Type: application/json")));
        }
        let bytes = body(request, LONGEST_BODY).await?;
        // Otherwise a list would be read as the members in order, and nobody said in which.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            return Err(ApiError::Body(BodyError::Shape("expected an object".to_owned())));
        }
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let detail = error.to_string();
            ApiError::Body(match error.classify() {
                serde_json::error::Category::Data => BodyError::Shape(detail),
                _ => BodyError::Malformed(detail),
            })
        })?;
        Ok(Self(value, bytes))
    }
}

/// No body at all is none; anything else must be as [`Json`] says.
impl<T: DeserializeOwned> OptionalFromRequest<Arc<Server>> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, server: &Arc<Server>) -> Result<Option<Self>, ApiError> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        <Self as FromRequest<Arc<Server>>>::from_request(request, server).await.map(Some)
    }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// [`BodyError`] when it is longer or does not arrive in time.
pub async fn body(request: Request, limit: usize) -> Result<Bytes, ApiError> {
    let collected = tokio::time::timeout(BODY_PATIENCE, Limited::new(request.into_body(), limit).collect())
        .await
        .map_err(|_| ApiError::Body(BodyError::Incomplete))?;
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::Body(BodyError::TooLarge(limit))),
        Err(_) => Err(ApiError::Body(BodyError::Incomplete)),
    }
}
