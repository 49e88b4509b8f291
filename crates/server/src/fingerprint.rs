//! What was shown, as the caches know it, and the table that they have in common: fixed places for what was found.

use std::sync::OnceLock;

use countersign_domain::random::Random;
use parking_lot::Mutex;
use zeroize::{Zeroize as _, Zeroizing};

/// Parts of a table: its memory is taken one by one, when they are first needed.
const SHARDS: usize = 256;
/// Places of a group. With eight, one in 120 finds its group full where a table has two places for each entry, and one in
/// 1,100 where it has three; with four places, one in 27 and one in 90.
const WAYS: usize = 8;

/// Half of the SHA-256 of a secret of this process and what was shown. Without the secret, whoever may make good tokens
/// could look for one of theirs that shares its half with a forged one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Another part of it, which tells most of those in a group apart.
    fn tag(self) -> u16 {
        let [.., a, b] = self.0;
        u16::from_be_bytes([a, b])
    }

    /// Any part of a fingerprint is a hash of it.
    fn place(self, groups: usize) -> (usize, usize) {
        let [first, a, b, c, d, ..] = self.0;
        let group = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or_default();
        (usize::from(first) % SHARDS, group % groups)
    }
}

/// Takes fingerprints.
pub struct Fingerprints(Zeroizing<[u8; 32]>);

impl Fingerprints {
    /// Those of one process.
    #[must_use]
    pub fn new(random: &mut dyn Random) -> Self {
        let mut secret = Zeroizing::new([0; 32]);
        random.fill(&mut *secret);
        Self(secret)
    }

    /// The fingerprint of a text.
    #[must_use]
    pub fn of(&self, text: &str) -> Fingerprint {
        self.of_parts(&[text.as_bytes()])
    }

    /// The fingerprint of several parts, one after the other: that they cannot be mistaken for other parts is the
    /// caller's to see to.
    #[must_use]
    pub fn of_parts(&self, parts: &[&[u8]]) -> Fingerprint {
        let length = self.0.len() + parts.iter().map(|part| part.len()).sum::<usize>();
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
        for part in std::iter::once(&self.0[..]).chain(parts.iter().copied()) {
            let (place, after) = rest.split_at_mut(part.len());
            place.copy_from_slice(part);
            rest = after;
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, salted);
        salted[..self.0.len()].zeroize();
        let mut half = [0; 16];
        half.copy_from_slice(&digest.as_ref()[..16]);
        Fingerprint(half)
    }
}

/// Places for entries, by fingerprint. It never grows: in a full group the entry that is worth least makes room. With
/// many entries a look waits for memory and for little else, so the tags of a group lie side by side.
pub struct Table<E> {
    shards: Box<[OnceLock<Groups<E>>]>,
    groups: usize,
}

type Groups<E> = Box<[Mutex<Group<E>>]>;

struct Group<E> {
    tags: [u16; WAYS],
    places: [Option<(Fingerprint, E)>; WAYS],
}

impl<E> Default for Group<E> {
    fn default() -> Self {
        Self { tags: [0; WAYS], places: [const { None }; WAYS] }
    }
}

impl<E> Group<E> {
    fn way_of(&self, print: Fingerprint) -> Option<usize> {
        let tag = print.tag();
        (0..WAYS).find(|way| self.tags[*way] == tag && self.is_at(*way, print))
    }

    fn is_at(&self, way: usize, print: Fingerprint) -> bool {
        self.places[way].as_ref().is_some_and(|(known, _)| *known == print)
    }
}

impl<E> Table<E> {
    /// What a place takes of memory, in bytes.
    pub const PLACE_BYTES: usize = size_of::<Mutex<Group<E>>>() / WAYS;

