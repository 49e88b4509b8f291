//! A TOML file as plain values, and the line of each. It knows TOML, not what the keys mean.

use serde_json::{Map, Value, json};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    ConfigError,
    problem::{Place, Places},
};

/// Reads a file.
///
/// # Errors
/// [`ConfigError`] with the line where the text is not TOML. The text itself is not repeated: it may hold a secret.
pub(super) fn read(text: &str) -> Result<(Value, Places), ConfigError> {
    let document = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, span.start));
        ConfigError(format!("line {line}: {}", error.message()))
    })?;
    let mut reader = Reader { text, places: Places::default() };
    let value = reader.table(document.get_ref(), "");
    Ok((value, reader.places))
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

struct Reader<'a> {
    text: &'a str,
    places: Places,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, path: &str) -> Value {
        let mut map = Map::new();
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            self.places.note(&path, Place::Line(line_of(self.text, key.span().start)));
            map.insert(name.to_owned(), self.value(value, &path));
        }
        Value::Object(map)
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, path: &str) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Integer(number) => {
                i64::from_str_radix(number.as_str(), number.radix()).map_or_else(|_| strange(), Value::from)
            }
            DeValue::Float(number) => number.as_str().parse::<f64>().map_or_else(|_| strange(), Value::from),
            DeValue::Datetime(_) => strange(),
            DeValue::Table(table) => self.table(table, path),
            DeValue::Array(array) => {
                let mut list = Vec::new();
                for (index, item) in array.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.places.note(&path, Place::Line(line_of(self.text, item.span().start)));
                    list.push(self.value(item, &path));
                }
                Value::Array(list)
            }
        }
    }
}

/// What no setting takes, dates for instance: a value that is refused wherever it stands.
fn strange() -> Value {
    json!(0.5)
}
