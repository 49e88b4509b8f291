//! A page of this server's own as a caller of an app: no rule is another one there. It knows no page.

use std::sync::Arc;

use countersign_domain::{
    api_key::{ApiKey, ApiKeyKind},
    app::App,
    id::ApiKeyId,
    secret::Digest,
};
use http::request::Parts;

use super::{Call, client_address, host_of};
use crate::{
    accounts::KnownBrowser, cookie::SessionCookie, error::ApiError, fields::Fields as _,
    pages::link::held_binding, state::Server, visitor::refresh_cookie,
};

impl Call {
    /// A page of this server's own as a caller: with the rights and limits of a publishable key of that app, which is
    /// nobody's, and from the origin that is the issuer. That the page is ours is for who calls this to see.
    ///
    /// # Errors
    /// [`ApiError::AppDisabled`]; [`ApiError::Unavailable`] while apps are not known well enough.
    pub fn of_page(server: &Arc<Server>, parts: &Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let now = server.now();
        if !server.knows_registry(now) {
            return Err(ApiError::Unavailable);
        }
        if app.disabled {
            return Err(ApiError::AppDisabled);
        }
        // It is neither stored nor handed out, and opens nothing.
        let key = ApiKey {
            id: ApiKeyId::from_bytes([0; 16]),
            app: app.name.clone(),
            kind: ApiKeyKind::Publishable,
            digest: Digest::new([0; 32]),
            label: String::new(),
            created_at: now,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        let (headers, settings) = (&parts.headers, &server.config.load().cookies);
        Ok(Self {
            now,
            app: Arc::clone(app),
            key: Arc::new(key),
            origin: Some(server.issuer()),
            address: client_address(server, parts),
            idempotency_key: None,
            languages: headers.text("accept-language").map(str::to_owned),
            session_cookie: SessionCookie::of(headers, settings),
            held_binding: held_binding(server, headers),
            held_refresh: refresh_cookie(server, headers),
            user_agent: headers.text("user-agent").map(str::to_owned),
            known_browser: KnownBrowser::of(headers, server),
            device_cookie: SessionCookie::of_device(headers, settings),
            registered_cookie: SessionCookie::of_registered(headers, settings),
            registers: None,
            host: host_of(parts),
            server: Arc::clone(server),
        })
    }
}
