//! From a file and the environment to a [`Config`]. The environment is put over the file, the file over the defaults.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{
    Config, ConfigError, document, environment,
    problem::{Places, Problem},
    schema::Schema,
    secret_file,
};

/// The file that is read when none is named, if it is there.
pub const DEFAULT_FILE: &str = "countersign.toml";

/// A configuration that was read, and what is to be said about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration. Its keys and types are right; whether it can be used is what [`check`](Self::check) says.
    pub config: Config,
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// What is not wrong but should be otherwise, for the log.
    pub warnings: Vec<String>,
    places: Places,
}

impl Loaded {
    /// Everything that is wrong with the configuration for `serve`, with the lines and variables it was given in.
    #[must_use]
    pub fn check(&self) -> Vec<Problem> {
        self.config.check().into_iter().map(|problem| problem.placed(&self.places)).collect()
    }
}

impl Config {
    /// Reads the file at `path`, or [`DEFAULT_FILE`] if that is there, or none, and puts `environment` over it.
    ///
    /// # Errors
    /// [`ConfigError`] when the file does not read, with everything that is unknown or of the wrong type.
    pub fn load(
        path: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let default = Some(Path::new(DEFAULT_FILE)).filter(|path| path.is_file());
        let file = path.or(default).map(Path::to_owned);
        let text = match &file {
            None => String::new(),
            Some(file) => std::fs::read_to_string(file)
                .map_err(|error| ConfigError(format!("{} cannot be read: {error}", file.display())))?,
        };
        let (given, mut places) = document::read(&text)?;
        let in_file = file.as_deref().filter(|_| secret_file::holds_secret(&given));
        let mut warnings: Vec<String> =
            in_file.and_then(|file| secret_file::warning("the configuration", file)).into_iter().collect();
        let config = read(given, &mut places, environment)?;
        let files = secret_file::named(&config);
        warnings.extend(files.iter().filter_map(|(setting, file)| secret_file::warning(setting, file)));
        Ok(Loaded { config, file, warnings, places })
    }

    /// Reads a configuration from TOML.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is unknown or of the wrong type, and the lines.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let (given, mut places) = document::read(text)?;
        read(given, &mut places, std::iter::empty())
    }
}

fn read(
    mut given: Value,
    places: &mut Places,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let schema = Schema::new();
    let mut problems = environment::overlay(&schema, &mut given, places, environment);
    problems.extend(schema.check(&given));
    problems.extend(secret_file::rivals(&given, ""));
    if problems.is_empty() {
        // What the schema cannot say, for instance that a text is an address of the network.
        match serde_path_to_error::deserialize(without_null(given)) {
            Ok(config) => return Ok(config),
            Err(error) => {
                let setting = error.path().to_string();
                problems.push(Problem::wrong(&setting, "the value cannot be read as what this key holds"));
            }
        }
    }
    let problems = problems.into_iter().map(|problem| problem.placed(places).to_string());
    Err(ConfigError(problems.collect::<Vec<_>>().join("\n")))
}

/// A key without a value is a key that was not given; only JSON in a variable has such.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(table) => {
            let given = table.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(name, value)| (name, without_null(value))).collect::<Map<_, _>>())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(without_null).collect()),
        other => other,
    }
}
