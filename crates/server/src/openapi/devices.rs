//! What calls about registered devices may be refused for.

use countersign_domain::{refusal::Refusal, time::Span};

use crate::error::ApiError;

/// What such a call may be refused for.
pub(super) fn refusals(path: &str) -> Vec<ApiError> {
    let invalid = |member, code| ApiError::InvalidMember { member, code, detail: String::new() };
    let wait = ApiError::TooManyRequests(Span::from_seconds(1));
    let mut all = vec![ApiError::Refused(Refusal::SessionOver), ApiError::OriginNotAllowed, wait];
    match path {
        "/v1/devices" => all.extend([
            ApiError::RegistrationRefused,
            ApiError::MoreNeeded(Box::default()),
            ApiError::KeyMalformed(String::new()),
            ApiError::KeyUnknown,
            ApiError::KeyEnded,
            ApiError::KeyKind("publishable"),
            ApiError::AppDisabled,
            ApiError::NotFresh,
            ApiError::StrongerNeeded,
            ApiError::invalid("totp", ""),
            invalid("email", "invalid_address"),
            invalid("binding", "malformed_binding"),
            invalid("code", "malformed_code"),
        ]),
        "/v1/me/devices/{id}" => all.extend([ApiError::NotFound, ApiError::invalid("label", "")]),
        "/v1/me/app-passwords" => all.extend([
            ApiError::NotFresh,
            ApiError::StrongerNeeded,
            ApiError::AppDisabled,
            ApiError::TooManyCredentials,
            ApiError::invalid("apps", ""),
        ]),
        "/v1/me/app-passwords/{id}" => all.push(ApiError::NotFound),
        _ => {}
    }
    all
}
