//! Remembers tokens whose signature was right, so that the next check of the same token costs a hash.
//!
//! That the signature was right, and the key one of the app's realm, stays so as long as the key is accepted and no app has
//! left its realm: both are told by the key ring. Everything else (issuer, audience, app, revocations) is looked at again,
//! unless nothing at all has changed since it was looked at last: that is what
//! [`Epoch`] tells. The size is fixed: a new token takes the place of the one in its group that ends first.

use std::sync::atomic::{AtomicU32, Ordering};

use countersign_domain::time::Timestamp;

use crate::fingerprint::{Fingerprint, Table};

/// Tokens that are remembered.
const TOKENS: usize = 1 << 18;

/// Counts up after every change that could end a good token before its time: a revocation, an app, a key, the issuer.
///
/// Whoever makes such a change does so first and [counts](Self::advance) then; whoever checks a token reads the epoch
/// first and looks then. So a token that was found good in an epoch is good as long as that epoch lasts.
#[derive(Debug)]
pub struct Epoch(AtomicU32);

impl Default for Epoch {
    fn default() -> Self {
        Self(AtomicU32::new(1))
    }
}

impl Epoch {
    /// The epoch that lasts now; never 0.
    #[must_use]
    pub fn now(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Ends it.
    pub fn advance(&self) {
        // 0 is left out when the count begins anew: it stands for a token of no epoch.
        if self.0.fetch_add(1, Ordering::SeqCst) == u32::MAX {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    /// Seconds since 1970.
    until: u32,
    /// Of the key ring under which the signature was right.
    generation: u32,
    /// In which everything else was right too; 0 for none.
    epoch: u32,
}

/// Places for 262,144 tokens, about 8 MiB when all are taken.
pub struct SignatureCache(Table<Entry>);

impl Default for SignatureCache {
    fn default() -> Self {
        Self(Table::new(TOKENS))
    }
}

impl SignatureCache {
    /// Until when this token's signature is right, by a key that speaks for its app, if it was found so under key ring
    /// `generation`: to the second.
    #[must_use]
    pub fn right_until(&self, token: Fingerprint, generation: u32, now: Timestamp) -> Option<Timestamp> {
        let entry = self.find(token, now).filter(|entry| entry.generation == generation)?;
        Some(Timestamp::from_millis(i64::from(entry.until) * 1000))
    }

    /// When this token ends, in seconds since 1970, if everything about it was right in this epoch.
    #[must_use]
    pub fn good_until(&self, token: Fingerprint, epoch: u32, now: Timestamp) -> Option<i64> {
        self.find(token, now).filter(|entry| entry.epoch == epoch).map(|entry| entry.until.into())
    }

    fn find(&self, token: Fingerprint, now: Timestamp) -> Option<Entry> {
        self.0.with(token, |entry| *entry).filter(|entry| i64::from(entry.until) > now.seconds())
    }

    /// Notes that everything about a token remembered under key ring `generation` was right in `epoch`. One whose key
    /// goes before it ends is left alone: its end is not what is remembered here.
    pub fn note_good(&self, token: Fingerprint, (generation, epoch): (u32, u32), until: i64) {
        self.0.with(token, |entry| {
            if entry.generation == generation && i64::from(entry.until) == until {
                entry.epoch = epoch;
            }
        });
    }

    /// Remembers that this token's signature is right, until the token or its key ends.
    pub fn insert(&self, token: Fingerprint, generation: u32, until: Timestamp) {
        let until = u32::try_from(until.seconds()).unwrap_or(u32::MAX);
        // Those of former key rings are worth nothing.
        let worth = |entry: &Entry| if entry.generation == generation { entry.until } else { 0 };
        self.0.put(token, Entry { until, generation, epoch: 0 }, worth);
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::testing::Seeded;

    use super::*;
    use crate::fingerprint::Fingerprints;

    #[test]
    fn a_token_is_known_until_it_ends_and_only_under_its_keys() {
        let (cache, prints) = (SignatureCache::default(), Fingerprints::new(&mut Seeded::new(1)));
        let (now, end) = (Timestamp::from_millis(1_000_000_000), Timestamp::from_millis(1_000_060_000));
        let token = prints.of("a.b.c");
        assert_eq!(cache.right_until(token, 1, now), None);
        cache.insert(token, 1, end);
        assert_eq!(cache.right_until(token, 1, now), Some(end));
        assert_eq!(cache.right_until(token, 2, now), None);
        assert_eq!(cache.right_until(token, 1, end), None);
        assert_eq!(cache.right_until(prints.of("a.b.d"), 1, now), None);
    }

    #[test]
    fn a_token_is_good_in_the_epoch_in_which_it_was_found_good() {
        let (cache, prints) = (SignatureCache::default(), Fingerprints::new(&mut Seeded::new(1)));
        let (now, end) = (Timestamp::from_millis(1_000_000_000), Timestamp::from_millis(1_000_060_000));
        let (token, epoch) = (prints.of("a.b.c"), Epoch::default());
        cache.insert(token, 1, end);
        assert_eq!(cache.good_until(token, epoch.now(), now), None);
        cache.note_good(token, (1, epoch.now()), end.seconds() + 1);
        assert_eq!(cache.good_until(token, epoch.now(), now), None, "its key goes before it ends");
        cache.note_good(token, (2, epoch.now()), end.seconds());
        assert_eq!(cache.good_until(token, epoch.now(), now), None, "it was checked under another key ring");
        cache.note_good(token, (1, epoch.now()), end.seconds());
        assert_eq!(cache.good_until(token, epoch.now(), now), Some(end.seconds()));
        assert_eq!(cache.good_until(token, epoch.now(), end), None);
        epoch.advance();
        assert_eq!(cache.good_until(token, epoch.now(), now), None);
        cache.note_good(token, (1, epoch.now()), end.seconds());
        cache.insert(token, 2, end);
        assert_eq!(cache.good_until(token, epoch.now(), now), None, "a new key ring looks at everything");
    }

    #[test]
    fn a_hundred_thousand_tokens_fit_and_a_million_do_not_grow_it() {
        let (cache, prints) = (SignatureCache::default(), Fingerprints::new(&mut Seeded::new(1)));
        let (now, end) = (Timestamp::from_millis(1_000_000_000), Timestamp::from_millis(1_000_060_000));
        let tokens: Vec<_> = (0..100_000).map(|number| prints.of(&number.to_string())).collect();
        for token in &tokens {
            cache.insert(*token, 1, end);
        }
        let known = tokens.iter().filter(|token| cache.right_until(**token, 1, now).is_some()).count();
        assert!(known > 99_500, "{known} of 100,000 are known");
    }
}
