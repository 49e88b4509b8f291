//! Coming in with an admin key, and going: the key is looked at as the interface looks at it, and is not kept.

use std::sync::Arc;

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use countersign_domain::{
    app::AppName,
    changes::{Change, Changes},
    event::{Event, EventKind},
    token::{Revocation, RevocationTarget},
};
use data_encoding::HEXLOWER;
use http::request::Parts;
use minijinja::context;

use super::{
    trouble,
    visitor::{Doors, Visitor, is_open, is_own},
};
use crate::{
    admin::operator::{Operator, authenticate},
    call::admit_page,
    config::CookieKind,
    cookie::OperatorCookie,
    error::ApiError,
    events::context as events,
    oauth2::Form,
    pages::{
        rooms::read_form,
        sign_in::{astray, foreign, mark, request_id, see_other},
        voice::Voice,
    },
    state::Server,
};

/// The first page.
const FIRST: &str = "/admin";
/// Letters of a visit's name in the log.
const VISIT_NAME: usize = 16;
/// Where a key is shown.
const SIGN_IN: &str = "/admin/sign-in";

/// The form for a key.
pub(super) async fn show(server: &Arc<Server>, doors: Doors, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if !is_open(doors, &parts) {
        return ApiError::NotFound.into_response();
    }
    if let Err(error) = admit_page(server, &parts) {
        return astray(server, &parts, error);
    }
    print(server, &parts, None)
}

fn print(server: &Arc<Server>, parts: &Parts, problem: Option<&ApiError>) -> Response {
    let voice = Voice::of_app(server, &parts.headers, "");
    let query = Form::read(parts.uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let values = context! {
        title => voice.say_named("admin.sign_in", &[]), to => query.value("to"), over => query.value("over").is_some(),
        problem => problem.map(|error| trouble::words(&voice, error, None)),
        reference => problem.map(|_| request_id(parts)),
    };
    voice.form_page("admin/sign_in.html", values, None)
}

/// Takes a key, and begins a visit.
pub(super) async fn take(server: &Arc<Server>, doors: Doors, request: Request) -> Response {
    let (parts, rest) = request.into_parts();
    if !is_open(doors, &parts) {
        return ApiError::NotFound.into_response();
    }
    if !is_own(server, doors, &parts.headers) {
        return refuse_foreign(server, &parts);
    }
    let begun = async {
        admit_page(server, &parts)?;
        let form = read_form(Request::from_parts(parts.clone(), rest)).await?;
        let text = form.value("key").unwrap_or_default().trim();
        let key = authenticate(server, &parts, text)?;
        let now = server.now();
        server.key_use.note_admin(&key, now);
        let cookie = OperatorCookie::begin(key.id, now, &mut *server.random());
        let operator = Operator::Key(key);
        events::note_actor(operator.actor());
        // Written before the visit begins.
        let begun = told(server, EventKind::AdminVisitStarted, (&operator, &cookie));
        server.commit(Changes(vec![begun.into()])).await?;
        let cookie = cookie.set(&server.config.load().cookies, &server.keys);
        Ok((cookie, way(form.value("to"))))
    };
    match begun.await {
        Ok((cookie, to)) => see_other(&to, cookie),
        Err(error) => mark(print(server, &parts, Some(&error)), error),
    }
}

/// Where to go on: a page of the administration.
fn way(asked: Option<&str>) -> String {
    let is_ours = |path: &&str| {
        let rest = path.strip_prefix(FIRST).unwrap_or("?");
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
        (rest.is_empty() || rest.starts_with('/')) && rest.bytes().all(is_plain) && !path.starts_with(SIGN_IN)
    };
    asked.filter(is_ours).unwrap_or(FIRST).to_owned()
}

/// Ends a visit, everywhere and at once.
pub(super) async fn leave(server: &Arc<Server>, doors: Doors, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if !is_own(server, doors, &parts.headers) {
        return refuse_foreign(server, &parts);
    }
    let visitor = match Visitor::of(server, doors, &parts).await {
        Ok(visitor) => visitor,
        Err(response) => return *response,
    };
    if !visitor.has_key {
        return see_other("/sign-out", None);
    }
    let settings = server.config.load().cookies.clone();
    if let Some(cookie) = OperatorCookie::of(&parts.headers, &settings, &server.keys)
        && let Err(error) = end(server, (visitor.vouched.operator(), &cookie)).await
    {
        return astray(server, &parts, error);
    }
    see_other(&format!("{SIGN_IN}?over=yes"), settings.clear(CookieKind::Operator))
}

async fn end(server: &Arc<Server>, (operator, cookie): (&Operator, &OperatorCookie)) -> Result<(), ApiError> {
    let now = server.now();
    let over = Revocation {
        app: AppName::any(),
        target: RevocationTarget::Access(server.keys.operator_visit(&cookie.visit)),
        before: now,
        revoked_at: now,
        expires_at: cookie.ends_at(),
    };
    let told = told(server, EventKind::AdminVisitEnded, (operator, cookie));
    Ok(server.commit(Changes(vec![Change::Revocation(over), told.into()])).await?)
}

/// What the log says of a visit: by which key is said by the actor. Its name there opens nothing.
fn told(server: &Server, kind: EventKind, (operator, cookie): (&Operator, &OperatorCookie)) -> Event {
    let name = server.keys.operator_visit(&cookie.visit);
    let name: String = HEXLOWER.encode(name.bytes()).chars().take(VISIT_NAME).collect();
    let event = Event::new(kind).on(&name);
    match operator.realm() {
        Some(realm) => event.within(realm),
        None => event,
    }
}

/// The page for whoever was sent here by a page of another site.
pub(super) fn refuse_foreign(server: &Arc<Server>, parts: &Parts) -> Response {
    let voice = Voice::of_app(server, &parts.headers, "");
    foreign(&voice, &request_id(parts), ApiError::OriginNotAllowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p37_a_key_leads_to_pages_of_the_administration_alone() {
        for (asked, to) in [
            (None, "/admin"),
            (Some("/admin"), "/admin"),
            (Some("/admin/people/usr_1"), "/admin/people/usr_1"),
            (Some("/administrator"), "/admin"),
            (Some("/admin/sign-in"), "/admin"),
            (Some("/admin//evil.example"), "/admin//evil.example"),
            (Some("//evil.example"), "/admin"),
            (Some("https://evil.example"), "/admin"),
            (Some("/admin/\r\nset-cookie: a"), "/admin"),
            (Some("/admin/?x"), "/admin"),
        ] {
            assert_eq!(way(asked), to, "{asked:?}");
        }
    }
}
