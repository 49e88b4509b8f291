//! Bodies of questions whose members are not the fields of a form.

use serde_json::{Map, Value as Json, json};

use crate::{
    error::ApiError,
    oauth2::Form,
    pages::rooms::{self, ticked},
};

/// Seconds of a day.
const DAY: i64 = 86_400;

fn words(form: &Form, name: &str) -> Vec<String> {
    rooms::words(form.value(name).unwrap_or_default())
}

fn number(form: &Form, name: &'static str) -> Result<Option<i64>, ApiError> {
    form.value(name).map(|text| rooms::number(name, text)).transpose()
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

/// Who may sign in to an app, and with what.
pub(super) fn app_sign_in(form: &Form) -> Result<Json, ApiError> {
    let mut body = given(form, &["sign_up"]);
    body.insert("sign_up_domains".to_owned(), words(form, "sign_up_domains").into());
    body.insert("policy".to_owned(), policy(form)?);
    Ok(body.into())
}

/// What the sign-ins of a realm take, and what its people have.
pub(super) fn realm_sign_in(form: &Form) -> Result<Json, ApiError> {
    Ok(json!({
        "passwords": form.value("passwords"), "policy": policy(form)?,
        "new_device_mail": yes_or_no(form, "new_device_mail")?,
        "admins_hold_every_app": yes_or_no(form, "admins_hold_every_app")?,
    }))
}

/// A whole policy: what nothing is said of is as elsewhere.
fn policy(form: &Form) -> Result<Json, ApiError> {
    let start: Vec<&str> = ticked(form, "start").collect();
    Ok(json!({
        "start": if start.is_empty() { Json::Null } else { start.into() },
        "least": form.value("least"), "trusted_device_days": number(form, "trusted_device_days")?,
    }))
}

fn yes_or_no(form: &Form, name: &'static str) -> Result<Option<bool>, ApiError> {
    let read = |text: &str| text.parse().map_err(|_| ApiError::invalid(name, "expected true or false"));
    form.value(name).map(read).transpose()
}

/// All tokens of the app of the page.
pub(super) fn app_tokens(form: &Form) -> Result<Json, ApiError> {
    Ok(given(form, &["app"]).into())
}

/// The end of a shared secret, or of a signing key.
pub(super) fn replacement(form: &Form) -> Result<Json, ApiError> {
    let mut body = given(form, &["algorithm", "realm"]);
    if let Some(seconds) = number(form, "accept_seconds")? {
        body.insert("accept_seconds".to_owned(), seconds.into());
    }
    Ok(body.into())
}
