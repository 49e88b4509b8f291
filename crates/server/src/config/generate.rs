//! The files that are made from the configuration's types: the JSON Schema for editors and the commented example for
//! people. Descriptions, defaults and samples are those of the schema.

use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor, value::Error};
use serde_json::Value;

use super::{
    AdminSettings, AppKeySettings, AppSettings, BreachedSettings, Config, CookieSettings, DkimSettings,
    EventSettings, ForwardAuthSettings, GrantHolderSettings, GrantSettings, KeySettings, LimitSettings,
    ListenerSettings, LogSettings, MailSettings, PasswordSettings, PolicySettings, RealmSettings,
    RetentionSettings, RuleSettings, SecurityLogSettings, ServerSettings, SmtpServerSettings,
    StorageSettings, TelemetrySettings, VerifySettings, WebauthnSettings, WebhookSettings,
    schema::{Schema, Shape, below},
};

/// The commented example as it was last generated; `cargo xtask tidy` compares it with the types.
pub const EXAMPLE: &str = include_str!("../../../../countersign.example.toml");

const HEAD: &str = "\
# Every key of countersign.toml, with its default or a sample. All of them are commented out: take what you need.
# Each key outside [[…]] may also be an environment variable, which then counts: server.issuer is
# COUNTERSIGN_SERVER_ISSUER. Lists of tables are one variable with JSON in it: COUNTERSIGN_APPS.
# `countersign check-config` says whether a file can be used.
";

/// The JSON Schema (draft 2020-12) of `countersign.toml`, without a line break at the end.
#[must_use]
pub fn schema_json() -> String {
    let mut schema = Schema::of_types().root().clone();
    schema["title"] = Value::from("countersign.toml");
    format!("{schema:#}")
}

/// The commented example of `countersign.toml`, without a line break at the end.
#[must_use]
pub fn example_toml() -> String {
    let schema = Schema::of_types();
    let mut example = Example { schema: &schema, text: HEAD.to_owned() };
    example.keys(schema.root(), "", order("Config"), false);
    example.text.trim_end().to_owned()
}

struct Example<'a> {
    schema: &'a Schema,
    text: String,
}

impl Example<'_> {
    /// The keys of a table in their order; the tables in it come after them, as TOML wants it. One in a list of tables is
    /// not there without its list.
    fn keys(&mut self, table: &Value, path: &str, order: &[&str], in_list: bool) {
        let mut tables = Vec::new();
        for name in order {
            let node = &table["properties"][name];
            let inner = match self.schema.shape(node) {
                Shape::Table { .. } => Some((node, false)),
                Shape::List(items) if matches!(self.schema.shape(items), Shape::Table { .. }) => {
                    Some((items, true))
                }
                _ => None,
            };
            match inner {
                Some((inner, is_list)) => tables.push((*name, node, inner, is_list)),
                None => self.key(name, node),
            }
        }
        for (name, node, inner, is_list) in tables {
            let path = below(path, name);
            let (inner, type_name) = self.schema.resolve(inner);
            self.text.push('\n');
            self.comment(node);
            self.text.push_str(&match (is_list, in_list) {
                (true, _) => format!("#[[{path}]]\n"),
                (false, true) => format!("#[{path}]\n"),
                (false, false) => format!("[{path}]\n"),
            });
            self.keys(inner, &path, super::generate::order(type_name), is_list || in_list);
        }
    }

    fn key(&mut self, name: &str, node: &Value) {
        let value = match &node["default"] {
            Value::Null => &node["examples"][0],
            Value::Array(list) if list.is_empty() => &node["examples"][0],
            default => default,
        };
        self.comment(node);
        self.text.push_str(&format!("#{name} = {}\n", in_toml(value)));
    }

    fn comment(&mut self, node: &Value) {
        let own = node["description"].as_str();
        let text = own.or_else(|| self.schema.resolve(node).0["description"].as_str()).unwrap_or_default();
        for line in text.lines() {
            self.text.push_str(&format!("# {line}\n"));
        }
    }
}