    /// One with at least so many places; with none it keeps nothing.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let groups = places.div_ceil(SHARDS * WAYS);
        Self { shards: (0..SHARDS).map(|_| OnceLock::new()).collect(), groups }
    }

    /// How many groups it has.
    #[must_use]
    pub const fn groups(&self) -> usize {
        self.groups * SHARDS
    }

    /// How many bytes all its places take.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.groups() * WAYS * Self::PLACE_BYTES
    }

    /// Looks at an entry where it is. Who looks near it waits meanwhile.
    pub fn with<T>(&self, print: Fingerprint, look: impl FnOnce(&mut E) -> T) -> Option<T> {
        let mut group = self.known_group(print)?.lock();
        let way = group.way_of(print)?;
        group.places[way].as_mut().map(|(_, entry)| look(entry))
    }

    /// Puts an entry to its place, in place of its own predecessor if there is one, or of what is worth least where no
    /// place is free. What had to go is handed back.
    pub fn put<W: Ord>(&self, print: Fingerprint, entry: E, worth: impl Fn(&E) -> W) -> Option<E> {
        if self.groups == 0 {
            return Some(entry);
        }
        let (shard, group) = print.place(self.groups);
        let shard = self.shards[shard].get_or_init(|| (0..self.groups).map(|_| Mutex::default()).collect());
        let mut group = shard[group].lock();
        // A free place is worth less than any entry.
        let worth = |way: &usize| group.places[*way].as_ref().map(|(_, entry)| worth(entry));
        let least = || (0..WAYS).min_by_key(worth);
        let way = group.way_of(print).or_else(least).unwrap_or_default();
        group.tags[way] = print.tag();
        group.places[way].replace((print, entry)).map(|(_, entry)| entry)
    }

    /// Takes an entry away.
    pub fn take(&self, print: Fingerprint) -> Option<E> {
        let mut group = self.known_group(print)?.lock();
        let way = group.way_of(print)?;
        group.places[way].take().map(|(_, entry)| entry)
    }

    /// Takes away what is not to be kept of the group of this number.
    pub fn retain(&self, number: usize, mut keep: impl FnMut(&mut E) -> bool) {
        let Some(shard) = self.shards.get(number % SHARDS).and_then(OnceLock::get) else { return };
        let mut group = shard[number / SHARDS % self.groups].lock();
        for place in &mut group.places {
            place.take_if(|(_, entry)| !keep(entry));
        }
    }

    fn known_group(&self, print: Fingerprint) -> Option<&Mutex<Group<E>>> {
        if self.groups == 0 {
            return None;
        }
        let (shard, group) = print.place(self.groups);
        self.shards[shard].get()?.get(group)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use countersign_domain::testing::Seeded;
    use proptest::prelude::*;

    use super::*;

    fn prints(count: usize) -> Vec<Fingerprint> {
        let prints = Fingerprints::new(&mut Seeded::new(1));
        (0..count).map(|number| prints.of(&number.to_string())).collect()
    }

    #[test]
    fn every_process_has_fingerprints_of_its_own_and_parts_are_one_text() {
        let (one, other) = (Fingerprints::new(&mut Seeded::new(1)), Fingerprints::new(&mut Seeded::new(2)));
        assert_ne!(one.of("a"), other.of("a"));
        assert_eq!(one.of("abc"), one.of_parts(&[b"a", b"", b"bc"]));
        let long = "x".repeat(5_000);
        assert_eq!(one.of(&long), one.of_parts(&[&long.as_bytes()[..1], &long.as_bytes()[1..]]));
        assert_ne!(one.of(&long), one.of(&long[1..]));
    }

    proptest! {
        #[test]
        fn it_finds_what_was_put_there_last_or_nothing(
            acts in prop::collection::vec((0_usize..9_000, 0_u8..6), 1..4_000),
        ) {
            let (table, prints) = (Table::new(1), prints(9_000));
            let mut last = HashMap::new();
            for (turn, (which, act)) in acts.into_iter().enumerate() {
                let print = prints[which];
                match act {
                    0 => prop_assert!(table.take(print).is_none_or(|taken| last.remove(&which) == Some(taken))),
                    1 => table.retain(which % table.groups(), |_| false),
                    2 => if let Some(found) = table.with(print, |found| *found) {
                        prop_assert_eq!(Some(&found), last.get(&which));
                    },
                    _ => {
                        table.put(print, turn, |turn| *turn);
                        last.insert(which, turn);
                        prop_assert_eq!(table.with(print, |found| *found), Some(turn));
                    }
                }
            }
        }
    }

    #[test]
    fn nearly_all_that_fits_is_found_and_in_a_full_group_the_least_goes() {
        let (table, prints) = (Table::new(200_000), prints(100_000));
        for (number, print) in prints.iter().enumerate() {
            table.put(*print, number, |number| *number);
        }
        let found = prints.iter().filter(|print| table.with(**print, |_| ()).is_some()).count();
        assert!(found > 99_000, "{found}");
        let small = Table::new(1);
        for (number, print) in prints.iter().enumerate() {
            let gone = small.put(*print, number, |number| *number);
            assert!(gone.is_none_or(|gone| gone < number), "what is put there stays");
        }
        let newest = prints.iter().rev().take(1_000).filter(|print| small.with(**print, |_| ()).is_some());
        assert!(newest.count() > 990);
        let none = Table::new(0);
        assert_eq!(
            (none.put(prints[0], 1, |_| 0), none.with(prints[0], |_| ()), none.take(prints[0])),
            (Some(1), None, None)
        );
        none.retain(0, |_| false);
    }
}
