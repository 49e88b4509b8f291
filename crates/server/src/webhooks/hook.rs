//! One webhook as it is configured: where it is, what it wants to be told, and how it knows that it was us.

use aws_lc_rs::hmac;
use countersign_domain::{event::EventKind, id::DeliveryId, secret::Secret};
use data_encoding::BASE64;

use crate::{
    config::WebhookSettings,
    outgoing::{Guard, Target},
};

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// The kinds that can be told: what happens to people. Everything else is for operators.
const NOUNS: [&str; 4] = ["user", "session", "identifier", "password"];

/// A webhook that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("webhooks.{name}.{setting}: {why}")]
pub struct HookError {
    /// Which one.
    pub name: String,
    /// Which of its settings.
    pub setting: &'static str,
    /// What is expected.
    pub why: &'static str,
}

/// A webhook.
#[derive(Debug)]
pub struct Hook {
    /// What its deliveries are known by.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// What is allowed of its address.
    pub guard: Guard,
    /// Only what happens at this app.
    pub app: Option<String>,
    secret: Secret<Vec<u8>>,
    kinds: Vec<EventKind>,
}

impl Hook {
    /// Reads the settings.
    ///
    /// # Errors
    /// [`HookError`].
    pub fn new(settings: &WebhookSettings) -> Result<Self, HookError> {
        let wrong = |setting, why| HookError { name: settings.name.clone(), setting, why };
        let is_name = |byte: u8| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if settings.name.is_empty() || settings.name.len() > 63 || !settings.name.bytes().all(is_name) {
            return Err(wrong("name", "expected 1 to 63 of a-z, 0-9 and -"));
        }
        let guard = Guard { allow_http: settings.allow_http, allow_private: settings.allow_private };
        let target = guard.read(&settings.url).ok_or_else(|| {
            wrong("url", "expected https:// and an address without name, password and query")
        })?;
        // An address that is written down needs no resolving to be seen.
        if let Ok(address) = target.host.parse()
            && guard.choose([std::net::SocketAddr::new(address, target.port)]).is_none()
        {
            return Err(wrong("url", "expected a public address: allow_private = true allows others"));
        }
        let kinds: Vec<EventKind> = settings.kinds.iter().flat_map(|pattern| kinds(pattern)).collect();
        if kinds.is_empty() || settings.kinds.iter().any(|pattern| self::kinds(pattern).is_empty()) {
            let why = "expected kinds of events about people, such as user.created or session.*";
            return Err(wrong("kinds", why));
        }
        let secret = secret(settings)
            .ok_or_else(|| wrong("secret", "expected whsec_ and 24 to 64 bytes in base64"))?;
        let (name, app) = (settings.name.clone(), settings.app.clone());
        Ok(Self { name, target, guard, app, secret, kinds })
    }

    /// Whether it wants to be told of such events.
    #[must_use]
    pub fn wants(&self, kind: EventKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// `webhook-signature` of a delivery.
    #[must_use]
    pub fn sign(&self, id: DeliveryId, stamp: &str, body: &[u8]) -> String {
        signature(self.secret.expose(), &id.to_string(), stamp, body)
    }
}

/// `v1,` and HMAC-SHA-256 over id, time and body (Standard Webhooks 1.0.0).
#[must_use]
pub fn signature(secret: &[u8], id: &str, stamp: &str, body: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut context = hmac::Context::with_key(&key);
    for part in [id.as_bytes(), b".", stamp.as_bytes(), b".", body] {
        context.update(part);
    }
    format!("v1,{}", BASE64.encode(context.sign().as_ref()))
}

fn secret(settings: &WebhookSettings) -> Option<Secret<Vec<u8>>> {
    let text = match (&settings.secret, &settings.secret_file) {
        (Some(text), None) => Secret::new(text.clone()),
        (None, Some(file)) => Secret::new(std::fs::read_to_string(file).ok()?),
        _ => return None,
    };
    let bytes = BASE64.decode(text.expose().trim().strip_prefix(PREFIX)?.as_bytes()).ok()?;
    (24..=64).contains(&bytes.len()).then(|| Secret::new(bytes))
}

/// The kinds that a pattern such as `user.created` or `session.*` names.
fn kinds(pattern: &str) -> Vec<EventKind> {
    let is_meant = |kind: &&EventKind| {
        let (noun, _) = kind.name().split_once('.').unwrap_or_default();
        let is_named = pattern.strip_suffix(".*").map_or(kind.name() == pattern, |wanted| wanted == noun);
        NOUNS.contains(&noun) && is_named
    };
    EventKind::ALL.iter().filter(is_meant).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(url: &str) -> WebhookSettings {
        WebhookSettings {
            name: "crm".to_owned(),
            url: url.to_owned(),
            secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned()),
            kinds: vec!["user.*".to_owned()],
            ..WebhookSettings::default()
        }
    }

    #[test]
    fn p42_only_public_addresses_over_tls_are_configured_unless_more_is_allowed() {
        let (http, private) = (true, true);
        for (url, allow_http, allow_private, is_taken) in [
            ("https://crm.example.org/in", false, false, true),
            ("https://1.1.1.1/in", false, false, true),
            ("http://crm.example.org/in", false, private, false),
            ("http://crm.example.org/in", http, false, true),
            ("https://127.0.0.1/in", http, false, false),
            ("https://127.0.0.1/in", false, private, true),
            ("https://[::1]/in", false, false, false),
            ("https://169.254.169.254/latest", false, false, false),
            ("https://10.0.0.1/", false, false, false),
            ("https://[::ffff:192.168.0.1]/", false, false, false),
            ("https://user@crm.example.org/", false, false, false),
            ("https://crm.example.org/?a=b", false, false, false),
            ("file:///etc/passwd", http, private, false),
            ("gopher://crm.example.org/", http, private, false),
            ("", http, private, false),
        ] {
            let hook = Hook::new(&WebhookSettings { allow_http, allow_private, ..settings(url) });
            assert_eq!(hook.is_ok(), is_taken, "{url} {allow_http} {allow_private}");
        }
    }

    #[test]
    fn settings_that_cannot_be_used_are_named() {
        let good = settings("https://crm.example.org/in");
        let text = |text: &str| Some(text.to_owned());
        for (setting, bad) in [
            ("name", WebhookSettings { name: "C R M".to_owned(), ..good.clone() }),
            ("kinds", WebhookSettings { kinds: Vec::new(), ..good.clone() }),
            ("kinds", WebhookSettings { kinds: vec!["user.eaten".to_owned()], ..good.clone() }),
            ("kinds", WebhookSettings { kinds: vec!["api_key.created".to_owned()], ..good.clone() }),
            ("secret", WebhookSettings { secret: None, ..good.clone() }),
            ("secret", WebhookSettings { secret: text("whsec_c2hvcnQ="), ..good.clone() }),
            ("secret", WebhookSettings { secret: text("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), ..good.clone() }),
        ] {
            assert_eq!(Hook::new(&bad).map(|_| ()).unwrap_err().setting, setting);
        }
        let hook = Hook::new(&good).unwrap();
        assert!(hook.wants(EventKind::UserErased) && !hook.wants(EventKind::SessionStarted));
    }

    /// The example of the Standard Webhooks specification.
    #[test]
    fn deliveries_are_signed_as_others_check_them() {
        let secret = BASE64.decode(b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let signed = signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
