//! A realm in the words of the configuration, and how apps say that their people have accounts in one.

use countersign_domain::{
    app::{AccountPolicy, BrowserTokens, SignUp},
    assurance::Level,
    device::DevicePolicy,
    identifier::EmailAddress,
    policy::Policy,
    realm::{Realm, RealmName},
    session::SessionPolicy,
    time::Span,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AppSettings, ConfigError, PolicySettings};

/// Longest list of domains that an app admits.
const MOST_DOMAINS: usize = 100;
/// Seconds of a day.
const DAY: i64 = 86_400;

/// A pool of users and apps. Nothing crosses realms. The realm `default` is there without being declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RealmSettings {
    /// Its permanent name: 1 to 63 of a-z, 0-9 and -.
    #[schemars(example = &"staff")]
    pub name: String,
    /// How long a session may go unused, in seconds: 300 to 7776000 (90 days), 604800 (a week) by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 604_800)]
    pub session_idle_seconds: Option<i64>,
    /// How long a session lives at most, in seconds: 300 to 31536000 (a year), 2592000 (30 days) by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 2_592_000)]
    pub session_absolute_seconds: Option<i64>,
    /// For how many seconds a spent refresh token gives its successor once more: 0 to 120, 30 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 30)]
    pub refresh_grace_seconds: Option<i64>,
    /// How many days an account waits between the wish to erase it and its erasure, and can be kept: 0 (at once) to 30,
    /// 0 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 14)]
    pub erasure_grace_days: Option<i64>,

    /// Whether its people may have passwords, beside the codes that are mailed to them.
    #[serde(default)]
    pub passwords: PasswordsSetting,

    /// What a sign-in takes, where an app says nothing else.
    #[serde(default, skip_serializing_if = "PolicySettings::is_default")]
    pub policy: PolicySettings,
    /// Whether people are told by mail that somebody signed in with a browser that they have not signed in with before:
    /// yes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = true)]
    pub new_device_mail: Option<bool>,
    /// Whether its administrators (users with the role `admin`) may reach every app of the realm: yes by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = true)]
    pub admins_hold_every_app: Option<bool>,

    /// How long a registered device may go unused, in seconds: 300 to 31536000 (a year), 2592000 (30 days) by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 2_592_000)]
    pub device_idle_seconds: Option<i64>,
    /// How long a registered device lasts at most, in seconds: 300 to 63072000 (two years), 31536000 (a year) by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 31_536_000)]
    pub device_absolute_seconds: Option<i64>,
    /// How old the secret of a registered device gets before another takes its place, in seconds: 300 to 2592000 (30 days),
    /// 86400 (a day) by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 86_400)]
    pub device_rotation_seconds: Option<i64>,
}

/// Whether the people of a realm may have passwords.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasswordsSetting {
    /// No.
    #[default]
    Off,
    /// Yes, who wants one.
    On,
}

/// Whether an app's people have accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountsSetting {
    /// No: a proof is worth a token, and nothing is kept of the person.
    #[default]
    None,
    /// Yes: users, sessions and refresh tokens in the app's realm.
    Realm,
}

/// Who may sign in who has no account yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignUpSetting {
    /// Everybody, or who has a mailbox at a domain of `sign_up_domains`.
    #[default]
    Open,
    /// Nobody.
    Closed,
    /// Who was invited: `countersign invitation add`.
    Invitation,
}

/// What a browser holds that was signed in on a page of an app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BrowserTokensSetting {
    /// The cookie of a session.
    #[default]
    Session,
    /// An access token and a refresh token in cookies.
    Jwt,
}

impl RealmSettings {
    /// The realm that these settings describe.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that is out of its range, and the range.
    pub fn realm(&self) -> Result<Realm, ConfigError> {
        let name: RealmName =
            self.name.parse().map_err(|error| ConfigError(format!("realms.name: {error}")))?;
        let erasure_grace = match self.erasure_grace_days {
            None => Span::ZERO,
            Some(days @ 0..=30) => Span::from_hours(24 * days),
            Some(days) => {
                let what = format!("realms.{name}.erasure_grace_days: {days} is not between 0 and 30");
                return Err(ConfigError(what));
            }
        };
        let start = self.policy.start().map_err(|why| ConfigError(format!("realms.{name}.{why}")))?;
        let trust = self.policy.trust().map_err(|why| ConfigError(format!("realms.{name}.{why}")))?;
        Ok(Realm {
            erasure_grace,
            session: self.session_policy(&name)?,
            passwords: self.passwords == PasswordsSetting::On,
            policy: Policy {
                start: start.unwrap_or(Policy::BEGINNINGS),
                least: self.policy.least().unwrap_or(Level::Mailbox),
                is_strict: false,
                trust: trust.unwrap_or(Span::ZERO),
            },
            new_device_mail: self.new_device_mail.unwrap_or(true),
            admins_hold_every_app: self.admins_hold_every_app.unwrap_or(true),
            device: self.device_policy(&name)?,
            name,
        })
    }

