//! What of a grant is sealed: whose it is, what for, its scopes, who gave it and when. It knows where that is kept.

use countersign_domain::{
    grant::{Grant, Holder, StoredGrant, Target},
    id::GrantId,
    random::Random,
    scope::Scopes,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{error::ApiError, keys::Context, vault::Keys};

/// What is sealed is as long as a multiple of this, so that its length does not tell a name.
const STEP: usize = 128;

/// A grant that is stored, with what is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The grant.
    pub grant: Grant,
    /// Who gave it, as the log of events calls them.
    pub given_by: String,
    /// When.
    pub given_at: Timestamp,
    /// Which version of its row this is.
    pub version: i64,
}

/// Short names: there may be millions.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Inside {
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    app_group: Option<String>,
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<String>,
    #[serde(rename = "b")]
    by: String,
    #[serde(rename = "m")]
    at: i64,
}

fn place(id: &GrantId) -> Context<'_> {
    Context { table: "access_grant", column: "sealed", id: id.bytes() }
}

/// The row of a grant.
///
/// # Errors
/// [`ApiError::Internal`] when memory fails, or for a holder that the configuration file alone knows.
pub fn seal(keys: &Keys, random: &mut dyn Random, kept: &Kept) -> Result<StoredGrant, ApiError> {
    let grant = &kept.grant;
    let (user, group) = match &grant.holder {
        Holder::User(user) => (Some(user.to_string()), None),
        Holder::Group(group) => (None, Some(group.to_string())),
        Holder::Address(_) | Holder::Everybody => return Err(ApiError::Internal),
    };
    let (app, app_group) = match &grant.target {
        Target::App(app) => (Some(app.to_string()), None),
        Target::Group(group) => (None, Some(group.to_string())),
    };
    let scopes = grant.scopes.iter().map(ToString::to_string).collect();
    let (by, at) = (kept.given_by.clone(), kept.given_at.millis());
    let inside = Inside { user, group, app, app_group, scopes, by, at };
    let mut json = serde_json::to_vec(&inside).map_err(|_| ApiError::Internal)?;
    json.resize(json.len().next_multiple_of(STEP), b' ');
    let id = keys.grant(&grant.realm, &grant.holder, &grant.target);
    let sealed = keys.realm(&grant.realm).seal(random, &place(&id), &json);
    Ok(StoredGrant {
        id,
        holder: keys.grant_holder(&grant.realm, &grant.holder),
        target: keys.grant_target(&grant.realm, &grant.target),
        sealed: sealed.map_err(|_| ApiError::Internal)?,
        expires_at: grant.expires_at,
        realm: grant.realm.clone(),
        version: kept.version,
    })
}

/// A grant from its row. A row that says something else than its name was changed by somebody without the key.
///
/// # Errors
/// [`ApiError::Internal`] when it does not open or was tampered with.
pub fn open(keys: &Keys, stored: &StoredGrant) -> Result<Kept, ApiError> {
    let opened = keys.open(&place(&stored.id), &stored.sealed).map_err(|_| ApiError::Internal)?;
    let inside: Inside = serde_json::from_slice(opened.expose()).map_err(|_| ApiError::Internal)?;
    let kept = read(inside, stored).ok_or(ApiError::Internal)?;
    let Grant { realm, holder, target, .. } = &kept.grant;
    if keys.grant(realm, holder, target) == stored.id { Ok(kept) } else { Err(ApiError::Internal) }
}

fn read(inside: Inside, stored: &StoredGrant) -> Option<Kept> {
    let holder = match (inside.user, inside.group) {
        (Some(user), None) => Holder::User(user.parse().ok()?),
        (None, Some(group)) => Holder::Group(group.parse().ok()?),
        _ => return None,
    };
    let target = match (inside.app, inside.app_group) {
        (Some(app), None) => Target::App(app.parse().ok()?),
        (None, Some(group)) => Target::Group(group.parse().ok()?),
        _ => return None,
    };
    let grant = Grant {
        id: stored.id,
        realm: stored.realm.clone(),
        holder,
        target,
        scopes: Scopes::parse(&inside.scopes).ok()?,
        expires_at: stored.expires_at,
        declared: false,
    };
    let given_at = Timestamp::from_millis(inside.at);
    Some(Kept { grant, given_by: inside.by, given_at, version: stored.version })
}
