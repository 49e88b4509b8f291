//! The role and the groups of a user, at the hands of an operator: what they are to be, what changed, and who is told.

use countersign_domain::{
    admin_key::AdminScope,
    changes::{Change, Changes},
    event::{Event, EventKind},
    group::GroupName,
    membership::{Membership, Role},
    realm::RealmName,
    token::Revocation,
    user::User,
};

use super::Operator;
use crate::{
    accounts::{open_profile, seal_profile},
    error::ApiError,
    grants::{membership_in, with_membership},
    newcomer::{GivenRole, read_groups},
    outbox::notice::Touched,
    state::Server,
};

/// What a user is to be. What is absent stays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    /// The role.
    pub role: Option<GivenRole>,
    /// All groups.
    pub groups: Option<&'a [String]>,
    /// Groups to be put into, beside those that they are in.
    pub add: &'a [String],
    /// Groups to be taken out of.
    pub remove: &'a [String],
}

/// What became of it.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    former: Membership,
    now: Membership,
}

/// Refuses who may not make administrators of a realm: where those use the administration pages, whoever makes one gives
/// every scope away.
///
/// # Errors
/// [`ApiError::ScopeNeeded`].
pub(super) fn may_make(
    server: &Server,
    operator: &Operator,
    realm: &RealmName,
    role: Role,
) -> Result<(), ApiError> {
    let gives_all = role == Role::Admin && server.config.load().admin.lets(realm);
    // Nor does a key that ends make somebody who does not.
    let is_lasting = match operator {
        Operator::Key(key) => key.expires_at.is_none(),
        Operator::Local | Operator::Person(_) => true,
    };
    if gives_all && !(operator.allows(AdminScope::All) && is_lasting) {
        return Err(ApiError::ScopeNeeded(AdminScope::All.name()));
    }
    Ok(())
}

/// Refuses who may not switch an administrator off or on, or take their credentials away: whoever has their mailbox alone
/// could then become what they are.
///
/// # Errors
/// [`ApiError::ScopeNeeded`]; [`ApiError::Internal`] when something sealed does not open.
pub(super) fn may_touch(server: &Server, operator: &Operator, user: &User) -> Result<(), ApiError> {
    let is_theirs =
        open_profile(server, user)?.role() == Role::Admin && server.config.load().admin.lets(&user.realm);
    if is_theirs && !operator.allows(AdminScope::All) {
        return Err(ApiError::ScopeNeeded(AdminScope::All.name()));
    }
    Ok(())
}

/// Makes a user what they are to be: it is still to be written.
///
/// # Errors
/// [`ApiError::InvalidMember`] names what cannot be; [`ApiError::Internal`] when something sealed does not open.
pub(super) fn apply(server: &Server, user: &mut User, wish: Wish<'_>) -> Result<Moved, ApiError> {
    let profile = open_profile(server, user)?;
    let former = membership_in(&profile)?;
    let mut groups = match wish.groups {
        Some(groups) => read_groups("groups", groups)?,
        None => former.groups.clone(),
    };
    groups.extend(read_groups("add_groups", wish.add)?);
    let gone = read_groups("remove_groups", wish.remove)?;
    groups.retain(|group| !gone.contains(group));
    let role = wish.role.map_or(former.role, Role::from);
    let now =
        Membership::new(role, groups).map_err(|error| ApiError::invalid("groups", error.to_string()))?;
    if now != former {
        user.sealed_profile = seal_profile(server, user, &with_membership(profile, &now))?;
    }
    Ok(Moved { former, now })
}

/// Tells all nodes, the log and, of another role, the person.
///
/// # Errors
/// The store's; [`ApiError::Internal`] when something sealed does not open.
pub(super) async fn tell(
    server: &Server,
    user: &User,
    Moved { former, now }: &Moved,
    changes: &mut Changes,
) -> Result<(), ApiError> {
    if former == now {
        return Ok(());
    }
    let holder = server.keys.access_of_user(user.id);
    changes.push(Change::Revocation(Revocation::of_access(holder, server.now())));
    let told = |kind| Event::new(kind).of_user(user.id).within(&user.realm);
    if former.role != now.role {
        changes.push(told(EventKind::RoleChanged).with("role", now.role.name()).into());
        super::users::tell_person(server, user, Touched::Details, changes).await?;
    }
    if former.groups != now.groups {
        let added = named(now.groups.iter().filter(|group| !former.is_in(group)));
        let removed = named(former.groups.iter().filter(|group| !now.is_in(group)));
        let event = told(EventKind::GroupsChanged).with("added", added).with("removed", removed);
        changes.push(event.into());
    }
    Ok(())
}

fn named<'a>(groups: impl Iterator<Item = &'a GroupName>) -> String {
    groups.map(GroupName::as_str).collect::<Vec<_>>().join(" ")
}
