//! Passwords of people between the rules and the store: hashes sealed for their rows, the words that a password must
//! not be made of, and the counters of who tries. It knows no routes, and it hashes nothing itself.

use std::sync::Arc;

use countersign_domain::{
    app::App,
    changes::{Change, Changes, FlowChange},
    contact::ContactKey,
    event::{Event, EventKind},
    id::{ChallengeId, SessionId, UserId},
    random::Random,
    realm::RealmName,
    secret::{Digest, Secret},
    session::Session,
    time::Timestamp,
    user::{IdentifierKind, User, UserIdentifier},
    user_password::{self, PasswordWish, UserPassword},
};

use crate::{
    accounts::{open_identifier, open_profile},
    error::ApiError,
    hashing::Hashing,
    keys::Context,
    outbox::notice::Notice,
    passwords::{HashError, StoredHash},
    state::Server,
    vault::Keys,
};

fn place(user: &UserId) -> Context<'_> {
    Context { table: "user_password", column: "sealed_hash", id: user.bytes() }
}

fn wish_place(challenge: &ChallengeId) -> Context<'_> {
    Context { table: "password_wish", column: "sealed_hash", id: challenge.bytes() }
}

/// Seals a hash for its user's row.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal_hash(
    keys: &Keys,
    random: &mut dyn Random,
    user: UserId,
    hash: &str,
) -> Result<Vec<u8>, ApiError> {
    keys.seal(random, &place(&user), hash.as_bytes()).map_err(|_| ApiError::Internal)
}

/// The hash of a user's row.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn open_hash(keys: &Keys, stored: &UserPassword) -> Result<Secret<String>, ApiError> {
    open(keys, &place(&stored.user), &stored.sealed_hash)
}

fn open(keys: &Keys, place: &Context<'_>, sealed: &[u8]) -> Result<Secret<String>, ApiError> {
    let opened = keys.open(place, sealed).map_err(|_| ApiError::Internal)?;
    String::from_utf8(opened.expose().clone()).map(Secret::new).map_err(|_| ApiError::Internal)
}

/// Seals the hash of a wished password for the row of its challenge.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn wish(
    server: &Server,
    challenge: ChallengeId,
    hash: &Secret<String>,
    expires_at: Timestamp,
) -> Result<Change, ApiError> {
    let sealed = server.keys.seal(&mut *server.random(), &wish_place(&challenge), hash.expose().as_bytes());
    let sealed_hash = sealed.map_err(|_| ApiError::Internal)?;
    Ok(Change::PasswordWished(PasswordWish { challenge, sealed_hash, expires_at }))
}

/// What a wish becomes when its challenge has made a user, who is in this session; nothing where the realm has no
/// passwords any more.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when it does not open.
pub async fn fulfil(
    server: &Server,
    app: &App,
    challenge: ChallengeId,
    session: &Session,
) -> Result<Changes, ApiError> {
    if !server.realm(&app.realm).passwords {
        return Ok(Changes::default());
    }
    let Some(wish) = server.store.password_wish(challenge).await? else { return Ok(Changes::default()) };
    let hash = open(&server.keys, &wish_place(&challenge), &wish.sealed_hash)?;
    let told = event(EventKind::PasswordSet, app, session.user);
    Ok(Changes(vec![save(server, session.user, None, &hash, session.created_at)?, told.into()]))
}

/// The change that gives a user this hash, in place of `former`. The user is to be written beside it.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn save(
    server: &Server,
    user: UserId,
    former: Option<&UserPassword>,
    hash: &Secret<String>,
    made_at: Timestamp,
) -> Result<Change, ApiError> {
    let sealed_hash = seal_hash(&server.keys, &mut *server.random(), user, hash.expose())?;
    let version = former.map_or(0, |former| former.version);
    Ok(Change::Password(UserPassword { user, sealed_hash, made_at, version }))
}

/// The change that gives a user without a password a hash that another program made. It is made anew at the first
/// sign-in. `most_memory_kib` is what checking it may take: [`Hashing::most_memory_kib`].
///
/// # Errors
/// [`HashError`] for a hash that does not read or costs too much to check; [`ApiError::Internal`] when memory fails.
pub fn import(
    server: &Server,
    user: UserId,
    hash: &str,
    most_memory_kib: u32,
) -> Result<Result<Change, HashError>, ApiError> {
    let sound = StoredHash::parse(hash).and_then(|stored| stored.check_cost(most_memory_kib));
    match sound {
        Ok(()) => save(server, user, None, &Secret::new(hash.to_owned()), server.now()).map(Ok),
        Err(error) => Ok(Err(error)),
    }
}

/// Hashing for a realm whose people may have passwords.
///
/// # Errors
/// [`ApiError::PasswordsOff`], or [`ApiError::Unavailable`] when the workers could not be started.
pub fn of_realm(server: &Server, realm: &RealmName) -> Result<Arc<Hashing>, ApiError> {
    if !server.realm(realm).passwords {
        return Err(ApiError::PasswordsOff);
    }
    server.hashing.load_full().ok_or(ApiError::Unavailable)
}

