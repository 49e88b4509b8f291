//! Refusals in words for the person who reads the page: what went wrong and what to do. It decides nothing.

use countersign_domain::{refusal::Refusal, time::Span};

use crate::{error::ApiError, pages::voice::Voice, texts::Key};

/// What a refusal says on the page.
pub(in crate::pages) fn words(voice: &Voice, step: &str, error: &ApiError) -> String {
    let key = match error {
        ApiError::Refused(Refusal::TooManyAttempts { retry_after })
        | ApiError::Refused(Refusal::TooManyPasswords { retry_after })
        | ApiError::Refused(Refusal::TooManyProofs { retry_after })
        | ApiError::Refused(Refusal::TooManyMessages { retry_after }) => {
            return voice.say_count(Key::WrongTooMany, minutes(*retry_after));
        }
        ApiError::Refused(Refusal::ResendTooSoon { retry_after }) => {
            return voice.say_count(Key::WrongTooSoon, seconds(*retry_after));
        }
        ApiError::Refused(refusal) => refusal_key(*refusal, step),
        ApiError::InvalidMember { member, .. } => member_key(member, step),
        ApiError::Body(_) => Key::WrongTrouble,
        ApiError::TooManyRequests(_) | ApiError::AppLimit(_) => Key::WrongLater,
        ApiError::OriginNotAllowed => Key::PageForeignText,
        ApiError::AppDisabled => Key::WrongDisabled,
        ApiError::RegistrationRefused => Key::WrongRegistration,
        ApiError::NotFresh | ApiError::StrongerNeeded => Key::WrongNotFresh,
        _ => Key::WrongTrouble,
    };
    voice.say(key)
}

fn refusal_key(refusal: Refusal, step: &str) -> Key {
    match refusal {
        Refusal::InvalidCode { .. } => wrong_code(step),
        Refusal::InvalidPassword => Key::WrongPassword,
        Refusal::InvalidPasskey | Refusal::CeremonyOver => Key::WrongPasskey,
        Refusal::SignInOver | Refusal::SessionOver => Key::WrongOver,
        Refusal::ChallengeOver | Refusal::ChallengeNotFound | Refusal::InvalidBinding => Key::WrongMailOver,
        Refusal::NotApproved => Key::WrongNotConfirmed,
        Refusal::SignUpClosed => Key::WrongClosed,
        Refusal::UserDisabled => Key::WrongDisabled,
        Refusal::UserErasing => Key::WrongErasing,
        Refusal::MethodNotOffered => Key::WrongNotOffered,
        _ => Key::WrongTrouble,
    }
}

/// A form that was filled in with what does not even read.
fn member_key(member: &str, step: &str) -> Key {
    match (member, step) {
        ("email" | "username", _) => Key::WrongName,
        ("code", _) => wrong_code(step),
        ("password", _) => Key::WrongPassword,
        ("credential", _) => Key::WrongPasskey,
        _ => Key::WrongTrouble,
    }
}

fn wrong_code(step: &str) -> Key {
    match step {
        "totp" | "new_totp" => Key::WrongTotp,
        "recovery_code" => Key::WrongRecovery,
        _ => Key::WrongCode,
    }
}

fn seconds(span: Span) -> u64 {
    u64::try_from(span.seconds_up()).unwrap_or_default().max(1)
}

fn minutes(span: Span) -> u64 {
    seconds(span).div_ceil(60)
}
