//! Revocations by an operator: one token, a person's tokens at an app, or all tokens of an app.

use std::sync::Arc;

use axum::{Router, extract::State, routing::post};
use countersign_domain::{subject::Subject, time::Span, token::RevocationTarget};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Operator, invalid};
use crate::{
    api::{Answer, answer, rfc3339, token::take_back},
    call::Json,
    state::Server,
};

/// Longer than the longest token lives.
const KEEP: Span = Span::from_hours(24 * 91);

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/admin/revocations", post(create))
}

/// What is taken back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationBody {
    /// Whose tokens.
    app: String,
    /// Only this person's, as the app knows them.
    #[serde(default)]
    subject: Option<String>,
    /// Only this token, by its `jti`.
    #[serde(default)]
    token_id: Option<String>,
}

/// What was taken back.
#[derive(Debug, Serialize)]
pub struct RevokedBody {
    /// Whose tokens.
    pub app: String,
    /// `token`, `subject` or `app`.
    pub target: &'static str,
    /// Tokens made later are untouched.
    pub before: String,
}

async fn create(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Json(body, _): Json<RevocationBody>,
) -> Answer<RevokedBody> {
    let app = operator.app(&server, &body.app)?;
    let (name, target) = match (&body.subject, &body.token_id) {
        (None, None) => ("app", RevocationTarget::App),
        (Some(subject), None) => {
            let subject: Subject =
                subject.parse().map_err(|error| invalid("subject", &format!("{error}")))?;
            ("subject", RevocationTarget::Subject(subject))
        }
        (None, Some(id)) => {
            let id = id.parse().map_err(|error| invalid("token_id", &format!("{error}")))?;
            ("token", RevocationTarget::Token(id))
        }
        (Some(_), Some(_)) => return Err(invalid("subject", "give either subject or token_id")),
    };
    let before = take_back(&server, &app, target, server.now() + KEEP).await?;
    let body = RevokedBody { app: app.name.to_string(), target: name, before: rfc3339(before) };
    Ok(answer(StatusCode::CREATED, body))
}
