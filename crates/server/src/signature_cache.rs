//! Remembers tokens whose signature was right, so that the next check of the same token costs a hash.
//!
//! That the signature was right stays so as long as its key is accepted. Everything else (issuer, audience, app,
//! revocations) is looked at again, unless nothing at all has changed since it was looked at last: that is what
//! [`Epoch`] tells. The size is fixed: a new token takes the place of the one in its group that ends first.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use countersign_domain::{random::Random, time::Timestamp};
use parking_lot::Mutex;
use zeroize::{Zeroize as _, Zeroizing};

/// Groups of four places each.
const GROUPS: usize = 1 << 16;
/// Memory is taken a shard at a time, when it is first needed.
const SHARDS: usize = 256;
const WAYS: usize = 4;

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

#[derive(Clone, Copy, Default)]
struct Entry {
    fingerprint: [u8; 16],
    /// Seconds since 1970; 0 for a free place.
    until: u32,
    /// Of the key ring under which the signature was right.
    generation: u32,
    /// In which everything else was right too; 0 for none.
    epoch: u32,
}

type Group = Mutex<[Entry; WAYS]>;

/// Places for 262,144 tokens, about 8 MiB when all are taken.
pub struct SignatureCache {
    shards: Vec<OnceLock<Box<[Group]>>>,
    secret: Zeroizing<[u8; 32]>,
}

/// A token as the cache knows it: half of the SHA-256 of a secret of this process and the token. Without the secret,
/// whoever may sign for one app could look for a token of theirs that shares its half with a forged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The bytes: evenly spread.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn place(self) -> (usize, usize) {
        let [first, second, third, ..] = self.0;
        (usize::from(first), usize::from(u16::from_be_bytes([second, third])) % (GROUPS / SHARDS))
    }
}

