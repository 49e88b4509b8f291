//! What a sign-in and its steps are asked with, and what they answer.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::super::start::EndUser;

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
}

/// How far a sign-in has come.
#[derive(Debug, Serialize, ToSchema)]
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
