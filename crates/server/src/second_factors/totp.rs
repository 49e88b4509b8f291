//! TOTPs of people: their sealed secrets, and whether a code is one of theirs.

use countersign_domain::{
    assurance::Method,
    credential::{Credential, CredentialKind},
    random::Random,
    second_factor::Verdict,
    secret::Secret,
    time::Timestamp,
    totp::{self, Digits, Match, TotpAlgorithm, TotpCode, Window},
};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Attempt, Proven};
use crate::{credentials, error::ApiError, keys::hotp, state::Server};

/// What is kept sealed of a TOTP.
#[derive(Clone)]
pub struct TotpSecret {
    /// The secret that the authenticator app has too.
    pub secret: Secret<Vec<u8>>,
    /// The hash that codes are made with.
    pub algorithm: TotpAlgorithm,
    /// How long codes are.
    pub digits: Digits,
}

#[derive(Deserialize, Serialize)]
struct Written {
    secret: Zeroizing<String>,
    algorithm: String,
    digits: u32,
}

impl TotpSecret {
    /// A new one.
    pub fn draw(algorithm: TotpAlgorithm, digits: Digits, random: &mut dyn Random) -> Self {
        let mut secret = vec![0; algorithm.secret_bytes()];
        random.fill(&mut secret);
        Self { secret: Secret::new(secret), algorithm, digits }
    }

    /// The secret as authenticator apps take it: base 32 without padding (RFC 4648, 6).
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(data_encoding::BASE32_NOPAD.encode(self.secret.expose()))
    }

    /// As the bytes that are sealed.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when memory fails.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, ApiError> {
        let written = Written {
            secret: self.text(),
            algorithm: self.algorithm.name().to_owned(),
            digits: self.digits.count(),
        };
        serde_json::to_vec(&written).map(Zeroizing::new).map_err(|_| ApiError::Internal)
    }

    /// From the bytes that were sealed.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when they are none of this program's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ApiError> {
        let written: Written = serde_json::from_slice(bytes).map_err(|_| ApiError::Internal)?;
        let secret = data_encoding::BASE32_NOPAD.decode(written.secret.as_bytes());
        let algorithm = TotpAlgorithm::from_name(&written.algorithm).ok_or(ApiError::Internal)?;
        let digits = Digits::from_count(written.digits).ok_or(ApiError::Internal)?;
        Ok(Self { secret: Secret::new(secret.map_err(|_| ApiError::Internal)?), algorithm, digits })
    }

    /// The secret of a credential.
    ///
    /// # Errors
    /// [`ApiError::Internal`] when it does not open.
    pub fn of(server: &Server, credential: &Credential) -> Result<Self, ApiError> {
        Self::from_bytes(credentials::open(server, credential)?.expose())
    }

    /// Which step a code is of, where `newest` is the newest step that was accepted.
    #[must_use]
    pub fn find(&self, typed: &TotpCode, newest: (i64, Window), now: Timestamp) -> Match {
        let code_of = |step| hotp(self.secret.expose(), self.algorithm, self.digits, step);
        totp::find(typed, newest, now, code_of)
    }
}

/// Decides whether `typed` is a code of one of the person's TOTPs that was not used before. All of them are looked at.
/// To be written are the counters, the credential at its version with its newest step, and an event.
///
/// # Errors
/// The store's, or [`ApiError::Internal`] when something sealed does not open.
pub async fn prove(attempt: &Attempt<'_>, typed: &str) -> Result<Proven, ApiError> {
    let (server, now, window) = (attempt.server, attempt.now, attempt.window);
    let typed = TotpCode::parse(typed).ok();
    let (mut verdict, mut found, mut lengths) = (Verdict::Wrong, None, Vec::new());
    for credential in server.store.credentials_of(attempt.user.id).await? {
        if credential.kind != CredentialKind::Totp {
            continue;
        }
        let secret = TotpSecret::of(server, &credential)?;
        lengths.push(secret.digits);
        let Some(typed) = &typed else { continue };
        match secret.find(typed, (credential.counter, window), now) {
            Match::Step(step) => {
                verdict = Verdict::Right;
                found = Some(Credential { counter: step, used_at: Some(now), ..credential });
            }
            Match::Spent if found.is_none() => verdict = Verdict::Spent,
            Match::Spent | Match::Wrong => {}
        }
    }
    attempt.settle((verdict, totp::charge(lengths, window)), found, Method::Totp).await
}
