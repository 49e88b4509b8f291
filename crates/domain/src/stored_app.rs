//! An app as it is kept: its settings in the words of the configuration, which only the edge reads.

use crate::{app::AppName, time::Timestamp};

/// An app that was made through the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApp {
    /// Its permanent name.
    pub name: AppName,
    /// Its settings as JSON, in the form that the configuration file has as TOML.
    pub settings: String,
    /// Whether it is switched off.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// 0 when it is not stored yet.
    pub version: i64,
}
