//! A proven presence: a browser that holds a cookie, a client that holds a refresh token, a browser that the person
//! trusts, or a registered device ([`device`](crate::device)). One row for each.
//!
//! A session lives until it is ended, idle for too long, or too old. Ending it removes the row and writes a
//! revocation, by which the access tokens that came from it die wherever we are asked.

use crate::{
    app::AppName,
    assurance::Assurance,
    changes::{Change, Changes, FlowChange},
    id::{SessionId, UserId},
    random::Random,
    realm::RealmName,
    secret::Digest,
    subject::Subject,
    time::{Span, Timestamp},
    token::{Revocation, RevocationTarget, SecretToken},
    vault::Vault,
};

/// The longest life of an access token that came from a session.
pub const LONGEST_ACCESS_TOKEN: Span = Span::from_hours(1);
/// Sessions that one user may have; the one unused for longest makes room.
pub const MOST_SESSIONS: usize = 50;
/// How often at most the use of a session is written, as a part of its idle limit.
const USES_IN_AN_IDLE_LIMIT: i64 = 10;

/// How long the sessions of a realm last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// How long a session may go unused.
    pub idle: Span,
    /// How long it lasts at most.
    pub absolute: Span,
    /// For how long a spent refresh token gives its successor once more, to a client that lost the answer.
    pub refresh_grace: Span,
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            idle: Span::from_hours(7 * 24),
            absolute: Span::from_hours(30 * 24),
            refresh_grace: Span::from_seconds(30),
        }
    }
}

/// What a session is held by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A browser, by a cookie: the keyed digest of its secret.
    Cookie(Digest),
    /// A client, by a refresh token.
    Refresh {
        /// Counts the tokens of this family; the newest has this number, the first 1.
        generation: u32,
        /// When the newest was made.
        rotated_at: Timestamp,
    },
    /// A browser that the person trusts, by a cookie of its own: the keyed digest of its secret. It signs nobody in; a
    /// second factor that was shown there need not be shown again for a time.
    Device(Digest),

    /// A registered device, by a cookie of its own whose secret changes in use.
    Registered {
        /// The keyed digest of its newest secret.
        digest: Digest,
        /// That of the one before it, if there was one.
        former: Option<Digest>,
        /// When the newest was made.
        rotated_at: Timestamp,
    },
}

impl Holder {
    /// A device that was registered just now.
    #[must_use]
    pub const fn registered(digest: Digest, now: Timestamp) -> Self {
        Self::Registered { digest, former: None, rotated_at: now }
    }

    /// What it is called in the interface.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Cookie(_) => "cookie",
            Self::Refresh { .. } => "refresh_token",
            Self::Device(_) => "device",
            Self::Registered { .. } => "registered_device",
        }
    }
}

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Names it: `sid` of its access tokens.
    pub id: SessionId,
    /// Where its user lives.
    pub realm: RealmName,
    /// Whose.
    pub user: UserId,
    /// The app that was signed in to.
    pub app: AppName,
    /// The person, as that app knows them.
    pub subject: Subject,
    /// What the sign-in proved.
    pub assurance: Assurance,
    /// What it is held by.
    pub holder: Holder,
    /// The device's approximate name, sealed.
    pub sealed_device: Option<Vec<u8>>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was used last, to a tenth of the idle limit.
    pub used_at: Timestamp,
    /// When it ends unless it is used.
    pub idle_ends_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// Counts its writes; 1 when it is added.
    pub version: i64,
}

