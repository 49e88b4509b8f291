//! API keys: made and shown once, listed without their text, ended. Keys of the configuration file end there.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use countersign_domain::{
    api_key::{ApiKey, ApiKeyKind, ApiKeyText},
    changes::{Change, Changes},
    event::{Event, EventKind},
    id::ApiKeyId,
    time::{Span, Timestamp},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{List, Page, catch_up, failed, find_app};
use crate::{
    api::{Answer, answer, rfc3339},
    call::{Json, Named},
    error::ApiError,
    maintenance,
    state::Server,
};

/// Longest life that can be given in days.
const MOST_DAYS: u32 = 3650;

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/apps/{app}/keys", get(list).post(create))
        .route("/v1/admin/keys/{id}/revoke", post(revoke))
}

/// The key that is wanted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateKeyBody {
    /// For the app's server, or for its pages.
    kind: KindName,
    /// What it is called in lists: up to 100 characters.
    #[serde(default)]
    label: String,
    /// When it ends, if it does (RFC 3339).
    #[serde(default)]
    expires_at: Option<String>,
    /// The same in days from now: 1 to 3650.
    #[serde(default)]
    expires_in_days: Option<u32>,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KindName {
    /// The app's server.
    Secret,
    /// The app's pages.
    Publishable,
    /// A reverse proxy before the app's service.
    Proxy,
}

/// A key, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyBody {
    /// Names it without giving it away.
    pub id: String,
    /// Whose it is.
    pub app: String,
    /// `secret` or `publishable`.
    pub kind: &'static str,
    /// What it is called.
    pub label: String,
    /// Whether it comes from the configuration file, and ends there.
    pub declared: bool,
    /// Whether it opens anything now.
    pub valid: bool,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
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

/// Make an API key.
#[utoipa::path(post, path = "/v1/admin/apps/{app}/keys", operation_id = "create_key", tag = "keys",
    request_body = CreateKeyBody,
    params(("app" = String, Path, description = "Whose")),
    responses((status = 201, description = "The key, shown once", body = KeyBody)))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    Named(app): Named,
    Json(body, _): Json<CreateKeyBody>,
) -> Answer<KeyBody> {
    let app = find_app(&server, &app)?;
    check_label(&body.label)?;
    let ending = Ending { expires_at: body.expires_at.as_deref(), expires_in_days: body.expires_in_days };
    let now = server.now();
    let kind = match body.kind {
        KindName::Secret => ApiKeyKind::Secret,
        KindName::Publishable => ApiKeyKind::Publishable,
        KindName::Proxy => ApiKeyKind::Proxy,
    };
    let mut random = server.random();
    let text = ApiKeyText::draw(kind, &mut *random);
    let key = ApiKey {
        id: ApiKeyId::new(now, &mut *random),
        app: app.name.clone(),
        kind,
        digest: server.keys.api_key(&text),
        label: body.label.clone(),
        created_at: now,
        expires_at: ending.read(now)?,
        revoked_at: None,
        last_used_at: None,
    };
    let row = &key;
    server
        .decide(|| async move {
            Ok((
                (),
                Changes(vec![Change::ApiKeyAdded(row.clone()), told(EventKind::ApiKeyCreated, row).into()]),
            ))
        })
        .await?;
    catch_up(&server).await?;
    let body = KeyBody { key: Some(text.expose().to_owned()), ..body_of(&key, now) };
    Ok(answer(StatusCode::CREATED, body))
}

/// API keys of an app, without their text.
#[utoipa::path(get, path = "/v1/admin/apps/{app}/keys", operation_id = "list_keys", tag = "keys",
    params(("app" = String, Path, description = "Whose"), Page),
    responses((status = 200, description = "The keys", body = List<KeyBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    Named(app): Named,
    page: Page,
) -> Answer<List<KeyBody>> {
    let app = find_app(&server, &app)?;
    // Brings the times of last use along.
    maintenance::reload(&server).await.map_err(failed)?;
    let now = server.now();
    let registry = server.registry.load();
    let keys = registry.keys_of(&app.name).into_iter().map(|key| body_of(key, now));
    Ok(answer(StatusCode::OK, page.of(keys, |key| key.id.clone())))
}

/// End an API key. Ending it again changes nothing.
#[utoipa::path(post, path = "/v1/admin/keys/{id}/revoke", operation_id = "revoke_key", tag = "keys",
    params(("id" = String, Path, description = "The key")),
    responses((status = 200, description = "The key", body = KeyBody)))]
