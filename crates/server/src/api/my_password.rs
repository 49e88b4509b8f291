//! `/v1/me/password`: a person's own password, for pages of this server alone. Setting and changing it wants a sign-in of
//! a moment ago or the present password; every address of the person is told.

use std::sync::Arc;

use axum::{Router, extract::RawQuery, response::Response, routing::get};
use countersign_domain::{
    assurance::Method,
    changes::{Change, Changes},
    event::EventKind,
    password::Password,
    refusal::Refusal,
    secret::Secret,
    user::User,
    user_password::{self, UserPassword},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::{
    Answer, answer,
    me::{ends_others, fresh, user_of},
    password::{TRIES, done, typed},
    rfc3339,
};
use crate::{
    accounts::authentication,
    call::Json,
    credentials,
    error::ApiError,
    hashing::Hashing,
    passwords::Verdict,
    state::Server,
    user_passwords::{Budget, Replaced, counters, of_realm, own_words, remove, replace},
    visitor::{Person, Visitor},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/me/password", get(show).put(set).delete(take_away))
}

/// Whether a person has a password.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyPasswordBody {
    /// Whether there is one.
    pub set: bool,
    /// When it was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_at: Option<String>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetPasswordBody {
    /// The new one.
    #[schema(value_type = String, min_length = 1, max_length = 1024)]
    pub password: Zeroizing<String>,
    /// The present one: needed where the sign-in is older than ten minutes.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 1024)]
    pub current_password: Option<Zeroizing<String>>,
    /// Whether all other sessions end.
    #[serde(default)]
    pub end_other_sessions: bool,
}

/// What is the same at every try of a change.
struct Wanted {
    password: Password,
    current: Option<Password>,
    end_other_sessions: bool,
}

/// Do I have a password?
#[utoipa::path(get, path = "/v1/me/password", operation_id = "my_password", tag = "passwords", security(("session_cookie" = [])),
    responses((status = 200, description = "Whether there is one", body = MyPasswordBody)))]
pub async fn show(Person(visitor): Person) -> Answer<MyPasswordBody> {
    let found = visitor.server.store.password(visitor.session.user).await?;
    let made_at = found.map(|found| rfc3339(found.made_at));
    Ok(answer(StatusCode::OK, MyPasswordBody { set: made_at.is_some(), made_at }))
}

/// Set or change my password. Needs a sign-in of the last ten minutes, or the present password where there is no second
/// factor.
#[utoipa::path(put, path = "/v1/me/password", operation_id = "set_my_password", tag = "passwords", request_body = SetPasswordBody,
    security(("session_cookie" = [])),
    responses((status = 204, description = "It is my password now")))]
pub async fn set(
    Person(visitor): Person,
    Json(body, _): Json<SetPasswordBody>,
) -> Result<Response, ApiError> {
    let server = &visitor.server;
    let hashing = of_realm(server, &visitor.session.realm)?;
    let wanted = Wanted {
        password: typed(&body.password)?,
        current: body.current_password.as_deref().map(|text| typed(text)).transpose()?,
        end_other_sessions: body.end_other_sessions,
    };
    may_set(&visitor, &wanted).await?;
    // One at a time: of many changes at once each sees what the one before it left.
    let _lane = server.lanes.enter(&key(&visitor).digest).await;
    for _ in 0..TRIES {
        let stored = server.store.password(visitor.session.user).await?;
        if let Some(current) = &wanted.current {
            check_current(&visitor, &hashing, current, stored.as_ref()).await?;
        }
        accept(&visitor, &hashing, &wanted.password).await?;
        let hash = &hashing.hash(&wanted.password, &mut *server.random()).await?;
        let (visitor, wanted, stored) = (&visitor, &wanted, stored.as_ref());
        if server.decide(|| change(visitor, wanted, stored, hash)).await? {
            return Ok(done());
        }
    }
    Err(ApiError::Unavailable)
}

/// Take my password away: codes are mailed from then on. Needs a sign-in of the last ten minutes.
#[utoipa::path(delete, path = "/v1/me/password", operation_id = "remove_my_password", tag = "passwords",
    params(("end_other_sessions" = Option<bool>, Query, description = "`true` ends all other sessions")),
    security(("session_cookie" = [])),
    responses((status = 204, description = "There is none any more")))]
