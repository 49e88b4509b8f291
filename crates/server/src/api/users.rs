//! `/v1/users/{subject}`: what an app's server may know about a person, and keep with them, by the app's own pseudonym.

use std::sync::Arc;

use axum::{Router, routing::get};
use countersign_domain::{
    changes::{Change, Changes},
    event::{Event, EventKind},
    subject::Subject,
    user::User,
    vault::Vault as _,
};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Answer, answer, rfc3339};
use crate::{
    accounts::open_profile,
    call::{Call, Json, Named},
    error::ApiError,
    metadata::{Kept, Object},
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/v1/users/{subject}", get(show).patch(change))
}

/// A person, as an app may know them.
#[derive(Debug, Serialize, ToSchema)]
pub struct AppUserBody {
    /// The person, as this app knows them.
    pub subject: String,
    /// `active`, `disabled` or `erasing`.
    pub status: &'static str,
    /// As others see them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The language they want to be written to in (BCP 47).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What the app keeps for the person to see.
    #[schema(value_type = Object)]
    pub public: Object,
    /// What the app keeps for itself.
    #[schema(value_type = Object)]
    pub private: Object,
    /// When the account was made.
    pub created_at: String,
}

/// What is to be changed. A member that is absent stays; `null` empties it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeAppUserBody {
    /// What the person sees: up to 4 KiB, replaced as a whole.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    pub public: Option<Object>,
    /// What the app alone sees: up to 4 KiB, replaced as a whole.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Object>)]
    pub private: Option<Object>,
}

/// Reads `null` as an empty object.
fn given<'de, D: Deserializer<'de>>(member: D) -> Result<Option<Object>, D::Error> {
    Option::<Object>::deserialize(member).map(|object| Some(object.unwrap_or_default()))
}

/// What is known about a person of this app's.
#[utoipa::path(get, path = "/v1/users/{subject}", operation_id = "user", tag = "users",
    params(("subject" = String, Path, description = "The person, as this app knows them")),
    security(("secret_key" = [])),
    responses((status = 200, description = "The person", body = AppUserBody)))]
pub async fn show(call: Call, Named(subject): Named) -> Answer<AppUserBody> {
    let (subject, user) = find(&call, &subject).await?;
    let (kept, _) = Kept::of(&call.server, subject).await?;
    body_of(&call, subject, &user, kept)
}

/// Keep something with a person.
#[utoipa::path(patch, path = "/v1/users/{subject}", operation_id = "change_user", tag = "users",
    params(("subject" = String, Path, description = "The person, as this app knows them")),
    request_body = ChangeAppUserBody, security(("secret_key" = [])),
    responses((status = 200, description = "The person as they are now", body = AppUserBody)))]
pub async fn change(
    call: Call,
    Named(subject): Named,
    Json(body, _): Json<ChangeAppUserBody>,
) -> Answer<AppUserBody> {
    let (this, name, body) = (&call, &subject, &body);
    let (subject, user, kept) = call
        .server
        .decide(|| async move {
            let (subject, user) = find(this, name).await?;
            let (former, version) = Kept::of(&this.server, subject).await?;
            let kept = Kept {
                public: body.public.clone().unwrap_or(former.public),
                private: body.private.clone().unwrap_or(former.private),
            };
            let row = kept.row(&this.server, (subject, user.id), version)?;
            let event = Event::new(EventKind::UserChanged).of_user(user.id).at(&this.app.name);
            // The user is written too, so that nothing is kept with somebody who is being erased.
            let changes = vec![
                Change::User(user.clone()),
                Change::Metadata(row),
                event.within(&user.realm).by_method("metadata").into(),
            ];
            Ok(((subject, user, kept), Changes(changes)))
        })
        .await?;
    body_of(&call, subject, &user, kept)
}

/// A person whom this app knows by that name. Another app's are not told from those that never were.
async fn find(call: &Call, subject: &str) -> Result<(Subject, User), ApiError> {
    call.secret_only()?;
    let server = &call.server;
    let subject: Subject = subject.parse().map_err(|_| ApiError::NotFound)?;
    let found = server.store.subject(subject).await?.filter(|_| call.app.accounts.is_some());
    let found = found.filter(|found| found.sector == server.keys.sector(&call.app.sector));
    let user = match found {
        Some(found) => server.store.user(found.user).await?,
        None => None,
    };
    let user = user.filter(|user| user.realm == call.app.realm).ok_or(ApiError::NotFound)?;
    Ok((subject, user))
}

fn body_of(call: &Call, subject: Subject, user: &User, kept: Kept) -> Answer<AppUserBody> {
    let profile = open_profile(&call.server, user)?;
    let body = AppUserBody {
        subject: subject.to_string(),
        status: user.status.name(),
        display_name: profile.display_name,
        locale: profile.locale,
        public: kept.public,
        private: kept.private,
        created_at: rfc3339(user.created_at),
    };
    Ok(answer(StatusCode::OK, body))
}
