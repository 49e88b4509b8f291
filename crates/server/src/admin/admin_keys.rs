//! Admin keys: made and shown once, listed without their text, ended. A key of one realm makes keys of that realm, and
//! none makes a key that may do more, or lasts longer, than itself.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use countersign_domain::{
    admin_key::{AdminKey, AdminKeyText, AdminScope, AdminScopes},
    changes::{Change, Changes},
    event::{Event, EventKind},
    id::AdminKeyId,
    realm::RealmName,
    time::Timestamp,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    List, Operator, Page, catch_up, failed,
    keys::{Ending, check_label},
    realms,
};
use crate::{
    api::{Answer, answer, rfc3339},
    call::{Json, Named},
    error::ApiError,
    maintenance,
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/admin-keys", get(list).post(create))
        .route("/v1/admin/admin-keys/{id}/revoke", post(revoke))
}

/// The key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateAdminKeyBody {
    /// What it may do: `read`, `users`, `apps`, `keys`, `all`; at least one.
    scopes: Vec<String>,
    /// The realm that it administers; absent for all of them, or for that of the key that asks.
    #[serde(default)]
    realm: Option<String>,
    /// What it is called in lists: up to 100 characters.
    #[serde(default)]
    label: String,
    /// When it ends, if it does (RFC 3339): not later than the key that asks, and with it where this is absent.
    #[serde(default)]
    expires_at: Option<String>,
    /// The same in days from now: 1 to 3650.
    #[serde(default)]
    expires_in_days: Option<u32>,
}

/// An admin key, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminKeyBody {
    /// Names it without giving it away.
    pub id: String,
    /// The realm that it administers; absent for all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// What it is called.
    pub label: String,
    /// Whether it opens anything now.
    pub valid: bool,
    /// When it was made.
    pub created_at: String,
    /// When it ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// When it was last used, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<String>,
    /// When it was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<String>,
    /// The key itself. Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// Admin keys, without their text.
#[utoipa::path(get, path = "/v1/admin/admin-keys", operation_id = "list_admin_keys", tag = "admin keys",
    params(Page),
    responses((status = 200, description = "The keys", body = List<AdminKeyBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    operator: Operator,
    page: Page,
) -> Answer<List<AdminKeyBody>> {
    // Brings the times of last use along.
    maintenance::reload(&server).await.map_err(failed)?;
    let now = server.now();
    let registry = server.registry.load();
    let keys = registry.admin_keys().into_iter().filter(|key| is_theirs(key, &operator));
    Ok(answer(StatusCode::OK, page.of(keys.map(|key| body_of(key, now)), |key| key.id.clone())))
}

/// Make an admin key.
#[utoipa::path(post, path = "/v1/admin/admin-keys", operation_id = "create_admin_key", tag = "admin keys",
    request_body = CreateAdminKeyBody,
    responses((status = 201, description = "The key, shown once", body = AdminKeyBody)))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Json(body, _): Json<CreateAdminKeyBody>,
) -> Answer<AdminKeyBody> {
    let realm = match (&body.realm, operator.realm()) {
        (None, own) => own.cloned(),
        (Some(name), _) => Some(operator.choose(Some(name))?),
    };
    check_label(&body.label)?;
    let now = server.now();
    let ending = Ending { expires_at: body.expires_at.as_deref(), expires_in_days: body.expires_in_days };
    let mut random = server.random();
    let text = AdminKeyText::draw(&mut *random);
    let key = AdminKey {
        id: AdminKeyId::new(now, &mut *random),
        realm,
        scopes: within_scopes(&operator, scopes(&body.scopes)?)?,
        digest: server.keys.admin_key(&text),
        label: body.label.clone(),
        created_at: now,
        expires_at: within_life(&operator, ending.read(now)?)?,
        revoked_at: None,
        last_used_at: None,
    };
    let (this, row) = (&server, &key);
    server
        .decide(|| async move {
            let mut changes = Changes(vec![Change::AdminKeyAdded(row.clone())]);
            if let Some(realm) = &row.realm {
                changes.extend(realms::hold(this, realm).await?.ok_or_else(realms::unknown)?);
            }
            changes.push(told(EventKind::AdminKeyCreated, row).into());
            Ok(((), changes))
        })
        .await?;
    catch_up(&server).await?;
    let body = AdminKeyBody { key: Some(text.expose().to_owned()), ..body_of(&key, now) };
    Ok(answer(StatusCode::CREATED, body))
}

