//! The range protocol of Have I Been Pwned: five of forty digits of a hash are sent, the endings of all stolen
//! passwords that begin so come back, among padding. Whom it is about is not known here, and the server learns neither
//! the password nor whether it is one of its own.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::Sha1;
use crate::outgoing::{Client, Guard, SendError, Target};

/// Digits of the hash that are sent.
const PREFIX: usize = 5;
/// Asks that every answer be about as long.
const PADDING: HeaderName = HeaderName::from_static("add-padding");
/// Most bytes of an answer. A padded one has some 40,000.
const LONGEST_ANSWER: usize = 2 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// It cannot be asked, or does not answer in time.
    #[error(transparent)]
    Send(#[from] SendError),
    /// An answer of another status. Nobody is followed elsewhere.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// An answer of another form.
    #[error("the answer does not read")]
    Form,
}

/// A server that is asked.
#[derive(Clone)]
pub struct RangeServer {
    target: Target,
    guard: Guard,
    client: Client,
}

impl std::fmt::Debug for RangeServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RangeServer").field("target", &self.target).finish_non_exhaustive()
    }
}

impl RangeServer {
    /// A server at an address such as `https://api.pwnedpasswords.com/range`; the five digits are added to its path.
    ///
    /// # Errors
    /// [`SendError::Address`] when the address does not read or may not be asked.
    pub fn new(url: &str, guard: Guard, patience: Duration) -> Result<Self, RangeError> {
        let target = guard.read(url).ok_or(SendError::Address)?;
        Ok(Self { target, guard, client: Client::new(patience)? })
    }

    /// Whether the server has a hash.
    ///
    /// # Errors
    /// [`RangeError`] when it cannot be asked or does not answer as it should, in time.
    pub(super) async fn contains(&self, hash: &Sha1) -> Result<bool, RangeError> {
        let digits = data_encoding::HEXUPPER.encode(hash);
        let (prefix, ending) = digits.split_at(PREFIX);
        let padded = HeaderMap::from_iter([(PADDING, HeaderValue::from_static("true"))]);
        let to = (self.guard, &self.target);
        match self.client.get(to, (prefix, padded), LONGEST_ANSWER).await? {
            (StatusCode::OK, answer) => find(&answer, ending),
            (status, _) => Err(RangeError::Status(status)),
        }
    }
}

/// Whether an ending is among the lines `ENDING:COUNT`. A count of 0 is padding.
fn find(answer: &[u8], ending: &str) -> Result<bool, RangeError> {
    let text = std::str::from_utf8(answer).map_err(|_| RangeError::Form)?;
    let mut found = false;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (listed, count) = line.split_once(':').ok_or(RangeError::Form)?;
        let count: u64 = count.trim().parse().map_err(|_| RangeError::Form)?;
        if listed.len() != ending.len() {
            return Err(RangeError::Form);
        }
        found |= count > 0 && listed.eq_ignore_ascii_case(ending);
    }
    Ok(found)
}
