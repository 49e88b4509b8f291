//! Refresh tokens: each use gives a successor, a spent one is good once more for a moment, then its use ends all.
//!
//! A token names its session and its number in the family, and proves both by a keyed digest. Nothing of it is kept
//! but the newest number (decision 6), so the same answer can be given twice and the database holds nothing usable.

use crate::{
    app::AppName,
    changes::{Change, Changes, Decision, FlowChange},
    id::SessionId,
    refusal::Refusal,
    secret::Digest,
    session::{Holder, Session, SessionPolicy, end_with},
    time::{Span, Timestamp},
    vault::Vault,
};

/// A refresh token that reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshToken {
    /// The family.
    pub session: SessionId,
    /// Its number in the family.
    pub generation: u32,
    proof: Digest,
}

/// Text that cannot be a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected cs_rt_ and 84 characters")]
pub struct RefreshTokenError;

/// Session, number, digest.
const LENGTH: usize = 16 + 4 + 32;

impl RefreshToken {
    /// What the text form begins with.
    pub const PREFIX: &'static str = "cs_rt_";

    /// The token of a family with this number.
    #[must_use]
    pub fn make(session: SessionId, generation: u32, vault: &dyn Vault) -> Self {
        Self { session, generation, proof: vault.refresh(session, generation) }
    }

    /// Reads a token. Whether it is genuine is not known yet.
    ///
    /// # Errors
    /// [`RefreshTokenError`] when it is not of the form that [`text`](Self::text) gives.
    pub fn parse(text: &str) -> Result<Self, RefreshTokenError> {
        let encoded = text.strip_prefix(Self::PREFIX).ok_or(RefreshTokenError)?;
        let bytes = data_encoding::BASE32_DNSSEC.decode(encoded.as_bytes()).map_err(|_| RefreshTokenError)?;
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| RefreshTokenError)?;
        let (mut session, mut generation, mut proof) = ([0; 16], [0; 4], [0; 32]);
        session.copy_from_slice(&bytes[..16]);
        generation.copy_from_slice(&bytes[16..20]);
        proof.copy_from_slice(&bytes[20..]);
        Ok(Self {
            session: SessionId::from_bytes(session),
            generation: u32::from_be_bytes(generation),
            proof: Digest::new(proof),
        })
    }

    /// The characters, for the one answer that carries them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend(self.session.bytes());
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.proof.bytes());
        format!("{}{}", Self::PREFIX, data_encoding::BASE32_DNSSEC.encode(&bytes))
    }

    /// Whether it is the newest of its family, or the one before it within the grace.
    #[must_use]
    pub fn is_accepted_by(&self, session: &Session, grace: Span, now: Timestamp) -> bool {
        let Holder::Refresh { generation, rotated_at } = session.holder else { return false };
        self.session == session.id
            && (self.generation == generation
                || (self.generation.checked_add(1) == Some(generation) && now < rotated_at + grace))
    }

    /// Whether it was made here.
    #[must_use]
    pub fn is_genuine(&self, vault: &dyn Vault) -> bool {
        self.proof == vault.refresh(self.session, self.generation)
    }
}

/// Spends a refresh token for its successor: the outcome's holder names the successor's number.
///
/// The app that asks must be the session's own. A genuine token that is neither the newest nor, within the grace, the
/// one before it has been stolen or copied: the session ends for everybody.
pub fn refresh(
    token: &RefreshToken,
    session: Option<Session>,
    app: &AppName,
    policy: &SessionPolicy,
    now: Timestamp,
) -> Decision<Result<Session, Refusal>> {
    let refused = |changes| Decision { outcome: Err(Refusal::SessionOver), changes };
    let Some(mut session) = session.filter(|session| session.is_live(now) && session.app == *app) else {
        return refused(Changes::default());
    };
    let Holder::Refresh { generation, rotated_at } = session.holder else {
        return refused(Changes::default());
    };
    let mut changes = Changes::default();
    if token.generation == generation {
        session.holder = Holder::Refresh { generation: generation.saturating_add(1), rotated_at: now };
        session.use_at(policy, now);
        changes.push(Change::Session(session.clone()));
        session.version += 1;
    } else if token.generation > generation {
        // From a time that a restored backup does not know: not for us to judge.
        return refused(changes);
    } else if token.generation + 1 != generation || now >= rotated_at + policy.refresh_grace {
        end_with(&session, now, &mut changes);
        changes.push(FlowChange::Dropped(session.user).into());
        return refused(changes);
    }
    Decision { outcome: Ok(session), changes }
}

#[cfg(test)]
mod tests;
