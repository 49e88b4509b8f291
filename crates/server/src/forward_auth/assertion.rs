//! `Remote-Assertion`: a short-lived token for one app, so that its service can check that the headers came from here.

use countersign_domain::{
    algorithm::Algorithm,
    app::App,
    assurance::Assurance,
    time::{Span, Timestamp},
};
use serde::Serialize;

use super::identity::Identity;
use crate::{error::ApiError, state::Server};

/// How long an assertion is good.
pub const LIFE: Span = Span::from_seconds(60);
/// How long one usually is at most, in bytes, beside what it says of a person.
pub const USUAL_BYTES: usize = 640;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    iat: i64,
    exp: i64,
    auth_time: i64,
    acr: &'a str,
    amr: Vec<&'static str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    preferred_username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<&'a str>,
}

/// Signs what an app is told of somebody, with its realm's EdDSA key whatever the app's tokens are signed with. It
/// does not outlive what the person is known by.
///
/// # Errors
/// [`ApiError::Unavailable`] while there is no key to sign with.
pub fn sign(
    server: &Server,
    app: &App,
    (identity, assurance): (&Identity, &Assurance),
    ends_at: Timestamp,
) -> Result<String, ApiError> {
    let now = server.now();
    let ring = server.key_ring.load();
    let key = ring.current(app, Algorithm::EdDsa, now).ok_or(ApiError::Unavailable)?;
    let told = &identity.person;
    let claims = Claims {
        iss: &server.config.load().server.issuer,
        sub: &identity.subject.to_string(),
        aud: app.audience(),
        client_id: app.name.as_str(),
        iat: now.seconds(),
        exp: (now + LIFE).min(ends_at).seconds(),
        auth_time: assurance.proven_at.seconds(),
        acr: assurance.acr(),
        amr: assurance.methods.amr(),
        scope: identity.scopes.to_string(),
        preferred_username: told.username.as_deref(),
        email: told.email.as_deref(),
        name: told.name.as_deref(),
        role: told.is_admin.map(|is_admin| if is_admin { "admin" } else { "user" }),
        groups: told.groups.iter().map(|group| group.as_str()).collect(),
    };
    let json = serde_json::to_vec(&claims).map_err(|_| ApiError::Internal)?;
    key.assertion.sign(&json).map_err(|_| ApiError::Internal)
}
