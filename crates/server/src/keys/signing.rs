//! Keys that sign tokens: made, kept as bytes, published, used.
//!
//! A compact JWS (RFC 7515, 7.1) is all they sign. When a key is current and which app it is for is not known here,
//! nor what the claims mean.
//!
//! New keys are drawn by the library's own generator (the operating system's entropy), not by the caller's: it
//! has no way in for another one. This is the one exception to randomness being an argument; likewise the nonces of
//! ECDSA are the library's.

use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{hmac, rand};
use countersign_domain::algorithm::Algorithm;
use countersign_domain::secret::Secret;
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::KeyError;
use super::curve::{Curve, P256, P384, P521};
use super::jwk::{Jwk, Material};

/// A shared key has at least as many bytes as the digest (RFC 7518, 3.2); new ones have exactly this many.
const HMAC_BYTES: usize = 32;

/// A key that signs tokens with one algorithm.
pub struct SigningKey {
    algorithm: Algorithm,
    private: Private,
    public: Option<Material>,
    kid: String,
}

/// The private half. The key pairs of the library are handles; the secret is in its memory, which it wipes.
pub(super) enum Private {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair, &'static Curve),
    Rsa(RsaKeyPair),
    Hmac { key: Box<hmac::Key>, bytes: Secret<Vec<u8>> },
}

