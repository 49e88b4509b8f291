//! Erasing accounts: at once, or after the days that a realm gives people to change their mind; by mail they are told how.
//! It knows no routes.

use std::sync::Arc;

use countersign_domain::{
    app::App,
    changes::{Change, Changes},
    event::{Actor, Event, EventKind},
    id::UserId,
    time::{Span, Timestamp},
    token::SecretToken,
    undo::{Undo, UndoKind},
    user::{self, User, UserStatus},
    vault::Vault as _,
};
use zeroize::Zeroizing;

use crate::{
    app_passwords,
    error::ApiError,
    maintenance,
    outbox::{Notice, notice::Link},
    state::Server,
};

/// Erasures carried out before the next look at what is due.
const AT_ONCE: i64 = 100;
/// Looks at what is due in one sweep: what is left waits for the next.
const LOOKS: usize = 100;

/// A link that takes something back, for a mail, and its row without what may be sealed in it.
pub fn draw_undo(
    server: &Server,
    user: UserId,
    kind: UndoKind,
    (created_at, expires_at): (Timestamp, Timestamp),
) -> (Link, Undo) {
    let token = SecretToken::draw(&mut *server.random());
    let url = Zeroizing::new(format!("{}/undo/{}", server.issuer(), token.expose()));
    let link = server.keys.link(&token);
    let undo = Undo { link, user, kind, sealed: None, created_at, expires_at };
    (Link { url, until: expires_at.millis() }, undo)
}

/// Decides an erasure: at once where the realm waits for nothing, for who is switched off (the days are for people to
/// change their mind, and those cannot), and with `may_hasten` for who is to be erased already; else when is told, and
/// the person by mail. `app` speaks.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn begin(
    server: &Server,
    user: User,
    app: Option<&App>,
    may_hasten: bool,
) -> Result<(Option<Timestamp>, Changes), ApiError> {
    if user.status == UserStatus::Erasing && !may_hasten {
        let undos = server.store.undos_of(user.id).await?;
        let begun = undos.iter().find(|undo| undo.kind == UndoKind::Erasure);
        return Ok((begun.map(|undo| undo.expires_at), Changes::default()));
    }
    let now = server.now();
    let grace = server.realm(&user.realm).erasure_grace;
    let sessions = server.store.sessions_of(user.id).await?;
    if grace == Span::ZERO || user.status != UserStatus::Active {
        // Who speaks and to whom is read before: nothing of the mail lies in what is erased.
        let mut told = Changes::default();
        if let Some(app) = app {
            server.tell_user(app, &user, &Notice::AccountErased, &mut told).await?;
        }
        let mut changes = user::erase(&user, &sessions, now);
        changes.extend(app_passwords::all_removed(server, user.id, now));
        changes.extend(told);
        changes.push(happened(EventKind::UserErased, &user).into());
        return Ok((None, changes));
    }
    let happened = happened(EventKind::UserErasureRequested, &user);
    let (link, undo) = draw_undo(server, user.id, UndoKind::Erasure, (now, now + grace));
    let mut told = Changes::default();
    if let Some(app) = app {
        server.tell_user(app, &user, &Notice::AccountErasing { cancel: link }, &mut told).await?;
    }
    let mut changes = user::begin_erasure(user, &sessions, undo, now);
    changes.extend(told);
    changes.push(happened.into());
    Ok((Some(now + grace), changes))
}

/// Mails a person who came back once more how to keep their account. The links of earlier mails end.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn remind(server: &Server, app: &App, user: &User, changes: &mut Changes) -> Result<(), ApiError> {
    let undos = server.store.undos_of(user.id).await?;
    let Some(former) = undos.into_iter().find(|undo| undo.kind == UndoKind::Erasure) else { return Ok(()) };
    if former.expires_at <= server.now() {
        return Ok(());
    }
    let times = (former.created_at, former.expires_at);
    let (link, undo) = draw_undo(server, user.id, UndoKind::Erasure, times);
    changes.push(Change::UndosDropped(user.id, UndoKind::Erasure));
    changes.push(Change::UndoAdded(undo));
    server.tell_user(app, user, &Notice::AccountErasing { cancel: link }, changes).await
}

/// Erases everybody whose time has come.
///
/// # Errors
/// The store's; who is left is erased at the next sweep.
pub async fn sweep(server: &Arc<Server>) -> maintenance::Result {
    for _ in 0..LOOKS {
        let due = server.store.erasures_due(server.now(), AT_ONCE).await?;
        for undo in &due {
            finish(server, undo).await.map_err(|error| error.code())?;
        }
        if due.is_empty() {
            break;
        }
    }
    Ok(())
}

async fn finish(server: &Arc<Server>, undo: &Undo) -> Result<(), ApiError> {
    server
        .decide(|| async move {
            let user = server.store.user(undo.user).await?;
            let Some(user) = user.filter(|user| user.status.may_be_erasing()) else {
                // Somebody kept the account, or erased it at once.
                return Ok(((), Changes(vec![Change::UndosDropped(undo.user, UndoKind::Erasure)])));
            };
            let sessions = server.store.sessions_of(user.id).await?;
            let mut changes = user::erase(&user, &sessions, server.now());
            changes.extend(app_passwords::all_removed(server, user.id, server.now()));
            changes.push(happened(EventKind::UserErased, &user).by(Actor::Server).into());
            Ok(((), changes))
        })
        .await
}

fn happened(kind: EventKind, user: &User) -> Event {
    Event::new(kind).of_user(user.id).within(&user.realm)
}
