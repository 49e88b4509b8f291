//! The signing keys of this moment: which one signs, which are accepted, which are published.

use std::{collections::HashMap, sync::Arc};

use countersign_domain::{
    algorithm::Algorithm,
    app::App,
    realm::RealmName,
    signing_key::{Owner, Stage, StoredKey},
    time::Timestamp,
};
use countersign_store::{Error, Rows};

use crate::{
    keys::{Context, Jwk, SigningKey, TokenSigner, VerifyingKey},
    vault::Keys,
};

/// `typ` of an access token (RFC 9068, 2.1).
pub const ACCESS_TOKEN: &str = "at+jwt";
/// `typ` of a proof that an address is somebody's.
pub const ADDRESS_PROOF: &str = "address-proof+jwt";

/// `typ` of an assertion to a service behind a proxy.
pub const ASSERTION: &str = "assertion+jwt";

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
    /// Signs what services behind proxies are told.
    pub assertion: TokenSigner,
    jwk: Option<Jwk>,
}

/// All keys that are not gone.
#[derive(Default)]
pub struct KeyRing {
    keys: HashMap<String, Arc<RingKey>>,
    /// The same by whose successors are made.
    families: HashMap<Owner, Vec<Arc<RingKey>>>,
    /// Those that read and do not open.
    sealed: Vec<StoredKey>,
    corrupt: Vec<Error>,
    /// Rows of which not even that is known.
    unread: Vec<String>,
    generation: u32,
}

/// Where a signing key's private part lies.
#[must_use]
pub fn place(id: &str) -> Context<'_> {
    Context { table: "signing_key", column: "sealed", id: id.as_bytes() }
}

impl KeyRing {
    /// Opens all stored keys; those of `former` that are the same are taken over as they are. A key that does not read
    /// or open is left out, and is [known](Self::corrupt): a damaged key must not keep a replaced one alive.
    #[must_use]
    pub fn open(stored: Rows<StoredKey>, former: &Self, vault: &Keys) -> Self {
        let generation = former.generation.wrapping_add(1);
        let unread = stored.corrupt.iter().map(ToString::to_string).collect();
        let mut ring = Self { corrupt: stored.corrupt, unread, generation, ..Self::default() };
        for stored in stored.good {
            let known = former.keys.get(&stored.id).filter(|known| known.stored == stored);
            match known.cloned().or_else(|| RingKey::open(&stored, vault).map(Arc::new)) {
                Some(key) => ring.add(key),
                None => {
                    let id = stored.id.clone();
                    ring.corrupt.push(Error::Corrupt { table: "signing_key", column: "sealed", id });
                    ring.sealed.push(stored);
                }
            }
        }
        ring
    }

    fn add(&mut self, key: Arc<RingKey>) {
        self.families.entry(key.stored.owner.heir()).or_default().push(Arc::clone(&key));
        self.keys.insert(key.stored.id.clone(), key);
    }

    /// What is wrong with stored keys that are left out.
    #[must_use]
    pub fn corrupt(&self) -> &[Error] {
        &self.corrupt
    }

    /// Differs between two rings that followed each other: what was verified under one is not assumed under the next.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the ring is made of exactly these keys, and leaves out exactly these.
    #[must_use]
    pub fn is_of(&self, stored: &Rows<StoredKey>) -> bool {
        let is_known = |key: &StoredKey| {
            self.keys.get(&key.id).is_some_and(|known| known.stored == *key) || self.sealed.contains(key)
        };
        self.keys.len() + self.sealed.len() == stored.good.len()
            && stored.good.iter().all(is_known)
            && stored.corrupt.iter().map(ToString::to_string).eq(self.unread.iter().cloned())
    }

    /// The key that signs for an app now.
    #[must_use]
    pub fn current(&self, app: &App, algorithm: Algorithm, now: Timestamp) -> Option<&Arc<RingKey>> {
        let is_current = |key: &&Arc<RingKey>| {
            key.stored.algorithm == algorithm && key.stored.stage(now) == Stage::Current
        };
        let family = self.families.get(&Owner::of(app, algorithm))?;
        family.iter().filter(is_current).max_by_key(|key| key.stored.generation)
    }