impl SigningKey {
    /// A new key. RSA keys have 3072 bits and take a second or more of computing: make them ahead of need and away
    /// from the threads that serve requests. The others take well under a millisecond.
    ///
    /// # Errors
    /// [`KeyError::Failed`] when the system's generator or memory fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let ecdsa = |curve: &'static Curve| {
            EcdsaKeyPair::generate(curve.signing).map(|key| Private::Ecdsa(key, curve))
        };
        let private = match algorithm {
            Algorithm::EdDsa => Private::Ed25519(Ed25519KeyPair::generate()?),
            Algorithm::Es256 => ecdsa(&P256)?,
            Algorithm::Es384 => ecdsa(&P384)?,
            Algorithm::Es512 => ecdsa(&P521)?,
            Algorithm::Rs256 => Private::Rsa(RsaKeyPair::generate(KeySize::Rsa3072)?),
            Algorithm::Hs256 => {
                let mut bytes = Zeroizing::new([0; HMAC_BYTES]);
                rand::fill(bytes.as_mut_slice())?;
                Private::shared(bytes.as_slice())
            }
        };
        Self::new(algorithm, private)
    }

    /// A key from the bytes that [`Self::to_private`] gave: PKCS#8 in DER, or for HS256 at least 32 raw bytes.
    ///
    /// # Errors
    /// [`KeyError::Rejected`] when they are no such key, of another algorithm, or weak (RSA below 2048 bits).
    pub fn from_private(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, KeyError> {
        let ecdsa = |curve: &'static Curve| {
            EcdsaKeyPair::from_pkcs8(curve.signing, bytes).map(|key| Private::Ecdsa(key, curve))
        };
        let private = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(bytes).map(Private::Ed25519),
            Algorithm::Es256 => ecdsa(&P256),
            Algorithm::Es384 => ecdsa(&P384),
            Algorithm::Es512 => ecdsa(&P521),
            Algorithm::Rs256 => RsaKeyPair::from_pkcs8(bytes).map(Private::Rsa),
            Algorithm::Hs256 if bytes.len() < HMAC_BYTES => return Err(KeyError::Rejected(algorithm)),
            Algorithm::Hs256 => Ok(Private::shared(bytes)),
        };
        Self::new(algorithm, private.map_err(|_| KeyError::Rejected(algorithm))?)
    }

    fn new(algorithm: Algorithm, private: Private) -> Result<Self, KeyError> {
        let (public, kid) = match &private {
            Private::Hmac { key, .. } => {
                (None, BASE64URL_NOPAD.encode(hmac::sign(key, b"countersign/kid").as_ref()))
            }
            asymmetric => {
                let material = asymmetric.public().ok_or(KeyError::Rejected(algorithm))?;
                let thumbprint = material.thumbprint();
                (Some(material), thumbprint)
            }
        };
        Ok(Self { algorithm, private, public, kid })
    }

    /// The key as bytes, to be sealed and stored; for HS256 also what the app's operator is shown once.
    ///
    /// # Errors
    /// [`KeyError::Failed`] when memory fails.
    pub fn to_private(&self) -> Result<Secret<Vec<u8>>, KeyError> {
        Ok(match &self.private {
            Private::Ed25519(key) => Secret::new(key.to_pkcs8v1()?.as_ref().to_vec()),
            Private::Ecdsa(key, _) => Secret::new(key.to_pkcs8v1()?.as_ref().to_vec()),
            Private::Rsa(key) => Secret::new(key.as_der()?.as_ref().to_vec()),
            Private::Hmac { bytes, .. } => bytes.clone(),
        })
    }

    /// The algorithm it signs with, the only one.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The public half, to be published under `kid`; none when there is no public half (HS256).
    #[must_use]
    pub fn public_jwk(&self, kid: &str) -> Option<Jwk> {
        Some(Jwk {
            material: self.public.clone()?,
            kid: Some(kid.to_owned()),
            alg: Some(self.algorithm.name().to_owned()),
            usage: Some("sig".to_owned()),
        })
    }

    /// A name for the key that depends on the key alone, 43 characters of base64url: the thumbprint of the public
    /// half (RFC 7638), and for HS256, which has none, a keyed digest that tells nothing about the key.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// A signer of tokens of one type, with the header made once.
    pub fn signer(self: &Arc<Self>, kid: &str, typ: &str) -> TokenSigner {
        let header = serde_json::json!({"alg": self.algorithm.name(), "typ": typ, "kid": kid}).to_string();
        let mut prefix = BASE64URL_NOPAD.encode(header.as_bytes());
        prefix.push('.');
        TokenSigner { key: Arc::clone(self), prefix }
    }

    pub(super) const fn private(&self) -> &Private {
        &self.private
    }

    /// Appends a dot and the signature of what `token` is so far.
    fn append_signature(&self, token: &mut String) -> Result<(), KeyError> {
        let input = token.as_bytes();
        match &self.private {
            Private::Ed25519(key) => append(token, key.try_sign(input)?.as_ref()),
            Private::Ecdsa(key, _) => append(token, key.sign(&rand::SystemRandom::new(), input)?.as_ref()),
            Private::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &rand::SystemRandom::new(), input, &mut signature)?;
                append(token, &signature);
            }
            Private::Hmac { key, .. } => append(token, hmac::sign(key, input).as_ref()),
        }
        Ok(())
    }

    /// A token of parts as they are, for tests of tokens that a signer would not make.
    #[cfg(test)]
    pub(super) fn sign_compact(&self, header: &str, payload: &str) -> String {
        let mut token = format!("{header}.{payload}");
        self.append_signature(&mut token).expect("a signature");
        token
    }

    fn signature_length(&self) -> usize {
        match &self.private {
            Private::Ed25519(_) => 64,
            Private::Ecdsa(_, curve) => 2 * curve.coordinate,
            Private::Rsa(key) => key.public_modulus_len(),
            Private::Hmac { .. } => 32,
        }
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({}, …)", self.algorithm)
    }
}

