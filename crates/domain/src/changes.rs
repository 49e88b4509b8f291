//! What must be written, as data: all of it or none, in one commit.

use crate::{
    admin_key::AdminKey,
    api_key::ApiKey,
    app::AppName,
    app_password::AppPassword,
    ceremony::Ceremony,
    challenge::Challenge,
    contact::Contact,
    credential::Credential,
    event::{Concerned, Event, EventKey, EventKind, StoredEvent},
    grant::StoredGrant,
    id::{
        AdminKeyId, ApiKeyId, AppPasswordId, CeremonyId, ChallengeId, CredentialId, GrantId, InvitationId,
        MessageId, SessionId, SignInId, UserId,
    },
    invitation::Invitation,
    message::Message,
    metadata::Metadata,
    pending_sign_in::PendingSignIn,
    realm::RealmName,
    secret::Digest,
    session::Session,
    signing_key::StoredKey,
    stored_app::StoredApp,
    stored_realm::StoredRealm,
    time::Timestamp,
    token::Revocation,
    undo::{Undo, UndoKind},
    user::{User, UserIdentifier, UserStatus, UserSubject},
    user_password::{PasswordWish, UserPassword},
    webhook::Delivery,
};

/// A decision: what to answer, and what must be committed before the answer goes out, whether it is yes or no.
#[derive(Debug)]
#[must_use]
pub struct Decision<T> {
    /// What to answer.
    pub outcome: T,
    /// What to commit first.
    pub changes: Changes,
}

/// A list of changes to commit together, in order.
#[derive(Clone, Debug, Default)]
pub struct Changes(pub Vec<Change>);

impl Changes {
    /// Adds one more.
    pub fn push(&mut self, change: Change) {
        self.0.push(change);
    }

    /// Adds one before all others: the contact comes first in every commit, so that two commits about one person
    /// wait for each other in the same order on every engine.
    pub fn lead(&mut self, change: Change) {
        self.0.insert(0, change);
    }

    /// Adds all of `other` behind these.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// What is taken back by these.
    pub fn revocations(&self) -> impl Iterator<Item = &Revocation> {
        self.0.iter().filter_map(|change| match change {
            Change::Revocation(revocation) => Some(revocation),
            _ => None,
        })
    }

    /// Who is erased by these.
    pub fn erased(&self) -> impl Iterator<Item = UserId> {
        self.0.iter().filter_map(|change| match change {
            Change::UserErased(id, _) => Some(*id),
            _ => None,
        })
    }

    /// Of whom other things may be true after these than what apps are told of them: their names, or that they may come
    /// at all. Who is new is known to no app yet.
    #[must_use]
    pub fn known_otherwise(&self) -> Vec<UserId> {
        let mut known: Vec<UserId> = Vec::new();
        let mut new = None;
        for change in &self.0 {
            let user = match change {
                Change::UserAdded(user) => {
                    new = Some(user.id);
                    continue;
                }
                Change::IdentifierAdded(identifier)
                | Change::IdentifierChanged(identifier)
                | Change::IdentifierRemoved(identifier)
                | Change::IdentifierVerified(identifier) => identifier.user,
                Change::User(user) if user.status != UserStatus::Active => user.id,
                Change::UserErased(user, _) | Change::SessionsEnded(user) => *user,
                Change::Event(event) => match (event.kind, &event.person) {
                    (EventKind::UserChanged, Concerned::User(user)) => *user,
                    _ => continue,
                },
                _ => continue,
            };
            if Some(user) != new && !known.contains(&user) {
                known.push(user);
            }
        }
        known
    }

    /// Whether something of these is told.
    #[must_use]
    pub fn tell_events(&self) -> bool {
        self.0.iter().any(|change| matches!(change, Change::Event(_)))
    }

