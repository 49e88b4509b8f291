//! How cookies are named and given to browsers. By default each belongs to this server's host alone.

use std::borrow::Cow;

use countersign_domain::{
    session::{Holder, Session},
    time::Span,
};
use http::HeaderValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Domains that cookies may be given to.
const MOST_DOMAINS: usize = 16;

/// Cookies of people's browsers. Changing a name, or the domain, signs everybody out who holds one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CookieSettings {
    /// What names end with, behind `__Host-` or `__Secure-`: 1 to 32 of a-z, 0-9, _ and -.
    pub name: String,
    /// Gives cookies to every host at and below this domain, each of which can then read and replace them. Without it
    /// (the default) they are this host's alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"example.org")]
    pub domain: Option<String>,
    /// The same for a server that is reached below several domains: a cookie is given to the one that the request's host
    /// is at or below, and to no host that is below none. In place of `domain`; 16 at most.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = &["example.org", "example.net"])]
    pub domains: Vec<String>,
    /// Which requests of other sites carry them: `lax` (default) only when a link is followed, `strict` none, `none` all,
    /// for apps on another site than this server.
    pub same_site: SameSite,
    /// Whether browsers keep them when they are closed, until the session ends. Otherwise they forget them.
    pub persistent: bool,
}

/// `SameSite` of cookies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SameSite {
    /// Only when a link is followed.
    #[default]
    Lax,
    /// Never with requests of other sites.
    Strict,
    /// With all requests.
    None,
}

/// What a cookie holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieKind {
    /// A session.
    Session,
    /// The binding of a challenge.
    Binding,
    /// An access token, where an app's browsers hold tokens.
    AccessToken,
    /// The refresh token beside it.
    RefreshToken,
    /// Who signed in with the browser before.
    KnownBrowser,
    /// A browser that a person trusts.
    Device,
    /// A device that a person registered.
    RegisteredDevice,

    /// A sign-in that is under way on the server's own page.
    SignIn,
    /// What shows an app's host behind a proxy whose session it is.
    App,
    /// An operator's visit of the administration pages.
    Operator,
    /// What ties a visit of the sign-in page to the browser that an app's host sent there.
    State,
}

impl CookieKind {
    /// The cookie that a session is held by in a browser.
    #[must_use]
    pub const fn of(session: &Session) -> Self {
        match session.holder {
            Holder::Cookie(_) | Holder::Refresh { .. } => Self::Session,
            Holder::Device(_) => Self::Device,
            Holder::Registered { .. } => Self::RegisteredDevice,
        }
    }
}

impl Default for CookieSettings {
    fn default() -> Self {
        Self {
            name: "countersign".to_owned(),
            domain: None,
            domains: Vec::new(),
            same_site: SameSite::Lax,
            persistent: true,
        }
    }
}

