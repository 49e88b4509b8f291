//! Refusals of the interface in words for operators. What it says in English of a member stays English, and is marked so:
//! those are sentences of whoever reads the member, with what was typed in them.

use minijinja::{Value, context};

use crate::{
    error::ApiError,
    pages::{rooms::Places, sign_in, voice::Voice},
    texts::Key,
};

/// What went wrong: what to do, and what the interface says of it where that says more; of a field of the form, which
/// one, so that it stands beside it.
pub(super) fn words(voice: &Voice, error: &ApiError, form: Option<&Places>) -> Value {
    let say = |name: &str| voice.say_named(name, &[]);
    let (field, detail) = detail(error);
    let text = match error {
        ApiError::ScopeNeeded(scope) => voice.say_named("admin.wrong_scope", &[("scope", (*scope).into())]),
        ApiError::AllRealmsNeeded => say("admin.wrong_realms"),
        ApiError::Declared => say("admin.wrong_declared"),
        ApiError::AlreadyExists(_) => say("admin.wrong_exists"),
        ApiError::InUse(_) => say("admin.wrong_in_use"),
        ApiError::AddressTaken => say("admin.wrong_address"),
        ApiError::LastWayIn => say("admin.wrong_last_way"),
        ApiError::NotFound => say("admin.wrong_gone"),
        ApiError::NotFresh => say("admin.wrong_fresh"),
        ApiError::KeyMissing | ApiError::KeyMalformed(_) | ApiError::KeyUnknown | ApiError::KeyEnded => {
            say("admin.wrong_key")
        }
        ApiError::InvalidMember { member: "confirm", .. } => say("admin.wrong_confirm"),
        ApiError::InvalidMember { .. } | ApiError::Body(_) => match plain(field) {
            Some(name) => say(name),
            None => voice.say_named("admin.wrong_field", &[("field", called(voice, field).as_str().into())]),
        },
        other => sign_in::words(voice, "", other),
    };
    let field = Some(field).filter(|field| form.is_some_and(|form| stands_beside(form, field)));
    context! { text, detail, field }
}

/// Whether the form shows what is wrong beside the field: those of settings do.
fn stands_beside(form: &Places, field: &str) -> bool {
    let is_of_settings = form.get("act").is_some_and(|act| act.starts_with("change_"));
    is_of_settings && form.keys().any(|name| name.split(':').next() == Some(field))
}

/// What there is to say of fields of which that is one thing, as on the pages of the account.
fn plain(field: &str) -> Option<&'static str> {
    match field {
        "email" | "emails" => Some("account.wrong_email"),
        "username" => Some("account.wrong_username"),
        "display_name" => Some("account.wrong_display_name"),
        _ => None,
    }
}

/// What a field is called on the page.
fn called(voice: &Voice, field: &str) -> String {
    let field = match field {
        "user" => "user_id",
        "expires_in" | "expires_in_days" => "days",
        field => field,
    };
    let labels = [format!("admin.set_{field}"), format!("admin.{field}")];
    labels.iter().find_map(|label| Key::of_name(label)).map_or_else(|| field.to_owned(), |key| voice.say(key))
}

/// The member that the interface names, and what it says of it.
fn detail(error: &ApiError) -> (&str, Option<String>) {
    match error {
        ApiError::InvalidMember { member: "confirm", .. } | ApiError::NotFound => ("", None),
        ApiError::InvalidMember { member: "settings", detail, .. } => match setting(detail) {
            Some((name, why)) => (name, Some(why.to_owned())),
            None => ("settings", error.detail()),
        },
        ApiError::InvalidMember { member, .. } if plain(member).is_some() => (member, None),
        ApiError::InvalidMember { member, .. } => (member, error.detail()),
        ApiError::InUse(_) | ApiError::Body(_) => ("", error.detail()),
        _ => ("", None),
    }
}

/// The setting of a refusal in the words of the configuration: `apps.shop.policy.start: say one`.
fn setting(detail: &str) -> Option<(&str, &str)> {
    let (place, why) = detail.split_once(": ")?;
    let is_place = place.starts_with("apps.") || place.starts_with("realms.");
    let name = place.rsplit('.').next().filter(|_| is_place)?;
    Some((name, why))
}

#[cfg(test)]
mod tests {
    use super::setting;

    #[test]
    fn a_setting_is_told_from_what_is_wrong_with_it() {
        for (detail, told) in [
            ("apps.shop.tries: 99 is not between 1 and 10", Some(("tries", "99 is not between 1 and 10"))),
            ("realms.staff.policy.start: say one: mail", Some(("start", "say one: mail"))),
            ("unknown field: banana", None),
            ("nothing", None),
        ] {
            assert_eq!(setting(detail), told, "{detail}");
        }
    }
}
