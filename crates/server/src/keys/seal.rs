//! Sealing: values that must be read again but not by somebody who has only the database.
//!
//! The cipher is XAES-256-GCM (C2SP): each message has a random nonce of 192 bits, whose first half makes a key for
//! this message alone (CMAC-AES-256, after NIST SP 800-108r1) and whose second half is the nonce of AES-256-GCM
//! under that key. With plain AES-256-GCM a random nonce may be drawn only 2^32 times for each key before a repetition becomes
//! a danger (NIST SP 800-38D, 8.3); here a repetition has a chance of 2^-32 after 2^80 messages, so nobody has to
//! count. This module knows nothing of what it seals except the place it belongs to.
//!
//! A sealed value is: version (1 byte, 1) · number of the key (4 bytes, big-endian) · nonce (24) · ciphertext ·
//! tag (16). Version, number and place are authenticated, so a value copied to another row does not open.

use aws_lc_rs::{aead, cmac};
use countersign_domain::random::Random;
use countersign_domain::secret::Secret;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const HEAD: usize = 1 + 4;
const NONCE: usize = 24;
const TAG: usize = 16;

/// The place a sealed value belongs to. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Table it is kept in.
    pub table: &'static str,
    /// Column it is kept in.
    pub column: &'static str,
    /// Key of its row.
    pub id: &'a [u8],
}

/// Why a sealed value did not open, or could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// Too short, or of a version this program does not know.
    #[error("not a sealed value")]
    Malformed,
    /// Sealed with a key that this server was not given.
    #[error("sealed with key {0}, which is not here")]
    UnknownKey(u32),
    /// Changed since it was sealed, taken from another place, or sealed under another root key.
    #[error("the sealed value is not authentic in this place")]
    Refused,
    /// The cryptographic library failed, which it does only without memory.
    #[error("the cryptographic library failed")]
    Failed,
}

impl From<aws_lc_rs::error::Unspecified> for SealError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Failed
    }
}

/// One key of 256 bits for sealing, with the number it is known by.
#[derive(Clone)]
pub struct SealingKey {
    number: u32,
    key: Secret<[u8; 32]>,
}

impl SealingKey {
    /// A key and its number.
    #[must_use]
    pub fn new(number: u32, key: Secret<[u8; 32]>) -> Self {
        Self { number, key }
    }

    /// The number it is known by.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The bytes, to be wrapped by another key.
    #[must_use]
    pub const fn bytes(&self) -> &Secret<[u8; 32]> {
        &self.key
    }

    /// Seals `plain` for its place: 45 bytes longer than it was.
    ///
    /// # Errors
    /// [`SealError::Failed`] when the library does (no memory, more than 64 GiB).
    pub fn seal(
        &self,
        random: &mut dyn Random,
        context: &Context<'_>,
        plain: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(HEAD + NONCE + plain.len() + TAG);
        sealed.push(VERSION);
        sealed.extend(self.number.to_be_bytes());
        let place = associated(&sealed, context);
        sealed.extend(nonce);
        sealed.extend(plain);
        let key = self.message_key(&nonce)?;
        let (_, text) = sealed.split_at_mut(HEAD + NONCE);
        let tag = key.seal_in_place_separate_tag(inner_nonce(&nonce), aead::Aad::from(&place), text)?;
        sealed.extend(tag.as_ref());
        Ok(sealed)
    }

    /// Opens what this key sealed, in its place.
    ///
    /// # Errors
    /// [`SealError`]: nothing of the value is given out unless all of it is authentic.
    pub fn open(&self, context: &Context<'_>, sealed: &[u8]) -> Result<Secret<Vec<u8>>, SealError> {
        let number = number_of(sealed)?;
        if number != self.number {
            return Err(SealError::UnknownKey(number));
        }
        let (head, rest) = sealed.split_first_chunk::<HEAD>().ok_or(SealError::Malformed)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(SealError::Malformed)?;
        if text.len() < TAG {
            return Err(SealError::Malformed);
        }
        let key = self.message_key(nonce)?;
        let mut plain = Zeroizing::new(text.to_vec());
        let place = associated(head, context);
        let length = key
            .open_in_place(inner_nonce(nonce), aead::Aad::from(&place), &mut plain)
            .map_err(|_| SealError::Refused)?
            .len();
        plain.truncate(length);
        Ok(Secret::new(std::mem::take(&mut *plain)))
    }

    /// The AES-256-GCM key of one message, from the first half of its nonce.
    fn message_key(&self, nonce: &[u8; NONCE]) -> Result<aead::LessSafeKey, SealError> {
        let cmac = cmac::Key::new(cmac::AES_256, self.key.expose())?;
        let mut derived = Zeroizing::new([0; 32]);
        for (counter, half) in (1..).zip(derived.chunks_exact_mut(16)) {
            let mut block = [0, counter, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            block[4..].copy_from_slice(&nonce[..12]);
            half.copy_from_slice(cmac::sign(&cmac, &block)?.as_ref());
        }
        Ok(aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, derived.as_slice())?))
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealingKey({}, …)", self.number)
    }
}

