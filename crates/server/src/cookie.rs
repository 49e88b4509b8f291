//! The cookie of a session, and what a browser tells about the page that makes a request. It knows no user.

mod operator;

pub use self::operator::{LONGEST as LONGEST_VISIT, OperatorCookie};
use std::sync::Arc;

use countersign_domain::{
    app::App,
    id::SessionId,
    secret::Digest,
    session::Session,
    time::{Span, Timestamp},
    token::SecretToken,
};
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderValue, header};

use crate::{
    config::{CookieKind, CookieSettings},
    fields::Fields,
};

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
    pub fn of(headers: &HeaderMap, settings: &CookieSettings) -> Option<Self> {
        Self::of_kind(headers, settings, CookieKind::Session)
    }

    /// The same of a device that a person trusts.
    #[must_use]
    pub fn of_device(headers: &HeaderMap, settings: &CookieSettings) -> Option<Self> {
        Self::of_kind(headers, settings, CookieKind::Device)
    }

    /// The same of a device that a person registered.
    #[must_use]
    pub fn of_registered(headers: &HeaderMap, settings: &CookieSettings) -> Option<Self> {
        Self::of_kind(headers, settings, CookieKind::RegisteredDevice)
    }

    fn of_kind(headers: &HeaderMap, settings: &CookieSettings, kind: CookieKind) -> Option<Self> {
        Self::parse(&value(headers, &settings.name(kind))?)
    }

    /// Reads the value of the cookie.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (id, secret) = value.split_once('.')?;
        let id = format!("{}{id}", SessionId::PREFIX).parse().ok()?;
        Some(Self { id, secret: SecretToken::parse(secret).ok()? })
    }
}

/// The value of the cookie of an app's own host behind a proxy: which session, and what shows that it is good there.
#[derive(Clone, Debug)]
pub struct AppCookie {
    /// Which.
    pub session: SessionId,
    /// What the server alone can make, for one app.
    pub mac: Digest,
}

impl AppCookie {
    /// The cookie that came with a request. One that was cut, joined or made up counts as none.
    #[must_use]
    pub fn of(headers: &HeaderMap, settings: &CookieSettings) -> Option<Self> {
        Self::parse(&value(headers, &settings.name(CookieKind::App))?)
    }

    /// Reads the value of the cookie.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (id, mac) = value.split_once('.')?;
        let session = format!("{}{id}", SessionId::PREFIX).parse().ok()?;
        let mac = BASE64URL_NOPAD.decode(mac.as_bytes()).ok()?.try_into().ok()?;
        Some(Self { session, mac: Digest::new(mac) })
    }

    /// `Set-Cookie` for the host of an app.
    #[must_use]
    pub fn set(&self, settings: &CookieSettings, life: Span) -> Option<HeaderValue> {
        let id = self.session.to_string();
        let id = id.strip_prefix(SessionId::PREFIX).unwrap_or_default();
        let value = format!("{id}.{}", BASE64URL_NOPAD.encode(self.mac.bytes()));
        settings.set(CookieKind::App, &value, life)
    }
}

/// The value of a cookie that came with a request.
#[must_use]
pub fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    value_in(headers.text("cookie")?, name).map(str::to_owned)
}

/// The value of a cookie among those of a header.
#[must_use]
pub fn value_in<'h>(cookies: &'h str, name: &str) -> Option<&'h str> {
    cookies.split(';').find_map(|pair| pair.trim_ascii().strip_prefix(name)?.strip_prefix('='))
}

/// `Set-Cookie` for a session that has begun, a browser that is trusted, or a device that was registered.
#[must_use]
pub fn set(
    settings: &CookieSettings,
    session: &Session,
    secret: &SecretToken,
    now: Timestamp,
) -> Option<HeaderValue> {
    let id = session.id.to_string();
    let id = id.strip_prefix(SessionId::PREFIX).unwrap_or_default();
    let value = format!("{id}.{}", secret.expose());
    settings.set(CookieKind::of(session), &value, session.expires_at.since(now))
}

/// Takes away all that a browser holds of a session.
pub fn clear(settings: &CookieSettings, headers: &mut HeaderMap) {
    for kind in [CookieKind::Session, CookieKind::AccessToken, CookieKind::RefreshToken] {
        if let Some(value) = settings.clear(kind) {
            headers.append(header::SET_COOKIE, value);
        }
    }
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
    pub fn of(fields: &impl Fields, issuer: &str) -> Self {
        if fields.has("origin") {
            return match fields.text("origin") {
                Some(origin) if origin == issuer => Self::Own,
                Some(origin) if origin != "null" => Self::Other(origin.to_owned()),
                Some(_) | None => Self::Foreign,
            };
        }
        if !fields.has("sec-fetch-site") {
            return Self::Unknown;
        }
        match fields.text("sec-fetch-site") {
            Some("same-origin") => Self::Own,
            Some("none") => Self::Unknown,
            Some(_) | None => Self::Foreign,
        }
    }

    /// Whether it may ask something of an app: our own, one of the app's origins, or one of which a browser tells nothing.
    /// The app is looked for only where it matters.
    #[must_use]
    pub fn may_ask(&self, app: impl FnOnce() -> Option<Arc<App>>) -> bool {
        match self {
            Self::Own | Self::Unknown => true,
            Self::Other(origin) => app().is_some_and(|app| app.origins.contains(origin)),
            Self::Foreign => false,
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
        let settings = CookieSettings::default();
        let name = settings.name(CookieKind::Session);
        let good = format!("{name}={id}.{secret}");
        for (cookie, counts) in [
            (good.clone(), true),
            (format!("a=b; {good}; c=d"), true),
            (good[..good.len() - 1].to_owned(), false),
            (format!("{good}0"), false),
            (good.replace("__Host-", ""), false),
            (good.replace("__Host-", "__Secure-"), false),
            (good.replace('.', ""), false),
            (format!("{name}x={id}.{secret}"), false),
            (good.to_uppercase(), false),
        ] {
            assert_eq!(
                SessionCookie::of(&headers(&[("cookie", &cookie)]), &settings).is_some(),
                counts,
                "{cookie}"
            );
        }
        assert!(SessionCookie::of(&headers(&[("cookie", &good), ("cookie", "a=b")]), &settings).is_none());
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
