//! Hashes and signatures of the log of events: Ed25519 (RFC 8032) and SHA-256. What a checkpoint means is not known
//! here.

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};

use super::KeyError;

/// The key that signs checkpoints. The same root gives the same key, for ever.
pub struct CheckpointKey(Ed25519KeyPair);

impl CheckpointKey {
    /// The key of a seed.
    ///
    /// # Errors
    /// [`KeyError::Failed`] when memory fails.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| KeyError::Failed)
    }

    /// 64 bytes.
    #[must_use]
    pub fn sign(&self, statement: &[u8]) -> Vec<u8> {
        self.0.sign(statement).as_ref().to_vec()
    }

    /// What others check with: 32 bytes.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }
}

impl std::fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CheckpointKey(…)")
    }
}

/// Whether a statement was signed by the key with this public half.
#[must_use]
pub fn is_signed(public: &[u8], statement: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public).verify(statement, signature).is_ok()
}

/// SHA-256.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
