//! `/v1/me`: a person's own account, for pages of this server alone. No token of an app reads or changes it.

use std::sync::Arc;

use axum::{
    Router,
    extract::RawQuery,
    response::{IntoResponse as _, Response},
    routing::{delete, get},
};
use countersign_domain::{
    account::{self, Account, Outcome},
    changes::{Change, Changes, FlowChange},
    event::{Event, EventKind},
    id::SessionId,
    identifier::Username,
    session::{self, Session},
    user::{IdentifierKind, User},
};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer, answer,
    identifiers::{new_identifier, with_event},
    own_call::OwnCall,
    rfc3339,
    session::signed_out,
    username,
};
use crate::{
    accounts::{
        Profile, end_all, open_device, open_identifier, open_profile, seal_name, seal_profile,
        user_of_session,
    },
    call::{Json, Named},
    credentials, erasure,
    error::ApiError,
    export::ExportBody,
    metadata::{Kept, Object},
    newcomer::check_profile,
    outbox::Notice,
    state::Server,
    visitor::{Person, Visitor},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/me", get(show).patch(change).delete(erase))
        .route("/v1/me/export", get(export))
        .route("/v1/me/sessions", get(sessions).delete(end_sessions))
        .route("/v1/me/sessions/{id}", delete(end_session))
}

/// A person's own account.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeBody {
    /// Names the user. Apps never see it.
    pub id: String,
    /// The realm it lives in.
    pub realm: String,
    /// As others see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The language they want to be written to in (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// The addresses, the primary one first.
    pub emails: Vec<EmailBody>,
    /// The telephone numbers, the primary one first.
    pub phones: Vec<String>,
    /// The name that the person chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What the app that was signed in to keeps for the person to see.
    #[schema(value_type = Object)]
    pub metadata: Object,
    /// `user` or `admin`: what an operator made of them in the realm.
    pub role: &'static str,
    /// The groups that an operator put them in.
    pub groups: Vec<String>,
    /// When the account was made.
    pub created_at: String,
}

/// An address of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailBody {
    /// The address.
    pub email: String,
    /// Whether it is the one that is written to first.
    pub primary: bool,
    /// When the person proved control of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<String>,
}

/// What is to be changed. A member that is absent stays; `null` takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeMeBody {
    /// As others see it: 1 to 100 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 100)]
    pub display_name: Option<Option<String>>,
    /// A BCP 47 tag such as `de-CH`: up to 35 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 35)]
    pub locale: Option<Option<String>>,
    /// A name that nobody else in the realm has, and none that looks like it: 2 to 32 letters, digits and . _ -.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 128)]
    pub username: Option<Option<String>>,
}

/// What became of the wish to be erased.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErasingBody {
    /// When everything goes. Until then a mail says how to keep it.
    pub erased_at: String,
}

/// A session of a person's.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionBody {
    /// Names it.
    pub id: String,
    /// The app that was signed in to.
    pub app: String,
    /// The approximate name of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
    /// What holds it: `cookie`, `refresh_token`, or `device` for a browser that I trust, which signs nobody in.
    pub holder: &'static str,
    /// When it began.
    pub created_at: String,
    /// When it was used last, roughly.
    pub used_at: String,
    /// When it ends in any case.
    pub expires_at: String,
}

/// All sessions of a person: there are fifty at most.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionsBody {
    /// The sessions, oldest first.
    pub items: Vec<SessionBody>,
}

/// Tells a member that is `null` from one that is absent.
fn given<'de, D: serde::Deserializer<'de>>(member: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(member).map(Some)
}

/// Who am I?
#[utoipa::path(get, path = "/v1/me", operation_id = "me", tag = "account", security(("session_cookie" = [])),
    responses((status = 200, description = "The account", body = MeBody)))]
pub async fn show(Person(visitor): Person) -> Answer<MeBody> {
    let user = user_of(&visitor).await?;
    Ok(answer(StatusCode::OK, body_of(&visitor, &user).await?))
}

/// Change what I am called.
#[utoipa::path(patch, path = "/v1/me", operation_id = "change_me", tag = "account", request_body = ChangeMeBody,
    security(("session_cookie" = [])),
    responses((status = 200, description = "The account as it is now", body = MeBody)))]
