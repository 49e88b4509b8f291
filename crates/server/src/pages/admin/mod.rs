//! `/admin`: the administration as pages, for an admin key on a listener with the part `admin`, and for people with the
//! role where the configuration lets them. Each page is made of answers of `/v1/admin`, and each form asks it: scopes, realms
//! and every other rule are said there.

mod chart;
mod entry;
mod rooms;
mod trouble;
mod visitor;

use std::sync::Arc;

use axum::{
    RequestPartsExt as _, Router,
    body::Bytes,
    extract::{RawPathParams, Request, State},
    response::Response,
    routing::{get, post},
};
use http::{HeaderValue, request::Parts};
use minijinja::{Value, context, value::Serde, value::merge_maps};
use serde_json::Value as Json;
use url::form_urlencoded::Serializer;

pub use self::visitor::Doors;
use self::{
    rooms::{AdminRoom, all},
    visitor::{Visitor, is_own},
};
use super::{
    interface::{Answered, Interface},
    rooms::{Act, Places, Shown, Then, download, download_lines, fill, menu, places_of, typed},
    sign_in::{astray, keep, mark, request_id, see_other},
    upload::read_upload,
    voice::Voice,
};
use crate::{
    admin::{self, bulk::LONGEST_BATCH},
    error::ApiError,
    oauth2::Form,
    state::Server,
};

/// Letters of a long name that are typed to confirm.
const TYPED: usize = 6;
/// Names up to this long are typed whole.
const WHOLE: usize = 24;

/// Most lines of a list as a file.
const MOST_LISTED: usize = 5_000;

/// The routes of this file, for a listener with these doors.
pub fn routes(server: &Arc<Server>, doors: Doors) -> Router<Arc<Server>> {
    let interface = Interface::new(admin::routes(server).with_state(Arc::clone(server)));
    let rooms = all().fold(Router::new(), |router, room| {
        let (of_show, of_press) = (interface.clone(), interface.clone());
        let show = move |State(server): State<Arc<Server>>, request: Request| async move {
            show(&server, &of_show, (room, doors), request).await
        };
        let press = move |State(server): State<Arc<Server>>, request: Request| async move {
            press(&server, &of_press, (room, doors), request).await
        };
        router.route(room.room.path, get(show).post(press))
    });
    let form = move |State(server): State<Arc<Server>>, request: Request| async move {
        entry::show(&server, doors, request).await
    };
    let take = move |State(server): State<Arc<Server>>, request: Request| async move {
        entry::take(&server, doors, request).await
    };
    let leave = move |State(server): State<Arc<Server>>, request: Request| async move {
        entry::leave(&server, doors, request).await
    };
    rooms.route("/admin/sign-in", get(form).post(take)).route("/admin/sign-out", post(leave))
}

/// An operator on a page.
struct Visit<'a> {
    interface: &'a Interface,
    room: &'static AdminRoom,
    visitor: Visitor,
    parts: Parts,
    voice: Voice,
    /// What the path of the page's address says.
    named: Places,
    /// The same and what its query says: for what is read, never for what is done, since links may come from anywhere.
    places: Places,
}

/// What the questions of a page were answered.
struct Read {
    values: Value,
    /// What the first of them was refused for, where the page is nothing without.
    closed: Option<ApiError>,
    /// Whether others were refused.
    is_partial: bool,
    /// Where the list goes on.
    next: Option<String>,
}

