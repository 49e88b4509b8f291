//! `/account`: a person's own account, as pages. Each is made of answers of `/v1/me`, and each form asks it; there are no
//! rules here. What takes a fresh sign-in leads to one and back.

mod rooms;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::get,
};
use countersign_domain::{
    app::{App, AppName},
    event::Actor,
    refusal::Refusal,
    session::Session,
};
use http::request::Parts;
use minijinja::{
    Value, context,
    value::{Serde, merge_maps},
};

use self::rooms::ROOMS;
use super::{
    interface::{Answered, Interface},
    render::day,
    rooms::{Act, Places, Room, Shown, Then, answers, download, menu, places_of, read_form, typed},
    sign_in::{WayBack, astray, foreign, keep, mark, may_change_now, request_id, see_other, words},
    voice::Voice,
};
use crate::{
    accounts::held_session,
    api::{self, my_app_passwords::takers_of_app_passwords},
    call::admit_page,
    cookie::{Page, SessionCookie},
    error::ApiError,
    events::context as events,
    oauth2::Form,
    state::Server,
    texts::Key,
};

/// The routes of this file.
pub fn routes(server: &Arc<Server>) -> Router<Arc<Server>> {
    let interface = Interface::new(api::routes().with_state(Arc::clone(server)));
    ROOMS.iter().fold(Router::new(), |router, room| {
        let (of_show, of_press) = (interface.clone(), interface.clone());
        let show = move |State(server): State<Arc<Server>>, request: Request| async move {
            show(&server, &of_show, room, request).await
        };
        let press = move |State(server): State<Arc<Server>>, request: Request| async move {
            press(&server, &of_press, room, request).await
        };
        router.route(room.path, get(show).post(press))
    })
}

/// Somebody who is signed in, on a page of their account.
struct Visit<'a> {
    interface: &'a Interface,
    room: &'static Room,
    parts: Parts,
    session: Session,
    voice: Voice,
    /// The query of the page's address.
    query: Places,
}

async fn show(
    server: &Arc<Server>,
    interface: &Interface,
    room: &'static Room,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    let visit = match Visit::of(server, interface, room, parts).await {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    visit.print(server, Shown::default()).await
}

