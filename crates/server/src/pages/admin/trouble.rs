//! Refusals of the interface in words for operators. What it says in English of a member stays English, and is marked so.

use minijinja::{Value, context};

use crate::{
    error::ApiError,
    pages::{sign_in, voice::Voice},
};

/// What went wrong: what to do, and what the interface says of it where that says more.
pub(super) fn words(voice: &Voice, error: &ApiError) -> Value {
    let say = |name: &str| voice.say_named(name, &[]);
    let text = match error {
        ApiError::ScopeNeeded(scope) => voice.say_named("admin.wrong_scope", &[("scope", scope)]),
        ApiError::AllRealmsNeeded => say("admin.wrong_realms"),
        ApiError::Declared => say("admin.wrong_declared"),
        ApiError::AlreadyExists(_) => say("admin.wrong_exists"),
        ApiError::InUse(_) => say("admin.wrong_in_use"),
        ApiError::AddressTaken => say("admin.wrong_address"),
        ApiError::LastWayIn => say("admin.wrong_last_way"),
        ApiError::NotFound => say("admin.wrong_gone"),
        ApiError::KeyMissing | ApiError::KeyMalformed(_) | ApiError::KeyUnknown | ApiError::KeyEnded => {
            say("admin.wrong_key")
        }
        ApiError::InvalidMember { member: "confirm", .. } => say("admin.wrong_confirm"),
        ApiError::InvalidMember { member, .. } => voice.say_named("admin.wrong_field", &[("field", member)]),
        ApiError::Body(_) => voice.say_named("admin.wrong_field", &[("field", "")]),
        other => sign_in::words(voice, "", other),
    };
    let detail = match error {
        ApiError::InvalidMember { member: "confirm", .. } | ApiError::NotFound => None,
        ApiError::InvalidMember { .. } | ApiError::InUse(_) | ApiError::Body(_) => error.detail(),
        _ => None,
    };
    context! { text, detail }
}
