//! Remembers who may use which service by what they showed there, so that the next request costs a hash instead of
//! reads. It decides nothing: who asks it looks whether what was remembered still holds.

use std::{
    hash::{BuildHasher, Hasher},
    sync::{Arc, OnceLock},
};

use quick_cache::{OptionsBuilder, Weighter, sync::Cache};

use super::known::Known;
use crate::signature_cache::Fingerprint;

/// Parts of the cache with a lock each.
const SHARDS: usize = 64;
/// What an entry takes of memory at least, in bytes: to guess how many there will be.
const SMALL_ENTRY: usize = 1024;
/// What the cache itself needs for an entry, in bytes.
const BESIDE: u64 = 96;

/// What was found, by the fingerprint of an app and a credential. It never takes more memory than it may.
pub struct KnownCache {
    most: usize,
    cache: OnceLock<Cache<u128, Arc<Known>, Bytes, Even>>,
}

impl KnownCache {
    /// One of at most so many bytes; nothing is remembered where that is 0. Memory is taken when it is needed.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most, cache: OnceLock::new() }
    }

    /// What was found for this fingerprint.
    #[must_use]
    pub fn get(&self, print: Fingerprint) -> Option<Arc<Known>> {
        self.cache.get()?.get(&key(print))
    }

    /// Remembers what was found.
    pub fn insert(&self, print: Fingerprint, known: Arc<Known>) {
        if self.most == 0 {
            return;
        }
        let cache = self.cache.get_or_init(|| {
            let options = OptionsBuilder::new()
                .shards(SHARDS)
                .estimated_items_capacity((self.most / SMALL_ENTRY).max(1))
                .weight_capacity(u64::try_from(self.most).unwrap_or(u64::MAX))
                .build();
            match options {
                Ok(options) => Cache::with_options(options, Bytes, Even, Default::default()),
                Err(_) => Cache::with(1, 1, Bytes, Even, Default::default()),
            }
        });
        cache.insert(key(print), known);
    }

    /// Forgets what was found for this fingerprint.
    pub fn forget(&self, print: Fingerprint) {
        if let Some(cache) = self.cache.get() {
            cache.remove(&key(print));
        }
    }

    /// How many bytes are taken.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.cache.get().map_or(0, Cache::weight)
    }

    /// How many entries there are.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.cache.get().map_or(0, Cache::len)
    }
}

fn key(print: Fingerprint) -> u128 {
    u128::from_be_bytes(*print.bytes())
}

/// Weighs entries in bytes.
#[derive(Clone)]
struct Bytes;

impl Weighter<u128, Arc<Known>> for Bytes {
    fn weight(&self, _: &u128, known: &Arc<Known>) -> u64 {
        BESIDE + known.bytes()
    }
}

/// Fingerprints are evenly spread: any part of one is a hash of it.
#[derive(Clone, Default)]
struct Even;

/// What [`Even`] makes.
struct Half(u64);

impl BuildHasher for Even {
    type Hasher = Half;

    fn build_hasher(&self) -> Half {
        Half(0)
    }
}

impl Hasher for Half {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, number: u128) {
        let [.., a, b, c, d, e, f, g, h] = number.to_be_bytes();
        self.0 = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    }
}
