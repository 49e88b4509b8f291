//! The style and scripts of the pages: ours, small, the same for everybody.

use std::sync::Arc;

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderValue, header};

use crate::{error::ApiError, state::Server};

const FILES: [(&str, &str, &str); 3] = [
    ("style.css", "text/css; charset=utf-8", include_str!("../static/style.css")),
    ("demo.js", "text/javascript; charset=utf-8", include_str!("../static/demo.js")),
    ("inbox.js", "text/javascript; charset=utf-8", include_str!("../static/inbox.js")),
];

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return ApiError::NotFound.into_response();
    };
    let mut response = (*text).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