pub async fn change(own: OwnCall, Json(body, _): Json<ChangeMeBody>) -> Answer<MeBody> {
    let name = body.display_name.as_ref().and_then(Option::as_deref);
    check_profile(name, body.locale.as_ref().and_then(Option::as_deref))?;
    if body.username.is_some() {
        // The answer tells whether somebody has the name: nobody is to ask for many.
        own.call.limit_network(None)?;
    }
    let visitor = own.visitor;
    let read = |name: &String| username(name);
    let username = body.username.as_ref().map(|name| name.as_ref().map(read).transpose()).transpose()?;
    let (server, visitor, body, username) = (&visitor.server, &visitor, &body, &username);
    let decided = server
        .decide(|| async move {
            let user = user_of(visitor).await?;
            let former = open_profile(server, &user)?;
            let profile = Profile {
                display_name: body.display_name.clone().unwrap_or(former.display_name),
                locale: body.locale.clone().unwrap_or(former.locale),
                ..former
            };
            let sealed_profile = seal_profile(server, &user, &profile)?;
            let user = User { sealed_profile, ..user };
            let told = told(EventKind::UserChanged, &user);
            let Some(name) = username else {
                return Ok((Ok(()), Changes(vec![Change::User(user), told.into()])));
            };
            let renamed = rename(server, user, name.as_ref()).await?;
            Ok(with_event(renamed, told))
        })
        .await?;
    decided?;
    Ok(answer(StatusCode::OK, body_of(visitor, &user_of(visitor).await?).await?))
}

/// Erase the account with everything in it, at once or after the days that the realm gives to change one's mind. Needs a
/// sign-in of the last ten minutes. All sessions end at once.
#[utoipa::path(delete, path = "/v1/me", operation_id = "erase_me", tag = "account", security(("session_cookie" = [])),
    responses((status = 204, description = "It is gone; the cookie is taken away"),
        (status = 202, description = "It will be gone; the cookie is taken away", body = ErasingBody)))]
pub async fn erase(Person(visitor): Person) -> Result<Response, ApiError> {
    fresh(&visitor).await?;
    let (server, visitor) = (&visitor.server, &visitor);
    let at = server
        .decide(|| async move {
            let app = server.app(visitor.session.app.as_str());
            erasure::begin(server, user_of(visitor).await?, app.as_deref(), false).await
        })
        .await?;
    let gone = signed_out(visitor);
    let Some(at) = at else { return Ok(gone) };
    let mut response = answer(StatusCode::ACCEPTED, ErasingBody { erased_at: rfc3339(at) }).into_response();
    response.headers_mut().extend(gone.headers().clone());
    Ok(response)
}

/// Everything that is held about me. The addresses are told. Needs a sign-in of the last ten minutes.
#[utoipa::path(get, path = "/v1/me/export", operation_id = "export_me", tag = "account", security(("session_cookie" = [])),
    responses((status = 200, description = "Everything", body = ExportBody)))]
pub async fn export(Person(visitor): Person) -> Answer<ExportBody> {
    fresh(&visitor).await?;
    let server = &visitor.server;
    let user = user_of(&visitor).await?;
    let body = crate::export::export(server, &user).await?;
    let mut changes = Changes(vec![told(EventKind::UserExported, &user).into()]);
    if let Some(app) = server.app(visitor.session.app.as_str()) {
        server.tell_user(&app, &user, &Notice::AccountExported, &mut changes).await?;
    }
    server.commit(changes).await?;
    Ok(answer(StatusCode::OK, body))
}

/// Gives a person a username, or none.
async fn rename(server: &Server, user: User, name: Option<&Username>) -> Result<Outcome, ApiError> {
    let identifiers = server.store.identifiers_of(user.id).await?;
    let account = Account { user, identifiers };
    let Some(name) = name else { return Ok(account::rename(&account, None, None)) };
    let digest = server.keys.username(&account.user.realm, name);
    let kind = IdentifierKind::Username;
    let owner = server.store.user_by_identifier(&account.user.realm, kind, digest).await?;
    let place = (&account.user.realm, &digest);
    let sealed = seal_name(server, &mut *server.random(), place, name.as_str())?;
    let new = new_identifier(&account, kind, (digest, sealed), (None, server.now()));
    Ok(account::rename(&account, Some(new), owner.map(|user| user.id)))
}

/// Where am I signed in?
#[utoipa::path(get, path = "/v1/me/sessions", operation_id = "my_sessions", tag = "account", security(("session_cookie" = [])),
    responses((status = 200, description = "The live sessions", body = SessionsBody)))]
pub async fn sessions(Person(visitor): Person) -> Answer<SessionsBody> {
    let all = visitor.server.store.sessions_of(visitor.session.user).await?;
    let live = all.iter().filter(|session| session.is_live(visitor.now));
    let items = live.map(|session| session_body(&visitor, session)).collect();
    Ok(answer(StatusCode::OK, SessionsBody { items }))
}

/// End one session.
#[utoipa::path(delete, path = "/v1/me/sessions/{id}", operation_id = "end_my_session", tag = "account",
    params(("id" = String, Path, description = "The session")), security(("session_cookie" = [])),
    responses((status = 204, description = "It ended")))]
