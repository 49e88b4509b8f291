//! What is written along with commits that know nothing of grants: whoever is erased loses theirs, and where the
//! configuration gives something to addresses, whoever's addresses change may reach other apps than before.

use std::collections::HashSet;

use countersign_domain::{
    changes::{Change, Changes, GrantChange},
    id::UserId,
    token::{Revocation, RevocationTarget},
    user::UserIdentifier,
};

use crate::state::Server;

/// Adds it to what is to be committed, and makes every word of changed access a new one.
pub fn put_along(server: &Server, changes: &mut Changes) {
    let taken = |user| GrantChange::AllOfHolderTaken(server.keys.grants_of_user(user)).into();
    let mut added: Vec<Change> = changes.erased().map(taken).collect();
    let registry = server.registry.load();
    let concerned = |change| {
        let identifier = changed_identifier(change)?;
        registry.grants().name_addresses(&identifier.realm).then_some(identifier.user)
    };
    let moved: HashSet<UserId> = changes.0.iter().filter_map(concerned).collect();
    let now = server.now();
    let told = |user| Change::Revocation(Revocation::of_access(server.keys.access_of_user(user), now));
    added.extend(moved.into_iter().map(told));
    changes.0.extend(added);
    for change in &mut changes.0 {
        if let Change::Revocation(revocation) = change
            && let RevocationTarget::Access(holder) = revocation.target
        {
            revocation.before = server.revocations.moment_of_access(holder, now);
        }
    }
}

/// The identifier that a change gives somebody, proves or takes.
fn changed_identifier(change: &Change) -> Option<&UserIdentifier> {
    match change {
        Change::IdentifierAdded(identifier)
        | Change::IdentifierChanged(identifier)
        | Change::IdentifierRemoved(identifier)
        | Change::IdentifierVerified(identifier) => Some(identifier),
        _ => None,
    }
}
