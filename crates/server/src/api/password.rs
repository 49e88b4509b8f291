//! `/v1/password`: passwords, where a realm has them. Signing in, registering, and a new one for who forgot theirs. A
//! person who is signed in changes theirs at `/v1/me/password`.

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse as _, Response},
    routing::post,
};
use countersign_domain::password::Password;
use http::{HeaderValue, StatusCode, header};

use crate::{error::ApiError, hashing::refused, state::Server};

pub mod begin;
pub mod reset;
pub mod sign_in;

/// The routes of these files.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/password/sign-in", post(sign_in::sign_in))
        .route("/v1/password/register", post(begin::register))
        .route("/v1/password/forgotten", post(begin::forgotten))
        .route("/v1/password/reset", post(reset::reset))
}

/// How often a decision is made anew because the password was changed while it was checked.
pub(super) const TRIES: usize = 4;

/// A password as it was typed. Whether it is a good one is not looked at.
pub(super) fn typed(text: &str) -> Result<Password, ApiError> {
    Password::parse(text).map_err(refused)
}

/// Done, and nothing to say.
pub(super) fn done() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
