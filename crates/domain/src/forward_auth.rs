//! How a service behind a reverse proxy is opened (forward auth): by what, for whom, and what a request needs by its
//! path, method and network. It knows no header and no person.

mod path;
mod rule;

pub use self::{
    path::Path,
    rule::{Asked, Effect, Needed, Rule},
};
use crate::{assurance::Level, group::GroupName, scope::Scopes};

/// What becomes of a request that nobody is signed in for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignInMode {
    /// There seems to be nothing: 404.
    #[default]
    Hide,
    /// The browser is sent to sign in, and back.
    Redirect,
    /// 401, for clients that are no browsers.
    Unauthorized,
}

/// What may open a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// The cookie of a session.
    Session,
    /// The cookie of a registered device.
    Device,
    /// An access token as Bearer.
    Token,
    /// An app password as Basic.
    AppPassword,
}

/// Some openers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted(u8);

impl Accepted {
    /// None.
    pub const NONE: Self = Self(0);

    /// This one as well.
    #[must_use]
    pub const fn with(self, opener: Opener) -> Self {
        Self(self.0 | 1 << opener as u8)
    }

    /// Whether this one is among them.
    #[must_use]
    pub const fn has(self, opener: Opener) -> bool {
        self.0 & 1 << opener as u8 != 0
    }
}

/// Sessions, registered devices and access tokens; app passwords where an operator says so.
impl Default for Accepted {
    fn default() -> Self {
        Self::NONE.with(Opener::Session).with(Opener::Device).with(Opener::Token)
    }
}

/// How a service behind a proxy is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForwardAuth {
    /// What becomes of who is not signed in.
    pub sign_in: SignInMode,
    /// What opens it.
    pub accepts: Accepted,
    /// Whether it is open to everybody in the realm who is signed in, without a grant.
    pub open: bool,
    /// The groups of apps that it is in, which grants may name.
    pub groups: Vec<GroupName>,
    /// What is held by who needs no grant: everybody where it is open, and administrators.
    pub scopes: Scopes,
    /// What requests need. The first that fits counts.
    pub rules: Vec<Rule>,
}

impl ForwardAuth {
    /// What a request needs. Where something of it is not known, or may be read in two ways, the strictest of all that
    /// may fit.
    #[must_use]
    pub fn needed(&self, asked: &Asked<'_>) -> Needed {
        let mut strictest = Needed::Public;
        for rule in &self.rules {
            match rule.fits(asked) {
                Some(true) => return strictest.max(rule.effect.needed()),
                None => strictest = strictest.max(rule.effect.needed()),
                Some(false) => {}
            }
        }
        strictest.max(Needed::Level(Level::Mailbox))
    }
}
