//! The description of what operators call, put together from the handlers, their bodies, the scopes that their keys
//! need, and the schema of the configuration, in whose words apps and realms are set. A document of its own: who writes
//! an app reads none of it, and neither document is in memory before somebody asks for it.

use std::collections::BTreeSet;

use countersign_domain::{refusal::Refusal, time::Span};
use http::Method;
use serde_json::{Map, Value, json};
use utoipa::{
    OpenApi as _,
    openapi::{
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::{describe_refusals, refusals::bodies};
use crate::{
    admin::{self, access},
    api,
    error::ApiError,
    newcomer,
};

/// Where the schemas of a document stand.
const SCHEMAS: &str = "#/components/schemas/";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Countersign for operators",
        description = "What an operator changes while the server runs. On the control socket, whose mode says who may ask, \
            there is no key; over a network there is an admin key, never in a browser: requests with `Origin`, `Cookie` or \
            `Sec-Fetch-*` are refused. Refusals are problem documents (RFC 9457) with a stable `code`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        admin::admin_keys::list, admin::admin_keys::create, admin::admin_keys::revoke,
        admin::apps::list, admin::apps::show, admin::apps::create, admin::apps::change, admin::apps::replace,
        admin::apps::disable, admin::apps::enable, admin::apps::token_secret,
        admin::backup::begin,
        admin::bulk::import, admin::bulk::export, admin::export::show,
        admin::credentials::list, admin::credentials::remove,
        admin::devices::list, admin::devices::end,
        admin::erasing::erase, admin::erasing::erase_many,
        admin::events::list, admin::events::one_segment, admin::events::waiting, admin::events::about,
        admin::chain::check, admin::health::health, admin::health::activity,
        admin::grants::list, admin::grants::give, admin::grants::take, admin::grants::explain,
        admin::invitations::list, admin::invitations::create, admin::invitations::revoke,
        admin::keys::create, admin::keys::list, admin::keys::revoke,
        admin::master_key::show, admin::master_key::rotate,
        admin::messages::list, admin::messages::retry, admin::messages::forget,
        admin::realms::list, admin::realms::show, admin::realms::create, admin::realms::change, admin::realms::remove,
        admin::policies::of_newcomer, admin::policies::of_user,
        admin::revocations::create,
        admin::sessions::list, admin::sessions::end_all, admin::sessions::end,
        admin::signing::list, admin::signing::rotate,
        admin::users::list, admin::users::show, admin::users::create, admin::users::change,
    ),
    components(schemas(api::ProblemBody, newcomer::GivenPerson)),
    tags(
        (name = "realms", description = "Pools of users and apps; nothing crosses realms"),
        (name = "apps", description = "What signs people in"),
        (name = "keys", description = "API keys of apps, signing keys, the master key"),
        (name = "admin keys", description = "Who may administer what"),
        (name = "users", description = "People, their sessions, and who is to become one"),
        (name = "grants", description = "Who may use which app, and what it learns of them"),
        (name = "messages", description = "What waits to be sent"),
        (name = "revocations", description = "What is taken back"),
        (name = "events", description = "The log of events"),
        (name = "health", description = "How the server fares, and what it did of late"),
        (name = "backup", description = "A copy of everything"),
    ),
)]
struct Administration;

/// The description of everything that operators call.
#[must_use]
pub fn document() -> Value {
    let mut document = Administration::openapi();
    let mut key = Http::new(HttpAuthScheme::Bearer);
    key.description =
        Some("An admin key, `cs_ak_…`; what is named beside it is the scope that it needs".to_owned());
    document.components.get_or_insert_default().add_security_scheme("admin_key", SecurityScheme::Http(key));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ] {
            if let Some(operation) = operation {
                say_who_may(&method, path, operation);
                let all = refusals(path, operation);
                describe_refusals(operation, all);
            }
        }
    }
    let mut document = serde_json::to_value(document).unwrap_or_default();
    add_settings(&mut document["components"]["schemas"]);
    share_refusals(&mut document);
    document
}

/// Says once what many operations answer: the same refusals are most of the document.
fn share_refusals(document: &mut Value) {
    let mut shared: Vec<(String, Value)> = Vec::new();
    let Some(paths) = document["paths"].as_object_mut() else { return };
    let operations = paths.values_mut().filter_map(Value::as_object_mut).flat_map(|item| item.values_mut());
    for responses in operations.filter_map(|operation| operation["responses"].as_object_mut()) {
        for (status, response) in responses.iter_mut().filter(|(status, _)| status.as_str() >= "400") {
            let known = shared.iter().find(|(_, known)| known == response).map(|(name, _)| name.clone());
            let name = known.unwrap_or_else(|| {
                let like =
                    shared.iter().filter(|(name, _)| name.starts_with(&format!("Refused{status}"))).count();
                let name = format!("Refused{status}_{}", like + 1);
                shared.push((name.clone(), response.clone()));
                name
            });
            *response = json!({"$ref": format!("#/components/responses/{name}")});
        }
    }
    document["components"]["responses"] = shared.into_iter().collect::<Map<_, _>>().into();
}

fn say_who_may(method: &Method, path: &str, operation: &mut Operation) {
    let Some(scope) = access::scope_of(method, path) else {
        operation.security = Some(Vec::new());
        operation.description =
            Some("On the control socket alone: over a network it is not there.".to_owned());
        return;
    };
    operation.security = Some(vec![SecurityRequirement::new("admin_key", [scope])]);
    operation.description = Some(format!("Takes an admin key with the scope `{scope}`."));
}

