//! Which refusals each operation can give. Their status codes and texts come from the one table of refusals.

use countersign_domain::{refusal::Refusal, time::Span};

use super::{credentials, devices, passwords, people, sign_in};
use crate::error::{ApiError, BodyError};

/// What an operation may be refused for.
pub fn of(path: &str, has_body: bool) -> Vec<ApiError> {
    let of_all = [ApiError::Unavailable, ApiError::Internal];
    let starts = |with| path.starts_with(with);
    let own = match path {
        "/.well-known/webauthn" => return vec![ApiError::NotFound],
        _ if starts("/.well-known/") => return Vec::new(),
        _ if starts("/realms/") => return vec![ApiError::NotFound],
        _ if starts("/oauth2/") => {
            let bodies = [BodyError::TooLarge(0), BodyError::Incomplete].map(ApiError::Body);
            return of_all.into_iter().chain(bodies).collect();
        }
        _ if starts("/v1/me/credentials") => credentials::refusals(path),
        _ if starts("/v1/devices") || starts("/v1/me/devices") || starts("/v1/me/app-passwords") => {
            devices::refusals(path)
        }
        _ if starts("/v1/me/password") => passwords::refusals_of_my_own(),
        _ if starts("/v1/me") || starts("/v1/session") => with_a_cookie(path),
        _ => with_a_key(path),
    };
    let bodies = if has_body { bodies().to_vec() } else { Vec::new() };
    of_all.into_iter().chain(bodies).chain(own).collect()
}

/// What an operation that an app calls may be refused for.
fn with_a_key(path: &str) -> Vec<ApiError> {
    use ApiError as E;
    let wait = Span::from_seconds(1);
    let invalid = |member, code| E::InvalidMember { member, code, detail: String::new() };
    let mut all =
        vec![E::KeyMissing, E::KeyMalformed(String::new()), E::KeyUnknown, E::KeyEnded, E::AppDisabled];
    let challenge = [E::OriginNotAllowed, E::Refused(Refusal::ChallengeNotFound)];
    let binding = [invalid("binding", "malformed_binding"), E::Refused(Refusal::InvalidBinding)];
    let accounts = sign_in::refusals_of_people();
    let code = [
        invalid("code", "malformed_code"),
        E::Refused(Refusal::InvalidCode { tries_left: 0 }),
        E::Refused(Refusal::ChallengeOver),
        E::Refused(Refusal::TooManyAttempts { retry_after: wait }),
    ];
    match path {
        "/v1/challenges" => all.extend(of_a_start()),
        "/v1/challenges/{id}" => all.extend(challenge),
        "/v1/challenges/{id}/verify" => {
            let all_of = challenge.into_iter().chain(binding).chain(code).chain(accounts);
            all.extend(all_of.chain([E::TooManyRequests(wait)]));
        }
        "/v1/challenges/{id}/redeem" => {
            let over = [E::Refused(Refusal::ChallengeOver), E::Refused(Refusal::NotApproved)];
            all.extend(challenge.into_iter().chain(binding).chain(over).chain(accounts));
        }
        "/v1/verify" => {
            let secret = [E::KeyKind("secret"), invalid("email", "invalid_address")];
            all.extend(challenge.into_iter().chain(code).chain(accounts).chain(secret));
        }
        _ if path.starts_with("/v1/sign-in") => {
            all.extend(sign_in::refusals(path, challenge.into_iter().chain(binding).chain(code)));
        }
        "/v1/users/{subject}" => all.extend(people::refusals_about_a_user()),
        _ if path.starts_with("/v1/password") => {
            all.extend(passwords::refusals(path, challenge.into_iter().chain(binding).chain(code)));
        }
        _ => all.push(E::InvalidToken),
    }
    all
}

/// What a start may be refused for, beside what every call with a key may be.
pub fn of_a_start() -> Vec<ApiError> {
    use ApiError as E;
    let wait = Span::from_seconds(1);
    let invalid = |member, code| E::InvalidMember { member, code, detail: String::new() };
    vec![
        E::OriginNotAllowed,
        E::KeyKind("secret"),
        invalid("to.email", "invalid_address"),
        invalid("subject", "text_not_allowed"),
        E::IdempotencyKeyReused,
        E::Refused(Refusal::ChallengeOver),
        E::Refused(Refusal::ResendTooSoon { retry_after: wait }),
        E::Refused(Refusal::TooManyMessages { retry_after: wait }),
        E::AppLimit(wait),
        E::TooManyRequests(wait),
    ]
}

/// What an operation that rides on a session's cookie may be refused for.
fn with_a_cookie(path: &str) -> Vec<ApiError> {
    let invalid = |member| ApiError::invalid(member, "");
    let mut all = vec![ApiError::Refused(Refusal::SessionOver), ApiError::OriginNotAllowed];
    match path {
        "/v1/me" => {
            let taken = ApiError::Refused(Refusal::IdentifierTaken);
            all.extend([ApiError::NotFresh, ApiError::StrongerNeeded, ApiError::AppDisabled]);
            all.extend([invalid("display_name"), taken]);
            all.push(ApiError::TooManyRequests(Span::from_seconds(1)));
        }
        "/v1/me/export" => all.extend([ApiError::NotFresh, ApiError::StrongerNeeded]),
        "/v1/me/identifiers" => all.extend(of_a_start().into_iter().chain(people::refusals_of_an_account())),
        "/v1/me/identifiers/{id}" => all.extend(people::refusals_of_an_account()),
        "/v1/me/identifiers/{id}/verify" => {
            let wait = Span::from_seconds(1);
            all.extend(people::refusals_of_an_account());
            all.extend([
                ApiError::Refused(Refusal::InvalidCode { tries_left: 0 }),
                ApiError::Refused(Refusal::InvalidBinding),
                ApiError::Refused(Refusal::ChallengeNotFound),
                ApiError::Refused(Refusal::ChallengeOver),
                ApiError::Refused(Refusal::NotApproved),
                ApiError::Refused(Refusal::TooManyAttempts { retry_after: wait }),
                ApiError::TooManyRequests(wait),
            ]);
        }
        "/v1/me/sessions" => all.push(invalid("except")),
        "/v1/me/sessions/{id}" => all.push(ApiError::NotFound),
        "/v1/me/events" => all.push(invalid("limit")),
        _ => all.push(ApiError::AppDisabled),
    }
    all
}

/// What may be wrong with a body as a whole.
pub fn bodies() -> [ApiError; 5] {
    [
        BodyError::Malformed(String::new()),
        BodyError::Incomplete,
        BodyError::TooLarge(0),
        BodyError::MediaType(""),
        BodyError::Shape(String::new()),
    ]
    .map(ApiError::Body)
}
