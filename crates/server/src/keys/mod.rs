//! Keys and what is done with them: the hierarchy below the root key, keyed digests, sealing, token signatures.
//!
//! All cryptography of the server is here, and all of it is done by one library (aws-lc). Nothing here knows what
//! a key is used for beyond its name, where keys are stored, or what time it is.

mod digest;
mod root;
mod seal;

pub use digest::DigestKey;
pub use root::{Hierarchy, RootKey, RootKeyError};
pub use seal::{Context, SealError, Sealer, SealingKey};

#[cfg(test)]
mod testing {
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
