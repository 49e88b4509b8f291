//! Realms: made, changed, removed while they are empty. Those of the configuration file are shown here and changed
//! there.

use std::sync::Arc;

use axum::{Router, extract::State, routing::get};
use countersign_domain::{
    changes::{Change, Changes},
    event::{Event, EventKind},
    id::UserId,
    realm::RealmName,
    stored_realm::StoredRealm,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{List, Operator, Page, catch_up, failed, invalid_setting, merge_patch};
use crate::{
    api::{Answer, answer, rfc3339},
    call::{Json, Named},
    config::RealmSettings,
    envelope,
    error::ApiError,
    registry::{read_app, read_realm},
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/realms", get(list).post(create))
        .route("/v1/admin/realms/{realm}", get(show).patch(change).delete(remove))
}

/// A realm with its settings, in the words of the configuration file.
#[derive(Debug, Serialize)]
pub struct RealmBody {
    /// Its settings; those that are absent have their defaults.
    #[serde(flatten)]
    pub settings: RealmSettings,
    /// Whether it comes from the configuration file, and is changed there.
    pub declared: bool,
    /// How many apps are in it.
    pub apps: usize,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
}

/// A realm that is gone.
#[derive(Debug, Serialize, ToSchema)]
pub struct RealmRemovedBody {
    /// Its former name.
    pub name: String,
    /// `removed`.
    pub outcome: &'static str,
}

/// Realms with their settings.
#[utoipa::path(get, path = "/v1/admin/realms", operation_id = "list_realms", tag = "realms",
    params(Page),
    responses((status = 200, description = "The realms", body = ref("#/components/schemas/List_RealmBody"))))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    operator: Operator,
    page: Page,
) -> Answer<List<RealmBody>> {
    let all = all(&server).await?;
    let theirs = all.into_iter().filter(|realm| is_theirs(realm, &operator));
    Ok(answer(StatusCode::OK, page.of(theirs, |realm| realm.settings.name.clone())))
}

/// One realm with its settings.
#[utoipa::path(get, path = "/v1/admin/realms/{realm}", operation_id = "show_realm", tag = "realms",
    params(("realm" = String, Path, description = "Its name")),
    responses((status = 200, description = "The realm", body = ref("#/components/schemas/RealmBody"))))]
pub(crate) async fn show(State(server): State<Arc<Server>>, Named(realm): Named) -> Answer<RealmBody> {
    Ok(answer(StatusCode::OK, body_of(&server, &realm).await?))
}

/// Make a realm.
#[utoipa::path(post, path = "/v1/admin/realms", operation_id = "create_realm", tag = "realms",
    request_body = ref("#/components/schemas/RealmSettings"),
    responses((status = 201, description = "The realm", body = ref("#/components/schemas/RealmBody"))))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Json(settings, _): Json<RealmSettings>,
) -> Answer<RealmBody> {
    operator.of_all_realms()?;
    let name = check(&settings)?;
    if is_declared(&server, &name) {
        return Err(ApiError::Declared);
    }
    let (this, name, settings) = (&server, &name, &settings);
    server
        .decide(|| async move {
            if stored(this, name).await?.is_some() {
                return Err(ApiError::AlreadyExists("realm"));
            }
            let fresh = write(fresh(this, name), settings)?;
            Ok(((), told(EventKind::RealmCreated, name, Change::Realm(fresh))))
        })
        .await?;
    catch_up(&server).await?;
    // What is its people's is sealed with a key of its own, from the first of them on.
    envelope::ensure(&server).await.map_err(failed)?;
    Ok(answer(StatusCode::CREATED, body_of(&server, name.as_str()).await?))
}

/// Change a realm by a JSON Merge Patch (RFC 7396): members that are given replace, `null` brings a default back.
#[utoipa::path(patch, path = "/v1/admin/realms/{realm}", operation_id = "change_realm", tag = "realms",
    request_body = ref("#/components/schemas/RealmPatch"),
    params(("realm" = String, Path, description = "Its name")),
    responses((status = 200, description = "The realm", body = ref("#/components/schemas/RealmBody"))))]
pub(crate) async fn change(
    State(server): State<Arc<Server>>,
    Named(realm): Named,
    Json(patch, _): Json<serde_json::Map<String, serde_json::Value>>,
) -> Answer<RealmBody> {
    let name: RealmName = realm.parse().map_err(|_| ApiError::NotFound)?;
    if is_declared(&server, &name) {
        return Err(ApiError::Declared);
    }
    let (this, name, patch) = (&server, &name, &patch);
    server
        .decide(|| async move {
            let row = match stored(this, name).await? {
                Some(row) => row,
                // It is there without being made, until somebody changes it.
                None if name.is_default() => fresh(this, name),
                None => return Err(ApiError::NotFound),
            };
            let settings: RealmSettings = merge_patch(&read(&row), patch)?;
            if check(&settings)? != *name {
                return Err(ApiError::invalid("name", "a realm keeps its name: its people are found by it"));
            }
            Ok(((), told(EventKind::RealmChanged, name, Change::Realm(write(row, &settings)?))))
        })
        .await?;
    catch_up(&server).await?;
    Ok(answer(StatusCode::OK, body_of(&server, name.as_str()).await?))
}

/// Remove a realm that has neither apps nor users, with its admin keys and invitations.
#[utoipa::path(delete, path = "/v1/admin/realms/{realm}", operation_id = "remove_realm", tag = "realms",
    params(("realm" = String, Path, description = "Its name")),
    responses((status = 200, description = "It is gone", body = RealmRemovedBody)))]
