//! What users sign in with: listed without secrets, and taken away where somebody has lost it. The person is told.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    routing::{delete, get},
};
use countersign_domain::{
    credential::{Credential, CredentialKind},
    id::CredentialId,
    recovery_code,
};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    List, Operator, membership,
    users::{find, tell_person},
};
use crate::{
    api::{Answer, answer, rfc3339},
    call::Named,
    credentials,
    error::ApiError,
    outbox::notice::Touched,
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/users/{id}/credentials", get(list))
        .route("/v1/admin/users/{id}/credentials/{credential}", delete(remove))
}

/// Something that a user signs in with. What they call it is theirs.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminCredentialBody {
    /// Names it.
    pub id: String,
    /// `passkey`, `security_key`, `totp` or `recovery_codes`.
    pub kind: &'static str,
    /// When it was added.
    pub created_at: String,
    /// When it proved something last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_at: Option<String>,
    /// How many recovery codes are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u32>,
}

fn body_of(credential: &Credential) -> AdminCredentialBody {
    let is_sheet = credential.kind == CredentialKind::RecoveryCodes;
    AdminCredentialBody {
        id: credential.id.to_string(),
        kind: credential.kind.name(),
        created_at: rfc3339(credential.created_at),
        used_at: credential.used_at.map(rfc3339),
        left: is_sheet.then(|| recovery_code::left(credential.counter)),
    }
}

/// What a user signs in with beside mails and a password, oldest first, without secrets.
#[utoipa::path(get, path = "/v1/admin/users/{id}/credentials", operation_id = "list_credentials", tag = "users",
    params(("id" = String, Path, description = "The user")),
    responses((status = 200, description = "All of them", body = List<AdminCredentialBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    Named(id): Named,
) -> Answer<List<AdminCredentialBody>> {
    let user = find(&server, &id).await?;
    let all = server.store.credentials_of(user.id).await?;
    Ok(answer(StatusCode::OK, List { items: all.iter().map(body_of).collect(), next: None }))
}

/// Take one away, with the recovery codes that stood in for it alone. Never the last way in. The
/// person is told.
#[utoipa::path(delete, path = "/v1/admin/users/{id}/credentials/{credential}", operation_id = "remove_user_credential",
    tag = "users",
    params(("id" = String, Path, description = "The user"), ("credential" = String, Path, description = "What they lost")),
    responses((status = 200, description = "What is gone", body = AdminCredentialBody)))]
pub(crate) async fn remove(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Path((user, credential)): Path<(String, String)>,
) -> Answer<AdminCredentialBody> {
    let id: CredentialId = credential.parse().map_err(|_| ApiError::NotFound)?;
    let (this, user, operator) = (&server, &user, &operator);
    let gone = server
        .decide(|| async move {
            let user = find(this, user).await?;
            membership::may_touch(this, operator, &user)?;
            let all = this.store.credentials_of(user.id).await?;
            let gone = all.iter().find(|one| one.id == id).cloned().ok_or(ApiError::NotFound)?;
            let mut changes = credentials::removed(this, None, (&user, &all), &gone).await?;
            changes.extend(credentials::end_trust(this, user.id).await?);
            tell_person(this, &user, Touched::Credentials, &mut changes).await?;
            Ok((gone, changes))
        })
        .await?;
    Ok(answer(StatusCode::OK, body_of(&gone)))
}