/// What an operation may be refused for.
fn refusals(path: &str, operation: &Operation) -> Vec<ApiError> {
    use ApiError as E;
    let wait = Span::from_seconds(1);
    let mut all = vec![E::Unavailable, E::Internal, E::NotFound, E::TooManyRequests(wait)];
    all.extend([E::KeyMissing, E::KeyMalformed(String::new()), E::KeyUnknown, E::KeyEnded]);
    all.extend([E::ScopeNeeded(""), E::AllRealmsNeeded, E::BrowserRefused]);
    let has_body = operation.request_body.is_some();
    if has_body {
        all.extend(bodies());
    }
    if has_body || operation.parameters.is_some() {
        all.push(E::invalid("", ""));
    }
    match path.trim_start_matches("/v1/admin/").split('/').next().unwrap_or_default() {
        "apps" | "realms" => all.extend([E::AlreadyExists(""), E::Declared, E::InUse("")]),
        "keys" | "grants" => all.push(E::Declared),
        "users" if path.contains("/credentials/") => all.push(E::LastWayIn),
        "users" => all.extend([E::AddressTaken, E::PasswordsOff]),
        "invitations" => all.extend([
            E::AddressTaken,
            E::TooManyInvitations,
            E::AppLimit(wait),
            E::Refused(Refusal::ResendTooSoon { retry_after: wait }),
            E::Refused(Refusal::TooManyMessages { retry_after: wait }),
        ]),
        _ => {}
    }
    all
}

/// Adds the settings of apps and realms as the configuration describes them, and what is said of them beside.
fn add_settings(schemas: &mut Value) {
    let configuration: Value = serde_json::from_str(&crate::config::schema_json()).unwrap_or_default();
    let Some(schemas) = schemas.as_object_mut() else { return };
    let time = json!({"type": ["string", "null"], "description": "When it was made"});
    let declared = json!({"type": "boolean", "description": "Whether it comes from the configuration file, and is changed there"});
    let secret = json!({"type": ["string", "null"], "description": "The secret that its HS256 tokens are checked with. Shown once"});
    let apps = json!({"type": "integer", "minimum": 0, "description": "How many apps are in it"});
    let of_app = json!({"declared": declared, "created_at": time, "token_secret": secret});
    let of_realm = json!({"declared": declared, "created_at": time, "apps": apps});
    let mut wanted = BTreeSet::new();
    for (noun, beside) in [("App", of_app), ("Realm", of_realm)] {
        let settings = format!("{noun}Settings");
        let mut body = configuration["$defs"][&settings].clone();
        if let (Some(body), Some(beside)) = (body.as_object_mut(), beside.as_object()) {
            body.remove("additionalProperties");
            merge(body, beside);
        }
        let body_name = format!("{noun}Body");
        schemas.insert(format!("List_{body_name}"), list_of(&body_name));
        schemas.insert(body_name, at_home(&body));
        let patch = format!("Members of `{settings}` to replace; `null` brings a default back (RFC 7396)");
        schemas.insert(format!("{noun}Patch"), json!({"type": "object", "description": patch}));
        want(&configuration, &settings, &mut wanted);
    }
    for name in wanted {
        schemas.insert(name.clone(), at_home(&configuration["$defs"][&name]));
    }
}

/// Adds properties that are always there, or may be `null`.
fn merge(body: &mut Map<String, Value>, beside: &Map<String, Value>) {
    if let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(beside.clone());
    }
    if let Some(required) = body.get_mut("required").and_then(Value::as_array_mut) {
        required.push("declared".into());
    }
}

fn list_of(name: &str) -> Value {
    json!({
        "type": "object",
        "description": "A part of a list.",
        "required": ["items"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": format!("{SCHEMAS}{name}")}, "description": "The entries."},
            "next": {
                "type": ["string", "null"],
                "description": "What to ask for as `after` to have more; absent at the end.",
            },
        },
    })
}

/// A definition and all that it refers to.
fn want(configuration: &Value, name: &str, wanted: &mut BTreeSet<String>) {
    if !wanted.insert(name.to_owned()) {
        return;
    }
    let text = configuration["$defs"][name].to_string();
    for rest in text.split("#/$defs/").skip(1) {
        want(configuration, rest.split('"').next().unwrap_or_default(), wanted);
    }
}

/// A definition as it refers to others in this document.
fn at_home(definition: &Value) -> Value {
    serde_json::from_str(&definition.to_string().replace("#/$defs/", SCHEMAS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_route_for_operators_is_described_and_nothing_else() {
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/admin"))];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        let mut routes = BTreeSet::new();
        for file in files {
            let text = std::fs::read_to_string(file).unwrap();
            let begins = text.split(".route(\"").skip(1);
            routes.extend(begins.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
        let document = document();
        let described: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(described, routes);
    }

    #[test]
    fn every_operation_names_its_scope_and_its_refusals_and_every_reference_leads_somewhere() {
        let document = document();
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let security = operation["security"].as_array().unwrap();
                let at_the_machine = path.contains("backup") || path.contains("master-key");
                assert_eq!(security.is_empty(), at_the_machine, "{method} {path}");
                assert!(operation["responses"]["401"].is_object(), "{method} {path}");
                let id = operation["operationId"].as_str().unwrap();
                assert!(names.insert(id.to_owned()), "{id} names two");
            }
        }
        assert_eq!(names.len(), 60);
        for reference in document.to_string().split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
