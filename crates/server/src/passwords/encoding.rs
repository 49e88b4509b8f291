//! The spellings of base64 that hashes are written in. It knows no hash.

use data_encoding::{BASE64_NOPAD, Encoding, Specification};

use super::HashError;

/// Base64 without padding, as PHC strings have it.
pub fn base64(bytes: &[u8]) -> String {
    BASE64_NOPAD.encode(bytes)
}

/// Base64, with padding or without; `.` for `+` is how passlib writes it.
pub fn from_base64(text: &str) -> Result<Vec<u8>, HashError> {
    let text = text.trim_end_matches('=').replace('.', "+");
    lenient(BASE64_NOPAD.specification(), text.as_bytes())
}

/// The alphabet of bcrypt.
pub fn from_bcrypt(text: &str) -> Result<Vec<u8>, HashError> {
    let mut specification = Specification::new();
    specification.symbols.push_str("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    lenient(specification, text.as_bytes())
}

/// Some write other bits than zero behind the last byte; they mean nothing.
fn lenient(mut specification: Specification, text: &[u8]) -> Result<Vec<u8>, HashError> {
    specification.check_trailing_bits = false;
    let encoding: Encoding = specification.encoding().map_err(|_| HashError::Malformed)?;
    encoding.decode(text).map_err(|_| HashError::Malformed)
}
