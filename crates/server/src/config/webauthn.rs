//! Passkeys and security keys in the words of the configuration.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ServerSettings;

/// Most related origins: browsers look at a few names among them only.
const MOST_RELATED: usize = 32;

/// Passkeys and security keys. Nothing needs to be set for pages at the issuer's own host and apps below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebauthnSettings {
    /// The RP ID that passkeys belong to, by default the issuer's host: that host, or a domain above it where apps beside
    /// the issuer use the same passkeys. Another one later makes all passkeys useless.
    #[schemars(example = &"example.org")]
    pub rp_id: Option<String>,
    /// What browsers may call the server, by default the RP ID: 1 to 64 characters.
    #[schemars(example = &"Example")]
    pub name: Option<String>,
    /// Origins of other domains whose pages use the same passkeys, told at `/.well-known/webauthn` of the RP ID's host.
    /// Browsers take a handful of domains.
    #[schemars(example = ["https://example.net"])]
    pub related_origins: Vec<String>,
}

impl WebauthnSettings {
    /// The RP ID; none when the server is known by an address alone.
    #[must_use]
    pub fn rp_id<'a>(&'a self, server: &'a ServerSettings) -> Option<&'a str> {
        let host = self.rp_id.as_deref().unwrap_or_else(|| server.host());
        let is_address = host.parse::<IpAddr>().is_ok() || host.starts_with('[');
        (!is_address).then_some(host)
    }

    /// What browsers may call the server.
    #[must_use]
    pub fn name<'a>(&'a self, rp_id: &'a str) -> &'a str {
        self.name.as_deref().unwrap_or(rp_id)
    }

    /// Everything that is wrong with these settings: the setting and why.
    pub(super) fn problems(&self, server: &ServerSettings) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        if let Some(rp_id) = &self.rp_id {
            let host = server.host();
            let is_above = host.strip_suffix(rp_id.as_str()).is_some_and(|label| label.ends_with('.'));
            if rp_id != host && !(is_above && rp_id.contains('.')) {
                problems.push(("rp_id", format!("expected {host} or a domain above it")));
            }
        }
        if self.name.as_ref().is_some_and(|name| !(1..=64).contains(&name.chars().count())) {
            problems.push(("name", "expected 1 to 64 characters".to_owned()));
        }
        if self.related_origins.len() > MOST_RELATED {
            problems.push(("related_origins", format!("at most {MOST_RELATED}")));
        }
        for origin in self.related_origins.iter().filter(|origin| !is_origin(origin)) {
            let why =
                format!("{origin}: expected https:// and a name in lower case, without a slash at the end");
            problems.push(("related_origins", why));
        }
        problems
    }
}

/// Whether browsers write an origin like this.
fn is_origin(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("https://") else { return false };
    let (host, port) = authority.split_once(':').unwrap_or((authority, "8443"));
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0 && port != 443);
    !host.is_empty() && host.bytes().all(is_name) && is_port
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rp_id_is_the_issuers_host_or_above_it() {
        let server = ServerSettings { issuer: "https://auth.example.org".to_owned(), ..Default::default() };
        for (rp_id, is_good) in [
            ("auth.example.org", true),
            ("example.org", true),
            ("org", false),
            ("th.example.org", false),
            ("www.auth.example.org", false),
            ("example.net", false),
            ("", false),
        ] {
            let settings = WebauthnSettings { rp_id: Some(rp_id.to_owned()), ..Default::default() };
            assert_eq!(settings.problems(&server).is_empty(), is_good, "{rp_id}");
        }
        let by_address = ServerSettings { issuer: "http://127.0.0.1:8080".to_owned(), ..Default::default() };
        assert_eq!(WebauthnSettings::default().rp_id(&by_address), None);
        assert_eq!(WebauthnSettings::default().rp_id(&server), Some("auth.example.org"));
    }

    #[test]
    fn related_origins_are_written_as_browsers_write_them() {
        for (origin, is_good) in [
            ("https://example.net", true),
            ("https://example.net:8443", true),
            ("https://example.net:443", false),
            ("https://example.net/", false),
            ("https://Example.net", false),
            ("http://example.net", false),
            ("example.net", false),
            ("https://", false),
        ] {
            let settings =
                WebauthnSettings { related_origins: vec![origin.to_owned()], ..Default::default() };
            assert_eq!(settings.problems(&ServerSettings::default()).is_empty(), is_good, "{origin}");
        }
    }
}