pub(crate) async fn revoke(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<KeyBody> {
    let id: ApiKeyId = id.parse().map_err(|_| ApiError::NotFound)?;
    let this = &server;
    let declared = server.registry.load().key_by_id(id).is_some_and(|key| is_declared(key));
    if declared {
        return Err(ApiError::Declared);
    }
    let key = server
        .decide(|| async move {
            let keys = this.store.api_keys().await?.good;
            let mut key = keys.into_iter().find(|key| key.id == id).ok_or(ApiError::NotFound)?;
            if key.revoked_at.is_some() {
                return Ok((key, Changes::default()));
            }
            let now = this.now();
            key.revoked_at = Some(now);
            let told = told(EventKind::ApiKeyRevoked, &key);
            Ok((key, Changes(vec![Change::ApiKeyRevoked(id, now), told.into()])))
        })
        .await?;
    catch_up(&server).await?;
    Ok(answer(StatusCode::OK, body_of(&key, server.now())))
}

fn told(kind: EventKind, key: &ApiKey) -> Event {
    Event::new(kind).at(&key.app).on(&key.id.to_string()).by_method(key.kind.name())
}

/// Whether a key can be called so.
pub(super) fn check_label(label: &str) -> Result<(), ApiError> {
    let is_good = label.chars().count() <= 100 && !label.chars().any(char::is_control);
    if is_good { Ok(()) } else { Err(ApiError::invalid("label", "at most 100 characters, no line breaks")) }
}

/// How a key's end is asked for.
pub(super) struct Ending<'a> {
    /// As a time (RFC 3339).
    pub(super) expires_at: Option<&'a str>,
    /// In days from now.
    pub(super) expires_in_days: Option<u32>,
}

impl Ending<'_> {
    /// When it ends, if it does.
    pub(super) fn read(&self, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        match (self.expires_at, self.expires_in_days) {
            (None, None) => Ok(None),
            (Some(text), None) => {
                let moment: jiff::Timestamp = text.parse().map_err(|_| {
                    ApiError::invalid("expires_at", "expected a time such as 2027-01-31T12:00:00Z")
                })?;
                let end = Timestamp::from_millis(moment.as_millisecond());
                if end > now {
                    Ok(Some(end))
                } else {
                    Err(ApiError::invalid("expires_at", "it is over already"))
                }
            }
            (None, Some(days)) if (1..=MOST_DAYS).contains(&days) => {
                Ok(Some(now + Span::from_hours(24 * i64::from(days))))
            }
            (None, Some(_)) => Err(ApiError::invalid("expires_in_days", "expected 1 to 3650")),
            (Some(_), Some(_)) => {
                Err(ApiError::invalid("expires_at", "give either expires_at or expires_in_days"))
            }
        }
    }
}

/// Keys of the configuration file were made at no known time.
fn is_declared(key: &ApiKey) -> bool {
    key.created_at == Timestamp::from_millis(0)
}

fn body_of(key: &ApiKey, now: Timestamp) -> KeyBody {
    KeyBody {
        id: key.id.to_string(),
        app: key.app.to_string(),
        kind: key.kind.name(),
        label: key.label.clone(),
        declared: is_declared(key),
        valid: key.is_valid(now),
        created_at: (!is_declared(key)).then(|| rfc3339(key.created_at)),
        expires_at: key.expires_at.map(rfc3339),
        last_used_at: key.last_used_at.map(rfc3339),
        revoked_at: key.revoked_at.map(rfc3339),
        key: None,
    }
}
