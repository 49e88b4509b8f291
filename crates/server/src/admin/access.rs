//! What an operator may do over a network, decided from the route alone before any handler sees the request: the scope that it
//! needs, and whether what the path names is in their realm. A route that is not known here is for keys of all
//! realms and every scope, so that forgetting one refuses and does not allow.

use axum::extract::MatchedPath;
use countersign_domain::{admin_key::AdminScope, app::App, id::DeviceId, realm::RealmName};
use http::{Method, request::Parts};

use super::Operator;
use crate::{error::ApiError, state::Server};

/// Where the routes for operators begin.
const BASE: &str = "/v1/admin/";
/// What holds every secret there is: for who is at the machine, whatever key somebody has.
const AT_THE_MACHINE: [&str; 2] = ["backup", "master-key"];
/// What follows `users/` and is no user.
const OF_MANY_USERS: [&str; 3] = ["delete", "export", "import"];

/// Whether an operator has the scope and the realm that the request needs.
///
/// # Errors
/// [`ApiError::ScopeNeeded`] names the scope; [`ApiError::NotFound`] for what is in another realm.
pub(super) async fn check(server: &Server, operator: &Operator, parts: &Parts) -> Result<(), ApiError> {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if AT_THE_MACHINE.contains(&collection_of(route)) {
        return Err(ApiError::NotFound);
    }
    let need = needed(&parts.method, route);
    if !need.is_met(operator) {
        return Err(ApiError::ScopeNeeded(need.least().name()));
    }
    match operator.realm() {
        Some(realm) => check_realm(server, realm, parts.uri.path()).await,
        None => Ok(()),
    }
}

/// What a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Need {
    /// Who may see and change the group that it is about.
    group: AdminScope,
    /// Whether who may see everything may, too.
    is_read: bool,
}

impl Need {
    fn is_met(self, operator: &Operator) -> bool {
        operator.allows(self.group) || self.is_read && operator.allows(AdminScope::Read)
    }

    /// The scope to ask for.
    fn least(self) -> AdminScope {
        if self.is_read { AdminScope::Read } else { self.group }
    }
}

/// The first part of a route, which says what it is about.
fn collection_of(route: &str) -> &str {
    route.strip_prefix(BASE).and_then(|rest| rest.split('/').next()).unwrap_or_default()
}

/// The scope that a request takes at least; none where no key is enough.
pub(crate) fn scope_of(method: &Method, route: &str) -> Option<&'static str> {
    let is_key_enough = !AT_THE_MACHINE.contains(&collection_of(route));
    is_key_enough.then(|| needed(method, route).least().name())
}

fn needed(method: &Method, route: &str) -> Need {
    let rest = route.strip_prefix(BASE).unwrap_or_default();
    let group = match collection_of(route) {
        "apps" if rest.contains("/keys") || rest.ends_with("/token-secret") => AdminScope::Keys,
        "apps" | "messages" | "revocations" => AdminScope::Apps,
        "keys" | "signing-keys" => AdminScope::Keys,
        "users" | "sessions" | "devices" | "invitations" | "grants" => AdminScope::Users,
        _ => AdminScope::All,
    };
    // Addresses of everybody are more than a look.
    let is_read = matches!(*method, Method::GET | Method::HEAD) && !rest.ends_with("/export");
    Need { group, is_read }
}

/// Whether what a path names is in `own`. Lists and what is to be made are for their handlers to keep to it.
async fn check_realm(server: &Server, own: &RealmName, path: &str) -> Result<(), ApiError> {
    let mut segments = path.strip_prefix(BASE).unwrap_or_default().split('/');
    let (collection, name) = (segments.next().unwrap_or_default(), segments.next());
    let Some(name) = name else {
        return match collection {
            "apps" | "messages" | "revocations" | "signing-keys" | "users" | "invitations" | "realms"
            | "admin-keys" | "events" | "grants" => Ok(()),
            _ => Err(ApiError::AllRealmsNeeded),
        };
    };
    let found = match collection {
        "users" if OF_MANY_USERS.contains(&name) => return Ok(()),
        // Their handlers look at whom and what they are about.
        "grants" if name == "explain" => return Ok(()),
        "signing-keys" if name == "rotate" => return Ok(()),
        "realms" => name.parse().ok(),
        "apps" | "keys" | "admin-keys" => known(server, collection, name),
        "users" | "sessions" | "devices" | "messages" | "invitations" | "grants" => {
            stored(server, collection, name).await?
        }
        _ => return Err(ApiError::AllRealmsNeeded),
    };
    if found.as_ref() == Some(own) { Ok(()) } else { Err(ApiError::NotFound) }
}