impl CookieSettings {
    /// Checks the settings together with the host of the issuer.
    ///
    /// # Errors
    /// The setting that is wrong, and what to write instead.
    pub(super) fn check(&self, host: &str) -> Result<(), (&'static str, String)> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(fits) {
            return Err(("cookies.name", "expected 1 to 32 characters of a-z, 0-9, _ and -".to_owned()));
        }
        if self.domain.is_some() && !self.domains.is_empty() {
            return Err(("cookies.domains", "say either domain or domains".to_owned()));
        }
        if self.domains.len() > MOST_DOMAINS {
            return Err(("cookies.domains", format!("at most {MOST_DOMAINS}")));
        }
        let setting = if self.domain.is_some() { "cookies.domain" } else { "cookies.domains" };
        let named: Vec<&String> = self.domain.iter().chain(&self.domains).collect();
        for domain in &named {
            let is_name = domain.contains('.')
                && domain.parse::<std::net::IpAddr>().is_err()
                && domain.split('.').all(is_label);
            if !is_name {
                return Err((setting, "expected a domain such as \"example.org\"".to_owned()));
            }
        }
        if !named.is_empty() && !named.iter().any(|domain| is_within(host, domain)) {
            let names = named.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            let why = format!("{host}, the host of server.issuer, is neither {names} nor below it");
            return Err((setting, why));
        }
        Ok(())
    }

    /// The settings for an answer to a request for `host`: with the one of several domains that it is at or below, and
    /// with none where that is none of them. Nothing is taken from the host itself.
    #[must_use]
    pub fn at(&self, host: Option<&str>) -> Cow<'_, Self> {
        if self.domains.is_empty() {
            return Cow::Borrowed(self);
        }
        // The narrowest, where one is below another.
        let fitting = self.domains.iter().filter(|domain| host.is_some_and(|host| is_within(host, domain)));
        let domain = fitting.max_by_key(|domain| domain.len()).cloned();
        Cow::Owned(Self { domain, ..self.clone() })
    }

    /// The whole name of a cookie.
    #[must_use]
    pub fn name(&self, kind: CookieKind) -> String {
        let (prefix, suffix) = match kind {
            CookieKind::Session => (self.prefix(), ""),
            // Nobody but this server has to do with it.
            CookieKind::Binding => ("__Host-", "-binding"),
            CookieKind::AccessToken => (self.prefix(), "-token"),
            // Likewise, and no other host of the domain may put one of its own in its place.
            CookieKind::RefreshToken => ("__Host-", "-refresh"),
            CookieKind::KnownBrowser => ("__Host-", "-browser"),
            CookieKind::Device => ("__Host-", "-device"),
            // The proxies of other hosts show it for their services, where the operator says so.
            CookieKind::RegisteredDevice => (self.prefix(), "-registered"),
            CookieKind::SignIn => ("__Host-", "-sign-in"),
            CookieKind::Operator => ("__Host-", "-operator"),
            // These two are the app's host's own.
            CookieKind::App => ("__Host-", "-app"),
            CookieKind::State => ("__Host-", "-state"),
        };
        format!("{prefix}{}{suffix}", self.name)
    }

    /// `Set-Cookie` for a value that lives so long.
    #[must_use]
    pub fn set(&self, kind: CookieKind, value: &str, life: Span) -> Option<HeaderValue> {
        use CookieKind::{Binding, Operator, SignIn, State};
        let is_short = matches!(kind, Binding | Operator | SignIn | State);
        let age =
            if self.persistent || is_short { format!("; Max-Age={}", life.seconds()) } else { String::new() };
        let mut value =
            HeaderValue::from_str(&format!("{}={value}; {}{age}", self.name(kind), self.attributes(kind)))
                .ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// `Set-Cookie` that takes a cookie away.
    #[must_use]
    pub fn clear(&self, kind: CookieKind) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("{}=; {}; Max-Age=0", self.name(kind), self.attributes(kind))).ok()
    }

    fn attributes(&self, kind: CookieKind) -> String {
        let domain = match (&self.domain, kind) {
            (Some(domain), CookieKind::Session | CookieKind::AccessToken | CookieKind::RegisteredDevice) => {
                format!("Domain={domain}; ")
            }
            _ => String::new(),
        };
        let same_site = match (self.same_site, kind) {
            // No other site leads to what an operator does.
            (_, CookieKind::Operator) => "Strict",
            // The way back from the sign-in page is one from another site: it must find them, and lead somewhere.
            (_, CookieKind::State) | (SameSite::Strict, CookieKind::App) | (SameSite::Lax, _) => "Lax",
            (SameSite::Strict, _) => "Strict",
            (SameSite::None, _) => "None",
        };
        format!("{domain}Path=/; Secure; HttpOnly; SameSite={same_site}")
    }

    const fn prefix(&self) -> &'static str {
        if self.domain.is_some() || !self.domains.is_empty() { "__Secure-" } else { "__Host-" }
    }
}

