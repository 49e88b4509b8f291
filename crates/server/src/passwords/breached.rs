//! Passwords that were stolen elsewhere: asked of a range server that learns five characters of a hash, or of a filter
//! on this machine. It knows no people and does not decide what an unanswered question means for one.

mod build;
mod filter;
mod range;

use std::sync::Arc;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use countersign_domain::password::Password;

pub use self::{
    build::{BuildError, Built, build_filter},
    filter::{Filter, FilterError},
    range::{RangeError, RangeServer},
};
pub use crate::outgoing::Guard;

/// The SHA-1 of a password: what collections of stolen passwords are kept and asked for by. No secret is kept as this.
type Sha1 = [u8; 20];

/// Where stolen passwords are looked for.
#[derive(Debug)]
pub enum Breaches {
    /// Nowhere.
    Unasked,
    /// In a file on this machine.
    Filter(Arc<Filter>),
    /// At a server that speaks the range protocol of Have I Been Pwned.
    Range {
        /// The server.
        server: RangeServer,
        /// Whether a password is taken when the server does not answer.
        is_open: bool,
    },
}

/// Nobody could say, and without an answer no password is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("whether this password was stolen cannot be found out just now")]
pub struct Unanswered;

impl Breaches {
    /// Whether a password was stolen elsewhere.
    ///
    /// # Errors
    /// [`Unanswered`], where an unanswered question must not let a password pass.
    pub async fn contain(&self, password: &Password) -> Result<bool, Unanswered> {
        let hash = sha1(password.expose());
        match self {
            Self::Unasked => Ok(false),
            Self::Filter(filter) => {
                let filter = Arc::clone(filter);
                let found = tokio::task::spawn_blocking(move || filter.contains(&hash)).await;
                match found {
                    Ok(Ok(found)) => Ok(found),
                    Ok(Err(error)) => {
                        tracing::error!(%error, "the filter of stolen passwords does not read");
                        Err(Unanswered)
                    }
                    Err(_) => Err(Unanswered),
                }
            }
            Self::Range { server, is_open } => server.contains(&hash).await.or_else(|error| {
                tracing::warn!(%error, is_open, "the range server of stolen passwords did not answer");
                if *is_open { Ok(false) } else { Err(Unanswered) }
            }),
        }
    }
}

fn sha1(text: &str) -> Sha1 {
    let mut hash = [0; 20];
    hash.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()).as_ref());
    hash
}
