//! `/v1/me/credentials`: what a person signs in with beside mails, listed, named and taken away, for pages of this server
//! alone. How one is added is said where its kind is.

use std::sync::Arc;

use axum::{
    Router,
    extract::RawQuery,
    response::Response,
    routing::{get, patch},
};
use countersign_domain::{
    changes::Changes,
    credential::{Credential, CredentialKind},
    id::CredentialId,
    recovery_code,
    user::User,
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Answer, answer,
    me::{ends_others, nothing, user_of},
    rfc3339,
};
use crate::{
    call::{Json, Named},
    credentials::{self, check_label, end_sessions, end_trust, may_change, open_label, seal_label},
    error::ApiError,
    state::Server,
    visitor::{Person, Visitor},
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/me/credentials", get(list))
        .route("/v1/me/credentials/{id}", patch(rename).delete(remove))
}

/// Something that a person signs in with.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialBody {
    /// Names it.
    pub id: String,
    /// `passkey`, `security_key`, `totp` or `recovery_codes`.
    pub kind: &'static str,
    /// What the person calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// When it was added.
    pub created_at: String,
    /// When it proved something last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_at: Option<String>,
    /// How many recovery codes are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<u32>,
}

impl CredentialBody {
    /// A credential, without what is secret of it.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when its label does not open.
    pub fn of(server: &Server, credential: &Credential) -> Result<Self, ApiError> {
        let is_sheet = credential.kind == CredentialKind::RecoveryCodes;
        Ok(Self {
            id: credential.id.to_string(),
            kind: credential.kind.name(),
            label: open_label(server, credential)?,
            created_at: rfc3339(credential.created_at),
            used_at: credential.used_at.map(rfc3339),
            left: is_sheet.then(|| recovery_code::left(credential.counter)),
        })
    }
}

/// All that a person signs in with beside mails.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialsBody {
    /// Oldest first.
    pub items: Vec<CredentialBody>,
    /// When the password was chosen, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_made_at: Option<String>,
}

/// Another name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameCredentialBody {
    /// What the person calls it: 1 to 100 characters.
    #[schema(min_length = 1, max_length = 100)]
    pub label: String,
}

/// What do I sign in with?
#[utoipa::path(get, path = "/v1/me/credentials", operation_id = "my_credentials", tag = "credentials",
    security(("session_cookie" = [])),
    responses((status = 200, description = "Passkeys, security keys, code apps, recovery codes, the password's date", body = CredentialsBody)))]
pub async fn list(Person(visitor): Person) -> Answer<CredentialsBody> {
    let (server, user) = (&visitor.server, visitor.session.user);
    let all = server.store.credentials_of(user).await?;
    let items =
        all.iter().map(|credential| CredentialBody::of(server, credential)).collect::<Result<_, _>>()?;
    let password_made_at = server.store.password(user).await?.map(|password| rfc3339(password.made_at));
    Ok(answer(StatusCode::OK, CredentialsBody { items, password_made_at }))
}

/// Give one of them a name.
#[utoipa::path(patch, path = "/v1/me/credentials/{id}", operation_id = "rename_credential", tag = "credentials",
    params(("id" = String, Path, description = "The credential")), request_body = RenameCredentialBody,
    security(("session_cookie" = [])),
    responses((status = 200, description = "As it is now", body = CredentialBody)))]
pub async fn rename(
    Person(visitor): Person,
    Named(id): Named,
    Json(body, _): Json<RenameCredentialBody>,
) -> Answer<CredentialBody> {
    check_label(&body.label)?;
    let id = credential_id(&id)?;
    let (server, visitor, label) = (&visitor.server, &visitor, &body.label);
    let renamed = server
        .decide(|| async move {
            let user = user_of(visitor).await?;
            let found = find(server, &user, id).await?.1;
            let sealed_label = Some(seal_label(server, (&user.realm, &id), label)?);
            let renamed = Credential { sealed_label, ..found };
            let changes = credentials::renamed(visitor.app().ok().as_deref(), renamed.clone());
            Ok((renamed, changes))
        })
        .await?;
    Ok(answer(StatusCode::OK, CredentialBody::of(server, &renamed)?))
}

/// Take one of them away. Needs a sign-in of the last ten minutes with all factors; every address is told.
#[utoipa::path(delete, path = "/v1/me/credentials/{id}", operation_id = "remove_credential", tag = "credentials",
    params(("id" = String, Path, description = "The credential"),
        ("end_other_sessions" = Option<bool>, Query, description = "`true` ends all other sessions")),
    security(("session_cookie" = [])),
    responses((status = 204, description = "It is gone; recovery codes went with the last factor that they stood in for")))]
pub async fn remove(
    Person(visitor): Person,
    Named(id): Named,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (id, ends) = (credential_id(&id)?, ends_others(query.as_deref())?);
    let visitor = &visitor;
    visitor.server.decide(|| take_away(visitor, id, ends)).await?;
    Ok(nothing())
}

async fn take_away(visitor: &Visitor, id: CredentialId, ends: bool) -> Result<((), Changes), ApiError> {
    let server = &visitor.server;
    let user = user_of(visitor).await?;
    let (all, gone) = find(server, &user, id).await?;
    may_change(server, (&user, &all), &visitor.session, visitor.now).await?;
    let mut changes = credentials::removed(server, Some(&*visitor.app()?), (&user, &all), &gone).await?;
    changes.extend(if ends {
        end_sessions(server, &user, Some(&visitor.session)).await?
    } else {
        end_trust(server, user.id).await?
    });
    Ok(((), changes))
}

/// All of a person's credentials, and the one with this id. Another person's is not told from one that never was.
async fn find(
    server: &Server,
    user: &User,
    id: CredentialId,
) -> Result<(Vec<Credential>, Credential), ApiError> {
    let all = server.store.credentials_of(user.id).await?;
    let found = all.iter().find(|credential| credential.id == id).cloned().ok_or(ApiError::NotFound)?;
    Ok((all, found))
}

fn credential_id(text: &str) -> Result<CredentialId, ApiError> {
    text.parse().map_err(|_| ApiError::NotFound)
}
