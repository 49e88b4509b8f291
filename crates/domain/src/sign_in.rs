//! What a proof is worth where an app has accounts: a user, made at the first sign-in where the app lets strangers
//! in, a subject that never changes, and a session.

use crate::{
    app::{AccountPolicy, App},
    assurance::Assurance,
    changes::{Change, Changes, Decision},
    device,
    event::{Event, EventKind},
    id::{SessionId, UserId},
    identifier::EmailAddress,
    invitation::Invitation,
    random::Random,
    refusal::Refusal,
    secret::Digest,
    session::{Holder, MOST_SESSIONS, Session, SessionPolicy, end_with},
    subject::Subject,
    time::Timestamp,
    token::SecretToken,
    user::{IdentifierKind, NEVER, User, UserIdentifier, UserStatus, UserSubject},
    vault::Vault,
};

/// What is needed to sign a person in.
#[derive(Debug)]
pub struct SignIn<'a> {
    /// The app that was signed in to.
    pub app: &'a App,
    /// How it treats people.
    pub accounts: &'a AccountPolicy,
    /// How long such sessions last in the realm.
    pub policy: &'a SessionPolicy,
    /// How and when the person was proven to be who they say.
    pub assurance: Assurance,
    /// The subject that the mailbox gives in the app's sector.
    pub subject: Subject,
    /// The mailbox that it was proven for, or that the user is found by. Somebody new has one.
    pub address: Option<&'a EmailAddress>,
    /// The same, sealed for the row of its identifier.
    pub sealed_identifier: Vec<u8>,
    /// What the client will hold the session by.
    pub wants: Wants,
    /// The device's approximate name, sealed for the row of `session`.
    pub sealed_device: Option<Vec<u8>>,
    /// The id that the session will have.
    pub session: SessionId,
    /// When.
    pub now: Timestamp,
}

/// What a client will hold a session by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// A cookie: a browser.
    Cookie,
    /// A refresh token: any other client.
    RefreshToken,
    /// The cookie of a registered device: a browser that is to be one.
    Device,
}

/// What was read about the person.
#[derive(Debug)]
pub struct Known {
    /// The user who has the identifier.
    pub user: Option<User>,
    /// The id that the user has, or will have.
    pub id: UserId,
    /// The subject that the user has in the app's sector.
    pub subject: Option<Subject>,
    /// Who has the subject that the address gives in the app's sector, where the user has none there yet.
    pub subject_owner: Option<UserId>,
    /// The user's sessions, where there are so many that one may have to make room; else none are needed.
    pub sessions: Vec<Session>,
    /// The invitation of the mailbox to the app, where one is needed.
    pub invitation: Option<Invitation>,
    /// The session whose cookie came along, or the device where one is to be registered. It is not used any more after
    /// this sign-in, whoever has it.
    pub presented: Vec<Session>,
}

/// A person who is signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// As it is kept.
    pub session: Session,
    /// The cookie's secret, for the one answer that carries it.
    pub secret: Option<SecretToken>,
    /// Whether the user was made just now.
    pub is_new: bool,
    /// The browser that is trusted from now on, and the secret of its cookie.
    pub device: Option<(Session, SecretToken)>,
}

/// Signs a person in.
pub fn sign_in(
    sign_in: SignIn<'_>,
    known: Known,
    vault: &dyn Vault,
    random: &mut dyn Random,
) -> Decision<Result<SignedIn, Refusal>> {
    let now = sign_in.now;
    let mut changes = Changes::default();
    let is_new = known.user.is_none();
    if let Err(refusal) = admit(sign_in.accounts, sign_in.address, &known, now) {
        return refused(refusal);
    }
    match known.user {
        Some(user) => {
            if let Some(address) = sign_in.address
                && user.signed_in_at == NEVER
                && sign_in.assurance.methods.has_mailbox()
            {
                changes.push(Change::IdentifierVerified(identifier(&sign_in, address, known.id, vault)));
            }
            changes.push(Change::UserSignedIn(User { signed_in_at: now, ..user }));
        }
        None => {
            if let Some(invitation) = known.invitation.filter(|invitation| invitation.is_open(now)) {
                changes.push(Change::InvitationSpent(invitation.id));
                changes.push(accepted(&invitation, known.id));
            }
            add_user(&sign_in, known.id, vault, &mut changes);
        }
    }
    let subject = known.subject.unwrap_or_else(|| {
        // Somebody else may have come with this address before it became this person's.
        let taken = known.subject_owner.is_some_and(|owner| owner != known.id);
        let subject = if taken { vault.user_subject(&sign_in.app.sector, known.id) } else { sign_in.subject };
        let sector = vault.sector(&sign_in.app.sector);
        changes.push(Change::SubjectAdded(UserSubject { user: known.id, sector, subject }));
        subject
    });
    make_room((sign_in.wants, now), known.sessions, known.presented, &mut changes);
    let (holder, secret) = holder(&sign_in, vault, random);
    let expires_at = now + sign_in.policy.absolute;
    let session = Session {
        id: sign_in.session,
        realm: sign_in.app.realm.clone(),
        user: known.id,
        app: sign_in.app.name.clone(),
        subject,
        assurance: sign_in.assurance,
        holder,
        sealed_device: sign_in.sealed_device,
        created_at: now,
        used_at: now,
        idle_ends_at: (now + sign_in.policy.idle).min(expires_at),
        expires_at,
        version: 1,
    };
    changes.push(Change::SessionStarted(session.clone()));
    Decision { outcome: Ok(SignedIn { session, secret, is_new, device: None }), changes }
}

