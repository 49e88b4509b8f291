//! Who asks authenticators: the RP ID, the pages that may answer, and where browsers find out about both. Everything
//! follows from the configuration.

use std::sync::Arc;

use axum::{Router, extract::State, response::Response, routing::get};
use countersign_domain::app::App;
use http::{HeaderValue, header};
use serde_json::json;

use crate::{
    api::{Answered, answer},
    config::Config,
    error::ApiError,
    state::Server,
};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The RP ID: a host name that the pages are at, or below.
    pub rp_id: String,
    /// The pages that may answer.
    pub origins: Vec<String>,
}

/// Who asks for this server, at an app or at people's own account.
///
/// # Errors
/// [`ApiError::PasskeysOff`] when the server is known by an address alone: passkeys are for names.
pub fn party(config: &Config, app: Option<&App>) -> Result<Party, ApiError> {
    let rp_id = config.webauthn.rp_id(&config.server).ok_or(ApiError::PasskeysOff)?.to_owned();
    let mut origins = vec![config.server.issuer.clone()];
    // A page answers for its own app alone: another app's question is not to be answered there.
    let related = &config.webauthn.related_origins;
    let may_answer = |origin: &&String| is_within(origin, &rp_id) || related.contains(origin);
    origins.extend(app.into_iter().flat_map(|app| &app.origins).filter(may_answer).cloned());
    Ok(Party { rp_id, origins })
}

/// Whether browsers let a page of this origin ask for that RP ID without further ado.
fn is_within(origin: &str, rp_id: &str) -> bool {
    let host = origin.split_once("://").map_or("", |(_, rest)| rest);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host == rp_id || host.strip_suffix(rp_id).is_some_and(|label| label.ends_with('.'))
}

/// The documents for browsers.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/.well-known/webauthn", get(related_origins))
        .route("/.well-known/passkey-endpoints", get(endpoints))
}

/// Which pages of other names may use the passkeys of this one? (Web Authentication Level 3, 5.11.)
#[utoipa::path(get, path = "/.well-known/webauthn", operation_id = "related_origins", tag = "credentials",
    responses((status = 200, description = "The origins", body = Object)))]
pub async fn related_origins(State(server): State<Arc<Server>>) -> Result<Response, ApiError> {
    let config = server.config.load();
    let related = &config.webauthn.related_origins;
    if related.is_empty() {
        return Err(ApiError::NotFound);
    }
    let all: Vec<&String> = std::iter::once(&config.server.issuer).chain(related).collect();
    Ok(public(answer(http::StatusCode::OK, json!({ "origins": all }))))
}

/// Where are passkeys added and looked after? (W3C, A Well-Known URL for Relying Party Passkey Endpoints.)
#[utoipa::path(get, path = "/.well-known/passkey-endpoints", operation_id = "passkey_endpoints", tag = "credentials",
    responses((status = 200, description = "Two addresses", body = Object)))]
pub async fn endpoints(State(server): State<Arc<Server>>) -> Result<Response, ApiError> {
    let account = format!("{}/account", server.issuer());
    Ok(public(answer(http::StatusCode::OK, json!({ "enroll": account, "manage": account }))))
}

/// The same for everybody.
fn public(answered: Answered<serde_json::Value>) -> Response {
    let mut response = axum::response::IntoResponse::into_response(answered);
    let kept = HeaderValue::from_static("public, max-age=3600");
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p17_only_pages_below_the_rp_id_are_let_in_without_a_word_of_the_operator() {
        for (origin, within) in [
            ("https://example.org", true),
            ("https://example.org:8443", true),
            ("https://shop.example.org", true),
            ("https://a.b.example.org", true),
            ("https://badexample.org", false),
            ("https://example.org.evil.example", false),
            ("https://evil.example", false),
            ("https://org", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(is_within(origin, "example.org"), within, "{origin}");
        }
    }
}
