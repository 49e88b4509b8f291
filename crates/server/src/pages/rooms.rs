//! Pages that are made of answers of the interface: what each reads, and what its forms ask. A table of them is all that
//! the account and the administration are; what is allowed is said where it is asked.

use std::collections::BTreeMap;

use axum::{
    extract::Request,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, header, request::Parts};
use minijinja::{Value, context, value::Serde};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value as Json};

use super::{interface::Interface, render::dress, voice::Voice};
use crate::{call::body, error::ApiError, oauth2::Form};

/// What stands as it is in a part of a path or a query (RFC 3986, 2.3).
const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Longest form: what an authenticator answers.
const LONGEST_FORM: usize = 64 * 1024;
/// Fields that no page shows again.
const SECRET_FIELDS: [&str; 5] = ["password", "current_password", "code", "credential", "key"];

/// A page.
#[derive(Debug)]
pub(super) struct Room {
    /// Its address, as the router knows it: `/account/devices`.
    pub(super) path: &'static str,
    /// The text of its heading, which is its name in menus too.
    pub(super) heading: &'static str,
    /// Its template.
    pub(super) template: &'static str,
    /// What it is made of: the name in the template, and the question. A question holds `{name}`s of the page's own path
    /// and query; a pair of a query that nobody gave is left out.
    pub(super) reads: &'static [(&'static str, &'static str)],
    /// What its forms ask.
    pub(super) acts: &'static [Act],
}

/// What a form asks.
#[derive(Debug)]
pub(super) struct Act {
    /// The value of the button: `act`.
    pub(super) name: &'static str,
    /// The route; `{name}`s are fields of the form.
    pub(super) asks: (Method, &'static str),
    /// The members of the body.
    pub(super) members: &'static [(&'static str, Kind)],
    /// What the page does with the answer.
    pub(super) then: Then,
}

/// How a field becomes a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it is; left out where it is empty.
    Text,
    /// As it is; null where it is empty.
    TextOrNull,
    /// A whole number; left out where it is empty.
    Number,
    /// Whether the box was ticked.
    Flag,
    /// The names that follow the member's name and a colon in fields that were ticked.
    Ticked,
    /// JSON whose members are those of the body.
    Json,
}

/// What follows an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The page once more, saying that it is done.
    Done,
    /// Another page.
    Leave(&'static str),
    /// The page with the answer in it, which is shown this once.
    Show,
    /// The answer as a file.
    Download(&'static str),
}

/// Values by their names: of a path, a query, or a form.
pub(super) type Places = BTreeMap<String, String>;

impl Room {
    /// The act of a form.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] for one that is not of this page.
    pub(super) fn act(&self, form: &Form) -> Result<&'static Act, ApiError> {
        let name = form.value("act").unwrap_or_default();
        let act = self.acts.iter().find(|act| act.name == name);
        act.ok_or_else(|| ApiError::invalid("act", "there is no such button on this page"))
    }
}

impl Act {
    /// The path and the body to ask with.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] names the field that does not read.
    pub(super) fn question(&self, form: &Form) -> Result<(String, Json), ApiError> {
        let path = fill(self.asks.1, &places_of(form));
        if self.members.is_empty() {
            return Ok((path, Json::Null));
        }
        let mut body = Map::new();
        for (name, kind) in self.members {
            put(&mut body, name, *kind, form)?;
        }
        Ok((path, Json::Object(body)))
    }
}

fn put(body: &mut Map<String, Json>, name: &'static str, kind: Kind, form: &Form) -> Result<(), ApiError> {
    let given = form.value(name);
    let member = match (kind, given) {
        (Kind::Flag, given) => given.is_some().into(),
        (Kind::TextOrNull, None) => Json::Null,
        (Kind::Ticked, _) => {
            let ticked = form.names().filter_map(|field| field.strip_prefix(name)?.strip_prefix(':'));
            ticked.map(Json::from).collect()
        }
        (Kind::Text | Kind::TextOrNull, Some(text)) => text.into(),
        (Kind::Number, Some(text)) => {
            let number: i64 =
                text.trim().parse().map_err(|_| ApiError::invalid(name, "expected a number"))?;
            number.into()
        }
        (Kind::Json, Some(text)) => match serde_json::from_str(text) {
            Ok(Json::Object(members)) => {
                body.extend(members);
                return Ok(());
            }
            _ => return Err(ApiError::invalid(name, "expected a JSON object")),
        },
        (Kind::Text | Kind::Number | Kind::Json, None) => return Ok(()),
    };
    body.insert(name.to_owned(), member);
    Ok(())
}