/// The number of the key that a value was sealed with, without opening it.
///
/// # Errors
/// [`SealError::Malformed`] when it is no sealed value.
pub fn number_of(sealed: &[u8]) -> Result<u32, SealError> {
    match sealed.first_chunk::<HEAD>() {
        Some([VERSION, number @ ..]) => Ok(u32::from_be_bytes(*number)),
        _ => Err(SealError::Malformed),
    }
}

/// The nonce of AES-256-GCM: the second half of ours.
fn inner_nonce(nonce: &[u8; NONCE]) -> aead::Nonce {
    let mut inner = [0; 12];
    inner.copy_from_slice(&nonce[12..]);
    aead::Nonce::assume_unique_for_key(inner)
}

/// What is authenticated beside the text: the head and the place, each part preceded by its length.
fn associated(head: &[u8], context: &Context<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(96);
    for part in [head, context.table.as_bytes(), context.column.as_bytes(), context.id] {
        out.extend((part.len() as u64).to_be_bytes());
        out.extend(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use countersign_domain::secret::Secret;

    use super::{Context, NONCE, SealError, SealingKey, aead, inner_nonce, number_of};
    use crate::keys::testing::Counting;

    const PLACE: Context<'static> = Context { table: "message", column: "content", id: b"17" };

    fn key(number: u32) -> SealingKey {
        SealingKey::new(number, Secret::new([u8::try_from(number).unwrap(); 32]))
    }

    fn sealed(by: u32, plain: &[u8]) -> Vec<u8> {
        key(by).seal(&mut Counting(0), &PLACE, plain).expect("sealed")
    }

    /// The two vectors of the specification (C2SP, XAES-256-GCM).
    #[test]
    fn the_cipher_is_xaes_256_gcm() {
        let nonce: &[u8; NONCE] = b"ABCDEFGHIJKLMNOPQRSTUVWX";
        for (byte, aad, expected) in [
            (1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
            (3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
        ] {
            let mut text = b"XAES-256-GCM".to_vec();
            key(byte)
                .message_key(nonce)
                .expect("a key")
                .seal_in_place_append_tag(inner_nonce(nonce), aead::Aad::from(aad), &mut text)
                .expect("sealed");
            assert_eq!(data_encoding::HEXLOWER.encode(&text), expected);
        }
    }

    #[test]
    fn what_was_sealed_opens() {
        let sealer = key(1);
        for plain in [&b""[..], b"ada@example.org", &[0; 5000]] {
            let sealed = sealed(1, plain);
            assert_eq!(sealed.len(), plain.len() + 45);
            assert_eq!(sealer.open(&PLACE, &sealed).expect("opened").expose(), plain);
        }
    }

    #[test]
    fn no_byte_can_be_changed() {
        let sealer = key(1);
        let genuine = sealed(1, b"482913");
        for index in 0..genuine.len() {
            for bit in 0..8 {
                let mut changed = genuine.clone();
                changed[index] ^= 1 << bit;
                assert!(sealer.open(&PLACE, &changed).is_err(), "byte {index}, bit {bit}");
            }
            assert!(sealer.open(&PLACE, &genuine[..index]).is_err(), "cut at {index}");
        }
        assert!(sealer.open(&PLACE, &[&genuine[..], b"x"].concat()).is_err());
    }

    #[test]
    fn it_opens_in_its_own_place_only() {
        let sealer = key(1);
        let sealed = sealed(1, b"482913");
        for (table, column, id) in [
            ("messages", "content", "17"),
            ("message", "contents", "17"),
            ("message", "content", "18"),
            ("message", "content", ""),
            ("messagec", "ontent", "17"),
            ("message", "content1", "7"),
        ] {
            let place = Context { table, column, id: id.as_bytes() };
            assert_eq!(sealer.open(&place, &sealed).map(|_| ()), Err(SealError::Refused), "{place:?}");
        }
    }

    #[test]
    fn a_value_tells_its_key_and_opens_with_no_other() {
        let (old, new) = (sealed(1, b"old"), sealed(2, b"new"));
        assert_eq!((number_of(&old), number_of(&new)), (Ok(1), Ok(2)));
        assert_eq!(key(1).open(&PLACE, &new).map(|_| ()), Err(SealError::UnknownKey(2)));
        assert_eq!(number_of(&old[..4]), Err(SealError::Malformed));
        assert_eq!(number_of(&[&[2], &old[1..]].concat()), Err(SealError::Malformed));
    }

    #[test]
    fn the_same_number_with_another_key_is_refused() {
        let other = SealingKey::new(1, Secret::new([9; 32]));
        let refused = other.open(&PLACE, &sealed(1, b"x")).map(|_| ());
        assert_eq!(refused, Err(SealError::Refused));
    }

    #[test]
    fn two_seals_of_one_text_differ() {
        let sealer = key(1);
        let mut random = Counting(0);
        let one = sealer.seal(&mut random, &PLACE, b"same").expect("sealed");
        let two = sealer.seal(&mut random, &PLACE, b"same").expect("sealed");
        assert_ne!(one, two);
    }

    #[test]
    fn nothing_prints_a_key() {
        assert_eq!(format!("{:?}", key(2)), "SealingKey(2, …)");
    }
}
