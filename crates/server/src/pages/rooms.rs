//! Pages that are made of answers of the interface: what each reads, and what its forms ask. A table of them is all that
//! the account and the administration are; what is allowed is said where it is asked.

use std::collections::{BTreeMap, BTreeSet};

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
    /// A whole number; null where it is empty.
    NumberOrNull,
    /// A list of words, with spaces or commas between them.
    Words,
    /// Whether the box was ticked.
    Flag,
    /// The names that follow the member's name and a colon in fields that were ticked.
    Ticked,
    /// JSON whose members are those of the body.
    Json,
    /// A file of lines of JSON, which is the whole body.
    Lines,
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
    /// A whole list, to its end, as a file of lines of JSON.
    DownloadLines(&'static str),
}

/// A question that makes something.
pub(super) const fn post(path: &'static str) -> (Method, &'static str) {
    (Method::POST, path)
}

/// A question that changes something.
pub(super) const fn patch(path: &'static str) -> (Method, &'static str) {
    (Method::PATCH, path)
}

/// A question that takes something away.
pub(super) const fn delete(path: &'static str) -> (Method, &'static str) {
    (Method::DELETE, path)
}

/// What a page is shown with besides what it reads.
#[derive(Default)]
pub(super) struct Shown {
    /// What went wrong, with what was typed.
    pub(super) problem: Option<(ApiError, Places)>,
    /// What is shown this once: which act was answered, and how.
    pub(super) answer: Option<(&'static str, Json)>,
}

impl Shown {
    /// After a refusal, with what was typed.
    pub(super) fn refused(error: ApiError, typed: Places) -> Self {
        Self { problem: Some((error, typed)), answer: None }
    }

    /// With what an act was answered.
    pub(super) const fn answered(act: &'static str, answer: Json) -> Self {
        Self { problem: None, answer: Some((act, answer)) }
    }
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
    /// What is asked, with the places of its path filled.
    pub(super) fn question(&self, places: &Places) -> (Method, String) {
        (self.asks.0.clone(), fill(self.asks.1, places))
    }

    /// Whether it sends a file.
    pub(super) fn sends_file(&self) -> bool {
        self.members.iter().any(|(_, kind)| *kind == Kind::Lines)
    }

    /// Whether a form says something that a person typed, which would be lost if the page was left.
    pub(super) fn holds_typing(&self, form: &Form) -> bool {
        let is_typed = |name: &str, kind| !matches!(kind, Kind::Flag) && !SECRET_FIELDS.contains(&name);
        self.members.iter().any(|(name, kind)| is_typed(name, *kind) && form.value(name).is_some())
    }

