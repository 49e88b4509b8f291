//! The configuration: what an operator may set, with its limits and defaults. The only place that reads the
//! environment. It knows files and words, not what the server does with them.

mod admin;
mod app;
mod app_place;
mod check;
mod cookies;
mod difference;
mod document;
mod environment;
mod events;
mod forward_auth;
mod generate;
mod grant;
mod listener;
mod load;
mod mail;
pub(crate) mod nearest;
mod passwords;
mod policy;
mod policy_cases;
mod problem;
mod realm;
mod schema;
mod secret_file;
mod telemetry;
#[cfg(test)]
mod tests;
mod webauthn;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    admin::AdminSettings,
    app::{AlphabetSetting, AppKeySettings, AppSettings, Declared, DeliverySetting, declared},
    cookies::{CookieKind, CookieSettings, SameSite},
    difference::changed,
    environment::process_environment,
    events::{EventSettings, SecurityLogSettings, WebhookSettings},
    forward_auth::{
        AccessSetting, ForwardAuthSettings, OpenerSetting, RuleSettings, SignInSetting, VerifySettings,
    },
    generate::{EXAMPLE, example_toml, schema_json},
    grant::{DeclaredGrant, DeclaredHolder, GrantHolderSettings, GrantSettings},
    listener::ListenAddress,
    load::{DEFAULT_FILE, Loaded},
    mail::{DkimSettings, MailSettings, Security, SmtpServerSettings, Transport},
    passwords::{BreachedSettings, PasswordSettings, UnansweredSetting},
    policy::{BeginningSetting, LevelSetting, PolicySettings},
    policy_cases::{Expected, PolicyCase, PolicyCases},
    problem::{Place, Problem, Trouble},
    realm::{AccountsSetting, BrowserTokensSetting, PasswordsSetting, RealmSettings, SignUpSetting},
    schema::SCHEMA,
    telemetry::TelemetrySettings,
    webauthn::WebauthnSettings,
};

/// A configuration that cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// The whole of `countersign.toml`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How the server is reached and what it is called.
    pub server: ServerSettings,
    /// Where it keeps what it keeps.
    pub storage: StorageSettings,
    /// Where the root key comes from.
    pub keys: KeySettings,
    /// How mail leaves.
    pub mail: MailSettings,
    /// Limits that protect the server and those it writes to.
    pub limits: LimitSettings,
    /// How long things are kept.
    pub retention: RetentionSettings,
    /// What is logged and how.
    pub log: LogSettings,
    /// Traces for OpenTelemetry. Without an endpoint there are none.
    pub telemetry: TelemetrySettings,
    /// Passwords, where a realm has them. Nothing of this costs anything until one does.
    pub passwords: PasswordSettings,
    /// Passkeys and security keys.
    pub webauthn: WebauthnSettings,
    /// The log of events: what happened, signed and kept in the database.
    pub events: EventSettings,
    /// Services behind reverse proxies.
    pub forward_auth: VerifySettings,
    /// Cookies of people's browsers.
    pub cookies: CookieSettings,
    /// The administration pages.
    pub admin: AdminSettings,
    /// Failed authentications with the network address that they came from, for programs such as fail2ban.
    pub security_log: SecurityLogSettings,
    /// Addresses that are told what happens.
    pub webhooks: Vec<WebhookSettings>,
    /// The realms beside `default`, or with other settings than its own. Without any, all users are in `default`.
    pub realms: Vec<RealmSettings>,
    /// The apps that are declared here; others may be added through the command line.
    pub apps: Vec<AppSettings>,

    /// Who may use which app. Grants of this file are changed in it alone; others are given through the command line.
    pub grants: Vec<GrantSettings>,
}

/// How strict the server is as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum ProfileSetting {
    /// ASVS 5.0 level 2.
    #[default]
    #[serde(rename = "standard")]
    Standard,
    /// ASVS 5.0 level 3.
    #[serde(rename = "asvs-l3")]
    AsvsLevel3,
}

impl Config {
    /// Whether mails are no authenticators, and every session needs two factors.
    #[must_use]
    pub fn is_strict(&self) -> bool {
        self.server.profile == ProfileSetting::AsvsLevel3
    }
}

/// How the server is reached and what it is called.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// The public address of this server, without a slash at the end: `iss` of its tokens and the start of its links.
    pub issuer: String,
    /// Where to listen: `host:port` or `unix:/path`. By default one listener for apps and people, one for operations.
    pub listeners: Vec<ListenerSettings>,
    /// Networks of reverse proxies whose forwarding header is believed, for instance `10.0.0.0/8`.
    #[schemars(example = ["10.0.0.0/8"])]
    pub trusted_proxies: Vec<String>,
    /// The header in which trusted proxies name the caller.
    pub client_address_header: String,
    /// Connections at once, all listeners together.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: usize,
    /// How long an ordinary end waits for requests and mails under way, in seconds: 0 to 600.
    #[schemars(range(min = 0, max = 600))]
    pub shutdown_seconds: u64,
    /// Sessions that are remembered at once, each in some 130 bytes, so that the check of their cookies needs no read of the
    /// database: 0 to 4194304. Changes need a restart.
    #[schemars(range(min = 0, max = 4_194_304))]
    pub session_cache: usize,
    /// `standard`, or `asvs-l3`: every session needs two factors, mails prove addresses alone, and a TOTP is good in its
    /// own step only (ASVS 5.0, level 3).
    pub profile: ProfileSetting,
}

