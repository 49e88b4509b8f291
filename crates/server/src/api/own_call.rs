//! A person's own page as a caller of the app that they are signed in to: with the rights and limits of a publishable
//! key, so that what an address may be asked for is counted in one place. It knows no route.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use countersign_domain::{
    api_key::{ApiKey, ApiKeyKind},
    challenge::Purpose,
    id::ApiKeyId,
    secret::Digest,
};
use http::{header, request::Parts};

use super::{
    Answer,
    start::{Aim, PurposeName, Recipient, StartBody, StartedBody, prepare, run},
};
use crate::{
    accounts::KnownBrowser,
    call::{Call, client_address, host_of, text_of},
    cookie::SessionCookie,
    error::ApiError,
    state::Server,
    visitor::{Person, Visitor},
};

/// A person at their own account, and the same as a call.
pub struct OwnCall {
    /// The person.
    pub visitor: Visitor,
    /// The call.
    pub call: Call,
}

impl OwnCall {
    /// Mails a code to an address that the person wants to add to their own account: who may come to the app is not asked.
    pub(super) async fn start(&self, email: &str, locale: Option<String>) -> Answer<StartedBody> {
        let body = StartBody {
            to: Recipient { email: email.to_owned() },
            purpose: PurposeName::ConfirmAddress,
            binding: None,
            binding_cookie: false,
            locale,
            end_user: None,
            subject: None,
            content: None,
        };
        let aim = Aim { purpose: Purpose::ConfirmAddress, member: "email", wish: None };
        let prepared = prepare(&self.call, body, &[], aim)?.for_account();
        prepared.limit(&self.call)?;
        run(&self.call, &prepared).await
    }
}

impl FromRequestParts<Arc<Server>> for OwnCall {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Arc<Server>) -> Result<Self, ApiError> {
        let Person(visitor) = Person::from_request_parts(parts, server).await?;
        let app = visitor.app()?;
        // It is nobody's: it is neither stored nor handed out, and opens nothing.
        let key = ApiKey {
            id: ApiKeyId::from_bytes([0; 16]),
            app: app.name.clone(),
            kind: ApiKeyKind::Publishable,
            digest: Digest::new([0; 32]),
            label: String::new(),
            created_at: visitor.now,
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        let call = Call {
            server: Arc::clone(server),
            now: visitor.now,
            app,
            key: Arc::new(key),
            device_cookie: None,
            host: host_of(parts),
            registered_cookie: SessionCookie::of_registered(&parts.headers, &server.config.load().cookies),
            registers: None,
            origin: Some(server.issuer()),
            address: client_address(server, parts),
            idempotency_key: None,
            languages: text_of(&parts.headers, header::ACCEPT_LANGUAGE.as_str()),
            session_cookie: None,
            held_binding: None,
            held_refresh: None,
            user_agent: text_of(&parts.headers, header::USER_AGENT.as_str()),
            known_browser: KnownBrowser::of(&parts.headers, server),
        };
        Ok(Self { visitor, call })
    }
}
