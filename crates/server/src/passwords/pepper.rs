//! The pepper: a key that is not in the database goes into every hash, so that a stolen table alone cannot be guessed
//! at. Each hash names the number of its key. It knows no hash.

use countersign_domain::{password::Password, secret::Digest};

use crate::keys::{DigestKey, Hierarchy};

/// The keys that hashes are made and checked under.
#[derive(Debug)]
pub struct Peppers {
    current: u32,
    /// The key of number 1 first.
    keys: Vec<DigestKey>,
}

impl Peppers {
    /// The keys up to the number that new hashes are made with, 1 at least. Going on to the next number is rotation:
    /// hashes under earlier ones still verify, and are made anew at the next sign-in.
    #[must_use]
    pub fn new(hierarchy: &Hierarchy, current: u32) -> Self {
        let current = current.max(1);
        Self { current, keys: (1..=current).map(|number| hierarchy.pepper_key(number)).collect() }
    }

    /// The number that new hashes are made with.
    #[must_use]
    pub const fn current(&self) -> u32 {
        self.current
    }

    /// What is hashed in place of a password; nothing when there is no such key.
    pub(super) fn apply(&self, number: u32, password: &Password) -> Option<Digest> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some(self.keys.get(index)?.digest(&[password.expose().as_bytes()]))
    }
}
