//! Invitations: mailed, listed without the mailbox, taken back. Whoever proves the mailbox at the app is let in, once.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, State},
    routing::{delete, get},
};
use countersign_domain::{
    app::{App, SignUp},
    changes::{Change, Changes},
    contact::ContactKey,
    event::{Event, EventKind},
    id::InvitationId,
    identifier::EmailAddress,
    invitation::{Invitation, LONGEST_LIFE, MOST_OPEN, USUAL_LIFE},
    time::Span,
    vault::Vault as _,
};
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

use super::{List, Operator, list_query, usual_limit};
use crate::{
    accounts::user_of,
    api::{Answer, answer, rfc3339},
    call::{Json, Named},
    error::ApiError,
    outbox::notice::{Link, Notice, Reader},
    state::Server,
};

/// Shortest life of an invitation.
const SHORTEST_LIFE: Span = Span::from_minutes(1);

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/invitations", get(list).post(create))
        .route("/v1/admin/invitations/{id}", delete(revoke))
}

/// Whom to invite, and where to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteBody {
    /// The app, whose `sign_up` is `invitation`.
    app: String,
    /// The realm of the app, where it is to be made sure of.
    #[serde(default)]
    realm: Option<String>,
    /// Whom: nothing is kept of the address but a digest, and the mail until it was sent.
    email: String,
    /// For how many seconds: 60 to 7776000 (90 days), 604800 (a week) by default.
    #[serde(default)]
    expires_in: Option<i64>,
    /// Where the mail leads: a page of one of the app's origins; the first of them where absent.
    #[serde(default)]
    link: Option<String>,
    /// The language of the mail (BCP 47); the app's where absent.
    #[serde(default)]
    locale: Option<String>,
}

/// An invitation that is open.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationBody {
    /// Names it.
    pub id: String,
    /// Of which realm.
    pub realm: String,
    /// To which app.
    pub app: String,
    /// When it was made.
    pub created_at: String,
    /// When it is over.
    pub expires_at: String,
}

/// An invitation that was taken back.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationRevokedBody {
    /// Named it.
    pub id: String,
    /// `revoked`.
    pub outcome: &'static str,
}

/// Which invitations are asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InvitationQuery {
    /// Of which realm: that of the key, or `default`, where absent.
    #[serde(default)]
    realm: Option<String>,
    /// What the former part named as `next`.
    #[serde(default)]
    after: Option<String>,
    /// At most so many: 1 to 200, 50 by default.
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: usize,
}

impl FromRequestParts<Arc<Server>> for InvitationQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        list_query(&parts.uri, |query: &Self| query.limit)
    }
}

/// Open invitations.
#[utoipa::path(get, path = "/v1/admin/invitations", operation_id = "list_invitations", tag = "users",
    params(InvitationQuery),
    responses((status = 200, description = "The invitations", body = List<InvitationBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    operator: Operator,
    query: InvitationQuery,
) -> Answer<List<InvitationBody>> {
    let realm = operator.choose(query.realm.as_deref())?;
    let after = match &query.after {
        Some(id) => id.parse().map_err(|error| ApiError::invalid("after", format!("{error}")))?,
        None => InvitationId::from_bytes([0; 16]),
    };
    let most = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = server.store.invitations_after(&realm, after, most).await?;
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| more).map(|invitation| invitation.id.to_string());
    let now = server.now();
    let items = found.iter().filter(|invitation| invitation.is_open(now)).map(body_of).collect();
    Ok(answer(StatusCode::OK, List { items, next }))
}

/// Invite somebody to an app, by mail.
#[utoipa::path(post, path = "/v1/admin/invitations", operation_id = "invite", tag = "users",
    request_body = InviteBody,
    responses((status = 201, description = "The invitation", body = InvitationBody)))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Json(body, _): Json<InviteBody>,
) -> Answer<InvitationBody> {
    let app = operator.app(&server, &body.app)?;
    if let Some(realm) = &body.realm
        && operator.choose(Some(realm))? != app.realm
    {
        return Err(ApiError::invalid("realm", "the app is in another realm"));
    }
    if app.accounts.as_ref().is_none_or(|accounts| accounts.sign_up != SignUp::Invitation) {
        return Err(ApiError::invalid(
            "app",
            "it lets in whom it lets in: set sign_up = \"invitation\" first",
        ));
    }
    let address =
        EmailAddress::parse(&body.email).map_err(|error| ApiError::invalid("email", error.to_string()))?;
    let life = body.expires_in.map_or(USUAL_LIFE, Span::from_seconds);
    if !(SHORTEST_LIFE..=LONGEST_LIFE).contains(&life) {
        return Err(ApiError::invalid("expires_in", "expected 60 to 7776000"));
    }
    let url = link(&app, body.link.as_deref())?;
    let _lane = server.lanes.enter(&server.keys.contact(Some(&app.name), &address)).await;
    take_quota(&server, &app).await?;
    let asked = Asked { app: &app, address: &address, life, url: &url, locale: body.locale.as_deref() };
    let (this, asked) = (&server, &asked);
    let invitation = server.decide(|| invite(this, asked)).await?;
    Ok(answer(StatusCode::CREATED, body_of(&invitation)))
}