/// A value in TOML. Text in JSON's quotes is text in TOML's.
fn in_toml(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("[{}]", list.iter().map(in_toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// The keys of a type in the order of its declaration, which the schema does not keep.
fn order(type_name: &str) -> &'static [&'static str] {
    match type_name {
        "Config" => fields::<Config>(),
        "ServerSettings" => fields::<ServerSettings>(),
        "ListenerSettings" => fields::<ListenerSettings>(),
        "StorageSettings" => fields::<StorageSettings>(),
        "AdminSettings" => fields::<AdminSettings>(),
        "CookieSettings" => fields::<CookieSettings>(),
        "KeySettings" => fields::<KeySettings>(),
        "MailSettings" => fields::<MailSettings>(),
        "SmtpServerSettings" => fields::<SmtpServerSettings>(),
        "DkimSettings" => fields::<DkimSettings>(),
        "LimitSettings" => fields::<LimitSettings>(),
        "RetentionSettings" => fields::<RetentionSettings>(),
        "LogSettings" => fields::<LogSettings>(),
        "RealmSettings" => fields::<RealmSettings>(),
        "PolicySettings" => fields::<PolicySettings>(),
        "PasswordSettings" => fields::<PasswordSettings>(),
        "BreachedSettings" => fields::<BreachedSettings>(),
        "TelemetrySettings" => fields::<TelemetrySettings>(),
        "AppSettings" => fields::<AppSettings>(),
        "AppKeySettings" => fields::<AppKeySettings>(),
        "EventSettings" => fields::<EventSettings>(),
        "SecurityLogSettings" => fields::<SecurityLogSettings>(),
        "WebhookSettings" => fields::<WebhookSettings>(),
        "WebauthnSettings" => fields::<WebauthnSettings>(),
        "VerifySettings" => fields::<VerifySettings>(),
        "ForwardAuthSettings" => fields::<ForwardAuthSettings>(),
        "RuleSettings" => fields::<RuleSettings>(),
        "GrantSettings" => fields::<GrantSettings>(),
        "GrantHolderSettings" => fields::<GrantHolderSettings>(),
        _ => &[],
    }
}

fn fields<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // It fails on purpose, after it was told the fields.
    let _ = T::deserialize(Fields(&mut fields));
    fields
}

/// Reads nothing; notes which fields it is asked for.
struct Fields<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Fields<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("only the names were wanted"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a table"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_that_is_read_is_that_of_the_types() {
        let mut of_types = Schema::of_types().root().clone();
        of_types["title"] = Schema::new().root()["title"].clone();
        assert_eq!(Schema::new().root(), &of_types, "run `cargo xtask gen`");
    }

    #[test]
    fn every_key_of_the_schema_is_in_the_example() {
        let (schema, example) = (Schema::of_types(), example_toml());
        for (type_name, node) in schema.root()["$defs"].as_object().unwrap() {
            let Some(properties) = node["properties"].as_object() else { continue };
            let mut order = order(type_name).to_vec();
            order.sort_unstable();
            let mut keys: Vec<_> = properties.keys().map(String::as_str).collect();
            keys.sort_unstable();
            assert_eq!(order, keys, "{type_name}");
            for (key, node) in properties {
                assert!(!node["description"].as_str().unwrap_or_default().is_empty(), "{type_name}.{key}");
                assert!(
                    example.contains(&format!("\n#{key} = ")) || example.contains(&format!(".{key}]")),
                    "{type_name}.{key}"
                );
            }
        }
    }

    #[test]
    fn the_example_reads_with_every_key_taken() {
        let (_, keys) =
            example_toml().split_once(".\n\n").map(|(head, keys)| (head.len(), keys.to_owned())).unwrap();
        let is_key = |line: &&str| !line.starts_with("# ");
        let taken: Vec<&str> =
            keys.lines().filter(is_key).map(|line| line.strip_prefix('#').unwrap_or(line)).collect();
        // Several ways to give one secret cannot be taken together, nor a level and the lack of any.
        let one_way = |line: &&&str| {
            ![
                "url_file",
                "root_key_file",
                "root_key_command",
                "password_file",
                "key_file = \"/run",
                "secret_file",
                "access = ",
            ]
            .iter()
            .any(|key| line.starts_with(key))
        };
        let text = taken.iter().filter(one_way).copied().collect::<Vec<_>>().join("\n");
        let config = Config::parse(&text).unwrap();
        assert_eq!(config.apps[0].name, "shop");
        assert_eq!(config.mail.smtp[0].host, "smtp.example.org");
        assert!(config.apps[0].app().is_ok());
        // As it is made, it says nothing at all.
        assert!(!example_toml().contains(" = null\n"), "a key without a default needs a sample");
        let untouched = Config::parse(&example_toml()).unwrap();
        assert_eq!(super::super::changed(&untouched, &Config::default()), Vec::<String>::new());
    }

    #[test]
    fn the_schema_says_what_it_is() {
        let schema: Value = serde_json::from_str(&schema_json()).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["$defs"]["RetentionSettings"]["properties"]["sweep_seconds"]["maximum"], 3600);
    }
}
