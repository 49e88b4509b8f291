//! The styles and scripts of the pages: ours, small, the same for everybody. A name holds the digest of its content, so
//! that a browser keeps it for ever and never shows a page with the style of another version.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderValue, header};

use super::brand;
use crate::{error::ApiError, state::Server};

/// Where they are served.
pub(super) const FOLDER: &str = "/assets/";
const CSS: &str = "text/css; charset=utf-8";
/// Bytes of the digest in a name.
const DIGEST_LENGTH: usize = 8;

const FILES: [(&str, &str, &str, &str); 7] = [
    ("style", "css", "text/css; charset=utf-8", include_str!("../static/style.css")),
    ("admin", "css", "text/css; charset=utf-8", include_str!("../static/admin.css")),
    ("docs", "css", "text/css; charset=utf-8", include_str!("../static/docs.css")),
    ("demo", "js", "text/javascript; charset=utf-8", include_str!("../static/demo.js")),
    ("sign_in", "js", "text/javascript; charset=utf-8", include_str!("../static/sign_in.js")),
    ("account", "js", "text/javascript; charset=utf-8", include_str!("../static/account.js")),
    ("inbox", "js", "text/javascript; charset=utf-8", include_str!("../static/inbox.js")),
];

/// A file as it is served.
struct Asset {
    /// `style.css`, as templates say it.
    plain: String,
    /// `style.0123456789abcdef.css`, as browsers say it.
    digested: String,
    /// What stands for its content in its name.
    digest: String,
    kind: &'static str,
    text: &'static str,
}

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/assets/{name}", get(asset))
        .route("/assets/logo/{app}/{name}", get(logo))
        // On the hosts of apps, whose proxies pass on nothing else to us.
        .route("/.countersign/assets/{name}", get(asset))
}

/// The paths under which the files are served, by their plain names: for templates.
pub(super) fn paths() -> impl Iterator<Item = (String, String)> {
    assets().iter().map(|asset| (asset.plain.clone(), format!("{FOLDER}{}", asset.digested)))
}

async fn asset(Path(name): Path<String>) -> Response {
    let asset = assets().iter().find(|asset| asset.digested == name);
    match (asset, brand::style(&name)) {
        (Some(asset), _) => kept(asset.text, asset.kind),
        (None, Some(style)) => kept(style, CSS),
        (None, None) => ApiError::NotFound.into_response(),
    }
}

/// The logo of an app, as its operator drew it. It runs nothing, whoever opens it.
async fn logo(State(server): State<Arc<Server>>, Path((app, name)): Path<(String, String)>) -> Response {
    let renderer = server.renderer.load_full();
    let Some(logo) = renderer.logo(&app).filter(|logo| logo.name == name) else {
        return ApiError::NotFound.into_response();
    };
    let mut response = kept(logo.picture.clone(), logo.kind);
    let alone = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, alone);
    response
}

/// Something that never changes under its name.
fn kept(body: impl IntoResponse, kind: &'static str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, for_ever);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Our style, and the digest in its name.
pub(super) fn style() -> (&'static str, &'static str) {
    let style = assets().iter().find(|asset| asset.plain == "style.css");
    style.map_or(("", ""), |style| (style.text, &style.digest))
}

fn assets() -> &'static [Asset] {
    static ASSETS: OnceLock<Vec<Asset>> = OnceLock::new();
    ASSETS.get_or_init(|| {
        let asset = |(name, ending, kind, text): (&str, &str, &'static str, &'static str)| {
            let (plain, digest) = (format!("{name}.{ending}"), digest(text.as_bytes()));
            Asset { plain, digested: format!("{name}.{digest}.{ending}"), digest, kind, text }
        };
        FILES.into_iter().map(asset).collect()
    })
}

/// What stands for a content in its name.
pub(crate) fn digest(content: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    digest.as_ref().iter().take(DIGEST_LENGTH).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn served(name: &str) -> (u16, Option<String>) {
        let response = asset(Path(name.to_owned())).await;
        let cached = response.headers().get(header::CACHE_CONTROL);
        (response.status().as_u16(), cached.map(|value| value.to_str().unwrap().to_owned()))
    }

    #[tokio::test]
    async fn names_hold_their_digest_and_stale_ones_are_not_found() {
        for (_, path) in paths() {
            let name = path.strip_prefix(FOLDER).unwrap();
            let (status, cached) = served(name).await;
            assert_eq!(
                (status, cached.as_deref()),
                (200, Some("public, max-age=31536000, immutable")),
                "{name}"
            );
        }
        for stale in ["style.css", "style.0000000000000000.css", ".css", ""] {
            assert_eq!(served(stale).await.0, 404, "{stale}");
        }
        assert_ne!(digest(b"a"), digest(b"b"));
    }
}
