//! What was proven, when, and how: `acr`, `amr` and `auth_time` of the tokens.

use crate::time::Timestamp;

/// How a person showed who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// The code of a mail was typed where it was asked for.
    Code,
    /// The link of a mail was opened and its button pressed.
    Link,

    /// A password was typed.
    Password,
}

impl Method {
    /// `amr` (RFC 8176): a one-time password, a confirmation over another channel, or a password.
    #[must_use]
    pub const fn amr(self) -> &'static str {
        match self {
            Self::Code => "otp",
            Self::Link => "mca",
            Self::Password => "pwd",
        }
    }

    /// The name under which it is stored and counted.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Link => "link",
            Self::Password => "password",
        }
    }
}

impl Method {
    /// The method that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Code, Self::Link, Self::Password].into_iter().find(|method| method.name() == name)
    }
}

/// What a sign-in proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assurance {
    /// How it was proven.
    pub method: Method,
    /// When it was proven: `auth_time`.
    pub proven_at: Timestamp,
}

impl Assurance {
    /// `acr` of a mailed code or link alone: control of a mailbox, which is not AAL1 (NIST SP 800-63B-4, 3.1.3.1).
    pub const MAILBOX: &'static str = "urn:countersign:mailbox";
    /// `acr` of one factor that is an authenticator of NIST AAL1, such as a password.
    pub const AAL1: &'static str = "aal1";

    /// `acr` of this proof.
    #[must_use]
    pub const fn acr(&self) -> &'static str {
        match self.method {
            Method::Code | Method::Link => Self::MAILBOX,
            Method::Password => Self::AAL1,
        }
    }
}
