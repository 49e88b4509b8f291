//! The JSON Schema of the configuration as the one list of what may be set: values are compared with it here, and
//! variables, the example and advice on typing errors are found in it.

use serde_json::{Map, Value};

use super::{Config, nearest, problem::Problem};

/// The schema of [`Config`].
pub(super) struct Schema(Value);

/// The schema as it was last generated; `cargo xtask tidy` and a test compare it with the types. Reading it is less
/// work at every start than making it from them, and less program.
pub const SCHEMA: &str = include_str!("../../../../config.schema.json");

impl From<Value> for Schema {
    fn from(schema: Value) -> Self {
        Self(schema)
    }
}

/// What a value must be.
pub(super) enum Shape<'a> {
    /// A table with these keys.
    Table { properties: &'a Map<String, Value>, required: Vec<&'a str> },
    /// A list of what this schema describes.
    List(&'a Value),
    /// One of these words.
    Words(Vec<&'a str>),
    /// A whole number within these limits.
    Whole { least: Option<i64>, most: Option<i64> },
    /// `true` or `false`.
    Truth,
    /// Any text.
    Text,
}

impl Schema {
    pub(super) fn new() -> Self {
        #[expect(clippy::expect_used, reason = "a test compares it with the types")]
        Self(serde_json::from_str(SCHEMA).expect("what was generated reads"))
    }

    /// Made from the types: for who writes the generated one.
    pub(super) fn of_types() -> Self {
        Self(schemars::schema_for!(Config).to_value())
    }

    pub(super) fn root(&self) -> &Value {
        &self.0
    }

    /// The schema that a reference or an optional value stands for, and the name of its type.
    pub(super) fn resolve<'a>(&'a self, node: &'a Value) -> (&'a Value, &'a str) {
        if let Some(reference) = node["$ref"].as_str() {
            let name = reference.rsplit('/').next().unwrap_or_default();
            return (&self.0["$defs"][name], name);
        }
        let alternatives = node["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
        match alternatives.iter().find(|alternative| alternative["type"] != "null") {
            Some(alternative) => self.resolve(alternative),
            None => (node, ""),
        }
    }

    pub(super) fn shape<'a>(&'a self, node: &'a Value) -> Shape<'a> {
        let (node, _) = self.resolve(node);
        if let Some(properties) = node["properties"].as_object() {
            return Shape::Table { properties, required: words(&node["required"]) };
        }
        if let Some(alternatives) = node["oneOf"].as_array() {
            return Shape::Words(alternatives.iter().filter_map(|word| word["const"].as_str()).collect());
        }
        if node["enum"].is_array() {
            return Shape::Words(words(&node["enum"]));
        }
        let is = |kind: &str| node["type"] == kind || words(&node["type"]).contains(&kind);
        if is("array") {
            Shape::List(&node["items"])
        } else if is("integer") {
            Shape::Whole { least: node["minimum"].as_i64(), most: most(node) }
        } else if is("boolean") {
            Shape::Truth
        } else {
            Shape::Text
        }
    }

    /// Everything in `value` that is not as this schema says.
    pub(super) fn check(&self, value: &Value) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.compare(value, &self.0, "", &mut problems);
        problems
    }

    fn compare(&self, value: &Value, node: &Value, path: &str, problems: &mut Vec<Problem>) {
        if value.is_null() && is_optional(node) {
            return;
        }
        let expected = match (self.shape(node), value) {
            (Shape::Table { properties, required }, Value::Object(table)) => {
                for name in required.into_iter().filter(|name| !table.contains_key(*name)) {
                    problems.push(Problem::wrong(&below(path, name), "this key is missing"));
                }
                return self.compare_keys(table, properties, path, problems);
            }
            (Shape::List(items), Value::Array(list)) => {
                for (index, item) in list.iter().enumerate() {
                    self.compare(item, items, &format!("{path}[{index}]"), problems);
                }
                return;
            }
            (Shape::Words(words), Value::String(word)) if words.contains(&word.as_str()) => return,
            (Shape::Whole { least, most }, Value::Number(number))
                if number.as_i64().is_some_and(|number| {
                    least.is_none_or(|least| number >= least) && most.is_none_or(|most| number <= most)
                }) =>
            {
                return;
            }
            (Shape::Truth, Value::Bool(_)) | (Shape::Text, Value::String(_)) => return,
            (shape, _) => shape.expected(),
        };
        problems.push(Problem::wrong(path, expected));
    }

    fn compare_keys(
        &self,
        table: &Map<String, Value>,
        properties: &Map<String, Value>,
        path: &str,
        problems: &mut Vec<Problem>,
    ) {
        for (name, value) in table {
            let path = below(path, name);
            match properties.get(name) {
                Some(node) => self.compare(value, node, &path, problems),
                None => problems.push(Problem::unknown(&path, self.advice(name, properties))),
            }
        }
    }

    /// What somebody may have meant who wrote a key that there is not.
    fn advice(&self, typed: &str, siblings: &Map<String, Value>) -> String {
        if let Some(near) = nearest::near(typed, siblings.keys().map(String::as_str)) {
            return format!("did you mean `{near}`?");
        }
        let elsewhere: Vec<String> = self.keys().into_iter().map(|path| path.join(".")).collect();
        let same = |path: &&String| path.rsplit('.').next() == Some(typed);
        match elsewhere.iter().find(same) {
            Some(path) => format!("did you mean `{path}`?"),
            None => {
                let mut known: Vec<_> = siblings.keys().map(String::as_str).collect();
                known.sort_unstable();
                format!("known here are {}", listed(known.into_iter()))
            }
        }
    }

    /// The paths of all keys outside lists of tables; such a list itself is one key.
    pub(super) fn keys(&self) -> Vec<Vec<String>> {
        let mut keys = Vec::new();
        self.collect(&self.0, &[], &mut keys);
        keys
    }

    fn collect(&self, node: &Value, path: &[String], keys: &mut Vec<Vec<String>>) {
        match self.shape(node) {
            Shape::Table { properties, .. } => {
                for (name, node) in properties {
                    self.collect(node, &[path, std::slice::from_ref(name)].concat(), keys);
                }
            }
            _ => keys.push(path.to_vec()),
        }
    }

    /// The schema of the key at a path of [`keys`](Self::keys).
    pub(super) fn at(&self, path: &[String]) -> &Value {
        path.iter().fold(&self.0, |node, name| &self.resolve(node).0["properties"][name])
    }
}

