//! What a sign-in and its steps are asked with, and what they answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::super::{my_totp::TotpOptionsAnswer, start::EndUser};
use crate::passkeys::{AuthenticationResponse, RegistrationResponse};

/// Who is said to sign in, and how strongly the app wants to know them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BeginSignInBody {
    /// A mailbox of the person's. Left out where a passkey will say who it is, and with `step_up`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 254)]
    pub email: Option<String>,
    /// Their username, for a password, in place of `email`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128)]
    pub username: Option<String>,
    /// Levels, any of which is enough, beyond what the app's policy wants anyhow: `urn:countersign:mailbox`, `aal1`,
    /// `aal2`.
    #[serde(default)]
    #[schema(max_items = 3)]
    pub acr_values: Vec<String>,
    /// Go on from the session that the browser holds: only what it lacks is asked for. Publishable keys only; send
    /// credentials along.
    #[serde(default)]
    pub step_up: bool,
    /// With `step_up`: proofs of the session that are older, in seconds, have to be given again.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub max_age: Option<i64>,
}

/// One step of a sign-in.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum SignInStepBody {
    /// Mail a code, a link or both, as the app is set.
    Mail {
        /// What the beginning answered as `binding`.
        binding: String,
        /// The person's languages as in `Accept-Language`, best first.
        #[serde(default)]
        #[schema(max_length = 200)]
        locale: Option<String>,
        /// Who asked, as the app's server saw them. Secret keys only; gone with the challenge.
        #[serde(default)]
        end_user: Option<EndUser>,
    },
    /// The code that was mailed.
    Code {
        /// What the beginning answered as `binding`.
        binding: String,
        /// The code; spaces and hyphens are ignored, letters may be small.
        #[schema(min_length = 6, max_length = 64)]
        code: String,
    },
    /// The link that was mailed was approved.
    Link {
        /// What the beginning answered as `binding`.
        binding: String,
    },
    /// The password.
    Password {
        /// What the beginning answered as `binding`.
        binding: String,
        /// As it was typed.
        #[schema(value_type = String, min_length = 1, max_length = 1024)]
        password: Zeroizing<String>,
        /// Who asked, as the app's server saw them: for limits. Secret keys only.
        #[serde(default)]
        end_user: Option<EndUser>,
    },
    /// Ask for the signature of a passkey or security key: the answer has `passkey`.
    #[serde(alias = "security_key_options")]
    PasskeyOptions {
        /// What the beginning answered as `binding`.
        binding: String,
    },
    /// The signature of a passkey or security key, within five minutes of its options.
    #[serde(alias = "security_key")]
    Passkey {
        /// What the beginning answered as `binding`.
        binding: String,
        /// What `PublicKeyCredential.toJSON()` gave.
        credential: AuthenticationResponse,
        /// Whether this browser is to stand in for the second factor for as long as the operator lets it
        /// (`policy.trusted_device_days`). Publishable keys only.
        #[serde(default)]
        trust_device: bool,
    },
    /// The code that an authenticator app shows.
    Totp {
        /// What the beginning answered as `binding`.
        binding: String,
        /// The code; spaces and hyphens are ignored.
        #[schema(value_type = String, min_length = 6, max_length = 64)]
        code: Zeroizing<String>,
        /// Whether this browser is to stand in for the second factor for as long as the operator lets it
        /// (`policy.trusted_device_days`). Publishable keys only.
        #[serde(default)]
        trust_device: bool,
    },
    /// A recovery code, in place of an authenticator that was lost.
    RecoveryCode {
        /// What the beginning answered as `binding`.
        binding: String,
        /// The code; spaces, hyphens and case are ignored.
        #[schema(value_type = String, min_length = 6, max_length = 64)]
        code: Zeroizing<String>,
    },
    /// Ask for a new passkey, where `enrol` names it: the answer has `new_passkey`.
    NewPasskeyOptions {
        /// What the beginning answered as `binding`.
        binding: String,
    },
    /// The passkey that was made. It is kept if the sign-in is complete with it.
    NewPasskey {
        /// What the beginning answered as `binding`.
        binding: String,
        /// What `PublicKeyCredential.toJSON()` gave.
        credential: RegistrationResponse,
        /// What the person calls it: 1 to 100 characters.
        #[serde(default)]
        #[schema(min_length = 1, max_length = 100)]
        label: Option<String>,
    },
    /// Ask for the secret of a new authenticator app, where `enrol` names `totp`: the answer has `new_totp`.
    NewTotpOptions {
        /// What the beginning answered as `binding`.
        binding: String,
    },
    /// The first code of the new app. It is kept if the sign-in is complete with it.
    NewTotp {
        /// What the beginning answered as `binding`.
        binding: String,
        /// What the options answered as `ceremony`.
        #[schema(max_length = 30)]
        ceremony: String,
        /// The code that the app shows; spaces and hyphens are ignored.
        #[schema(value_type = String, min_length = 6, max_length = 64)]
        code: Zeroizing<String>,
        /// What the person calls the app: 1 to 100 characters.
        #[serde(default)]
        #[schema(min_length = 1, max_length = 100)]
        label: Option<String>,
    },
}

impl SignInStepBody {
    /// What ties the step to who began the sign-in.
    pub(super) fn binding(&self) -> &str {
        match self {
            Self::Mail { binding, .. }
            | Self::Code { binding, .. }
            | Self::Link { binding }
            | Self::Password { binding, .. }
            | Self::PasskeyOptions { binding }
            | Self::Passkey { binding, .. }
            | Self::Totp { binding, .. }
            | Self::RecoveryCode { binding, .. }
            | Self::NewPasskeyOptions { binding }
            | Self::NewPasskey { binding, .. }
            | Self::NewTotpOptions { binding }
            | Self::NewTotp { binding, .. } => binding,
        }
    }
}

/// How far a sign-in has come.
#[derive(Serialize, ToSchema)]
pub struct SignInBody {
    /// The sign-in.
    pub id: String,
    /// Ties it to you: needed to go on. Told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
    /// When it is over.
    pub expires_at: String,
    /// What is proven.
    pub done: Vec<&'static str>,
    /// Any of these may come next.
    pub next: Vec<&'static str>,
    /// Any of these has to be made: what the person has is not enough here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub enrol: Vec<&'static str>,
    /// The challenge that was mailed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<MailedBody>,
    /// For `PublicKeyCredential.parseRequestOptionsFromJSON`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub passkey: Option<Value>,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub new_passkey: Option<Value>,
    /// What a new authenticator app takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_totp: Option<TotpOptionsAnswer>,
}

/// What a page shows that waits for a mailed code or link.
#[derive(Debug, Serialize, ToSchema)]
pub struct MailedBody {
    /// The challenge: its status can be asked for.
    pub id: String,
    /// Two digits to show: whoever opens the link in another browser is asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation_number: Option<String>,
    /// When it is over.
    pub expires_at: String,
    /// When the person may be written to again.
    pub resend_after: String,
}
