//! The root secret, the keys that descend from it, and the master key that wraps it.
//!
//! Digests and subjects are made with keys that are derived from the root secret with HKDF-SHA-256 (RFC 5869), one per
//! purpose, so that no key is used for two things and none needs storing. The root never changes: losing it loses every
//! subject. What an operator keeps is the master key, which can be replaced: until it is for the first time, it is the
//! root itself. Where it comes from (file, environment, command) is not known here.

use aws_lc_rs::hkdf;
use countersign_domain::random::Random;
use countersign_domain::secret::{Digest, Secret};
use zeroize::Zeroizing;

use super::KeyError;
use super::checkpoint::CheckpointKey;
use super::digest::DigestKey;
use super::seal::{Context, SealError, SealingKey};

/// Why a text is not a root key. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootKeyError {
    /// Neither 64 hexadecimal digits nor base64 of 32 bytes.
    #[error("a root key is 32 bytes: 64 hexadecimal digits, or 43 or 44 characters of base64")]
    Form,
    /// The same byte 32 times: a placeholder, not a key.
    #[error("this root key is a placeholder (one byte repeated); generate a random one")]
    Placeholder,
}

/// 32 secret bytes: the root secret, a master key, or a recovery key.
#[derive(Clone, Debug)]
pub struct RootKey(Secret<[u8; 32]>);

impl RootKey {
    /// A new root key.
    pub fn generate(random: &mut dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice());
        Self(Secret::new(*bytes))
    }

    /// Reads a root key from text: 64 hexadecimal digits, or 32 bytes in base64 or base64url, padded or not.
    /// Space around it (the end of a line in a file) is ignored.
    ///
    /// # Errors
    /// [`RootKeyError`] when the text is anything else, or plainly not random.
    pub fn parse(text: &str) -> Result<Self, RootKeyError> {
        let text = text.trim().as_bytes();
        let decoded = Zeroizing::new(decode(text).ok_or(RootKeyError::Form)?);
        let bytes: Zeroizing<[u8; 32]> =
            Zeroizing::new(decoded.as_slice().try_into().map_err(|_| RootKeyError::Form)?);
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(RootKeyError::Placeholder);
        }
        Ok(Self(Secret::new(*bytes)))
    }

    /// A key from its bytes, as they were wrapped.
    #[must_use]
    pub const fn from_secret(bytes: Secret<[u8; 32]>) -> Self {
        Self(bytes)
    }

    /// The bytes, to be wrapped by a master key.
    #[must_use]
    pub const fn bytes(&self) -> &Secret<[u8; 32]> {
        &self.0
    }

    /// The key as text for a file: 64 hexadecimal digits, without a line end.
    #[must_use]
    pub fn to_text(&self) -> Secret<String> {
        Secret::new(data_encoding::HEXLOWER.encode(self.0.expose()))
    }
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
    if text.len() == 64 {
        return HEXLOWER_PERMISSIVE.decode(text).ok();
    }
    let unpadded = text.strip_suffix(b"=").unwrap_or(text);
    BASE64URL_NOPAD.decode(unpadded).or_else(|_| BASE64_NOPAD.decode(unpadded)).ok()
}

/// The keys below the root, each for one purpose and only that.
pub struct Hierarchy {
    /// Digests of addresses and other identifiers: how a row is found by address.
    pub addresses: DigestKey,
    /// Subjects: the stable, pairwise names that apps know people by.
    pub subjects: DigestKey,
    /// Digests of API keys.
    pub api_keys: DigestKey,
    /// Digests of mailed codes.
    pub codes: DigestKey,
    /// Digests of link tokens.
    pub links: DigestKey,
    /// Digests of what binds a challenge to the browser that asked for it.
    pub bindings: DigestKey,
    /// Digests of the secrets of sessions' cookies.
    pub sessions: DigestKey,
    /// Proofs of refresh tokens.
    pub refresh: DigestKey,
    /// Digests of idempotency keys and of the requests they stand for.
    pub idempotency: DigestKey,
    /// Pseudonyms in the log of events.
    pub events: DigestKey,
    /// Digests of the ids of passkeys and security keys, and the user handles that authenticators keep.
    pub credentials: DigestKey,
    /// Who may reach what: how grants and their holders are found.
    pub grants: DigestKey,
    root: hkdf::Prk,
}

