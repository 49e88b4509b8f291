//! The master key: how it and the keys below it stand, and another in its place.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::State,
    routing::{get, post},
};
use countersign_domain::event::{Event, EventKind};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::failed;
use crate::{
    api::{Answer, answer},
    call::Json,
    envelope::{
        rotate::{Rotated, rotate_master},
        status::{EnvelopeStatus, status},
    },
    error::ApiError,
    events, key_file,
    keys::RootKey,
    state::Server,
};

/// Held while the master key is replaced.
static ROTATING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/admin/master-key", get(show)).route("/v1/admin/master-key/rotate", post(rotate))
}

/// Where the new key comes from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateMasterBody {
    /// A file on the server's machine: read where it is there, made where it is not. Needed unless the server keeps its
    /// key in its data folder.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    new_file: Option<PathBuf>,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MasterRotatedBody {
    /// The key in force from now on.
    pub id: String,
    /// The one that was.
    pub former_id: String,
    /// Where the new one lies.
    pub kept_in: String,
    /// Where the former one lies; absent where the server does not keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub former_kept_in: Option<String>,
    /// What is left to do.
    pub to_do: String,
}

/// How the master key and the keys below it stand.
#[utoipa::path(get, path = "/v1/admin/master-key", operation_id = "show_master_key", tag = "keys",
    responses((status = 200, description = "The keys", body = EnvelopeStatus)))]
pub(crate) async fn show(State(server): State<Arc<Server>>) -> Answer<EnvelopeStatus> {
    Ok(answer(StatusCode::OK, status(&server).await.map_err(failed)?))
}

/// Put another master key in place of the one in force.
#[utoipa::path(post, path = "/v1/admin/master-key/rotate", operation_id = "rotate_master_key", tag = "keys",
    request_body = RotateMasterBody,
    responses((status = 201, description = "The key in force", body = MasterRotatedBody)))]
pub(crate) async fn rotate(
    State(server): State<Arc<Server>>,
    Json(body, _): Json<RotateMasterBody>,
) -> Answer<MasterRotatedBody> {
    // One after the other: the file of the first must be in place before a second key is made.
    let _turn = ROTATING.lock().await;
    let refused = |error: crate::envelope::Error| ApiError::invalid("new_file", error.to_string());
    let config = server.config.load_full();
    let is_kept = key_file::given(&config.keys).map_err(failed)?.is_none();
    let body = match (is_kept, body.new_file) {
        (true, file) => {
            let folder = config.storage.data_dir.clone();
            let new = match &file {
                Some(file) => key_file::read_or_make(file, &mut *server.random()).map_err(refused)?,
                None => RootKey::generate(&mut *server.random()),
            };
            key_file::write_next(&folder, &new).map_err(refused)?;
            let place = key_file::kept_path(&config).display().to_string();
            let rotated = rotate_master(&server, &new, &place).await.map_err(refused)?;
            let former = key_file::put_in_place(&folder, &rotated.id).map_err(failed)?;
            told(rotated, place, former, server.is_shared())
        }
        (false, Some(file)) => {
            let new = key_file::read_or_make(&file, &mut *server.random()).map_err(refused)?;
            let place = file.display().to_string();
            let rotated = rotate_master(&server, &new, &place).await.map_err(refused)?;
            told(rotated, place, None, true)
        }
        (false, None) => {
            let why = "the configuration says where the key comes from: name a file for the new one, and put its key there \
                       afterwards";
            return Err(ApiError::invalid("new_file", why));
        }
    };
    let told = Event::new(EventKind::MasterKeyRotated).on(&body.id);
    if let Err(error) = events::tell(&server, told).await {
        tracing::error!(%error, "that the master key was replaced is not in the log of events");
    }
    tracing::warn!(
        id = body.id,
        former = body.former_id,
        kept_in = body.kept_in,
        "the master key was replaced"
    );
    Ok(answer::<MasterRotatedBody>(StatusCode::CREATED, body))
}

fn told(rotated: Rotated, kept_in: String, former: Option<PathBuf>, others: bool) -> MasterRotatedBody {
    let to_do = if others {
        format!(
            "give every server the key in {kept_in} before it starts the next time; those that run go on meanwhile"
        )
    } else {
        format!("back up {kept_in}, and keep the former key as long as the backups that it opens")
    };
    let former_kept_in = former.map(|path| path.display().to_string());
    MasterRotatedBody { id: rotated.id, former_id: rotated.former, kept_in, former_kept_in, to_do }
}
