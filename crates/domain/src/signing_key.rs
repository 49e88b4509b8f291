//! The life of a signing key: published before it signs, checked after it has ceased to. Times decide alone, so that
//! all nodes agree without asking each other.

use crate::{
    algorithm::Algorithm,
    app::{App, AppName},
    realm::RealmName,
    time::{Span, Timestamp},
};

/// Whose tokens a key signs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The server's, from before realms had keys of their own: it signs for the realm `default` until a key of that realm
    /// succeeds it, and what it signed is accepted in every realm until it is gone. No new key is one of these.
    Server,
    /// A realm's: the keys of no other realm are accepted for its apps.
    Realm(RealmName),
    /// One app's, which knows the secret (HS256).
    App(AppName),
}

impl Owner {
    /// Whose key signs for an app with an algorithm.
    #[must_use]
    pub fn of(app: &App, algorithm: Algorithm) -> Self {
        if algorithm.is_symmetric() { Self::App(app.name.clone()) } else { Self::Realm(app.realm.clone()) }
    }

    /// Whether what such a key signed is accepted for an app.
    #[must_use]
    pub fn speaks_for(&self, app: &App) -> bool {
        match self {
            Self::Server => true,
            Self::Realm(realm) => *realm == app.realm,
            Self::App(name) => *name == app.name,
        }
    }

    /// Whose key follows such a key.
    #[must_use]
    pub fn heir(&self) -> Self {
        match self {
            Self::Server => Self::Realm(RealmName::default()),
            owner => owner.clone(),
        }
    }

    /// The realm that it signs for; none where it signs for one app.
    #[must_use]
    pub fn realm(&self) -> Option<RealmName> {
        match self {
            Self::Server => Some(RealmName::default()),
            Self::Realm(realm) => Some(realm.clone()),
            Self::App(_) => None,
        }
    }

    /// The app that it signs for alone.
    #[must_use]
    pub const fn app(&self) -> Option<&AppName> {
        match self {
            Self::App(app) => Some(app),
            Self::Server | Self::Realm(_) => None,
        }
    }
}

/// A signing key as it is kept: the private part sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// `kid`.
    pub id: String,
    /// Whose tokens it signs.
    pub owner: Owner,
    /// What it signs with.
    pub algorithm: Algorithm,
    /// Counts the keys of one owner and algorithm, so that two nodes cannot make two successors.
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
    /// What keys are listed by.
    #[must_use]
    pub const fn order(&self) -> (Algorithm, &Owner, i64) {
        (self.algorithm, &self.owner, self.generation)
    }

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
                    owner: Owner::Realm(RealmName::default()),
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

    #[test]
    fn nothing_that_a_realm_s_key_signed_is_accepted_in_another_realm() {
        let app = |name: &str, realm: &str| App {
            realm: realm.parse().unwrap(),
            ..App::new(name.parse().unwrap())
        };
        let (forum, desk, shop) = (app("forum", "default"), app("desk", "staff"), app("shop", "staff"));
        let (eddsa, hs256) = (Algorithm::EdDsa, Algorithm::Hs256);
        for (owner, accepted) in [
            (Owner::Server, [true, true, true]),
            (Owner::of(&forum, eddsa), [true, false, false]),
            (Owner::of(&desk, eddsa), [false, true, true]),
            (Owner::of(&desk, hs256), [false, true, false]),
        ] {
            assert_eq!([&forum, &desk, &shop].map(|app| owner.speaks_for(app)), accepted, "{owner:?}");
        }
        assert_eq!(Owner::Server.heir(), Owner::of(&forum, eddsa));
    }
}
