//! A hash as it is stored, ours or another's: read, priced and checked. It knows no person.

use argon2::{Algorithm, Version};
use countersign_domain::password::Password;
use subtle::ConstantTimeEq as _;

use super::{
    HashParameters, Peppers,
    argon::{Memory, Task},
    encoding::from_base64,
    foreign::{Bcrypt, Pbkdf2, Scrypt},
};

/// Longest text that is looked at.
const LONGEST: usize = 1024;
/// Most passes or lanes of an imported Argon2 hash.
const MOST_PASSES: u32 = 64;
/// Shortest salt and hash of an imported hash, in bytes. An empty hash would fit every password.
const SHORTEST: usize = 8;
/// Longest hash in bytes.
const LONGEST_OUTPUT: usize = 256;

/// Why a stored hash is of no use. It never repeats the hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// No kind of hash that is known here.
    #[error("expected argon2, bcrypt, scrypt or PBKDF2, as PHC, passlib, Django or Firebase write them")]
    Unknown,
    /// A known kind, but it does not read.
    #[error("the hash does not read")]
    Malformed,
    /// It would take more memory or time than is allowed here.
    #[error("the hash costs too much to check")]
    TooCostly,
    /// It was made under a pepper that is not there.
    #[error("the pepper of this hash is missing")]
    PepperMissing,
}

/// A hash that was read.
pub struct StoredHash(Kind);

enum Kind {
    Argon2(Argon2Hash),
    Bcrypt(Bcrypt),
    Scrypt(Scrypt),
    Pbkdf2(Pbkdf2),
}

struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    parameters: HashParameters,
    /// The number of its pepper; a hash from elsewhere has none.
    pepper: Option<u32>,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl StoredHash {
    /// Reads a hash.
    ///
    /// # Errors
    /// [`HashError::Unknown`] and [`HashError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.len() > LONGEST {
            return Err(HashError::Malformed);
        }
        // Django names the kind once more before the hash.
        let text = text.strip_prefix("argon2").unwrap_or(text);
        let kind = if text.starts_with("$argon2") {
            Kind::Argon2(Argon2Hash::parse(text)?)
        } else if let Some(hash) = Bcrypt::parse(text) {
            Kind::Bcrypt(hash?)
        } else if let Some(hash) = Scrypt::parse(text) {
            Kind::Scrypt(hash?)
        } else if let Some(hash) = Pbkdf2::parse(text) {
            Kind::Pbkdf2(hash?)
        } else {
            return Err(HashError::Unknown);
        };
        Ok(Self(kind))
    }

    /// Refuses what costs more than a worker may spend: `most_memory` KiB, and some seconds.
    ///
    /// # Errors
    /// [`HashError::TooCostly`].
    pub fn check_cost(&self, most_memory: u32) -> Result<(), HashError> {
        let is_bearable = match &self.0 {
            Kind::Argon2(Argon2Hash { parameters: HashParameters { memory, passes, lanes }, .. }) => {
                *memory <= most_memory && *passes <= MOST_PASSES && *lanes <= MOST_PASSES
            }
            Kind::Bcrypt(hash) => hash.is_bearable(),
            Kind::Scrypt(hash) => hash.is_bearable(most_memory),
            Kind::Pbkdf2(hash) => hash.is_bearable(),
        };
        if is_bearable { Ok(()) } else { Err(HashError::TooCostly) }
    }

    /// Whether it is as it would be made now.
    pub(super) fn is_current(&self, parameters: HashParameters, pepper: u32) -> bool {
        match &self.0 {
            Kind::Argon2(hash) => {
                hash.algorithm == Algorithm::Argon2id
                    && hash.version == Version::V0x13
                    && hash.parameters == parameters
                    && hash.pepper == Some(pepper)
            }
            _ => false,
        }
    }

    /// Whether it is the hash of this password. The comparison takes the same time wherever the first difference is.
    pub(super) fn verify(
        &self,
        password: &Password,
        peppers: &Peppers,
        memory: &mut Memory,
    ) -> Result<bool, HashError> {
        let (made, kept) = match &self.0 {
            Kind::Argon2(hash) => (hash.make(password, peppers, memory)?, hash.output.as_slice()),
            Kind::Bcrypt(hash) => match hash.make(password.expose())? {
                Some(made) => (made, hash.output()),
                None => return Ok(false),
            },
            Kind::Scrypt(hash) => (hash.make(password.expose())?, hash.output()),
            Kind::Pbkdf2(hash) => (hash.make(password.expose()), hash.output()),
        };
        Ok(made.as_slice().ct_eq(kept).into())
    }
}

impl Argon2Hash {
    /// `$argon2id$v=19$m=…,t=…,p=…[,keyid=…]$salt$hash`; without `v` it is version 1.0.
    fn parse(text: &str) -> Result<Self, HashError> {
        let mut parts: Vec<&str> = text.split('$').skip(1).collect();
        let version = match parts.get(1) {
            Some(&"v=19") => Version::V0x13,
            Some(&"v=16") => Version::V0x10,
            _ => {
                parts.insert(1.min(parts.len()), "");
                Version::V0x10
            }
        };
        let [name, _, parameters, salt, output] = parts[..] else { return Err(HashError::Malformed) };
        let algorithm = match name {
            "argon2d" => Algorithm::Argon2d,
            "argon2i" => Algorithm::Argon2i,
            "argon2id" => Algorithm::Argon2id,
            _ => return Err(HashError::Unknown),
        };
        let [memory, passes, lanes] = ["m", "t", "p"].map(|name| number(parameters, name));
        let pepper = match value(parameters, "keyid") {
            Some(text) => {
                let bytes = from_base64(text)?.try_into().map_err(|_| HashError::PepperMissing)?;
                Some(u32::from_be_bytes(bytes))
            }
            None => None,
        };
        Ok(Self {
            algorithm,
            version,
            parameters: HashParameters { memory: memory?, passes: passes?, lanes: lanes? },
            pepper,
            salt: from_base64(salt)?,
            output: checked(from_base64(output)?)?,
        })
    }

    fn make(
        &self,
        password: &Password,
        peppers: &Peppers,
        memory: &mut Memory,
    ) -> Result<Vec<u8>, HashError> {
        let task = Task {
            algorithm: self.algorithm,
            version: self.version,
            parameters: self.parameters,
            salt: &self.salt,
        };
        let mut made = vec![0; self.output.len()];
        match self.pepper {
            Some(pepper) => {
                let input = peppers.apply(pepper, password).ok_or(HashError::PepperMissing)?;
                task.run(input.bytes(), &mut made, memory)?;
            }
            None => task.run(password.expose().as_bytes(), &mut made, memory)?,
        }
        Ok(made)
    }
}

/// The value of one of the parameters `name=value,name=value`.
pub(super) fn value<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = parameters.split(',').filter_map(|pair| pair.split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// The same as a number.
pub(super) fn number(parameters: &str, name: &str) -> Result<u32, HashError> {
    value(parameters, name).and_then(|text| text.parse().ok()).ok_or(HashError::Malformed)
}

/// A hash that is long enough to mean something.
pub(super) fn checked(output: Vec<u8>) -> Result<Vec<u8>, HashError> {
    if (SHORTEST..=LONGEST_OUTPUT).contains(&output.len()) { Ok(output) } else { Err(HashError::Malformed) }
}
