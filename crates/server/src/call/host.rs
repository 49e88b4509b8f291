//! For which host a request is, and whether a proxy passed it on, as its headers say. Nothing is believed of it here.

use http::{HeaderMap, request::Parts};

use crate::fields::Fields as _;

/// Whether some proxy says that it passed a request on.
#[must_use]
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        name == "forwarded"
            || name == "via"
            || name == "x-real-ip"
            || name.as_str().starts_with("x-forwarded-")
    })
}

/// The host that a request is for, without its port, as the request says. Nothing is built from it: it chooses among
/// what is configured.
#[must_use]
pub fn host_of(parts: &Parts) -> Option<String> {
    let named = parts.headers.text("host");
    let authority: http::uri::Authority = match named {
        Some(host) => host.parse().ok()?,
        None => parts.uri.authority()?.clone(),
    };
    Some(authority.host().to_owned())
}
