//! The section `admin`: whose people may use the administration pages.

use countersign_domain::realm::RealmName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::CookieSettings;

/// The administration pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AdminSettings {
    /// Realms whose people with the role `admin` may administer them at `/admin` of public listeners, signed in with two
    /// factors: there they may do what an admin key of the realm with every scope may. Without any (the default) `/admin` is
    /// there only on listeners with the part `admin`, for admin keys.
    #[schemars(example = &["staff"])]
    pub realms: Vec<String>,
}

impl AdminSettings {
    /// Whether the people of a realm may use the pages.
    #[must_use]
    pub fn lets(&self, realm: &RealmName) -> bool {
        self.realms.iter().any(|name| name == realm.as_str())
    }

    /// Checks the names of realms, and that a cookie that administers is this host's alone. Whether there are such realms
    /// is not asked: they may be made later.
    ///
    /// # Errors
    /// The setting that is wrong, and what to write instead.
    pub(super) fn check(&self, cookies: &CookieSettings) -> Result<(), (&'static str, String)> {
        if !self.realms.is_empty() && (cookies.domain.is_some() || !cookies.domains.is_empty()) {
            let why =
                "with cookies.domain or cookies.domains every host there could administer in their name";
            return Err(("admin.realms", why.to_owned()));
        }
        let wrong = self.realms.iter().find(|name| name.parse::<RealmName>().is_err());
        wrong.map_or(Ok(()), |name| Err(("admin.realms", format!("{name}: expected the name of a realm"))))
    }
}
