//! How an app knows a person: a pairwise pseudonym, stable for ever, of no use to any other app.

use crate::{app::AppName, realm::RealmName};

/// The group of apps that share a person's subject. An app alone is a sector of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Sector {
    /// One app for itself: the default.
    App(AppName),
    /// Apps that an operator put into one sector, by its name.
    Shared(String),
    /// The same in a realm that is not the default one: nothing crosses realms.
    SharedIn(RealmName, String),
}

/// A pairwise pseudonym: 24 bytes of a keyed hash, written as 32 characters of base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subject([u8; 24]);

impl Subject {
    /// A subject from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 24]) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 24] {
        &self.0
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        data_encoding::BASE64URL_NOPAD.encode_display(&self.0).fmt(f)
    }
}

impl std::str::FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| SubjectError)?;
        bytes.try_into().map(Self).map_err(|_| SubjectError)
    }
}

/// Text that is no subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subject has 32 characters of base64url")]
pub struct SubjectError;
