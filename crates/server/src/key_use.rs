//! When API keys were last used: noted in memory, written in batches, never a write for each request.

use std::collections::HashMap;

use countersign_domain::{
    admin_key::AdminKey,
    api_key::ApiKey,
    changes::{Change, Changes},
    id::{AdminKeyId, ApiKeyId},
    time::{Span, Timestamp},
};
use parking_lot::Mutex;

/// The precision of "last used".
const PRECISION: Span = Span::from_minutes(1);

/// Uses that are not written yet.
#[derive(Debug, Default)]
pub struct KeyUse {
    noted: Mutex<HashMap<ApiKeyId, Timestamp>>,
    admin: Mutex<HashMap<AdminKeyId, Timestamp>>,
}

impl KeyUse {
    /// Notes that a key was used. Keys of the configuration file have no row to note it in.
    pub fn note(&self, key: &ApiKey, now: Timestamp) {
        let declared = key.created_at == Timestamp::from_millis(0);
        let recent = key.last_used_at.is_some_and(|last| now.since(last) < PRECISION);
        if !declared && !recent {
            self.noted.lock().insert(key.id, now);
        }
    }

    /// Notes that an admin key was used.
    pub fn note_admin(&self, key: &AdminKey, now: Timestamp) {
        if key.last_used_at.is_none_or(|last| now.since(last) >= PRECISION) {
            self.admin.lock().insert(key.id, now);
        }
    }

    /// What is to be written now.
    #[must_use]
    pub fn take(&self) -> Changes {
        let mut changes: Vec<_> =
            self.noted.lock().drain().map(|(id, at)| Change::ApiKeyUsed(id, at)).collect();
        changes.extend(self.admin.lock().drain().map(|(id, at)| Change::AdminKeyUsed(id, at)));
        Changes(changes)
    }
}