    /// The body to ask with.
    ///
    /// # Errors
    /// [`ApiError::InvalidMember`] names the field that does not read.
    pub(super) fn body(&self, form: &Form) -> Result<Json, ApiError> {
        if self.members.is_empty() {
            return Ok(Json::Null);
        }
        let mut body = Map::new();
        for (name, kind) in self.members {
            put(&mut body, name, *kind, form)?;
        }
        Ok(Json::Object(body))
    }
}

fn put(body: &mut Map<String, Json>, name: &'static str, kind: Kind, form: &Form) -> Result<(), ApiError> {
    let given = form.value(name);
    let member = match (kind, given) {
        (Kind::Flag, given) => given.is_some().into(),
        (Kind::TextOrNull | Kind::NumberOrNull, None) => Json::Null,
        (Kind::Words, given) => words(given.unwrap_or_default()).into(),
        (Kind::Ticked, _) => ticked(form, name).map(Json::from).collect(),
        (Kind::Text | Kind::TextOrNull, Some(text)) => text.into(),
        (Kind::Number | Kind::NumberOrNull, Some(text)) => number(name, text)?.into(),
        (Kind::Json, Some(text)) => match serde_json::from_str(text) {
            Ok(Json::Object(members)) => {
                body.extend(members);
                return Ok(());
            }
            _ => return Err(ApiError::invalid(name, "expected a JSON object")),
        },
        (Kind::Lines, _) => return Err(ApiError::invalid(name, "choose a file")),
        (Kind::Text | Kind::Number | Kind::Json, None) => return Ok(()),
    };
    body.insert(name.to_owned(), member);
    Ok(())
}

/// Leaves out of a body what stands in the form as the page showed it: somebody else may have changed that since. What the
/// page showed is beside each such field, under its name after `was:`. A policy is one thing.
pub(super) fn only_changed(body: &mut Json, form: &Form) {
    const POLICY: [&str; 3] = ["start", "least", "trusted_device_days"];
    let Some(members) = body.as_object_mut() else { return };
    let shown: Vec<&str> = form.names().filter_map(|name| name.strip_prefix("was:")).collect();
    let stands = |name: &str| {
        let (was, is) = (form.value(&format!("was:{name}")), form.value(name));
        let ticked: BTreeSet<String> = ticked(form, name).map(str::to_owned).collect();
        match is {
            None if !ticked.is_empty() => {
                words(was.unwrap_or_default()).into_iter().collect::<BTreeSet<_>>() == ticked
            }
            _ => was == is,
        }
    };
    for name in shown.iter().filter(|name| stands(name)) {
        members.remove(*name);
    }
    if POLICY.iter().all(|name| shown.contains(name) && stands(name)) {
        members.remove("policy");
    }
}

/// What was ticked of a field: the names that follow its own and a colon.
pub(super) fn ticked<'a>(form: &'a Form, name: &'a str) -> impl Iterator<Item = &'a str> {
    form.names().filter_map(move |field| field.strip_prefix(name)?.strip_prefix(':'))
}

/// The words of a field.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split([' ', ',', '\n', '\r']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The whole number that a field says.
///
/// # Errors
/// [`ApiError::InvalidMember`] names the field.
pub(super) fn number(name: &'static str, text: &str) -> Result<i64, ApiError> {
    text.trim().parse().map_err(|_| ApiError::invalid(name, "expected a number"))
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

/// The menu of some pages, with the page of these paths as the one that is open. One whose address has places stands in none.
pub(super) fn menu<'a>(rooms: impl Iterator<Item = &'a Room>, open: &[&str], voice: &Voice) -> Value {
    let listed = rooms.filter(|room| !room.path.contains('{'));
    let items = listed.map(|room| {
        let is_current = open.contains(&room.path);
        context! { href => room.path, text => voice.say_named(room.heading, &[]), current => is_current }
    });
    items.collect()
}

/// An answer as a file.
pub(super) fn download(answer: &Json, name: &str) -> Response {
    let Ok(text) = serde_json::to_string_pretty(answer) else { return ApiError::Internal.into_response() };
    file(text, "application/json", name)
}

/// Answers as a file of lines.
pub(super) fn download_lines(answers: &[Json], name: &str) -> Response {
    file(answers.iter().map(|answer| format!("{answer}\n")).collect(), "application/x-ndjson", name)
}

fn file(text: String, kind: &'static str, name: &str) -> Response {
    let mut response = text.into_response();
    dress(&mut response);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
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
                ("length", Kind::NumberOrNull),
                ("words", Kind::Words),
                ("flag", Kind::Flag),
                ("off", Kind::Flag),
                ("apps", Kind::Ticked),
            ],
            then: Then::Done,
        };
        let form = form("text=a&days=30&words=x+y,z&flag=yes&apps:shop=yes&apps:forum=yes");
        let (body, (method, path)) = (ACT.body(&form).unwrap(), ACT.question(&places_of(&form)));
        let expected = serde_json::json!({
            "text": "a", "null": null, "days": 30, "length": null, "words": ["x", "y", "z"], "flag": true, "off": false,
            "apps": ["shop", "forum"],
        });
        assert_eq!((method, path.as_str(), body), (Method::POST, "/x", expected));
        let wrong = Form::read(b"days=soon").unwrap();
        assert_eq!(ACT.body(&wrong), Err(ApiError::invalid("days", "expected a number")));
    }

    #[test]
    fn what_was_typed_is_told_from_what_stood_there() {
        let (name, asks) = ("x", (Method::POST, "/x"));
        let members = &[("email", Kind::Text), ("code", Kind::Text), ("flag", Kind::Flag)];
        let act = Act { name, asks, members, then: Then::Done };
        for (text, is_typed) in [("email=a", true), ("email=", false), ("code=1&flag=yes&id=2", false)] {
            assert_eq!(act.holds_typing(&form(text)), is_typed, "{text}");
        }
    }

    #[test]
    fn secrets_are_not_shown_again() {
        let typed = typed(&form("email=a&code=1&password=2&current_password=3&credential=4&key=5"));
        assert_eq!(typed.into_keys().collect::<Vec<_>>(), ["email"]);
    }
}
