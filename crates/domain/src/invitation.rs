//! An invitation: somebody with a mailbox may come to an app that lets only the invited in. Single use, with an end.
//! It knows the mailbox by its keyed digest alone.

use crate::{
    app::AppName,
    id::InvitationId,
    realm::RealmName,
    secret::Digest,
    time::{Span, Timestamp},
};

/// Invitations of a realm that may be open at once.
pub const MOST_OPEN: i64 = 1_000;

/// How long an invitation lasts where nobody says.
pub const USUAL_LIFE: Span = Span::from_hours(7 * 24);

/// How long an invitation may last.
pub const LONGEST_LIFE: Span = Span::from_hours(90 * 24);

/// An invitation as it is kept, until it is spent, taken back or over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Names it; no secret.
    pub id: InvitationId,
    /// The realm that the person will be a user of.
    pub realm: RealmName,
    /// The app that the person may sign in to.
    pub app: AppName,
    /// The mailbox, as the users of the realm are found by it.
    pub digest: Digest,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
}

impl Invitation {
    /// Whether it lets somebody in at `now`.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}