impl SignatureCache {
    /// An empty one.
    #[must_use]
    pub fn new(random: &mut dyn Random) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        random.fill(&mut *secret);
        Self { shards: (0..SHARDS).map(|_| OnceLock::new()).collect(), secret }
    }

    /// The fingerprint of a token.
    #[must_use]
    pub fn fingerprint(&self, token: &str) -> Fingerprint {
        self.fingerprint_of(&[token.as_bytes()])
    }

    /// The fingerprint of several parts, one after the other: that they cannot be mistaken for other parts is the
    /// caller's to see to.
    #[must_use]
    pub fn fingerprint_of(&self, parts: &[&[u8]]) -> Fingerprint {
        let length = self.secret.len() + parts.iter().map(|part| part.len()).sum::<usize>();
        // Nearly everything fits where no memory has to be asked for.
        let (mut near, mut far) = ([0; 1024], Vec::new());
        let salted = match near.get_mut(..length) {
            Some(salted) => salted,
            None => {
                far.resize(length, 0);
                &mut far[..]
            }
        };
        let mut rest = &mut *salted;
        for part in std::iter::once(&self.secret[..]).chain(parts.iter().copied()) {
            let (place, after) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = after;
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, salted);
        salted[..self.secret.len()].zeroize();
        let mut half = [0; 16];
        half.copy_from_slice(&digest.as_ref()[..16]);
        Fingerprint(half)
    }

    /// Whether this token's signature was right under key ring `generation`.
    #[must_use]
    pub fn contains(&self, token: Fingerprint, generation: u32, now: Timestamp) -> bool {
        self.find(token, now).is_some_and(|entry| entry.generation == generation)
    }

    /// When this token ends, in seconds since 1970, if everything about it was right in this epoch.
    #[must_use]
    pub fn good_until(&self, token: Fingerprint, epoch: u32, now: Timestamp) -> Option<i64> {
        self.find(token, now).filter(|entry| entry.epoch == epoch).map(|entry| entry.until.into())
    }

    fn find(&self, token: Fingerprint, now: Timestamp) -> Option<Entry> {
        let (shard, group) = token.place();
        let entries = self.shards[shard].get()?[group].lock();
        let found = entries.iter().find(|entry| entry.fingerprint == token.0);
        found.copied().filter(|entry| i64::from(entry.until) > now.seconds())
    }

    /// Notes that everything about a token remembered under key ring `generation` was right in `epoch`. One whose key
    /// goes before it ends is left alone: its end is not what is remembered here.
    pub fn note_good(&self, token: Fingerprint, (generation, epoch): (u32, u32), until: i64) {
        let (shard, group) = token.place();
        let Some(groups) = self.shards[shard].get() else { return };
        let mut entries = groups[group].lock();
        let found = entries.iter_mut().find(|entry| entry.fingerprint == token.0);
        let same = |entry: &&mut Entry| entry.generation == generation && i64::from(entry.until) == until;
        if let Some(entry) = found.filter(same) {
            entry.epoch = epoch;
        }
    }

    /// Remembers that this token's signature is right, until the token ends.
    pub fn insert(&self, token: Fingerprint, generation: u32, until: Timestamp) {
        let (shard, group) = token.place();
        let groups =
            self.shards[shard].get_or_init(|| (0..GROUPS / SHARDS).map(|_| Group::default()).collect());
        let mut entries = groups[group].lock();
        let until = u32::try_from(until.seconds()).unwrap_or(u32::MAX);
        // Its own entry goes first, so that there is one; then those of former key rings, which are worth nothing.
        let worth = |entry: &Entry| if entry.generation == generation { entry.until } else { 0 };
        if let Some(entry) =
            entries.iter_mut().min_by_key(|entry| (entry.fingerprint != token.0, worth(entry)))
        {
            *entry = Entry { fingerprint: token.0, until, generation, epoch: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::testing::Seeded;

    use super::*;

    #[test]
    fn a_token_is_known_until_it_ends_and_only_under_its_keys() {
        let cache = SignatureCache::new(&mut Seeded::new(1));
        let (now, end) = (Timestamp::from_millis(1_000_000_000), Timestamp::from_millis(1_000_060_000));
        let token = cache.fingerprint("a.b.c");
        assert!(!cache.contains(token, 1, now));
        cache.insert(token, 1, end);
        assert!(cache.contains(token, 1, now));
        assert!(!cache.contains(token, 2, now));
        assert!(!cache.contains(token, 1, end));
        assert!(!cache.contains(cache.fingerprint("a.b.d"), 1, now));
    }

    #[test]
    fn a_token_is_good_in_the_epoch_in_which_it_was_found_good() {
        let cache = SignatureCache::new(&mut Seeded::new(1));
        let (now, end) = (Timestamp::from_millis(1_000_000_000), Timestamp::from_millis(1_000_060_000));
        let (token, epoch) = (cache.fingerprint("a.b.c"), Epoch::default());
        cache.insert(token, 1, end);
        assert_eq!(cache.good_until(token, epoch.now(), now), None);
        cache.note_good(token, (1, epoch.now()), end.seconds() + 1);
        assert_eq!(cache.good_until(token, epoch.now(), now), None, "its key goes before it ends");
        cache.note_good(token, (2, epoch.now()), end.seconds());
        assert_eq!(cache.good_until(token, epoch.now(), now), None, "it was checked under another key ring");
        let other = SignatureCache::new(&mut Seeded::new(2));
        assert_ne!(other.fingerprint("a.b.c"), token, "every process has fingerprints of its own");
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
        let cache = SignatureCache::new(&mut Seeded::new(1));
        let (now, end) = (Timestamp::from_millis(1_000_000_000), Timestamp::from_millis(1_000_060_000));
        let tokens: Vec<_> = (0..100_000).map(|number| cache.fingerprint(&number.to_string())).collect();
        for token in &tokens {
            cache.insert(*token, 1, end);
        }
        let known = tokens.iter().filter(|token| cache.contains(**token, 1, now)).count();
        assert!(known > 97_000, "{known} of 100,000 are known");
    }
}
