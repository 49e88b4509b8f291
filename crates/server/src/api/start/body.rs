//! What a start is asked with, and what it answers.

use std::net::IpAddr;

use countersign_domain::challenge::Purpose;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whom to ask, what for, and how.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartBody {
    /// Where to send it.
    pub to: Recipient,
    /// `sign_in` (default) or `confirm_address`.
    #[serde(default)]
    pub purpose: PurposeName,
    /// The binding of an earlier challenge from the same place: this one replaces it.
    #[serde(default)]
    #[schema(min_length = 32, max_length = 32)]
    pub binding: Option<String>,
    /// Leave the binding with the browser, in a cookie that no script reads, instead of telling it in the answer.
    /// Publishable keys only; send credentials along.
    #[serde(default)]
    pub binding_cookie: bool,
    /// The person's languages as in `Accept-Language`, best first.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub locale: Option<String>,
    /// Who asked, as the app's server saw them. Secret keys only; gone with the challenge.
    #[serde(default)]
    pub end_user: Option<EndUser>,
    /// A subject line in place of the app's. May hold `%code%`. Secret keys only.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub subject: Option<String>,
    /// Plain text in place of the built-in one. Must hold `%code%`, must not hold links. Secret keys only.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub content: Option<String>,
}

/// Where to send it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// A mailbox.
    #[schema(min_length = 1, max_length = 254)]
    pub email: String,
}

/// Who asked.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndUser {
    /// Their network address: for limits, and for the page of the link.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub ip: Option<IpAddr>,
    /// Their browser's `User-Agent`: for the page of the link.
    #[serde(default)]
    #[schema(max_length = 512)]
    pub user_agent: Option<String>,
}

/// What the proof is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PurposeName {
    /// An access token.
    #[default]
    SignIn,
    /// A proof that the address is the person's.
    ConfirmAddress,
}

/// A challenge that was started. The same for every address.
#[derive(Debug, Serialize, ToSchema)]
pub struct StartedBody {
    /// The challenge.
    pub id: String,
    /// Ties the challenge to you: needed to finish it. Left out when a cookie holds it, and when an answer is repeated
    /// for an `Idempotency-Key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<String>,
    /// Two digits to show beside "we sent you a mail": whoever opens the link in another browser is asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation_number: Option<String>,
    /// When it is over.
    pub expires_at: String,
    /// When the person may be written to again.
    pub resend_after: String,
}

impl From<PurposeName> for Purpose {
    fn from(name: PurposeName) -> Self {
        match name {
            PurposeName::SignIn => Self::SignIn,
            PurposeName::ConfirmAddress => Self::ConfirmAddress,
        }
    }
}
