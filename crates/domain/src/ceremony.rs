//! A question to an authenticator that waits for its answer: it is answered once, rightly or wrongly, and then it is
//! over. It knows neither questions nor answers: what is needed to check one is sealed.

use crate::{
    id::{CeremonyId, UserId},
    realm::RealmName,
    time::{Span, Timestamp},
};

/// How long an answer is waited for: 5 minutes, the recommended most of Web Authentication Level 3, 15.1.
pub const LIFE: Span = Span::from_minutes(5);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CeremonyKind {
    /// A new passkey or security key: a registration ceremony (Web Authentication Level 3, 7.1).
    Registration,
    /// A signature of a passkey or security key: an authentication ceremony (Web Authentication Level 3, 7.2).
    Authentication,
    /// The first code of a new TOTP.
    Enrolment,
    /// Nothing any more: a question that was not kept while it waited, and has been answered. It is kept as long as it could
    /// be answered again.
    Answered,
    /// The way back to an app's host, for the browser that came from there: a ticket, redeemed once.
    Ticket,
}

impl CeremonyKind {
    /// The name under which it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Authentication => "authentication",
            Self::Enrolment => "enrolment",
            Self::Answered => "answered",
            Self::Ticket => "ticket",
        }
    }

    /// The kind that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Registration, Self::Authentication, Self::Enrolment, Self::Answered, Self::Ticket]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A question that waits for its answer, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceremony {
    /// Names it.
    pub id: CeremonyId,
    /// Where it takes place.
    pub realm: RealmName,
    /// What is asked for.
    pub kind: CeremonyKind,
    /// Within what: the bytes of the id of a session or of a sign-in under way. It is answered there and nowhere else.
    pub within: [u8; 16],
    /// Whose, where that is known.
    pub user: Option<UserId>,
    /// What is needed to check the answer, sealed as a whole.
    pub sealed: Vec<u8>,
    /// When it is over.
    pub expires_at: Timestamp,
}

impl Ceremony {
    /// Whether an answer to this question, given within this, is looked at.
    #[must_use]
    pub fn takes(&self, kind: CeremonyKind, within: &[u8; 16], now: Timestamp) -> bool {
        self.kind == kind && self.within == *within && now < self.expires_at
    }
}
