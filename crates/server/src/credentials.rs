//! What is the same for every kind of credential: its sealed parts, who may change one, and all that goes with one that
//! was added or removed. It knows no kind's secrets, and no routes.

use countersign_domain::{
    app::App,
    assurance::{Method, Methods},
    ceremony::Ceremony,
    changes::{Change, Changes, FlowChange},
    credential::{self, Credential, CredentialKind},
    event::{Event, EventKind},
    id::{CeremonyId, CredentialId, UserId},
    realm::RealmName,
    secret::Secret,
    session::{self, Session},
    time::{Span, Timestamp},
    user::{IdentifierKind, User},
};

use crate::{
    accounts::session_ended,
    error::ApiError,
    keys::Context,
    outbox::notice::{Factor, Notice},
    state::Server,
};

/// How long ago a sign-in may be for what cannot be undone.
const FRESH: Span = Span::from_minutes(10);

/// Whether what was proven then is fresh enough for what cannot be undone.
#[must_use]
pub fn is_fresh(proven_at: Timestamp, now: Timestamp) -> bool {
    now.since(proven_at) <= FRESH
}

fn place(id: &CredentialId) -> Context<'_> {
    Context { table: "credential", column: "sealed", id: id.bytes() }
}

fn label_place(id: &CredentialId) -> Context<'_> {
    Context { table: "credential", column: "sealed_label", id: id.bytes() }
}

fn question_place(id: &CeremonyId) -> Context<'_> {
    Context { table: "ceremony", column: "sealed", id: id.bytes() }
}

/// What is needed to check a credential, sealed for its row.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal(
    server: &Server,
    (realm, id): (&RealmName, &CredentialId),
    plain: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let keys = server.keys.realm(realm);
    keys.seal(&mut *server.random(), &place(id), plain).map_err(|_| ApiError::Internal)
}

/// What is needed to check a credential.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn open(server: &Server, credential: &Credential) -> Result<Secret<Vec<u8>>, ApiError> {
    server.keys.open(&place(&credential.id), &credential.sealed).map_err(|_| ApiError::Internal)
}

/// What a person calls a credential, sealed for its row.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal_label(
    server: &Server,
    (realm, id): (&RealmName, &CredentialId),
    label: &str,
) -> Result<Vec<u8>, ApiError> {
    let keys = server.keys.realm(realm);
    keys.seal(&mut *server.random(), &label_place(id), label.as_bytes()).map_err(|_| ApiError::Internal)
}

/// What a person calls a credential, if they gave it a name.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn open_label(server: &Server, credential: &Credential) -> Result<Option<String>, ApiError> {
    let Some(sealed) = &credential.sealed_label else { return Ok(None) };
    let opened = server.keys.open(&label_place(&credential.id), sealed).map_err(|_| ApiError::Internal)?;
    String::from_utf8(opened.expose().clone()).map(Some).map_err(|_| ApiError::Internal)
}

/// Refuses what is no label: 1 to 100 characters, none of which controls anything, as for what people are called.
///
/// # Errors
/// [`ApiError::InvalidMember`].
pub fn check_label(label: &str) -> Result<(), ApiError> {
    let length = label.chars().count();
    if (1..=100).contains(&length) && !label.chars().any(char::is_control) {
        return Ok(());
    }
    Err(ApiError::invalid("label", "expected 1 to 100 characters without line breaks"))
}

/// What is needed to check the answer to a question, sealed for its row.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal_question(
    server: &Server,
    (realm, id): (&RealmName, &CeremonyId),
    plain: &[u8],
) -> Result<Vec<u8>, ApiError> {
    let keys = server.keys.realm(realm);
    keys.seal(&mut *server.random(), &question_place(id), plain).map_err(|_| ApiError::Internal)
}

/// What is needed to check the answer to a question.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn open_question(server: &Server, ceremony: &Ceremony) -> Result<Secret<Vec<u8>>, ApiError> {
    server.keys.open(&question_place(&ceremony.id), &ceremony.sealed).map_err(|_| ApiError::Internal)
}

/// All that a person can prove beside a mailbox, by their credentials and whether there is a password to type.
///
/// # Errors
/// The store's.
pub async fn owned(
    server: &Server,
    (realm, user): (&RealmName, UserId),
    kinds: impl IntoIterator<Item = CredentialKind>,
) -> Result<Methods, ApiError> {
    let all = kinds.into_iter().fold(Methods::NONE, |all, kind| all.with(kind.method()));
    // Who is not there costs the same: whether it is read is the realm's.
    let has_password = server.realm(realm).passwords && server.store.password(user).await?.is_some();
    Ok(if has_password { all.with(Method::Password) } else { all })
}

/// Refuses whoever may not change what the person signs in with: the session was proven within the last ten minutes, at
/// the highest level that the person has ([`credential::may_change`]). Asked where the change is decided, after the
/// user was read, who is written with the change: then no factor can come in between.
///
/// # Errors
/// [`ApiError::NotFresh`], [`ApiError::StrongerNeeded`], or the store's.
pub async fn may_change(
    server: &Server,
    (user, credentials): (&User, &[Credential]),
    session: &Session,
    now: Timestamp,
) -> Result<(), ApiError> {
    if !is_fresh(session.assurance.proven_at, now) {
        return Err(ApiError::NotFresh);
    }
    let owned = owned(server, (&user.realm, user.id), credentials.iter().map(|one| one.kind)).await?;
    let suffices = credential::may_change(session.assurance.methods, owned);
    if suffices { Ok(()) } else { Err(ApiError::StrongerNeeded) }
}

