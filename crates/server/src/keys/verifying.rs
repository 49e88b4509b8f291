//! Keys that verify tokens. A key verifies one algorithm, whatever a token says of itself.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ED25519, ED25519_PUBLIC_KEY_LEN, KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use countersign_domain::algorithm::Algorithm;
use data_encoding::BASE64URL_NOPAD;

use super::KeyError;
use super::curve;
use super::jwk::{Jwk, Material};
use super::signing::{Private, SigningKey};

/// A key that verifies signatures of one algorithm, parsed once.
pub struct VerifyingKey {
    algorithm: Algorithm,
    check: Check,
}

enum Check {
    Public(ParsedPublicKey),
    Mac(Box<hmac::Key>),
}

impl VerifyingKey {
    /// The key that verifies what `key` signs.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] when the library does not take its own public key (which memory alone can cause).
    pub fn from_signing(key: &SigningKey) -> Result<Self, KeyError> {
        let rejected = |_| KeyError::Rejected(key.algorithm());
        let public = match key.private() {
            Private::Ed25519(pair) => ParsedPublicKey::new(&ED25519, pair.public_key()),
            Private::Ecdsa(pair, curve) => ParsedPublicKey::new(curve.verifying, pair.public_key()),
            Private::Rsa(pair) => ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key()),
            Private::Hmac { key: mac, .. } => {
                return Ok(Self { algorithm: key.algorithm(), check: Check::Mac(mac.clone()) });
            }
        };
        Ok(Self { algorithm: key.algorithm(), check: Check::Public(public.map_err(rejected)?) })
    }

    /// The key in a JWK. The kind of key and its curve say which algorithm it is for; `alg` and `use`, where
    /// present, must agree.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] when they disagree, the numbers are not in their one right form, the point is not on
    /// the curve, or an RSA modulus has fewer than 2048 or more than 8192 bits. [`KeyError::Unsupported`] for
    /// another curve.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        let (algorithm, public) = match &jwk.material {
            Material::Okp { crv, x } if crv == "Ed25519" => (Algorithm::EdDsa, edwards(x)),
            Material::Okp { .. } => return Err(KeyError::Unsupported),
            Material::Ec { crv, x, y } => {
                let curve = curve::named(crv).ok_or(KeyError::Unsupported)?;
                (curve.algorithm, point(curve, x, y))
            }
            Material::Rsa { n, e } => (Algorithm::Rs256, modulus(n, e)),
        };
        let agrees = jwk.alg.as_deref().is_none_or(|alg| alg == algorithm.name())
            && jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
        match public {
            Some(public) if agrees => Ok(Self { algorithm, check: Check::Public(public) }),
            _ => Err(KeyError::Rejected(algorithm)),
        }
    }

    /// The algorithm it verifies, the only one.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature` is this key's over `signing_input`. The MAC is compared in constant time; nothing else
    /// here is secret.
    #[must_use]
    pub fn verify(&self, signing_input: &[u8], signature: &[u8]) -> bool {
        match &self.check {
            Check::Public(key) => key.verify_sig(signing_input, signature).is_ok(),
            Check::Mac(key) => hmac::verify(key, signing_input, signature).is_ok(),
        }
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyingKey({}, …)", self.algorithm)
    }
}

fn edwards(x: &str) -> Option<ParsedPublicKey> {
    ParsedPublicKey::new(&ED25519, number(x, ED25519_PUBLIC_KEY_LEN..=ED25519_PUBLIC_KEY_LEN)?).ok()
}

fn point(curve: &curve::Curve, x: &str, y: &str) -> Option<ParsedPublicKey> {
    let length = curve.coordinate..=curve.coordinate;
    // SEC 1, uncompressed: the byte 4, then both coordinates.
    let point = [&[4][..], &number(x, length.clone())?, &number(y, length)?].concat();
    ParsedPublicKey::new(curve.verifying, point).ok()
}

fn modulus(n: &str, e: &str) -> Option<ParsedPublicKey> {
    let components = RsaPublicKeyComponents { n: number(n, 256..=1024)?, e: number(e, 1..=5)? };
    components.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok()
}

/// Bytes in base64url, as many as `length` allows.
fn number(text: &str, length: std::ops::RangeInclusive<usize>) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok().filter(|bytes| length.contains(&bytes.len()))
}