impl Hierarchy {
    /// Derives the hierarchy. The same root gives the same keys, for ever.
    #[must_use]
    pub fn new(root: &RootKey) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"countersign/v1").extract(root.0.expose());
        let digest_key = |purpose: &str| DigestKey::new(&derive(&root, &[purpose.as_bytes()]));
        Self {
            addresses: digest_key("addresses"),
            subjects: digest_key("subjects"),
            api_keys: digest_key("api-keys"),
            codes: digest_key("codes"),
            links: digest_key("links"),
            bindings: digest_key("bindings"),
            sessions: digest_key("sessions"),
            refresh: digest_key("refresh"),
            idempotency: digest_key("idempotency"),
            events: digest_key("events"),
            credentials: digest_key("credentials"),
            grants: digest_key("grants"),
            root,
        }
    }

    /// The sealing key number 1, which is there before any other is made: what was sealed with it opens as long as the
    /// root is known.
    #[must_use]
    pub fn first_sealing_key(&self) -> SealingKey {
        let number: u32 = 1;
        SealingKey::new(number, Secret::new(*derive(&self.root, &[b"sealing/", &number.to_be_bytes()])))
    }

    /// How an erased user is named on the list that outlives a restore.
    #[must_use]
    pub fn erased(&self) -> DigestKey {
        DigestKey::new(&derive(&self.root, &[b"erased"]))
    }

    /// The pepper of passwords of this number, from 1.
    #[must_use]
    pub fn pepper_key(&self, number: u32) -> DigestKey {
        DigestKey::new(&derive(&self.root, &[b"pepper/", &number.to_be_bytes()]))
    }

    /// The key that signs checkpoints of the log of events.
    ///
    /// # Errors
    /// [`KeyError::Failed`] when memory fails.
    pub fn checkpoint_key(&self) -> Result<CheckpointKey, KeyError> {
        CheckpointKey::from_seed(&derive(&self.root, &[b"checkpoints"]))
    }

    /// A value to keep in the database: a server whose root key gives another one must not start on it.
    /// It reveals nothing about the root or any other key.
    #[must_use]
    pub fn check(&self) -> Digest {
        Digest::new(*derive(&self.root, &[b"check"]))
    }
}

/// What a master key does: it wraps the root secret, sealing keys, and the keys of backups.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    wrapping: SealingKey,
}

impl MasterKey {
    /// The master key of these bytes.
    #[must_use]
    pub fn new(key: &RootKey) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"countersign/v1").extract(key.0.expose());
        let id = derive(&root, &[b"master/id"]);
        Self {
            id: data_encoding::HEXLOWER.encode(&id[..8]),
            wrapping: SealingKey::new(0, Secret::new(*derive(&root, &[b"master/wrapping"]))),
        }
    }

    /// What it is called: 16 hexadecimal digits, which tell nothing about it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Wraps another key for its place.
    ///
    /// # Errors
    /// [`SealError::Failed`] when memory fails.
    pub fn wrap(
        &self,
        random: &mut dyn Random,
        place: &Context<'_>,
        key: &Secret<[u8; 32]>,
    ) -> Result<Vec<u8>, SealError> {
        self.wrapping.seal(random, place, key.expose())
    }

    /// Unwraps a key that was wrapped for this place.
    ///
    /// # Errors
    /// [`SealError`] when another master key wrapped it, or it was changed.
    pub fn unwrap(&self, place: &Context<'_>, wrapped: &[u8]) -> Result<Secret<[u8; 32]>, SealError> {
        let opened = self.wrapping.open(place, wrapped)?;
        opened.expose().as_slice().try_into().map(Secret::new).map_err(|_| SealError::Malformed)
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl std::fmt::Debug for Hierarchy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hierarchy(…)")
    }
}

