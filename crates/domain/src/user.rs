//! A person's record in a realm, and what belongs to it: identifiers, and the subjects that apps know the person by.
//!
//! A user exists only where an app has accounts. What a person is called is sealed; an identifier is found by its
//! keyed digest. This module knows no address and no key.

use crate::{
    changes::{Change, Changes, Decision, FlowChange},
    id::{IdentifierId, SessionId, UserId},
    realm::RealmName,
    secret::Digest,
    session::{self, Session},
    subject::Subject,
    time::Timestamp,
    undo::{Undo, UndoKind},
};

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserStatus {
    /// May.
    Active,
    /// May not, and has no session.
    Disabled,
    /// May not, has no session, and is erased at a set time unless the person changes their mind. Who was switched off
    /// meanwhile is [`Disabled`](Self::Disabled), and goes at the same time: the link of the erasure says when.
    Erasing,
}

impl UserStatus {
    /// Whether an erasure that waits can still be carried out, or called off.
    #[must_use]
    pub const fn may_be_erasing(self) -> bool {
        matches!(self, Self::Erasing | Self::Disabled)
    }

    /// What is left of it when an erasure that waits is called off.
    #[must_use]
    pub const fn when_kept(self) -> Self {
        match self {
            Self::Erasing => Self::Active,
            other => other,
        }
    }

    /// The name under which it travels and is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Erasing => "erasing",
        }
    }

    /// The status that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Active, Self::Disabled, Self::Erasing].into_iter().find(|status| status.name() == name)
    }
}

/// When somebody signed in who never did.
pub const NEVER: Timestamp = Timestamp::from_millis(0);

/// A user as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Names it. Apps never see it: they know the person by a subject.
    pub id: UserId,
    /// Where it lives.
    pub realm: RealmName,
    /// Whether it may sign in.
    pub status: UserStatus,
    /// What the person is called and speaks, sealed; none when nothing was ever said.
    pub sealed_profile: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When the person signed in last; [`NEVER`] for who was brought and has not come yet.
    pub signed_in_at: Timestamp,
    /// Counts its writes; 1 when it is added. Every sign-in writes it, so that none slips past a user who is being
    /// disabled.
    pub version: i64,
}

/// What kind of name a person is reached or found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdentifierKind {
    /// A mailbox.
    Email,
    /// A telephone number. Nothing is sent to one yet, so none is proven and none signs in.
    Phone,
    /// A name that the person chose. It proves nothing.
    Username,
}

impl IdentifierKind {
    /// The name under which it travels and is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Username => "username",
        }
    }

    /// The kind that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Email, Self::Phone, Self::Username].into_iter().find(|kind| kind.name() == name)
    }
}

/// A name that a person is found by. In a realm it belongs to one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserIdentifier {
    /// Where it is unique.
    pub realm: RealmName,
    /// What kind.
    pub kind: IdentifierKind,
    /// A keyed digest, made for this realm.
    pub digest: Digest,
    /// Whose.
    pub user: UserId,
    /// Itself, sealed.
    pub sealed: Vec<u8>,
    /// Whether it is the first of its kind to be written to.
    pub primary: bool,
    /// When the person proved control of it.
    pub verified_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
}

impl UserIdentifier {
    /// How the person who has it calls it.
    #[must_use]
    pub fn id(&self) -> IdentifierId {
        IdentifierId::of(&self.digest)
    }

    /// Whether it is the first of the person's verified addresses.
    #[must_use]
    pub fn is_first_address(&self) -> bool {
        self.primary && self.is_way_in()
    }

    /// Whether it alone lets the person in.
    #[must_use]
    pub fn is_way_in(&self) -> bool {
        self.kind == IdentifierKind::Email && self.verified_at.is_some()
    }
}

/// The subject by which a sector of apps knows a user, given at the first sign-in there and never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSubject {
    /// Whose.
    pub user: UserId,
    /// Where, as a keyed digest: the database does not tell who uses what.
    pub sector: Digest,
    /// The pseudonym.
    pub subject: Subject,
}

/// Takes a user's right to sign in, and ends all that was open. `sessions` are all that the user has. An erasure that
/// waits goes on waiting.
pub fn disable(mut user: User, sessions: &[Session], now: Timestamp) -> Decision<User> {
    let mut changes = Changes::default();
    user.status = UserStatus::Disabled;
    changes.push(Change::User(user.clone()));
    end_all(&user, sessions, now, &mut changes);
    user.version += 1;
    Decision { outcome: user, changes }
}

/// Gives the right back, and calls off an erasure that waits: it would go on when the user is switched off once more.
/// What was ended stays ended.
pub fn enable(mut user: User) -> Decision<User> {
    user.status = UserStatus::Active;
    let mut decision = rewrite(user);
    decision.changes.push(Change::UndosDropped(decision.outcome.id, UndoKind::Erasure));
    decision
}

