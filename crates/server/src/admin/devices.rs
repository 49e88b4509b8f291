//! Registered devices of users: listed, and ended. The person is told.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{delete, get},
};
use countersign_domain::{id::DeviceId, session::Session};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{List, Page, sessions::end_one, users::find};
use crate::{
    accounts::open_device,
    api::{Answer, answer, rfc3339},
    call::Named,
    error::ApiError,
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/users/{id}/devices", get(list))
        .route("/v1/admin/devices/{id}", delete(end))
}

/// A registered device.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminDeviceBody {
    /// Names it.
    pub id: String,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The app where it was registered.
    pub app: String,
    /// When it was registered.
    pub registered_at: String,
    /// When it was used last, roughly.
    pub used_at: String,
    /// When it ends unless it is used.
    pub idle_ends_at: String,
    /// When it ends in any case.
    pub expires_at: String,
}

impl AdminDeviceBody {
    fn of(server: &Server, device: &Session) -> Self {
        Self {
            id: DeviceId::from(device.id).to_string(),
            label: open_device(server, device),
            app: device.app.to_string(),
            registered_at: rfc3339(device.created_at),
            used_at: rfc3339(device.used_at),
            idle_ends_at: rfc3339(device.idle_ends_at),
            expires_at: rfc3339(device.expires_at),
        }
    }
}

/// Registered devices of a user that are not over.
#[utoipa::path(get, path = "/v1/admin/users/{id}/devices", operation_id = "list_devices", tag = "users",
    params(("id" = String, Path, description = "The user"), Page),
    responses((status = 200, description = "The devices", body = List<AdminDeviceBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    Named(id): Named,
    page: Page,
) -> Answer<List<AdminDeviceBody>> {
    let user = find(&server, &id).await?;
    let now = server.now();
    let all = server.store.sessions_of(user.id).await?;
    let live = all.iter().filter(|one| one.is_registered() && one.is_live(now));
    let live = live.map(|one| AdminDeviceBody::of(&server, one));
    Ok(answer(StatusCode::OK, page.of(live, |device| device.id.clone())))
}

/// End a registered device. The person is told.
#[utoipa::path(delete, path = "/v1/admin/devices/{id}", operation_id = "end_device", tag = "users",
    params(("id" = String, Path, description = "The device")),
    responses((status = 200, description = "What is over", body = AdminDeviceBody)))]
pub(crate) async fn end(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<AdminDeviceBody> {
    let id: DeviceId = id.parse().map_err(|_| ApiError::NotFound)?;
    let ended = end_one(&server, id.into(), Session::is_registered).await?;
    Ok(answer(StatusCode::OK, AdminDeviceBody::of(&server, &ended)))
}
