//! What a caller may be told when the answer is no. A closed list: nothing else ever leaves the rules.

use crate::time::Span;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The code is not the one that was mailed.
    #[error("the code is wrong")]
    InvalidCode {
        /// How many more this challenge survives.
        tries_left: u32,
    },
    /// The binding is not the one that the start handed out.
    #[error("the binding does not belong to this challenge")]
    InvalidBinding,
    /// The number typed on the link's page is not the one that the asking page shows.
    #[error("the number is wrong")]
    InvalidNumber {
        /// How many more this link survives.
        tries_left: u32,
    },
    /// No such challenge at this app.
    #[error("there is no such challenge")]
    ChallengeNotFound,
    /// Spent, failed, replaced or expired.
    #[error("the challenge is over")]
    ChallengeOver,
    /// Nobody has pressed the link's button yet.
    #[error("the link has not been approved yet")]
    NotApproved,
    /// No live session: ended, idle for too long, too old, or its refresh token was used before.
    #[error("the session is over: sign in again")]
    SessionOver,
    /// The person has no account, and the app lets no strangers in.
    #[error("this app takes no new people")]
    SignUpClosed,
    /// The person's account was switched off.
    #[error("the account is switched off")]
    UserDisabled,
    /// This person's wrong codes are used up: only links are mailed until then.
    #[error("too many wrong codes")]
    TooManyAttempts {
        /// When codes come back.
        retry_after: Span,
    },
    /// The last message to this person was sent too recently.
    #[error("a message was sent a moment ago")]
    ResendTooSoon {
        /// When the next may be asked for.
        retry_after: Span,
    },
    /// Enough messages to this person for now.
    #[error("too many messages to this address")]
    TooManyMessages {
        /// When the next may be asked for.
        retry_after: Span,
    },

    /// Somebody else in the realm has it.
    #[error("somebody else has it")]
    IdentifierTaken,
    /// The person has as many as there may be.
    #[error("a person has 20 addresses, numbers and names at most")]
    TooManyIdentifiers,
    /// Without it the person could not come back.
    #[error("it is the last way in: add another one first")]
    LastWayIn,
    /// The account is about to be erased.
    #[error(
        "the account will be erased: the mail that was just sent says until when it can be kept, and how"
    )]
    UserErasing,
    /// Nobody has this name with this password: which of the two is wrong is not told.
    #[error("the name or the password is wrong")]
    InvalidPassword,
    /// The wrong passwords at this person are used up: they sign in with a mailed code until then.
    #[error("too many wrong passwords")]
    TooManyPasswords {
        /// When passwords come back.
        retry_after: Span,
    },

    /// The sign-in that was under way is over, or never was, or is somebody else's.
    #[error("the sign-in is over: begin again")]
    SignInOver,
    /// What was proven is nothing that this sign-in wants now.
    #[error("this is not asked for: see what may come next")]
    MethodNotOffered,

    /// The wrong attempts at this person's second factors are used up.
    #[error("too many wrong codes")]
    TooManyProofs {
        /// When the next may be made.
        retry_after: Span,
    },

    /// What an authenticator answered is not accepted.
    #[error("the passkey or security key is not accepted")]
    InvalidPasskey,
    /// The question to the authenticator was answered, is of another sign-in, or is older than five minutes.
    #[error("the question was answered or is too old: ask for another one")]
    CeremonyOver,
}