impl Private {
    fn shared(bytes: &[u8]) -> Self {
        Self::Hmac {
            key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, bytes)),
            bytes: Secret::new(bytes.to_vec()),
        }
    }

    fn public(&self) -> Option<Material> {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        match self {
            Self::Ed25519(key) => {
                Some(Material::Okp { crv: "Ed25519".to_owned(), x: text(key.public_key().as_ref()) })
            }
            Self::Ecdsa(key, curve) => {
                // SEC 1: the byte 4, then both coordinates, equally long.
                let (_, point) = key.public_key().as_ref().split_first()?;
                let (x, y) = point.split_at_checked(curve.coordinate)?;
                Some(Material::Ec { crv: curve.name.to_owned(), x: text(x), y: text(y) })
            }
            Self::Rsa(key) => Some(Material::Rsa {
                n: text(key.public_key().modulus().big_endian_without_leading_zero()),
                e: text(key.public_key().exponent().big_endian_without_leading_zero()),
            }),
            Self::Hmac { .. } => None,
        }
    }
}

/// Signs tokens of one type with one key: the encoded header is made once, a token costs one allocation.
#[derive(Clone, Debug)]
pub struct TokenSigner {
    key: Arc<SigningKey>,
    prefix: String,
}

impl TokenSigner {
    /// The compact JWS of these claims, which must be a JSON object already.
    ///
    /// # Errors
    /// [`KeyError::Failed`] when memory, or for ECDSA the system's generator, fails.
    pub fn sign(&self, claims_json: &[u8]) -> Result<String, KeyError> {
        let payload = BASE64URL_NOPAD.encode_len(claims_json.len());
        let signature = BASE64URL_NOPAD.encode_len(self.key.signature_length());
        let mut token = String::with_capacity(self.prefix.len() + payload + 1 + signature);
        token.push_str(&self.prefix);
        BASE64URL_NOPAD.encode_append(claims_json, &mut token);
        self.key.append_signature(&mut token)?;
        Ok(token)
    }
}

fn append(token: &mut String, signature: &[u8]) {
    token.push('.');
    BASE64URL_NOPAD.encode_append(signature, token);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use countersign_domain::algorithm::Algorithm;

    use super::{KeyError, SigningKey};

    #[test]
    fn a_key_survives_being_stored() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).expect("a key");
            let bytes = key.to_private().expect("bytes");
            let again = SigningKey::from_private(algorithm, bytes.expose()).expect("the key");
            assert_eq!(key.kid(), again.kid(), "{algorithm}");
            assert_eq!(key.kid().len(), 43, "{algorithm}");
            assert_eq!(key.public_jwk("k"), again.public_jwk("k"), "{algorithm}");
            assert_eq!(key.public_jwk("k").is_none(), algorithm.is_symmetric());
        }
    }

    #[test]
    fn p32_bytes_of_another_algorithm_are_no_key() {
        for from in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es384, Algorithm::Es512] {
            let bytes = SigningKey::generate(from).expect("a key").to_private().expect("bytes");
            for to in Algorithm::ALL.into_iter().filter(|to| *to != from && !to.is_symmetric()) {
                let refused = SigningKey::from_private(to, bytes.expose()).map(|_| ());
                assert_eq!(refused, Err(KeyError::Rejected(to)), "{from} as {to}");
            }
        }
    }

    #[test]
    fn damaged_and_short_keys_are_refused() {
        for algorithm in Algorithm::ALL {
            for bytes in [&b""[..], b"-----BEGIN PRIVATE KEY-----", &[7; 31]] {
                assert!(SigningKey::from_private(algorithm, bytes).is_err(), "{algorithm} {bytes:?}");
            }
        }
    }

    #[test]
    fn a_token_is_allocated_once() {
        for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es512, Algorithm::Hs256] {
            let key = Arc::new(SigningKey::generate(algorithm).expect("a key"));
            let token = key.signer("k", "at+jwt").sign(br#"{"sub":"x"}"#).expect("a token");
            assert_eq!(token.len(), token.capacity(), "{algorithm}");
        }
    }

    #[test]
    fn nothing_prints_a_key() {
        let key = SigningKey::generate(Algorithm::Hs256).expect("a key");
        assert_eq!(format!("{key:?}"), "SigningKey(HS256, …)");
    }
}
