//! `/undo/{token}`: where the link of a notice leads. Opening it changes nothing; pressing its button brings an address
//! back, keeps an account that was to be erased, or ends the session of somebody else; what a stranger may have made to sign in with goes with it.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, Request, State},
    response::Response,
    routing::get,
};
use countersign_domain::{
    account::{self, Account},
    changes::{Change, Changes},
    credential::made_by_mailbox_since,
    event::{Actor, Event, EventKind},
    id::{RequestId, SessionId},
    identifier::EmailAddress,
    refusal::Refusal,
    secret::Digest,
    time::Timestamp,
    token::SecretToken,
    undo::{ADDRESS_UNDO, Undo, UndoKind},
    user::{self, IdentifierKind, User, UserIdentifier, UserStatus},
    vault::Vault as _,
};
use http::{HeaderMap, request::Parts};
use minijinja::context;

use super::{
    link::{over, refused},
    voice::Voice,
};
use crate::{
    accounts::{self, session_ended},
    app_passwords,
    call::{admit_page, client_address},
    credentials::taken_away,
    error::ApiError,
    flood::Lane,
    keys::Context,
    outbox::{
        Notice,
        notice::{Factor, masked},
    },
    state::Server,
    texts::Key,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/undo/{token}", get(show).post(press))
}

/// Says what pressing the button would do. Changes nothing, for any client.
async fn show(State(server): State<Arc<Server>>, Path(token): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let voice = voice(&server, &parts.headers);
    let admitted = admit_page(&server, &parts);
    let found = match admitted {
        Ok(()) => find(&server, &token).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(Some(undo)) => ask(&undo, &voice),
        Ok(None) => over(&voice),
        Err(error) => refused(&voice, parts.extensions.get::<RequestId>(), error),
    }
}

/// Takes it back.
async fn press(State(server): State<Arc<Server>>, Path(token): Path<String>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let voice = voice(&server, &parts.headers);
    let pressed = match admit(&server, &parts) {
        Ok(()) => take_back(&server, &token).await,
        Err(error) => Err(error),
    };
    match pressed {
        Ok(Some((title, text))) => voice.tell(title, text, None),
        Ok(None) => over(&voice),
        Err(error) => refused(&voice, parts.extensions.get::<RequestId>(), error),
    }
}

fn admit(server: &Server, parts: &Parts) -> Result<(), ApiError> {
    let Some(address) = client_address(server, parts) else { return Ok(()) };
    let limit = server.config.load().limits.publishable_requests_per_network_per_minute;
    server.flood.admit(Lane::Page, address, limit, server.now()).map_err(ApiError::TooManyRequests)
}

/// No app's: a link that is over has none.
fn voice(server: &Server, headers: &HeaderMap) -> Voice {
    Voice::of_app(server, headers, "")
}

fn ask(undo: &Undo, voice: &Voice) -> Response {
    let (title, text, button) = match undo.kind {
        UndoKind::Address => (Key::UndoQuestion, Key::UndoText, Key::UndoButton),
        UndoKind::Erasure => (Key::KeptQuestion, Key::KeptText, Key::KeptButton),
        UndoKind::SignIn => (Key::DisownQuestion, Key::DisownText, Key::DisownButton),
    };
    let values = context! {
        title => voice.say(title),
        text => voice.say(text), button => voice.say(button), warning => voice.say(Key::LinkWarning),
    };
    voice.page("undo.html", values)
}

/// A link that is not over.
async fn find(server: &Server, token: &str) -> Result<Option<Undo>, ApiError> {
    let Ok(token) = SecretToken::parse(token) else { return Ok(None) };
    let found = server.store.undo(server.keys.link(&token)).await?;
    Ok(found.filter(|undo| server.now() < undo.expires_at))
}

/// What the person is told: heading and text; nothing when the link is over.
type Told = Option<(Key, Key)>;

