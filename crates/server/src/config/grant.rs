//! Grants in the words of the configuration: who may use what. Those of the file are changed in the file alone.

use countersign_domain::{
    grant::Target, group::GroupName, identifier::EmailAddress, realm::RealmName, scope::Scopes,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Most grants in a file: who has more gives them through the API.
pub(super) const MOST_GRANTS: usize = 1_000;

/// Gives the use of an app, or of a group of apps, to somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantSettings {
    /// The app. Either `app` or `app_group`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"wiki")]
    pub app: Option<String>,
    /// The group of apps, as their `forward_auth.groups` name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"tools")]
    pub app_group: Option<String>,
    /// What the app learns of the person, and scopes of its own: read:email, read:username, read:name, read:groups,
    /// read:user-role, or 1 to 64 of a-z 0-9 : . _ -. At most 32.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["read:email", "read:name"])]
    pub scopes: Vec<String>,
    /// In which realm: `default` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"staff")]
    pub realm: Option<String>,
    /// To whom.
    #[serde(default)]
    pub from: GrantHolderSettings,
}

/// Who holds a grant: exactly one of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantHolderSettings {
    /// Who is in this group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"family")]
    pub group: Option<String>,
    /// Who has shown that this address is theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"jane@example.org")]
    pub email: Option<String>,
    /// Everybody of the realm who is signed in: say `true`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(example = true)]
    pub everybody: bool,
}

/// Who holds a declared grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeclaredHolder {
    /// Who is in a group.
    Group(GroupName),
    /// Who has an address.
    Address(EmailAddress),
    /// Everybody of the realm.
    Everybody,
}

/// A grant of the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredGrant {
    /// In which realm.
    pub realm: RealmName,
    /// Whose.
    pub holder: DeclaredHolder,
    /// What for.
    pub target: Target,
    /// With which scopes.
    pub scopes: Scopes,
}

impl GrantSettings {
    /// The grant that these settings describe.
    ///
    /// # Errors
    /// The setting that cannot be, and why.
    pub fn grant(&self) -> Result<DeclaredGrant, (&'static str, String)> {
        let target = match (&self.app, &self.app_group) {
            (Some(app), None) => Target::App(app.parse().map_err(because("app"))?),
            (None, Some(group)) => Target::Group(group.parse().map_err(because("app_group"))?),
            _ => return Err(("app", "give either `app` or `app_group`".to_owned())),
        };
        let realm = self.realm.as_deref().map_or_else(|| Ok(RealmName::default()), str::parse);
        Ok(DeclaredGrant {
            realm: realm.map_err(because("realm"))?,
            holder: self.from.holder()?,
            target,
            scopes: Scopes::parse(&self.scopes).map_err(because("scopes"))?,
        })
    }
}

impl GrantHolderSettings {
    fn holder(&self) -> Result<DeclaredHolder, (&'static str, String)> {
        match (&self.group, &self.email, self.everybody) {
            (Some(group), None, false) => {
                Ok(DeclaredHolder::Group(group.parse().map_err(because("from.group"))?))
            }
            (None, Some(email), false) => {
                let address = EmailAddress::parse(email).map_err(because("from.email"))?;
                Ok(DeclaredHolder::Address(address))
            }
            (None, None, true) => Ok(DeclaredHolder::Everybody),
            _ => Err(("from", "give exactly one of `group`, `email` and `everybody = true`".to_owned())),
        }
    }
}

fn because<E: std::fmt::Display>(setting: &'static str) -> impl Fn(E) -> (&'static str, String) {
    move |error| (setting, error.to_string())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_grant_goes_from_one_holder_to_one_target() {
        for (text, wrong) in [
            ("app = \"wiki\"\nfrom = {group = \"family\"}\nscopes = [\"read:email\"]", None),
            ("app_group = \"tools\"\nfrom = {email = \"ann@mail.example\"}\nrealm = \"staff\"", None),
            ("app = \"wiki\"\nfrom = {everybody = true}", None),
            ("app = \"wiki\"", Some("from")),
            ("app = \"wiki\"\nfrom = {everybody = false}", Some("from")),
            ("app = \"wiki\"\nfrom = {group = \"family\", everybody = true}", Some("from")),
            ("app = \"wiki\"\nfrom = {group = \"a b\"}", Some("from.group")),
            ("app = \"wiki\"\nfrom = {email = \"ann\"}", Some("from.email")),
            ("from = {everybody = true}", Some("app")),
            ("app = \"wiki\"\napp_group = \"tools\"\nfrom = {everybody = true}", Some("app")),
            ("app = \"W\"\nfrom = {everybody = true}", Some("app")),
            ("app = \"wiki\"\nscopes = [\"a b\"]\nfrom = {everybody = true}", Some("scopes")),
            ("app = \"wiki\"\nrealm = \"\"\nfrom = {everybody = true}", Some("realm")),
        ] {
            let config = Config::parse(&format!("[[grants]]\n{text}")).unwrap();
            let read = config.grants[0].grant();
            assert_eq!(read.err().map(|(setting, _)| setting), wrong, "{text}");
        }
    }
}