/// Whether a host is this domain, or below it. Names are compared as DNS does.
fn is_within(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.strip_suffix(domain).is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(domain: Option<&str>, same_site: SameSite, persistent: bool) -> CookieSettings {
        let domain = domain.map(str::to_owned);
        CookieSettings { domain, same_site, persistent, ..CookieSettings::default() }
    }

    #[test]
    fn p26_a_cookie_is_this_hosts_alone_unless_the_operator_says_otherwise() {
        let (own, shared) =
            (with(None, SameSite::Lax, true), with(Some("example.org"), SameSite::None, false));
        let (session, refresh) = (CookieKind::Session, CookieKind::RefreshToken);
        let minute = Span::from_minutes(1);
        for (settings, kind, expected) in [
            (&own, session, "__Host-countersign=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60"),
            (
                &own,
                refresh,
                "__Host-countersign-refresh=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60",
            ),
            (
                &shared,
                session,
                "__Secure-countersign=v; Domain=example.org; Path=/; Secure; HttpOnly; SameSite=None",
            ),
            (&shared, refresh, "__Host-countersign-refresh=v; Path=/; Secure; HttpOnly; SameSite=None"),
            (
                &shared,
                CookieKind::Binding,
                "__Host-countersign-binding=v; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=60",
            ),
        ] {
            assert_eq!(settings.set(kind, "v", minute).unwrap().to_str().unwrap(), expected);
        }
        let cleared =
            "__Secure-countersign=; Domain=example.org; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=0";
        assert_eq!(shared.clear(session).unwrap(), cleared);
        assert_eq!(own.set(session, "a\nb", minute), None);
    }

    #[test]
    fn p08_a_cookie_goes_to_a_configured_domain_and_nothing_is_taken_from_a_host() {
        let several = CookieSettings {
            domains: ["example.org", "shop.example.org", "example.net"].map(str::to_owned).to_vec(),
            ..CookieSettings::default()
        };
        for (host, domain) in [
            (Some("auth.example.org"), Some("example.org")),
            (Some("AUTH.Example.ORG."), Some("example.org")),
            (Some("auth.shop.example.org"), Some("shop.example.org")),
            (Some("example.net"), Some("example.net")),
            (Some("evilexample.net"), None),
            (Some("example.net.evil.example"), None),
            (Some("evil.example; Domain=example.net"), None),
            (Some(""), None),
            (None, None),
        ] {
            let at = several.at(host);
            assert_eq!(at.domain.as_deref(), domain, "{host:?}");
            let set = at.set(CookieKind::RegisteredDevice, "v", Span::from_minutes(1)).unwrap();
            let domain = domain.map(|domain| format!(" Domain={domain};")).unwrap_or_default();
            let expected = format!(
                "__Secure-countersign-registered=v;{domain} Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60"
            );
            assert_eq!(set.to_str().unwrap(), expected, "{host:?}");
        }
        let own = with(None, SameSite::Lax, true);
        assert_eq!(own.at(Some("evil.example")).domain, None);
        assert!(several.check("auth.example.net").is_ok() && several.check("auth.example.com").is_err());
        let both = CookieSettings { domain: Some("example.org".to_owned()), ..several };
        assert!(both.check("auth.example.org").is_err());
    }

    #[test]
    fn a_domain_must_be_the_servers_own_or_above_it() {
        for (name, domain, host, fits) in [
            ("countersign", None, "auth.example.org", true),
            ("a_b-1", Some("example.org"), "auth.example.org", true),
            ("a", Some("example.org"), "example.org", true),
            ("a", Some("auth.example.org"), "auth.example.org", true),
            ("a", Some("ample.org"), "auth.example.org", false),
            ("a", Some("org"), "auth.example.org", false),
            ("a", Some(".example.org"), "auth.example.org", false),
            ("a", Some("Example.org"), "auth.example.org", false),
            ("a", Some("example.org; Secure"), "auth.example.org", false),
            ("a", Some("127.0.0.1"), "127.0.0.1", false),
            ("", None, "auth.example.org", false),
            ("A", None, "auth.example.org", false),
            ("a=b", None, "auth.example.org", false),
            (&"a".repeat(33), None, "auth.example.org", false),
        ] {
            let settings = CookieSettings {
                name: name.to_owned(),
                domain: domain.map(str::to_owned),
                ..CookieSettings::default()
            };
            assert_eq!(settings.check(host).is_ok(), fits, "{name} {domain:?} {host}");
        }
    }
}
