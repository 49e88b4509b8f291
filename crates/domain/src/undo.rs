//! A link that takes something back, mailed to whoever may want that: single use, expiring, for one person. This module
//! knows neither links nor addresses.

use crate::{
    id::UserId,
    secret::Digest,
    time::{Span, Timestamp},
};

/// For how long the removal of an address can be taken back.
pub const ADDRESS_UNDO: Span = Span::from_hours(7 * 24);

/// For how long a person can say that a sign-in was not theirs.
pub const SIGN_IN_UNDO: Span = Span::from_hours(7 * 24);

/// What is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoKind {
    /// The removal of an address.
    Address,
    /// The erasure of an account, which happens when the link is over.
    Erasure,
    /// A sign-in that was somebody else's: its session ends.
    SignIn,
}

impl UndoKind {
    /// The name under which it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Erasure => "erasure",
            Self::SignIn => "sign_in",
        }
    }

    /// The kind that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Address, Self::Erasure, Self::SignIn].into_iter().find(|kind| kind.name() == name)
    }
}

/// A link that takes something back, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// Keyed digest of the link's token.
    pub link: Digest,
    /// Whose account.
    pub user: UserId,
    /// What it takes back.
    pub kind: UndoKind,
    /// The address that comes back, or the id of the session that ends, sealed.
    pub sealed: Option<Vec<u8>>,
    /// When what it takes back happened.
    pub created_at: Timestamp,
    /// When it is over.
    pub expires_at: Timestamp,
}