/// Writes a user as it is now: what it is called is not known here.
pub fn rewrite(mut user: User) -> Decision<User> {
    let changes = Changes(vec![Change::User(user.clone())]);
    user.version += 1;
    Decision { outcome: user, changes }
}

/// Ends all of a user's sessions. The user is written too, so that a sign-in at the same moment is either ended here
/// or decided again.
pub fn sign_out_everywhere(user: User, sessions: &[Session], now: Timestamp) -> Changes {
    let mut changes = Changes(vec![Change::User(user.clone())]);
    end_all(&user, sessions, now, &mut changes);
    changes
}

/// Removes a user and everything that belongs to them.
pub fn erase(user: &User, sessions: &[Session], now: Timestamp) -> Changes {
    let mut changes = Changes(vec![Change::UserErased(user.id, user.version)]);
    end_all(user, sessions, now, &mut changes);
    changes
}

/// Ends all that was open, and lets the account be erased when `undo` is over: it is what takes that back until then.
pub fn begin_erasure(user: User, sessions: &[Session], undo: Undo, now: Timestamp) -> Changes {
    let mut changes = Changes(vec![Change::User(User { status: UserStatus::Erasing, ..user.clone() })]);
    end_all(&user, sessions, now, &mut changes);
    changes.push(Change::UndosDropped(user.id, UndoKind::Erasure));
    changes.push(Change::UndoAdded(undo));
    changes
}

/// Keeps an account that was to be erased, by a link that says so. What was ended stays ended, and who was switched off
/// meanwhile stays that: an administrator's word is not the person's to take back.
pub fn keep(user: User, undo: &Undo) -> Changes {
    let id = user.id;
    let changes = vec![
        Change::User(User { status: user.status.when_kept(), ..user }),
        Change::UndoUsed(undo.link),
        Change::UndosDropped(id, UndoKind::Erasure),
    ];
    Changes(changes)
}

/// Ends a session that a person says was not theirs, by a link, and all that began since: a stranger may have gone on from
/// it. Browsers that were trusted are so no more, and sign-ins under way are over. `sessions` are all that the user has; the user is written too, so that no sign-in at the same moment slips past.
pub fn disown(
    user: User,
    undo: &Undo,
    session: SessionId,
    (sessions, now): (&[Session], Timestamp),
) -> Changes {
    let mut changes = Changes(vec![Change::User(user), Change::UndoUsed(undo.link)]);
    let is_doubtful =
        |one: &&Session| one.id == session || one.is_device() || one.created_at > undo.created_at;
    for theirs in sessions.iter().filter(is_doubtful) {
        changes.extend(session::end(theirs, now));
    }
    changes.push(FlowChange::Dropped(undo.user).into());
    changes
}

pub(crate) fn end_all(user: &User, sessions: &[Session], now: Timestamp, changes: &mut Changes) {
    changes.push(Change::SessionsEnded(user.id));
    changes.push(FlowChange::Dropped(user.id).into());
    for session in sessions {
        changes.push(Change::Revocation(session.revocation(now)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn user(status: UserStatus) -> User {
        User {
            id: UserId::from_bytes([1; 16]),
            realm: RealmName::default(),
            status,
            sealed_profile: None,
            created_at: NOW,
            signed_in_at: NOW,
            version: 3,
        }
    }

    fn written(changes: &Changes) -> Option<UserStatus> {
        changes.0.iter().find_map(|change| match change {
            Change::User(user) => Some(user.status),
            _ => None,
        })
    }

    fn calls_erasure_off(changes: &Changes) -> bool {
        changes.0.iter().any(|change| matches!(change, Change::UndosDropped(_, UndoKind::Erasure)))
    }

    #[test]
    fn who_keeps_the_account_gets_no_more_back_than_an_administrator_left() {
        let undo = Undo {
            link: Digest::new([2; 32]),
            user: UserId::from_bytes([1; 16]),
            kind: UndoKind::Erasure,
            sealed: None,
            created_at: NOW,
            expires_at: NOW,
        };
        let waits = begin_erasure(user(UserStatus::Active), &[], undo.clone(), NOW);
        assert_eq!(written(&waits), Some(UserStatus::Erasing));
        let off = disable(user(UserStatus::Erasing), &[], NOW).changes;
        assert_eq!((written(&off), calls_erasure_off(&off)), (Some(UserStatus::Disabled), false));
        for (status, kept) in
            [(UserStatus::Erasing, UserStatus::Active), (UserStatus::Disabled, UserStatus::Disabled)]
        {
            assert!(status.may_be_erasing());
            let changes = keep(user(status), &undo);
            assert_eq!((written(&changes), calls_erasure_off(&changes)), (Some(kept), true));
            let on = enable(user(status)).changes;
            assert_eq!((written(&on), calls_erasure_off(&on)), (Some(UserStatus::Active), true));
        }
    }
}
