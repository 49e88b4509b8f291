//! `/docs`: the interface for people to read, printed from its description. It knows none of the operations itself.

mod example;
mod members;

use std::sync::{Arc, OnceLock};

use axum::{Router, extract::State, response::Response, routing::get};
use minijinja::{
    Value as Printable, context,
    value::{Serde, merge_maps},
};
use serde::Serialize;
use serde_json::Value;

use self::members::{Field, Words, fields, list, parameter, resolve, text, words};
use crate::{error, openapi, pages::render::built_in_page, state::Server};

/// The operations about one thing.
#[derive(Serialize)]
struct Group {
    name: String,
    description: Words,
    operations: Vec<Operation>,
}

/// One method of one path.
#[derive(Serialize)]
struct Operation {
    anchor: String,
    method: String,
    path: String,
    summary: Words,
    keys: Vec<Words>,
    parameters: Vec<Field>,
    media_type: String,
    fields: Vec<Field>,
    /// What follows the server's address in a call with curl.
    call: String,
    answers: Vec<Reply>,
    refusals: Vec<Reply>,
}

/// What an operation answers with one status.
#[derive(Serialize)]
struct Reply {
    status: String,
    reason: &'static str,
    description: Vec<Words>,
    fields: Vec<Field>,
    example: String,
}

/// The route of this page.
pub fn routes() -> Router<Arc<Server>> {
    Router::new().route("/docs", get(show))
}

async fn show(State(server): State<Arc<Server>>) -> Response {
    static CONTENT: OnceLock<Printable> = OnceLock::new();
    let content = CONTENT.get_or_init(|| {
        let document: Value = serde_json::from_str(openapi::GENERATED).unwrap_or_default();
        let problem = &document["components"]["schemas"]["ProblemBody"];
        context! {
            version => text(&document["info"], "version"),
            about => Serde(words(&document["info"], "description")),
            groups => Serde(groups(&document)),
            problem => Serde(fields(&document, problem)),
        }
    });
    let head = context! { lang => "en", title => "Countersign: the interface", issuer => server.issuer() };
    built_in_page("docs.html", &merge_maps([head, content.clone()]))
}

fn groups(document: &Value) -> Vec<Group> {
    let group = |tag: &Value| Group {
        name: text(tag, "name"),
        description: words(tag, "description"),
        operations: operations(document, &tag["name"]),
    };
    list(&document["tags"]).iter().map(group).collect()
}

/// The operations of a tag, ours before those of a standard.
fn operations(document: &Value, tag: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, described) in item.as_object().into_iter().flatten() {
            if list(&described["tags"]).contains(tag) {
                found.push(operation(document, (method, path), described));
            }
        }
    }
    found.sort_by_key(|operation| !operation.path.starts_with("/v1/"));
    found
}

fn operation(document: &Value, (method, path): (&str, &str), described: &Value) -> Operation {
    let (media_type, body) = content(&described["requestBody"]);
    let schemes: Vec<&String> =
        list(&described["security"]).iter().filter_map(Value::as_object).flat_map(|way| way.keys()).collect();
    let (answers, refusals) = replies(document, &described["responses"])
        .into_iter()
        .partition(|reply| reply.status.starts_with('2'));
    let example = &resolve(document, body)["examples"][0];
    Operation {
        anchor: text(described, "operationId"),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: words(described, "summary"),
        keys: schemes
            .iter()
            .map(|name| words(&document["components"]["securitySchemes"][*name], "description"))
            .collect(),
        parameters: list(&described["parameters"]).iter().map(|one| parameter(document, one)).collect(),
        fields: fields(document, body),
        call: example::call(path, schemes.first().map(|name| name.as_str()), &media_type, example),
        media_type,
        answers,
        refusals,
    }
}

/// What it answers. The members of refusals are always the same and told once, on the page itself.
fn replies(document: &Value, responses: &Value) -> Vec<Reply> {
    let reply = |(status, response): (&String, &Value)| {
        let schema = content(response).1;
        let refuses = !status.starts_with('2');
        Reply {
            status: status.clone(),
            reason: error::reason(status),
            description: text(response, "description").lines().map(members::pieces).collect(),
            fields: if refuses { Vec::new() } else { fields(document, schema) },
            example: if refuses { String::new() } else { example::answer(resolve(document, schema)) },
        }
    };
    responses.as_object().into_iter().flatten().map(reply).collect()
}

/// The media type and schema of what a request or a response carries.
fn content(carrier: &Value) -> (String, &Value) {
    let first = carrier["content"].as_object().and_then(|content| content.iter().next());
    first.map_or((String::new(), &Value::Null), |(name, content)| (name.clone(), &content["schema"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_on_the_page() {
        let document = serde_json::to_value(openapi::document()).unwrap();
        let groups = groups(&document);
        let shown: Vec<_> = groups.iter().flat_map(|group| &group.operations).collect();
        let described = document["paths"].as_object().unwrap().values();
        assert_eq!(shown.len(), described.map(|item| item.as_object().unwrap().len()).sum::<usize>());
        let start = shown[0];
        assert_eq!((start.method.as_str(), start.path.as_str()), ("POST", "/v1/challenges"));
        let mailbox = start.fields.iter().find(|field| field.name == "to.email").unwrap();
        assert!(mailbox.required && mailbox.limits == "1 to 254 characters", "{}", mailbox.limits);
        assert!(start.call.contains("jane@example.org"), "{}", start.call);
        for operation in shown {
            assert!(!operation.summary.is_empty() && !operation.answers.is_empty(), "{}", operation.path);
            let described = &document["paths"][&operation.path][operation.method.to_lowercase()];
            let takes_a_body = described["requestBody"].is_object();
            assert!(!takes_a_body || !operation.fields.is_empty(), "{}", operation.path);
        }
    }

    #[test]
    fn examples_hold_what_is_required_and_nothing_unknown() {
        let document = serde_json::to_value(openapi::document()).unwrap();
        let mut shown = 0;
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let Some(example) = schema["examples"][0].as_object() else { continue };
            let known = fields(&document, schema);
            for member in example.keys() {
                assert!(known.iter().any(|field| field.name == *member), "{name}: {member}");
            }
            let missing = known.iter().find(|field| {
                field.required && !field.name.contains('.') && !example.contains_key(&field.name)
            });
            assert!(
                schema.get("oneOf").is_some() || missing.is_none(),
                "{name} lacks {}",
                missing.unwrap().name
            );
            shown += 1;
        }
        assert!(shown > 8, "{shown}");
    }
}
