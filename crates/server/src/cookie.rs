//! The cookie of a session, and what a browser tells about the page that makes a request. It knows no user.

use countersign_domain::{
    id::SessionId,
    session::Session,
    time::{Span, Timestamp},
    token::SecretToken,
};
use http::{HeaderMap, HeaderValue, header};

use crate::call::text_of;

/// The cookie that a browser's session is held by.
pub const SESSION_COOKIE: &str = "__Host-countersign";

/// The value of a session's cookie: which session, and what shows that it is the browser's.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    /// Which.
    pub id: SessionId,
    /// What the server keeps a keyed digest of.
    pub secret: SecretToken,
}

impl SessionCookie {
    /// The cookie that came with a request. One that was cut, joined or made up counts as none.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let value = value(headers, SESSION_COOKIE)?;
        let (id, secret) = value.split_once('.')?;
        let id = format!("{}{id}", SessionId::PREFIX).parse().ok()?;
        Some(Self { id, secret: SecretToken::parse(secret).ok()? })
    }
}

/// The value of a cookie that came with a request.
#[must_use]
pub fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = text_of(headers, header::COOKIE.as_str())?;
    cookies.split(';').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
}

/// `Set-Cookie` for a secret that the browser keeps for so long and gives to this server alone.
#[must_use]
pub fn kept(name: &str, secret: &str, life: Span) -> Option<HeaderValue> {
    let life = life.seconds();
    let cookie = format!("{name}={secret}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={life}");
    let mut value = HeaderValue::from_str(&cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// `Set-Cookie` for a session that has begun.
#[must_use]
pub fn set(session: &Session, secret: &SecretToken, now: Timestamp) -> Option<HeaderValue> {
    let id = session.id.to_string();
    let id = id.strip_prefix(SessionId::PREFIX).unwrap_or_default();
    kept(SESSION_COOKIE, &format!("{id}.{}", secret.expose()), session.expires_at.since(now))
}

/// `Set-Cookie` for a session that has ended.
#[must_use]
pub fn clear() -> HeaderValue {
    HeaderValue::from_static("__Host-countersign=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// Which page a request comes from, as far as a browser tells. No page can write these headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// One of this server itself.
    Own,
    /// One of this origin.
    Other(String),
    /// Another site's, or one that hides.
    Foreign,
    /// Nothing is told: no browser, an old one, or an address that was typed.
    Unknown,
}

impl Page {
    /// What the headers of a request tell.
    #[must_use]
    pub fn of(headers: &HeaderMap, issuer: &str) -> Self {
        if headers.contains_key(header::ORIGIN) {
            return match text_of(headers, header::ORIGIN.as_str()) {
                Some(origin) if origin == issuer => Self::Own,
                Some(origin) if origin != "null" => Self::Other(origin),
                Some(_) | None => Self::Foreign,
            };
        }
        if !headers.contains_key("sec-fetch-site") {
            return Self::Unknown;
        }
        match text_of(headers, "sec-fetch-site").as_deref() {
            Some("same-origin") => Self::Own,
            Some("none") => Self::Unknown,
            Some(_) | None => Self::Foreign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn p26_only_a_whole_cookie_counts() {
        let (id, secret) = ("0".repeat(26), "v".repeat(32));
        let good = format!("{SESSION_COOKIE}={id}.{secret}");
        for (cookie, counts) in [
            (good.clone(), true),
            (format!("a=b; {good}; c=d"), true),
            (good[..good.len() - 1].to_owned(), false),
            (format!("{good}0"), false),
            (good.replace("__Host-", ""), false),
            (good.replace("__Host-", "__Secure-"), false),
            (good.replace('.', ""), false),
            (format!("{SESSION_COOKIE}x={id}.{secret}"), false),
            (good.to_uppercase(), false),
        ] {
            assert_eq!(SessionCookie::of(&headers(&[("cookie", &cookie)])).is_some(), counts, "{cookie}");
        }
        assert!(SessionCookie::of(&headers(&[("cookie", &good), ("cookie", "a=b")])).is_none());
    }

    #[test]
    fn p38_a_page_is_known_by_what_no_page_can_write() {
        let issuer = "https://auth.example";
        let other = || Page::Other("https://shop.example".to_owned());
        for (pairs, page) in [
            (&[("origin", issuer)][..], Page::Own),
            (&[("origin", "https://shop.example")], other()),
            (&[("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")], other()),
            (&[("origin", "null")], Page::Foreign),
            (&[("origin", issuer), ("origin", "https://evil.example")], Page::Foreign),
            (&[("sec-fetch-site", "same-origin")], Page::Own),
            (&[("sec-fetch-site", "same-site")], Page::Foreign),
            (&[("sec-fetch-site", "cross-site")], Page::Foreign),
            (&[("sec-fetch-site", "none")], Page::Unknown),
            (&[], Page::Unknown),
        ] {
            assert_eq!(Page::of(&headers(pairs), issuer), page, "{pairs:?}");
        }
    }
}
