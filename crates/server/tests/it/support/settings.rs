//! The apps that tests speak for, and their keys.

use countersign_domain::{
    api_key::{ApiKeyKind, ApiKeyText},
    testing::Seeded,
};
use countersign_server::config::{AppKeySettings, AppSettings, Config, DeliverySetting, RealmSettings};

/// Where the server of the tests is said to be.
pub(crate) const ISSUER: &str = "https://auth.example";
/// The page that may use the forum's publishable key.
pub(crate) const ORIGIN: &str = "https://forum.example";

/// The usual configuration: `forum` mails code and link, `shop` only codes, `wiki` only links.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.server.issuer = ISSUER.to_owned();
    config.mail.from = "auth@auth.example".to_owned();
    // Tests sign people in from one fresh browser after the other.
    config.realms = vec![quiet("default")];
    config.apps = vec![
        AppSettings {
            delivery: Some(DeliverySetting::Both),
            origins: vec![ORIGIN.to_owned()],
            title: Some("The Forum".to_owned()),
            ..app("forum")
        },
        app("shop"),
        AppSettings { delivery: Some(DeliverySetting::Link), ..app("wiki") },
    ];
    config
}

/// A realm that tells nobody of new browsers, and has every default else.
pub(crate) fn quiet(name: &str) -> RealmSettings {
    RealmSettings { name: name.to_owned(), new_device_mail: Some(false), ..RealmSettings::default() }
}

/// An app with a secret and a publishable key, and every default but the pause between messages.
pub(crate) fn app(name: &str) -> AppSettings {
    let key = |key: String| AppKeySettings { key: Some(key), ..AppKeySettings::default() };
    AppSettings {
        name: name.to_owned(),
        keys: vec![key(secret_key(name)), key(publishable_key(name))],
        resend_pause_seconds: Some(0),
        messages_per_person_per_hour: Some(64),
        messages_per_person_per_day: Some(64),
        ..AppSettings::default()
    }
}

/// The secret key of an app.
pub(crate) fn secret_key(app: &str) -> String {
    key(ApiKeyKind::Secret, app)
}

/// The publishable key of an app.
pub(crate) fn publishable_key(app: &str) -> String {
    key(ApiKeyKind::Publishable, app)
}

fn key(kind: ApiKeyKind, app: &str) -> String {
    let seed = app.bytes().fold(u64::from(kind == ApiKeyKind::Secret), |seed: u64, byte| {
        seed.wrapping_mul(257).wrapping_add(u64::from(byte))
    });
    ApiKeyText::draw(kind, &mut Seeded::new(seed)).expose().to_owned()
}