/// HKDF-Expand with the info `countersign/v1/<purpose>`.
#[expect(
    clippy::expect_used,
    reason = "HKDF-SHA-256 refuses only outputs longer than 8160 bytes; this one has 32"
)]
fn derive(root: &hkdf::Prk, purpose: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut info: Vec<&[u8]> = vec![b"countersign/v1/"];
    info.extend(purpose);
    let mut out = Zeroizing::new([0; 32]);
    root.expand(&info, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .expect("32 bytes are within HKDF's bound");
    out
}

#[cfg(test)]
mod tests {
    use super::{Hierarchy, RootKey, RootKeyError};
    use crate::keys::testing::Counting;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn hierarchy(seed: u8) -> Hierarchy {
        Hierarchy::new(&RootKey::generate(&mut Counting(seed)))
    }

    #[test]
    fn every_written_form_is_the_same_key() {
        for text in [
            HEX,
            &HEX.to_uppercase(),
            &format!(" {HEX}\r\n"),
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        ] {
            let key = RootKey::parse(text).expect(text);
            assert_eq!(key.to_text().expose(), HEX, "{text:?}");
        }
    }

    #[test]
    fn both_alphabets_of_base64_are_read() {
        let bytes = [0xfb_u8; 31].iter().chain(&[1]).copied().collect::<Vec<_>>();
        for encoding in [data_encoding::BASE64, data_encoding::BASE64URL] {
            let key = RootKey::parse(&encoding.encode(&bytes)).expect("32 bytes");
            assert_eq!(key.to_text().expose(), &data_encoding::HEXLOWER.encode(&bytes));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let short = &HEX[..62];
        let long = format!("{HEX}00");
        let zeros = "0".repeat(64);
        let cases: [(&str, RootKeyError); 9] = [
            ("", RootKeyError::Form),
            ("secret", RootKeyError::Form),
            (short, RootKeyError::Form),
            (&long, RootKeyError::Form),
            ("g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", RootKeyError::Form),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", RootKeyError::Form),
            ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8==", RootKeyError::Form),
            (&zeros, RootKeyError::Placeholder),
            ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", RootKeyError::Placeholder),
        ];
        for (text, expected) in cases {
            assert_eq!(RootKey::parse(text).map(|_| ()), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn no_key_serves_two_purposes() {
        let keys = hierarchy(0);
        let mut seen = std::collections::HashSet::new();
        for key in [
            &keys.addresses,
            &keys.subjects,
            &keys.api_keys,
            &keys.codes,
            &keys.links,
            &keys.bindings,
            &keys.sessions,
            &keys.refresh,
            &keys.idempotency,
            &keys.events,
        ] {
            assert!(seen.insert(*key.digest(&[b"x"]).bytes()));
        }
    }

    #[test]
    fn another_root_fails_the_check() {
        assert_eq!(hierarchy(0).check(), hierarchy(0).check());
        assert_ne!(hierarchy(0).check(), hierarchy(1).check());
    }

    /// What is derived never changes: computed once with an independent HKDF (RFC 5869, written out in Python).
    #[test]
    fn the_derivation_never_changes() {
        let check = hierarchy(0).check();
        assert_eq!(
            data_encoding::HEXLOWER.encode(check.bytes()),
            "1577f14378c3cbaaa59211f756029ccc9cb9d02a9ec7ebc6d8781a3ddb8d11c7"
        );
    }

    #[test]
    fn p33_a_key_is_unwrapped_by_its_master_key_in_its_place_only() {
        use super::{Context, MasterKey};
        let (one, other) = (RootKey::generate(&mut Counting(0)), RootKey::generate(&mut Counting(1)));
        let place = Context { table: "sealing_key", column: "wrapped", id: b"2" };
        let wrapped = MasterKey::new(&one).wrap(&mut Counting(9), &place, other.bytes()).expect("wrapped");
        let unwrapped = MasterKey::new(&one).unwrap(&place, &wrapped).expect("unwrapped");
        assert_eq!(unwrapped.expose(), other.bytes().expose());
        assert!(MasterKey::new(&other).unwrap(&place, &wrapped).is_err());
        assert!(MasterKey::new(&one).unwrap(&Context { id: b"3", ..place }, &wrapped).is_err());
        assert_ne!(MasterKey::new(&one).id(), MasterKey::new(&other).id());
    }

    #[test]
    fn nothing_prints_a_key() {
        assert_eq!(format!("{:?}", RootKey::generate(&mut Counting(0))), "RootKey(Secret(…))");
        assert_eq!(format!("{:?}", hierarchy(0)), "Hierarchy(…)");
    }
}
