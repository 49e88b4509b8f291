//! Public keys of authenticators: they verify what a passkey or security key signed, and nothing else.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ED25519_PUBLIC_KEY_LEN, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};

use super::KeyError;

/// Bytes of a coordinate of P-256.
const COORDINATE: usize = 32;

/// A key that verifies signatures of one algorithm.
pub struct AuthenticatorKey(ParsedPublicKey);

impl AuthenticatorKey {
    /// A key on P-256, for ECDSA with SHA-256. Signatures are in DER.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] when it is no point of the curve.
    pub fn es256(x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        if (x.len(), y.len()) != (COORDINATE, COORDINATE) {
            return Err(KeyError::Unsupported);
        }
        // SEC 1, uncompressed: the byte 4, then both coordinates.
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, [&[4][..], x, y].concat());
        key.map(Self).map_err(|_| KeyError::Unsupported)
    }

    /// An Ed25519 key.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] when it is no point of the curve.
    pub fn ed25519(x: &[u8]) -> Result<Self, KeyError> {
        if x.len() != ED25519_PUBLIC_KEY_LEN {
            return Err(KeyError::Unsupported);
        }
        ParsedPublicKey::new(&ED25519, x).map(Self).map_err(|_| KeyError::Unsupported)
    }

    /// An RSA key of 2048 to 8192 bits, for PKCS #1 v1.5 with SHA-256.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] when it is of another size or no key.
    pub fn rs256(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        if !(256..=1024).contains(&n.len()) || !(1..=5).contains(&e.len()) {
            return Err(KeyError::Unsupported);
        }
        let key = RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256);
        key.map(Self).map_err(|_| KeyError::Unsupported)
    }

    /// Whether `signature` is this key's over `message`.
    #[must_use]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

impl std::fmt::Debug for AuthenticatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthenticatorKey(…)")
    }
}
