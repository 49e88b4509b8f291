//! Settings in the environment: every key of the file has a variable, found by walking the schema, so that none is
//! listed twice. The only file that reads the process's environment.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    nearest,
    problem::{Place, Places, Problem},
    schema::{Schema, Shape},
    secret_file,
};

/// How the names of our variables begin.
pub(super) const PREFIX: &str = "COUNTERSIGN_";
/// Variables of ours that are no settings: the command line and the tests read them.
const OTHERS: [&str; 4] =
    ["COUNTERSIGN_CONFIG", "COUNTERSIGN_URL", "COUNTERSIGN_ADMIN_KEY_FILE", "COUNTERSIGN_CA_FILE"];

/// The variables of this process whose names begin with `COUNTERSIGN_`.
pub fn process_environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// Puts what the environment says over what the file says. An empty variable says nothing.
pub(super) fn overlay(
    schema: &Schema,
    given: &mut Value,
    places: &mut Places,
    environment: impl Iterator<Item = (String, String)>,
) -> Vec<Problem> {
    let known = variables(schema);
    let mut problems = Vec::new();
    for (name, text) in environment.filter(|(name, text)| is_setting(name, text)) {
        let Some(path) = known.get(&name) else {
            let advice = advice(&name, &known);
            problems.push(Problem::unknown(&name, advice));
            continue;
        };
        let setting = path.join(".");
        places.forget(&setting);
        places.note(&setting, Place::Variable(name));
        match value(schema, schema.at(path), &text) {
            Ok(value) => set(given, path, value, places),
            Err(why) => problems.push(Problem::wrong(&setting, why)),
        }
    }
    problems
}

/// The variable that was probably meant: few letters differ, or the table's name was left out.
fn advice(typed: &str, known: &BTreeMap<String, Vec<String>>) -> String {
    let names = || known.keys().map(String::as_str);
    let end = typed.replacen(PREFIX, "_", 1);
    let meant = nearest::near(typed, names())
        .or_else(|| names().find(|name| name.ends_with(&end)))
        .or_else(|| nearest::nearest(typed, names()).map(|(name, _)| name));
    format!("did you mean `{}`?", meant.unwrap_or_default())
}

/// Every variable with the path of its key.
pub(super) fn variables(schema: &Schema) -> BTreeMap<String, Vec<String>> {
    schema
        .keys()
        .into_iter()
        .map(|path| (format!("{PREFIX}{}", path.join("_").to_uppercase()), path))
        .collect()
}

fn is_setting(name: &str, text: &str) -> bool {
    let ours = name.starts_with(PREFIX) && !name.starts_with("COUNTERSIGN_TEST_") && !OTHERS.contains(&name);
    ours && !text.is_empty() && !is_from_kubernetes(name, text)
}

/// Kubernetes tells every container about services by variables with the service's name in front:
/// `COUNTERSIGN_SERVICE_HOST`, `COUNTERSIGN_PORT=tcp://…`, `COUNTERSIGN_PORT_8080_TCP_ADDR`.
fn is_from_kubernetes(name: &str, text: &str) -> bool {
    let of_port =
        name.split_once("_PORT_").is_some_and(|(_, rest)| rest.starts_with(|c: char| c.is_ascii_digit()));
    let address = name.ends_with("_PORT") && text.contains("://");
    of_port || address || name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT")
}

/// The value that a text stands for. Text of the wrong kind stays text: the schema says what is expected.
fn value(schema: &Schema, node: &Value, text: &str) -> Result<Value, String> {
    let as_text = || Value::String(text.to_owned());
    Ok(match schema.shape(node) {
        Shape::Whole { .. } => text.trim().parse::<i64>().map_or_else(|_| as_text(), Value::from),
        Shape::Truth => text.trim().parse::<bool>().map_or_else(|_| as_text(), Value::from),
        Shape::Text | Shape::Words(_) | Shape::Table { .. } => as_text(),
        Shape::List(items) => {
            let tables = matches!(schema.shape(items), Shape::Table { .. });
            if tables || text.trim_start().starts_with('[') {
                let example = if tables { r#"[{"name": "shop"}]"# } else { r#"["one", "two"]"# };
                return serde_json::from_str(text).map_err(|_| format!("expected JSON such as {example}"));
            }
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Value::Array(parts.map(|part| value(schema, items, part)).collect::<Result<_, _>>()?)
        }
    })
}

/// Sets a key. The other ways in which a file gives the same secret step back.
fn set(given: &mut Value, path: &[String], value: Value, places: &Places) {
    let Some((name, tables)) = path.split_last() else { return };
    let table = tables.iter().fold(given, |table, name| {
        if !table[name].is_object() {
            table[name] = Value::Object(Map::new());
        }
        &mut table[name]
    });
    let Some(table) = table.as_object_mut() else { return };
    let stem = secret_file::stem(name);
    table.retain(|other, _| {
        let place = places.of(&[tables, std::slice::from_ref(other)].concat().join("."));
        secret_file::stem(other) != stem || matches!(place, Some(Place::Variable(_)))
    });
    table.insert(name.clone(), value);
}
