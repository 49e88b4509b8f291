//! What a step of a sign-in may be refused for.

use countersign_domain::{refusal::Refusal, time::Span};

use super::{passwords, refusals};
use crate::error::ApiError;

/// What any proof may be refused for where the app has accounts.
pub(super) fn refusals_of_people() -> Vec<ApiError> {
    let refusals = [
        Refusal::SignUpClosed,
        Refusal::UserDisabled,
        Refusal::UserErasing,
        Refusal::SignInOver,
        Refusal::MethodNotOffered,
    ];
    let more = ApiError::MoreNeeded(Box::default());
    refusals.map(ApiError::Refused).into_iter().chain([more]).collect()
}

/// What the beginning of a sign-in, or a step, may be refused for beside what every call with a key may be.
pub(super) fn refusals(path: &str, of_mails: impl Iterator<Item = ApiError>) -> Vec<ApiError> {
    let invalid = |member| ApiError::invalid(member, "");
    let wait = Span::from_seconds(1);
    let mut all =
        vec![ApiError::OriginNotAllowed, ApiError::KeyKind("secret"), ApiError::TooManyRequests(wait)];
    if path == "/v1/sign-in" {
        all.extend(["app", "email", "acr_values", "max_age", "step_up"].map(invalid));
        all.push(ApiError::Refused(Refusal::SessionOver));
        return all;
    }
    all.extend(refusals_of_people());
    all.extend(of_mails.chain(refusals::of_a_start()));
    all.extend(passwords::refusals_of_a_proof());
    all.push(ApiError::PasskeysOff);
    all.push(invalid("label"));
    let of_factors = [Refusal::NotApproved, Refusal::InvalidPasskey, Refusal::CeremonyOver];
    all.extend(of_factors.map(ApiError::Refused));
    all
}
