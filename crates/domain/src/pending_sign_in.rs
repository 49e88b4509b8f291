//! A sign-in that needs more than one proof, while it is under way: what is proven so far, for whoever holds the
//! binding. What has to follow is decided anew at every step, from the policy and what the person has.

use crate::{
    app::AppName,
    assurance::{Assurance, Level, Method, Methods},
    id::{SignInId, UserId},
    realm::RealmName,
    secret::Digest,
    time::{Span, Timestamp},
};

/// How long a sign-in may be under way.
pub const LIFE: Span = Span::from_minutes(15);

/// A sign-in under way, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingSignIn {
    /// Names it.
    pub id: SignInId,
    /// The realm of the app.
    pub realm: RealmName,
    /// The app that is signed in to.
    pub app: AppName,
    /// Who it is, from the first proof on.
    pub user: Option<UserId>,
    /// The keyed digest of what its holder presents.
    pub binding: Digest,
    /// What is proven.
    pub methods: Methods,
    /// When the oldest of these proofs was given.
    pub proven_at: Option<Timestamp>,
    /// What the app asked for beyond its policy.
    pub asked: Level,
    /// Who is said to sign in, and what ceremonies are under way, sealed as a whole.
    pub sealed: Vec<u8>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it is forgotten.
    pub expires_at: Timestamp,
    /// 0 when it is not stored yet; counts up with every write.
    pub version: i64,
}

impl PendingSignIn {
    /// Whether it can still go on.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Notes a proof.
    pub fn note(&mut self, method: Method, proven_at: Timestamp) {
        self.methods = self.methods.with(method);
        self.proven_at = Some(self.proven_at.map_or(proven_at, |earlier| earlier.min(proven_at)));
    }

    /// What is proven so far; none before the first proof.
    #[must_use]
    pub fn assurance(&self) -> Option<Assurance> {
        let proven_at = self.proven_at?;
        Some(Assurance { methods: self.methods, proven_at })
    }
}
