//! What the rules need of keys, without knowing a key: digests that only the server can make.

use crate::{
    app::AppName,
    code::Code,
    id::ChallengeId,
    identifier::EmailAddress,
    secret::Digest,
    subject::{Sector, Subject},
    token::SecretToken,
};

/// Keyed digests as pure functions: the same input gives the same digest for ever, and nobody without the key can
/// make one.
pub trait Vault: Send + Sync {
    /// The person behind an address as one app knows them (`Some`), or as the sending limits of all apps do (`None`).
    fn contact(&self, app: Option<&AppName>, address: &EmailAddress) -> Digest;

    /// The person's pseudonym in a sector of apps.
    fn subject(&self, sector: &Sector, address: &EmailAddress) -> Subject;

    /// A code, bound to its challenge: the same digits at another challenge digest differently.
    fn code(&self, challenge: ChallengeId, code: &Code) -> Digest;

    /// The token of a link.
    fn link(&self, token: &SecretToken) -> Digest;

    /// The binding of a challenge to who started it.
    fn binding(&self, binding: &SecretToken) -> Digest;
}
