//! The public keys we expect to find, and the length of an RSA key as published. Holds no private key and checks no
//! signature.

use std::fmt;

use data_encoding::BASE64;
use serde::Serialize;

/// The kind of a DKIM key, `k=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyType {
    /// `rsa` (RFC 6376).
    Rsa,
    /// `ed25519` (RFC 8463).
    Ed25519,
}

impl fmt::Display for KeyType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        })
    }
}

/// One key we sign with, as it must stand in the DNS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorKey {
    /// The selector, `s=` of our signatures: the record is at `<selector>._domainkey.<domain>`.
    pub selector: String,
    /// The kind of the key.
    pub key_type: KeyType,
    /// The value of `p=`: base64 of the SubjectPublicKeyInfo (RSA) or of the 32 bytes of the key (Ed25519).
    pub public_key: String,
}

impl SelectorKey {
    /// The whole record to publish.
    pub(super) fn record(&self) -> String {
        format!("v=DKIM1; k={}; p={}", self.key_type, self.public_key)
    }
}

/// The bytes of a `p=`, in which white space does not count.
pub(super) fn decode(value: &str) -> Option<Vec<u8>> {
    let compact: String = value.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    BASE64.decode(compact.as_bytes()).ok()
}

/// The length in bits of an RSA key, as SubjectPublicKeyInfo or as bare RSAPublicKey, which RFC 6376 allows too.
pub(super) fn rsa_bits(der: &[u8]) -> Option<usize> {
    let (sequence, _) = element(der, 0x30)?;
    if let Some((modulus, _)) = element(sequence, 0x02) {
        return bits(modulus);
    }
    let (_algorithm, rest) = element(sequence, 0x30)?;
    let (bit_string, _) = element(rest, 0x03)?;
    let (key, _) = element(bit_string.strip_prefix(&[0])?, 0x30)?;
    let (modulus, _) = element(key, 0x02)?;
    bits(modulus)
}

fn bits(modulus: &[u8]) -> Option<usize> {
    let first = modulus.iter().position(|byte| *byte != 0)?;
    let significant = modulus.get(first..)?;
    let leading = significant.first()?.leading_zeros();
    Some(significant.len() * 8 - usize::try_from(leading).ok()?)
}

/// The content of a DER element of the given tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk::<2>()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => rest.split_first().map(|(length, rest)| (usize::from(*length), rest))?,
        0x82 => rest
            .split_first_chunk::<2>()
            .map(|(length, rest)| (usize::from(u16::from_be_bytes(*length)), rest))?,
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::{decode, rsa_bits};
    use crate::doctor::tests::{RSA_1024, RSA_2048, RSA_2048_BARE};

    #[test]
    fn the_length_of_rsa_keys_is_read() {
        for (key, bits) in [(RSA_1024, Some(1024)), (RSA_2048, Some(2048)), (RSA_2048_BARE, Some(2048))] {
            assert_eq!(rsa_bits(&decode(key).expect("base64")), bits);
        }
        assert_eq!(rsa_bits(&[0x30, 0x82, 0xff, 0xff]), None);
        assert_eq!(rsa_bits(&[]), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(der in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(bits) = rsa_bits(&der) {
                assert!(bits <= der.len() * 8);
            }
        }
    }
}
