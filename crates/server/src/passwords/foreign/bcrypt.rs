//! bcrypt: the original, which looks at 72 bytes, and the two ways around that limit (Django's and passlib's).

use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, HEXLOWER};

use super::super::{
    HashError,
    encoding::from_bcrypt,
    stored::{number, value},
};

/// What the original looks at: 71 bytes and a NUL, or 72.
const LOOKED_AT: usize = 72;
/// Most doublings: 16 take four seconds.
const MOST_COST: u32 = 16;
/// Bytes of the hash that are kept; the 24th never is.
const KEPT: usize = 23;

/// How the password is prepared.
enum Preparation {
    /// As it is.
    None,
    /// Django's `bcrypt_sha256`: SHA-256 in hexadecimal.
    Hexadecimal,
    /// passlib's `bcrypt-sha256`, version 2: HMAC-SHA-256 keyed with the salt's text, in base64.
    Keyed(String),
}

/// A bcrypt hash.
pub struct Bcrypt {
    preparation: Preparation,
    cost: u32,
    salt: [u8; 16],
    output: Vec<u8>,
}

impl Bcrypt {
    /// Reads a hash, if it is of this kind.
    pub fn parse(text: &str) -> Option<Result<Self, HashError>> {
        if let Some(rest) = text.strip_prefix("bcrypt_sha256$") {
            return Some(Self::parse_original(rest, Preparation::Hexadecimal));
        }
        if let Some(rest) = text.strip_prefix("$bcrypt-sha256$") {
            return Some(Self::parse_passlib(rest));
        }
        let text = text.strip_prefix("bcrypt$").unwrap_or(text);
        text.starts_with("$2").then(|| Self::parse_original(text, Preparation::None))
    }

    /// `$2b$12$` and 22 characters of salt and 31 of hash. `$2x$` marks hashes of a program that was wrong.
    fn parse_original(text: &str, preparation: Preparation) -> Result<Self, HashError> {
        let parts: Vec<&str> = text.split('$').collect();
        let ["", "2a" | "2b" | "2y", cost, both] = parts[..] else { return Err(HashError::Malformed) };
        let (salt, output) = both.split_at_checked(22).ok_or(HashError::Malformed)?;
        Self::of(preparation, cost.parse().map_err(|_| HashError::Malformed)?, salt, output)
    }

    /// `v=2,t=2b,r=12$salt$hash`.
    fn parse_passlib(text: &str) -> Result<Self, HashError> {
        let parts: Vec<&str> = text.split('$').collect();
        let [parameters, salt, output] = parts[..] else { return Err(HashError::Malformed) };
        if value(parameters, "v") != Some("2") {
            return Err(HashError::Unknown);
        }
        Self::of(Preparation::Keyed(salt.to_owned()), number(parameters, "r")?, salt, output)
    }

    fn of(preparation: Preparation, cost: u32, salt: &str, output: &str) -> Result<Self, HashError> {
        let output = from_bcrypt(output)?;
        let salt = from_bcrypt(salt)?.try_into().map_err(|_| HashError::Malformed)?;
        if output.len() != KEPT || cost < 4 {
            return Err(HashError::Malformed);
        }
        Ok(Self { preparation, cost, salt, output })
    }

    /// Whether a worker can afford it.
    pub fn is_bearable(&self) -> bool {
        self.cost <= MOST_COST
    }

    /// What was kept.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// The same of a password; nothing where the original could not have taken it: it ends at a NUL, and what
    /// followed would not count.
    pub fn make(&self, password: &str) -> Result<Option<Vec<u8>>, HashError> {
        let mut input = match &self.preparation {
            Preparation::None => password.as_bytes().to_vec(),
            Preparation::Hexadecimal => {
                HEXLOWER.encode(digest::digest(&digest::SHA256, password.as_bytes()).as_ref()).into_bytes()
            }
            Preparation::Keyed(salt) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
                BASE64.encode(hmac::sign(&key, password.as_bytes()).as_ref()).into_bytes()
            }
        };
        if input.contains(&0) {
            return Ok(None);
        }
        input.push(0);
        input.truncate(LOOKED_AT);
        // The library panics at what it does not take.
        if !self.is_bearable() {
            return Err(HashError::TooCostly);
        }
        Ok(Some(bcrypt::bcrypt(self.cost, self.salt, &input)[..KEPT].to_vec()))
    }
}
