//! Users of realms: listed, found by exact address, made, changed, switched off and on. What an address is stays
//! sealed, for operators too. The person is told what was changed.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRequestParts, State},
    routing::get,
};
use countersign_domain::{
    changes::{Change, Changes},
    event::{Event, EventKind},
    id::UserId,
    identifier::EmailAddress,
    time::Timestamp,
    user::{self, NEVER, User, UserStatus},
};
use countersign_store::UserFilter;
use http::{StatusCode, request::Parts};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{List, Operator, list_query, membership, realms, usual_limit};
use crate::{
    accounts::{Profile, open_profile, seal_profile, user_of},
    api::{Answer, answer, rfc3339},
    app_passwords,
    call::{Json, Named},
    error::ApiError,
    newcomer::{GivenEmail, GivenPerson, GivenRole, GivenStatus, Newcomer, check_profile},
    outbox::notice::{Notice, Touched},
    state::Server,
};

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/v1/admin/users", get(list).post(create))
        .route("/v1/admin/users/{id}", get(show).patch(change))
}

/// Which users are asked for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// Of which realm: that of the key, or `default`, where absent.
    #[serde(default)]
    realm: Option<String>,
    /// Only who has this address, exactly.
    #[serde(default)]
    email: Option<String>,
    /// Only `active` or `disabled` ones.
    #[serde(default)]
    status: Option<GivenStatus>,
    /// Only who was made at this moment or later (RFC 3339).
    #[serde(default)]
    created_from: Option<String>,
    /// Only who was made before this moment (RFC 3339).
    #[serde(default)]
    created_before: Option<String>,
    /// What the former part named as `next`.
    #[serde(default)]
    after: Option<String>,
    /// At most so many: 1 to 200, 50 by default.
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: usize,
}

/// A user, without what is sealed.
#[derive(Debug, Serialize, ToSchema)]
pub struct UserBody {
    /// Names it.
    pub id: String,
    /// Where it lives.
    pub realm: String,
    /// `active`, `disabled` or `erasing`.
    pub status: &'static str,
    /// `user`, or `admin`, who may reach every app of the realm.
    pub role: &'static str,
    /// The groups that they are in.
    pub groups: Vec<String>,
    /// How many addresses it has.
    pub identifiers: usize,
    /// How many sessions it has, trusted browsers and devices with them; one that has just run out counts until it is swept.
    pub sessions: usize,
    /// When it was made.
    pub created_at: String,
    /// When the person signed in last; absent for who never did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_in_at: Option<String>,
}

/// Somebody who is to be a user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUserBody {
    /// Of which realm: that of the key, or `default`, where absent.
    #[serde(default)]
    realm: Option<String>,
    /// The addresses, the primary one first: 1 to 10. One that is not verified must be the only one.
    emails: Vec<GivenEmail>,
    /// As others see them: up to 100 characters.
    #[serde(default)]
    display_name: Option<String>,
    /// A BCP 47 tag such as `de-CH`: up to 35 characters.
    #[serde(default)]
    locale: Option<String>,
    /// `active` where absent.
    #[serde(default)]
    status: GivenStatus,
    /// `user` where absent; `admin` may reach every app of the realm.
    #[serde(default)]
    role: GivenRole,
    /// The groups to be in: at most 32.
    #[serde(default)]
    groups: Vec<String>,
}

/// What is to be changed; `null` removes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUserBody {
    /// Whether the user may sign in. Switching one off ends all sessions.
    #[serde(default)]
    status: Option<GivenStatus>,
    /// As others see them: up to 100 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    display_name: Option<Option<String>>,
    /// A BCP 47 tag such as `de-CH`: up to 35 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    locale: Option<Option<String>>,
    /// The role: an `admin` may reach every app of the realm, where the realm lets administrators.
    #[serde(default)]
    role: Option<GivenRole>,
    /// All groups to be in, in place of those that they are in: at most 32.
    #[serde(default)]
    groups: Option<Vec<String>>,
    /// Groups to be put into, beside those that they are in.
    #[serde(default)]
    add_groups: Vec<String>,
    /// Groups to be taken out of.
    #[serde(default)]
    remove_groups: Vec<String>,
}

/// Tells a member that is `null` from one that is absent.
fn given<'de, D: Deserializer<'de>>(member: D) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(member).map(Some)
}

impl FromRequestParts<Arc<Server>> for UserQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        list_query(&parts.uri, |query: &Self| query.limit)
    }
}