/// Whether somebody may sign in at all, whatever they have proven.
///
/// # Errors
/// [`Refusal::UserDisabled`], [`Refusal::UserErasing`]; [`Refusal::SignUpClosed`] for somebody new whom the app does not
/// let in.
pub fn admit(
    accounts: &AccountPolicy,
    address: Option<&EmailAddress>,
    known: &Known,
    now: Timestamp,
) -> Result<(), Refusal> {
    match known.user.as_ref().map(|user| user.status) {
        Some(UserStatus::Active) => Ok(()),
        Some(UserStatus::Disabled) => Err(Refusal::UserDisabled),
        Some(UserStatus::Erasing) => Err(Refusal::UserErasing),
        None => {
            let is_invited = known.invitation.as_ref().is_some_and(|invitation| invitation.is_open(now));
            let may_come = |address| is_invited || accounts.sign_up.admits(address);
            if address.is_some_and(may_come) { Ok(()) } else { Err(Refusal::SignUpClosed) }
        }
    }
}

fn add_user(sign_in: &SignIn<'_>, id: UserId, vault: &dyn Vault, changes: &mut Changes) {
    let now = sign_in.now;
    changes.push(Change::UserAdded(User {
        id,
        realm: sign_in.app.realm.clone(),
        status: UserStatus::Active,
        sealed_profile: None,
        created_at: now,
        signed_in_at: now,
        version: 1,
    }));
    if let Some(address) = sign_in.address {
        changes.push(Change::IdentifierAdded(identifier(sign_in, address, id, vault)));
    }
}

/// The mailbox that was proven, as the first of a user.
fn identifier(
    sign_in: &SignIn<'_>,
    address: &EmailAddress,
    user: UserId,
    vault: &dyn Vault,
) -> UserIdentifier {
    let realm = sign_in.app.realm.clone();
    UserIdentifier {
        digest: vault.identifier(&realm, address),
        realm,
        kind: IdentifierKind::Email,
        user,
        sealed: sign_in.sealed_identifier.clone(),
        primary: true,
        verified_at: Some(sign_in.assurance.proven_at),
        created_at: sign_in.now,
    }
}

fn accepted(invitation: &Invitation, user: UserId) -> Change {
    let event = Event::new(EventKind::InvitationAccepted).of_user(user).at(&invitation.app);
    event.within(&invitation.realm).on(&invitation.id.to_string()).into()
}

/// Ends the session that the browser came with, and, of those that were read, the ones that are over and the ones unused for
/// longest if there are too many. Registered devices have a room of their own.
fn make_room(
    (wants, now): (Wants, Timestamp),
    sessions: Vec<Session>,
    presented: Vec<Session>,
    changes: &mut Changes,
) {
    if wants == Wants::Device {
        let _ = device::make_room(&sessions, presented.first(), now, changes);
        return;
    }
    let is_presented = |id| presented.iter().any(|session| session.id == id);
    let (mut live, over): (Vec<_>, Vec<_>) = sessions
        .into_iter()
        .filter(|session| !is_presented(session.id))
        .filter(|session| !(session.is_registered() && session.is_live(now)))
        .partition(|session| session.is_live(now));
    live.sort_by_key(|session| session.used_at);
    let surplus = (live.len() + 1).saturating_sub(MOST_SESSIONS);
    for session in live.drain(..surplus).chain(over).chain(presented) {
        end_with(&session, now, changes);
    }
}

fn holder(sign_in: &SignIn<'_>, vault: &dyn Vault, random: &mut dyn Random) -> (Holder, Option<SecretToken>) {
    if sign_in.wants == Wants::RefreshToken {
        return (Holder::Refresh { generation: 1, rotated_at: sign_in.now }, None);
    }
    let secret = SecretToken::draw(random);
    let digest: Digest = vault.session(sign_in.session, &secret);
    let holder = match sign_in.wants {
        Wants::Device => Holder::registered(digest, sign_in.now),
        Wants::Cookie | Wants::RefreshToken => Holder::Cookie(digest),
    };
    (holder, Some(secret))
}

fn refused<T>(refusal: Refusal) -> Decision<Result<T, Refusal>> {
    Decision { outcome: Err(refusal), changes: Changes::default() }
}

#[cfg(test)]
mod tests;
