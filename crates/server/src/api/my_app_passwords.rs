//! `/v1/me/app-passwords`: what a person gives to clients that send a name and a password, for pages of this server alone.

use std::sync::Arc;

use axum::{
    Router,
    response::Response,
    routing::{delete, get},
};
use countersign_domain::{
    app::App,
    app_password::{AppPassword, AppPasswordText, MOST},
    assurance::{Method, Methods},
    changes::{AppPasswordChange, Change, Changes},
    event::EventKind,
    forward_auth::Opener,
    id::AppPasswordId,
    realm::RealmName,
    time::{Span, Timestamp},
    user::User,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer, answer,
    me::{nothing, user_of},
    rfc3339,
};
use crate::{
    app_passwords::{self, Use, event, open, seal},
    call::{Json, Named},
    credentials::{check_label, may_change},
    error::ApiError,
    outbox::notice::{Factor, Notice},
    state::Server,
    visitor::{Person, Visitor},
};

/// Apps that one may be good for.
const MOST_APPS: usize = 50;
/// Longest life that can be asked for, in days.
const LONGEST_LIFE: i64 = 3650;

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/me/app-passwords", get(list).post(make))
        .route("/v1/me/app-passwords/{id}", delete(end))
}

/// A new app password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeAppPasswordBody {
    /// What the person calls it: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub label: String,
    /// The apps that it is good for, of those that take app passwords.
    #[schema(min_items = 1, max_items = 50)]
    pub apps: Vec<String>,
    /// After how many days it ends; never where absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3650)]
    pub days: Option<i64>,
}

/// An app password, without what is secret of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppPasswordBody {
    /// Names it.
    pub id: String,
    /// What the person calls it.
    pub label: String,
    /// The apps that it is good for.
    pub apps: Vec<String>,
    /// Itself: told once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When it was used last, to the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_at: Option<String>,
}

/// All of a person's: there are fifty at most.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppPasswordsBody {
    /// Oldest first.
    pub items: Vec<AppPasswordBody>,
}

impl AppPasswordBody {
    /// An app password, without what is secret of it.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it does not open.
    pub fn of(server: &Server, password: &AppPassword) -> Result<Self, ApiError> {
        let Use { label, apps } = open(server, password)?;
        Ok(Self {
            id: password.id.to_string(),
            label,
            apps,
            password: None,
            created_at: rfc3339(password.created_at),
            expires_at: password.expires_at.map(rfc3339),
            used_at: password.used_at.map(rfc3339),
        })
    }
}

/// Which app passwords do I have?
#[utoipa::path(get, path = "/v1/me/app-passwords", operation_id = "my_app_passwords", tag = "devices",
    security(("session_cookie" = [])),
    responses((status = 200, description = "Those that are not over", body = AppPasswordsBody)))]
pub async fn list(Person(visitor): Person) -> Answer<AppPasswordsBody> {
    let server = &visitor.server;
    let all = server.store.app_passwords_of(visitor.session.user).await?;
    let live = all.iter().filter(|one| one.is_live(visitor.now));
    let items = live.map(|one| AppPasswordBody::of(server, one)).collect::<Result<_, _>>()?;
    Ok(answer(StatusCode::OK, AppPasswordsBody { items }))
}

/// Make an app password, for a client that can send nothing but a name and a password (HTTP Basic). It is told once. Needs a
/// sign-in of the last ten minutes with all factors; every address is told.
#[utoipa::path(post, path = "/v1/me/app-passwords", operation_id = "make_app_password", tag = "devices",
    request_body = MakeAppPasswordBody, security(("session_cookie" = [])),
    responses((status = 201, description = "It works", body = AppPasswordBody)))]