async fn press(
    server: &Arc<Server>,
    interface: &Interface,
    room: &'static Room,
    request: Request,
) -> Response {
    let (parts, rest) = request.into_parts();
    if Page::of(&parts.headers, &server.issuer()) != Page::Own {
        let voice = Voice::of_app(server, &parts.headers, "");
        return foreign(&voice, &request_id(&parts), ApiError::OriginNotAllowed);
    }
    let visit = match Visit::of(server, interface, room, parts.clone()).await {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let form = match read_form(Request::from_parts(parts, rest)).await {
        Ok(form) => form,
        Err(error) => return visit.print(server, Shown::refused(error, Places::new())).await,
    };
    let acted = async {
        let act = visit.room.act(&form)?;
        let (question, body) = (act.question(&places_of(&form)), act.body(&form)?);
        let answered = visit.interface.act(&visit.parts, question, &body).await?;
        Ok((act, answered))
    };
    match acted.await {
        Ok((act, answered)) => visit.go_on(server, act, answered).await,
        // Whoever typed something finds it again on the page, and confirms who they are beside it.
        Err(error) if asks_for_more(&error) && !visit.holds_typing(&form) => {
            see_other(&sign_in(server, &visit.session.app, room.path, true), None)
        }
        Err(ApiError::Refused(Refusal::SessionOver)) => {
            see_other(&sign_in(server, &visit.session.app, room.path, false), None)
        }
        Err(error) => visit.print(server, Shown::refused(error, typed(&form))).await,
    }
}

impl<'a> Visit<'a> {
    /// The visit of whoever is signed in; for others, the way to sign in.
    async fn of(
        server: &Arc<Server>,
        interface: &'a Interface,
        room: &'static Room,
        parts: Parts,
    ) -> Result<Self, Box<Response>> {
        events::note_actor(Actor::Person);
        let lost = |error| Box::new(astray(server, &parts, error));
        admit_page(server, &parts).map_err(lost)?;
        let query = Form::read(parts.uri.query().unwrap_or_default().as_bytes());
        let query =
            places_of(&query.map_err(|_| lost(ApiError::invalid("query", "a parameter is repeated")))?);
        let held = match SessionCookie::of(&parts.headers, &server.config.load_full().cookies) {
            Some(cookie) => held_session(server, &cookie).await.map_err(lost)?,
            None => None,
        };
        let Some(session) = held.filter(|session| session.is_live(server.now())) else {
            let Some(app) = app_of(server, query.get("app")) else {
                let voice = Voice::of_app(server, &parts.headers, "");
                return Err(Box::new(mark(voice.tell_named("account.nobody", &[]), ApiError::NotFound)));
            };
            return Err(Box::new(see_other(&sign_in(server, &app.name, room.path, false), None)));
        };
        let voice = Voice::of_app(server, &parts.headers, session.app.as_str());
        Ok(Self { interface, room, parts, session, voice, query })
    }

    /// What follows an answer.
    async fn go_on(&self, server: &Arc<Server>, act: &'static Act, answered: Answered) -> Response {
        let Answered { body, cookies } = answered;
        let mut response = match act.then {
            Then::Done => {
                let done = format!("{}?done={}&app={}", self.room.path, act.name, self.session.app);
                return see_other(&done, cookies);
            }
            Then::Leave(text) => {
                let when = body["erased_at"].as_str().map(day).unwrap_or_default();
                let text = if when.is_empty() { text.to_owned() } else { format!("{text}_later") };
                self.voice.tell_named(&text, &[("when", when.as_str().into())])
            }
            Then::Show => self.print(server, Shown::answered(act.name, body)).await,
            Then::Download(name) | Then::DownloadLines(name) => download(&body, name),
        };
        keep(&mut response, cookies);
        response
    }

    /// Whether the page changes what takes a fresh sign-in, and there is none.
    async fn is_stale(&self, server: &Server) -> Result<bool, ApiError> {
        let is_easy = self.room.acts.is_empty() || self.room.path == "/account/devices";
        Ok(!is_easy && !may_change_now(server, &self.session).await?)
    }

    fn holds_typing(&self, form: &Form) -> bool {
        self.room.act(form).is_ok_and(|act| act.holds_typing(form))
    }

    /// The page, of what its questions answer.
    async fn print(&self, server: &Arc<Server>, shown: Shown) -> Response {
        let read = match answers(self.interface, self.room, (&self.parts, &self.query)).await {
            Ok(read) => read,
            Err(ApiError::Refused(Refusal::SessionOver)) => {
                return see_other(&sign_in(server, &self.session.app, self.room.path, false), None);
            }
            Err(error) => return astray(server, &self.parts, error),
        };
        let is_stale = match self.is_stale(server).await {
            Ok(is_stale) => is_stale,
            Err(error) => return astray(server, &self.parts, error),
        };
        let voice = &self.voice;
        let is_known = |name: &&String| self.room.acts.iter().any(|act| act.name == name.as_str());
        let done = self.query.get("done").filter(is_known).filter(|_| shown.problem.is_none());
        let is_done = done.map(|name| voice.say_named(&format!("account.done_{name}"), &[]));
        let (act, answer) = shown.answer.unzip();
        let answer = answer.map(Serde);
        let (problem, form) = shown.problem.unzip();
        // Forms that would be refused are not shown, unless what was typed into one stands there.
        let asks = problem.as_ref().is_some_and(asks_for_more);
        let values = context! {
            title => voice.say_named(self.room.heading, &[]), menu => menu(ROOMS.iter(), &[self.room.path], voice),
            app => self.session.app.as_str(), done => is_done, act, answer,
            problem => problem.as_ref().map(|error| told(voice, error)),
            reference => problem.as_ref().map(|_| request_id(&self.parts)), form,
            passwords => server.realm(&self.session.realm).passwords,
            asks, stale => (is_stale && !asks).then(|| voice.say_named("account.stale", &[])), languages => languages(server), takers => takers(server, &self.session),
            script => "account.js", fresh => sign_in(server, &self.session.app, self.room.path, true),
        };
        let values = merge_maps([values, read]);
        let response = voice.form_page(self.room.template, values, None);
        match problem {
            Some(error) => mark(response, error),
            None => response,
        }
    }
}

/// Whether it is to be confirmed first who somebody is.
const fn asks_for_more(error: &ApiError) -> bool {
    matches!(error, ApiError::NotFresh | ApiError::StrongerNeeded)
}

/// The sign-in that leads back to a page; to a fresh one where that is what is missing.
fn sign_in(server: &Server, app: &AppName, path: &str, fresh: bool) -> String {
    WayBack { app, path, fresh, level: None }.address(&server.issuer())
}

/// The app that people sign in to for their account: the one that is named, or the only one there is.
fn app_of(server: &Server, named: Option<&String>) -> Option<Arc<App>> {
    let registry = server.registry.load_full();
    let mut known = registry.apps().into_iter().filter(|app| app.accounts.is_some() && !app.disabled);
    match named {
        Some(name) => known.find(|app| app.name.as_str() == name).cloned(),
        None => known.next().filter(|_| known.next().is_none()).cloned(),
    }
}

/// A refusal in the account's own words, where it has some; in those of the sign-in otherwise.
fn told(voice: &Voice, error: &ApiError) -> String {
    let of_code = Key::of_name(&format!("account.refused_{}", error.code()));
    let of_member = match error {
        ApiError::InvalidMember { member, .. } => Key::of_name(&format!("account.wrong_{member}")),
        _ => None,
    };
    of_code.or(of_member).map_or_else(|| words(voice, "account", error), |key| voice.say(key))
}

/// The languages that people can be written to in, each in its own.
fn languages(server: &Server) -> Value {
    let locales = server.renderer.load_full().catalog().locales();
    locales.iter().map(|locale| context! { tag => locale.tag(), name => locale.endonym() }).collect()
}

/// The apps of the person's realm that take app passwords.
fn takers(server: &Server, session: &Session) -> Value {
    let apps = takers_of_app_passwords(server, &session.realm);
    apps.iter().map(|app| context! { name => app.name.as_str(), title => app.title.as_str() }).collect()
}
