//! `/v1/me/grants`: which apps a person may reach and what these learn of them, for pages of this server alone. What is
//! granted is changed by operators.

use std::sync::Arc;

use axum::{Router, routing::get};
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, answer, me::user_of, rfc3339};
use crate::{grants, state::Server, visitor::Person};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/me/grants", get(list))
}

/// Every app that a person may reach.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyGrantsBody {
    /// The apps, in the order of their names.
    pub items: Vec<MyGrantBody>,
}

/// An app that a person may reach.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyGrantBody {
    /// The app.
    pub app: String,
    /// What it is called.
    pub title: String,
    /// What it may learn of the person, and scopes of its own.
    pub scopes: Vec<String>,
    /// When that changes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// What may I use?
#[utoipa::path(get, path = "/v1/me/grants", operation_id = "my_grants", tag = "account",
    security(("session_cookie" = [])),
    responses((status = 200, description = "The apps", body = MyGrantsBody)))]
pub async fn list(Person(visitor): Person) -> Answer<MyGrantsBody> {
    let user = user_of(&visitor).await?;
    let reached = grants::reach_of(&visitor.server, &user).await?;
    let items = reached.iter().map(|(app, access)| MyGrantBody {
        app: app.name.to_string(),
        title: app.title.clone(),
        scopes: access.scopes.iter().map(ToString::to_string).collect(),
        until: access.until.map(rfc3339),
    });
    Ok(answer(StatusCode::OK, MyGrantsBody { items: items.collect() }))
}
