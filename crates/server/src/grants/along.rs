//! What is seen to at every commit, whoever made it: who is erased loses their grants, and every word of changed access is
//! a new one.

use countersign_domain::{
    changes::{Change, Changes, GrantChange},
    token::RevocationTarget,
};

use crate::state::Server;

/// Sees to it in what is to be committed.
pub fn put_along(server: &Server, changes: &mut Changes) {
    let taken = |user| GrantChange::AllOfHolderTaken(server.keys.grants_of_user(user)).into();
    let taken: Vec<Change> = changes.erased().map(taken).collect();
    changes.0.extend(taken);
    let now = server.now();
    for change in &mut changes.0 {
        if let Change::Revocation(revocation) = change
            && let RevocationTarget::Access(holder) = revocation.target
        {
            revocation.before = server.revocations.moment_of_access(holder, now);
        }
    }
}
