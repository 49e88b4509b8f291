//! scrypt (RFC 7914), and what Firebase makes of it.

use aws_lc_rs::{
    cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey},
    iv::FixedLength,
};

use super::super::{
    HashError,
    encoding::from_base64,
    stored::{checked, number, value},
};

/// Most times that the memory may be gone over.
const MOST_PARALLEL: u32 = 16;

/// A scrypt hash.
pub struct Scrypt {
    log_n: u8,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
    /// Firebase keeps this key of the project, encrypted with the hash, in place of the hash.
    signer: Option<Vec<u8>>,
}

impl Scrypt {
    /// Reads a hash, if it is of this kind.
    pub fn parse(text: &str) -> Option<Result<Self, HashError>> {
        if let Some(rest) = text.strip_prefix("$scrypt$") {
            return Some(Self::parse_phc(rest));
        }
        if let Some(rest) = text.strip_prefix("$fbscrypt$") {
            return Some(Self::parse_firebase(rest));
        }
        text.strip_prefix("scrypt$").map(Self::parse_django)
    }

    /// `ln=16,r=8,p=1$salt$hash`.
    fn parse_phc(text: &str) -> Result<Self, HashError> {
        let parts: Vec<&str> = text.split('$').collect();
        let [parameters, salt, output] = parts[..] else { return Err(HashError::Malformed) };
        Ok(Self {
            log_n: log(number(parameters, "ln")?)?,
            r: number(parameters, "r")?,
            p: number(parameters, "p")?,
            salt: from_base64(salt)?,
            output: checked(from_base64(output)?)?,
            signer: None,
        })
    }

    /// `n$salt$r$p$hash`: the salt is text.
    fn parse_django(text: &str) -> Result<Self, HashError> {
        let parts: Vec<&str> = text.split('$').collect();
        let [n, salt, r, p, output] = parts[..] else { return Err(HashError::Malformed) };
        let [n, r, p] = [n, r, p].map(|text| text.parse::<u32>().map_err(|_| HashError::Malformed));
        let n = n?;
        if !n.is_power_of_two() {
            return Err(HashError::Malformed);
        }
        let output = checked(from_base64(output)?)?;
        Ok(Self { log_n: log(n.ilog2())?, r: r?, p: p?, salt: salt.into(), output, signer: None })
    }

    /// `v=1,n=14,r=8,p=1,ss=SEPARATOR,sk=SIGNER$salt$hash`: `mem_cost`, `rounds`, `base64_salt_separator` and
    /// `base64_signer_key` of the project.
    fn parse_firebase(text: &str) -> Result<Self, HashError> {
        let parts: Vec<&str> = text.split('$').collect();
        let [parameters, salt, output] = parts[..] else { return Err(HashError::Malformed) };
        let bytes = |name| value(parameters, name).ok_or(HashError::Malformed).and_then(from_base64);
        let mut salt = from_base64(salt)?;
        salt.extend(bytes("ss")?);
        Ok(Self {
            log_n: log(number(parameters, "n")?)?,
            r: number(parameters, "r")?,
            p: number(parameters, "p")?,
            salt,
            output: checked(from_base64(output)?)?,
            signer: Some(bytes("sk")?),
        })
    }

    /// Whether a worker can afford it: 128 bytes times N times r.
    pub fn is_bearable(&self, most_memory_kib: u32) -> bool {
        let kib = (u64::from(self.r) << self.log_n) / 8;
        self.p <= MOST_PARALLEL && self.r <= 64 && kib <= u64::from(most_memory_kib)
    }

    /// What was kept.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// The same of a password.
    pub fn make(&self, password: &str) -> Result<Vec<u8>, HashError> {
        let params = scrypt::Params::new(self.log_n, self.r, self.p).map_err(|_| HashError::Malformed)?;
        let length = if self.signer.is_some() { 32 } else { self.output.len() };
        let mut made = vec![0; length];
        scrypt::scrypt(password.as_bytes(), &self.salt, &params, &mut made)
            .map_err(|_| HashError::Malformed)?;
        let Some(signer) = &self.signer else { return Ok(made) };
        let key = UnboundCipherKey::new(&AES_256, &made).and_then(EncryptingKey::ctr);
        let mut encrypted = signer.clone();
        let start = EncryptionContext::Iv128(FixedLength::from([0; 16]));
        key.and_then(|key| key.less_safe_encrypt(&mut encrypted, start)).map_err(|_| HashError::Malformed)?;
        Ok(encrypted)
    }
}

/// The logarithm of N, far below what a machine has.
fn log(exponent: u32) -> Result<u8, HashError> {
    u8::try_from(exponent).ok().filter(|exponent| (1..=30).contains(exponent)).ok_or(HashError::TooCostly)
}