/// Takes back what a link is for, unless it is over.
async fn take_back(server: &Arc<Server>, token: &str) -> Result<Told, ApiError> {
    server
        .decide(|| async move {
            let nothing = Ok((None, Changes::default()));
            let Some(undo) = find(server, token).await? else { return nothing };
            let Some(user) = server.store.user(undo.user).await? else { return nothing };
            match undo.kind {
                UndoKind::Address => {
                    let (outcome, changes) = bring_back(server, user, &undo).await?;
                    Ok((outcome.ok().map(|()| (Key::UndoDone, Key::UndoDoneText)), changes))
                }
                UndoKind::Erasure if user.status.may_be_erasing() => Ok(keep(user, &undo)),
                UndoKind::Erasure => nothing,
                UndoKind::SignIn => disown(server, user, &undo).await,
            }
        })
        .await
}

/// Keeps an account that was to be erased. Whom an administrator switched off meanwhile is told so.
fn keep(user: User, undo: &Undo) -> (Told, Changes) {
    let event = happened(EventKind::UserErasureCancelled, &user);
    let text = if user.status == UserStatus::Disabled { Key::KeptDoneDisabled } else { Key::KeptDoneText };
    let mut changes = user::keep(user, undo);
    changes.push(event.into());
    (Some((Key::KeptDone, text)), changes)
}

/// Ends a session that was somebody else's, and those that began since.
async fn disown(server: &Server, user: User, undo: &Undo) -> Result<(Told, Changes), ApiError> {
    let session = SessionId::from_bytes(opened(server, undo)?.try_into().map_err(|_| ApiError::Internal)?);
    let (owner, sessions) = (user.clone(), server.store.sessions_of(user.id).await?);
    let mut changes = user::disown(user, undo, session, (&sessions, server.now()));
    changes.extend(take_back_all(server, &owner, undo.created_at).await?);
    let ended: Vec<SessionId> = changes.0.iter().filter_map(ended_session).collect();
    for session in sessions.iter().filter(|session| ended.contains(&session.id)) {
        changes.push(session_ended(session).by(Actor::Person).by_method("link").into());
    }
    Ok((Some((Key::DisownDone, Key::DisownDoneText)), changes))
}

/// Takes back what a stranger may have made since to come again: credentials, a password, and addresses, as long as one
/// that was there before stays.
async fn take_back_all(server: &Server, user: &User, since: Timestamp) -> Result<Changes, ApiError> {
    let mut changes = take_back_credentials(server, user, since).await?;
    let identifiers = server.store.identifiers_of(user.id).await?;
    let is_new = |one: &&UserIdentifier| one.kind == IdentifierKind::Email && one.created_at >= since;
    let stays = identifiers.iter().any(|one| one.is_way_in() && one.primary && !is_new(&one));
    for gone in identifiers.iter().filter(|one| stays && is_new(one)) {
        changes.push(Change::IdentifierRemoved(gone.clone()));
        changes.push(happened(EventKind::IdentifierRemoved, user).into());
    }
    changes.extend(take_back_app_passwords(server, user, since).await?);
    if let Some(password) = server.store.password(user.id).await?.filter(|one| one.made_at >= since) {
        changes.push(Change::PasswordRemoved(user.id, password.version));
        changes.push(happened(EventKind::PasswordRemoved, user).into());
    }
    Ok(changes)
}

/// Ends the app passwords that were made since.
async fn take_back_app_passwords(
    server: &Server,
    user: &User,
    since: Timestamp,
) -> Result<Changes, ApiError> {
    let mut changes = Changes::default();
    for gone in server.store.app_passwords_of(user.id).await?.iter().filter(|one| one.created_at >= since) {
        changes.extend(app_passwords::removed(server, gone, server.now()));
    }
    Ok(changes)
}

/// Takes back what a mailbox alone made since; the person is told.
async fn take_back_credentials(server: &Server, user: &User, since: Timestamp) -> Result<Changes, ApiError> {
    let (mut changes, speaker) = (Changes::default(), server.speaker(&user.realm));
    for gone in made_by_mailbox_since(&server.store.credentials_of(user.id).await?, since) {
        changes.extend(taken_away(None, gone));
        if let Some(app) = &speaker {
            let notice = Notice::FactorRemoved { what: Factor::of(gone.kind) };
            server.tell_user(app, user, &notice, &mut changes).await?;
        }
    }
    Ok(changes)
}

