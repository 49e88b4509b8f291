//! The life of a signing key: published before it signs, checked after it has ceased to. Times decide alone, so that
//! all nodes agree without asking each other.

use crate::{
    algorithm::Algorithm,
    app::AppName,
    time::{Span, Timestamp},
};

/// A signing key as it is kept: the private part sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// `kid`.
    pub id: String,
    /// The app it signs for alone (HS256), or none for all.
    pub app: Option<AppName>,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Counts the keys of one app and algorithm, so that two nodes cannot make two successors.
    pub generation: i64,
    /// The private key, sealed.
    pub sealed: Vec<u8>,
    /// The public key as a JWK, empty for HS256.
    pub public: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it signs.
    pub active_at: Timestamp,
    /// Until when it signs.
    pub retires_at: Timestamp,
    /// Until when its signatures are accepted.
    pub gone_at: Timestamp,
}

/// How signing keys follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationPolicy {
    /// How long a key signs.
    pub rotate_after: Span,
    /// How long it is published before it signs: longer than anybody caches the key set.
    pub publish_before: Span,
    /// How long it is published after: longer than the longest token.
    pub keep_after: Span,
}

impl Default for RotationPolicy {
    fn default() -> Self {
        Self {
            rotate_after: Span::from_hours(30 * 24),
            publish_before: Span::DAY,
            keep_after: Span::from_hours(91 * 24),
        }
    }
}

/// Where in its life a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Published, not signing yet.
    Next,
    /// Signing.
    Current,
    /// Published, signing no more.
    Retiring,
    /// Gone: its signatures are refused.
    Gone,
}

/// The times of a key's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// From when it signs.
    pub active_at: Timestamp,
    /// Until when it signs.
    pub retires_at: Timestamp,
    /// Until when its signatures are accepted.
    pub gone_at: Timestamp,
}

impl RotationPolicy {
    /// The life of a key that begins to sign at `active_at`.
    #[must_use]
    pub fn life(&self, active_at: Timestamp) -> Life {
        let retires_at = active_at + self.rotate_after;
        Life { active_at, retires_at, gone_at: retires_at + self.keep_after }
    }

    /// When a successor of `newest` must begin to sign, if it should be made now; `None` while there is time.
    /// Without any key, or after all have retired, a key is needed at once.
    #[must_use]
    pub fn successor_due(&self, newest: Option<&StoredKey>, now: Timestamp) -> Option<Timestamp> {
        match newest {
            None => Some(now),
            Some(key) if key.retires_at <= now => Some(now),
            Some(key) if key.retires_at - self.publish_before <= now => Some(key.retires_at),
            Some(_) => None,
        }
    }
}

impl StoredKey {
    /// Where the key stands at `now`.
    #[must_use]
    pub fn stage(&self, now: Timestamp) -> Stage {
        // A key that was ended before it began to sign is gone, not next.
        if now >= self.gone_at {
            Stage::Gone
        } else if now < self.active_at {
            Stage::Next
        } else if now < self.retires_at {
            Stage::Current
        } else {
            Stage::Retiring
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p33_some_key_always_signs_and_was_published_long_before() {
        let policy = RotationPolicy::default();
        let (mut keys, mut now) = (Vec::<StoredKey>::new(), Timestamp::from_millis(1_800_000_000_000));
        let end = now + Span::from_hours(24 * 400);
        while now < end {
            if let Some(active_at) = policy.successor_due(keys.last(), now) {
                let life = policy.life(active_at);
                assert!(
                    keys.is_empty() || active_at.since(now) >= policy.publish_before - Span::from_hours(1)
                );
                keys.push(StoredKey {
                    id: keys.len().to_string(),
                    app: None,
                    algorithm: Algorithm::default(),
                    generation: keys.len() as i64,
                    sealed: Vec::new(),
                    public: Vec::new(),
                    created_at: now,
                    active_at: life.active_at,
                    retires_at: life.retires_at,
                    gone_at: life.gone_at,
                });
            }
            let current = keys.iter().filter(|key| key.stage(now) == Stage::Current).count();
            assert_eq!(current, 1, "exactly one key signs");
            now = now + Span::from_hours(1);
        }
        assert!(keys.len() > 12);
    }
}
