//! What browsers carry between the hosts of apps and us, as digests under our keys. It knows no cookie.

use countersign_domain::{
    app::{App, AppName},
    assurance::Level,
    id::{CeremonyId, SessionId, SignInId},
    realm::RealmName,
    secret::Digest,
    token::SecretToken,
};

use super::Keys;

impl Keys {
    /// What shows an app's own host that a session is good there: for that app alone, and as long as the session lives.
    #[must_use]
    pub fn app_cookie(&self, session: SessionId, app: &AppName) -> Digest {
        self.hierarchy.sessions.digest(&[b"app", session.bytes(), app.as_str().as_bytes()])
    }

    /// What shows that the cookie of an operator's visit was made here, with everything that it says.
    #[must_use]
    pub fn operator_cookie(&self, says: &[u8]) -> Digest {
        self.hierarchy.sessions.digest(&[b"operator", says])
    }

    /// How a visit of an operator's is named where it is told that it is over.
    #[must_use]
    pub fn operator_visit(&self, visit: &[u8; 16]) -> Digest {
        self.hierarchy.sessions.digest(&[b"operator-visit", visit])
    }

    /// The secret of a ticket, as it is kept.
    #[must_use]
    pub fn ticket(&self, secret: &SecretToken) -> Digest {
        self.hierarchy.links.digest(&[b"ticket", secret.expose().as_bytes()])
    }

    /// The binding of a sign-in that began without a name. Nothing of such a one is kept before its first proof: it follows
    /// from its id and this.
    #[must_use]
    pub fn nameless_binding(&self, id: SignInId, app: &App, asked: Level) -> SecretToken {
        let (realm, app) = (app.realm.as_str().as_bytes(), app.name.as_str().as_bytes());
        let parts = [b"nameless", id.bytes(), realm, app, asked.word().as_bytes()] as [&[u8]; 5];
        SecretToken::from_digest(&self.hierarchy.bindings.digest(&parts))
    }

    /// What follows the id in the challenge of a question that is not kept: one that such a sign-in asks.
    #[must_use]
    pub fn nameless_challenge(
        &self,
        id: CeremonyId,
        (realm, within): (&RealmName, &[u8; 16]),
        rp_id: &str,
    ) -> Digest {
        let parts =
            [b"nameless", id.bytes(), realm.as_str().as_bytes(), within, rp_id.as_bytes()] as [&[u8]; 5];
        self.hierarchy.credentials.digest(&parts)
    }

    /// What a visit of the sign-in page is told of the browser that an app's host sent there: it shows which one it is, and
    /// nobody can act as that browser by it.
    #[must_use]
    pub fn visit(&self, app: &AppName, state: &SecretToken) -> Digest {
        self.hierarchy.bindings.digest(&[b"visit", app.as_str().as_bytes(), state.expose().as_bytes()])
    }
}
