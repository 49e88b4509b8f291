//! `/livez`, `/readyz`, `/metrics`: for supervisors and dashboards. `/.well-known/jwks.json` beside them, for verifiers.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use countersign_domain::realm::RealmName;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{call::Named, error::ApiError, keys::Jwk, state::Server, system::CLOCK_TOLERANCE};

/// How long verifiers may keep the key set: well below the time a key is published before it signs.
const KEY_SET_CACHE: &str = "public, max-age=3600";
/// So many failures in a row, and mail counts as down.
const MAIL_DOWN: u64 = 3;
/// So many rows that do not read are shown; the log has them all.
const MOST_CORRUPT: usize = 20;

/// The routes for operators.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).route("/metrics", get(metrics))
}

/// The key sets, for verifiers.
pub fn public_routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/.well-known/jwks.json", get(jwks))
        .route("/realms/{realm}/.well-known/jwks.json", get(jwks_of_realm))
}

async fn livez() -> &'static str {
    "ok\n"
}

/// How the parts fare.
#[derive(Debug, Serialize, ToSchema)]
pub struct Readiness {
    /// Whether it can answer what needs the store.
    pub ready: bool,
    /// `ok` or `unavailable`.
    pub store: &'static str,
    /// `ok`, or what is wrong with it.
    pub mail: &'static str,
    /// How many messages wait.
    pub messages_waiting: i64,
    /// What is to be looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<&'static str>,
    /// Stored apps and keys that do not read and are left out, the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub corrupt_rows: Vec<String>,
}

/// Ready as long as the store answers: mail that is down delays codes, it does not stop the server.
pub(crate) async fn readiness(server: &Server) -> Readiness {
    let waiting = server.store.message_count().await;
    let ready = waiting.is_ok() && server.knows_revocations(server.now());
    let mail_down = server.outbox.failures_in_a_row() >= MAIL_DOWN;
    let mut warnings = Vec::new();
    if server.config.load().mail.allow_plaintext_messages {
        warnings.push("mail.allow_plaintext_messages: codes are shown in clear");
    }
    if server.clock.behind() > CLOCK_TOLERANCE {
        warnings.push("clock: this machine's clock is behind the time that was acted upon; set it right");
    }
    let (registry, key_ring) = (server.registry.load(), server.key_ring.load());
    let corrupt = registry.corrupt().iter().chain(key_ring.corrupt());
    let corrupt_rows = corrupt.take(MOST_CORRUPT).map(ToString::to_string).collect();
    Readiness {
        ready,
        store: if ready { "ok" } else { "unavailable" },
        mail: if mail_down { "failing: messages wait and are tried again" } else { "ok" },
        messages_waiting: waiting.map_or(0, |(count, _)| count),
        warnings,
        corrupt_rows,
    }
}

async fn readyz(State(server): State<Arc<Server>>) -> Response {
    let body = readiness(&server).await;
    if body.ready {
        crate::api::answer(StatusCode::OK, body).into_response()
    } else {
        ApiError::Unavailable.into_response()
    }
}

async fn metrics(State(server): State<Arc<Server>>) -> Response {
    if let Ok((count, oldest)) = server.store.message_count().await {
        server.metrics.messages_waiting.set(count);
        let age = oldest.map_or(0, |oldest| server.now().since(oldest).seconds());
        server.metrics.messages_oldest_seconds.set(age);
    }
    let corrupt = server.registry.load().corrupt().len() + server.key_ring.load().corrupt().len();
    server.metrics.corrupt_rows.set(i64::try_from(corrupt).unwrap_or(i64::MAX));
    let mut response = server.metrics.text().into_response();
    let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A JWK Set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub struct KeySetBody {
    /// Next, current and retiring keys.
    #[schema(value_type = Vec<Object>)]
    pub keys: Vec<Jwk>,
}

/// The public keys that tokens and assertions of apps of the realm `default` are signed with: next, current and retiring.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "tokens", responses((status = 200, description = "A JWK Set (RFC 7517)", body = KeySetBody)))]
pub async fn jwks(State(server): State<Arc<Server>>) -> Response {
    key_set(server.key_ring.load().published(&RealmName::default(), server.now()))
}

/// The public keys that tokens and assertions of apps of a realm are signed with: next, current and retiring.
#[utoipa::path(get, path = "/realms/{realm}/.well-known/jwks.json", tag = "tokens",
    params(("realm" = String, Path, description = "The name of the app's realm")),
    responses((status = 200, description = "A JWK Set (RFC 7517)", body = KeySetBody)))]
pub async fn jwks_of_realm(
    State(server): State<Arc<Server>>,
    Named(realm): Named,
) -> Result<Response, ApiError> {
    let realm: RealmName = realm.parse().map_err(|_| ApiError::NotFound)?;
    let ring = server.key_ring.load();
    let keys = ring.published(&realm, server.now());
    // A realm without apps has no keys: nobody is to remember an empty set of them.
    if keys.is_empty() { Err(ApiError::NotFound) } else { Ok(key_set(keys)) }
}

fn key_set(keys: Vec<&Jwk>) -> Response {
    let body = KeySetBody { keys: keys.into_iter().cloned().collect() };
    let mut response = crate::api::answer(StatusCode::OK, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(KEY_SET_CACHE));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
