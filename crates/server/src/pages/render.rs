//! Pages from templates: compiled in, escaped, with headers that let nothing in from elsewhere.

use std::sync::OnceLock;

use axum::response::{Html, IntoResponse as _, Response};
use http::{HeaderName, HeaderValue};
use minijinja::{Environment, Value};

use super::assets;
use crate::error::ApiError;

/// What a page for everybody may do: show our style and send its form to us.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// What a page of `dev` may do besides: run our scripts, which ask us, and show a mail in a frame.
const SCRIPTED_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                               form-action 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'";

macro_rules! sources {
    ($($name:literal,)*) => {
        [$(($name, include_str!(concat!("../templates/pages/", $name))),)*]
    };
}

/// The templates that come with the program.
pub(super) const SOURCES: &[(&str, &str)] = &sources![
    "layout.html",
    "link.html",
    "undo.html",
    "message.html",
    "demo.html",
    "inbox.html",
    "sign_in.html",
    "device.html",
    "sign_out.html",
    "docs.html",
    "shell.html",
    "scopes.html",
    "account/ui.html",
    "account/you.html",
    "account/security.html",
    "account/devices.html",
    "account/apps.html",
    "account/history.html",
    "account/data.html",
    "admin/frame.html",
    "admin/ui.html",
    "admin/set.html",
    "admin/choose.html",
    "admin/sign_in.html",
    "admin/overview.html",
    "admin/people.html",
    "admin/person.html",
    "admin/grants.html",
    "admin/invitations.html",
    "admin/apps.html",
    "admin/app.html",
    "admin/realms.html",
    "admin/realm.html",
    "admin/events.html",
    "admin/messages.html",
    "admin/keys.html",
    "admin/health.html",
];

/// Own templates, where an operator has some.
pub(super) type Own<'a> = Option<&'a Environment<'static>>;

/// A page without scripts as a response. Nobody may cache or frame it, and it tells no other site where the person came from.
#[must_use]
pub(super) fn page(own: Own<'_>, template: &str, values: &Value) -> Response {
    print(own, template, values, POLICY)
}

/// A page that nobody but us draws.
#[must_use]
pub(super) fn built_in_page(template: &str, values: &Value) -> Response {
    print(None, template, values, POLICY)
}

/// The same for a page that runs a script of ours.
#[must_use]
pub fn scripted_page(template: &str, values: &Value) -> Response {
    print(None, template, values, SCRIPTED_POLICY)
}

/// The same for a page of ours whose forms lead, at last, to an app's own page. Browsers name the page to us with what
/// its forms send, and to nobody else.
#[must_use]
pub(super) fn form_page(own: Own<'_>, template: &str, values: &Value, leads_to: Option<&str>) -> Response {
    let mut response = print(own, template, values, POLICY);
    let leads_to = leads_to.unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; \
         form-action 'self' {leads_to}; frame-ancestors 'none'; base-uri 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let Ok(policy) = HeaderValue::from_str(&policy) else { return ApiError::Internal.into_response() };
    response.headers_mut().insert(http::header::CONTENT_SECURITY_POLICY, policy);
    response.headers_mut().insert(http::header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// What every answer to a browser's visit says: nobody may keep it, and no other site learns where the person came from.
pub(super) fn dress(response: &mut Response) {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
    ] {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

fn print(own: Own<'_>, template: &str, values: &Value, policy: &'static str) -> Response {
    let mut response = match printed(own, template, values) {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, template, "a page cannot be printed");
            return ApiError::Internal.into_response();
        }
    };
    dress(&mut response);
    response.headers_mut().insert(http::header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}

/// As the operator draws it; if that fails, as we do.
fn printed(own: Own<'_>, template: &str, values: &Value) -> Result<String, minijinja::Error> {
    let from = |templates: &Environment<'_>| templates.get_template(template)?.render(values.clone());
    if let Some(own) = own {
        match from(own) {
            Ok(html) => return Ok(html),
            Err(error) => {
                tracing::error!(%error, template, "an own page cannot be printed: it is printed as ours")
            }
        }
    }
    from(templates()?)
}

fn templates() -> Result<&'static Environment<'static>, minijinja::Error> {
    static TEMPLATES: OnceLock<Environment<'static>> = OnceLock::new();
    if let Some(templates) = TEMPLATES.get() {
        return Ok(templates);
    }
    let templates = environment()?;
    Ok(TEMPLATES.get_or_init(|| templates))
}

/// Our templates, and what they call.
///
/// # Errors
/// If one was damaged before the program was built, which tests rule out.
pub(super) fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut templates = Environment::new();
    templates.add_global("assets", Value::from_pairs(assets::paths()));
    templates.add_filter("day", day);
    templates.add_filter("when", when);
    for &(name, source) in SOURCES {
        templates.add_template(name, source)?;
    }
    Ok(templates)
}

/// The day of an RFC 3339 time.
pub(super) fn day(time: &str) -> String {
    time.split('T').next().unwrap_or_default().to_owned()
}

/// An RFC 3339 time, to the minute.
fn when(time: &str) -> String {
    let minute = time.rsplit_once(':').map_or(time, |(minute, _)| minute);
    format!("{} UTC", minute.replace('T', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p08_pages_load_nothing_from_elsewhere() {
        for (name, source) in SOURCES {
            for place in ["src=\"", "href=\"", "action=\"", "url("] {
                for found in source.split(place).skip(1) {
                    let own = found.starts_with('/') && !found.starts_with("//")
                        || found.starts_with('#')
                        || found.starts_with("{{ assets[")
                        || found.starts_with("{{ mail.link }}")
                        || found.starts_with("{{ logo }}")
                        || found.starts_with("{{ style }}")
                        || found.starts_with("{{ item.href }}")
                        || found.starts_with("{{ fresh }}")
                        || found.starts_with("{{ one.sign_in }}")
                        || found.starts_with("{{ here }}")
                        || found.starts_with("{{ item.href }}")
                        || found.starts_with("{{ sign_in }}")
                        || found.starts_with("{% if at_app %}/.countersign{% endif %}{{ assets[");
                    assert!(own, "{name}: {place}{}", &found[..found.len().min(40)]);
                }
            }
        }
        for style in [
            include_str!("../static/style.css"),
            include_str!("../static/docs.css"),
            include_str!("../static/admin.css"),
        ] {
            assert!(!style.contains("url(") && !style.contains("@import"));
        }
    }

    #[test]
    fn pages_name_their_style_with_its_digest() {
        let environment = templates().unwrap();
        let printed =
            environment.get_template("message.html").unwrap().render(minijinja::context! {}).unwrap();
        let (_, style) = assets::paths().find(|(name, _)| name == "style.css").unwrap();
        let named = format!("<link rel=\"stylesheet\" href=\"{}\">", style.replace('/', "&#x2f;"));
        assert!(printed.contains(&named), "{printed}");
    }

    #[test]
    fn p09_code_fields_take_one_time_codes_and_pastes() {
        let demo = include_str!("../templates/pages/demo.html");
        assert!(demo.contains("autocomplete=\"one-time-code\"") && demo.contains("inputmode=\"numeric\""));
        assert!(!demo.contains("maxlength=\"1\"") && !include_str!("../static/demo.js").contains("paste"));
    }

    #[test]
    fn what_people_wrote_is_escaped() {
        let values =
            minijinja::context! { lang => "en", title => "<script>alert(1)</script>", text => "\"'&" };
        let environment = templates().unwrap();
        let printed = environment.get_template("message.html").unwrap().render(values).unwrap();
        assert!(!printed.contains("<script>") && printed.contains("&lt;script&gt;"), "{printed}");
    }
}
