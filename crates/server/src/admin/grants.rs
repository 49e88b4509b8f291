//! Grants: given, listed, taken back and explained. Those of the configuration file are shown here and changed there.

mod giving;
mod list;

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, Query, State},
    routing::{delete, get},
};
use countersign_domain::{
    grant::{Grant, Holder, Target},
    id::GrantId,
};
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use self::giving::Given;
pub use self::list::GrantQuery;
use super::{List, Operator, users};
use crate::{
    api::{Answer, answer, rfc3339},
    call::{Json, Named},
    error::ApiError,
    grants::{self, Finding, Kept},
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/grants", get(list).post(give))
        .route("/v1/admin/grants/explain", get(explain))
        .route("/v1/admin/grants/{id}", delete(take))
}

/// What is to be given: from `user` or `group` to `app` or `app_group`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveBody {
    /// The user, by id.
    #[serde(default)]
    user: Option<String>,
    /// Everybody who is in this group.
    #[serde(default)]
    group: Option<String>,
    /// The app.
    #[serde(default)]
    app: Option<String>,
    /// Every app that is in this group.
    #[serde(default)]
    app_group: Option<String>,
    /// What the app learns of the person, and scopes of its own: at most 32.
    #[serde(default)]
    scopes: Vec<String>,
    /// For how many seconds: from 60 up; for good where absent.
    #[serde(default)]
    #[schema(minimum = 60)]
    expires_in: Option<i64>,
    /// In which realm, where neither user nor app says it: that of the key, or `default`, where absent.
    #[serde(default)]
    realm: Option<String>,
}

/// A grant.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantBody {
    /// Names it.
    pub id: String,
    /// In which realm it counts.
    pub realm: String,
    /// Whose it is: a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whose it is: a group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Whose it is, where the configuration file names neither: `address` or `everybody`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<&'static str>,
    /// What for: an app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// What for: a group of apps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_group: Option<String>,
    /// What the app learns of the person, and scopes of its own.
    pub scopes: Vec<String>,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Who gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_at: Option<String>,
    /// Whether it stands in the configuration file, and is changed there.
    pub declared: bool,
}

/// A grant that was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantTakenBody {
    /// Named it.
    pub id: String,
    /// `taken`.
    pub outcome: &'static str,
}

/// Whose access to what is to be explained.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// The user, by id.
    user: String,
    /// The app.
    app: String,
}

/// Why somebody may reach an app or may not.
#[derive(Debug, Serialize, ToSchema)]
pub struct ExplainedBody {
    /// Who.
    pub user: String,
    /// What.
    pub app: String,
    /// Whether they may.
    pub allowed: bool,
    /// With which scopes.
    pub scopes: Vec<String>,
    /// Until when, where the first of several grants ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// `user` or `admin`.
    pub role: &'static str,
    /// The groups that they are in.
    pub groups: Vec<String>,
    /// Everything that was looked at.
    pub findings: Vec<FindingBody>,
}

/// Something that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingBody {
    /// `other_realm`, `app_disabled`, `user_not_active`, `open`, `not_open`, `admin`, `admin_without_apps`, `no_admin`,
    /// `grant`, `grant_over`, `no_grant`.
    pub code: &'static str,
    /// Whether it lets them in, or bars the way.
    pub counts: bool,
    /// The same for people.
    pub detail: String,
}

impl FromRequestParts<Arc<Server>> for ExplainQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        let query = Query::<Self>::try_from_uri(&parts.uri);
        query.map(|Query(query)| query).map_err(|error| ApiError::invalid("user", error.body_text()))
    }
}

/// Grants of a holder, for a target, or of a realm.
#[utoipa::path(get, path = "/v1/admin/grants", operation_id = "list_grants", tag = "grants",
    params(GrantQuery),
    responses((status = 200, description = "The grants", body = List<GrantBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    operator: Operator,
    query: GrantQuery,
) -> Answer<List<GrantBody>> {
    Ok(answer(StatusCode::OK, list::list(&server, &operator, &query).await?))
}

/// Give somebody the use of an app or of a group of apps. Where they have it already, scopes and end are replaced.
#[utoipa::path(post, path = "/v1/admin/grants", operation_id = "give_grant", tag = "grants",
    request_body = GiveBody,
    responses((status = 201, description = "The grant", body = GrantBody),
        (status = 200, description = "The grant that was there, as it is now", body = GrantBody)))]
