//! The sealing keys that are known now: which one seals for whom, and which open what earlier ones sealed.
//!
//! A set is replaced whole; it knows neither where keys are kept nor what they are wrapped with.

use std::{collections::HashMap, sync::Arc};

use super::seal::{Context, SealError, SealingKey, number_of};
use countersign_domain::{realm::RealmName, secret::Secret};

/// All sealing keys of one moment, by number, and the one that seals now for each realm and for the server itself.
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: HashMap<u32, Arc<SealingKey>>,
    server: Arc<SealingKey>,
    realms: HashMap<RealmName, Arc<SealingKey>>,
}

impl KeySet {
    /// A set of one key, which seals for everybody.
    #[must_use]
    pub fn new(first: SealingKey) -> Self {
        let server = Arc::new(first);
        Self { keys: HashMap::from([(server.number(), Arc::clone(&server))]), server, realms: HashMap::new() }
    }

    /// Adds a key that opens what it sealed.
    pub fn add(&mut self, key: Arc<SealingKey>) {
        self.keys.insert(key.number(), key);
    }

    /// Makes a key that is here the one that seals: for a realm, or for the server itself. One that is not here changes
    /// nothing.
    pub fn appoint(&mut self, realm: Option<RealmName>, number: u32) {
        let Some(key) = self.keys.get(&number) else { return };
        match realm {
            Some(realm) => drop(self.realms.insert(realm, Arc::clone(key))),
            None => self.server = Arc::clone(key),
        }
    }

    /// The key that seals now: a realm's own, or the server's where the realm has none yet.
    #[must_use]
    pub fn current(&self, realm: Option<&str>) -> &Arc<SealingKey> {
        realm.and_then(|realm| self.realms.get(realm)).unwrap_or(&self.server)
    }

    /// A key by its number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Arc<SealingKey>> {
        self.keys.get(&number)
    }

    /// The numbers of those that seal now, in rising order.
    #[must_use]
    pub fn sealing(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> =
            self.realms.values().chain([&self.server]).map(|key| key.number()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// The numbers of all of them, in rising order.
    #[must_use]
    pub fn numbers(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.keys.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// Opens a sealed value in its place.
    ///
    /// # Errors
    /// [`SealError`]: nothing of the value is given out unless all of it is authentic.
    pub fn open(&self, context: &Context<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        let number = number_of(sealed)?;
        self.keys.get(&number).ok_or(SealError::UnknownKey(number))?.open(context, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::testing::Counting;

    const PLACE: Context<'static> = Context { table: "message", column: "sealed", id: b"17" };

    fn key(number: u8) -> SealingKey {
        SealingKey::new(number.into(), Secret::new([number; 32]))
    }

    #[test]
    fn p33_an_earlier_key_still_opens_and_never_seals() {
        let old = key(1).seal(&mut Counting(0), &PLACE, b"old").expect("sealed");
        let mut rotated = KeySet::new(key(1));
        rotated.add(Arc::new(key(2)));
        assert_eq!(rotated.sealing(), [1], "a key that is known does not seal until it is appointed");
        rotated.appoint(None, 2);
        assert_eq!(rotated.open(&PLACE, &old).expect("opened").expose(), b"old");
        let new = rotated.current(None).seal(&mut Counting(0), &PLACE, b"new").expect("sealed");
        assert_eq!(KeySet::new(key(1)).open(&PLACE, &new).map(|_| ()), Err(SealError::UnknownKey(2)));
        assert_eq!(KeySet::new(key(2)).open(&PLACE, &old).map(|_| ()), Err(SealError::UnknownKey(1)));
    }

    #[test]
    fn a_realm_seals_with_its_own_key_once_it_has_one() {
        let realm: RealmName = "staff".parse().expect("a name");
        let mut set = KeySet::new(key(1));
        assert_eq!(set.current(Some("staff")).number(), 1);
        set.appoint(Some(realm.clone()), 3);
        assert_eq!(set.current(Some("staff")).number(), 1, "a key that is not here");
        set.add(Arc::new(key(3)));
        set.appoint(Some(realm), 3);
        let numbers = [Some("staff"), Some("default"), None].map(|realm| set.current(realm).number());
        assert_eq!(numbers, [3, 1, 1]);
        assert_eq!((set.sealing(), set.numbers()), (vec![1, 3], vec![1, 3]));
    }
}
