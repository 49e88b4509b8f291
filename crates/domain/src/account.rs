//! What people may change about the names they are found by, so that they never lock themselves out, and that a thief of
//! one mailbox cannot keep what they took: an address that goes can be brought back for seven days.
//!
//! Every change writes the user, whose version settles who was first. Nothing here knows an address.

use crate::{
    changes::{Change, Changes, Decision, FlowChange},
    id::{IdentifierId, UserId},
    refusal::Refusal,
    session::Session,
    time::Timestamp,
    undo::{ADDRESS_UNDO, Undo, UndoKind},
    user::{IdentifierKind, User, UserIdentifier, end_all},
};

/// Identifiers that one person may have, of all kinds together.
pub const MOST_IDENTIFIERS: usize = 20;

/// A user, and all that they are found by.
#[derive(Clone, Debug)]
pub struct Account {
    /// The user.
    pub user: User,
    /// What they are found by.
    pub identifiers: Vec<UserIdentifier>,
}

/// What a change of an account is answered with.
pub type Outcome = Decision<Result<(), Refusal>>;

impl Account {
    fn of_kind(&self, kind: IdentifierKind) -> impl Iterator<Item = &UserIdentifier> {
        self.identifiers.iter().filter(move |identifier| identifier.kind == kind)
    }

    /// One of its identifiers.
    #[must_use]
    pub fn find(&self, id: IdentifierId) -> Option<&UserIdentifier> {
        self.identifiers.iter().find(|identifier| identifier.id() == id)
    }

    /// Whether an address that is removed now may be brought back by a link to it: the first one may, and one that has
    /// been there for as long as such a link lives. Otherwise a thief who added an address and lost it again could undo
    /// the repair.
    #[must_use]
    pub fn may_come_back(&self, identifier: &UserIdentifier, now: Timestamp) -> bool {
        let first = identifier.created_at <= self.user.created_at;
        identifier.is_way_in() && (first || identifier.created_at + ADDRESS_UNDO <= now)
    }
}

/// Adds an identifier; the first of its kind is the primary one. `owner` is who has it in the realm, if anybody. One that
/// the person has already changes nothing.
pub fn add(account: &Account, mut new: UserIdentifier, owner: Option<UserId>) -> Outcome {
    match owner {
        Some(owner) if owner == account.user.id => return allowed(Changes::default()),
        Some(_) => return refused(Refusal::IdentifierTaken),
        None if account.identifiers.iter().any(|known| known.digest == new.digest) => {
            return allowed(Changes::default());
        }
        None if account.identifiers.len() >= MOST_IDENTIFIERS => return refused(Refusal::TooManyIdentifiers),
        None => {}
    }
    new.primary = account.of_kind(new.kind).next().is_none();
    allowed(Changes(vec![Change::User(account.user.clone()), Change::IdentifierAdded(new)]))
}

/// Gives the person this username, or none. `owner` is who has the new one, if anybody.
pub fn rename(account: &Account, new: Option<UserIdentifier>, owner: Option<UserId>) -> Outcome {
    let mut changes = Changes(vec![Change::User(account.user.clone())]);
    if owner.is_some_and(|owner| owner != account.user.id) {
        return refused(Refusal::IdentifierTaken);
    }
    let former = account.of_kind(IdentifierKind::Username);
    changes.0.extend(former.cloned().map(Change::IdentifierRemoved));
    changes.0.extend(new.map(|new| Change::IdentifierAdded(UserIdentifier { primary: true, ..new })));
    allowed(changes)
}

/// Makes an identifier the one of its kind that is used first.
pub fn make_primary(account: &Account, chosen: &UserIdentifier) -> Outcome {
    let mut changes = Changes(vec![Change::User(account.user.clone())]);
    for identifier in account.of_kind(chosen.kind) {
        let primary = identifier.digest == chosen.digest;
        if identifier.primary != primary {
            changes.push(Change::IdentifierChanged(UserIdentifier { primary, ..identifier.clone() }));
        }
    }
    allowed(changes)
}

