//! A person's own page as a caller of the app that they are signed in to: with the rights and limits of a publishable
//! key, so that what an address may be asked for is counted in one place. It knows no route.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use countersign_domain::challenge::Purpose;
use http::request::Parts;

use super::{
    Answer,
    start::{Aim, PurposeName, Recipient, StartBody, StartedBody, prepare, run},
};
use crate::{
    call::Call,
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
        // What the browser holds is the visitor's, and was looked at already.
        let call = Call {
            device_cookie: None,
            session_cookie: None,
            held_binding: None,
            held_refresh: None,
            ..Call::of_page(server, parts, &app)?
        };
        Ok(Self { visitor, call })
    }
}
