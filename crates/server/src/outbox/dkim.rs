//! Signs mails (DKIM, RFC 6376; Ed25519: RFC 8463), makes keys and prints their DNS records. Knows messages as
//! bytes; does not look anything up.

use aws_lc_rs::{
    digest,
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    error::KeyRejected,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use countersign_domain::{secret::Secret, time::Timestamp};
use data_encoding::BASE64;
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};

mod canonical;

/// The headers that are signed. The first three are named twice, so that nobody can add another one of them.
const SIGNED: [&str; 12] = [
    "from",
    "from",
    "to",
    "to",
    "subject",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-language",
    "auto-submitted",
];

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `rsa-sha256`: everybody verifies it.
    Rsa,
    /// `ed25519-sha256`: small and fast; not everybody verifies it, so put it beside the other.
    Ed25519,
}

/// What is wrong with a key, a domain or a selector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DkimError {
    /// Neither PKCS#8 nor, for RSA, PKCS#1 in PEM; or RSA with fewer than 2048 bits (RFC 8301 recommends these).
    #[error("this is no Ed25519 private key in PEM, nor one of RSA with 2048 bits or more")]
    NotAKey,
    /// Not a domain or a selector as DNS has them.
    #[error("the domain or the selector is no DNS name")]
    Name,
    /// The library would not sign or make a key.
    #[error("the cryptographic library failed")]
    Crypto,
}

/// One key, and where its public half is published.
pub struct DkimKey {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl DkimKey {
    /// Reads a private key (PEM, PKCS#8; RSA also PKCS#1) that belongs to `<selector>._domainkey.<domain>`.
    ///
    /// # Errors
    /// [`DkimError`] for keys that are none or too short, and for names that DNS does not have.
    pub fn from_pem(domain: &str, selector: &str, pem: &Secret<String>) -> Result<Self, DkimError> {
        if !is_name(domain) || !is_name(selector) {
            return Err(DkimError::Name);
        }
        let der = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| DkimError::NotAKey)?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(der) => rsa(RsaKeyPair::from_der(der.secret_pkcs1_der()))?,
            PrivateKeyDer::Pkcs8(der) => match Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()) {
                Ok(key) => Key::Ed25519(Box::new(key)),
                Err(_) => rsa(RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()))?,
            },
            _ => return Err(DkimError::NotAKey),
        };
        Ok(Self { domain: domain.to_ascii_lowercase(), selector: selector.to_ascii_lowercase(), key })
    }

    /// The kind of key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.key {
            Key::Rsa(_) => Algorithm::Rsa,
            Key::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// Name and value of the TXT record that publishes the public half. An RSA value is longer than the 255 bytes
    /// of one string of a TXT record: a zone file has it in pieces.
    ///
    /// # Errors
    /// [`DkimError::Crypto`] if the library cannot write the key.
    pub fn dns_record(&self) -> Result<(String, String), DkimError> {
        let (kind, public) = match &self.key {
            Key::Rsa(key) => {
                let der: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| DkimError::Crypto)?;
                ("rsa", BASE64.encode(der.as_ref()))
            }
            Key::Ed25519(key) => ("ed25519", BASE64.encode(key.public_key().as_ref())),
        };
        let name = format!("{}._domainkey.{}", self.selector, self.domain);
        Ok((name, format!("v=DKIM1; k={kind}; p={public}")))
    }

    fn sign(&self, input: &[u8]) -> Result<Vec<u8>, DkimError> {
        match &self.key {
            Key::Ed25519(key) => {
                let digest = digest::digest(&digest::SHA256, input);
                Ok(key.sign(digest.as_ref()).as_ref().to_vec())
            }
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                // PKCS#1 signatures are not random: the interface wants a generator, the algorithm does not.
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature)
                    .map_err(|_| DkimError::Crypto)?;
                Ok(signature)
            }
        }
    }
}

/// Makes a private key, as PEM (PKCS#8). An RSA key of 2048 bits takes up to a second: not on an async thread.
///
/// # Errors
/// [`DkimError::Crypto`] if the library fails.
pub fn generate(algorithm: Algorithm) -> Result<Secret<String>, DkimError> {
    let failed = |_| DkimError::Crypto;
    let der: Pkcs8V1Der<'_> = match algorithm {
        Algorithm::Rsa => RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?.as_der().map_err(failed)?,
        Algorithm::Ed25519 => Ed25519KeyPair::generate().map_err(failed)?.as_der().map_err(failed)?,
    };
    let text = Secret::new(BASE64.encode(der.as_ref()));
    Ok(Secret::new(format!(
        "-----BEGIN PRIVATE KEY-----\n{}-----END PRIVATE KEY-----\n",
        wrap(text.expose(), "\n")
    )))
}

/// Puts a signature of every key before a message.
///
/// # Errors
/// [`DkimError::Crypto`] if the library fails to sign.
pub fn sign(message: &[u8], keys: &[DkimKey], now: Timestamp) -> Result<Vec<u8>, DkimError> {
    let (headers, body) = canonical::split(message);
    let mut body_digest = digest::Context::new(&digest::SHA256);
    body_digest.update(&canonical::body(body));
    let body_hash = BASE64.encode(body_digest.finish().as_ref());
    let mut signed = canonical::select(&headers, &SIGNED);
    let start = signed.len();
    let mut out = Vec::with_capacity(message.len() + 1024 * keys.len());
    for key in keys {
        let value = unsigned_value(key, now, &body_hash);
        signed.truncate(start);
        signed.extend_from_slice(format!("dkim-signature:{}", value.replace("\r\n ", " ")).as_bytes());
        let signature = BASE64.encode(&key.sign(&signed)?);
        out.extend_from_slice(
            format!("DKIM-Signature: {value}{}", wrap(&signature, "\r\n ").trim_end()).as_bytes(),
        );
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(message);
    Ok(out)
}

/// The header's value up to the empty `b=`, folded as it is sent.
fn unsigned_value(key: &DkimKey, now: Timestamp, body_hash: &str) -> String {
    let algorithm = match key.algorithm() {
        Algorithm::Rsa => "rsa-sha256",
        Algorithm::Ed25519 => "ed25519-sha256",
    };
    let (domain, selector, time, names) = (&key.domain, &key.selector, now.seconds(), SIGNED.join(":"));
    format!(
        "v=1; a={algorithm}; c=relaxed/relaxed; d={domain}; s={selector}; t={time};\r\n h={names};\r\n bh={body_hash};\r\n b="
    )
}

fn rsa(key: Result<RsaKeyPair, KeyRejected>) -> Result<Key, DkimError> {
    key.map(|key| Key::Rsa(Box::new(key))).map_err(|_| DkimError::NotAKey)
}

/// Base64 in lines of 64 characters, each with an end.
fn wrap(text: &str, end: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    for (index, c) in text.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            out.push_str(end);
        }
        out.push(c);
    }
    out + end
}

fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests;
