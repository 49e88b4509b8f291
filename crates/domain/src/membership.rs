//! What somebody is in their realm: their role, and the groups that they are in. Only operators change it. This module
//! knows no app and no grant.

use crate::group::GroupName;

/// Most groups that somebody is in.
pub const MOST_GROUPS: usize = 32;

/// What somebody is among the people of a realm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Somebody.
    #[default]
    User,
    /// Who holds every app of the realm, where the realm lets administrators. Of this server's own it opens the
    /// administration pages of the realm, where the configuration says so; anything else takes an admin key.
    Admin,
}

impl Role {
    /// The name under which it travels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// The role that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Admin].into_iter().find(|role| role.name() == name)
    }
}

/// A role, and groups: each once, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// The role.
    pub role: Role,
    /// The groups: at most [`MOST_GROUPS`].
    pub groups: Vec<GroupName>,
}

/// More groups than [`MOST_GROUPS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("somebody is in at most 32 groups")]
pub struct TooManyGroups;

impl Membership {
    /// A role and these groups, in whichever order and however often they are named.
    ///
    /// # Errors
    /// [`TooManyGroups`].
    pub fn new(role: Role, groups: impl IntoIterator<Item = GroupName>) -> Result<Self, TooManyGroups> {
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_unstable();
        groups.dedup();
        if groups.len() > MOST_GROUPS { Err(TooManyGroups) } else { Ok(Self { role, groups }) }
    }

    /// Whether they are in this group.
    #[must_use]
    pub fn is_in(&self, group: &GroupName) -> bool {
        self.groups.binary_search(group).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_kept_each_once_and_not_too_many() {
        let named = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<_>>();
        let of = Membership::new(Role::Admin, named(&["tools", "family", "tools"])).unwrap();
        assert_eq!(of.groups, named(&["family", "tools"]));
        assert!(of.is_in(&"family".parse().unwrap()) && !of.is_in(&"staff".parse().unwrap()));
        let many = (0..=MOST_GROUPS).map(|number| format!("g{number}").parse().unwrap());
        assert_eq!(Membership::new(Role::User, many), Err(TooManyGroups));
        for role in [Role::User, Role::Admin] {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!(Role::from_name("root"), None);
    }
}