impl UserQuery {
    fn filter(&self) -> Result<UserFilter, ApiError> {
        let after = self.after.as_ref().map(|id| id.parse::<UserId>());
        Ok(UserFilter {
            after: after.transpose().map_err(|error| ApiError::invalid("after", error.to_string()))?,
            created_from: moment("created_from", self.created_from.as_deref())?,
            created_before: moment("created_before", self.created_before.as_deref())?,
            status: self.status.map(UserStatus::from),
        })
    }
}

fn moment(member: &'static str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let moment: Result<jiff::Timestamp, _> = text.parse();
    match moment {
        Ok(moment) => Ok(Some(Timestamp::from_millis(moment.as_millisecond()))),
        Err(_) => Err(ApiError::invalid(member, "expected a time such as 2027-01-31T12:00:00Z")),
    }
}

/// Users, by filter or by exact address.
#[utoipa::path(get, path = "/v1/admin/users", operation_id = "list_users", tag = "users",
    params(UserQuery),
    responses((status = 200, description = "The users", body = List<UserBody>)))]
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    operator: Operator,
    query: UserQuery,
) -> Answer<List<UserBody>> {
    let realm = operator.choose(query.realm.as_deref())?;
    let filter = query.filter()?;
    let mut users = match &query.email {
        Some(email) => {
            let address =
                EmailAddress::parse(email).map_err(|error| ApiError::invalid("email", error.to_string()))?;
            user_of(&server, &realm, &address).await?.into_iter().collect()
        }
        None => {
            let most = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
            server.store.users(&realm, &filter, most).await?
        }
    };
    let more = users.len() > query.limit;
    users.truncate(query.limit);
    let next = users.last().filter(|_| more).map(|user| user.id.to_string());
    let mut items = Vec::with_capacity(users.len());
    for user in users {
        items.push(body_of(&server, user).await?);
    }
    Ok(answer(StatusCode::OK, List { items, next }))
}

/// One user.
#[utoipa::path(get, path = "/v1/admin/users/{id}", operation_id = "show_user", tag = "users",
    params(("id" = String, Path, description = "The user")),
    responses((status = 200, description = "The user", body = UserBody)))]
pub(crate) async fn show(State(server): State<Arc<Server>>, Named(id): Named) -> Answer<UserBody> {
    let user = find(&server, &id).await?;
    Ok(answer(StatusCode::OK, body_of(&server, user).await?))
}

/// Make a user.
#[utoipa::path(post, path = "/v1/admin/users", operation_id = "create_user", tag = "users",
    request_body = CreateUserBody,
    responses((status = 201, description = "The user", body = UserBody)))]
pub(crate) async fn create(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Json(body, _): Json<CreateUserBody>,
) -> Answer<UserBody> {
    let realm = operator.choose(body.realm.as_deref())?;
    membership::may_make(&server, &operator, &realm, body.role.into())?;
    let person = GivenPerson {
        emails: body.emails,
        display_name: body.display_name,
        locale: body.locale,
        status: body.status,
        role: body.role,
        groups: body.groups,
        ..GivenPerson::default()
    };
    let newcomer = Newcomer::read(&person, server.now())?;
    let (this, realm, newcomer) = (&server, &realm, &newcomer);
    let user = server
        .decide(|| async move {
            realms::hold(this, realm).await?.ok_or_else(realms::unknown)?;
            if newcomer.is_known(this, realm).await? {
                return Err(ApiError::AddressTaken);
            }
            let mut changes = Changes::default();
            let user = newcomer.become_user(this, realm, &mut *this.random(), &mut changes)?;
            Ok((user, changes))
        })
        .await?;
    Ok(answer(StatusCode::CREATED, body_of(&server, user).await?))
}

/// Change what a user is called, and switch them off, with all sessions and what came from them, or on.
#[utoipa::path(patch, path = "/v1/admin/users/{id}", operation_id = "change_user", tag = "users",
    request_body = ChangeUserBody,
    params(("id" = String, Path, description = "The user")),
    responses((status = 200, description = "The user", body = UserBody)))]