impl Shape<'_> {
    /// What to write, for a person.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Table { .. } => "expected a table of keys".to_owned(),
            Self::List(_) => "expected a list in [ ]".to_owned(),
            Self::Words(words) => format!("expected {}", listed(words.iter().copied())),
            Self::Whole { least: Some(least), most: Some(most) } => {
                format!("expected a whole number from {least} to {most}")
            }
            Self::Whole { least: Some(least), .. } => format!("expected a whole number, {least} or more"),
            Self::Whole { .. } => "expected a whole number".to_owned(),
            Self::Truth => "expected true or false".to_owned(),
            Self::Text => "expected text in quotes".to_owned(),
        }
    }
}

/// The path of a key in a table.
pub(super) fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Words as `a, b or c`.
fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.join(""),
    }
}

fn is_optional(node: &Value) -> bool {
    let alternatives = node["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
    words(&node["type"]).contains(&"null") || alternatives.iter().any(|node| node["type"] == "null")
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_str).collect()
}

/// The largest number: what is said, or what the type holds.
fn most(node: &Value) -> Option<i64> {
    let of_type = match node["format"].as_str() {
        Some("uint32") => Some(i64::from(u32::MAX)),
        Some("uint16") => Some(i64::from(u16::MAX)),
        _ => None,
    };
    node["maximum"].as_i64().or(of_type)
}
