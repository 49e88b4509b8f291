//! What a proxy asks: about which app, for which request, with what the browser or client showed. It reads headers and
//! decides nothing.

use countersign_domain::forward_auth::{Accepted, Asked, Opener, Path};
use http::StatusCode;

use super::settings::Settings;
use crate::{
    cookie::value_in,
    fields::Fields,
    fingerprint::{Fingerprint, Fingerprints},
};

/// Where the questions are.
pub const PREFIX: &str = "/verify/";

/// A question.
#[derive(Clone, Debug)]
pub struct Question<'r> {
    /// The name of the app, as it was asked for.
    pub app: &'r str,
    /// The status in place of a refusal's own.
    pub refuse: Option<StatusCode>,
}

impl<'r> Question<'r> {
    /// Reads the address of a question; none where it is another's.
    #[must_use]
    pub fn parse(path: &'r str, query: Option<&str>) -> Option<Self> {
        let app = path.strip_prefix(PREFIX)?;
        let value = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("refuse=")));
        let refuse = value.filter(|value| ["401", "403", "404"].contains(value));
        let refuse = refuse.and_then(|value| value.parse().ok());
        Some(Self { app, refuse })
    }
}

/// What somebody showed.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'h> {
    /// As what. What the app's own host gave stands for a session or a device; which, is known when it was read.
    pub opener: Opener,
    /// Whether the app's own host gave it.
    pub of_app: bool,
    /// The value of the cookie, or the credential of the header.
    pub text: &'h str,
}

impl Shown<'_> {
    /// How it is remembered for an app.
    #[must_use]
    pub fn fingerprint(&self, prints: &Fingerprints, app: &str) -> Fingerprint {
        prints.of_parts(&[
            app.as_bytes(),
            &[0, self.opener as u8, u8::from(self.of_app)],
            self.text.as_bytes(),
        ])
    }
}

/// All that was shown and that an app takes, cookies first. A header that comes twice counts as none.
pub fn shown<'h>(
    fields: &'h impl Fields,
    settings: &'h Settings,
    accepts: Accepted,
) -> impl Iterator<Item = Shown<'h>> {
    let cookies = fields.text("cookie").unwrap_or_default();
    let authorization = fields.text("authorization").unwrap_or_default();
    let session = value_in(cookies, &settings.session_cookie).map(|text| (Opener::Session, text));
    let device = value_in(cookies, &settings.device_cookie).map(|text| (Opener::Device, text));
    let header = authorization.split_once(' ').and_then(|(scheme, text)| {
        let text = text.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            Some((Opener::Token, text))
        } else if scheme.eq_ignore_ascii_case("basic") {
            Some((Opener::AppPassword, text))
        } else {
            None
        }
    });
    let of_app = value_in(cookies, &settings.app_cookie).map(|text| Shown {
        opener: if accepts.has(Opener::Session) { Opener::Session } else { Opener::Device },
        of_app: true,
        text,
    });
    let others = [session, device, header].into_iter().flatten();
    of_app
        .into_iter()
        .chain(others.map(|(opener, text)| Shown { opener, of_app: false, text }))
        .filter(move |shown| accepts.has(shown.opener))
}

/// What a proxy that is believed tells of the request that it asks for. What is not told, is told twice or does not read
/// as text is not known, and held to the strictest: no other header, which could be the caller's, stands in for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forwarded<'h> {
    /// The target, as the caller wrote it.
    pub target: Option<&'h str>,
    /// The method.
    pub method: Option<&'h str>,
}

impl<'h> Forwarded<'h> {
    /// Reads what a peer tells; nothing of one that is not believed.
    #[must_use]
    pub fn read(fields: &'h impl Fields, is_trusted: bool) -> Self {
        if !is_trusted {
            return Self::default();
        }
        Self { target: fields.text("x-forwarded-uri"), method: fields.text("x-forwarded-method") }
    }

