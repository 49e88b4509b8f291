//! What is wrong with a setting of an app, in words that name it. It knows forms of values, no meaning.

use countersign_domain::app::AppName;

use super::ConfigError;

/// Where in the configuration something is wrong.
pub(super) struct Place<'a>(pub(super) &'a AppName);

impl Place<'_> {
    pub(super) fn error(&self, setting: &str, why: &str) -> ConfigError {
        ConfigError(format!("apps.{}.{setting}: {why}", self.0))
    }

    /// From a text that begins with the setting.
    pub(super) fn wrong(&self, why: &str) -> ConfigError {
        ConfigError(format!("apps.{}.{why}", self.0))
    }

    pub(super) fn range<T: PartialOrd + std::fmt::Display>(
        &self,
        setting: &str,
        value: T,
        (least, most): (T, T),
    ) -> Result<T, ConfigError> {
        if value >= least && value <= most {
            Ok(value)
        } else {
            Err(self.error(setting, &format!("{value} is not between {least} and {most}")))
        }
    }

    pub(super) fn line(&self, setting: &str, value: Option<&String>, most: usize) -> Result<(), ConfigError> {
        match value {
            Some(value) if value.is_empty() || value.chars().count() > most => {
                Err(self.error(setting, &format!("expected 1 to {most} characters")))
            }
            Some(value) if value.chars().any(char::is_control) => {
                Err(self.error(setting, "control characters and line breaks are not allowed"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn origin(&self, origin: &str) -> Result<(), ConfigError> {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let plain = origin.strip_prefix("http://");
        let fits = host.is_some_and(|host| {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@\\,*".contains(&byte))
        });
        let loopback = plain.is_none_or(|host| {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            ["localhost", "127.0.0.1", "[::1]"].contains(&name)
        });
        if fits && loopback && origin == origin.to_ascii_lowercase() {
            Ok(())
        } else {
            Err(self.error(
                "origins",
                "expected https://host or https://host:port in lower case, or http://localhost:port",
            ))
        }
    }
}
