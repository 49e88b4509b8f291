//! What calls about passwords may be refused for.

use countersign_domain::{password::PasswordRefusal, refusal::Refusal, time::Span};

use super::refusals;
use crate::{error::ApiError, hashing::refused};

const WAIT: Span = Span::from_seconds(1);

/// What a call of an app may be refused for; `challenge` is what finishing a challenge may be.
pub(super) fn refusals(path: &str, challenge: impl Iterator<Item = ApiError>) -> Vec<ApiError> {
    let disabled = ApiError::Refused(Refusal::UserDisabled);
    let mut all = match path {
        "/v1/password/sign-in" => {
            let member = "email";
            let mut all = wrong();
            all.extend([ApiError::KeyKind("secret"), ApiError::Refused(Refusal::SignUpClosed), disabled]);
            all.push(ApiError::InvalidMember { member, code: "invalid_address", detail: String::new() });
            all.push(ApiError::invalid("username", ""));
            all
        }
        "/v1/password/reset" => {
            challenge.chain([ApiError::Refused(Refusal::NotApproved), disabled]).collect()
        }
        _ => refusals::of_a_start(),
    };
    all.extend([ApiError::OriginNotAllowed, ApiError::TooManyRequests(WAIT)]);
    if path == "/v1/password/forgotten" {
        all.push(ApiError::PasswordsOff);
    } else {
        all.extend(passwords());
    }
    all
}

/// What a person's call about their own password may be refused for.
pub(super) fn refusals_of_my_own() -> Vec<ApiError> {
    let mut all = passwords();
    all.extend(wrong());
    all.extend([ApiError::OriginNotAllowed, ApiError::Refused(Refusal::SessionOver), ApiError::NotFresh]);
    all.push(ApiError::StrongerNeeded);
    all.extend([ApiError::LastWayIn, ApiError::NotFound, ApiError::AppDisabled]);
    all
}

/// What an attempt at a password may be refused for.
pub(super) fn refusals_of_a_proof() -> Vec<ApiError> {
    wrong().into_iter().chain([ApiError::PasswordsOff, ApiError::PasswordsBusy]).collect()
}

fn passwords() -> Vec<ApiError> {
    let refusals = [
        PasswordRefusal::TooShort { least: 15 },
        PasswordRefusal::TooLong,
        PasswordRefusal::Common,
        PasswordRefusal::Contextual,
        PasswordRefusal::Breached,
    ];
    let mut all = vec![ApiError::PasswordsOff, ApiError::PasswordsBusy];
    all.extend(refusals.map(refused));
    all
}

fn wrong() -> Vec<ApiError> {
    let many = ApiError::Refused(Refusal::TooManyPasswords { retry_after: WAIT });
    vec![ApiError::Refused(Refusal::InvalidPassword), many]
}
