//! A backup, as one long answer: whoever asks writes it where it is to be.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::post,
};
use countersign_domain::event::{Event, EventKind};
use futures_util::stream;
use http::{HeaderValue, header};
use serde::Deserialize;
use tokio::sync::mpsc;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::{backup::write::write, call::Json, error::ApiError, events, keys::RootKey, state::Server};

/// Pieces that wait for whoever writes them.
const AHEAD: usize = 4;

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/admin/backup", post(begin))
}

/// What is to be backed up, and for whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupBody {
    /// A key that opens it beside the master key: 64 hexadecimal digits.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    recovery_key: Option<Zeroizing<String>>,
}

/// Back up the database, sealed, while it runs.
#[utoipa::path(post, path = "/v1/admin/backup", operation_id = "begin_backup", tag = "backup",
    request_body = BackupBody,
    responses((status = 200, description = "The backup", content_type = "application/octet-stream", body = String)))]
pub(crate) async fn begin(
    State(server): State<Arc<Server>>,
    Json(body, _): Json<BackupBody>,
) -> Result<Response, ApiError> {
    let recovery = body.recovery_key.map(|text| RootKey::parse(&text)).transpose();
    let recovery = recovery.map_err(|error| ApiError::invalid("recovery_key", error.to_string()))?;
    // Before it begins: whoever has begun one may have all of it.
    events::tell(&server, Event::new(EventKind::BackupCreated)).await?;
    let (sink, pieces) = mpsc::channel(AHEAD);
    tokio::spawn(write(Arc::clone(&server), recovery, sink));
    let pieces =
        stream::unfold(pieces, |mut pieces| async { pieces.recv().await.map(|piece| (piece, pieces)) });
    let mut response = Body::from_stream(pieces).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