impl Session {
    /// Whether it can still be used.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.idle_ends_at && now < self.expires_at
    }

    /// Whether `secret` is the one of this session's cookie.
    #[must_use]
    pub fn is_held_by(&self, secret: &SecretToken, vault: &dyn Vault) -> bool {
        matches!(self.holder, Holder::Cookie(digest) if digest == vault.session(self.id, secret))
    }

    /// Whether `secret` is the one of this trusted device's cookie.
    #[must_use]
    pub fn is_device_held_by(&self, secret: &SecretToken, vault: &dyn Vault) -> bool {
        matches!(self.holder, Holder::Device(digest) if digest == vault.session(self.id, secret))
    }

    /// Whether it is a trusted browser. What a person registered is [another thing](Self::is_registered).
    #[must_use]
    pub const fn is_device(&self) -> bool {
        matches!(self.holder, Holder::Device(_))
    }

    /// Whether, as a trusted device of this user, it stands in for a second factor. What was shown there counts for so
    /// long, by the policy of today.
    #[must_use]
    pub fn is_trusted(&self, user: UserId, trust: Span, now: Timestamp) -> bool {
        let is_theirs = self.is_device() && self.user == user && self.assurance.methods.has_second_factor();
        is_theirs && self.is_live(now) && now.since(self.assurance.proven_at) < trust
    }

    /// The device that a person trusts from this sign-in on, and the secret of its cookie.
    #[must_use]
    pub fn trust(
        &self,
        (id, sealed_device): (SessionId, Option<Vec<u8>>),
        trust: Span,
        vault: &dyn Vault,
        random: &mut dyn Random,
    ) -> (Self, SecretToken) {
        let secret = SecretToken::draw(random);
        let expires_at = self.assurance.proven_at + trust;
        let device = Self {
            id,
            holder: Holder::Device(vault.session(id, &secret)),
            sealed_device,
            idle_ends_at: expires_at,
            expires_at,
            version: 1,
            ..self.clone()
        };
        (device, secret)
    }

    /// The same trusted device with another secret, since this one has stood in for a factor: whoever copied it has
    /// nothing. What was shown there is as old as before.
    #[must_use]
    pub fn trust_on(
        mut self,
        now: Timestamp,
        vault: &dyn Vault,
        random: &mut dyn Random,
    ) -> (Self, SecretToken) {
        let secret = SecretToken::draw(random);
        self.holder = Holder::Device(vault.session(self.id, &secret));
        self.used_at = now;
        (self, secret)
    }

    /// Whether it signs a person in from a browser: a trusted device does not, nor does a client with a refresh token.
    #[must_use]
    pub const fn is_in_a_browser(&self) -> bool {
        matches!(self.holder, Holder::Cookie(_) | Holder::Registered { .. })
    }

    /// Whether it is held by a refresh token.
    #[must_use]
    pub const fn has_refresh_token(&self) -> bool {
        matches!(self.holder, Holder::Refresh { .. })
    }

    /// Notes that it was used; `false` when that is not worth a write yet.
    #[must_use]
    pub fn note_use(&mut self, policy: &SessionPolicy, now: Timestamp) -> bool {
        if now < self.use_is_noted_from(policy) {
            return false;
        }
        self.use_at(policy, now);
        true
    }

    /// From when on a use is worth a write.
    #[must_use]
    pub fn use_is_noted_from(&self, policy: &SessionPolicy) -> Timestamp {
        self.used_at + Span::from_millis(policy.idle.millis() / USES_IN_AN_IDLE_LIMIT)
    }

    /// Moves the idle end: it was used now.
    pub(crate) fn use_at(&mut self, policy: &SessionPolicy, now: Timestamp) {
        self.used_at = now;
        self.idle_ends_at = (now + policy.idle).min(self.expires_at);
    }

    /// What kills the access tokens that came from it, those that are being made at this moment too.
    #[must_use]
    pub fn revocation(&self, now: Timestamp) -> Revocation {
        let until = now + LONGEST_ACCESS_TOKEN + Span::from_minutes(1);
        Revocation {
            app: self.app.clone(),
            target: RevocationTarget::Session(self.id),
            before: until,
            revoked_at: now,
            expires_at: until,
        }
    }
}

/// Ends a session, and the sign-ins that its user has under way: one of them may have gone on from it.
pub fn end(session: &Session, now: Timestamp) -> Changes {
    let mut changes = Changes::default();
    end_with(session, now, &mut changes);
    changes.push(FlowChange::Dropped(session.user).into());
    changes
}

/// Ends a session beside other changes.
pub(crate) fn end_with(session: &Session, now: Timestamp, changes: &mut Changes) {
    changes.push(Change::SessionEnded(session.id));
    changes.push(Change::Revocation(session.revocation(now)));
}