/// What was typed into a form, for the page that is shown again; nothing secret.
pub(super) fn typed(form: &Form) -> Places {
    let mut typed = places_of(form);
    typed.retain(|name, _| !SECRET_FIELDS.contains(&name.as_str()));
    typed
}

/// The fields of a form, or the pairs of a query, that are not empty.
pub(super) fn places_of(form: &Form) -> Places {
    form.names().filter_map(|name| Some((name.to_owned(), form.value(name)?.to_owned()))).collect()
}

/// A page's form. That the page is ours is for the caller to have seen.
///
/// # Errors
/// What a body or a form is refused for.
pub(super) async fn read_form(request: Request) -> Result<Form, ApiError> {
    let malformed = |_| ApiError::invalid("form", "expected application/x-www-form-urlencoded");
    Form::expect(request.headers()).map_err(malformed)?;
    Form::read(&body(request, LONGEST_FORM).await?).map_err(malformed)
}

/// What a page is made of, by the names in its template.
///
/// # Errors
/// The first refusal.
pub(super) async fn answers(
    interface: &Interface,
    room: &Room,
    (visit, places): (&Parts, &Places),
) -> Result<Value, ApiError> {
    let mut read = Vec::new();
    for (name, question) in room.reads {
        let answer = interface.read(visit, &fill(question, places)).await?;
        read.push((*name, Value::from(Serde(answer))));
    }
    Ok(Value::from_pairs(read))
}

/// The menu of some pages. One whose address has places stands in none.
pub(super) fn menu(rooms: &[Room], current: &Room, voice: &Voice) -> Value {
    let listed = rooms.iter().filter(|room| !room.path.contains('{'));
    let items = listed.map(|room| {
        let is_current = room.path == current.path;
        context! { href => room.path, text => voice.say_named(room.heading, &[]), current => is_current }
    });
    items.collect()
}

/// An answer as a file.
pub(super) fn download(answer: &Json, name: &str) -> Response {
    let Ok(text) = serde_json::to_string_pretty(answer) else { return ApiError::Internal.into_response() };
    let mut response = text.into_response();
    dress(&mut response);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

/// A question with its places filled.
pub(super) fn fill(question: &str, places: &Places) -> String {
    let (path, query) = question.split_once('?').unwrap_or((question, ""));
    let mut filled = fill_part(path, places).unwrap_or_default();
    let mut mark = '?';
    for pair in query.split('&').filter_map(|pair| fill_part(pair, places)).filter(|pair| !pair.is_empty()) {
        filled.push(mark);
        filled.push_str(&pair);
        mark = '&';
    }
    filled
}

/// None where a place is not known.
fn fill_part(part: &str, places: &Places) -> Option<String> {
    let (mut filled, mut rest) = (String::new(), part);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}')?;
        filled.push_str(before);
        filled.extend(utf8_percent_encode(places.get(name)?, &KEPT));
        rest = after;
    }
    filled.push_str(rest);
    Some(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_typed_stays_within_its_place() {
        let places = places_of(&form("id=..%2F..%2Fusers%3Fx&email=a%26b%3Dc&empty="));
        assert_eq!(fill("/v1/me/sessions/{id}", &places), "/v1/me/sessions/..%2F..%2Fusers%3Fx");
        assert_eq!(fill("/v1/u?email={email}&after={after}&x=1", &places), "/v1/u?email=a%26b%3Dc&x=1");
        assert_eq!(fill("/v1/u?after={after}", &places), "/v1/u");
        assert_eq!(fill("/v1/me/sessions/{empty}", &places), "");
    }

    #[test]
    fn fields_become_members() {
        const ACT: Act = Act {
            name: "x",
            asks: (Method::POST, "/x"),
            members: &[
                ("text", Kind::Text),
                ("gone", Kind::Text),
                ("null", Kind::TextOrNull),
                ("days", Kind::Number),
                ("flag", Kind::Flag),
                ("off", Kind::Flag),
                ("apps", Kind::Ticked),
            ],
            then: Then::Done,
        };
        let form = form("text=a&days=30&flag=yes&apps:shop=yes&apps:forum=yes");
        let (path, body) = ACT.question(&form).unwrap();
        let expected = serde_json::json!({
            "text": "a", "null": null, "days": 30, "flag": true, "off": false,
            "apps": ["shop", "forum"],
        });
        assert_eq!((path.as_str(), body), ("/x", expected));
        let wrong = Form::read(b"days=soon").unwrap();
        assert_eq!(ACT.question(&wrong), Err(ApiError::invalid("days", "expected a number")));
    }

    #[test]
    fn secrets_are_not_shown_again() {
        let typed = typed(&form("email=a&code=1&password=2&current_password=3&credential=4&key=5"));
        assert_eq!(typed.into_keys().collect::<Vec<_>>(), ["email"]);
    }
}
