//! The description of the public interface (OpenAPI 3.1), put together from the handlers and their bodies.
//!
//! Which refusals an operation can give is listed beside it; their status codes and texts come from the one table of
//! refusals. It knows no configuration: the server's address is added when the document is served.

mod administration;
mod credentials;
mod devices;
mod examples;
mod passwords;
mod people;
mod refusals;
mod sign_in;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderValue, header};
use utoipa::{
    OpenApi as _,
    openapi::{
        Content, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, ResponseBuilder, Type,
        link::LinkBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
    },
};

pub use self::administration::document as admin_document;
use crate::{api, error::ApiError, operations, passkeys, state::Server};

/// The document as it was last generated; `cargo xtask tidy` compares it with the handlers.
pub const GENERATED: &str = include_str!("../../../openapi.json");
/// The description of what operators call, likewise.
pub const GENERATED_FOR_OPERATORS: &str = include_str!("../../../openapi-admin.json");
/// Media type of refusals.
const PROBLEM: &str = "application/problem+json";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Proves who controls a mailbox and tells an app. Refusals are problem documents (RFC 9457) with a \
            stable `code`; any path may also answer 404, 405 and, behind a proxy, what the proxy answers.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        api::start::start, api::challenge::status, api::challenge::verify, api::challenge::redeem,
        api::verify::verify, api::token::token, api::refresh::token, api::token::introspect, api::token::revoke,
        api::sign_in::begin, api::sign_in::go_on, api::session::show, api::session::token, api::session::end, crate::forward_auth::verify, api::me::show, api::me::change, api::me::erase,
        api::events::list, api::me::export, api::me::sessions, api::me::end_session, api::me::end_sessions, operations::jwks, operations::jwks_of_realm,
        api::password::sign_in::sign_in, api::password::begin::register, api::password::begin::forgotten,
        api::password::reset::reset, api::my_password::show, api::my_password::set, api::my_password::take_away,
        api::identifiers::list, api::identifiers::add, api::identifiers::verify, api::identifiers::change,
        api::identifiers::remove, api::users::show, api::users::change,
        api::my_grants::list, api::my_credentials::list, api::my_credentials::rename, api::my_credentials::remove,
        api::passkeys::options, api::passkeys::add, api::passkeys::signal,
        passkeys::party::related_origins, passkeys::party::endpoints,
        api::devices::register, api::devices::renew, api::devices::forget,
        api::my_app_passwords::list, api::my_app_passwords::make, api::my_app_passwords::end,
        api::my_devices::list, api::my_devices::rename, api::my_devices::end,
        api::my_totp::options, api::my_totp::confirm, api::my_recovery_codes::make,
    ),
    components(schemas(api::ProblemBody)),
    tags(
        (name = "challenges", description = "Ask a person for a proof, and check it"),
        (name = "sign-in", description = "A sign-in that may take more than one proof"),
        (name = "sessions", description = "Browsers that are signed in, where an app has accounts"),
        (name = "account", description = "A person's own account, for pages of this server"),
        (name = "users", description = "What an app's server knows about its people and keeps with them"),
        (name = "passwords", description = "Passwords, where a realm has them"),
        (name = "credentials", description = "What a person signs in with beside mails and a password"),
        (name = "devices", description = "Browsers that stand for a person at services behind a proxy"),
        (name = "forward-auth", description = "What reverse proxies ask before a request reaches a service"),
        (name = "tokens", description = "What a proof is worth, and whether it still is"),
    ),
)]
struct Public;

/// The route of the document.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/openapi.json", get(served))
}

/// The route of the document for operators.
pub fn admin_routes() -> Router<Arc<Server>> {
    Router::new().route("/openapi-admin.json", get(served_for_operators))
}

async fn served_for_operators() -> Response {
    document_of(GENERATED_FOR_OPERATORS.to_owned())
}

async fn served(State(server): State<Arc<Server>>) -> Response {
    document_of(described(&server.issuer()))
}

fn document_of(text: String) -> Response {
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

/// What was generated, with the address of this server in front: no work for who asks again and again.
fn described(issuer: &str) -> String {
    let (_, rest) = GENERATED.split_once('{').unwrap_or_default();
    format!("{{\n  \"servers\": [{{\"url\": {}}}],{rest}", serde_json::Value::from(issuer))
}

/// The description of everything that apps call, without the address of a server.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = Public::openapi();
    let components = document.components.get_or_insert_default();
    for (name, scheme, description) in [
        ("secret_key", HttpAuthScheme::Bearer, "A secret API key, `cs_sk_…`: for the app's server alone"),
        (
            "publishable_key",
            HttpAuthScheme::Bearer,
            "A publishable API key, `cs_pk_…`: from the app's listed origins",
        ),
        ("access_token", HttpAuthScheme::Bearer, "An access token that a challenge was worth"),
        (
            "client_secret_basic",
            HttpAuthScheme::Basic,
            "The app's name and a secret API key (RFC 6749, 2.3.1)",
        ),
    ] {
        let mut http = Http::new(scheme);
        http.description = Some(description.to_owned());
        components.add_security_scheme(name, SecurityScheme::Http(http));
    }
    let cookie = ApiKeyValue::with_description(
        crate::config::CookieSettings::default().name(crate::config::CookieKind::Session),
        "The session of a browser; changes need the browser's word (Origin) that the page may ask".to_owned(),
    );
    components.add_security_scheme("session_cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let cookie = ApiKeyValue::with_description(
        crate::config::CookieSettings::default().name(crate::config::CookieKind::RegisteredDevice),
        "A registered device; changes need the browser's word (Origin) that the page may ask".to_owned(),
    );
    components.add_security_scheme("device_cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    examples::add(components);
    for (path, item) in &mut document.paths.paths {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let all = refusals::of(path, operation.request_body.is_some());
            describe_refusals(operation, all);
            if operation.operation_id.as_deref() == Some("start") {
                link_what_follows(operation);
            }
        }
    }
    document
}

