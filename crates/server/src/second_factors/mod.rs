//! Second factors that are typed, between the rules and the store: TOTPs and recovery codes, checked within the budget
//! that a person has for each of them. It knows no routes, and not whether a person needs a second factor.

pub mod enrolment;
pub mod named;
pub mod recovery;
pub mod totp;

pub use self::{
    named::{Named, prove_named},
    recovery::prove_recovery,
    totp::{TotpSecret, prove},
};
use countersign_domain::{
    app::App,
    assurance::Method,
    changes::{Change, Decision},
    contact::ContactKey,
    credential::Credential,
    event::EventKind,
    refusal::Refusal,
    second_factor::{self, Verdict},
    secret::Digest,
    time::Timestamp,
    totp::Window,
    user::User,
};

use crate::{accounts::authentication, credentials::event, error::ApiError, state::Server};

/// Which steps of time a TOTP may be of, as the server is set: its own alone where mails are no authenticators
/// (`profile = "asvs-l3"`, ASVS 5.0, 6.5.5).
#[must_use]
pub fn window(server: &Server) -> Window {
    if server.config.load().is_strict() { Window::One } else { Window::Two }
}

/// An attempt at a person's second factor. Decide about it in the [lane](crate::state::Lanes) of its
/// [counters](Self::counters): then many attempts at once wait for each other instead of losing races.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// Everything that is needed.
    pub server: &'a Server,
    /// Where.
    pub app: &'a App,
    /// Whose factor.
    pub user: &'a User,
    /// The browser that they try from, by what it is known by as theirs: strangers cannot use up what may be tried there.
    pub known_browser: Option<Digest>,
    /// Which steps of time a TOTP may be of.
    pub window: Window,
    /// When.
    pub now: Timestamp,
}

/// What is to be answered, and all that must be written first.
pub type Proven = Decision<Result<(), Refusal>>;

impl Attempt<'_> {
    /// The counters of the person's attempts at TOTPs or recovery codes. Each method has its own, and so has each
    /// browser that is known to be the person's.
    #[must_use]
    pub fn counters(&self, method: Method) -> ContactKey {
        let (keys, from) = (&self.server.keys, (method, self.known_browser.as_ref()));
        let digest = keys.second_factor_attempts(&self.user.realm, self.user.id, from);
        ContactKey { app: None, digest }
    }

    /// Decides within the person's budget. `found` is the credential as it is to be written where the attempt is right,
    /// none where it is not; `method` is what is told of a wrong one.
    async fn settle(
        &self,
        (verdict, charge): (Verdict, u32),
        found: Option<Credential>,
        method: Method,
    ) -> Result<Proven, ApiError> {
        let contact = self.server.store.contact(self.counters(method)).await?;
        let mut decision = second_factor::attempt(contact, (verdict, charge), self.now);
        if decision.outcome.is_err() {
            let failed = authentication(EventKind::CredentialFailed, self.app, method);
            // An attempt that cost nothing is none.
            if !decision.changes.is_empty() {
                decision.changes.push(failed.of_user(self.user.id).failed().into());
            }
            return Ok(decision);
        }
        if let Some(credential) = found {
            let passed = event(EventKind::CredentialPassed, Some(self.app), &credential);
            decision.changes.push(Change::Credential(credential));
            decision.changes.push(passed.into());
        }
        Ok(decision)
    }
}