pub async fn make(
    Person(visitor): Person,
    Json(body, _): Json<MakeAppPasswordBody>,
) -> Answer<AppPasswordBody> {
    check_label(&body.label)?;
    let (server, visitor) = (&visitor.server, &visitor);
    check_apps(visitor, &body.apps)?;
    let expires_at = ends_at(body.days, visitor.now)?;
    let use_ = &Use { label: body.label, apps: body.apps };
    let text = &AppPasswordText::draw(&mut *server.random());
    let made = server
        .decide(|| async move {
            let user = user_of(visitor).await?;
            let credentials = server.store.credentials_of(user.id).await?;
            may_change(server, (&user, &credentials), &visitor.session, visitor.now).await?;
            let held = server.store.app_passwords_of(user.id).await?;
            if held.iter().filter(|one| one.is_live(visitor.now)).count() >= MOST {
                return Err(ApiError::TooManyCredentials);
            }
            add(visitor, &user, (text, use_), expires_at).await
        })
        .await?;
    let password = Some(text.expose().to_owned());
    Ok(answer(StatusCode::CREATED, AppPasswordBody { password, ..AppPasswordBody::of(server, &made)? }))
}

async fn add(
    visitor: &Visitor,
    user: &User,
    (text, use_): (&AppPasswordText, &Use),
    expires_at: Option<Timestamp>,
) -> Result<(AppPassword, Changes), ApiError> {
    let server = &visitor.server;
    let id = AppPasswordId::new(visitor.now, &mut *server.random());
    let made = AppPassword {
        id,
        realm: user.realm.clone(),
        user: user.id,
        digest: server.keys.app_password(text),
        sealed: seal(server, (&user.realm, &id), use_)?,
        created_at: visitor.now,
        expires_at,
        used_at: None,
    };
    // The user is written too: who is switched off at this moment gets none.
    let mut changes = Changes(vec![
        Change::User(user.clone()),
        AppPasswordChange::Added(made.clone()).into(),
        event(EventKind::AppPasswordAdded, &made).into(),
    ]);
    let notice = Notice::FactorAdded { what: Factor::AppPassword };
    server.tell_user(&*visitor.app()?, user, &notice, &mut changes).await?;
    Ok((made, changes))
}

/// End one of them: at once, everywhere.
#[utoipa::path(delete, path = "/v1/me/app-passwords/{id}", operation_id = "end_app_password", tag = "devices",
    params(("id" = String, Path, description = "The app password")), security(("session_cookie" = [])),
    responses((status = 204, description = "It is over")))]
pub async fn end(Person(visitor): Person, Named(id): Named) -> Result<Response, ApiError> {
    let id: AppPasswordId = id.parse().map_err(|_| ApiError::NotFound)?;
    let (server, user) = (&visitor.server, visitor.session.user);
    server
        .decide(|| async move {
            let all = server.store.app_passwords_of(user).await?;
            let found = all.iter().find(|one| one.id == id).ok_or(ApiError::NotFound)?;
            Ok(((), app_passwords::removed(server, found, server.now())))
        })
        .await?;
    Ok(nothing())
}

/// The apps of a realm that take app passwords, and that are opened by what is no more than a password.
pub(crate) fn takers_of_app_passwords(server: &Server, realm: &RealmName) -> Vec<Arc<App>> {
    let registry = server.registry.load_full();
    let reached = Methods::NONE.with(Method::Password).level();
    let takes = |app: &&Arc<App>| {
        app.is_home_in(realm)
            && app.forward_auth.accepts.has(Opener::AppPassword)
            && registry.least(app) <= reached
    };
    registry.apps().into_iter().filter(takes).cloned().collect()
}

/// Refuses apps that are not there, are of another realm, or take no app passwords; none, too many, or one twice.
fn check_apps(visitor: &Visitor, apps: &[String]) -> Result<(), ApiError> {
    let known = takers_of_app_passwords(&visitor.server, &visitor.session.realm);
    let takes = |name: &String| known.iter().any(|app| app.name.as_str() == name);
    let is_new = |(place, name): (usize, &String)| !apps[..place].contains(name);
    if !(1..=MOST_APPS).contains(&apps.len()) || !apps.iter().enumerate().all(is_new) {
        return Err(ApiError::invalid("apps", format!("expected 1 to {MOST_APPS} apps, each once")));
    }
    match apps.iter().all(takes) {
        true => Ok(()),
        false => Err(ApiError::invalid("apps", "expected apps that take app passwords")),
    }
}

fn ends_at(days: Option<i64>, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
    match days {
        None => Ok(None),
        Some(days) if (1..=LONGEST_LIFE).contains(&days) => Ok(Some(now + Span::from_hours(24 * days))),
        Some(_) => Err(ApiError::invalid("days", format!("expected 1 to {LONGEST_LIFE}"))),
    }
}
