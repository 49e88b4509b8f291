//! What the rules need of keys, without knowing a key: digests that only the server can make.

use crate::{
    app::AppName,
    code::Code,
    id::{ChallengeId, SessionId, UserId},
    identifier::EmailAddress,
    realm::RealmName,
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

    /// An address as the users of a realm are found by it.
    fn identifier(&self, realm: &RealmName, address: &EmailAddress) -> Digest;

    /// A sector of apps, as users' subjects are found by it.
    fn sector(&self, sector: &Sector) -> Digest;

    /// A user's pseudonym in a sector of apps, where that of the address is somebody else's.
    fn user_subject(&self, sector: &Sector, user: UserId) -> Subject;

    /// The secret of a session's cookie.
    fn session(&self, session: SessionId, secret: &SecretToken) -> Digest;

    /// The secret that follows the one with this digest in the cookie of a registered device.
    fn device_secret(&self, session: SessionId, former: &Digest) -> SecretToken;

    /// What proves a refresh token: its session and its number in the family.
    fn refresh(&self, session: SessionId, generation: u32) -> Digest;
}
