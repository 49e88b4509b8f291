//! Apps: made, changed, switched off. Those of the configuration file are shown here and changed there.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use countersign_domain::{
    admin_key::AdminScope,
    app::{App, AppName},
    changes::{Change, Changes},
    event::{Event, EventKind},
    realm::RealmName,
    signing_key::Owner,
    stored_app::StoredApp,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    List, Operator, Page, catch_up, failed, find_app, invalid_setting, merge_patch, realms, shown,
    signing::acceptance,
};
use crate::{
    api::{Answer, answer, rfc3339},
    call::{Json, Named},
    config::AppSettings,
    error::ApiError,
    maintenance::{self, Private},
    registry::read_app,
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/apps", get(list).post(create))
        .route("/v1/admin/apps/{app}", get(show).patch(change).put(replace))
        .route("/v1/admin/apps/{app}/disable", post(disable))
        .route("/v1/admin/apps/{app}/enable", post(enable))
        .route("/v1/admin/apps/{app}/token-secret", post(token_secret))
}

/// An app with its settings, in the words of the configuration file.
#[derive(Debug, Serialize)]
pub struct AppBody {
    /// Its settings; those that are absent have their defaults.
    #[serde(flatten)]
    pub settings: AppSettings,
    /// Whether it comes from the configuration file, and is changed there.
    pub declared: bool,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// The secret that its HS256 tokens are checked with, in base64url. Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_secret: Option<String>,
}

/// A secret that was made for an app's tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenSecretBody {
    /// Base64url, as the `k` of a JWK. Shown once.
    pub token_secret: String,
    /// Until when tokens of the former secret are accepted.
    pub former_accepted_until: String,
}

/// Apps with their settings.
#[utoipa::path(get, path = "/v1/admin/apps", operation_id = "list_apps", tag = "apps",
    params(Page),
    responses((status = 200, description = "The apps", body = ref("#/components/schemas/List_AppBody"))))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    operator: Operator,
    page: Page,
) -> Answer<List<AppBody>> {
    let all = all(&server).await?.into_iter().filter(|app| is_theirs(&app.settings, &operator));
    Ok(answer(StatusCode::OK, page.of(all, |app| app.settings.name.clone())))
}

/// One app with its settings.
#[utoipa::path(get, path = "/v1/admin/apps/{app}", operation_id = "show_app", tag = "apps",
    params(("app" = String, Path, description = "Its name")),
    responses((status = 200, description = "The app", body = ref("#/components/schemas/AppBody"))))]
pub(crate) async fn show(State(server): State<Arc<Server>>, Named(app): Named) -> Answer<AppBody> {
    Ok(answer(StatusCode::OK, body_of(&server, &app, None).await?))
}

/// Make an app.
#[utoipa::path(post, path = "/v1/admin/apps", operation_id = "create_app", tag = "apps",
    request_body = ref("#/components/schemas/AppSettings"),
    responses((status = 201, description = "The app", body = ref("#/components/schemas/AppBody"))))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Json(settings, _): Json<AppSettings>,
) -> Answer<AppBody> {
    let settings = at_home(settings, &operator);
    let name = check(&server, &operator, &settings)?;
    if server.registry.load().is_declared(&name) {
        return Err(ApiError::Declared);
    }
    let (this, name, settings) = (&server, &name, &settings);
    let secret = server
        .decide(|| async move {
            if this.store.apps().await?.good.iter().any(|app| app.name == *name) {
                return Err(ApiError::AlreadyExists("app"));
            }
            let created_at = this.now();
            let fresh = StoredApp {
                name: name.clone(),
                settings: String::new(),
                disabled: false,
                created_at,
                version: 0,
            };
            let (secret, mut changes) = save(this, write(fresh, settings.clone())?, settings).await?;
            changes.push(told(EventKind::AppCreated, name, settings)?.into());
            Ok((secret, changes))
        })
        .await?;
    settle(&server).await?;
    Ok(answer(StatusCode::CREATED, body_of(&server, name.as_str(), secret).await?))
}

