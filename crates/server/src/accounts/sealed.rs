//! What of accounts is sealed: names, profiles, devices. It knows where each is kept, and no rule.

use countersign_domain::{
    id::{SessionId, UserId},
    membership::Role,
    random::Random,
    realm::RealmName,
    secret::Digest,
    session::Session,
    user::{User, UserIdentifier},
};
use serde::{Deserialize, Serialize};

use crate::{error::ApiError, keys::Context, state::Server};

/// What a user is called and speaks. Sealed as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Profile {
    /// As others see it: at most 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// A BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Whether an operator made them an administrator of their realm.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub administrator: bool,
    /// The groups that an operator put them in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// What is sealed of a profile is as long as a multiple of this, so that its length does not tell an administrator.
const PROFILE_STEP: usize = 64;

impl Profile {
    /// What they are in their realm.
    #[must_use]
    pub const fn role(&self) -> Role {
        if self.administrator { Role::Admin } else { Role::User }
    }
}

/// What somebody is found by, sealed for the row that its digest names in a realm.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal_name(
    server: &Server,
    random: &mut dyn Random,
    (realm, digest): (&RealmName, &Digest),
    name: &str,
) -> Result<Vec<u8>, ApiError> {
    let place = identifier_place(digest);
    server.keys.realm(realm).seal(random, &place, name.as_bytes()).map_err(|_| ApiError::Internal)
}

fn identifier_place(digest: &Digest) -> Context<'_> {
    Context { table: "user_identifier", column: "sealed", id: digest.bytes() }
}

/// An identifier as it was given.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn open_identifier(server: &Server, identifier: &UserIdentifier) -> Result<String, ApiError> {
    let place = identifier_place(&identifier.digest);
    let opened = server.keys.open(&place, &identifier.sealed).map_err(|_| ApiError::Internal)?;
    String::from_utf8(opened.expose().clone()).map_err(|_| ApiError::Internal)
}

/// The approximate name of a session's device.
#[must_use]
pub fn open_device(server: &Server, session: &Session) -> Option<String> {
    let place = Context { table: "session", column: "sealed_device", id: session.id.bytes() };
    let opened = server.keys.open(&place, session.sealed_device.as_deref()?).ok()?;
    String::from_utf8(opened.expose().clone()).ok()
}

/// What a session's device is called, sealed for its row.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal_device(
    server: &Server,
    random: &mut dyn Random,
    (realm, session): (&RealmName, SessionId),
    name: &str,
) -> Result<Vec<u8>, ApiError> {
    let place = Context { table: "session", column: "sealed_device", id: session.bytes() };
    server.keys.realm(realm).seal(random, &place, name.as_bytes()).map_err(|_| ApiError::Internal)
}

fn profile_place(user: &UserId) -> Context<'_> {
    Context { table: "realm_user", column: "sealed_profile", id: user.bytes() }
}

/// What a user is called and speaks.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn open_profile(server: &Server, user: &User) -> Result<Profile, ApiError> {
    let Some(sealed) = &user.sealed_profile else { return Ok(Profile::default()) };
    let opened = server.keys.open(&profile_place(&user.id), sealed).map_err(|_| ApiError::Internal)?;
    serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)
}

/// The same, sealed for its row.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal_profile(server: &Server, user: &User, profile: &Profile) -> Result<Option<Vec<u8>>, ApiError> {
    if *profile == Profile::default() {
        return Ok(None);
    }
    let mut json = serde_json::to_vec(profile).map_err(|_| ApiError::Internal)?;
    json.resize(json.len().next_multiple_of(PROFILE_STEP), b' ');
    let sealed = server.keys.realm(&user.realm).seal(&mut *server.random(), &profile_place(&user.id), &json);
    sealed.map(Some).map_err(|_| ApiError::Internal)
}
