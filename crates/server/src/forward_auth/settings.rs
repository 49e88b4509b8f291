//! What of the configuration every question of a proxy needs, read once and not for each.

use countersign_domain::time::Span;

use crate::config::{Config, CookieKind};

/// What every question needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The cookie of a session.
    pub session_cookie: String,
    /// What the app's own host gave.
    pub app_cookie: String,
    /// The cookie of a registered device.
    pub device_cookie: String,
    /// For how long what cannot be read again is used.
    pub stale: Span,
    /// Whether every session needs two factors.
    pub is_strict: bool,
}

impl Settings {
    /// What a configuration says.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            session_cookie: config.cookies.name(CookieKind::Session),
            app_cookie: config.cookies.name(CookieKind::App),
            device_cookie: config.cookies.name(CookieKind::RegisteredDevice),
            stale: Span::from_seconds(config.forward_auth.stale_seconds.into()),
            is_strict: config.is_strict(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::new(&Config::default())
    }
}
