//! What browsers carry between the hosts of apps and us, as digests under our keys. It knows no cookie.

use countersign_domain::{app::AppName, id::SessionId, secret::Digest, token::SecretToken};

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

    /// What a visit of the sign-in page is told of the browser that an app's host sent there: it shows which one it is, and
    /// nobody can act as that browser by it.
    #[must_use]
    pub fn visit(&self, app: &AppName, state: &SecretToken) -> Digest {
        self.hierarchy.bindings.digest(&[b"visit", app.as_str().as_bytes(), state.expose().as_bytes()])
    }
}
