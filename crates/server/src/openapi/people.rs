//! What calls about people and what they are found by may be refused for.

use countersign_domain::refusal::Refusal;

use crate::error::ApiError;

/// What an app's server may be refused for that asks about a person.
pub(super) fn refusals_about_a_user() -> [ApiError; 4] {
    let (member, code) = ("public", "metadata_too_long");
    let too_long = ApiError::InvalidMember { member, code, detail: String::new() };
    [ApiError::OriginNotAllowed, ApiError::KeyKind("secret"), ApiError::NotFound, too_long]
}

/// What a change of what a person is found by may be refused for.
pub(super) fn refusals_of_an_account() -> Vec<ApiError> {
    let invalid = |member| ApiError::invalid(member, "");
    vec![
        ApiError::NotFresh,
        ApiError::StrongerNeeded,
        ApiError::NotFound,
        ApiError::AppDisabled,
        invalid("email"),
        ApiError::Refused(Refusal::IdentifierTaken),
        ApiError::Refused(Refusal::TooManyIdentifiers),
        ApiError::Refused(Refusal::LastWayIn),
    ]
}
