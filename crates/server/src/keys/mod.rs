//! Keys and what is done with them: the hierarchy below the root key, keyed digests, sealing, token signatures.
//!
//! All cryptography of the server is here, and all of it is done by one library (aws-lc). Nothing here knows what
//! a key is used for beyond its name, where keys are stored, or what time it is.

mod authenticator_key;
mod checkpoint;
mod curve;
mod digest;
mod hotp;
mod jwk;
mod jws;
mod key_set;
mod root;
mod seal;
mod signing;
mod verifying;

pub use authenticator_key::AuthenticatorKey;
pub use checkpoint::{CheckpointKey, is_signed, sha256};
pub use digest::DigestKey;
pub use hotp::hotp;
pub use jwk::{Jwk, Material};
pub use jws::{Header, MAX_TOKEN_BYTES, Parts, TokenError, Verified, parse_compact, verify_compact};
pub use key_set::KeySet;
pub use root::{Hierarchy, MasterKey, RootKey, RootKeyError};
pub use seal::{Context, SealError, SealingKey, number_of};
pub use signing::{SigningKey, TokenSigner};
pub use verifying::VerifyingKey;

#[cfg(test)]
mod confusion;
#[cfg(test)]
mod vectors;

/// A key that cannot be used, or an operation that the cryptographic library would not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The bytes are not a key of this algorithm, or one too weak to use.
    #[error("not a usable {0} key")]
    Rejected(countersign_domain::algorithm::Algorithm),
    /// A kind of key or a curve that tokens are not signed with here.
    #[error("no algorithm here uses this kind of key")]
    Unsupported,
    /// The library failed at something that only fails when memory or the system's generator do.
    #[error("the cryptographic library failed")]
    Failed,
}

impl From<aws_lc_rs::error::Unspecified> for KeyError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Failed
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use countersign_domain::random::Random;

    /// A generator that counts: every draw differs, every run is the same.
    pub(crate) struct Counting(pub(crate) u8);

    impl Random for Counting {
        fn fill(&mut self, bytes: &mut [u8]) {
            for byte in bytes {
                *byte = self.0;
                self.0 = self.0.wrapping_add(1);
            }
        }
    }
}