const fn ended_session(change: &Change) -> Option<SessionId> {
    match change {
        Change::SessionEnded(id) => Some(*id),
        _ => None,
    }
}

/// What was sealed in the row of a link.
fn opened(server: &Server, undo: &Undo) -> Result<Vec<u8>, ApiError> {
    let place = Context { table: "user_undo", column: "sealed", id: undo.link.bytes() };
    let sealed = undo.sealed.as_deref().ok_or(ApiError::Internal)?;
    let opened = server.keys.open(&place, sealed).map_err(|_| ApiError::Internal)?;
    Ok(opened.expose().clone())
}

async fn bring_back(
    server: &Server,
    user: User,
    undo: &Undo,
) -> Result<(Result<(), Refusal>, Changes), ApiError> {
    let text = String::from_utf8(opened(server, undo)?).map_err(|_| ApiError::Internal)?;
    let address = EmailAddress::parse(&text).map_err(|_| ApiError::Internal)?;
    let owner = accounts::user_of(server, &user.realm, &address).await?.map(|owner| owner.id);
    let (digest, now) = (server.keys.identifier(&user.realm, &address), server.now());
    let restored = UserIdentifier {
        realm: user.realm.clone(),
        kind: IdentifierKind::Email,
        digest,
        user: user.id,
        sealed: accounts::seal_name(
            server,
            &mut *server.random(),
            (&user.realm, &digest),
            address.canonical(),
        )?,
        primary: true,
        // Whoever presses a link that was mailed there reads what comes there.
        verified_at: Some(now),
        // As old as the account, as only such an address has a way back: the next thief finds the same one.
        created_at: user.created_at,
    };
    let identifiers = server.store.identifiers_of(user.id).await?;
    let sessions = server.store.sessions_of(user.id).await?;
    let event = happened(EventKind::IdentifierChangeUndone, &user);
    let account = Account { user, identifiers };
    let mut decision = account::bring_back(&account, undo, restored, owner, (&sessions, now));
    if decision.outcome.is_ok() {
        decision.changes.push(event.into());
        tell_removed(server, &account.user, &digest, &mut decision.changes)?;
        // So may whatever else they sign in with that came as late as the addresses that go.
        let since = undo.created_at - ADDRESS_UNDO;
        decision.changes.extend(take_back_credentials(server, &account.user, since).await?);
        // Whoever read the mailbox may have been there for longer than that: as when a password is forgotten, all go.
        let always = Timestamp::from_millis(0);
        decision.changes.extend(take_back_app_passwords(server, &account.user, always).await?);
        // Whoever moved the address may have chosen a password too. The one who has the mailbox chooses another.
        if let Some(password) = server.store.password(account.user.id).await? {
            decision.changes.push(Change::PasswordRemoved(account.user.id, password.version));
            decision.changes.push(happened(EventKind::PasswordRemoved, &account.user).into());
        }
    }
    Ok((decision.outcome, decision.changes))
}

/// Tells each address that goes that it is not the account's any more.
fn tell_removed(
    server: &Server,
    user: &User,
    restored: &Digest,
    changes: &mut Changes,
) -> Result<(), ApiError> {
    let Some(app) = server.speaker(&user.realm) else { return Ok(()) };
    let removed: Vec<UserIdentifier> = changes
        .0
        .iter()
        .filter_map(|change| match change {
            Change::IdentifierRemoved(gone) if gone.digest != *restored => Some(gone.clone()),
            _ => None,
        })
        .collect();
    for gone in &removed {
        let notice = Notice::AddressRemoved { address: masked(&accounts::open_identifier(server, gone)?) };
        server.tell_all(&app, (user, std::slice::from_ref(gone)), &notice, changes)?;
    }
    Ok(())
}

fn happened(kind: EventKind, user: &User) -> Event {
    Event::new(kind).of_user(user.id).within(&user.realm).by(Actor::Person).by_method("link")
}
