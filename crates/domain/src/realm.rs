//! A pool of users and apps: nothing crosses realms. It knows names and policies, no user.

use std::sync::Arc;

use crate::{
    device::DevicePolicy,
    policy::Policy,
    session::{Session, SessionPolicy},
    slug::is_slug,
    time::Span,
};

/// The permanent name of a realm, of the same form as an app's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RealmName(Arc<str>);

/// A name that no realm can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a realm's name has 1 to 63 characters of a-z, 0-9 and -, and neither begins nor ends with -")]
pub struct RealmNameError;

impl RealmName {
    /// The realm that is there without being declared.
    pub const DEFAULT: &'static str = "default";

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the realm that is there without being declared.
    #[must_use]
    pub fn is_default(&self) -> bool {
        &*self.0 == Self::DEFAULT
    }
}

impl Default for RealmName {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

impl std::str::FromStr for RealmName {
    type Err = RealmNameError;

    fn from_str(text: &str) -> Result<Self, RealmNameError> {
        if is_slug(text) { Ok(Self(text.into())) } else { Err(RealmNameError) }
    }
}

impl std::borrow::Borrow<str> for RealmName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RealmName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A realm, as an operator declared it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Realm {
    /// Its permanent name.
    pub name: RealmName,
    /// How long its sessions last.
    pub session: SessionPolicy,
    /// How long an account waits between the wish to erase it and its erasure: nothing by default.
    pub erasure_grace: Span,

    /// Whether its people may have passwords.
    pub passwords: bool,

    /// What a sign-in takes, where an app says nothing else.
    pub policy: Policy,
    /// Whether people are told by mail that somebody signed in with a browser that they have not signed in with before.
    pub new_device_mail: bool,
    /// Whether its administrators may reach every app of it.
    pub admins_hold_every_app: bool,
    /// How long its registered devices last.
    pub device: DevicePolicy,
}

impl Realm {
    /// A realm with every default.
    #[must_use]
    pub fn new(name: RealmName) -> Self {
        Self {
            name,
            session: SessionPolicy::default(),
            passwords: false,
            erasure_grace: Span::ZERO,
            policy: Policy::default(),
            new_device_mail: true,
            admins_hold_every_app: true,
            device: DevicePolicy::default(),
        }
    }

    /// How long such a session lasts here.
    #[must_use]
    pub const fn life_of(&self, session: &Session) -> SessionPolicy {
        if session.is_registered() { self.device.life() } else { self.session }
    }
}
