//! PBKDF2 (RFC 8018) with HMAC of SHA-1, SHA-256 and SHA-512.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2;

use super::super::{
    HashError,
    encoding::from_base64,
    stored::{checked, number},
};

/// Most rounds: a few seconds.
const MOST_ROUNDS: u32 = 5_000_000;

/// A PBKDF2 hash.
pub struct Pbkdf2 {
    algorithm: pbkdf2::Algorithm,
    rounds: NonZeroU32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl Pbkdf2 {
    /// Reads a hash, if it is of this kind: `pbkdf2_sha256$rounds$salt$hash` (Django: the salt is text),
    /// `$pbkdf2-sha256$rounds$salt$hash` (passlib) or `$pbkdf2-sha256$i=rounds,l=32$salt$hash` (PHC).
    pub fn parse(text: &str) -> Option<Result<Self, HashError>> {
        let (name, is_django) = match text.strip_prefix("$pbkdf2") {
            Some(rest) => (rest, false),
            None => (text.strip_prefix("pbkdf2")?, true),
        };
        Some(Self::parse_rest(name, is_django))
    }

    fn parse_rest(text: &str, is_django: bool) -> Result<Self, HashError> {
        let parts: Vec<&str> = text.split('$').collect();
        let [name, rounds, salt, output] = parts[..] else { return Err(HashError::Malformed) };
        let algorithm = match name {
            "" | "-sha1" | "_sha1" => pbkdf2::PBKDF2_HMAC_SHA1,
            "-sha256" | "_sha256" => pbkdf2::PBKDF2_HMAC_SHA256,
            "-sha512" | "_sha512" => pbkdf2::PBKDF2_HMAC_SHA512,
            _ => return Err(HashError::Unknown),
        };
        let rounds = rounds.parse().ok().or_else(|| NonZeroU32::new(number(rounds, "i").ok()?));
        Ok(Self {
            algorithm,
            rounds: rounds.ok_or(HashError::Malformed)?,
            salt: if is_django { salt.into() } else { from_base64(salt)? },
            output: checked(from_base64(output)?)?,
        })
    }

    /// Whether a worker can afford it.
    pub fn is_bearable(&self) -> bool {
        self.rounds.get() <= MOST_ROUNDS
    }

    /// What was kept.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// The same of a password.
    pub fn make(&self, password: &str) -> Vec<u8> {
        let mut made = vec![0; self.output.len()];
        pbkdf2::derive(self.algorithm, self.rounds, &self.salt, password.as_bytes(), &mut made);
        made
    }
}
