//! Who may use which app, and what the app learns of them: a grant goes from a holder (a user, a group of people) to a
//! target (an app, a group of apps), with scopes. What somebody may reach is decided here, from what they are, how the
//! app is set and the grants that were found; where grants are kept and how they are found is not known here.

use crate::{
    app::{App, AppName},
    group::GroupName,
    id::{GrantId, UserId},
    membership::{MOST_GROUPS, Membership, Role},
    realm::RealmName,
    scope::Scopes,
    secret::Digest,
    time::Timestamp,
    user::{User, UserStatus},
};

/// Most groups of apps that an app is in.
pub const MOST_APP_GROUPS: usize = 8;
/// Most grants that can bear on one user at one app: from the user and each of their groups, to the app and each of its
/// groups.
pub const MOST_READ: usize = (1 + MOST_GROUPS) * (1 + MOST_APP_GROUPS);

/// Who holds a grant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A user.
    User(UserId),
    /// Everybody who is in a group.
    Group(GroupName),
    /// Who has shown that this address is theirs, by its digest in the realm: in the configuration file alone.
    Address(Digest),
    /// Everybody of the realm who is signed in: in the configuration file alone, where no app says that it is open.
    Everybody,
}

/// What a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An app.
    App(AppName),
    /// Every app that is in a group.
    Group(GroupName),
}

/// A grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Names it.
    pub id: GrantId,
    /// In which realm it counts: nowhere else.
    pub realm: RealmName,
    /// Whose it is.
    pub holder: Holder,
    /// What for.
    pub target: Target,
    /// What the app learns, and whatever else the app takes a scope for.
    pub scopes: Scopes,
    /// When it is over.
    pub expires_at: Option<Timestamp>,
    /// Whether it stands in the configuration file, and is changed there.
    pub declared: bool,
}

/// A grant as it is kept: who, what for, scopes, by whom and when are sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGrant {
    /// Names it: made of a keyed digest of realm, holder and target, so that there is one grant of a kind.
    pub id: GrantId,
    /// In which realm it counts.
    pub realm: RealmName,
    /// The holder, to be listed by: a keyed digest.
    pub holder: Digest,
    /// The target, to be listed by: a keyed digest.
    pub target: Digest,
    /// Everything else.
    pub sealed: Vec<u8>,
    /// When it is over.
    pub expires_at: Option<Timestamp>,
    /// 0 when it is not stored yet; counts up with every write.
    pub version: i64,
}

/// Why somebody may reach an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The app is open to everybody of the realm who is signed in.
    Open,
    /// They are an administrator of the realm.
    Admin,
    /// They hold this grant.
    Grant(Grant),
}

/// Why somebody may not reach an app, whatever they were granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barred {
    /// The app is of another realm: nothing crosses realms.
    OtherRealm,
    /// The app is switched off.
    AppDisabled,
    /// The user is switched off, or is being erased.
    UserNotActive,
}

/// What somebody may reach, and because of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Of all grants that count, together.
    pub scopes: Scopes,
    /// Everything that lets them in: at least one thing.
    pub because: Vec<Because>,
    /// When this is to be decided again although nothing was changed: the first of the grants is over.
    pub until: Option<Timestamp>,
}

/// Whether a grant that was found counts for somebody at an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bearing {
    /// It does.
    Counts,
    /// It did, and is over.
    Over,
    /// It is for somebody else, for something else, or of another realm.
    Elsewhere,
}

/// May this user reach this app?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who.
    pub user: &'a User,
    /// What they are in their realm.
    pub membership: &'a Membership,
    /// The digests of the addresses that they have shown to be theirs.
    pub addresses: &'a [Digest],
    /// What.
    pub app: &'a App,
    /// Whether the realm's administrators hold every app.
    pub admins_hold_every_app: bool,
    /// When.
    pub now: Timestamp,
}

impl Question<'_> {
    /// What bars the way before anything that was granted is looked at.
    #[must_use]
    pub fn barred(&self) -> Option<Barred> {
        if self.user.realm != self.app.realm {
            Some(Barred::OtherRealm)
        } else if self.app.disabled {
            Some(Barred::AppDisabled)
        } else if self.user.status != UserStatus::Active {
            Some(Barred::UserNotActive)
        } else {
            None
        }
    }

    /// Whether a grant counts here.
    #[must_use]
    pub fn bearing(&self, grant: &Grant) -> Bearing {
        let is_theirs = match &grant.holder {
            Holder::User(user) => *user == self.user.id,
            Holder::Group(group) => self.membership.is_in(group),
            Holder::Address(digest) => self.addresses.contains(digest),
            Holder::Everybody => true,
        };
        let is_for_it = match &grant.target {
            Target::App(app) => *app == self.app.name,
            Target::Group(group) => self.app.forward_auth.groups.contains(group),
        };
        let is_here = grant.realm == self.user.realm && grant.realm == self.app.realm;
        match (is_theirs && is_for_it && is_here, grant.expires_at) {
            (false, _) => Bearing::Elsewhere,
            (true, Some(end)) if end <= self.now => Bearing::Over,
            (true, _) => Bearing::Counts,
        }
    }

    /// The answer, from all grants that were found: `None` is no. Grants that do not count are passed over.
    #[must_use]
    pub fn answer(&self, grants: &[Grant]) -> Option<Access> {
        if self.barred().is_some() {
            return None;
        }
        let settings = &self.app.forward_auth;
        let mut access = Access { scopes: Scopes::default(), because: Vec::new(), until: None };
        if settings.open {
            access.add(Because::Open, &settings.scopes, None);
        }
        if self.admins_hold_every_app && self.membership.role == Role::Admin {
            access.add(Because::Admin, &settings.scopes, None);
        }
        for grant in grants.iter().filter(|grant| self.bearing(grant) == Bearing::Counts) {
            access.add(Because::Grant(grant.clone()), &grant.scopes, grant.expires_at);
        }
        Some(access).filter(|access| !access.because.is_empty())
    }
}

impl Access {
    fn add(&mut self, because: Because, scopes: &Scopes, until: Option<Timestamp>) {
        self.because.push(because);
        self.scopes = self.scopes.and(scopes);
        self.until = match (self.until, until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

#[cfg(test)]
mod tests;
