//! An address that goes, or leaves the first place to another: what it is told, and the link that brings it back. It knows
//! no route.

use countersign_domain::{
    account::Account,
    app::App,
    changes::Changes,
    undo::{ADDRESS_UNDO, Undo, UndoKind},
    user::{IdentifierKind, UserIdentifier},
};

use crate::{
    accounts::open_identifier,
    erasure::draw_undo,
    error::ApiError,
    keys::Context,
    outbox::{
        Notice,
        notice::{Link, masked},
    },
    state::Server,
};

/// An address on its way out: what brings it back, if anything may.
pub(super) struct Leaving {
    link: Option<Link>,
    /// What brings it back.
    pub(super) undo: Option<Undo>,
    /// Itself, masked.
    pub(super) shown: String,
}

impl Leaving {
    /// The link is drawn here, and its row sealed.
    pub(super) fn of(server: &Server, account: &Account, gone: &UserIdentifier) -> Result<Self, ApiError> {
        let now = server.now();
        let address = open_identifier(server, gone)?;
        let shown = masked(&address);
        if !account.may_come_back(gone, now) {
            return Ok(Self { link: None, undo: None, shown });
        }
        let (link, undo) = draw_undo(server, account.user.id, UndoKind::Address, (now, now + ADDRESS_UNDO));
        let place = Context { table: "user_undo", column: "sealed", id: undo.link.bytes() };
        let sealed = server.keys.seal(&mut *server.random(), &place, address.as_bytes());
        let sealed = Some(sealed.map_err(|_| ApiError::Internal)?);
        Ok(Self { link: Some(link), undo: Some(Undo { sealed, ..undo }), shown })
    }

    /// What the address is told: which one takes its place, and how to undo that.
    pub(super) fn notice(&self, other: String) -> Notice {
        match &self.link {
            Some(undo) => Notice::AddressChanged { address: other, undo: undo.clone() },
            None => Notice::AddressRemoved { address: self.shown.clone() },
        }
    }
}

/// Tells the former primary address and the one that is chosen, where that is another address.
pub(super) fn tell_primary(
    server: &Server,
    app: &App,
    (account, chosen): (&Account, &UserIdentifier),
    changes: &mut Changes,
) -> Result<(), ApiError> {
    if chosen.kind != IdentifierKind::Email || chosen.primary {
        return Ok(());
    }
    let concerned = |known: &&UserIdentifier| known.primary || known.digest == chosen.digest;
    let both: Vec<_> = account.identifiers.iter().filter(concerned).cloned().collect();
    let address = masked(&open_identifier(server, chosen)?);
    server.tell_all(app, (&account.user, &both), &Notice::PrimaryChanged { address }, changes)
}
