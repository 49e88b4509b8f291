//! `/v1/admin`: what an operator changes while the server runs. A file for each group of routes.
//!
//! On a Unix socket there is no key here: the mode of a socket says who may. Over a network there is an admin key,
//! with scopes and perhaps a realm (`operator`, `access`). What is changed holds at once on this node; other nodes read
//! it within a second. No content of a message, no digest and no stored secret is ever shown; what is made is shown
//! once.

pub(crate) mod access;
pub mod admin_keys;
pub mod apps;
pub mod backup;
pub mod bulk;
pub mod chain;
pub mod credentials;
pub mod devices;
pub mod erasing;
pub mod events;
pub mod export;
pub mod grants;
pub mod health;
pub mod invitations;
pub mod keys;
pub mod master_key;
mod membership;
pub mod messages;
pub mod operator;
pub mod policies;
pub mod realms;
pub mod revocations;
pub mod sessions;
pub mod signing;
pub mod users;

use std::sync::Arc;

pub use self::operator::Operator;
use axum::{
    Router,
    extract::{FromRequestParts, Query},
    middleware,
};
use countersign_domain::{
    app::{App, AppName},
    secret::Secret,
};
use http::{Uri, request::Parts};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use crate::{error::ApiError, maintenance, state::Server};

/// All routes for operators.
pub fn routes(server: &Arc<Server>) -> Router<Arc<Server>> {
    Router::new()
        .merge(admin_keys::routes())
        .merge(apps::routes())
        .merge(credentials::routes())
        .merge(erasing::routes())
        .merge(export::routes())
        .merge(grants::routes())
        .merge(bulk::routes())
        .merge(chain::routes())
        .merge(health::routes())
        .merge(invitations::routes())
        .merge(events::routes())
        .merge(backup::routes())
        .merge(keys::routes())
        .merge(master_key::routes())
        .merge(messages::routes())
        .merge(policies::routes())
        .merge(realms::routes())
        .merge(revocations::routes())
        .merge(sessions::routes())
        .merge(devices::routes())
        .merge(signing::routes())
        .merge(users::routes())
        .route_layer(middleware::from_fn_with_state(Arc::clone(server), operator::admit))
}

/// Which part of a list is asked for: `?after=…&limit=…`.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// What the former part named as `next`.
    #[serde(default)]
    after: Option<String>,
    /// At most so many: 1 to 200, 50 by default.
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: usize,
}

fn usual_limit() -> usize {
    50
}

/// What a list is asked with, as long as `limit` of it is in its range.
fn list_query<Q: DeserializeOwned>(uri: &Uri, limit: impl Fn(&Q) -> usize) -> Result<Q, ApiError> {
    let Query(query) =
        Query::<Q>::try_from_uri(uri).map_err(|error| ApiError::invalid("limit", error.body_text()))?;
    if (1..=200).contains(&limit(&query)) {
        Ok(query)
    } else {
        Err(ApiError::invalid("limit", "expected 1 to 200"))
    }
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The entries.
    pub items: Vec<T>,
    /// What to ask for as `after` to have more; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl FromRequestParts<Arc<Server>> for Page {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        list_query(&parts.uri, |page: &Self| page.limit)
    }
}

impl Page {
    /// This part of `all`, which is in the order of what `name` gives.
    fn of<T>(&self, all: impl IntoIterator<Item = T>, name: impl Fn(&T) -> String) -> List<T> {
        let follows = |entry: &T| self.after.as_ref().is_none_or(|after| name(entry) > *after);
        let mut items: Vec<T> = all.into_iter().filter(follows).take(self.limit + 1).collect();
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let next = items.last().filter(|_| more).map(name);
        List { items, next }
    }
}

/// Settings changed by a JSON Merge Patch (RFC 7396): members that are given replace, `null` brings a default back.
fn merge_patch<T: Serialize + DeserializeOwned>(
    settings: &T,
    patch: &serde_json::Map<String, serde_json::Value>,
) -> Result<T, ApiError> {
    let mut value = serde_json::to_value(settings).map_err(|_| ApiError::Internal)?;
    let members = value.as_object_mut().ok_or(ApiError::Internal)?;
    for (name, member) in patch {
        if member.is_null() {
            members.remove(name)
        } else {
            members.insert(name.clone(), member.clone())
        };
    }
    serde_json::from_value(value).map_err(|error| invalid_setting(&error.to_string()))
}

/// A setting that is not what it should be.
fn invalid_setting(detail: &str) -> ApiError {
    ApiError::InvalidMember { member: "settings", code: "invalid_setting", detail: detail.to_owned() }
}

/// An app that is known now.
fn find_app(server: &Server, name: &str) -> Result<Arc<App>, ApiError> {
    let name: AppName = name.parse().map_err(|_| ApiError::NotFound)?;
    server.app(name.as_str()).ok_or(ApiError::NotFound)
}

/// Makes sure that what was committed is known here: the commit has seen to it, where it could.
async fn catch_up(server: &Server) -> Result<(), ApiError> {
    maintenance::catch_up(server).await.map_err(failed)
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> ApiError {
    tracing::error!(%error, "what an operator asked for could not be done");
    ApiError::Unavailable
}

/// A shared secret as it is shown once: base64url, as the `k` of a JWK (RFC 7518, 6.4.1).
fn shown(secret: &Secret<Vec<u8>>) -> String {
    data_encoding::BASE64URL_NOPAD.encode(secret.expose())
}