    /// Whether these change apps or keys, which every server knows by heart.
    #[must_use]
    pub fn concern_registry(&self) -> bool {
        self.0.iter().any(|change| {
            matches!(
                change,
                Change::App(_)
                    | Change::ApiKeyAdded(_)
                    | Change::ApiKeyRevoked(..)
                    | Change::SigningKey(_)
                    | Change::SigningKeyRetired(_)
                    | Change::AdminKeyAdded(_)
                    | Change::AdminKeyRevoked(..)
                    | Change::Realm(_)
                    | Change::RealmRemoved(..)
            )
        })
    }

    /// True when nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// One change. Versioned ones fail as a conflict when somebody else wrote first.
#[derive(Clone, Debug)]
pub enum Change {
    /// Inserts a contact of version 0, else replaces exactly that version.
    Contact(Contact),
    /// Adds a challenge.
    ChallengeStarted(Challenge),
    /// Replaces exactly this version of a challenge.
    Challenge(Challenge),
    /// Drops a message that nobody needs any more, if it still waits.
    MessageDropped(MessageId),
    /// Adds a message to the outbox.
    Message(Message),
    /// Makes a message due at that time.
    MessageDue(MessageId, Timestamp),
    /// Forgets a message that was not sent; one that is gone is a conflict.
    MessageForgotten(MessageId),
    /// Remembers an answer for an `Idempotency-Key`.
    Idempotency(Idempotency),
    /// Takes tokens back.
    Revocation(Revocation),
    /// Inserts an app of version 0, else replaces exactly that version.
    App(StoredApp),
    /// Adds an API key.
    ApiKeyAdded(ApiKey),
    /// Ends an API key.
    ApiKeyRevoked(ApiKeyId, Timestamp),
    /// Notes when keys were last used.
    ApiKeyUsed(ApiKeyId, Timestamp),
    /// Adds a signing key; a second of the same generation is a conflict.
    SigningKey(StoredKey),
    /// Ends a signing key earlier than it would by itself.
    SigningKeyRetired(Retirement),
    /// Adds a user.
    UserAdded(User),
    /// Replaces exactly this version of a user.
    User(User),
    /// Notes the newest sign-in of exactly this version of a user, of whom nothing else is written: by far the most frequent
    /// change of one.
    UserSignedIn(User),
    /// Removes exactly this version of a user, with identifiers and subjects.
    UserErased(UserId, i64),
    /// Adds an identifier; one that somebody in the realm has is a conflict.
    IdentifierAdded(UserIdentifier),
    /// Adds a subject; one that somebody has is a conflict.
    SubjectAdded(UserSubject),
    /// Adds a session.
    SessionStarted(Session),
    /// Replaces exactly this version of a session.
    Session(Session),
    /// Removes a session, if it is there.
    SessionEnded(SessionId),
    /// Removes all sessions of a user.
    SessionsEnded(UserId),
    /// Removes all sessions at an app.
    SessionsOfAppEnded(AppName),

    /// Inserts a user's password of version 0, else replaces exactly that version. Whoever changes a password writes
    /// the user too, so that no sign-in slips past.
    Password(UserPassword),
    /// Removes exactly this version of a user's password.
    PasswordRemoved(UserId, i64),
    /// Keeps a password that is wished, until its challenge passes.
    PasswordWished(PasswordWish),

    /// Tells what happens with these changes. The server makes an [`EventWritten`](Self::EventWritten) of it.
    Event(Box<Event>),
    /// Adds an event to the log.
    EventWritten(Box<StoredEvent>),
    /// Adds the key that a user is named by in the log; a conflict when there is one, or no such user.
    EventKeyAdded(EventKey),
    /// Adds something to be delivered to a webhook.
    WebhookQueued(Delivery),

    /// Replaces whether an identifier is primary, and when it was proven.
    IdentifierChanged(UserIdentifier),
    /// Removes an identifier; one that is gone is a conflict.
    IdentifierRemoved(UserIdentifier),
    /// Adds a link that takes something back.
    UndoAdded(Undo),
    /// Removes the link with this digest, which was pressed; one that is gone is a conflict.
    UndoUsed(Digest),
    /// Removes all of a user's links of a kind.
    UndosDropped(UserId, UndoKind),
    /// Inserts metadata of version 0, else replaces exactly that version.
    Metadata(Metadata),

