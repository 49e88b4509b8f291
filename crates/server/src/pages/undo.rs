//! `/undo/{token}`: where the link of a notice leads. Opening it changes nothing; pressing its button brings an address
//! back, or keeps an account that was to be erased.

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
    event::{Actor, Event, EventKind},
    id::RequestId,
    identifier::EmailAddress,
    refusal::Refusal,
    token::SecretToken,
    undo::{Undo, UndoKind},
    user::{self, IdentifierKind, User, UserIdentifier, UserStatus},
    vault::Vault as _,
};
use http::{HeaderMap, request::Parts};
use minijinja::context;

use super::link::{Voice, over, refused};
use crate::{
    accounts,
    call::{admit_poll, client_address},
    error::ApiError,
    flood::Lane,
    keys::Context,
    pages::render::page,
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
    let admitted =
        client_address(&server, &parts).map_or(Ok(()), |address| admit_poll(&server, address, server.now()));
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
        Ok(Some(UndoKind::Address)) => voice.tell(Key::UndoDone, Key::UndoDoneText, None),
        Ok(Some(UndoKind::Erasure)) => voice.tell(Key::KeptDone, Key::KeptDoneText, None),
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
    Voice::of(server, headers, None)
}

fn ask(undo: &Undo, voice: &Voice) -> Response {
    let (title, text, button) = match undo.kind {
        UndoKind::Address => (Key::UndoQuestion, Key::UndoText, Key::UndoButton),
        UndoKind::Erasure => (Key::KeptQuestion, Key::KeptText, Key::KeptButton),
    };
    let values = context! {
        lang => voice.locale.tag(), dir => voice.locale.direction(), title => voice.say(title),
        text => voice.say(text), button => voice.say(button), warning => voice.say(Key::LinkWarning),
    };
    page("undo.html", &values)
}

/// A link that is not over.
async fn find(server: &Server, token: &str) -> Result<Option<Undo>, ApiError> {
    let Ok(token) = SecretToken::parse(token) else { return Ok(None) };
    let found = server.store.undo(server.keys.link(&token)).await?;
    Ok(found.filter(|undo| server.now() < undo.expires_at))
}

/// What was taken back; nothing when the link is over.
async fn take_back(server: &Arc<Server>, token: &str) -> Result<Option<UndoKind>, ApiError> {
    server
        .decide(|| async move {
            let nothing = Ok((None, Changes::default()));
            let Some(undo) = find(server, token).await? else { return nothing };
            let Some(user) = server.store.user(undo.user).await? else { return nothing };
            let (outcome, changes) = match undo.kind {
                UndoKind::Address => bring_back(server, user, &undo).await?,
                UndoKind::Erasure if user.status == UserStatus::Erasing => {
                    let event = happened(EventKind::UserErasureCancelled, &user);
                    let mut changes = user::keep(user, &undo);
                    changes.push(event.into());
                    (Ok(()), changes)
                }
                UndoKind::Erasure => return nothing,
            };
            Ok((outcome.ok().map(|()| undo.kind), changes))
        })
        .await
}

async fn bring_back(
    server: &Server,
    user: User,
    undo: &Undo,
) -> Result<(Result<(), Refusal>, Changes), ApiError> {
    let place = Context { table: "user_undo", column: "sealed", id: undo.link.bytes() };
    let sealed = undo.sealed.as_deref().ok_or(ApiError::Internal)?;
    let opened = server.keys.open(&place, sealed).map_err(|_| ApiError::Internal)?;
    let text = std::str::from_utf8(opened.expose()).map_err(|_| ApiError::Internal)?;
    let address = EmailAddress::parse(text).map_err(|_| ApiError::Internal)?;
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
        // Whoever moved the address may have chosen a password too. The one who has the mailbox chooses another.
        if let Some(password) = server.store.password(account.user.id).await? {
            decision.changes.push(Change::PasswordRemoved(account.user.id, password.version));
            decision.changes.push(happened(EventKind::PasswordRemoved, &account.user).into());
        }
    }
    Ok((decision.outcome, decision.changes))
}

fn happened(kind: EventKind, user: &User) -> Event {
    Event::new(kind).of_user(user.id).within(&user.realm).by(Actor::Person).by_method("link")
}