pub(crate) async fn change(
    State(server): State<Arc<Server>>,
    operator: Operator,
    Named(id): Named,
    Json(body, _): Json<ChangeUserBody>,
) -> Answer<UserBody> {
    let name = body.display_name.as_ref().and_then(Option::as_deref);
    check_profile(name, body.locale.as_ref().and_then(Option::as_deref))?;
    let (this, id, body, operator) = (&server, &id, &body, &operator);
    let user = server
        .decide(|| async move {
            let mut user = find(this, id).await?;
            if let Some(role) = body.role {
                membership::may_make(this, operator, &user.realm, role.into())?;
            }
            if body.status.is_some() {
                membership::may_touch(this, operator, &user)?;
            }
            let renamed = rename(this, &mut user, body)?;
            let moved = membership::apply(this, &mut user, body.membership())?;
            let mut decision = match body.status {
                // An erasure that waits goes on: then they stay switched off should the person keep the account.
                Some(GivenStatus::Disabled) => {
                    let (id, sessions) = (user.id, this.store.sessions_of(user.id).await?);
                    let mut disabled = user::disable(user, &sessions, this.now());
                    disabled.changes.extend(app_passwords::all_removed(this, id, this.now()));
                    disabled
                }
                // Writes the user as it is, with what it is called now.
                Some(GivenStatus::Active) => user::enable(user),
                None => user::rewrite(user),
            };
            tell(this, &decision.outcome, body, renamed, &mut decision.changes).await?;
            membership::tell(this, &decision.outcome, &moved, &mut decision.changes).await?;
            Ok((decision.outcome, decision.changes))
        })
        .await?;
    Ok(answer(StatusCode::OK, body_of(&server, user).await?))
}

impl ChangeUserBody {
    fn membership(&self) -> membership::Wish<'_> {
        let (add, remove) = (&self.add_groups, &self.remove_groups);
        membership::Wish { role: self.role, groups: self.groups.as_deref(), add, remove }
    }
}

/// Whether what the user is called is another now.
fn rename(server: &Server, user: &mut User, body: &ChangeUserBody) -> Result<bool, ApiError> {
    let former = open_profile(server, user)?;
    let profile = Profile {
        display_name: body.display_name.clone().unwrap_or_else(|| former.display_name.clone()),
        locale: body.locale.clone().unwrap_or_else(|| former.locale.clone()),
        ..former.clone()
    };
    if profile == former {
        return Ok(false);
    }
    user.sealed_profile = seal_profile(server, user, &profile)?;
    Ok(true)
}

/// Tells the log and the person what was changed.
async fn tell(
    server: &Server,
    user: &User,
    body: &ChangeUserBody,
    renamed: bool,
    changes: &mut Changes,
) -> Result<(), ApiError> {
    if renamed {
        changes.push(told(EventKind::UserChanged, user));
        tell_person(server, user, Touched::Details, changes).await?;
    }
    if let Some(status) = body.status {
        let kind = match status {
            GivenStatus::Active => EventKind::UserEnabled,
            GivenStatus::Disabled => EventKind::UserDisabled,
        };
        changes.push(told(kind, user));
        tell_person(server, user, Touched::Access, changes).await?;
    }
    Ok(())
}

/// Writes to the person that an administrator did something to their account, where an app can speak.
pub(super) async fn tell_person(
    server: &Server,
    user: &User,
    what: Touched,
    changes: &mut Changes,
) -> Result<(), ApiError> {
    let Some(app) = server.speaker(&user.realm) else { return Ok(()) };
    server.tell_user(&app, user, &Notice::AdministratorChanged { what }, changes).await
}

/// Something that an operator did to a user.
pub(super) fn told(kind: EventKind, user: &User) -> Change {
    Event::new(kind).of_user(user.id).within(&user.realm).into()
}

/// A user by the id that a path names. That it is in the operator's realm was seen to before.
pub(super) async fn find(server: &Server, id: &str) -> Result<User, ApiError> {
    let id: UserId = id.parse().map_err(|_| ApiError::NotFound)?;
    server.store.user(id).await?.ok_or(ApiError::NotFound)
}

async fn body_of(server: &Server, user: User) -> Result<UserBody, ApiError> {
    let (identifiers, sessions) = server.store.count_of_user(user.id).await?;
    let profile = open_profile(server, &user)?;
    Ok(UserBody {
        id: user.id.to_string(),
        realm: user.realm.to_string(),
        status: user.status.name(),
        role: profile.role().name(),
        groups: profile.groups,
        identifiers,
        sessions,
        created_at: rfc3339(user.created_at),
        signed_in_at: Some(user.signed_in_at).filter(|at| *at > NEVER).map(rfc3339),
    })
}
