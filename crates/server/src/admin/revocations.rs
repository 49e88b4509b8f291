//! Revocations by an operator: one token, a person's tokens at an app, all tokens of an app, or all of a realm. What
//! would make them again ends with them.

use std::sync::Arc;

use axum::{Router, extract::State, routing::post};
use countersign_domain::{app::App, subject::Subject, time::Span, token::RevocationTarget};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Operator;
use crate::{
    api::{
        Answer, answer, rfc3339,
        token::{take_back, take_back_at},
    },
    call::Json,
    error::ApiError,
    state::Server,
};

/// Longer than the longest token lives.
const KEEP: Span = Span::from_hours(24 * 91);

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/admin/revocations", post(create))
}

/// What is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationBody {
    /// Whose tokens.
    #[serde(default)]
    app: Option<String>,
    /// In place of an app: all tokens and sessions of every app of this realm.
    #[serde(default)]
    realm: Option<String>,
    /// Only this person's, as the app knows them.
    #[serde(default)]
    subject: Option<String>,
    /// Only this token, by its `jti`.
    #[serde(default)]
    token_id: Option<String>,
}

/// What was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RevokedBody {
    /// Whose tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Of which realm, where all of it is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// `token`, `subject`, `app` or `realm`.
    pub target: &'static str,
    /// Tokens made later are untouched.
    pub before: String,
}

/// Take back one token, a person's tokens at an app, all tokens of an app, or everything of a realm.
#[utoipa::path(post, path = "/v1/admin/revocations", operation_id = "revoke_tokens", tag = "revocations",
    request_body = RevocationBody,
    responses((status = 201, description = "What was taken back", body = RevokedBody)))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Json(body, _): Json<RevocationBody>,
) -> Answer<RevokedBody> {
    let app = match (&body.app, &body.realm) {
        (Some(app), None) => operator.app(&server, app)?,
        (None, Some(realm)) if body.subject.is_none() && body.token_id.is_none() => {
            return of_realm(&server, &operator, realm).await;
        }
        _ => {
            return Err(ApiError::invalid(
                "app",
                "give either app, with or without subject or token_id, or realm",
            ));
        }
    };
    let (name, target) = match (&body.subject, &body.token_id) {
        (None, None) => ("app", RevocationTarget::App),
        (Some(subject), None) => {
            let subject: Subject =
                subject.parse().map_err(|error| ApiError::invalid("subject", format!("{error}")))?;
            ("subject", RevocationTarget::Subject(subject))
        }
        (None, Some(id)) => {
            let id = id.parse().map_err(|error| ApiError::invalid("token_id", format!("{error}")))?;
            ("token", RevocationTarget::Token(id))
        }
        (Some(_), Some(_)) => return Err(ApiError::invalid("subject", "give either subject or token_id")),
    };
    let before = take_back(&server, &app, target, server.now() + KEEP).await?;
    let app = Some(app.name.to_string());
    Ok(answer(StatusCode::CREATED, RevokedBody { app, realm: None, target: name, before: rfc3339(before) }))
}

/// Signs everybody out of a realm: one commit, so that nobody is left.
async fn of_realm(server: &Arc<Server>, operator: &Operator, realm: &str) -> Answer<RevokedBody> {
    let realm = operator.choose(Some(realm))?;
    let registry = server.registry.load_full();
    let apps: Vec<&App> =
        registry.apps().into_iter().map(|app| &**app).filter(|app| app.realm == realm).collect();
    if apps.is_empty() {
        return Err(ApiError::NotFound);
    }
    let before = take_back_at(server, &apps, RevocationTarget::App, server.now() + KEEP).await?;
    let realm = Some(realm.to_string());
    Ok(answer(
        StatusCode::CREATED,
        RevokedBody { app: None, realm, target: "realm", before: rfc3339(before) },
    ))
}