pub async fn end_session(Person(visitor): Person, Named(id): Named) -> Result<Response, ApiError> {
    let id: SessionId = id.parse().map_err(|_| ApiError::NotFound)?;
    let found = visitor.server.store.session(id).await?;
    // Another person's is not told from one that never was.
    let found = found.filter(|session| session.user == visitor.session.user).ok_or(ApiError::NotFound)?;
    visitor.server.end_session(&found).await?;
    if found.id == visitor.session.id { Ok(signed_out(&visitor)) } else { Ok(nothing()) }
}

/// End all sessions; with `?except=current` all others.
#[utoipa::path(delete, path = "/v1/me/sessions", operation_id = "end_my_sessions", tag = "account",
    params(("except" = Option<String>, Query, description = "`current` keeps the one that asks")),
    security(("session_cookie" = [])),
    responses((status = 204, description = "They ended")))]
pub async fn end_sessions(Person(visitor): Person, RawQuery(query): RawQuery) -> Result<Response, ApiError> {
    let keep = match query.as_deref().unwrap_or_default() {
        "" => false,
        "except=current" => true,
        _ => {
            return Err(ApiError::invalid("except", "expected except=current, or nothing"));
        }
    };
    let (server, visitor) = (&visitor.server, &visitor);
    if !keep {
        end_all(server, &visitor.session).await?;
        return Ok(signed_out(visitor));
    }
    server
        .decide(|| async move {
            let user = user_of(visitor).await?;
            let sessions = server.store.sessions_of(user.id).await?;
            let now = server.now();
            let told = told(EventKind::SessionsEnded, &user);
            let over = FlowChange::Dropped(user.id).into();
            let mut changes = Changes(vec![Change::User(user), over, told.by_method("all_others").into()]);
            for other in sessions.iter().filter(|other| other.id != visitor.session.id) {
                changes.extend(session::end(other, now));
            }
            Ok(((), changes))
        })
        .await?;
    Ok(nothing())
}

/// The user of a session, as long as both are as they were when the request came: a decision that lost a race against
/// the end of its own session must not be made anew.
pub(super) async fn user_of(visitor: &Visitor) -> Result<User, ApiError> {
    user_of_session(&visitor.server, &visitor.session).await
}

/// Something that a person did to their own account.
fn told(kind: EventKind, user: &User) -> Event {
    Event::new(kind).of_user(user.id).within(&user.realm)
}

async fn body_of(visitor: &Visitor, user: &User) -> Result<MeBody, ApiError> {
    let server = &visitor.server;
    let profile = open_profile(server, user)?;
    let (mut emails, mut phones, mut username) = (Vec::new(), Vec::new(), None);
    for identifier in server.store.identifiers_of(user.id).await? {
        let value = open_identifier(server, &identifier)?;
        match identifier.kind {
            IdentifierKind::Email => emails.push(EmailBody {
                email: value,
                primary: identifier.primary,
                verified_at: identifier.verified_at.map(rfc3339),
            }),
            IdentifierKind::Phone => phones.push(value),
            IdentifierKind::Username => username = Some(value),
        }
    }
    let (kept, _) = Kept::of(server, visitor.session.subject).await?;
    Ok(MeBody {
        id: user.id.to_string(),
        realm: user.realm.to_string(),
        role: profile.role().name(),
        groups: profile.groups,
        display_name: profile.display_name,
        locale: profile.locale,
        emails,
        phones,
        username,
        metadata: kept.public,
        created_at: rfc3339(user.created_at),
    })
}

fn session_body(visitor: &Visitor, session: &Session) -> SessionBody {
    SessionBody {
        id: session.id.to_string(),
        app: session.app.to_string(),
        device: open_device(&visitor.server, session),
        current: session.id == visitor.session.id,
        holder: session.holder.name(),
        created_at: rfc3339(session.created_at),
        used_at: rfc3339(session.used_at),
        expires_at: rfc3339(session.expires_at),
    }
}

/// Refuses who signed in longer ago than ten minutes, or with less than the person has: [`credentials::may_change`].
pub(super) async fn fresh(visitor: &Visitor) -> Result<(), ApiError> {
    let user = user_of(visitor).await?;
    let credentials = visitor.server.store.credentials_of(user.id).await?;
    credentials::may_change(&visitor.server, (&user, &credentials), &visitor.session, visitor.now).await
}

/// Whether `?end_other_sessions=true` was said.
pub(super) fn ends_others(query: Option<&str>) -> Result<bool, ApiError> {
    match query.unwrap_or_default() {
        "" | "end_other_sessions=false" => Ok(false),
        "end_other_sessions=true" => Ok(true),
        _ => Err(ApiError::invalid("end_other_sessions", "expected end_other_sessions=true, or nothing")),
    }
}

/// Done, and nothing to show for it.
pub(super) fn nothing() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