pub(crate) async fn remove(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Named(realm): Named,
) -> Answer<RealmRemovedBody> {
    operator.of_all_realms()?;
    let name: RealmName = realm.parse().map_err(|_| ApiError::NotFound)?;
    if is_declared(&server, &name) {
        return Err(ApiError::Declared);
    }
    if name.is_default() {
        return Err(ApiError::InUse("the realm default is always there"));
    }
    let (this, name) = (&server, &name);
    server
        .decide(|| async move {
            let row = stored(this, name).await?.ok_or(ApiError::NotFound)?;
            if apps_of(this, name.as_str()) > 0 || has_stored_apps(this, name).await? {
                return Err(ApiError::InUse("the realm has apps"));
            }
            if !this.store.users_after(name, UserId::from_bytes([0; 16]), 1).await?.is_empty() {
                return Err(ApiError::InUse("the realm has users"));
            }
            Ok(((), told(EventKind::RealmRemoved, name, Change::RealmRemoved(name.clone(), row.version))))
        })
        .await?;
    catch_up(&server).await?;
    Ok(answer(StatusCode::OK, RealmRemovedBody { name: name.to_string(), outcome: "removed" }))
}

fn told(kind: EventKind, realm: &RealmName, change: Change) -> Changes {
    Changes(vec![change, Event::new(kind).within(realm).into()])
}

/// What keeps a realm from being removed while something is put into it: its row is written along. `None` when there
/// is no such realm.
///
/// # Errors
/// The store's.
pub(super) async fn hold(server: &Server, name: &RealmName) -> Result<Option<Changes>, ApiError> {
    if let Some(row) = stored(server, name).await? {
        return Ok(Some(Changes(vec![Change::Realm(row)])));
    }
    let is_there = name.is_default() || is_declared(server, name);
    Ok(is_there.then(Changes::default))
}

/// The refusal of a realm that is not there.
pub(super) fn unknown() -> ApiError {
    ApiError::invalid("realm", "no realm of this name is declared")
}

fn is_theirs(realm: &RealmBody, operator: &Operator) -> bool {
    operator.realm().is_none_or(|own| own.as_str() == realm.settings.name)
}

fn is_declared(server: &Server, name: &RealmName) -> bool {
    server.config.load().realms.iter().any(|realm| realm.name == name.as_str())
}

async fn stored(server: &Server, name: &RealmName) -> Result<Option<StoredRealm>, ApiError> {
    Ok(server.store.realms().await?.good.into_iter().find(|realm| realm.name == *name))
}

fn fresh(server: &Server, name: &RealmName) -> StoredRealm {
    StoredRealm { name: name.clone(), settings: String::new(), created_at: server.now(), version: 0 }
}

/// The name of a realm whose settings are good.
fn check(settings: &RealmSettings) -> Result<RealmName, ApiError> {
    settings.realm().map(|realm| realm.name).map_err(|error| invalid_setting(&error.0))
}

fn read(row: &StoredRealm) -> RealmSettings {
    serde_json::from_str(&row.settings)
        .unwrap_or_else(|_| RealmSettings { name: row.name.to_string(), ..RealmSettings::default() })
}

fn write(row: StoredRealm, settings: &RealmSettings) -> Result<StoredRealm, ApiError> {
    let settings = serde_json::to_string(settings).map_err(|_| ApiError::Internal)?;
    let row = StoredRealm { settings, ..row };
    // What is written must be what the next start reads.
    read_realm(&row).map_err(|_| ApiError::Internal)?;
    Ok(row)
}

fn apps_of(server: &Server, realm: &str) -> usize {
    server.registry.load().apps().into_iter().filter(|app| app.realm.as_str() == realm).count()
}

/// Whether the store has an app of the realm, which this node may not know by heart yet. Asked after the realm's row was
/// read: whoever makes an app in it later writes that row.
async fn has_stored_apps(server: &Server, realm: &RealmName) -> Result<bool, ApiError> {
    let apps = server.store.apps().await?.good;
    let registry = server.registry.load();
    let of_store = apps.iter().filter(|app| !registry.is_declared(&app.name));
    Ok(of_store.filter_map(|app| read_app(app).ok()).any(|app| app.realm == *realm))
}

/// A realm with its settings.
///
/// # Errors
/// [`ApiError::NotFound`]; the store's.
pub(super) async fn body_of(server: &Server, name: &str) -> Result<RealmBody, ApiError> {
    let found = all(server).await?.into_iter().find(|realm| realm.settings.name == name);
    found.ok_or(ApiError::NotFound)
}

/// Every realm by name, the file's in place of stored ones of the same name, and `default` in any case.
async fn all(server: &Server) -> Result<Vec<RealmBody>, ApiError> {
    let declared = server.config.load().realms.clone();
    let rows = server.store.realms().await?.good;
    let body = |settings: RealmSettings, declared, created_at| RealmBody {
        apps: apps_of(server, &settings.name),
        settings,
        declared,
        created_at,
    };
    let mut realms: Vec<RealmBody> = rows
        .iter()
        .filter(|row| declared.iter().all(|other| other.name != row.name.as_str()))
        .map(|row| body(read(row), false, Some(rfc3339(row.created_at))))
        .collect();
    realms.extend(declared.into_iter().map(|settings| body(settings, true, None)));
    if realms.iter().all(|realm| realm.settings.name != RealmName::DEFAULT) {
        let settings = RealmSettings { name: RealmName::DEFAULT.to_owned(), ..RealmSettings::default() };
        realms.push(body(settings, false, None));
    }
    realms.sort_by(|one, other| one.settings.name.cmp(&other.settings.name));
    Ok(realms)
}
