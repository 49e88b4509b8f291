//! What differs between two configurations, by the names of the keys: values are not for logs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Config, schema::below};

/// The keys whose values differ, as `server.issuer` or `apps.shop.title`, in alphabetical order.
#[must_use]
pub fn changed(one: &Config, other: &Config) -> Vec<String> {
    let (one, other) = (leaves(one), leaves(other));
    let differs = |key: &&String| one.get(*key) != other.get(*key);
    let mut keys: Vec<String> = one.keys().chain(other.keys()).filter(differs).cloned().collect();
    keys.sort();
    keys.dedup();
    keys
}

fn leaves(config: &Config) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    collect(serde_json::to_value(config).unwrap_or_default(), "", &mut found);
    found
}

fn collect(value: Value, path: &str, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(table) => {
            for (name, value) in table {
                collect(value, &below(path, &name), found);
            }
        }
        // Apps and realms are known by their names; their order says nothing.
        Value::Array(apps) if path == "apps" || path == "realms" || path == "webhooks" => {
            for app in apps {
                let name = app["name"].as_str().unwrap_or_default().to_owned();
                collect(app, &below(path, &name), found);
            }
        }
        other => {
            found.insert(path.to_owned(), other);
        }
    }
}
