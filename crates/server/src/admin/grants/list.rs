//! Which grants there are: of a user or a group, for an app or a group of apps, or all of a realm; those of the
//! configuration file among them, in the order of their names.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use countersign_domain::{
    grant::{Grant, Holder, Target},
    id::{GrantId, UserId},
    realm::RealmName,
    user::IdentifierKind,
};
use countersign_store::GrantList;
use http::request::Parts;
use serde::Deserialize;
use utoipa::IntoParams;

use super::GrantBody;
use crate::{
    admin::{List, Operator, list_query, usual_limit},
    error::ApiError,
    grants::open,
    state::Server,
};

/// Which grants are asked for: of at most one holder, or for at most one target, or both.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GrantQuery {
    /// Of this user alone, not of their groups: an id.
    #[serde(default)]
    user: Option<String>,
    /// Of this group alone.
    #[serde(default)]
    group: Option<String>,
    /// For this app alone, not for its groups.
    #[serde(default)]
    app: Option<String>,
    /// For this group of apps alone.
    #[serde(default)]
    app_group: Option<String>,
    /// Of which realm, where neither user nor app says it: that of the key, or `default`, where absent.
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

impl FromRequestParts<Arc<Server>> for GrantQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Server>) -> Result<Self, ApiError> {
        list_query(&parts.uri, |query: &Self| query.limit)
    }
}

/// What is asked for, read.
struct Asked {
    realm: RealmName,
    holder: Option<Holder>,
    target: Option<Target>,
    after: GrantId,
}

/// A part of the list.
pub(super) async fn list(
    server: &Server,
    operator: &Operator,
    query: &GrantQuery,
) -> Result<List<GrantBody>, ApiError> {
    let asked = read(server, operator, query).await?;
    let most = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = Vec::new();
    for kept in stored(server, &asked, most).await? {
        found.push((kept.grant.id, GrantBody::of(&kept)));
    }
    let declared = declared(server, &asked).await?;
    found.extend(declared.iter().map(|grant| (grant.id, GrantBody::bare(grant))));
    found.sort_by_key(|(id, _)| *id);
    let more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| more).map(|(id, _)| id.to_string());
    Ok(List { items: found.into_iter().map(|(_, body)| body).collect(), next })
}

async fn read(server: &Server, operator: &Operator, query: &GrantQuery) -> Result<Asked, ApiError> {
    let mut realm = None;
    let holder = match (&query.user, &query.group) {
        (None, None) => None,
        (Some(user), None) => {
            let unknown = || ApiError::invalid("user", "no user has this id");
            let id: UserId = user.parse().map_err(|_| unknown())?;
            let user = server.store.user(id).await?.filter(|user| operator.covers(&user.realm));
            realm = Some(user.ok_or_else(unknown)?.realm);
            Some(Holder::User(id))
        }
        (None, Some(group)) => Some(Holder::Group(read_name("group", group)?)),
        (Some(_), Some(_)) => return Err(ApiError::invalid("user", "give either user or group")),
    };
    let target = match (&query.app, &query.app_group) {
        (None, None) => None,
        (Some(name), None) => {
            let unknown = |_| ApiError::invalid("app", "no app has this name");
            let app = operator.app(server, name).map_err(unknown)?;
            if realm.get_or_insert_with(|| app.realm.clone()) != &app.realm {
                return Err(ApiError::invalid("app", "the app is in another realm: nothing crosses realms"));
            }
            Some(Target::App(app.name.clone()))
        }
        (None, Some(group)) => Some(Target::Group(read_name("app_group", group)?)),
        (Some(_), Some(_)) => return Err(ApiError::invalid("app", "give either app or app_group")),
    };
    let realm = match (realm, &query.realm) {
        (Some(realm), None) => realm,
        (Some(realm), Some(asked)) if operator.choose(Some(asked))? != realm => {
            return Err(ApiError::invalid("realm", "what is named is in another realm"));
        }
        (Some(realm), Some(_)) => realm,
        (None, asked) => operator.choose(asked.as_deref())?,
    };
    let after = match &query.after {
        Some(id) => id.parse().map_err(|error| ApiError::invalid("after", format!("{error}")))?,
        None => GrantId::from_bytes([0; 16]),
    };
    Ok(Asked { realm, holder, target, after })
}

fn read_name<T: std::str::FromStr<Err: std::fmt::Display>>(
    member: &'static str,
    text: &str,
) -> Result<T, ApiError> {
    text.parse().map_err(|error: T::Err| ApiError::invalid(member, error.to_string()))
}

async fn stored(server: &Server, asked: &Asked, most: i64) -> Result<Vec<crate::grants::Kept>, ApiError> {
    let (keys, realm) = (&server.keys, &asked.realm);
    let list = match (&asked.holder, &asked.target) {
        (Some(holder), Some(target)) => {
            let found = server.store.grants(&[keys.grant(realm, holder, target)]).await?;
            let found = found.iter().filter(|stored| stored.id > asked.after);
            return found.map(|stored| open(&server.keys, stored)).collect();
        }
        (Some(holder), None) => GrantList::Holders(vec![keys.grant_holder(realm, holder)]),
        (None, Some(target)) => GrantList::Target(keys.grant_target(realm, target)),
        (None, None) => GrantList::Realm(realm.clone()),
    };
    let found = server.store.grants_after(&list, asked.after, most).await?;
    found.iter().map(|stored| open(&server.keys, stored)).collect()
}

/// Those of the configuration file. A user holds what one of their addresses was given, and what everybody was.
async fn declared(server: &Server, asked: &Asked) -> Result<Vec<Grant>, ApiError> {
    let registry = server.registry.load_full();
    let of_realm = registry.grants().of_realm(&asked.realm).filter(|grant| grant.id > asked.after);
    let for_target =
        of_realm.filter(|grant| asked.target.as_ref().is_none_or(|target| *target == grant.target));
    let found: Vec<_> = for_target.cloned().collect();
    let addresses = match asked.holder {
        Some(Holder::User(user)) if found.iter().any(|grant| matches!(grant.holder, Holder::Address(_))) => {
            let all = server.store.identifiers_of(user).await?.into_iter();
            let proven =
                all.filter(|known| known.kind == IdentifierKind::Email && known.verified_at.is_some());
            proven.map(|known| known.digest).collect()
        }
        _ => Vec::new(),
    };
    let is_theirs = |grant: &Grant| match (&asked.holder, &grant.holder) {
        (None, _) | (Some(Holder::User(_)), Holder::Everybody) => true,
        (Some(Holder::User(_)), Holder::Address(digest)) => addresses.contains(digest),
        (Some(wanted), holder) => wanted == holder,
    };
    Ok(found.into_iter().filter(is_theirs).collect())
}
