//! A realm as it is kept: its settings in the words of the configuration, which only the edge reads.

use crate::{realm::RealmName, time::Timestamp};

/// A realm that was made through the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRealm {
    /// Its permanent name.
    pub name: RealmName,
    /// Its settings as JSON, in the form that the configuration file has as TOML.
    pub settings: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// 0 when it is not stored yet.
    pub version: i64,
}
