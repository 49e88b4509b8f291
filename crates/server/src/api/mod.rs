//! `/v1`: what an app calls. A file for each group of routes, each with its bodies; this one holds what they share.

pub mod challenge;
pub mod devices;
pub mod events;
pub mod identifiers;
mod leaving;
pub mod me;
pub mod my_app_passwords;
pub mod my_credentials;
pub mod my_devices;
pub mod my_grants;
pub mod my_password;
pub mod my_recovery_codes;
pub mod my_totp;
pub mod own_call;
pub mod passkeys;
pub mod password;
pub mod refresh;
pub mod session;
pub mod sign_in;
pub mod start;
pub mod token;
pub mod users;
pub mod verify;

use std::{
    fmt::{Display, Formatter},
    sync::Arc,
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Response},
};
use countersign_domain::{
    identifier::{EmailAddress, Username},
    time::Timestamp,
};
use http::{HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{error::ApiError, state::Server};

/// All routes for apps and for people's own pages.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .merge(challenge::routes())
        .merge(verify::routes())
        .merge(token::routes())
        .merge(refresh::routes())
        .merge(session::routes())
        .merge(sign_in::routes())
        .merge(me::routes())
        .merge(identifiers::routes())
        .merge(users::routes())
        .merge(events::routes())
        .merge(password::routes())
        .merge(my_password::routes())
        .merge(my_credentials::routes())
        .merge(devices::routes())
        .merge(my_devices::routes())
        .merge(my_app_passwords::routes())
        .merge(my_grants::routes())
        .merge(my_totp::routes())
        .merge(my_recovery_codes::routes())
        .merge(passkeys::routes())
}

/// Longest answer that a page reads, in bytes.
const LONGEST_BODY: usize = 256 * 1024;

/// What most answers have room in, in bytes.
const USUAL_ANSWER: usize = 512;

/// What a handler gives: an answer with a body of this type, or a refusal. The type is for the document.
pub type Answer<T> = Result<Answered<T>, ApiError>;

/// A response and the type of its body.
pub struct Answered<T>(Response, std::marker::PhantomData<fn() -> T>);

impl<T> axum::response::IntoResponse for Answered<T> {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<T> Answered<T> {
    /// What it says, for a page that shows it.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it is no JSON.
    pub(crate) async fn json(self) -> Result<serde_json::Value, ApiError> {
        let bytes = axum::body::to_bytes(self.0.into_body(), LONGEST_BODY).await;
        let bytes = bytes.map_err(|_| ApiError::Internal)?;
        serde_json::from_slice(&bytes).map_err(|_| ApiError::Internal)
    }

    /// The response, for adding headers.
    pub fn response_mut(&mut self) -> &mut Response {
        &mut self.0
    }
}

/// A JSON answer that nobody may cache.
pub fn answer<T: Serialize>(status: StatusCode, body: T) -> Answered<T> {
    let response = match json(&body) {
        Ok(json) => {
            let mut response = Response::new(Body::from(json));
            *response.status_mut() = status;
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(_) => ApiError::Internal.into_response(),
    };
    Answered(response, std::marker::PhantomData)
}

/// The body of an answer.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn json(body: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut json = Vec::with_capacity(USUAL_ANSWER);
    serde_json::to_writer(&mut json, body)?;
    Ok(json)
}

/// The mailbox that the member `email` names.
fn mailbox(text: &str) -> Result<EmailAddress, ApiError> {
    EmailAddress::parse(text).map_err(|error| ApiError::InvalidMember {
        member: "email",
        code: error.code(),
        detail: error.to_string(),
    })
}

/// The username that the member `username` names.
fn username(text: &str) -> Result<Username, ApiError> {
    Username::parse(text).map_err(|error| ApiError::invalid("username", error.to_string()))
}

/// A time as the interface writes it (RFC 3339, UTC, whole seconds).
#[must_use]
pub fn rfc3339(moment: Timestamp) -> String {
    Rfc3339(moment).to_string()
}

/// A moment that is written in the form of RFC 3339.
struct Rfc3339(Timestamp);

impl Display for Rfc3339 {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        jiff::Timestamp::from_second(self.0.seconds()).map_or(Ok(()), |moment| moment.fmt(f))
    }
}

/// Writes what has a form as text, for [`serde`].
///
/// # Errors
/// The serializer's.
pub fn as_text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The same of a moment, as [`rfc3339`].
///
/// # Errors
/// The serializer's.
pub fn as_rfc3339<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Rfc3339(*moment))
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// `urn:countersign:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, for people.
    pub title: String,
    /// The status code.
    pub status: u16,
    /// What happened, for programs; never changes its meaning.
    pub code: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The member of the body that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Wrong codes or numbers that are still survived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u32>,
    /// Seconds to wait, as in `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<i64>,
    /// Names the request in the server's log.
    pub request_id: String,
}
