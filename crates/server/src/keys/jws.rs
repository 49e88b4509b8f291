//! Compact JWS (RFC 7515, 7.1) as it comes in: taken apart strictly, and verified with a key of ours.
//!
//! The header is written by whoever sends the token, so it is believed in nothing: it may name a key (`kid`), and it
//! must then say what that key's owner already knows (`alg`, `typ`). Members that bring or point to keys, or change
//! what is signed, are not ignored but refused, as is everything that is not known. Claims are not looked at here.

use std::borrow::{Borrow, Cow};

use countersign_domain::algorithm::Algorithm;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

use super::verifying::VerifyingKey;

/// Longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Why a token is not accepted. For logs and tests: a caller is told only that it is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts with two dots.
    #[error("the token does not have three parts")]
    Parts,
    /// A part is not base64url in its one right form: no padding, no spare bits set, no other character.
    #[error("a part of the token is not base64url")]
    Encoding,
    /// The header is not a JSON object of `alg`, `typ` and `kid`, each at most once and a string.
    #[error("the header of the token is not acceptable")]
    Header,
    /// The algorithm is unknown (`none` is), or not that of the key.
    #[error("the algorithm of the token is not acceptable")]
    Algorithm,
    /// A token of another type, or of none.
    #[error("the token is of another type")]
    Type,
    /// No key is named, or none that is known.
    #[error("the token names no key that is known")]
    Key,
    /// The signature is not the key's.
    #[error("the signature is wrong")]
    Signature,
}

/// The header of a token: claims of the sender, not facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The algorithm it says it is signed with.
    pub algorithm: Algorithm,
    /// The type of token it says it is.
    pub typ: Option<String>,
    /// The key it says it is signed with.
    pub kid: Option<String>,
}

/// A token taken apart; nothing about it is verified yet.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    /// The header.
    pub header: Header,
    /// The payload, decoded.
    pub payload: Vec<u8>,
    /// The signature, decoded.
    pub signature: Vec<u8>,
    /// What the signature is over: the first two parts as they came.
    pub signing_input: &'a [u8],
}

/// A token whose signature, type and key are right. Its claims (issuer, audience, times) are still to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The key it is signed with.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// The payload.
    pub payload: Vec<u8>,
}

/// Members this program does not know are refused: `jku`, `x5u`, `jwk` and `x5c` bring a key along, `crit` and
/// `b64` change the rules. A member given twice is refused too.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeader<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow, default)]
    typ: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kid: Option<Cow<'a, str>>,
}

/// Takes a compact JWS apart.
///
/// # Errors
/// [`TokenError::TooLong`], `Parts`, `Encoding`, `Header` or `Algorithm`.
pub fn parse_compact(token: &str) -> Result<Parts<'_>, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenError::Parts)?;
    let (header, payload) = signing_input.split_once('.').ok_or(TokenError::Parts)?;
    if payload.contains('.') {
        return Err(TokenError::Parts);
    }
    Ok(Parts {
        header: parse_header(&decode(header)?)?,
        payload: decode(payload)?,
        signature: decode(signature)?,
        signing_input: signing_input.as_bytes(),
    })
}

/// Verifies a compact JWS of the type `typ` (compared exactly) with the key that `lookup` has for its `kid`.
///
/// # Errors
/// [`TokenError`]: any of them.
pub fn verify_compact<K: Borrow<VerifyingKey>>(
    token: &str,
    typ: &str,
    lookup: impl FnOnce(&str) -> Option<K>,
) -> Result<Verified, TokenError> {
    let Parts { header, payload, signature, signing_input } = parse_compact(token)?;
    if header.typ.as_deref() != Some(typ) {
        return Err(TokenError::Type);
    }
    let kid = header.kid.ok_or(TokenError::Key)?;
    let key = lookup(&kid).ok_or(TokenError::Key)?;
    let key = key.borrow();
    if header.algorithm != key.algorithm() {
        return Err(TokenError::Algorithm);
    }
    if !key.verify(signing_input, &signature) {
        return Err(TokenError::Signature);
    }
    Ok(Verified { kid, algorithm: header.algorithm, payload })
}

fn decode(part: &str) -> Result<Vec<u8>, TokenError> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| TokenError::Encoding)
}

fn parse_header(json: &[u8]) -> Result<Header, TokenError> {
    // The parser would also take an array with the members in order for an object.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(TokenError::Header);
    }
    let raw: RawHeader<'_> = serde_json::from_slice(json).map_err(|_| TokenError::Header)?;
    Ok(Header {
        algorithm: Algorithm::parse(&raw.alg).ok_or(TokenError::Algorithm)?,
        typ: raw.typ.map(Cow::into_owned),
        kid: raw.kid.map(Cow::into_owned),
    })
}
