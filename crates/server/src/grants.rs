//! What somebody may reach: their role and groups, the grants that bear on them at an app, and the answer. Grants are
//! found by keyed digests, in one read for a user and an app; what they say is sealed. It knows no routes.

mod along;
mod declared;
mod explain;
mod names;
mod sealed;
mod weigh;

pub use self::{
    along::put_along,
    declared::DeclaredGrants,
    explain::{Explanation, Finding, explain},
    sealed::{Kept, open, seal},
    weigh::{Weighed, granted_to, reach_of, weigh},
};
use countersign_domain::{app::App, group::GroupName, membership::Role, user::User};
pub use countersign_domain::{grant::Access, membership::Membership};

use crate::{
    accounts::{Profile, open_profile},
    error::ApiError,
    state::Server,
};

/// Whether a user who is this in their realm may reach an app, with which scopes and because of what; `None` is no. It is good until
/// [`Access::until`], or until it is told that what the user or one of their groups may reach has changed
/// ([`Keys::access_of_user`](crate::vault::Keys::access_of_user)), or an app, a realm or the configuration was.
///
/// One read of the store; two where the configuration names addresses for this app.
///
/// # Errors
/// The store's; [`ApiError::Internal`] when something sealed does not open.
pub async fn access(
    server: &Server,
    (user, membership): (&User, &Membership),
    app: &App,
) -> Result<Option<Access>, ApiError> {
    let weighed = weigh(server, (user, membership), app).await?;
    Ok(weighed.question(server, user, app).answer(&weighed.grants))
}

/// What a user is in their realm. Nothing is read: it is sealed with the user's profile.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn membership(server: &Server, user: &User) -> Result<Membership, ApiError> {
    membership_in(&open_profile(server, user)?)
}

/// What a profile says about it.
///
/// # Errors
/// [`ApiError::Internal`] when it does not read.
pub fn membership_in(profile: &Profile) -> Result<Membership, ApiError> {
    let groups: Result<Vec<GroupName>, _> = profile.groups.iter().map(|group| group.parse()).collect();
    Membership::new(profile.role(), groups.map_err(|_| ApiError::Internal)?).map_err(|_| ApiError::Internal)
}

/// A profile with another membership.
#[must_use]
pub fn with_membership(profile: Profile, membership: &Membership) -> Profile {
    Profile {
        administrator: membership.role == Role::Admin,
        groups: membership.groups.iter().map(ToString::to_string).collect(),
        ..profile
    }
}
