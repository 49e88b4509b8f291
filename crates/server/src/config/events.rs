//! The sections `events` and `security_log`, and the list `webhooks`: what is told to whom about what happens.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The log of events: what happened, signed and kept in the database.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EventSettings {
    /// Whether events are kept.
    pub enabled: bool,
    /// For how many days: 1 to 3650.
    #[schemars(range(min = 1, max = 3650))]
    pub retention_days: u32,
    /// How often new events are signed, and exported where that is asked for, in seconds: 1 to 3600.
    #[schemars(range(min = 1, max = 3600))]
    pub checkpoint_seconds: u64,
    /// A file that gets every event and checkpoint as a line of JSON. It is never cut off here: rotate it with a tool.
    #[schemars(example = &"/var/log/countersign/events.jsonl")]
    pub file: Option<PathBuf>,
    /// Where events go as syslog (RFC 5424): `unix:/dev/log`, or `udp:127.0.0.1:514` on this machine.
    #[schemars(example = &"unix:/dev/log")]
    pub syslog: Option<String>,
}

impl Default for EventSettings {
    fn default() -> Self {
        Self { enabled: true, retention_days: 90, checkpoint_seconds: 60, file: None, syslog: None }
    }
}

/// Failed authentications with the network address that they came from, for programs such as fail2ban.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecurityLogSettings {
    /// The file. Without one no network address is written anywhere.
    #[schemars(example = &"/var/log/countersign/security.log")]
    pub file: Option<PathBuf>,
    /// From which size a new file is begun, in mebibytes: 1 to 1024.
    #[schemars(range(min = 1, max = 1024))]
    pub rotate_mebibytes: u32,
    /// How many former files are kept: 0 to 100. What is older is forgotten.
    #[schemars(range(min = 0, max = 100))]
    pub keep_files: u32,
}

impl Default for SecurityLogSettings {
    fn default() -> Self {
        Self { file: None, rotate_mebibytes: 10, keep_files: 3 }
    }
}

/// An address that is told what happens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// Its permanent name: 1 to 63 of a-z, 0-9 and -. What waits is known by it.
    #[schemars(example = &"crm")]
    pub name: String,
    /// Where it is: `https://`, at a public address.
    #[schemars(example = &"https://crm.example.org/countersign")]
    pub url: String,
    /// What deliveries are signed with: `whsec_` and 24 to 64 bytes in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"whsec_…")]
    pub secret: Option<String>,
    /// The same, read from a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"/run/secrets/webhook")]
    pub secret_file: Option<PathBuf>,
    /// The kinds of events that are told: `user.created`, `session.*`, and so on.
    #[serde(default)]
    #[schemars(example = ["user.created", "user.erased"])]
    pub kinds: Vec<String>,
    /// Only what happens at this app; people are named as this app knows them. Without one, users are named by their id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"shop")]
    pub app: Option<String>,
    /// Allows `http://`: only for a network that nobody else is on.
    #[serde(default)]
    pub allow_http: bool,
    /// Allows addresses of this machine and of private networks.
    #[serde(default)]
    pub allow_private: bool,
}
