//! Remembers tokens whose signature was right, so that the next check of the same token costs a hash.
//!
//! Only the signature is remembered. Issuer, audience, times, app and revocations are looked at every time. The size
//! is fixed: a new token takes the place of the one in its group that ends first.

use std::sync::OnceLock;

use countersign_domain::time::Timestamp;
use parking_lot::Mutex;

/// Groups of four places each.
const GROUPS: usize = 1 << 16;
/// Memory is taken a shard at a time, when it is first needed.
const SHARDS: usize = 256;
const WAYS: usize = 4;

#[derive(Clone, Copy, Default)]
struct Entry {
    fingerprint: [u8; 16],
    /// Seconds since 1970; 0 for a free place.
    until: u32,
    /// Of the key ring under which the signature was right.
    generation: u32,
}

type Group = Mutex<[Entry; WAYS]>;

/// Places for 262,144 tokens, about 7 MiB when all are taken.
pub struct SignatureCache {
    shards: Vec<OnceLock<Box<[Group]>>>,
}

impl Default for SignatureCache {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| OnceLock::new()).collect() }
    }
}

/// A token as the cache knows it: half of its SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of a token.
    #[must_use]
    pub fn of(token: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        let mut half = [0; 16];
        half.copy_from_slice(&digest.as_ref()[..16]);
        Self(half)
    }

    fn place(self) -> (usize, usize) {
        let [first, second, third, ..] = self.0;
        (usize::from(first), usize::from(u16::from_be_bytes([second, third])) % (GROUPS / SHARDS))
    }
}

impl SignatureCache {
    /// Whether this token's signature was right under key ring `generation`.
    #[must_use]
    pub fn contains(&self, token: Fingerprint, generation: u32, now: Timestamp) -> bool {
        let (shard, group) = token.place();
        let Some(groups) = self.shards[shard].get() else { return false };
        groups[group].lock().iter().any(|entry| {
            entry.fingerprint == token.0
                && entry.generation == generation
                && i64::from(entry.until) > now.seconds()
        })
    }

    /// Remembers that this token's signature is right, until the token ends.
    pub fn insert(&self, token: Fingerprint, generation: u32, until: Timestamp) {
        let (shard, group) = token.place();
        let groups =
            self.shards[shard].get_or_init(|| (0..GROUPS / SHARDS).map(|_| Group::default()).collect());
        let mut entries = groups[group].lock();
        let until = u32::try_from(until.seconds()).unwrap_or(u32::MAX);
        // An entry of a former key ring is worth nothing: it goes first.
        if let Some(entry) = entries
            .iter_mut()
            .min_by_key(|entry| if entry.generation == generation { entry.until } else { 0 })
        {
            *entry = Entry { fingerprint: token.0, until, generation };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_until_it_ends_and_only_under_its_keys() {
        let cache = SignatureCache::default();
        let (now, end) = (Timestamp::from_millis(1_000_000_000), Timestamp::from_millis(1_000_060_000));
        let token = Fingerprint::of("a.b.c");
        assert!(!cache.contains(token, 1, now));
        cache.insert(token, 1, end);
        assert!(cache.contains(token, 1, now));
        assert!(!cache.contains(token, 2, now));
        assert!(!cache.contains(token, 1, end));
        assert!(!cache.contains(Fingerprint::of("a.b.d"), 1, now));
    }

    #[test]
    fn a_hundred_thousand_tokens_fit_and_a_million_do_not_grow_it() {
        let cache = SignatureCache::default();
        let (now, end) = (Timestamp::from_millis(1_000_000_000), Timestamp::from_millis(1_000_060_000));
        let tokens: Vec<_> = (0..100_000).map(|number| Fingerprint::of(&number.to_string())).collect();
        for token in &tokens {
            cache.insert(*token, 1, end);
        }
        let known = tokens.iter().filter(|token| cache.contains(**token, 1, now)).count();
        assert!(known > 97_000, "{known} of 100,000 are known");
    }
}
