//! How a service behind a reverse proxy is opened, in the words of the configuration.

use countersign_domain::{
    forward_auth::{Accepted, Effect, ForwardAuth, Opener, Path, Rule, SignInMode},
    group::GroupName,
    scope::Scopes,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LevelSetting;

/// Longest lists: groups of an app, rules of an app, parts of a rule.
const MOST_GROUPS: usize = 8;
const MOST_RULES: usize = 100;
const MOST_PARTS: usize = 100;

/// How a service behind a reverse proxy is opened: what `GET /verify/{app}` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardAuthSettings {
    /// What becomes of who is not signed in: `hide` (default) says that there is nothing (404), `redirect` sends the
    /// browser to sign in and back, `unauthorized` says 401.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"redirect")]
    pub sign_in: Option<SignInSetting>,
    /// What opens it: `session`, `device`, `token`, `app_password`. The first three by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &["session", "device"])]
    pub accepts: Option<Vec<OpenerSetting>>,
    /// Whether everybody of the realm who is signed in may use it, without a grant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(example = true)]
    pub open: bool,
    /// Groups of apps that it is in, at most 8: a grant may name a group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["tools"])]
    pub groups: Vec<String>,
    /// Scopes of who needs no grant: everybody where it is open, and administrators.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["read:email", "read:name"])]
    pub scopes: Vec<String>,
    /// What requests need; the first that fits counts. At most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleSettings>,
}

/// What becomes of who is not signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInSetting {
    /// 404.
    Hide,
    /// To the sign-in, and back.
    Redirect,
    /// 401.
    Unauthorized,
}

/// What opens a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenerSetting {
    /// The cookie of a session.
    Session,
    /// The cookie of a registered device.
    Device,
    /// An access token as Bearer.
    Token,
    /// An app password as Basic.
    AppPassword,
}

/// What a request needs. It fits where each of its parts does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// The path, and all below it; every path where absent. Only `public` minds capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"/admin")]
    pub path: Option<String>,
    /// Methods; all where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["POST", "PUT"])]
    pub methods: Vec<String>,
    /// Networks that the request comes from; all where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["10.0.0.0/8"])]
    pub networks: Vec<String>,
    /// `deny` refuses everybody, `public` lets everybody in without asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"deny")]
    pub access: Option<AccessSetting>,
    /// The level that is needed: `mailbox`, `aal1` or `aal2`. Beside a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"aal2")]
    pub least: Option<LevelSetting>,
}

/// What a rule makes of the requests that it fits, where it names no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessSetting {
    /// Nobody may.
    Deny,
    /// Everybody may.
    Public,
}

/// Services behind reverse proxies, of all apps.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VerifySettings {
    /// Memory for who was found to be allowed, in MiB: 0 (nothing is remembered) to 65536. An entry takes about two KiB.
    /// Changes need a restart.
    #[schemars(range(min = 0, max = 65_536))]
    pub cache_mib: usize,
    /// For how many seconds who was found to be allowed stays that while the database does not answer: 0 (default) to
    /// 1800, and never longer than their session lives. What is ended meanwhile on another node stays good here for so long.
    #[schemars(range(min = 0, max = 1800))]
    pub stale_seconds: u32,
}

impl Default for VerifySettings {
    fn default() -> Self {
        Self { cache_mib: 64, stale_seconds: 0 }
    }
}

impl VerifySettings {
    /// Memory for who was found, in bytes.
    #[must_use]
    pub const fn cache_bytes(&self) -> usize {
        self.cache_mib.saturating_mul(1 << 20)
    }
}

impl ForwardAuthSettings {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// What these settings describe.
    ///
    /// # Errors
    /// The setting that is wrong, and what to write instead.
    pub(super) fn read(&self) -> Result<ForwardAuth, String> {
        if self.groups.len() > MOST_GROUPS {
            return Err(format!("groups: at most {MOST_GROUPS}"));
        }
        let groups: Result<Vec<GroupName>, _> = self.groups.iter().map(|group| group.parse()).collect();
        if self.rules.len() > MOST_RULES {
            return Err(format!("rules: at most {MOST_RULES}"));
        }
        let accepts = self.accepts.as_ref().map_or_else(Accepted::default, |accepts| {
            accepts.iter().fold(Accepted::NONE, |all, opener| all.with(opener.opener()))
        });
        if accepts == Accepted::NONE {
            return Err("accepts: say at least one of session, device, token, app_password".to_owned());
        }
        let is_opened_here = accepts.has(Opener::Session) || accepts.has(Opener::Device);
        if self.sign_in == Some(SignInSetting::Redirect) && !is_opened_here {
            return Err(
                "sign_in: redirect needs session or device among accepts, or browsers would go in circles"
                    .to_owned(),
            );
        }
        Ok(ForwardAuth {
            sign_in: match self.sign_in {
                Some(SignInSetting::Redirect) => SignInMode::Redirect,
                Some(SignInSetting::Unauthorized) => SignInMode::Unauthorized,
                Some(SignInSetting::Hide) | None => SignInMode::Hide,
            },
            accepts,
            open: self.open,
            groups: groups.map_err(|error| format!("groups: {error}"))?,
            scopes: Scopes::parse(&self.scopes).map_err(|error| format!("scopes: {error}"))?,
            rules: self.rules.iter().map(RuleSettings::read).collect::<Result<_, _>>()?,
        })
    }
}

impl OpenerSetting {
    const fn opener(self) -> Opener {
        match self {
            Self::Session => Opener::Session,
            Self::Device => Opener::Device,
            Self::Token => Opener::Token,
            Self::AppPassword => Opener::AppPassword,
        }
    }
}

impl RuleSettings {
    fn read(&self) -> Result<Rule, String> {
        if self.methods.len().max(self.networks.len()) > MOST_PARTS {
            return Err(format!("rules: at most {MOST_PARTS} methods and networks each"));
        }
        if let Some(path) = &self.path
            && Path::written(path.as_str()) == Path::Ambiguous
        {
            return Err(
                "rules.path: expected a path such as \"/admin\", decoded, without dots or semicolons"
                    .to_owned(),
            );
        }
        let is_method = |method: &String| {
            (1..=32).contains(&method.len())
                && method.bytes().all(|byte| byte.is_ascii_uppercase() || b"-_".contains(&byte))
        };
        if !self.methods.iter().all(is_method) {
            return Err("rules.methods: expected methods in capitals, such as \"POST\"".to_owned());
        }
        let read = |net: &String| {
            let address = net.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
            net.parse().or(address).map_err(|_| "rules.networks: expected networks such as \"10.0.0.0/8\"")
        };
        let effect = match (self.access, self.least) {
            (Some(AccessSetting::Deny), None) => Effect::Deny,
            (Some(AccessSetting::Public), None) => Effect::Public,
            (None, Some(least)) => Effect::Least(least.level()),
            _ => return Err("rules: say either access or least".to_owned()),
        };
        Ok(Rule {
            path: self.path.clone(),
            methods: self.methods.clone(),
            networks: self.networks.iter().map(read).collect::<Result<_, _>>()?,
            effect,
        })
    }
}