/// Refuses one credential more where there are `most` of its kind.
///
/// # Errors
/// [`ApiError::TooManyCredentials`].
pub fn has_room(credentials: &[Credential], kind: CredentialKind, most: usize) -> Result<(), ApiError> {
    let held = credentials.iter().filter(|credential| credential.kind == kind).count();
    if held < most { Ok(()) } else { Err(ApiError::TooManyCredentials) }
}

/// All that is written with a new credential: itself, the user as they are, so that no sign-in slips past, an event, and
/// mails to every address of theirs; what was under way with fewer factors is over. `speaker` is the app that speaks.
/// An answered question goes before these changes: they drop it too.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn added(
    server: &Server,
    speaker: Option<&App>,
    (user, proven): (&User, Methods),
    credential: Credential,
) -> Result<Changes, ApiError> {
    let mut changes = Changes(vec![Change::User(user.clone()), FlowChange::Dropped(user.id).into()]);
    changes.extend(added_too(server, speaker, (user, proven), credential).await?);
    Ok(changes)
}

/// The same of one more, beside one that was [`added`].
///
/// # Errors
/// Those of [`added`].
pub async fn added_too(
    server: &Server,
    speaker: Option<&App>,
    (user, proven): (&User, Methods),
    credential: Credential,
) -> Result<Changes, ApiError> {
    let credential = Credential { vouched_by: proven, ..credential };
    let told = event(EventKind::CredentialAdded, speaker, &credential);
    let notice = Notice::FactorAdded { what: Factor::of(credential.kind) };
    let mut changes = Changes(vec![Change::Credential(credential), told.into()]);
    if let Some(app) = speaker {
        server.tell_user(app, user, &notice, &mut changes).await?;
    }
    Ok(changes)
}

/// All that is written when `gone`, one of a user's credentials, is removed, as [`added`] says. Recovery codes go with
/// the last factor that they stand in for. The caller ends what trusted browsers stand in for ([`end_trust`]).
///
/// # Errors
/// [`ApiError::LastWayIn`] when the person could not come back; the store's.
pub async fn removed(
    server: &Server,
    speaker: Option<&App>,
    (user, credentials): (&User, &[Credential]),
    gone: &Credential,
) -> Result<Changes, ApiError> {
    let rest: Vec<&Credential> = credentials.iter().filter(|other| other.id != gone.id).collect();
    if !is_way_in_left(server, user, &rest).await? {
        return Err(ApiError::LastWayIn);
    }
    let mut changes = Changes(vec![Change::User(user.clone()), FlowChange::Dropped(user.id).into()]);
    changes.extend(taken_away(speaker, gone));
    let is_sheet = |credential: &Credential| credential.kind == CredentialKind::RecoveryCodes;
    if rest.iter().all(|credential| is_sheet(credential)) {
        for sheet in rest {
            changes.extend(taken_away(speaker, sheet));
        }
    }
    if let Some(app) = speaker {
        let notice = Notice::FactorRemoved { what: Factor::of(gone.kind) };
        server.tell_user(app, user, &notice, &mut changes).await?;
    }
    Ok(changes)
}

/// The same credential under another name.
pub fn renamed(speaker: Option<&App>, credential: Credential) -> Changes {
    let told = event(EventKind::CredentialRenamed, speaker, &credential);
    Changes(vec![Change::Credential(credential), told.into()])
}

/// Ends all sessions of a person but one, or all of them.
///
/// # Errors
/// The store's.
pub async fn end_sessions(
    server: &Server,
    user: &User,
    except: Option<&Session>,
) -> Result<Changes, ApiError> {
    let mut changes = Changes::default();
    for other in server.store.sessions_of(user.id).await? {
        if except.is_none_or(|kept| kept.id != other.id) {
            changes.extend(session::end(&other, server.now()));
            changes.push(session_ended(&other).into());
        }
    }
    Ok(changes)
}

/// Ends what a person's trusted browsers stand in for: a factor was removed, or its authenticator is lost.
///
/// # Errors
/// The store's.
pub async fn end_trust(server: &Server, user: UserId) -> Result<Changes, ApiError> {
    let mut changes = Changes::default();
    for device in server.store.sessions_of(user).await?.iter().filter(|session| session.is_device()) {
        changes.push(Change::SessionEnded(device.id));
        changes.push(session_ended(device).into());
    }
    Ok(changes)
}

/// What happened to a credential, or by one.
#[must_use]
pub fn event(kind: EventKind, app: Option<&App>, credential: &Credential) -> Event {
    let event = Event::new(kind)
        .of_user(credential.user)
        .within(&credential.realm)
        .on(&credential.id.to_string())
        .by_method(credential.kind.name());
    match app {
        Some(app) => event.at(&app.name),
        None => event,
    }
}

/// A credential goes, and nothing else.
pub fn taken_away(speaker: Option<&App>, gone: &Credential) -> Changes {
    let told = event(EventKind::CredentialRemoved, speaker, gone);
    Changes(vec![Change::CredentialRemoved(gone.id, gone.version), told.into()])
}

/// Whether a person with these credentials alone can come back: by mail, by a password or by a passkey.
async fn is_way_in_left(server: &Server, user: &User, rest: &[&Credential]) -> Result<bool, ApiError> {
    if rest.iter().any(|credential| credential.kind == CredentialKind::Passkey) {
        return Ok(true);
    }
    let identifiers = server.store.identifiers_of(user.id).await?;
    let has_mailbox = identifiers
        .iter()
        .any(|identifier| identifier.kind == IdentifierKind::Email && identifier.verified_at.is_some());
    let has_password = || async {
        let password = server.store.password(user.id).await?;
        Ok::<_, ApiError>(password.is_some() && server.realm(&user.realm).passwords)
    };
    Ok(has_mailbox || has_password().await?)
}
