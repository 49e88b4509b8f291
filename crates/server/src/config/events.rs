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