/// Says which operations take what a start answered.
fn link_what_follows(start: &mut Operation) {
    let Some(RefOr::T(started)) = start.responses.responses.get_mut("201") else { return };
    for (operation, description) in [
        ("status", "See how far it has come"),
        ("verify", "Check the code, with `binding`"),
        ("redeem", "Fetch the token once the link was approved, with `binding`"),
    ] {
        let link = LinkBuilder::new()
            .operation_id(operation)
            .parameter("id", "$response.body#/id")
            .description(description)
            .build();
        started.links.insert(operation.to_owned(), link.into());
    }
}

/// Replaces the placeholder of a handler by a response for each status that it can refuse with.
fn describe_refusals(operation: &mut Operation, all: Vec<ApiError>) {
    let responses = &mut operation.responses.responses;
    responses.remove("4XX");
    let mut codes: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    let mut waits: BTreeMap<u16, bool> = BTreeMap::new();
    for refusal in all {
        let status = refusal.status().as_u16();
        codes.entry(status).or_default().push(format!("`{}`: {}", refusal.code(), refusal.title()));
        *waits.entry(status).or_default() |= refusal.retry_after().is_some();
    }
    for (status, codes) in codes {
        if responses.contains_key(&status.to_string()) {
            continue;
        }
        let mut response = ResponseBuilder::new()
            .description(codes.join("\n\n"))
            .content(PROBLEM, Content::new(Some(Ref::from_schema_name("ProblemBody"))));
        if waits.get(&status) == Some(&true) {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
            let header =
                HeaderBuilder::new().description(Some("Seconds to wait")).schema(Some(seconds)).build();
            response = response.header("Retry-After", header);
        }
        responses.insert(status.to_string(), response.build().into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations() -> Vec<(String, serde_json::Value)> {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap().clone();
        let each = |(path, item): (String, serde_json::Value)| {
            let item = item.as_object().unwrap().clone();
            item.into_iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        };
        paths.into_iter().flat_map(each).collect()
    }

    /// Whose refusals have a form of their own: OAuth's, and what proxies read.
    fn is_read_by_others(name: &str) -> bool {
        name.contains("/oauth2/") || name.contains("/verify/{app}")
    }

    #[test]
    fn every_operation_names_each_status_and_says_what_it_sends() {
        let operations = operations();
        assert_eq!(operations.len(), 60);
        for (name, operation) in operations {
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(status.parse::<u16>().is_ok(), "{name}: {status}");
                let refusal = status.starts_with('4') || status.starts_with('5');
                let problem = response["content"].get(PROBLEM).is_some();
                assert!(!refusal || problem || is_read_by_others(&name), "{name}: {status}");
            }
        }
    }

    #[test]
    fn operations_have_names_of_their_own_and_links_lead_to_them() {
        let operations = operations();
        let ids: Vec<_> = operations.iter().map(|(_, operation)| operation["operationId"].clone()).collect();
        for id in &ids {
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{id}");
        }
        let (_, start) = operations.iter().find(|(name, _)| name == "post /v1/challenges").unwrap();
        let links = start["responses"]["201"]["links"].as_object().unwrap();
        assert_eq!(links.len(), 3);
        for link in links.values() {
            let linked =
                operations.iter().find(|(_, operation)| operation["operationId"] == link["operationId"]);
            assert!(linked.unwrap().0.contains("/v1/challenges/{id}"), "{link}");
        }
    }

    #[test]
    fn bodies_of_ours_take_no_unknown_members() {
        let document = serde_json::to_value(document()).unwrap();
        let schemas = &document["components"]["schemas"];
        for name in [
            "StartBody",
            "Recipient",
            "EndUser",
            "VerifyBody",
            "RedeemBody",
            "VerifyByAddressBody",
            "ChangeMeBody",
            "AddIdentifierBody",
            "VerifyIdentifierBody",
            "ChangeIdentifierBody",
            "ChangeAppUserBody",
            "PasswordSignInBody",
            "RegisterBody",
            "ForgottenBody",
            "ResetBody",
            "SetPasswordBody",
            "RenameCredentialBody",
            "RegisterDeviceBody",
            "RenameDeviceBody",
            "MakeAppPasswordBody",
            "TotpOptionsBody",
            "ConfirmTotpBody",
            "PasskeyOptionsBody",
        ] {
            assert_eq!(schemas[name]["additionalProperties"], false, "{name}");
        }
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[test]
    fn the_document_is_served_as_generated_with_the_server_s_address() {
        let served: serde_json::Value = serde_json::from_str(&described("https://a.example/\"")).unwrap();
        let mut expected = serde_json::to_value(document()).unwrap();
        expected["servers"] = serde_json::json!([{"url": "https://a.example/\""}]);
        assert_eq!(served, expected, "run `cargo xtask gen`");
    }
}
