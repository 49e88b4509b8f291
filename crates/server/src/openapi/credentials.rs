//! What a person's calls about what they sign in with may be refused for.

use countersign_domain::{refusal::Refusal, time::Span};

use crate::error::ApiError;

/// What such a call may be refused for.
pub(super) fn refusals(path: &str) -> Vec<ApiError> {
    let mut all =
        vec![ApiError::Refused(Refusal::SessionOver), ApiError::OriginNotAllowed, ApiError::AppDisabled];
    let changes = [ApiError::NotFresh, ApiError::StrongerNeeded];
    match path {
        "/v1/me/credentials" => {}
        "/v1/me/credentials/{id}" => {
            all.extend(changes);
            all.extend([ApiError::NotFound, ApiError::LastWayIn, ApiError::invalid("label", "")]);
        }
        "/v1/me/credentials/recovery-codes" => {
            all.extend(changes);
            all.extend([ApiError::NoFactor, ApiError::invalid("end_other_sessions", "")]);
        }
        "/v1/me/credentials/signal" => all.push(ApiError::PasskeysOff),
        "/v1/me/credentials/passkey" | "/v1/me/credentials/passkey/options" => {
            all.extend(changes);
            all.extend([ApiError::TooManyCredentials, ApiError::PasskeysOff]);
        }
        _ => {
            all.extend(changes);
            all.push(ApiError::TooManyCredentials);
            all.push(ApiError::TooManyRequests(Span::from_seconds(1)));
        }
    }
    if path == "/v1/me/credentials/passkey" {
        let (member, code) = ("response", "passkey_not_accepted");
        all.push(ApiError::InvalidMember { member, code, detail: String::new() });
        all.push(ApiError::Refused(Refusal::CeremonyOver));
        all.push(ApiError::invalid("label", ""));
    }
    if path == "/v1/me/credentials/passkey/options" {
        all.push(ApiError::invalid("conditional", ""));
        all.push(ApiError::TooManyRequests(Span::from_seconds(1)));
    }
    if path == "/v1/me/credentials/totp" {
        all.push(ApiError::Refused(Refusal::InvalidCode { tries_left: 0 }));
        all.push(ApiError::Refused(Refusal::ChallengeOver));
        all.push(ApiError::invalid("label", ""));
    }
    all
}