/// Change an app by a JSON Merge Patch (RFC 7396): members that are given replace, `null` brings a default back.
#[utoipa::path(patch, path = "/v1/admin/apps/{app}", operation_id = "change_app", tag = "apps",
    request_body = ref("#/components/schemas/AppPatch"),
    params(("app" = String, Path, description = "Its name")),
    responses((status = 200, description = "The app", body = ref("#/components/schemas/AppBody"))))]
pub(crate) async fn change(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Named(app): Named,
    Json(patch, _): Json<serde_json::Map<String, serde_json::Value>>,
) -> Answer<AppBody> {
    edit_app(&server, &operator, &app, &|settings| merge_patch(&settings, &patch)).await
}

/// Replace all settings of an app.
#[utoipa::path(put, path = "/v1/admin/apps/{app}", operation_id = "replace_app", tag = "apps",
    request_body = ref("#/components/schemas/AppSettings"),
    params(("app" = String, Path, description = "Its name")),
    responses((status = 200, description = "The app", body = ref("#/components/schemas/AppBody"))))]
pub(crate) async fn replace(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Named(app): Named,
    Json(settings, _): Json<AppSettings>,
) -> Answer<AppBody> {
    edit_app(&server, &operator, &app, &|_| Ok(settings.clone())).await
}

/// Switch an app off: it starts nothing, its keys and tokens are refused.
#[utoipa::path(post, path = "/v1/admin/apps/{app}/disable", operation_id = "disable_app", tag = "apps",
    params(("app" = String, Path, description = "Its name")),
    responses((status = 200, description = "The app", body = ref("#/components/schemas/AppBody"))))]
pub(crate) async fn disable(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Named(app): Named,
) -> Answer<AppBody> {
    edit_app(&server, &operator, &app, &|settings| Ok(AppSettings { disabled: true, ..settings })).await
}

/// Switch an app on again.
#[utoipa::path(post, path = "/v1/admin/apps/{app}/enable", operation_id = "enable_app", tag = "apps",
    params(("app" = String, Path, description = "Its name")),
    responses((status = 200, description = "The app", body = ref("#/components/schemas/AppBody"))))]
pub(crate) async fn enable(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Named(app): Named,
) -> Answer<AppBody> {
    edit_app(&server, &operator, &app, &|settings| Ok(AppSettings { disabled: false, ..settings })).await
}

/// How the former secret ends.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceSecretBody {
    /// For how many seconds more tokens of the former secret are accepted: as long as a token lives by default, 0 to
    /// refuse all of them at once.
    #[serde(default)]
    accept_seconds: Option<u32>,
}

/// Make a new shared secret for an app; tokens of the former one are accepted until the last of them is over, unless it is asked
/// otherwise.
#[utoipa::path(post, path = "/v1/admin/apps/{app}/token-secret", operation_id = "replace_token_secret", tag = "apps",
    request_body = Option<ReplaceSecretBody>,
    params(("app" = String, Path, description = "Its name")),
    responses((status = 201, description = "The secret, shown once", body = TokenSecretBody)))]
pub(crate) async fn token_secret(
    State(server): State<Arc<Server>>,
    Named(app): Named,
    body: Option<Json<ReplaceSecretBody>>,
) -> Answer<TokenSecretBody> {
    let app = find_app(&server, &app)?;
    let algorithm = app.token.algorithm;
    if !algorithm.is_symmetric() {
        return Err(ApiError::invalid(
            "app",
            "its tokens are not signed with a shared secret: token_algorithm is not HS256",
        ));
    }
    let asked = body.map(|Json(body, _)| body).unwrap_or_default();
    let accept = acceptance(asked.accept_seconds, app.token.lifetime)?;
    let until = server.now() + accept;
    let made = maintenance::replace_key(&server, (Owner::App(app.name.clone()), algorithm), accept).await;
    let secret = made.map_err(failed)?.ok_or(ApiError::Unavailable)?;
    let body = TokenSecretBody { token_secret: shown(&secret), former_accepted_until: rfc3339(until) };
    Ok(answer(StatusCode::CREATED, body))
}