    /// What rules are asked about, apart from where it came from.
    #[must_use]
    pub fn asked(&self) -> Asked<'h> {
        Asked { path: self.target.map(Path::parse), method: self.method, address: None }
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Uri};

    use super::*;

    #[test]
    fn a_question_names_an_app_and_what_a_refusal_is() {
        for (uri, app, refuse) in [
            ("/verify/wiki", "wiki", None),
            ("/verify/wiki?refuse=401", "wiki", Some(401)),
            ("/verify/wiki?a=b&refuse=403", "wiki", Some(403)),
            ("/verify/wiki?refuse=200", "wiki", None),
            ("/verify/", "", None),
            ("/verify/a/b", "a/b", None),
        ] {
            let uri: Uri = uri.parse().unwrap();
            let question = Question::parse(uri.path(), uri.query()).unwrap();
            assert_eq!((question.app, question.refuse.map(|status| status.as_u16())), (app, refuse), "{uri}");
        }
        assert!(Question::parse("/v1/token", None).is_none());
    }

    #[test]
    fn what_is_shown_is_read_once_and_only_where_it_is_taken() {
        let session_cookie = "__Host-countersign".to_owned();
        let settings = Settings { session_cookie, ..Settings::default() };
        let read = |pairs: &[(&'static str, &'static str)], accepts| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(*name, value.parse().unwrap());
            }
            shown(&headers, &settings, accepts)
                .map(|shown| format!("{:?} {}", shown.opener, shown.text))
                .collect::<Vec<_>>()
        };
        let every = Accepted::default().with(Opener::AppPassword);
        let cookie = ("cookie", "a=b; __Host-countersign=v; __Host-countersign-device=w");
        assert_eq!(read(&[cookie, ("authorization", "Bearer t")], every), ["Session v", "Token t"]);
        assert_eq!(read(&[("authorization", "basic dTpw")], every), ["AppPassword dTpw"]);
        assert_eq!(read(&[("authorization", "basic dTpw")], Accepted::default()), [""; 0]);
        assert_eq!(read(&[cookie], Accepted::NONE.with(Opener::Token)), [""; 0]);
        assert_eq!(read(&[cookie, ("cookie", "c=d")], every), [""; 0]);
        assert_eq!(read(&[("cookie", "x__Host-countersign=v; __Host-countersign2=v")], every), [""; 0]);
    }

    #[test]
    fn p37_what_does_not_read_is_not_known_and_no_other_header_stands_in() {
        const GET: (&str, &[u8]) = ("x-forwarded-method", b"GET");
        let others: [(&str, &[u8]); 4] = [
            ("x-original-uri", b"/health"),
            ("x-original-url", b"/health"),
            ("x-rewrite-url", b"/health"),
            ("x-original-method", b"GET"),
        ];
        for (pairs, target, method) in [
            (&[("x-forwarded-uri", &b"/a?b"[..]), GET][..], Some("/a?b"), Some("GET")),
            (&[GET], None, Some("GET")),
            (&[("x-forwarded-uri", b"/a?\xc3\xa9"), GET], None, Some("GET")),
            (&[("x-forwarded-uri", b"/a\xff"), GET], None, Some("GET")),
            (&[("x-forwarded-uri", b"/a"), ("x-forwarded-uri", b"/health"), GET], None, Some("GET")),
            (&[("x-forwarded-uri", b"/a"), ("x-forwarded-method", b"G\xcbT")], Some("/a"), None),
            (&[("x-forwarded-uri", b"/a"), GET, ("x-forwarded-method", b"GET")], Some("/a"), None),
            (&[], None, None),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs.iter().chain(&others) {
                headers.append(*name, http::HeaderValue::from_bytes(value).unwrap());
            }
            let read = Forwarded::read(&headers, true);
            assert_eq!((read.target, read.method), (target, method), "{pairs:?}");
            let unbelieved = Forwarded::read(&headers, false);
            assert_eq!((unbelieved.target, unbelieved.method), (None, None), "{pairs:?}");
        }
    }
}