pub async fn take_away(Person(visitor): Person, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let ends_others = ends_others(query.as_deref())?;
    fresh(&visitor).await?;
    let (server, visitor) = (&visitor.server, &visitor);
    server
        .decide(|| async move {
            let user = user_of(visitor).await?;
            fresh(visitor).await?;
            let stored = server.store.password(user.id).await?.ok_or(ApiError::NotFound)?;
            let mut changes = remove(server, &*visitor.app()?, &user, &stored).await?;
            changes.extend(others(visitor, user, ends_others).await?);
            Ok(((), changes))
        })
        .await?;
    Ok(done())
}

/// Refuses who may not set a password: the present one shows who it is, and stands for no second factor.
async fn may_set(visitor: &Visitor, wanted: &Wanted) -> Result<(), ApiError> {
    let knows = wanted.current.is_some();
    if knows && visitor.server.store.credentials_of(visitor.session.user).await?.is_empty() {
        return Ok(());
    }
    fresh(visitor).await
}

/// The counters of this browser's tries: a stranger's elsewhere are none of its business.
fn key(visitor: &Visitor) -> countersign_domain::contact::ContactKey {
    let session = &visitor.session;
    counters(&visitor.server.keys, &session.realm, Budget::Browser(session.user, session.id))
}

/// Whether the present password is right; a wrong one is counted.
async fn check_current(
    visitor: &Visitor,
    hashing: &Hashing,
    current: &Password,
    stored: Option<&UserPassword>,
) -> Result<(), ApiError> {
    let server = &visitor.server;
    user_password::admit(&server.store.contact(key(visitor)).await?, server.now())?;
    let is_right = hashing.check(&server.keys, current, stored).await? != Verdict::Wrong;
    let outcome = server
        .decide(|| async move {
            let contact = server.store.contact(key(visitor)).await?;
            let mut attempt = user_password::attempt(contact, is_right, server.is_shared(), server.now());
            if attempt.outcome == Err(Refusal::InvalidPassword) {
                let failed = authentication(EventKind::PasswordFailed, &*visitor.app()?, Method::Password);
                attempt.changes.push(failed.of_user(visitor.session.user).failed().into());
            }
            Ok((attempt.outcome, attempt.changes))
        })
        .await?;
    Ok(outcome?)
}

/// Whether the new password is one that this person may choose.
async fn accept(visitor: &Visitor, hashing: &Hashing, password: &Password) -> Result<(), ApiError> {
    let user = user_of(visitor).await?;
    let app = visitor.app()?;
    let mut words = own_words(&visitor.server, &user).await?;
    words.push(user.realm.to_string());
    words.extend([app.name.to_string(), app.title.clone()]);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    hashing.accept(password, &words).await
}

/// Writes the new password, unless another one than `stored` is there now.
async fn change(
    visitor: &Visitor,
    wanted: &Wanted,
    stored: Option<&UserPassword>,
    hash: &Secret<String>,
) -> Result<(bool, Changes), ApiError> {
    let server = &visitor.server;
    let user = user_of(visitor).await?;
    // Ended by somebody else meanwhile: then it may change nothing any more.
    if server.store.session(visitor.session.id).await?.is_none() {
        return Err(ApiError::Refused(Refusal::SessionOver));
    }
    // A factor that came while the password was hashed counts.
    may_set(visitor, wanted).await?;
    let now_stored = server.store.password(user.id).await?;
    if now_stored.as_ref().map(|found| found.version) != stored.map(|found| found.version) {
        return Ok((false, Changes::default()));
    }
    let mut changes = replace(server, &*visitor.app()?, &user, hash, Replaced::Known).await?;
    changes.extend(others(visitor, user, wanted.end_other_sessions).await?);
    Ok((true, changes))
}

/// Writes the user, and ends all sessions but this one if that is wanted.
async fn others(visitor: &Visitor, user: User, end: bool) -> Result<Changes, ApiError> {
    let ended = if end {
        credentials::end_sessions(&visitor.server, &user, Some(&visitor.session)).await?
    } else {
        Changes::default()
    };
    let mut changes = Changes(vec![Change::User(user)]);
    changes.extend(ended);
    Ok(changes)
}