    /// A key whose signatures are accepted now, for the apps that its [owner](Owner::speaks_for) speaks for.
    #[must_use]
    pub fn accepted(&self, kid: &str, now: Timestamp) -> Option<&Arc<RingKey>> {
        self.keys.get(kid).filter(|key| matches!(key.stored.stage(now), Stage::Current | Stage::Retiring))
    }

    /// The newest key of an algorithm that an owner has or comes after, whatever its stage.
    #[must_use]
    pub fn newest(&self, owner: &Owner, algorithm: Algorithm) -> Option<&StoredKey> {
        let family = self.families.get(owner)?.iter().map(|key| &key.stored);
        family.filter(|key| key.algorithm == algorithm).max_by_key(|key| key.generation)
    }

    /// All keys of an algorithm that an owner has or comes after; those that do not open too.
    pub fn family<'a>(
        &'a self,
        owner: &'a Owner,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a StoredKey> {
        let family = self.families.get(owner).into_iter().flatten().map(|key| &key.stored);
        let sealed = self.sealed.iter().filter(move |key| key.owner.heir() == *owner);
        family.chain(sealed).filter(move |key| key.algorithm == algorithm)
    }

    /// The generation of one more key of an algorithm: above those that are left out too, of which nobody may know more
    /// than that they are there.
    #[must_use]
    pub fn next_generation(&self, owner: &Owner, algorithm: Algorithm) -> i64 {
        let unread = i64::try_from(self.unread.len()).unwrap_or(i64::MAX);
        let newest = self.family(owner, algorithm).map(|key| key.generation).max();
        newest.unwrap_or(0).saturating_add(1).saturating_add(unread)
    }

    /// The public keys of a realm, next, current and retiring (RFC 7517): all that is accepted for its apps, and nothing
    /// where it has no key of its own.
    #[must_use]
    pub fn published(&self, realm: &RealmName, now: Timestamp) -> Vec<&Jwk> {
        let own = Owner::Realm(realm.clone());
        let is_published = |key: &&Arc<RingKey>| {
            let is_accepted = key.stored.owner == own || key.stored.owner == Owner::Server;
            is_accepted && key.stored.stage(now) != Stage::Gone
        };
        let mut keys: Vec<_> = self.keys.values().filter(is_published).collect();
        if keys.iter().all(|key| key.stored.owner.heir() != own) {
            return Vec::new();
        }
        keys.sort_by(|one, other| one.stored.order().cmp(&other.stored.order()));
        keys.into_iter().filter_map(|key| key.jwk.as_ref()).collect()
    }

    /// All keys that read, for an operator's list; those that do not open too.
    #[must_use]
    pub fn all(&self) -> Vec<&StoredKey> {
        let mut keys: Vec<_> = self.keys.values().map(|key| &key.stored).chain(&self.sealed).collect();
        keys.sort_by(|one, other| one.order().cmp(&other.order()));
        keys
    }
}

impl RingKey {
    /// `None` when it was sealed with another root key or tampered with, or opens and is no key.
    fn open(stored: &StoredKey, vault: &Keys) -> Option<Self> {
        let private = vault.open(&place(&stored.id), &stored.sealed).ok()?;
        let signing = Arc::new(SigningKey::from_private(stored.algorithm, private.expose()).ok()?);
        Some(Self {
            verifying: VerifyingKey::from_signing(&signing).ok()?,
            access: signing.signer(&stored.id, ACCESS_TOKEN),
            proof: signing.signer(&stored.id, ADDRESS_PROOF),
            assertion: signing.signer(&stored.id, ASSERTION),
            jwk: signing.public_jwk(&stored.id),
            stored: stored.clone(),
        })
    }
}