/// The same for an app.
///
/// # Errors
/// Those of [`of_realm`]; an app without accounts has none either.
pub fn of_app(server: &Server, app: &App) -> Result<Arc<Hashing>, ApiError> {
    if app.accounts.is_none() {
        return Err(ApiError::PasswordsOff);
    }
    of_realm(server, &app.realm)
}

/// Whose budget a wrong password is taken from.
#[derive(Clone, Copy, Debug)]
pub enum Budget<'a> {
    /// A user's, for everybody who tries from anywhere.
    User(UserId),
    /// A name's that nobody has. It looks like a user's.
    Nobody(&'a Digest),
    /// That of a browser in which this user is signed in already: no stranger can use it up.
    Browser(UserId, SessionId),
    /// That of a browser with which this user signed in before, by what it is known by: no stranger can use it up.
    KnownBrowser(UserId, &'a Digest),
}

/// The counters of a budget. A person has one in a realm, whatever app is tried.
#[must_use]
pub fn counters(keys: &Keys, realm: &RealmName, budget: Budget<'_>) -> ContactKey {
    let digest = match budget {
        Budget::User(user) => keys.password_attempts(realm, &[b"user", user.bytes()]),
        Budget::Nobody(name) => keys.password_attempts(realm, &[b"nobody", name.bytes()]),
        Budget::Browser(user, session) => {
            keys.password_attempts(realm, &[b"browser", user.bytes(), session.bytes()])
        }
        Budget::KnownBrowser(user, known) => {
            keys.password_attempts(realm, &[b"known", user.bytes(), known.bytes()])
        }
    };
    ContactKey { app: None, digest }
}

/// What anybody would try first for a person of this app, who may be a stranger.
#[must_use]
pub fn common_words<'a>(app: &'a App, address: &'a str) -> Vec<&'a str> {
    vec![app.name.as_str(), &app.title, app.realm.as_str(), address]
}

/// What anybody would try first who knows this user: what they are called, and all their names.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something does not open.
pub async fn own_words(server: &Server, user: &User) -> Result<Vec<String>, ApiError> {
    let mut words: Vec<String> = open_profile(server, user)?.display_name.into_iter().collect();
    for identifier in server.store.identifiers_of(user.id).await? {
        words.push(open_identifier(server, &identifier)?);
    }
    Ok(words)
}

/// How a person came to another password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// They had forgotten theirs.
    Forgotten,
    /// They were signed in.
    Known,
}

/// All that is written when a user gets another password: the hash, that nothing was tried at it yet, and mails about it
/// to every mailbox of theirs. The user is to be written beside it.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when memory fails.
pub async fn replace(
    server: &Server,
    app: &App,
    user: &User,
    hash: &Secret<String>,
    how: Replaced,
) -> Result<Changes, ApiError> {
    let stored = server.store.password(user.id).await?;
    let tried = counters(&server.keys, &user.realm, Budget::User(user.id));
    let mut changes = user_password::forgive(server.store.contact(tried).await?);
    changes.push(save(server, user.id, stored.as_ref(), hash, server.now())?);
    // Whoever proved the former one is not to go on.
    changes.push(FlowChange::Dropped(user.id).into());
    let (notice, kind) = match (how, &stored) {
        (Replaced::Forgotten, _) => (Notice::PasswordReset, EventKind::PasswordReset),
        (Replaced::Known, Some(_)) => (Notice::PasswordChanged, EventKind::PasswordChanged),
        (Replaced::Known, None) => (Notice::PasswordChanged, EventKind::PasswordSet),
    };
    changes.push(event(kind, app, user.id).into());
    server.tell_user(app, user, &notice, &mut changes).await?;
    Ok(changes)
}

/// What happened to a user's password.
fn event(kind: EventKind, app: &App, user: UserId) -> Event {
    Event::new(kind).of_user(user).at(&app.name).within(&app.realm).by_method("password")
}

/// All that is written when a user is to have no password any more, mails about it among it. The user is to be written
/// beside it.
///
/// # Errors
/// [`ApiError::LastWayIn`] when the person has no mailbox that a code could be sent to; the store's.
pub async fn remove(
    server: &Server,
    app: &App,
    user: &User,
    stored: &UserPassword,
) -> Result<Changes, ApiError> {
    let identifiers = server.store.identifiers_of(user.id).await?;
    let is_way_in = |identifier: &UserIdentifier| {
        identifier.kind == IdentifierKind::Email && identifier.verified_at.is_some()
    };
    if !identifiers.iter().any(is_way_in) {
        return Err(ApiError::LastWayIn);
    }
    let told = event(EventKind::PasswordRemoved, app, user.id);
    let mut changes = Changes(vec![Change::PasswordRemoved(user.id, stored.version), told.into()]);
    changes.push(FlowChange::Dropped(user.id).into());
    server.tell_user(app, user, &Notice::PasswordRemoved, &mut changes).await?;
    Ok(changes)
}
