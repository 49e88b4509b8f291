//! What a notice may be about: what an administrator touched, and what somebody signs in with. Knows their words alone.

use countersign_domain::credential::CredentialKind;
use serde::{Deserialize, Serialize};

use crate::texts::Key;

/// What somebody signs in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Factor {
    /// A passkey.
    Passkey,
    /// A security key.
    SecurityKey,
    /// An app that shows codes.
    Totp,
    /// A sheet of codes.
    RecoveryCodes,
    /// A password for one client.
    AppPassword,
}

/// What of an account an administrator touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Touched {
    /// Name, language or metadata.
    Details,
    /// Addresses, phone numbers or the username.
    Addresses,
    /// The password.
    Password,
    /// Whether the person may sign in.
    Access,
    /// They were signed out.
    Sessions,
    /// They read everything held about the person.
    Read,
    /// Passkeys, security keys, code apps or recovery codes.
    Credentials,
}

impl Touched {
    pub(super) const ALL: [Self; 7] = [
        Self::Details,
        Self::Addresses,
        Self::Password,
        Self::Access,
        Self::Sessions,
        Self::Read,
        Self::Credentials,
    ];

    pub(in crate::outbox) const fn text(self) -> Key {
        match self {
            Self::Details => Key::TouchedDetails,
            Self::Addresses => Key::TouchedAddresses,
            Self::Password => Key::TouchedPassword,
            Self::Access => Key::TouchedAccess,
            Self::Sessions => Key::TouchedSessions,
            Self::Read => Key::TouchedRead,
            Self::Credentials => Key::TouchedCredentials,
        }
    }
}

impl Factor {
    pub(super) const ALL: [Self; 5] =
        [Self::Passkey, Self::SecurityKey, Self::Totp, Self::RecoveryCodes, Self::AppPassword];

    /// What a credential of a kind is called to people.
    #[must_use]
    pub const fn of(kind: CredentialKind) -> Self {
        match kind {
            CredentialKind::Passkey => Self::Passkey,
            CredentialKind::SecurityKey => Self::SecurityKey,
            CredentialKind::Totp => Self::Totp,
            CredentialKind::RecoveryCodes => Self::RecoveryCodes,
        }
    }

    pub(in crate::outbox) const fn text(self) -> Key {
        match self {
            Self::Passkey => Key::FactorPasskey,
            Self::SecurityKey => Key::FactorSecurityKey,
            Self::Totp => Key::FactorTotp,
            Self::RecoveryCodes => Key::FactorRecoveryCodes,
            Self::AppPassword => Key::FactorAppPassword,
        }
    }
}
