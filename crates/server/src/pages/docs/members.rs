//! Members of bodies, and parameters, as rows of a table. It knows JSON Schema as far as our description uses it.

use serde::Serialize;
use serde_json::Value;

/// Members of members of a body are shown as far as this.
const DEEPEST: usize = 3;

/// A text in pieces: words and, between them, what stood in backticks.
pub(super) type Words = Vec<String>;

/// A parameter, or a member of a body.
#[derive(Serialize)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) required: bool,
    pub(super) limits: String,
    pub(super) description: Words,
}

/// The members of an object, those of its members' objects below them, what is required first.
pub(super) fn fields(document: &Value, schema: &Value) -> Vec<Field> {
    let mut found = below(document, schema, "", 0);
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let required: Vec<String> =
        found.iter().filter(|field| field.required).map(|field| first(&field.name)).collect();
    found.sort_by_key(|field| !required.contains(&first(&field.name)));
    found
}

fn below(document: &Value, schema: &Value, above: &str, depth: usize) -> Vec<Field> {
    let schema = resolve(document, schema);
    let mut found: Vec<Field> = Vec::new();
    for part in ["allOf", "oneOf", "anyOf"].into_iter().flat_map(|several| list(&schema[several])) {
        for mut field in below(document, part, above, depth) {
            // What only one of several has, nobody can count on.
            field.required &= schema["allOf"].is_array();
            if !found.iter().any(|known| known.name == field.name) {
                found.push(field);
            }
        }
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let required = list(&schema["required"]).iter().any(|one| one == name);
        let name = format!("{above}{name}");
        found.push(field(document, &name, member, required));
        if depth < DEEPEST {
            found.extend(below(document, member, &format!("{name}."), depth + 1));
        }
    }
    found
}

/// A parameter of an operation.
pub(super) fn parameter(document: &Value, described: &Value) -> Field {
    let required = described["required"].as_bool().unwrap_or_default();
    let mut field = field(document, &text(described, "name"), &described["schema"], required);
    field.description = words(described, "description");
    field.kind = format!("{}, in the {}", field.kind, text(described, "in"));
    field
}

fn field(document: &Value, name: &str, schema: &Value, required: bool) -> Field {
    let chosen = list(&schema["oneOf"]).iter().find(|one| one["type"] != "null").unwrap_or(schema);
    let resolved = resolve(document, chosen);
    let descriptions = [schema, chosen, resolved].map(|place| words(place, "description"));
    Field {
        name: name.to_owned(),
        kind: kind(resolved),
        required,
        limits: limits(resolved),
        description: descriptions.into_iter().find(|words| !words.is_empty()).unwrap_or_default(),
    }
}

/// The type in a word. That a member may be null too is not worth one: it means the same as leaving it out.
fn kind(schema: &Value) -> String {
    let name = match &schema["type"] {
        Value::String(name) => name,
        Value::Array(names) => {
            names.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("any")
        }
        _ => "object",
    };
    match schema["items"]["type"].as_str() {
        Some(item) => format!("{name} of {item}s"),
        None => name.to_owned(),
    }
}

fn limits(schema: &Value) -> String {
    let chosen: Vec<&str> = list(&schema["enum"]).iter().filter_map(Value::as_str).collect();
    if !chosen.is_empty() {
        return format!("one of {}", chosen.join(", "));
    }
    match (schema["minLength"].as_u64(), schema["maxLength"].as_u64()) {
        (Some(least), Some(most)) if least == most => format!("{most} characters"),
        (Some(least), Some(most)) => format!("{least} to {most} characters"),
        (None, Some(most)) => format!("at most {most} characters"),
        _ => String::new(),
    }
}

/// The schema that a reference names; any other schema as it is.
pub(super) fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let named = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    named.and_then(|path| document.pointer(path)).unwrap_or(schema)
}

/// An array; empty when there is none.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A member that is text; empty when there is none.
pub(super) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// The same in pieces.
pub(super) fn words(value: &Value, name: &str) -> Words {
    value[name].as_str().map_or_else(Vec::new, pieces)
}

/// Words and code by turns: every other piece stood in backticks.
pub(super) fn pieces(text: &str) -> Words {
    text.split('`').map(str::to_owned).collect()
}
