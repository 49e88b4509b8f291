//! Secrets in files of their own: which settings are two ways to give one secret, and whether others may read a file.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{Config, problem::Problem, schema::below};

/// What the ways to give one secret have in common: `root_key` of `root_key_file` and `root_key_command`.
pub(super) fn stem(name: &str) -> &str {
    name.strip_suffix("_file").or_else(|| name.strip_suffix("_command")).unwrap_or(name)
}

/// Secrets that were given in more than one way.
pub(super) fn rivals(given: &Value, path: &str) -> Vec<Problem> {
    match given {
        Value::Object(table) => {
            let inside = table.iter().flat_map(|(name, value)| rivals(value, &below(path, name)));
            rivals_of(table, path).into_iter().chain(inside).collect()
        }
        Value::Array(list) => {
            let items = list.iter().enumerate();
            items.flat_map(|(index, item)| rivals(item, &format!("{path}[{index}]"))).collect()
        }
        _ => Vec::new(),
    }
}

fn rivals_of(table: &Map<String, Value>, path: &str) -> Vec<Problem> {
    let names: Vec<&String> =
        table.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name).collect();
    let is_second =
        |(index, name): &(usize, &&String)| names[..*index].iter().any(|other| stem(other) == stem(name));
    let seconds = names.iter().enumerate().filter(is_second);
    seconds
        .map(|(index, name)| {
            let first = names[..index].iter().find(|other| stem(other) == stem(name));
            let first = first.map_or("", |first| first.as_str());
            Problem::wrong(&below(path, name), format!("give only one of `{first}` and `{name}`"))
        })
        .collect()
}

/// The files that hold secrets, with the settings that name them.
pub(super) fn named(config: &Config) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    let mut note = |setting: String, file: &Option<PathBuf>| {
        files.extend(file.clone().map(|file| (setting, file)));
    };
    note("storage.url_file".to_owned(), &config.storage.url_file);
    note("keys.root_key_file".to_owned(), &config.keys.root_key_file);
    for (index, server) in config.mail.smtp.iter().enumerate() {
        note(format!("mail.smtp[{index}].password_file"), &server.password_file);
    }
    for (index, key) in config.mail.dkim.iter().enumerate() {
        note(format!("mail.dkim[{index}].key_file"), &Some(key.key_file.clone()));
    }
    for (index, hook) in config.webhooks.iter().enumerate() {
        note(format!("webhooks[{index}].secret_file"), &hook.secret_file);
    }
    for (index, app) in config.apps.iter().enumerate() {
        for (number, key) in app.keys.iter().enumerate() {
            note(format!("apps[{index}].keys[{number}].key_file"), &key.key_file);
        }
    }
    files
}

/// What to say about a file with secrets that everybody on the machine may read.
pub(super) fn warning(setting: &str, file: &Path) -> Option<String> {
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & 0o004 != 0).then(|| {
        let file = file.display();
        format!("{setting}: everybody on this machine may read {file} (mode {mode:03o}): chmod 600 {file}")
    })
}

/// Whether the file of the configuration itself holds a secret.
pub(super) fn holds_secret(given: &Value) -> bool {
    const SECRETS: [&str; 4] = ["root_key", "password", "key", "secret"];
    match given {
        Value::Object(table) => table.iter().any(|(name, value)| {
            let url = name == "url" && value.as_str().is_some_and(|url| url.contains('@'));
            url || SECRETS.contains(&name.as_str()) || holds_secret(value)
        }),
        Value::Array(list) => list.iter().any(holds_secret),
        _ => false,
    }
}
