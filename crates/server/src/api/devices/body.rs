//! What a registration is asked with, and what it answers.

use countersign_domain::{
    code::Code,
    id::{ChallengeId, DeviceId},
    session::Session,
    token::SecretToken,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::super::{
    challenge::{parse_binding, parse_code},
    password::sign_in::Name,
    rfc3339,
    sign_in::SignInStepBody,
};
use crate::{
    accounts::open_device, error::ApiError, flow::FlowKey, passkeys::AuthenticationResponse, state::Server,
};

/// One proof: `email` or `username` with `totp`, where the app's policy lets it begin; `challenge`, `binding` and `code` of
/// a mail; or `sign_in` and `binding` of a sign-in under way with its next proof, `passkey`, `totp` or `code`. None for a
/// person who is signed in on a page of this server.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterDeviceBody {
    /// What the person calls the device: 1 to 100 characters. The approximate name of the browser where absent.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100)]
    pub label: Option<String>,
    /// A mailbox of the person's, with `totp`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 254)]
    pub email: Option<String>,
    /// Their username, in place of `email`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    pub username: Option<String>,
    /// The code that the authenticator app shows.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 6, max_length = 64)]
    pub totp: Option<Zeroizing<String>>,
    /// What a start answered as `id`.
    #[serde(default)]
    #[schema(max_length = 30)]
    pub challenge: Option<String>,
    /// What the beginning of a sign-in answered as `id`.
    #[serde(default)]
    #[schema(max_length = 30)]
    pub sign_in: Option<String>,
    /// What the start of the challenge, or the beginning of the sign-in, answered as `binding`.
    #[serde(default)]
    #[schema(min_length = 32, max_length = 32)]
    pub binding: Option<String>,
    /// The code that was mailed.
    #[serde(default)]
    #[schema(min_length = 6, max_length = 64)]
    pub code: Option<String>,
    /// What `PublicKeyCredential.toJSON()` gave, to the options that the sign-in asked for.
    #[serde(default)]
    pub passkey: Option<AuthenticationResponse>,
}

/// A registered device.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeviceBody {
    /// Names it.
    pub id: String,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The app where it was registered.
    pub app: String,
    /// Whether it is the one that asks.
    pub current: bool,
    /// What was proven when it was registered.
    pub acr: &'static str,
    /// When that was.
    pub registered_at: String,
    /// When it was used last, roughly.
    pub used_at: String,
    /// When it ends unless it is used.
    pub idle_ends_at: String,
    /// When it ends in any case.
    pub expires_at: String,
}

impl DeviceBody {
    /// A device, as its person sees it.
    #[must_use]
    pub fn of(server: &Server, device: &Session, current: bool) -> Self {
        Self {
            id: DeviceId::from(device.id).to_string(),
            label: open_device(server, device),
            app: device.app.to_string(),
            current,
            acr: device.assurance.acr(),
            registered_at: rfc3339(device.created_at),
            used_at: rfc3339(device.used_at),
            idle_ends_at: rfc3339(device.idle_ends_at),
            expires_at: rfc3339(device.expires_at),
        }
    }
}

/// A proof as it was read.
pub(super) enum Proof {
    /// A code of an authenticator app beside a name.
    Totp(Name, Zeroizing<String>),
    /// A mailed code.
    Code {
        /// What it was mailed for.
        challenge: ChallengeId,
        /// Itself.
        code: Code,
        /// Ties it to who started the challenge.
        binding: SecretToken,
    },
    /// The next proof of a sign-in under way.
    Step(FlowKey, Box<SignInStepBody>),
}

impl Proof {
    /// The one proof of a body, if there is any.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] where members do not go together or do not read.
    pub(super) fn of(body: RegisterDeviceBody) -> Result<Option<Self>, ApiError> {
        let RegisterDeviceBody {
            label: _,
            email,
            username,
            totp,
            challenge,
            sign_in,
            binding,
            code,
            passkey,
        } = body;
        let has_name = email.is_some() || username.is_some();
        match (sign_in, challenge, binding, (totp, code, passkey)) {
            (None, None, None, (Some(totp), None, None)) if has_name => {
                let name = Name::given(email.as_deref(), username.as_deref())?;
                Ok(Some(Self::Totp(name, totp)))
            }
            (None, Some(challenge), Some(binding), (None, Some(code), None)) if !has_name => {
                let challenge = challenge.parse();
                Ok(Some(Self::Code {
                    challenge: challenge.map_err(|_| ApiError::RegistrationRefused)?,
                    code: parse_code(&code)?,
                    binding: parse_binding(&binding)?,
                }))
            }
            (Some(id), None, Some(binding), proof) if !has_name => {
                let id = id.parse().map_err(|_| ApiError::RegistrationRefused)?;
                let key = FlowKey { id, binding: parse_binding(&binding)? };
                let step = match proof {
                    (Some(code), None, None) => SignInStepBody::Totp { binding, code, trust_device: false },
                    (None, Some(code), None) => SignInStepBody::Code { binding, code },
                    (None, None, Some(credential)) => {
                        SignInStepBody::Passkey { binding, credential, trust_device: false }
                    }
                    _ => return Err(mixed()),
                };
                Ok(Some(Self::Step(key, Box::new(step))))
            }
            (None, None, None, (None, None, None)) if !has_name => Ok(None),
            _ => Err(mixed()),
        }
    }
}

fn mixed() -> ApiError {
    ApiError::invalid(
        "totp",
        "expected email or username with totp; challenge, binding and code; or sign_in and binding with one of \
         passkey, totp and code",
    )
}