    /// How long sessions last.
    fn session_policy(&self, name: &RealmName) -> Result<SessionPolicy, ConfigError> {
        let default = SessionPolicy::default();
        let (idle, absolute) = (self.session_idle_seconds, self.session_absolute_seconds);
        Ok(SessionPolicy {
            idle: seconds((name, "session_idle_seconds"), idle, (300, 90 * DAY), default.idle)?,
            absolute: seconds(
                (name, "session_absolute_seconds"),
                absolute,
                (300, 365 * DAY),
                default.absolute,
            )?,
            refresh_grace: seconds(
                (name, "refresh_grace_seconds"),
                self.refresh_grace_seconds,
                (0, 120),
                default.refresh_grace,
            )?,
        })
    }

    /// How long registered devices last.
    fn device_policy(&self, name: &RealmName) -> Result<DevicePolicy, ConfigError> {
        let default = DevicePolicy::default();
        let (idle, absolute) = (self.device_idle_seconds, self.device_absolute_seconds);
        let rotation = self.device_rotation_seconds;
        Ok(DevicePolicy {
            idle: seconds((name, "device_idle_seconds"), idle, (300, 365 * DAY), default.idle)?,
            absolute: seconds(
                (name, "device_absolute_seconds"),
                absolute,
                (300, 730 * DAY),
                default.absolute,
            )?,
            rotation: seconds(
                (name, "device_rotation_seconds"),
                rotation,
                (300, 30 * DAY),
                default.rotation,
            )?,
        })
    }
}

/// A setting of a realm in seconds, between the least and the most that it may be.
fn seconds(
    (realm, setting): (&RealmName, &str),
    value: Option<i64>,
    (least, most): (i64, i64),
    default: Span,
) -> Result<Span, ConfigError> {
    match value {
        None => Ok(default),
        Some(value) if (least..=most).contains(&value) => Ok(Span::from_seconds(value)),
        Some(value) => {
            let why = format!("realms.{realm}.{setting}: {value} is not between {least} and {most}");
            Err(ConfigError(why))
        }
    }
}

impl AppSettings {
    /// The realm that the app names.
    pub(super) fn realm_name(&self) -> Result<RealmName, String> {
        self.realm.as_ref().map_or_else(
            || Ok(RealmName::default()),
            |name| name.parse().map_err(|error| format!("realm: {error}")),
        )
    }

    /// How its people's accounts are treated.
    pub(super) fn account_policy(&self) -> Result<Option<AccountPolicy>, String> {
        if self.accounts != AccountsSetting::Realm {
            if self.sign_up != SignUpSetting::Open || !self.sign_up_domains.is_empty() {
                return Err(
                    "sign_up: say accounts = \"realm\" too: there is nothing to sign up to".to_owned()
                );
            }
            if self.browser_tokens != BrowserTokensSetting::Session {
                return Err(
                    "browser_tokens: say accounts = \"realm\" too: there is no session to hold".to_owned()
                );
            }
            if !self.policy.is_default() {
                return Err("policy: say accounts = \"realm\" too: there is nothing but a mailbox".to_owned());
            }
            return Ok(None);
        }
        let sign_up = match (self.sign_up, self.sign_up_domains.as_slice()) {
            (SignUpSetting::Closed, _) => SignUp::Closed,
            (SignUpSetting::Invitation, _) => SignUp::Invitation,
            (SignUpSetting::Open, []) => SignUp::Open,
            (SignUpSetting::Open, domains) => SignUp::Domains(read_domains(domains)?),
        };
        let browser_tokens = match self.browser_tokens {
            BrowserTokensSetting::Session => BrowserTokens::Session,
            BrowserTokensSetting::Jwt => BrowserTokens::Jwt,
        };
        Ok(Some(AccountPolicy {
            sign_up,
            browser_tokens,
            start: self.policy.start()?,
            least: self.policy.least(),
            trust: self.policy.trust()?,
        }))
    }
}

/// Domains in the form that addresses have.
fn read_domains(domains: &[String]) -> Result<Vec<String>, String> {
    if domains.len() > MOST_DOMAINS {
        return Err(format!("sign_up_domains: at most {MOST_DOMAINS}"));
    }
    let read = |domain: &String| {
        EmailAddress::parse(&format!("a@{domain}"))
            .map(|address| address.domain().to_owned())
            .map_err(|_| "sign_up_domains: expected domains such as \"example.org\"".to_owned())
    };
    domains.iter().map(read).collect()
}
