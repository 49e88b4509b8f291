//! Signing keys: where each stands in its life, and a successor before its time.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use countersign_domain::{
    algorithm::Algorithm,
    realm::RealmName,
    signing_key::{Owner, RotationPolicy, Stage, StoredKey},
    time::{Span, Timestamp},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{List, Operator, Page, failed, realms};
use crate::{
    api::{Answer, answer, rfc3339},
    call::Json,
    error::ApiError,
    maintenance,
    state::Server,
};

/// Keys of one algorithm that may be left of a realm before its own operators make another one.
const MOST_KEYS: usize = 32;

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
    /// The realm for whose apps it signs; absent for the secret of one app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// The app whose secret it is; absent for keys of a realm.
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
    /// The realm whose key it is: the operator's own by default, or `default`.
    #[serde(default)]
    realm: Option<String>,
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
    let is_theirs = |key: &&StoredKey| match (&key.owner, operator.realm()) {
        (_, None) => true,
        // An app that is gone is in no realm.
        (Owner::App(app), Some(_)) => operator.app(&server, app.as_str()).is_ok(),
        (owner, own) => owner.realm().as_ref() == own,
    };
    let theirs = ring.all().into_iter().filter(is_theirs);
    let mut keys: Vec<_> = theirs.map(|key| body_of(key, now)).collect();
    keys.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(answer(StatusCode::OK, page.of(keys, |key| key.id.clone())))
}

/// Make a successor of a realm's key that signs at once. What the former key signed stays good, unless it is asked otherwise.
#[utoipa::path(post, path = "/v1/admin/signing-keys/rotate", operation_id = "rotate_signing_key", tag = "keys",
    request_body = RotateBody,
    responses((status = 201, description = "The new key", body = SigningKeyBody)))]
pub(crate) async fn rotate(
    State(server): State<Arc<Server>>,
    operator: Operator,
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
    let owner = Owner::Realm(realm_of(&server, &operator, body.realm.as_deref())?);
    may_replace(&server, &operator, (&owner, algorithm), keep)?;
    let made = maintenance::replace_key(&server, (owner.clone(), algorithm), keep).await.map_err(failed)?;
    made.ok_or(ApiError::Unavailable)?;
    let ring = server.key_ring.load();
    let newest = ring.newest(&owner, algorithm).ok_or(ApiError::Internal)?;
    Ok(answer(StatusCode::CREATED, body_of(newest, server.now())))
}

/// A realm that is there, and the operator's.
fn realm_of(server: &Server, operator: &Operator, asked: Option<&str>) -> Result<RealmName, ApiError> {
    let realm = operator.choose(asked)?;
    let is_there = realm.is_default() || server.registry.load().realm(&realm).is_some();
    if is_there { Ok(realm) } else { Err(realms::unknown()) }
}

/// Whether an operator may replace keys: who has one realm does so with what is theirs alone, and not without end where the
/// former ones are kept, and published for months.
fn may_replace(
    server: &Server,
    operator: &Operator,
    (owner, algorithm): (&Owner, Algorithm),
    keep: Span,
) -> Result<(), ApiError> {
    if operator.realm().is_none() {
        return Ok(());
    }
    let (ring, now) = (server.key_ring.load(), server.now());
    let left: Vec<_> = ring.family(owner, algorithm).filter(|key| key.stage(now) != Stage::Gone).collect();
    // What such a key signed is accepted in other realms too.
    if left.iter().any(|key| key.owner == Owner::Server) {
        return Err(ApiError::AllRealmsNeeded);
    }
    if left.len() >= MOST_KEYS && keep > Span::ZERO {
        return Err(ApiError::InUse("the realm has as many keys as it may: accept_seconds 0 ends them"));
    }
    Ok(())
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
        realm: key.owner.realm().map(|realm| realm.to_string()),
        app: key.owner.app().map(ToString::to_string),
        stage,
        created_at: rfc3339(key.created_at),
        active_at: rfc3339(key.active_at),
        retires_at: time(key.retires_at),
        gone_at: time(key.gone_at),
    }
}
