//! Remembers who may use which service by what they showed there, so that the next request costs a hash instead of
//! reads. It decides nothing: who asks it looks whether what was remembered still holds.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use super::known::Known;
use crate::fingerprint::{Fingerprint, Table};

/// What an entry takes of memory at least, in bytes: to guess how many there will be.
const SMALL_ENTRY: usize = 1536;
/// Places for each entry that there will be.
const PLACES: usize = 3;

/// What was found, by the fingerprint of an app and a credential. It takes no more memory than it may.
pub struct KnownCache {
    table: Table<Entry>,
    /// What entries may take.
    most: u64,
    /// What they take.
    bytes: AtomicU64,
    /// The group that is swept next.
    hand: AtomicUsize,
}

struct Entry {
    known: Arc<Known>,
    /// Whether somebody asked for it since the last sweep.
    is_recent: bool,
}

impl KnownCache {
    /// One of at most so many bytes; nothing is remembered where that is 0. Memory is taken when it is needed.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let table = Table::new(most.saturating_mul(PLACES) / SMALL_ENTRY);
        let most = u64::try_from(most.saturating_sub(table.bytes())).unwrap_or(u64::MAX);
        Self { table, most, bytes: AtomicU64::new(0), hand: AtomicUsize::new(0) }
    }

    /// Looks at what was found for this fingerprint. Others who look near it wait meanwhile.
    pub fn with<T>(&self, print: Fingerprint, look: impl FnOnce(&Arc<Known>) -> T) -> Option<T> {
        self.table.with(print, |entry| {
            entry.is_recent = true;
            look(&entry.known)
        })
    }

    /// Remembers what was found. Where there is no room, who was not asked for lately is forgotten.
    pub fn insert(&self, print: Fingerprint, known: Arc<Known>) {
        let bytes = known.bytes();
        if bytes > self.most {
            return self.forget(print);
        }
        self.bytes.fetch_add(bytes, Relaxed);
        let entry = Entry { known: Arc::clone(&known), is_recent: true };
        self.count_out(self.table.put(print, entry, |entry| entry.is_recent));
        while self.bytes() > self.most {
            let number = self.hand.fetch_add(1, Relaxed) % self.table.groups();
            self.table.retain(number, |entry| {
                let stays = std::mem::take(&mut entry.is_recent) || Arc::ptr_eq(&entry.known, &known);
                if !stays {
                    self.bytes.fetch_sub(entry.known.bytes(), Relaxed);
                }
                stays
            });
        }
    }

    /// Forgets what was found for this fingerprint.
    pub fn forget(&self, print: Fingerprint) {
        self.count_out(self.table.take(print));
    }

    /// How many bytes entries take.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    fn count_out(&self, gone: Option<Entry>) {
        if let Some(gone) = gone {
            self.bytes.fetch_sub(gone.known.bytes(), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use countersign_domain::{
        assurance::{Assurance, Method},
        scope::Scopes,
        subject::Subject,
        testing::Seeded,
        time::Timestamp,
    };
    use proptest::prelude::*;

    use super::*;
    use crate::{
        fingerprint::Fingerprints,
        forward_auth::{
            identity::{Identity, Person},
            known::{Origin, Times},
        },
    };

    /// Somebody whose name is so long, and whose assurance was proven at `number`.
    fn known(number: i64, name: usize) -> Arc<Known> {
        let at = Timestamp::from_millis(number);
        let person = Person { name: Some("n".repeat(name)), ..Person::default() };
        let scopes = Scopes::parse(["read:name"]).unwrap();
        let identity = Identity::new(Subject::from_bytes([7; 24]), scopes, person);
        let origin = Origin { session: None, token: None, holders: Vec::new() };
        let times =
            Times { epoch: 1, generation: 1, key_ring: 1, until: at, ends_at: at, renewal_due_at: None };
        Arc::new(Known::new(identity, Assurance::of(Method::Code, at), origin, times))
    }

    fn prints(count: usize) -> Vec<Fingerprint> {
        let prints = Fingerprints::new(&mut Seeded::new(1));
        (0..count).map(|number| prints.of(&number.to_string())).collect()
    }

    fn number(cache: &KnownCache, print: Fingerprint) -> Option<i64> {
        cache.with(print, |known| known.assurance.proven_at.millis())
    }

    /// What its entries take, counted anew, and how many there are.
    fn counted(cache: &KnownCache) -> (u64, usize) {
        let (mut bytes, mut entries) = (0, 0);
        for number in 0..cache.table.groups() {
            cache.table.retain(number, |entry| {
                (bytes, entries) = (bytes + entry.known.bytes(), entries + 1);
                true
            });
        }
        (bytes, entries)
    }

    proptest! {
        #[test]
        fn it_finds_what_was_put_there_last_and_never_takes_more_than_it_may(
            kibibytes in 0_usize..2_000,
            acts in prop::collection::vec((0_usize..600, 0_usize..4_000, 0_u8..8), 1..900),
        ) {
            let (cache, prints) = (KnownCache::new(kibibytes << 10), prints(600));
            let mut last = HashMap::new();
            for (turn, (which, name, act)) in acts.into_iter().enumerate() {
                let print = prints[which];
                let turn = i64::try_from(turn).unwrap();
                if act == 0 {
                    cache.forget(print);
                    last.remove(&which);
                    prop_assert_eq!(number(&cache, print), None);
                } else if act < 6 {
                    let entry = known(turn, name);
                    let fits = entry.bytes() <= cache.most;
                    cache.insert(print, entry);
                    last.insert(which, turn);
                    prop_assert_eq!(number(&cache, print), fits.then_some(turn));
                } else if let Some(found) = number(&cache, print) {
                    prop_assert_eq!(Some(&found), last.get(&which));
                }
                prop_assert!(cache.bytes() <= cache.most);
            }
            prop_assert_eq!(cache.bytes(), counted(&cache).0);
        }
    }

    #[test]
    fn nearly_all_that_fits_is_found_and_what_is_asked_for_stays() {
        let (cache, prints) = (KnownCache::new(16 << 20), prints(100_000));
        let (few, many) = prints.split_at(5_000);
        for print in few {
            cache.insert(*print, known(1, 8));
        }
        let found = |cache: &KnownCache| few.iter().filter(|print| number(cache, **print).is_some()).count();
        assert!(found(&cache) > 4_990, "{}", found(&cache));
        // Twenty times as many come by once, while those are asked for again and again.
        for some in many.chunks(1_000) {
            for print in some {
                cache.insert(*print, known(2, 8));
            }
            found(&cache);
        }
        assert!(found(&cache) > 4_000, "{}", found(&cache));
        let (bytes, entries) = counted(&cache);
        assert!(bytes == cache.bytes() && entries > 6_000, "{entries}");
    }
}
