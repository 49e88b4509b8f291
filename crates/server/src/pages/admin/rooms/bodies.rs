//! Bodies of questions whose members are not the fields of a form.

use serde_json::{Map, Value as Json, json};

use crate::{error::ApiError, oauth2::Form};

/// Seconds of a day.
const DAY: i64 = 86_400;

fn words(form: &Form, name: &str) -> Vec<String> {
    let text = form.value(name).unwrap_or_default();
    text.split([' ', ',', '\n', '\r']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn number(form: &Form, name: &'static str) -> Result<Option<i64>, ApiError> {
    let read = |text: &str| text.trim().parse().map_err(|_| ApiError::invalid(name, "expected a number"));
    form.value(name).map(read).transpose()
}

/// The fields of these names that are not empty.
fn given(form: &Form, names: &[&str]) -> Map<String, Json> {
    let of = |name: &&str| Some(((*name).to_owned(), Json::from(form.value(name)?)));
    names.iter().filter_map(of).collect()
}

pub(super) fn enabled(_: &Form) -> Result<Json, ApiError> {
    Ok(json!({"status": "active"}))
}

pub(super) fn disabled(_: &Form) -> Result<Json, ApiError> {
    Ok(json!({"status": "disabled"}))
}

/// Somebody new.
pub(super) fn person(form: &Form) -> Result<Json, ApiError> {
    let mut body = given(form, &["realm", "display_name", "locale", "role"]);
    let email = form.value("email").unwrap_or_default();
    body.insert(
        "emails".to_owned(),
        json!([{"address": email, "verified": form.value("verified").is_some()}]),
    );
    body.insert("groups".to_owned(), words(form, "groups").into());
    Ok(body.into())
}

/// A role, and all groups.
pub(super) fn membership(form: &Form) -> Result<Json, ApiError> {
    let mut body = given(form, &["role"]);
    body.insert("groups".to_owned(), words(form, "groups").into());
    Ok(body.into())
}

/// A grant, for so many days.
pub(super) fn grant(form: &Form) -> Result<Json, ApiError> {
    let mut body = given(form, &["user", "group", "app", "app_group", "realm"]);
    body.insert("scopes".to_owned(), words(form, "scopes").into());
    if let Some(days) = number(form, "days")? {
        body.insert("expires_in".to_owned(), days.saturating_mul(DAY).into());
    }
    Ok(body.into())
}

/// An invitation, for so many days.
pub(super) fn invitation(form: &Form) -> Result<Json, ApiError> {
    let mut body = given(form, &["app", "email", "link", "locale"]);
    if let Some(days) = number(form, "days")? {
        body.insert("expires_in".to_owned(), days.saturating_mul(DAY).into());
    }
    Ok(body.into())
}

/// A new app.
pub(super) fn app(form: &Form) -> Result<Json, ApiError> {
    let mut body = given(form, &["name", "title", "realm", "accounts"]);
    body.insert("origins".to_owned(), words(form, "origins").into());
    Ok(body.into())
}

/// What an app is called and where its pages are.
pub(super) fn app_basics(form: &Form) -> Result<Json, ApiError> {
    Ok(json!({"title": form.value("title"), "origins": words(form, "origins")}))
}

/// All tokens of the app of the page.
pub(super) fn app_tokens(form: &Form) -> Result<Json, ApiError> {
    Ok(given(form, &["app"]).into())
}

/// The end of a shared secret, or of a signing key.
pub(super) fn replacement(form: &Form) -> Result<Json, ApiError> {
    let mut body = given(form, &["algorithm"]);
    if let Some(seconds) = number(form, "accept_seconds")? {
        body.insert("accept_seconds".to_owned(), seconds.into());
    }
    Ok(body.into())
}