pub(crate) async fn give(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Json(body, _): Json<GiveBody>,
) -> Answer<GrantBody> {
    let (kept, given) = giving::give(&server, &operator, &body).await?;
    let status = if given == Given::New { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(status, GrantBody::of(&kept)))
}

/// Take a grant back. It holds at once here and within a second elsewhere; nobody is signed out.
#[utoipa::path(delete, path = "/v1/admin/grants/{id}", operation_id = "take_grant", tag = "grants",
    params(("id" = String, Path, description = "The grant")),
    responses((status = 200, description = "It is taken back", body = GrantTakenBody)))]
pub(crate) async fn take(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<GrantTakenBody> {
    let grant: GrantId = id.parse().map_err(|_| ApiError::NotFound)?;
    giving::take(&server, grant).await?;
    Ok(answer(StatusCode::OK, GrantTakenBody { id, outcome: "taken" }))
}

/// Why may somebody reach an app, or why not?
#[utoipa::path(get, path = "/v1/admin/grants/explain", operation_id = "explain_grants", tag = "grants",
    params(ExplainQuery),
    responses((status = 200, description = "The answer, and all that it follows from", body = ExplainedBody)))]
pub(crate) async fn explain(
    State(server): State<Arc<Server>>,
    operator: Operator,
    query: ExplainQuery,
) -> Answer<ExplainedBody> {
    let unknown = |member| move |_| ApiError::invalid(member, "nobody and nothing of this name");
    let app = operator.app(&server, &query.app).map_err(unknown("app"))?;
    let user = users::find(&server, &query.user).await.map_err(|error| match error {
        ApiError::NotFound => unknown("user")(error),
        other => other,
    })?;
    if !operator.covers(&user.realm) {
        return Err(unknown("user")(ApiError::NotFound));
    }
    let explained = grants::explain(&server, &user, &app).await?;
    let scopes = explained.access.iter().flat_map(|access| access.scopes.iter());
    let body = ExplainedBody {
        user: user.id.to_string(),
        app: app.name.to_string(),
        allowed: explained.access.is_some(),
        scopes: scopes.map(ToString::to_string).collect(),
        until: explained.access.as_ref().and_then(|access| access.until).map(rfc3339),
        role: explained.membership.role.name(),
        groups: explained.membership.groups.iter().map(ToString::to_string).collect(),
        findings: explained.findings.into_iter().map(FindingBody::from).collect(),
    };
    Ok(answer(StatusCode::OK, body))
}

impl From<Finding> for FindingBody {
    fn from(finding: Finding) -> Self {
        Self { code: finding.code, counts: finding.counts, detail: finding.detail }
    }
}

impl GrantBody {
    fn of(kept: &Kept) -> Self {
        Self {
            given_by: Some(kept.given_by.clone()),
            given_at: Some(rfc3339(kept.given_at)),
            ..Self::bare(&kept.grant)
        }
    }

    fn bare(grant: &Grant) -> Self {
        let (user, group, holder) = match &grant.holder {
            Holder::User(user) => (Some(user.to_string()), None, None),
            Holder::Group(group) => (None, Some(group.to_string()), None),
            Holder::Address(_) => (None, None, Some("address")),
            Holder::Everybody => (None, None, Some("everybody")),
        };
        let (app, app_group) = match &grant.target {
            Target::App(app) => (Some(app.to_string()), None),
            Target::Group(group) => (None, Some(group.to_string())),
        };
        Self {
            id: grant.id.to_string(),
            realm: grant.realm.to_string(),
            user,
            group,
            holder,
            app,
            app_group,
            scopes: grant.scopes.iter().map(ToString::to_string).collect(),
            expires_at: grant.expires_at.map(rfc3339),
            given_by: None,
            given_at: None,
            declared: grant.declared,
        }
    }
}
