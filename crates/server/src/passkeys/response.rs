//! The answers of browsers, in the JSON of Web Authentication Level 3, 5.1: what `PublicKeyCredential.toJSON()` gives.
//! Members that are not needed are ignored, as that document asks.

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, de::Error as _};
use utoipa::ToSchema;

use super::fault::Fault;

/// Bytes that travel in base64url.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base64Url(pub Vec<u8>);

impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes());
        bytes.map(Self).map_err(|_| D::Error::custom("expected base64url without padding"))
    }
}

impl serde::Serialize for Base64Url {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

/// The answer to a question for a new passkey or security key (`RegistrationResponseJSON`).
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct RegistrationResponse {
    /// What the authenticator calls the credential, in base64url.
    #[schema(value_type = String)]
    pub id: Base64Url,
    /// The same.
    #[serde(rename = "rawId")]
    #[schema(value_type = String)]
    pub raw_id: Base64Url,
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the authenticator answered.
    pub response: Attestation,
}

/// What an authenticator answers that made a credential (`AuthenticatorAttestationResponseJSON`).
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Attestation {
    /// What the browser says, in base64url.
    #[serde(rename = "clientDataJSON")]
    #[schema(value_type = String)]
    pub client_data: Base64Url,
    /// What the authenticator says, in base64url.
    #[serde(rename = "attestationObject")]
    #[schema(value_type = String)]
    pub attestation_object: Base64Url,
    /// How the authenticator may be reached.
    #[serde(default)]
    pub transports: Vec<String>,
}

/// The answer to a question for a signature (`AuthenticationResponseJSON`).
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct AuthenticationResponse {
    /// What the authenticator calls the credential, in base64url.
    #[schema(value_type = String)]
    pub id: Base64Url,
    /// The same.
    #[serde(rename = "rawId")]
    #[schema(value_type = String)]
    pub raw_id: Base64Url,
    /// `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the authenticator answered.
    pub response: Assertion,
}

/// What an authenticator answers that signed (`AuthenticatorAssertionResponseJSON`).
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct Assertion {
    /// What the browser says, in base64url.
    #[serde(rename = "clientDataJSON")]
    #[schema(value_type = String)]
    pub client_data: Base64Url,
    /// What the authenticator says, in base64url.
    #[serde(rename = "authenticatorData")]
    #[schema(value_type = String)]
    pub authenticator_data: Base64Url,
    /// The signature of both, in base64url.
    #[schema(value_type = String)]
    pub signature: Base64Url,
    /// Whose the credential is, in base64url; old security keys do not know it.
    #[serde(rename = "userHandle", default)]
    #[schema(value_type = Option<String>)]
    pub user_handle: Option<Base64Url>,
}

/// What both kinds of answers have around them.
pub(super) fn check_frame(kind: &str, id: &Base64Url, raw_id: &Base64Url) -> Result<(), Fault> {
    if kind == "public-key" && id == raw_id { Ok(()) } else { Err(Fault::Form) }
}