type Edit<'a> = &'a (dyn Fn(AppSettings) -> Result<AppSettings, ApiError> + Send + Sync);

async fn edit_app(server: &Arc<Server>, operator: &Operator, app: &str, edit: Edit<'_>) -> Answer<AppBody> {
    let name: AppName = app.parse().map_err(|_| ApiError::NotFound)?;
    if server.registry.load().is_declared(&name) {
        return Err(ApiError::Declared);
    }
    let name = &name;
    let secret = server
        .decide(|| async move {
            let stored = server.store.apps().await?.good.into_iter().find(|stored| stored.name == *name);
            let stored = stored.ok_or(ApiError::NotFound)?;
            let settings = at_home(edit(read(&stored))?, operator);
            if check(server, operator, &settings)? != *name {
                return Err(ApiError::invalid("name", "an app keeps its name: subjects are derived from it"));
            }
            let kind = match (stored.disabled, settings.disabled) {
                (false, true) => EventKind::AppDisabled,
                (true, false) => EventKind::AppEnabled,
                _ => EventKind::AppChanged,
            };
            let (secret, mut changes) = save(server, write(stored, settings.clone())?, &settings).await?;
            changes.push(told(kind, name, &settings)?.into());
            Ok((secret, changes))
        })
        .await?;
    settle(server).await?;
    Ok(answer(StatusCode::OK, body_of(server, name.as_str(), secret).await?))
}

/// What happened to an app, in the realm that it is in from now on.
fn told(kind: EventKind, name: &AppName, settings: &AppSettings) -> Result<Event, ApiError> {
    let app = settings.app().map_err(|error| invalid_setting(&error.0))?;
    Ok(Event::new(kind).at(name).within(&app.realm))
}

/// Settings that name no realm, by who has one only.
fn at_home(settings: AppSettings, operator: &Operator) -> AppSettings {
    let realm = settings.realm.clone().or_else(|| operator.realm().map(ToString::to_string));
    AppSettings { realm, ..settings }
}

fn is_theirs(settings: &AppSettings, operator: &Operator) -> bool {
    let realm = settings.realm.as_deref().unwrap_or(RealmName::DEFAULT);
    operator.realm().is_none_or(|own| own.as_str() == realm)
}

/// The name of an app whose settings are good.
fn check(server: &Server, operator: &Operator, settings: &AppSettings) -> Result<AppName, ApiError> {
    if !settings.keys.is_empty() {
        return Err(ApiError::invalid("keys", "make API keys at /v1/admin/apps/{app}/keys"));
    }
    let app = settings.app().map_err(|error| invalid_setting(&error.0))?;
    if !operator.covers(&app.realm) {
        return Err(unknown_realm());
    }
    let makes_secret = app.token.algorithm.is_symmetric()
        && server.key_ring.load().newest(&Owner::App(app.name.clone()), app.token.algorithm).is_none();
    // The answer would show it.
    if makes_secret && !operator.allows(AdminScope::Keys) {
        return Err(ApiError::ScopeNeeded(AdminScope::Keys.name()));
    }
    let renderer = server.renderer.load();
    match app.mail.locale {
        Some(tag) if !renderer.catalog().knows(app.name.as_str(), &tag) => {
            Err(ApiError::invalid("locale", format!("there are no texts in {tag}")))
        }
        _ => Ok(app.name),
    }
}

fn unknown_realm() -> ApiError {
    invalid_setting("realm: no realm of this name is declared")
}

/// Nothing crosses realms: no app takes tokens that were made for one of another realm. The store is asked too: another
/// node may have made one a moment ago.
async fn check_audience(server: &Server, app: &App) -> Result<(), ApiError> {
    let stored = server.store.apps().await?.good;
    let registry = server.registry.load();
    let of_store = stored.iter().filter(|other| !registry.is_declared(&other.name));
    let of_store = of_store.filter_map(|other| read_app(other).ok()).map(Arc::new);
    let mut others = registry.apps().into_iter().cloned().chain(of_store);
    match others.find(|other| other.name != app.name && other.crosses_realms_with(app)) {
        // Whose it is is not told: it may be in a realm that is not the operator's.
        Some(_) => Err(invalid_setting("audience: an app of another realm has it")),
        None => Ok(()),
    }
}

