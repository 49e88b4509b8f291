//! The signing keys of this moment: which one signs, which are accepted, which are published.

use std::{collections::HashMap, sync::Arc};

use countersign_domain::{
    algorithm::Algorithm,
    app::AppName,
    signing_key::{Stage, StoredKey},
    time::Timestamp,
};

use crate::{
    keys::{Context, Jwk, KeyError, SealError, SigningKey, TokenSigner, VerifyingKey},
    vault::Keys,
};

/// `typ` of an access token (RFC 9068, 2.1).
pub const ACCESS_TOKEN: &str = "at+jwt";
/// `typ` of a proof that an address is somebody's.
pub const ADDRESS_PROOF: &str = "address-proof+jwt";

/// A stored signing key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// It was sealed with another root key, or tampered with.
    #[error("a signing key does not open: {0}")]
    Seal(#[from] SealError),
    /// It opens and is no key.
    #[error("a signing key does not read: {0}")]
    Key(#[from] KeyError),
}

/// One key with everything that can be done with it.
pub struct RingKey {
    /// As it is kept, its private part still sealed.
    pub stored: StoredKey,
    /// Checks its signatures.
    pub verifying: VerifyingKey,
    /// Signs access tokens.
    pub access: TokenSigner,
    /// Signs proofs of addresses.
    pub proof: TokenSigner,
    jwk: Option<Jwk>,
}

/// All keys that are not gone.
#[derive(Default)]
pub struct KeyRing {
    keys: HashMap<String, Arc<RingKey>>,
    generation: u32,
}

/// Where a signing key's private part lies.
#[must_use]
pub fn place(id: &str) -> Context<'_> {
    Context { table: "signing_key", column: "sealed", id: id.as_bytes() }
}

impl KeyRing {
    /// Opens all stored keys; those of `former` that are the same are taken over as they are.
    ///
    /// # Errors
    /// [`RingError`] for the first key that does not open or read.
    pub fn open(stored: Vec<StoredKey>, former: &Self, vault: &Keys) -> Result<Self, RingError> {
        let mut keys = HashMap::with_capacity(stored.len());
        for stored in stored {
            let key = match former.keys.get(&stored.id) {
                Some(key) if key.stored == stored => Arc::clone(key),
                _ => Arc::new(RingKey::open(stored, vault)?),
            };
            keys.insert(key.stored.id.clone(), key);
        }
        Ok(Self { keys, generation: former.generation.wrapping_add(1) })
    }

    /// Differs between two rings that followed each other: what was verified under one is not assumed under the next.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the ring is made of exactly these keys.
    #[must_use]
    pub fn is_of(&self, stored: &[StoredKey]) -> bool {
        self.keys.len() == stored.len()
            && stored.iter().all(|key| self.keys.get(&key.id).is_some_and(|known| known.stored == *key))
    }

    /// The key that signs for an app now.
    #[must_use]
    pub fn current(&self, app: &AppName, algorithm: Algorithm, now: Timestamp) -> Option<&Arc<RingKey>> {
        self.keys
            .values()
            .filter(|key| key.signs_for(app, algorithm) && key.stored.stage(now) == Stage::Current)
            .max_by_key(|key| key.stored.generation)
    }

    /// A key whose signatures are accepted now.
    #[must_use]
    pub fn accepted(&self, kid: &str, now: Timestamp) -> Option<&Arc<RingKey>> {
        self.keys.get(kid).filter(|key| matches!(key.stored.stage(now), Stage::Current | Stage::Retiring))
    }

    /// The newest key of an algorithm, for all apps or one, whatever its stage.
    #[must_use]
    pub fn newest(&self, app: Option<&AppName>, algorithm: Algorithm) -> Option<&StoredKey> {
        self.keys
            .values()
            .map(|key| &key.stored)
            .filter(|key| key.app.as_ref() == app && key.algorithm == algorithm)
            .max_by_key(|key| key.generation)
    }

    /// The public keys, next, current and retiring (RFC 7517).
    #[must_use]
    pub fn published(&self, now: Timestamp) -> Vec<&Jwk> {
        let mut keys: Vec<_> =
            self.keys.values().filter(|key| key.stored.stage(now) != Stage::Gone).collect();
        keys.sort_by_key(|key| (key.stored.algorithm, key.stored.generation));
        keys.into_iter().filter_map(|key| key.jwk.as_ref()).collect()
    }

    /// All keys, for an operator's list.
    #[must_use]
    pub fn all(&self) -> Vec<&StoredKey> {
        let mut keys: Vec<_> = self.keys.values().map(|key| &key.stored).collect();
        keys.sort_by_key(|key| (key.algorithm, key.app.clone(), key.generation));
        keys
    }
}

impl RingKey {
    fn open(stored: StoredKey, vault: &Keys) -> Result<Self, RingError> {
        let private = vault.open(&place(&stored.id), &stored.sealed)?;
        let signing = Arc::new(SigningKey::from_private(stored.algorithm, private.expose())?);
        Ok(Self {
            verifying: VerifyingKey::from_signing(&signing)?,
            access: signing.signer(&stored.id, ACCESS_TOKEN),
            proof: signing.signer(&stored.id, ADDRESS_PROOF),
            jwk: signing.public_jwk(&stored.id),
            stored,
        })
    }

    fn signs_for(&self, app: &AppName, algorithm: Algorithm) -> bool {
        self.stored.algorithm == algorithm && self.stored.app.as_ref().is_none_or(|owner| owner == app)
    }
}
