//! Signing keys: where each stands in its life, and a successor before its time.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use countersign_domain::{
    algorithm::Algorithm,
    signing_key::{RotationPolicy, Stage, StoredKey},
    time::{Span, Timestamp},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{List, Operator, Page, failed};
use crate::{
    api::{Answer, answer, rfc3339},
    call::Json,
    error::ApiError,
    maintenance,
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/signing-keys", get(list))
        .route("/v1/admin/signing-keys/rotate", post(rotate))
}

/// A signing key, without its private part.
#[derive(Debug, Serialize, ToSchema)]
pub struct SigningKeyBody {
    /// `kid`.
    pub id: String,
    /// What it signs with.
    pub algorithm: &'static str,
    /// The app it signs for alone; absent for keys of all apps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// `next`, `current`, `retiring` or `gone`.
    pub stage: &'static str,
    /// When it was made.
    pub created_at: String,
    /// From when it signs.
    pub active_at: String,
    /// Until when it signs; absent for a shared secret, which signs until another is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retires_at: Option<String>,
    /// Until when its signatures are accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gone_at: Option<String>,
}

/// Which key is to be replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateBody {
    /// Its algorithm: EdDSA, ES256, ES384, ES512 or RS256.
    algorithm: String,
    /// For how many seconds more what the former key signed is accepted: longer than any token lives by default, 0 to
    /// refuse all of it at once.
    #[serde(default)]
    accept_seconds: Option<u32>,
}

/// How long a former key is accepted, at most as long as after any rotation.
pub(super) fn acceptance(asked: Option<u32>, usual: Span) -> Result<Span, ApiError> {
    let most = RotationPolicy::default().keep_after;
    let span = asked.map_or(usual, |seconds| Span::from_seconds(i64::from(seconds)));
    let refused = || ApiError::invalid("accept_seconds", format!("expected 0 to {}", most.seconds()));
    if span <= most { Ok(span) } else { Err(refused()) }
}

/// Signing keys, and where each stands in its life.
#[utoipa::path(get, path = "/v1/admin/signing-keys", operation_id = "list_signing_keys", tag = "keys",
    params(Page),
    responses((status = 200, description = "The keys", body = List<SigningKeyBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    operator: Operator,
    page: Page,
) -> Answer<List<SigningKeyBody>> {
    let now = server.now();
    let ring = server.key_ring.load();
    // Those of all apps are in the key set that everybody reads; those of one app are its realm's.
    let is_theirs = |key: &&StoredKey| {
        let app = key.app.as_ref().filter(|_| operator.realm().is_some());
        app.is_none_or(|app| operator.app(&server, app.as_str()).is_ok())
    };
    let theirs = ring.all().into_iter().filter(is_theirs);
    let mut keys: Vec<_> = theirs.map(|key| body_of(key, now)).collect();
    keys.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(answer(StatusCode::OK, page.of(keys, |key| key.id.clone())))
}

/// Make a successor that signs at once. What the former key signed stays good, unless it is asked otherwise.
#[utoipa::path(post, path = "/v1/admin/signing-keys/rotate", operation_id = "rotate_signing_key", tag = "keys",
    request_body = RotateBody,
    responses((status = 201, description = "The new key", body = SigningKeyBody)))]
pub(crate) async fn rotate(
    State(server): State<Arc<Server>>,
    Json(body, _): Json<RotateBody>,
) -> Answer<SigningKeyBody> {
    let algorithm = Algorithm::parse(&body.algorithm)
        .ok_or_else(|| ApiError::invalid("algorithm", "expected EdDSA, ES256, ES384, ES512 or RS256"))?;
    if algorithm.is_symmetric() {
        return Err(ApiError::invalid(
            "algorithm",
            "a shared secret is its app's: make a new one for the app",
        ));
    }
    let keep = acceptance(body.accept_seconds, RotationPolicy::default().keep_after)?;
    let made = maintenance::replace_key(&server, (None, algorithm), keep).await.map_err(failed)?;
    made.ok_or(ApiError::Unavailable)?;
    let ring = server.key_ring.load();
    let newest = ring.newest(None, algorithm).ok_or(ApiError::Internal)?;
    Ok(answer(StatusCode::CREATED, body_of(newest, server.now())))
}

fn body_of(key: &StoredKey, now: Timestamp) -> SigningKeyBody {
    let stage = match key.stage(now) {
        Stage::Next => "next",
        Stage::Current => "current",
        Stage::Retiring => "retiring",
        Stage::Gone => "gone",
    };
    // A time that no calendar writes is one that never comes.
    let time = |moment| Some(rfc3339(moment)).filter(|text| !text.is_empty());
    SigningKeyBody {
        id: key.id.clone(),
        algorithm: key.algorithm.name(),
        app: key.app.as_ref().map(ToString::to_string),
        stage,
        created_at: rfc3339(key.created_at),
        active_at: rfc3339(key.active_at),
        retires_at: time(key.retires_at),
        gone_at: time(key.gone_at),
    }
}
