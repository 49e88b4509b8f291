//! Random tokens that are secrets by themselves, and the facts an access token states.

use zeroize::Zeroizing;

use crate::{
    app::AppName,
    assurance::Assurance,
    id::{SessionId, TokenId},
    random::Random,
    secret::Digest,
    subject::Subject,
    time::{Span, Timestamp},
};

/// A secret of 160 random bits as 32 characters: a binding or the token of a link.
#[derive(Clone)]
pub struct SecretToken(Zeroizing<String>);

/// Text that cannot be a [`SecretToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 characters as they were handed out")]
pub struct SecretTokenError;

const TOKEN_ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

impl SecretToken {
    /// Draws a token of 160 bits.
    pub fn draw(random: &mut dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        random.fill(&mut *bytes);
        Self(Zeroizing::new(
            bytes.iter().map(|byte| char::from(TOKEN_ALPHABET[usize::from(byte & 31)])).collect(),
        ))
    }

    /// The token that a keyed digest gives: of no less bits, and known to nobody without the key.
    #[must_use]
    pub fn from_digest(digest: &Digest) -> Self {
        let letter = |byte: &u8| char::from(TOKEN_ALPHABET[usize::from(byte & 31)]);
        Self(Zeroizing::new(digest.bytes().iter().map(letter).collect()))
    }

    /// Reads a token that was handed out before.
    ///
    /// # Errors
    /// [`SecretTokenError`] when it is not of the form that [`draw`](Self::draw) gives.
    pub fn parse(text: &str) -> Result<Self, SecretTokenError> {
        let fits = text.len() == 32 && text.bytes().all(|byte| TOKEN_ALPHABET.contains(&byte));
        if fits { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(SecretTokenError) }
    }

    /// The characters, for the one answer or mail that carries them and for digests.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretToken(…)")
    }
}

/// What an access token or a proof of an address says (RFC 9068).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `jti`.
    pub id: TokenId,
    /// `client_id`, and `aud` unless the app names another.
    pub app: AppName,
    /// `sub`.
    pub subject: Subject,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `auth_time`, `acr`, `amr`.
    pub assurance: Assurance,
}

/// What was taken back before its time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RevocationTarget {
    /// One token.
    Token(TokenId),
    /// A subject's tokens at an app.
    Subject(Subject),
    /// Every token that came from a session.
    Session(SessionId),
    /// All tokens of an app.
    App,
    /// What a holder of grants may reach, by a keyed digest of the holder: it must be read again. Tokens and sessions
    /// stay good. The app is [`AppName::any`].
    Access(Digest),
}

/// A revocation: tokens of `target` issued at or before `before` are dead wherever we are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// The app whose tokens are meant.
    pub app: AppName,
    /// Which of its tokens.
    pub target: RevocationTarget,
    /// Tokens made after this are untouched.
    pub before: Timestamp,
    /// When it was asked for.
    pub revoked_at: Timestamp,
    /// When the last token concerned is over anyway and the row may go.
    pub expires_at: Timestamp,
}

impl Revocation {
    /// How long it is known that what somebody may reach has changed: much longer than anybody remembers it.
    const ACCESS_KEPT: Span = Span::from_hours(1);

    /// What this holder of grants may reach has changed, and is to be read again.
    #[must_use]
    pub fn of_access(holder: Digest, now: Timestamp) -> Self {
        let target = RevocationTarget::Access(holder);
        Self {
            app: AppName::any(),
            target,
            before: now,
            revoked_at: now,
            expires_at: now + Self::ACCESS_KEPT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Seeded;

    #[test]
    fn p01_tokens_have_160_bits_and_are_uniform() {
        let mut random = Seeded::new(7);
        let mut counts = [0_u64; 32];
        for _ in 0..10_000 {
            for byte in SecretToken::draw(&mut random).expose().bytes() {
                counts[TOKEN_ALPHABET.iter().position(|&letter| letter == byte).unwrap()] += 1;
            }
        }
        let expected = 10_000.0;
        let chi: f64 = counts.iter().map(|&count| (count as f64 - expected).powi(2) / expected).sum();
        assert!(chi < 61.1, "chi-square {chi} for 31 degrees of freedom at p = 0.001");
    }

    #[test]
    fn only_what_was_handed_out_reads() {
        let token = SecretToken::draw(&mut Seeded::new(1));
        assert_eq!(SecretToken::parse(token.expose()).unwrap().expose(), token.expose());
        for bad in ["", "0", &token.expose().to_uppercase(), &format!("{}0", token.expose()), &"w".repeat(32)]
        {
            assert!(SecretToken::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(format!("{token:?}"), "SecretToken(…)");
    }
}