/// One listener and what it serves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListenerSettings {
    /// `host:port` or `unix:/path/to/socket`.
    #[schemars(example = &"127.0.0.1:8080")]
    pub address: String,
    /// What is served here.
    #[serde(default = "every_part")]
    pub parts: Vec<Part>,
    /// Mode of a Unix socket as octal text, `660` by default.
    #[schemars(example = &"660")]
    #[serde(default)]
    pub mode: Option<String>,
}

/// A part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What apps and people call: `/v1`, `/oauth2`, `/.well-known`, links, documentation.
    Public,
    /// `/livez`, `/readyz`, `/metrics`.
    Operations,
    /// `/verify/{app}`: for reverse proxies, without a key. Whoever reaches it can ask about everybody's cookies.
    Verify,
    /// `/v1/admin`: on a Unix socket without a key, since its mode says who may; over a network with an admin key.
    Admin,
}

fn every_part() -> Vec<Part> {
    vec![Part::Public]
}

impl ServerSettings {
    /// The host of the issuer, without its port.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.issuer.split_once("://").map_or(self.issuer.as_str(), |(_, rest)| rest);
        let host = rest.split('/').next().unwrap_or(rest);
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            issuer: "http://localhost:8080".to_owned(),
            listeners: vec![
                ListenerSettings {
                    address: "127.0.0.1:8080".to_owned(),
                    parts: vec![Part::Public],
                    mode: None,
                },
                ListenerSettings {
                    address: "127.0.0.1:8081".to_owned(),
                    parts: vec![Part::Operations],
                    mode: None,
                },
            ],
            trusted_proxies: Vec::new(),
            client_address_header: "x-forwarded-for".to_owned(),
            max_connections: 10_000,
            shutdown_seconds: 20,
            session_cache: 65_536,
            profile: ProfileSetting::Standard,
        }
    }
}

/// Where the server keeps what it keeps.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StorageSettings {
    /// `sqlite:PATH`, `:memory:` (keeps nothing), `postgres://…` or `mariadb://…`.
    pub url: String,
    /// The same, read from a file.
    #[schemars(example = &"/run/secrets/database-url")]
    pub url_file: Option<PathBuf>,
    /// Connections to a database server: 1 to 1000. Two more are kept for what nodes must learn of each other in time.
    #[schemars(range(min = 1, max = 1000))]
    pub max_connections: u32,
    /// Where the root key, the control socket and a SQLite file lie unless they say otherwise.
    pub data_dir: PathBuf,
}

impl Default for StorageSettings {
    fn default() -> Self {
        Self {
            url: "sqlite:countersign.db".to_owned(),
            url_file: None,
            max_connections: 8,
            data_dir: PathBuf::from("countersign-data"),
        }
    }
}

/// Where the root key comes from. Without any of these it is made at the first start, in `data_dir/root.key`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// 64 hexadecimal digits. Better in the environment (`COUNTERSIGN_KEYS_ROOT_KEY`) than in a file with other things.
    #[schemars(example = &"64 hexadecimal digits")]
    pub root_key: Option<String>,
    /// A file that holds the root key, mode 0600.
    #[schemars(example = &"/run/secrets/root-key")]
    pub root_key_file: Option<PathBuf>,
    /// A command whose output is the root key: program and arguments.
    #[schemars(example = ["pass", "show", "countersign/root-key"])]
    pub root_key_command: Option<Vec<String>>,
    /// How many days a signing key signs before its successor does: 1 to 365.
    #[schemars(range(min = 1, max = 365), example = 90)]
    pub rotate_after_days: Option<u32>,
}

/// Limits that protect the server and those it writes to.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitSettings {
    /// Messages of all apps together within a day; beyond, they are promised and not sent.
    pub messages_per_day: u32,
    /// Requests that start or finish challenges from one network (an IPv4 address, an IPv6 /64) within a minute.
    pub requests_per_network_per_minute: u32,
    /// The same for publishable keys, which anybody can read off a page.
    pub publishable_requests_per_network_per_minute: u32,
    /// Questions of waiting pages from one network within a minute: a challenge's status, its redemption, the page of a
    /// link. A page that asks once a second takes 60.
    pub polls_per_network_per_minute: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            messages_per_day: 100_000,
            requests_per_network_per_minute: 120,
            publishable_requests_per_network_per_minute: 20,
            polls_per_network_per_minute: 6_000,
        }
    }
}

/// How long things are kept.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSettings {
    /// How often what is past its lifetime is purged, in seconds: 1 to 3600.
    #[schemars(range(min = 1, max = 3600))]
    pub sweep_seconds: u64,
}

impl Default for RetentionSettings {
    fn default() -> Self {
        Self { sweep_seconds: 60 }
    }
}

/// What is logged and how.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogSettings {
    /// `error`, `warn`, `info`, `debug` or `trace`; per module as `info,countersign_server=debug`.
    pub level: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}
