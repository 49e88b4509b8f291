//! The kinds of events. Their names are stable: programs of others look for them.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What happened. The names are for ever; kinds may be added.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// All kinds, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name under which it travels and is stored.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    /// A code or a link proved an address.
    ChallengePassed = "challenge.passed",
    /// A guess at a code, a link's number or an app's code by address was wrong, and counted.
    ChallengeFailed = "challenge.failed",
    /// Somebody signed in.
    SessionStarted = "session.started",
    /// A session ended before its time.
    SessionEnded = "session.ended",
    /// All sessions of a person, or of an app, ended.
    SessionsEnded = "session.all_ended",
    /// A spent refresh token came once more: the session ended.
    RefreshReused = "session.refresh_reused",
    /// A sign-in was refused although the proof was good: the account is off, or strangers may not come.
    SignInRefused = "sign_in.refused",
    /// A user was made.
    UserCreated = "user.created",
    /// What a user is called, or what apps keep about them, changed.
    UserChanged = "user.changed",
    /// A user was switched off.
    UserDisabled = "user.disabled",
    /// A user was switched on.
    UserEnabled = "user.enabled",
    /// A user's erasure was asked for; it happens later.
    UserErasureRequested = "user.erasure_requested",
    /// A user's erasure was called off.
    UserErasureCancelled = "user.erasure_cancelled",
    /// A user was erased.
    UserErased = "user.erased",
    /// Everything held about a person was given out.
    UserExported = "user.exported",
    /// Somebody else looked at what a person keeps sealed.
    UserRead = "user.read",
    /// An address, number or name was added to a user.
    IdentifierAdded = "identifier.added",
    /// An address or number was proven.
    IdentifierVerified = "identifier.verified",
    /// Another one is the first to be written to.
    IdentifierPrimaryChanged = "identifier.primary_changed",
    /// An address was replaced; the former one may undo that.
    IdentifierChanged = "identifier.changed",
    /// A change of address was undone.
    IdentifierChangeUndone = "identifier.change_undone",
    /// An address, number or name was taken from a user.
    IdentifierRemoved = "identifier.removed",
    /// A password was set for the first time.
    PasswordSet = "password.set",
    /// A password was replaced by a person who knew the former one.
    PasswordChanged = "password.changed",
    /// A forgotten password was replaced.
    PasswordReset = "password.reset",
    /// A password was taken away.
    PasswordRemoved = "password.removed",
    /// A password was right.
    PasswordPassed = "password.passed",
    /// A password was wrong, and counted.
    PasswordFailed = "password.failed",
    /// Somebody was invited.
    InvitationCreated = "invitation.created",
    /// An invitation was used.
    InvitationAccepted = "invitation.accepted",
    /// An invitation was taken back.
    InvitationRevoked = "invitation.revoked",
    /// Tokens were taken back: one, a person's, an app's or a realm's.
    TokenRevoked = "token.revoked",
    /// An app's key was made.
    ApiKeyCreated = "api_key.created",
    /// An app's key was ended.
    ApiKeyRevoked = "api_key.revoked",
    /// An administrator's key was made.
    AdminKeyCreated = "admin_key.created",
    /// An administrator's key was ended.
    AdminKeyRevoked = "admin_key.revoked",
    /// An operator signed in at the administration pages with an admin key.
    AdminVisitStarted = "admin_visit.started",
    /// They signed out.
    AdminVisitEnded = "admin_visit.ended",
    /// A successor of a signing key was made, by itself or by an operator.
    SigningKeyCreated = "signing_key.created",
    /// A signing key's signatures are refused earlier than by themselves.
    SigningKeyRetired = "signing_key.retired",
    /// The key that seals what is kept was replaced.
    MasterKeyRotated = "master_key.rotated",
    /// An app was made.
    AppCreated = "app.created",
    /// An app's settings changed.
    AppChanged = "app.changed",
    /// An app was switched off.
    AppDisabled = "app.disabled",
    /// An app was switched on.
    AppEnabled = "app.enabled",
    /// A realm was made.
    RealmCreated = "realm.created",
    /// A realm's settings changed.
    RealmChanged = "realm.changed",
    /// A realm was removed.
    RealmRemoved = "realm.removed",
    /// Users were brought in from elsewhere.
    UsersImported = "users.imported",
    /// Users were given out in bulk.
    UsersExported = "users.exported",
    /// A message that waited was forgotten by an operator.
    MessageForgotten = "message.forgotten",
    /// A backup was made.
    BackupCreated = "backup.created",
    /// The database was restored from a backup.
    BackupRestored = "backup.restored",

    /// Somebody signs in with one thing more: a passkey, a security key, a TOTP, recovery codes.
    CredentialAdded = "credential.added",
    /// A credential has another name.
    CredentialRenamed = "credential.renamed",
    /// A credential was taken away.
    CredentialRemoved = "credential.removed",
    /// A credential proved who somebody is.
    CredentialPassed = "credential.passed",
    /// A proof by a credential was wrong, and counted.
    CredentialFailed = "credential.failed",

    /// A user or a group was given the use of an app or a group of apps, or a grant's scopes or end changed.
    GrantGiven = "grant.given",
    /// The use of an app or a group of apps was taken back.
    GrantTaken = "grant.taken",
    /// A user's role changed.
    RoleChanged = "user.role_changed",
    /// The groups that a user is in changed.
    GroupsChanged = "user.groups_changed",

    /// A device was registered: a browser stands for a person.
    DeviceRegistered = "device.registered",
    /// A registered device got another secret.
    DeviceRotated = "device.rotated",
    /// A registered device has another name.
    DeviceRenamed = "device.renamed",
    /// A registered device ended before its time.
    DeviceEnded = "device.ended",
    /// A person made an app password.
    AppPasswordAdded = "app_password.added",
    /// An app password was taken away.
    AppPasswordRemoved = "app_password.removed",
}

impl EventKind {
    /// The kind that [`name`](Self::name) gives.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::EventKind;

    #[test]
    fn every_name_is_one_kinds_and_of_one_form() {
        let mut seen = std::collections::HashSet::new();
        for kind in EventKind::ALL {
            let name = kind.name();
            assert!(seen.insert(name), "{name}");
            assert_eq!(EventKind::from_name(name), Some(*kind));
            let is_word = |word: &str| {
                !word.is_empty() && word.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase())
            };
            assert!(
                name.split_once('.').is_some_and(|(noun, verb)| is_word(noun) && is_word(verb)),
                "{name}"
            );
        }
        assert_eq!(EventKind::from_name("user.eaten"), None);
    }
}
