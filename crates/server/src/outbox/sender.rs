//! The one thing that every way out has in common: it takes a mail and says whether it left, may leave later, or
//! never will. Knows no protocol; its reasons are a closed list in which no address can hide.

use futures_util::future::BoxFuture;

use super::mail::Mail;

/// A way for mails to leave.
pub trait Sender: Send + Sync {
    /// The sender's name in logs and metrics.
    fn name(&self) -> &'static str;

    /// Hands a mail over, once. A lost connection may leave it unknown whether the mail was taken; it is then
    /// reported as [`SendError::Later`], for a mail that comes twice is better than one that never comes.
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>>;

    /// Whether mails could leave now: what a readiness check and a first start ask.
    fn check(&self) -> BoxFuture<'_, Result<(), SendError>>;
}

/// Why a mail did not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SendError {
    /// It may leave later.
    #[error("not now: {0}")]
    Later(Reason),
    /// It will never leave: every server refuses this recipient or this mail for good.
    #[error("never: {0}")]
    Never(Reason),
}

impl SendError {
    /// The reason, whether for now or for good.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Later(reason) | Self::Never(reason) => reason,
        }
    }
}

/// What went wrong, without anything that a server or a caller said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Reason {
    /// No server could be reached, or its name is not known.
    #[error("no connection")]
    Connect,
    /// It took too long.
    #[error("timed out")]
    Timeout,
    /// All connections were in use for too long.
    #[error("all connections busy")]
    Busy,
    /// No encryption where it is required, or a certificate that does not hold.
    #[error("TLS failed")]
    Tls,
    /// The server does not take our name and password, or wants one.
    #[error("authentication refused")]
    Authentication,
    /// The connection broke.
    #[error("connection lost")]
    Lost,
    /// The server spoke something else than its protocol.
    #[error("protocol error")]
    Protocol,
    /// The server, or a program by its exit code, asks to try again later.
    #[error("deferred with code {0}")]
    Deferred(u16),
    /// The server, or a program by its exit code, refuses.
    #[error("rejected with code {0}")]
    Rejected(u16),
    /// A file or a program of this machine did not do its part.
    #[error("local failure")]
    Local,
}
