//! App passwords between the rules and the store: what is sealed of them, whose one is, and what ends them. It knows no
//! routes, and not what an app accepts.

use countersign_domain::{
    app::{App, AppName},
    app_password::{AppPassword, AppPasswordText},
    changes::{AppPasswordChange, Change, Changes},
    event::{Event, EventKind},
    id::{AppPasswordId, UserId},
    realm::RealmName,
    time::Timestamp,
    token::Revocation,
    user::UserStatus,
};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{error::ApiError, keys::Context, state::Server};

/// Longest credential of HTTP Basic that is looked at, in bytes.
const LONGEST: usize = 512;

/// What is sealed of an app password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Use {
    /// What the person calls it.
    pub label: String,
    /// The apps that it is good for.
    pub apps: Vec<String>,
}

impl Use {
    /// Whether it is good for an app.
    #[must_use]
    pub fn is_for(&self, app: &AppName) -> bool {
        self.apps.iter().any(|name| name == app.as_str())
    }
}

fn place(id: &AppPasswordId) -> Context<'_> {
    Context { table: "app_password", column: "sealed", id: id.bytes() }
}

/// What an app password is called and good for, sealed for its row.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails.
pub fn seal(
    server: &Server,
    (realm, id): (&RealmName, &AppPasswordId),
    use_: &Use,
) -> Result<Vec<u8>, ApiError> {
    let json = serde_json::to_vec(use_).map_err(|_| ApiError::Internal)?;
    server.keys.realm(realm).seal(&mut *server.random(), &place(id), &json).map_err(|_| ApiError::Internal)
}

/// What an app password is called and good for.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open.
pub fn open(server: &Server, password: &AppPassword) -> Result<Use, ApiError> {
    let opened = server.keys.open(&place(&password.id), &password.sealed).map_err(|_| ApiError::Internal)?;
    serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)
}

/// Whose app password a credential of HTTP Basic carries, where it is good for this app now. The name beside it is not
/// looked at. Whether the app takes app passwords is the caller's to ask.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn held(
    server: &Server,
    basic: &str,
    app: &App,
    now: Timestamp,
) -> Result<Option<(UserId, AppPassword)>, ApiError> {
    let Some(text) = read(basic) else { return Ok(None) };
    let found = server.store.app_password(server.keys.app_password(&text)).await?;
    let Some(password) = found.filter(|one| one.is_live(now) && one.realm == app.realm) else {
        return Ok(None);
    };
    if !open(server, &password)?.is_for(&app.name) {
        return Ok(None);
    }
    let user = server.store.user(password.user).await?;
    let is_theirs = user.is_some_and(|user| user.status == UserStatus::Active);
    Ok(is_theirs.then_some((password.user, password)))
}

/// Notes that one was used, once a day at most. When that fails it looks unused a while longer.
pub async fn note_use(server: &Server, password: &AppPassword, now: Timestamp) {
    if !password.is_use_noted(now) {
        return;
    }
    let used = Changes(vec![AppPasswordChange::Used(password.id, now).into()]);
    if let Err(error) = server.store.commit(used).await {
        tracing::warn!(%error, "the use of an app password could not be noted");
    }
}

/// The password of a credential: itself, or behind a name and a colon in base 64 (RFC 7617).
fn read(basic: &str) -> Option<AppPasswordText> {
    if basic.len() > LONGEST {
        return None;
    }
    if let Ok(text) = AppPasswordText::parse(basic) {
        return Some(text);
    }
    let decoded = Zeroizing::new(BASE64.decode(basic.as_bytes()).ok()?);
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    AppPasswordText::parse(password).ok()
}

/// Ends one. What it opened is asked for anew on every node within a second.
pub fn removed(server: &Server, password: &AppPassword, now: Timestamp) -> Changes {
    let told = event(EventKind::AppPasswordRemoved, password);
    Changes(vec![
        AppPasswordChange::Removed(password.id).into(),
        again(server, password.user, now),
        told.into(),
    ])
}

/// Ends all of a user.
pub fn all_removed(server: &Server, user: UserId, now: Timestamp) -> Changes {
    Changes(vec![AppPasswordChange::AllRemoved(user).into(), again(server, user, now)])
}

/// What a user may reach is to be read again.
fn again(server: &Server, user: UserId, now: Timestamp) -> Change {
    Change::Revocation(Revocation::of_access(server.keys.access_of_user(user), now))
}

/// Something about an app password.
#[must_use]
pub fn event(kind: EventKind, password: &AppPassword) -> Event {
    Event::new(kind).of_user(password.user).within(&password.realm).on(&password.id.to_string())
}

#[cfg(test)]
mod tests {
    use countersign_domain::testing::Seeded;

    use super::*;

    #[test]
    fn a_password_is_read_alone_or_behind_a_name() {
        let text = AppPasswordText::draw(&mut Seeded::new(2));
        let behind = |name: &str| BASE64.encode(format!("{name}:{}", text.expose()).as_bytes());
        for basic in [text.expose().to_owned(), behind("ann@mail.example"), behind("")] {
            assert_eq!(read(&basic).unwrap().expose(), text.expose(), "{basic}");
        }
        for basic in [
            String::new(),
            BASE64.encode(text.expose().as_bytes()),
            behind("a:b"),
            behind(&"a".repeat(400)),
            format!("{}=", behind("ann")),
            BASE64.encode(b"ann:csp_nothing"),
        ] {
            assert!(read(&basic).is_none(), "{basic}");
        }
    }
}
