//! The styles and scripts of the pages: ours, small, the same for everybody. A name holds the digest of its content, so
//! that a browser keeps it for ever and never shows a page with the style of another version.

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    extract::Path,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderValue, header};

use crate::{error::ApiError, state::Server};

/// Where they are served.
const FOLDER: &str = "/assets/";
/// Bytes of the digest in a name.
const DIGEST_LENGTH: usize = 8;

const FILES: [(&str, &str, &str, &str); 6] = [
    ("style", "css", "text/css; charset=utf-8", include_str!("../static/style.css")),
    ("admin", "css", "text/css; charset=utf-8", include_str!("../static/admin.css")),
    ("docs", "css", "text/css; charset=utf-8", include_str!("../static/docs.css")),
    ("demo", "js", "text/javascript; charset=utf-8", include_str!("../static/demo.js")),
    ("sign_in", "js", "text/javascript; charset=utf-8", include_str!("../static/sign_in.js")),
    ("inbox", "js", "text/javascript; charset=utf-8", include_str!("../static/inbox.js")),
];

/// A file as it is served.
struct Asset {
    /// `style.css`, as templates say it.
    plain: String,
    /// `style.0123456789abcdef.css`, as browsers say it.
    digested: String,
    kind: &'static str,
    text: &'static str,
}

/// The routes of this file.
pub fn routes() -> Router<Arc<Server>> {
    Router::new()
        .route("/assets/{name}", get(asset))
        // On the hosts of apps, whose proxies pass on nothing else to us.
        .route("/.countersign/assets/{name}", get(asset))
}

/// The paths under which the files are served, by their plain names: for templates.
pub(super) fn paths() -> impl Iterator<Item = (String, String)> {
    assets().iter().map(|asset| (asset.plain.clone(), format!("{FOLDER}{}", asset.digested)))
}

async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = assets().iter().find(|asset| asset.digested == name) else {
        return ApiError::NotFound.into_response();
    };
    let mut response = asset.text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(header::CACHE_CONTROL, for_ever);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn assets() -> &'static [Asset] {
    static ASSETS: OnceLock<Vec<Asset>> = OnceLock::new();
    ASSETS.get_or_init(|| {
        let asset = |(name, ending, kind, text): (&str, &str, &'static str, &'static str)| Asset {
            plain: format!("{name}.{ending}"),
            digested: format!("{name}.{}.{ending}", digest(text)),
            kind,
            text,
        };
        FILES.into_iter().map(asset).collect()
    })
}

fn digest(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
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
        assert_ne!(digest("a"), digest("b"));
    }
}