async fn show(
    server: &Arc<Server>,
    interface: &Interface,
    (room, doors): (&'static AdminRoom, Doors),
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    match Visit::of(server, interface, (room, doors), parts).await {
        Ok(visit) => visit.print(server, Shown::default()).await,
        Err(response) => *response,
    }
}

async fn press(
    server: &Arc<Server>,
    interface: &Interface,
    (room, doors): (&'static AdminRoom, Doors),
    request: Request,
) -> Response {
    let (parts, rest) = request.into_parts();
    if !is_own(server, doors, &parts.headers) {
        return entry::refuse_foreign(server, &parts);
    }
    let visit = match Visit::of(server, interface, (room, doors), parts.clone()).await {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let (form, file) = match read_upload(Request::from_parts(parts, rest), LONGEST_BATCH).await {
        Ok(read) => read,
        Err(error) => return visit.print(server, Shown::refused(error, Places::new())).await,
    };
    if visit.visitor.stale.is_some() {
        return visit.print(server, Shown::refused(ApiError::NotFresh, typed(&form))).await;
    }
    match visit.act(&form, file).await {
        Ok((act, answered)) => visit.go_on(server, act, (&form, answered)).await,
        Err(error) => visit.print(server, Shown::refused(error, typed(&form))).await,
    }
}

impl<'a> Visit<'a> {
    async fn of(
        server: &Arc<Server>,
        interface: &'a Interface,
        (room, doors): (&'static AdminRoom, Doors),
        mut parts: Parts,
    ) -> Result<Self, Box<Response>> {
        let visitor = Visitor::of(server, doors, &parts).await?;
        let lost = |error, parts: &Parts| Box::new(astray(server, parts, error));
        let query = Form::read(parts.uri.query().unwrap_or_default().as_bytes());
        let repeated = |_| lost(ApiError::invalid("query", "a parameter is repeated"), &parts);
        let mut places = places_of(&query.map_err(repeated)?);
        let named = parts.extract::<RawPathParams>().await;
        let named = named.map_err(|_| lost(ApiError::NotFound, &parts))?;
        let named: Places = named.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        places.extend(named.clone());
        if !is_id(&named) {
            return Err(lost(ApiError::NotFound, &parts));
        }
        parts.extensions.insert(visitor.vouched.clone());
        let voice = Voice::of_app(server, &parts.headers, "");
        Ok(Self { interface, room, visitor, parts, voice, named, places })
    }

    /// Does what a form asks.
    async fn act(&self, form: &Form, file: Option<Bytes>) -> Result<(&'static Act, Answered), ApiError> {
        let act = self.room.room.act(form)?;
        if let Some(place) = self.room.confirmed(act) {
            let name = self.place(form, place).unwrap_or_default();
            if form.value("confirm").map(str::trim) != Some(tail(&name)) {
                return Err(ApiError::invalid("confirm", ""));
            }
        }
        let places = self.all_places(form);
        if !is_id(&places) {
            return Err(ApiError::NotFound);
        }
        let question = act.question(&places);
        let answered = match file.filter(|_| act.sends_file()) {
            Some(lines) => self.interface.send_lines(&self.parts, question, lines).await?,
            None => self.interface.act(&self.parts, question, &self.room.body(act, form)?).await?,
        };
        Ok((act, answered))
    }

    /// All of a list whose first part was answered.
    async fn whole_list(&self, act: &Act, form: &Form, first: Json) -> Result<Vec<Json>, ApiError> {
        let (method, path) = act.question(&self.all_places(form));
        let (mut items, mut part) = (Vec::new(), first);
        loop {
            if let Json::Array(more) = part["items"].take() {
                items.extend(more);
            }
            let Some(next) = part["next"].as_str() else { return Ok(items) };
            if items.len() >= MOST_LISTED {
                let detail = format!("more than {MOST_LISTED}: use the command countersign user export");
                return Err(ApiError::invalid("realm", detail));
            }
            let question = (method.clone(), format!("{path}&after={next}"));
            part = self.interface.act(&self.parts, question, &Json::Null).await?.body;
        }
    }

    /// What a form and the path of the page say; the path counts.
    fn all_places(&self, form: &Form) -> Places {
        let mut places = places_of(form);
        places.extend(self.named.clone());
        places
    }

    fn place(&self, form: &Form, name: &str) -> Option<String> {
        self.all_places(form).remove(name)
    }

    /// What follows an answer.
    async fn go_on(
        &self,
        server: &Arc<Server>,
        act: &'static Act,
        (form, answered): (&Form, Answered),
    ) -> Response {
        let mut response = match act.then {
            Then::Done => see_other(&format!("{}?done={}", self.parts.uri.path(), act.name), None),
            Then::Leave(path) => {
                let mut places = self.all_places(form);
                let members = answered.body.as_object().into_iter().flatten();
                let texts =
                    members.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
                places.extend(texts);
                see_other(&format!("{}?done={}", fill(path, &places), act.name), None)
            }
            Then::Show => self.print(server, Shown::answered(act.name, answered.body)).await,
            Then::Download(name) => download(&answered.body, name),
            Then::DownloadLines(name) => match self.whole_list(act, form, answered.body).await {
                Ok(items) => download_lines(&items, name),
                Err(error) => self.print(server, Shown::refused(error, typed(form))).await,
            },
        };
        keep(&mut response, self.renewed());
        response
    }

    fn renewed(&self) -> Option<HeaderValue> {
        self.visitor.cookie.clone()
    }

    /// Asks everything that the page is made of.
    async fn read(&self) -> Result<Read, ApiError> {
        let room = self.room;
        let asked = room.asked.iter().filter(|(_, place, _)| self.places.contains_key(*place));
        let reads =
            room.room.reads.iter().copied().chain(asked.map(|(name, _, question)| (*name, *question)));
        let mut read = Read { values: Value::UNDEFINED, closed: None, is_partial: false, next: None };
        let mut values = Vec::new();
        for (number, (name, question)) in reads.enumerate() {
            let is_needed = number == 0 && !room.is_overview;
            match self.interface.read(&self.parts, &fill(question, &self.places)).await {
                Ok(answer) => {
                    if number == 0 {
                        read.next = answer["next"].as_str().map(|next| self.with_after(next));
                    }
                    values.push((name, Value::from(Serde(answer))));
                }
                Err(ApiError::NotFound) if is_needed => return Err(ApiError::NotFound),
                Err(error) if is_needed || matches!(error, ApiError::InvalidMember { .. }) => {
                    read.closed = read.closed.or(Some(error));
                }
                Err(_) => read.is_partial = true,
            }
            if read.closed.is_some() {
                break;
            }
        }
        read.values = Value::from_pairs(values);
        Ok(read)
    }

    /// The query of the page with which its list goes on.
    fn with_after(&self, next: &str) -> String {
        let mut query = Serializer::new(String::new());
        let is_of_path = |name: &str| self.room.room.path.contains(&format!("{{{name}}}"));
        for (name, value) in &self.places {
            if !matches!(name.as_str(), "after" | "done") && !is_of_path(name) {
                query.append_pair(name, value);
            }
        }
        format!("?{}", query.append_pair("after", next).finish())
    }

    /// The page, of what its questions answer.
    async fn print(&self, server: &Arc<Server>, shown: Shown) -> Response {
        let read = match self.read().await {
            Ok(read) => read,
            Err(error) => return astray(server, &self.parts, error),
        };
        let (voice, room) = (&self.voice, &self.room.room);
        let (problem, form) = shown.problem.unzip();
        let problem = problem.or_else(|| read.closed.clone());
        let is_known = |name: &&String| all().any(|room| room.room.acts.iter().any(|act| act.name == **name));
        let done = self.places.get("done").filter(is_known).filter(|_| problem.is_none());
        let done = done.map(|name| voice.say_named(&format!("admin.act_{name}"), &[]));
        let (act, answer) = shown.answer.unzip();
        let stale = &self.visitor.stale;
        let asks = problem == Some(ApiError::NotFresh);
        let wrong = problem.as_ref().map(|error| trouble::words(voice, error, form.as_ref()));
        let heading = voice.say_named(room.heading, &[]);
        let heading = self.named.values().next().map_or(heading.clone(), |name| format!("{heading}: {name}"));
        let values = context! {
            title => heading, menu => menu(all().map(|one| &one.room), &[room.path, self.room.below], voice),
            here => self.parts.uri.path(), next => read.next, query => self.places.clone(), form,
            has_key => self.visitor.has_key, own_realm => self.visitor.vouched.operator().realm().map(ToString::to_string),
            done => done.map(|what| voice.say_named("admin.done", &[("what", what.as_str().into())])),
            act, answer => answer.map(Serde), is_partial => read.is_partial, closed => read.closed.is_some(),
            wrong,
            stale => stale.as_ref().filter(|_| !asks).map(|_| voice.say_named("admin.stale", &[])),
            asks, fresh => stale,
            reference => problem.as_ref().map(|_| request_id(&self.parts)),
            tail => Value::from_function(|name: String| tail(&name).to_owned()),
            pretty => Value::from_function(|value: Value| serde_json::to_string_pretty(&value).unwrap_or_default()),
            charts => self.room.is_overview.then(|| chart::all(&read.values)),
        };
        let values = merge_maps([values, read.values]);
        let mut response = voice.form_page(room.template, values, None);
        keep(&mut response, self.renewed());
        match problem {
            Some(error) => mark(response, error),
            None => response,
        }
    }
}

/// What is typed to confirm: a short name whole, the end of a long one.
fn tail(name: &str) -> &str {
    if name.len() <= WHOLE { name } else { name.get(name.len() - TYPED..).unwrap_or(name) }
}

/// Whether the `id` among places is one: the interface has words in its place that do something else, such as `export`, and
/// every id has a `_`, which no word has.
fn is_id(places: &Places) -> bool {
    places.get("id").is_none_or(|id| id.contains('_'))
}