/// What is the same at every try.
struct Asked<'a> {
    app: &'a App,
    address: &'a EmailAddress,
    life: Span,
    url: &'a str,
    locale: Option<&'a str>,
}

async fn invite(server: &Server, asked: &Asked<'_>) -> Result<(Invitation, Changes), ApiError> {
    let Asked { app, address, .. } = *asked;
    let now = server.now();
    if user_of(server, &app.realm, address).await?.is_some() {
        return Err(ApiError::AddressTaken);
    }
    let digest = server.keys.identifier(&app.realm, address);
    let is_again = server.store.invitation_of(&app.name, digest).await?.is_some_and(|one| one.is_open(now));
    if !is_again && server.store.open_invitations(&app.realm, now).await? >= MOST_OPEN {
        return Err(ApiError::TooManyInvitations);
    }
    let person =
        ContactKey { app: Some(app.name.clone()), digest: server.keys.contact(Some(&app.name), address) };
    let mut contact = server.store.contact(person).await?;
    contact.may_send(&app.challenge, now)?;
    contact.note_send(now);
    let invitation = Invitation {
        id: InvitationId::new(now, &mut *server.random()),
        realm: app.realm.clone(),
        app: app.name.clone(),
        digest,
        created_at: now,
        expires_at: now + asked.life,
    };
    let told = Event::new(EventKind::InvitationCreated).at(&app.name).within(&app.realm);
    let mut changes = Changes(vec![
        Change::Contact(contact),
        Change::InvitationAdded(invitation.clone()),
        told.on(&invitation.id.to_string()).into(),
    ]);
    let until = invitation.expires_at.millis();
    let notice = Notice::Invitation { accept: Link { url: Zeroizing::new(asked.url.to_owned()), until } };
    server.tell(Reader { app, to: address, locale: asked.locale }, &notice, &mut changes)?;
    Ok((invitation, changes))
}

/// Where the mail leads: a page of the app, so that nobody is sent anywhere else in its name.
fn link(app: &App, asked: Option<&str>) -> Result<String, ApiError> {
    let first = || ApiError::invalid("app", "it lists no origin that the mail could lead to");
    let Some(asked) = asked else { return app.origins.first().cloned().ok_or_else(first) };
    let is_of = |origin: &String| {
        asked.strip_prefix(origin.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_plain = asked.len() <= 500 && asked.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain && app.origins.iter().any(is_of) {
        return Ok(asked.to_owned());
    }
    Err(ApiError::invalid("link", "expected a page of one of the app's origins"))
}

/// One message of the app's and of the server's.
async fn take_quota(server: &Server, app: &App) -> Result<(), ApiError> {
    let now = server.now();
    let limit = server.config.load().limits.messages_per_day;
    server.quotas.take_app(&server.store, app, now).await?.map_err(ApiError::AppLimit)?;
    server.quotas.take_total(&server.store, limit, now).await?.map_err(ApiError::AppLimit)
}

/// Take an invitation back. The mail may have been read.
#[utoipa::path(delete, path = "/v1/admin/invitations/{id}", operation_id = "revoke_invitation", tag = "users",
    params(("id" = String, Path, description = "The invitation")),
    responses((status = 200, description = "It is taken back", body = InvitationRevokedBody)))]
pub(crate) async fn revoke(
    State(server): State<Arc<Server>>,
    Named(id): Named,
) -> Answer<InvitationRevokedBody> {
    let invitation: InvitationId = id.parse().map_err(|_| ApiError::NotFound)?;
    let this = &server;
    server
        .decide(|| async move {
            let found = this.store.invitation(invitation).await?.ok_or(ApiError::NotFound)?;
            let told = Event::new(EventKind::InvitationRevoked)
                .at(&found.app)
                .within(&found.realm)
                .on(&found.id.to_string());
            Ok(((), Changes(vec![Change::InvitationSpent(found.id), told.into()])))
        })
        .await?;
    Ok(answer(StatusCode::OK, InvitationRevokedBody { id, outcome: "revoked" }))
}

fn body_of(invitation: &Invitation) -> InvitationBody {
    InvitationBody {
        id: invitation.id.to_string(),
        realm: invitation.realm.to_string(),
        app: invitation.app.to_string(),
        created_at: rfc3339(invitation.created_at),
        expires_at: rfc3339(invitation.expires_at),
    }
}
