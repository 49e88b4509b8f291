//! What is given about what somebody is in their realm.

use countersign_domain::{
    group::{GroupName, GroupNameError},
    membership::{Membership, Role},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Newcomer;
use crate::error::ApiError;

/// What somebody is in their realm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GivenRole {
    /// Somebody.
    #[default]
    User,
    /// Who may reach every app of the realm, where the realm lets administrators.
    Admin,
}

impl GivenRole {
    /// Whether nothing need be said.
    pub(super) const fn is_user(&self) -> bool {
        matches!(self, Self::User)
    }
}

impl From<GivenRole> for Role {
    fn from(role: GivenRole) -> Self {
        match role {
            GivenRole::User => Self::User,
            GivenRole::Admin => Self::Admin,
        }
    }
}

impl From<Role> for GivenRole {
    fn from(role: Role) -> Self {
        match role {
            Role::User => Self::User,
            Role::Admin => Self::Admin,
        }
    }
}

impl Newcomer {
    /// What they would be in their realm.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.profile.role()
    }
}

/// The names of groups.
///
/// # Errors
/// [`ApiError::InvalidMember`] for the member that holds one that no group can have.
pub fn read_groups(member: &'static str, groups: &[String]) -> Result<Vec<GroupName>, ApiError> {
    let read = |group: &String| group.parse().map_err(|error: GroupNameError| error.to_string());
    let groups: Result<_, String> = groups.iter().map(read).collect();
    groups.map_err(|error| ApiError::invalid(member, error))
}

/// A role and the names of groups.
///
/// # Errors
/// [`ApiError::InvalidMember`] for a name that no group can have, or too many of them.
pub fn read_membership(role: GivenRole, groups: &[String]) -> Result<Membership, ApiError> {
    Membership::new(role.into(), read_groups("groups", groups)?)
        .map_err(|error| ApiError::invalid("groups", error.to_string()))
}
