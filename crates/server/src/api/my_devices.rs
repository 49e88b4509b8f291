//! `/v1/me/devices`: the devices that a person registered, listed, named and ended, for pages of this server alone.

use std::sync::Arc;

use axum::{
    Router,
    response::Response,
    routing::{get, patch},
};
use countersign_domain::{id::DeviceId, session::Session};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer, answer,
    devices::DeviceBody,
    me::{nothing, user_of},
};
use crate::{
    accounts::held_device,
    call::{Json, Named},
    cookie::SessionCookie,
    credentials::check_label,
    devices,
    error::ApiError,
    state::Server,
    visitor::{Person, Visitor},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/me/devices", get(list)).route("/v1/me/devices/{id}", patch(rename).delete(end))
}

/// All that a person registered: there are twenty at most.
#[derive(Debug, Serialize, ToSchema)]
pub struct DevicesBody {
    /// Oldest first.
    pub items: Vec<DeviceBody>,
}

/// Another name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameDeviceBody {
    /// What the person calls it: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub label: String,
}

/// Which devices did I register?
#[utoipa::path(get, path = "/v1/me/devices", operation_id = "my_devices", tag = "devices",
    security(("session_cookie" = [])),
    responses((status = 200, description = "Those that are not over", body = DevicesBody)))]
pub async fn list(Person(visitor): Person, headers: HeaderMap) -> Answer<DevicesBody> {
    let (server, now) = (&visitor.server, visitor.now);
    let cookie = SessionCookie::of_registered(&headers, &server.config.load().cookies);
    let current = match &cookie {
        Some(cookie) => held_device(server, cookie, now).await?.map(|held| held.id),
        None => None,
    };
    let all = server.store.sessions_of(visitor.session.user).await?;
    let live = all.iter().filter(|one| one.is_registered() && one.is_live(now));
    let items = live.map(|one| DeviceBody::of(server, one, current == Some(one.id))).collect();
    Ok(answer(StatusCode::OK, DevicesBody { items }))
}

/// Give one of them a name.
#[utoipa::path(patch, path = "/v1/me/devices/{id}", operation_id = "rename_device", tag = "devices",
    params(("id" = String, Path, description = "The device")), request_body = RenameDeviceBody,
    security(("session_cookie" = [])),
    responses((status = 200, description = "As it is now", body = DeviceBody)))]
pub async fn rename(
    Person(visitor): Person,
    Named(id): Named,
    Json(body, _): Json<RenameDeviceBody>,
) -> Answer<DeviceBody> {
    check_label(&body.label)?;
    let (server, visitor, id, label) = (&visitor.server, &visitor, &id, &body.label);
    let renamed = server
        .decide(|| async move {
            user_of(visitor).await?;
            devices::rename(server, find(visitor, id).await?, label)
        })
        .await?;
    Ok(answer(StatusCode::OK, DeviceBody::of(server, &renamed, false)))
}

/// End one of them: at once, everywhere.
#[utoipa::path(delete, path = "/v1/me/devices/{id}", operation_id = "end_my_device", tag = "devices",
    params(("id" = String, Path, description = "The device")), security(("session_cookie" = [])),
    responses((status = 204, description = "It is over")))]
pub async fn end(Person(visitor): Person, Named(id): Named) -> Result<Response, ApiError> {
    let device = find(&visitor, &id).await?;
    visitor.server.end_session(&device).await?;
    Ok(nothing())
}

/// A device of a person's. Another person's is not told from one that never was.
async fn find(visitor: &Visitor, id: &str) -> Result<Session, ApiError> {
    let id: DeviceId = id.parse().map_err(|_| ApiError::NotFound)?;
    let found = visitor.server.store.session(id.into()).await?;
    let is_theirs =
        |one: &Session| one.user == visitor.session.user && one.is_registered() && one.is_live(visitor.now);
    found.filter(is_theirs).ok_or(ApiError::NotFound)
}
