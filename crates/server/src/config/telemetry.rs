//! The section `telemetry`: whether and where traces are sent.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Traces for OpenTelemetry. Without an endpoint there are none.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// The collector (OTLP over HTTP), without `/v1/traces`. `https://`, or `http://` on this machine.
    #[schemars(example = &"http://localhost:4318")]
    pub endpoint: Option<String>,
    /// Allows `http://` to other machines: for a network that nobody else is on.
    pub allow_http: bool,
    /// Authorities that are trusted in place of the public ones, as PEM.
    #[schemars(example = &"/etc/countersign/collector-ca.pem")]
    pub ca_file: Option<PathBuf>,
    /// What this server is called in traces.
    pub service_name: String,
    /// One request in this many is traced: 1 to 1,000,000.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub sample_one_in: u32,
    /// Continues the trace that a request names in `traceparent`. Only where every caller may choose what is traced.
    pub continue_traces: bool,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            endpoint: None,
            allow_http: false,
            ca_file: None,
            service_name: "countersign".to_owned(),
            sample_one_in: 1,
            continue_traces: false,
        }
    }
}