/// The realm of what every node knows by heart.
fn known(server: &Server, collection: &str, name: &str) -> Option<RealmName> {
    let registry = server.registry.load();
    let of_app = |name: &str| registry.app(name).map(|app: &std::sync::Arc<App>| app.realm.clone());
    match collection {
        "apps" => of_app(name),
        "keys" => registry.key_by_id(name.parse().ok()?).and_then(|key| of_app(key.app.as_str())),
        _ => registry.admin_key_by_id(name.parse().ok()?).and_then(|key| key.realm.clone()),
    }
}

/// The realm of what is in the store alone.
async fn stored(server: &Server, collection: &str, name: &str) -> Result<Option<RealmName>, ApiError> {
    let store = &server.store;
    Ok(match collection {
        "users" => match name.parse() {
            Ok(id) => store.user(id).await?.map(|user| user.realm),
            Err(_) => None,
        },
        "sessions" => match name.parse() {
            Ok(id) => store.session(id).await?.map(|session| session.realm),
            Err(_) => None,
        },
        "devices" => match name.parse::<DeviceId>() {
            Ok(id) => store.session(id.into()).await?.map(|session| session.realm),
            Err(_) => None,
        },
        "grants" => match name.parse() {
            Ok(id) => match server.registry.load_full().grants().get(id) {
                Some(declared) => Some(declared.realm.clone()),
                None => store.grants(&[id]).await?.first().map(|grant| grant.realm.clone()),
            },
            Err(_) => None,
        },
        "invitations" => match name.parse() {
            Ok(id) => store.invitation(id).await?.map(|invitation| invitation.realm),
            Err(_) => None,
        },
        _ => match name.parse() {
            Ok(id) => {
                let message = store.message(id).await?;
                message.and_then(|message| server.app(message.app.as_str())).map(|app| app.realm.clone())
            }
            Err(_) => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_needs_a_scope_and_an_unknown_one_needs_all() {
        for (method, route, group, is_read) in [
            (Method::GET, "/v1/admin/apps", AdminScope::Apps, true),
            (Method::POST, "/v1/admin/apps", AdminScope::Apps, false),
            (Method::POST, "/v1/admin/apps/{app}/keys", AdminScope::Keys, false),
            (Method::POST, "/v1/admin/apps/{app}/token-secret", AdminScope::Keys, false),
            (Method::POST, "/v1/admin/apps/{app}/disable", AdminScope::Apps, false),
            (Method::POST, "/v1/admin/keys/{id}/revoke", AdminScope::Keys, false),
            (Method::POST, "/v1/admin/signing-keys/rotate", AdminScope::Keys, false),
            (Method::DELETE, "/v1/admin/messages/{id}", AdminScope::Apps, false),
            (Method::GET, "/v1/admin/users/{id}", AdminScope::Users, true),
            (Method::GET, "/v1/admin/users/export", AdminScope::Users, false),
            (Method::GET, "/v1/admin/users/{id}/export", AdminScope::Users, false),
            (Method::DELETE, "/v1/admin/sessions/{id}", AdminScope::Users, false),
            (Method::DELETE, "/v1/admin/devices/{id}", AdminScope::Users, false),
            (Method::POST, "/v1/admin/grants", AdminScope::Users, false),
            (Method::GET, "/v1/admin/grants/explain", AdminScope::Users, true),
            (Method::DELETE, "/v1/admin/grants/{id}", AdminScope::Users, false),
            (Method::GET, "/v1/admin/realms", AdminScope::All, true),
            (Method::POST, "/v1/admin/admin-keys", AdminScope::All, false),
            (Method::GET, "/v1/admin/events", AdminScope::All, true),
            (Method::GET, "/v1/admin/apps/{app}/policy", AdminScope::Apps, true),
            (Method::GET, "/v1/admin/users/{id}/policy", AdminScope::Users, true),
            (Method::POST, "/v1/admin/tomorrow", AdminScope::All, false),
            (Method::POST, "", AdminScope::All, false),
        ] {
            assert_eq!(needed(&method, route), Need { group, is_read }, "{method} {route}");
        }
    }
}
