//! How cookies are named and given to browsers. By default each belongs to this server's host alone.

use countersign_domain::time::Span;
use http::HeaderValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// A device that a person trusts.
    Device,

    /// A sign-in that is under way on the server's own page.
    SignIn,
    /// What shows an app's host behind a proxy whose session it is.
    App,
    /// What ties a visit of the sign-in page to the browser that an app's host sent there.
    State,
}

impl Default for CookieSettings {
    fn default() -> Self {
        Self { name: "countersign".to_owned(), domain: None, same_site: SameSite::Lax, persistent: true }
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
        let Some(domain) = &self.domain else { return Ok(()) };
        let is_name = domain.contains('.')
            && domain.parse::<std::net::IpAddr>().is_err()
            && domain.split('.').all(is_label);
        if !is_name {
            return Err(("cookies.domain", "expected a domain such as \"example.org\"".to_owned()));
        }
        if host != domain && !host.ends_with(&format!(".{domain}")) {
            let why = format!("{host}, the host of server.issuer, is neither {domain} nor below it");
            return Err(("cookies.domain", why));
        }
        Ok(())
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
            CookieKind::SignIn => ("__Host-", "-sign-in"),
            // These two are the app's host's own.
            CookieKind::App => ("__Host-", "-app"),
            CookieKind::State => ("__Host-", "-state"),
        };
        format!("{prefix}{}{suffix}", self.name)
    }

    /// `Set-Cookie` for a value that lives so long.
    #[must_use]
    pub fn set(&self, kind: CookieKind, value: &str, life: Span) -> Option<HeaderValue> {
        let is_short = matches!(kind, CookieKind::Binding | CookieKind::SignIn | CookieKind::State);
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
            (Some(domain), CookieKind::Session | CookieKind::AccessToken) => format!("Domain={domain}; "),
            _ => String::new(),
        };
        let same_site = match (self.same_site, kind) {
            // The way back from the sign-in page is one from another site: it must find them, and lead somewhere.
            (_, CookieKind::State) | (SameSite::Strict, CookieKind::App) | (SameSite::Lax, _) => "Lax",
            (SameSite::Strict, _) => "Strict",
            (SameSite::None, _) => "None",
        };
        format!("{domain}Path=/; Secure; HttpOnly; SameSite={same_site}")
    }

    const fn prefix(&self) -> &'static str {
        if self.domain.is_some() { "__Secure-" } else { "__Host-" }
    }
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
