//! A generator for tests that gives the same bytes for the same seed, and digests without a key. Never part of a
//! release build.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::{
    app::AppName,
    code::Code,
    id::{ChallengeId, SessionId, UserId},
    identifier::EmailAddress,
    random::Random,
    realm::RealmName,
    secret::Digest,
    subject::{Sector, Subject},
    token::SecretToken,
    vault::Vault,
};

/// SplitMix64: fast, uniform, and of no use for secrets.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// A generator that starts at `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }
}

impl Random for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = self.0;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            chunk.copy_from_slice(&mixed.to_le_bytes()[..chunk.len()]);
        }
    }
}

/// Digests without a key: all that the rules need is that equal inputs give equal digests.
#[derive(Clone, Copy, Debug)]
pub struct Mixer;

impl Mixer {
    fn mix<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
        let mut out = [0; N];
        for (lane, bytes) in out.chunks_mut(8).enumerate() {
            let mut hasher = DefaultHasher::new();
            (lane, parts).hash(&mut hasher);
            bytes.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        out
    }
}

impl Vault for Mixer {
    fn contact(&self, app: Option<&AppName>, address: &EmailAddress) -> Digest {
        let app = app.map_or("", AppName::as_str);
        Digest::new(Self::mix(&[b"contact", app.as_bytes(), address.canonical().as_bytes()]))
    }

    fn subject(&self, sector: &Sector, address: &EmailAddress) -> Subject {
        let sector = format!("{sector:?}");
        Subject::from_bytes(Self::mix(&[b"subject", sector.as_bytes(), address.canonical().as_bytes()]))
    }

    fn code(&self, challenge: ChallengeId, code: &Code) -> Digest {
        Digest::new(Self::mix(&[b"code", challenge.bytes(), code.expose().as_bytes()]))
    }

    fn link(&self, token: &SecretToken) -> Digest {
        Digest::new(Self::mix(&[b"link", token.expose().as_bytes()]))
    }

    fn binding(&self, binding: &SecretToken) -> Digest {
        Digest::new(Self::mix(&[b"binding", binding.expose().as_bytes()]))
    }

    fn identifier(&self, realm: &RealmName, address: &EmailAddress) -> Digest {
        let parts = [b"identifier", realm.as_str().as_bytes(), address.canonical().as_bytes()];
        Digest::new(Self::mix(&parts))
    }

    fn sector(&self, sector: &Sector) -> Digest {
        Digest::new(Self::mix(&[b"sector", format!("{sector:?}").as_bytes()]))
    }

    fn user_subject(&self, sector: &Sector, user: UserId) -> Subject {
        Subject::from_bytes(Self::mix(&[b"user", format!("{sector:?}").as_bytes(), user.bytes()]))
    }

    fn session(&self, session: SessionId, secret: &SecretToken) -> Digest {
        Digest::new(Self::mix(&[b"session", session.bytes(), secret.expose().as_bytes()]))
    }

    fn device_secret(&self, session: SessionId, former: &Digest) -> SecretToken {
        let digest = Digest::new(Self::mix(&[b"device", session.bytes(), former.bytes()]));
        SecretToken::from_digest(&digest)
    }

    fn refresh(&self, session: SessionId, generation: u32) -> Digest {
        Digest::new(Self::mix(&[b"refresh", session.bytes(), &generation.to_be_bytes()]))
    }
}