    /// Adds an admin key.
    AdminKeyAdded(AdminKey),
    /// Ends an admin key; one that has ended is a conflict.
    AdminKeyRevoked(AdminKeyId, Timestamp),
    /// Notes when an admin key was last used.
    AdminKeyUsed(AdminKeyId, Timestamp),
    /// Inserts a realm of version 0, else replaces exactly that version.
    Realm(StoredRealm),
    /// Removes exactly this version of a realm, with its admin keys, signing keys and invitations; one that has users is a
    /// conflict.
    RealmRemoved(RealmName, i64),
    /// Adds an invitation in place of an older one of the same mailbox at the same app; one too many in its realm is a
    /// conflict.
    InvitationAdded(Invitation),
    /// Removes an invitation that somebody came with, or that was taken back; one that is gone is a conflict.
    InvitationSpent(InvitationId),
    /// Notes when control of an identifier was proven, where it was not before.
    IdentifierVerified(UserIdentifier),

    /// Inserts a credential of version 0, else replaces exactly that version. Whoever adds or removes one writes the
    /// user too, so that no sign-in slips past.
    Credential(Credential),
    /// Removes exactly this version of a credential.
    CredentialRemoved(CredentialId, i64),
    /// What a sign-in that is under way writes.
    Flow(FlowChange),

    /// What is written about grants.
    Grant(GrantChange),

    /// What is written about app passwords.
    AppPassword(AppPasswordChange),
}

/// What is written about app passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppPasswordChange {
    /// Adds one. Whoever adds one writes the user too.
    Added(AppPassword),
    /// Notes when one was last used.
    Used(AppPasswordId, Timestamp),
    /// Removes one; one that is gone is a conflict.
    Removed(AppPasswordId),
    /// Removes all of a user.
    AllRemoved(UserId),
}

impl From<AppPasswordChange> for Change {
    fn from(change: AppPasswordChange) -> Self {
        Self::AppPassword(change)
    }
}

/// What a sign-in that is under way writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowChange {
    /// Inserts a sign-in under way of version 0, else replaces exactly that version.
    Saved(PendingSignIn),
    /// Removes exactly this version of a sign-in that was under way.
    Ended(SignInId, i64),
    /// Removes all sign-ins of a user's that are under way, and what the user was asked.
    Dropped(UserId),
    /// Removes the sign-ins at an app that are under way: all, or a user's. What an authenticator was asked within them
    /// answers nothing.
    DroppedAt(AppName, Option<UserId>),
    /// Adds a question to an authenticator.
    Asked(Ceremony),
    /// Removes a question that was answered; one that is gone is a conflict.
    Answered(CeremonyId),
}

impl From<FlowChange> for Change {
    fn from(change: FlowChange) -> Self {
        Self::Flow(change)
    }
}

/// What is written about grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantChange {
    /// Inserts a grant of version 0, else replaces exactly that version. Whoever gives one to a user writes the user
    /// too, so that none is left behind by an erasure.
    Given(StoredGrant),
    /// Removes exactly this version of a grant.
    Taken(GrantId, i64),
    /// Removes all grants of a holder's, who is found by this digest.
    AllOfHolderTaken(Digest),
}

impl From<GrantChange> for Change {
    fn from(change: GrantChange) -> Self {
        Self::Grant(change)
    }
}

/// An earlier end of a signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retirement {
    /// Which key.
    pub id: String,
    /// Until when it signs.
    pub retires_at: Timestamp,
    /// Until when its signatures are accepted.
    pub gone_at: Timestamp,
}

/// What an `Idempotency-Key` was used for, without the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Digest of API key, origin and `Idempotency-Key`.
    pub id: Digest,
    /// Digest of the body it came with.
    pub body: Digest,
    /// What it started.
    pub challenge: ChallengeId,
    /// When it is forgotten: a day later.
    pub expires_at: Timestamp,
}