/// End an admin key. Ending it again changes nothing.
#[utoipa::path(post, path = "/v1/admin/admin-keys/{id}/revoke", operation_id = "revoke_admin_key", tag = "admin keys",
    params(("id" = String, Path, description = "The key")),
    responses((status = 200, description = "The key", body = AdminKeyBody)))]
pub(crate) async fn revoke(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Named(id): Named,
) -> Answer<AdminKeyBody> {
    let id: AdminKeyId = id.parse().map_err(|_| ApiError::NotFound)?;
    let (this, operator) = (&server, &operator);
    let key = server
        .decide(|| async move {
            let keys = this.store.admin_keys().await?.good;
            let mut key = keys.into_iter().find(|key| key.id == id).ok_or(ApiError::NotFound)?;
            if !is_theirs(&key, operator) {
                return Err(ApiError::NotFound);
            }
            if key.revoked_at.is_some() {
                return Ok((key, Changes::default()));
            }
            let now = this.now();
            key.revoked_at = Some(now);
            let told = told(EventKind::AdminKeyRevoked, &key).into();
            Ok((key, Changes(vec![Change::AdminKeyRevoked(id, now), told])))
        })
        .await?;
    catch_up(&server).await?;
    Ok(answer(StatusCode::OK, body_of(&key, server.now())))
}

fn told(kind: EventKind, key: &AdminKey) -> Event {
    let event = Event::new(kind).on(&key.id.to_string());
    Event { realm: key.realm.clone(), ..event }
}

fn scopes(names: &[String]) -> Result<AdminScopes, ApiError> {
    let read: Result<Vec<AdminScope>, _> = names.iter().map(|name| name.parse()).collect();
    read.and_then(AdminScopes::new).map_err(|error| ApiError::invalid("scopes", error.to_string()))
}

/// No key makes one that may do what it may not.
fn within_scopes(operator: &Operator, scopes: AdminScopes) -> Result<AdminScopes, ApiError> {
    let missing = scopes.iter().find(|scope| !operator.allows(*scope));
    missing.map_or(Ok(scopes), |scope| Err(ApiError::ScopeNeeded(scope.name())))
}

/// No key makes one that outlives it: whoever has it for a while would have it for ever.
fn within_life(operator: &Operator, wanted: Option<Timestamp>) -> Result<Option<Timestamp>, ApiError> {
    let Operator::Key(maker) = operator else { return Ok(wanted) };
    match (wanted, maker.expires_at) {
        (Some(wanted), Some(end)) if wanted > end => {
            let what = format!("the key that asks ends at {}: expected that or earlier", rfc3339(end));
            Err(ApiError::invalid("expires_at", what))
        }
        (wanted, end) => Ok(wanted.or(end)),
    }
}

/// A key of all realms is no realm's.
fn is_theirs(key: &AdminKey, operator: &Operator) -> bool {
    operator.realm().is_none_or(|own| key.realm.as_ref() == Some(own))
}

fn body_of(key: &AdminKey, now: Timestamp) -> AdminKeyBody {
    AdminKeyBody {
        id: key.id.to_string(),
        realm: key.realm.as_ref().map(RealmName::to_string),
        scopes: key.scopes.iter().map(AdminScope::name).collect(),
        label: key.label.clone(),
        valid: key.is_valid(now),
        created_at: rfc3339(key.created_at),
        expires_at: key.expires_at.map(rfc3339),
        last_used_at: key.last_used_at.map(rfc3339),
        revoked_at: key.revoked_at.map(rfc3339),
        key: None,
    }
}