/// Removes an identifier, never the last way in. `undo` brings it back.
pub fn remove(account: &Account, gone: &UserIdentifier, undo: Option<Undo>) -> Outcome {
    let mut left: Vec<_> = account.of_kind(gone.kind).filter(|other| other.digest != gone.digest).collect();
    if gone.is_way_in() && !left.iter().any(|other| other.is_way_in()) {
        return refused(Refusal::LastWayIn);
    }
    let mut changes = Changes(vec![Change::User(account.user.clone())]);
    changes.push(Change::IdentifierRemoved(gone.clone()));
    changes.push(FlowChange::Dropped(account.user.id).into());
    // The oldest that is proven is used first from now on.
    left.sort_by_key(|other| (!other.is_way_in(), other.created_at));
    if let Some(next) = left.first().filter(|_| gone.primary) {
        changes.push(Change::IdentifierChanged(UserIdentifier { primary: true, ..(*next).clone() }));
    }
    changes.0.extend(undo.map(Change::UndoAdded));
    allowed(changes)
}

/// Adds an address in place of another one, which `undo` brings back. `owner` is who has the new one, if anybody.
pub fn replace(
    account: &Account,
    new: UserIdentifier,
    owner: Option<UserId>,
    (old, undo): (&UserIdentifier, Option<Undo>),
) -> Outcome {
    match owner {
        Some(owner) if owner == account.user.id && new.digest == old.digest => {
            return allowed(Changes::default());
        }
        // It is the person's already: what is left to do is to remove the other one.
        Some(owner) if owner == account.user.id => return remove(account, old, undo),
        Some(_) => return refused(Refusal::IdentifierTaken),
        None => {}
    }
    let mut changes = Changes(vec![Change::User(account.user.clone())]);
    changes.push(Change::IdentifierAdded(UserIdentifier { primary: old.primary, ..new }));
    changes.push(Change::IdentifierRemoved(old.clone()));
    // Whoever proved the former one is not to go on.
    changes.push(FlowChange::Dropped(account.user.id).into());
    changes.0.extend(undo.map(Change::UndoAdded));
    allowed(changes)
}

/// Brings an address back, as the primary one: addresses that came in the seven days before its removal, and later, go,
/// and so do all sessions and the sign-ins under way. `owner` is who has it now, if anybody.
pub fn bring_back(
    account: &Account,
    undo: &Undo,
    restored: UserIdentifier,
    owner: Option<UserId>,
    (sessions, now): (&[Session], Timestamp),
) -> Outcome {
    let user = &account.user;
    if owner.is_some_and(|owner| owner != user.id) {
        return refused(Refusal::IdentifierTaken);
    }
    let status = user.status.when_kept();
    let mut changes =
        Changes(vec![Change::User(User { status, ..user.clone() }), Change::UndoUsed(undo.link)]);
    for identifier in account.of_kind(IdentifierKind::Email) {
        if identifier.digest == restored.digest || identifier.created_at > undo.created_at - ADDRESS_UNDO {
            changes.push(Change::IdentifierRemoved(identifier.clone()));
        } else if identifier.primary {
            changes.push(Change::IdentifierChanged(UserIdentifier { primary: false, ..identifier.clone() }));
        }
    }
    changes.push(Change::IdentifierAdded(UserIdentifier { primary: true, ..restored }));
    for kind in [UndoKind::Address, UndoKind::Erasure] {
        changes.push(Change::UndosDropped(user.id, kind));
    }
    end_all(user, sessions, now, &mut changes);
    allowed(changes)
}

fn allowed(changes: Changes) -> Outcome {
    Decision { outcome: Ok(()), changes }
}

fn refused(refusal: Refusal) -> Outcome {
    Decision { outcome: Err(refusal), changes: Changes::default() }
}

#[cfg(test)]
mod tests;