fn read(stored: &StoredApp) -> AppSettings {
    let settings = serde_json::from_str(&stored.settings)
        .unwrap_or_else(|_| AppSettings { name: stored.name.to_string(), ..AppSettings::default() });
    AppSettings { disabled: stored.disabled, ..settings }
}

fn write(stored: StoredApp, settings: AppSettings) -> Result<StoredApp, ApiError> {
    // Whether it is switched off has a column of its own, and is said there alone.
    let disabled = settings.disabled;
    let settings = serde_json::to_string(&AppSettings { disabled: false, ..settings });
    Ok(StoredApp { settings: settings.map_err(|_| ApiError::Internal)?, disabled, ..stored })
}

/// Everything that is written with an app: its realm, so that it is not removed at the same moment, and its secret.
async fn save(
    server: &Server,
    app: StoredApp,
    settings: &AppSettings,
) -> Result<(Option<Private>, Changes), ApiError> {
    let wanted = settings.app().map_err(|error| invalid_setting(&error.0))?;
    check_audience(server, &wanted).await?;
    let mut changes = realms::hold(server, &wanted.realm).await?.ok_or_else(unknown_realm)?;
    let (secret, more) = with_secret(server, app, settings).await?;
    changes.extend(more);
    Ok((secret, changes))
}

/// An app and, where its tokens need a secret that nobody made yet, that secret: one commit, for whoever made it in
/// between could not show it to the operator.
async fn with_secret(
    server: &Server,
    app: StoredApp,
    settings: &AppSettings,
) -> Result<(Option<Private>, Changes), ApiError> {
    let algorithm = settings.app().map_err(|error| invalid_setting(&error.0))?.token.algorithm;
    let owner = Owner::App(app.name.clone());
    let mut changes = vec![Change::App(app)];
    if !algorithm.is_symmetric() || server.key_ring.load().newest(&owner, algorithm).is_some() {
        return Ok((None, Changes(changes)));
    }
    let generation = server.key_ring.load().next_generation(&owner, algorithm);
    let made = maintenance::make_key(server, (owner, algorithm), generation, server.now()).await;
    let (stored, secret) = made.map_err(failed)?;
    changes.push(Change::SigningKey(stored));
    Ok((Some(secret), Changes(changes)))
}

/// Takes a changed app over and makes the signing keys that are missing.
async fn settle(server: &Arc<Server>) -> Result<(), ApiError> {
    catch_up(server).await?;
    maintenance::rotate(server).await.map_err(failed)
}

async fn body_of(server: &Server, name: &str, secret: Option<Private>) -> Result<AppBody, ApiError> {
    let found = all(server).await?.into_iter().find(|app| app.settings.name == name);
    let token_secret = secret.as_ref().map(shown);
    Ok(AppBody { token_secret, ..found.ok_or(ApiError::NotFound)? })
}

/// Every app by name, the file's in place of stored ones of the same name, without the file's keys.
async fn all(server: &Server) -> Result<Vec<AppBody>, ApiError> {
    let declared = server.config.load().apps.clone();
    let stored = server.store.apps().await?.good;
    let stored = stored.iter().filter(|app| declared.iter().all(|other| other.name != app.name.as_str()));
    let body =
        |settings, declared, created_at| AppBody { settings, declared, created_at, token_secret: None };
    let mut apps: Vec<AppBody> =
        stored.map(|app| body(read(app), false, Some(rfc3339(app.created_at)))).collect();
    let keyless = declared.into_iter().map(|settings| AppSettings { keys: Vec::new(), ..settings });
    apps.extend(keyless.map(|settings| body(settings, true, None)));
    apps.sort_by(|one, other| one.settings.name.cmp(&other.settings.name));
    Ok(apps)
}
