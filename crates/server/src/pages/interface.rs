//! The interface for programs as a page of ours asks it: the same routes, rules, limits and refusals, in this process. A
//! page shows what they answer and decides nothing by itself.

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    response::IntoResponse as _,
};
use countersign_domain::id::RequestId;
use http::{HeaderValue, Method, Request, header, request::Parts};
use serde_json::Value as Json;
use tower::ServiceExt as _;

use crate::{admin::operator::Vouched, error::ApiError, listener::Peer};

/// Longest answer that a page is made of: a list's page, an export.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;
/// What describes the body of the page's own request, and not of what the page asks.
const OF_THE_BODY: [header::HeaderName; 4] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONTENT_ENCODING];

/// What answers pages.
#[derive(Clone, Debug)]
pub struct Interface(Router);

/// An answer that is no refusal.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// What it says; null for nothing.
    pub(super) body: Json,
    /// What the browser is to keep.
    pub(super) cookies: Vec<HeaderValue>,
}

impl Interface {
    /// An interface of these routes.
    #[must_use]
    pub const fn new(routes: Router) -> Self {
        Self(routes)
    }

    /// Asks for something that changes nothing. Whoever sent the browser here has no part in it.
    ///
    /// # Errors
    /// What the route refuses.
    pub(super) async fn read(&self, visit: &Parts, path: &str) -> Result<Json, ApiError> {
        let mut request = request(visit, Method::GET, path, Body::empty())?;
        request.headers_mut().remove(header::ORIGIN);
        request.headers_mut().remove("sec-fetch-site");
        Ok(self.ask(request).await?.body)
    }

    /// Asks for something to be done. That the browser's form is one of ours is for the caller to have seen.
    ///
    /// # Errors
    /// What the route refuses.
    pub(super) async fn act(
        &self,
        visit: &Parts,
        (method, path): (Method, String),
        body: &Json,
    ) -> Result<Answered, ApiError> {
        let sent = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let mut request = request(visit, method, &path, sent)?;
        if !body.is_null() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(header::CONTENT_TYPE, json);
        }
        self.ask(request).await
    }

    /// The same with lines of JSON.
    ///
    /// # Errors
    /// What the route refuses.
    pub(super) async fn send_lines(
        &self,
        visit: &Parts,
        (method, path): (Method, String),
        lines: Bytes,
    ) -> Result<Answered, ApiError> {
        let mut request = request(visit, method, &path, Body::from(lines))?;
        let kind = HeaderValue::from_static("application/x-ndjson");
        request.headers_mut().insert(header::CONTENT_TYPE, kind);
        self.ask(request).await
    }

    async fn ask(&self, request: Request<Body>) -> Result<Answered, ApiError> {
        let response = self.0.clone().oneshot(request).await.into_response();
        let (mut parts, body) = response.into_parts();
        if let Some(error) = parts.extensions.remove::<ApiError>() {
            return Err(error);
        }
        if !parts.status.is_success() {
            return Err(ApiError::Internal);
        }
        let bytes = to_bytes(body, LONGEST_ANSWER).await.map_err(|_| ApiError::Internal)?;
        let body = match bytes.is_empty() {
            true => Json::Null,
            false => serde_json::from_slice(&bytes).map_err(|_| ApiError::Internal)?,
        };
        let cookies = parts.headers.get_all(header::SET_COOKIE).iter().cloned().collect();
        Ok(Answered { body, cookies })
    }
}

/// A request by the same browser from the same place, under the same id.
fn request(visit: &Parts, method: Method, path: &str, body: Body) -> Result<Request<Body>, ApiError> {
    let mut request =
        Request::builder().method(method).uri(path).body(body).map_err(|_| ApiError::NotFound)?;
    *request.headers_mut() = visit.headers.clone();
    for name in OF_THE_BODY {
        request.headers_mut().remove(name);
    }
    if let Some(peer) = visit.extensions.get::<Peer>() {
        request.extensions_mut().insert(*peer);
    }
    if let Some(vouched) = visit.extensions.get::<Vouched>() {
        request.extensions_mut().insert(vouched.clone());
    }
    if let Some(id) = visit.extensions.get::<RequestId>() {
        request.extensions_mut().insert(*id);
    }
    Ok(request)
}
