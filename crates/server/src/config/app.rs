//! An app in the words of the configuration, and what the rules make of it.

use std::path::PathBuf;

use countersign_domain::{
    algorithm::Algorithm,
    api_key::ApiKeyText,
    app::{App, AppName, ChallengePolicy, Delivery, MailPolicy, TokenPolicy},
    code::{Alphabet, CodeForm},
    contact::MOST_SENDS,
    identifier::EmailAddress,
    session::LONGEST_ACCESS_TOKEN,
    subject::Sector,
    time::Span,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AccountsSetting, BrowserTokensSetting, ConfigError, ForwardAuthSettings, PolicySettings, SignUpSetting,
    app_place::Place,
};
use crate::texts::Locale;

/// An app: what signs people in. Only its name is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppSettings {
    /// Its permanent name: 1 to 63 of a-z, 0-9 and -. Subjects are derived from it.
    #[schemars(example = &"shop")]
    pub name: String,
    /// What people read in mails and on pages; the name where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"My Shop")]
    pub title: Option<String>,
    /// The colour of its pages, `#rrggbb`; darkened or lightened where texts in it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"#14548c")]
    pub accent: Option<String>,
    /// Switched off: starts nothing, its keys and tokens are refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(example = true)]
    pub disabled: bool,
    /// Pages that may use its publishable keys, as `https://host` or `http://localhost:port`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["https://shop.example.org"])]
    pub origins: Vec<String>,
    /// Apps with the same sector see the same subject for a person. Changing it changes every subject of this app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"shops")]
    pub sector: Option<String>,
    /// `none` (default) keeps nothing of people; `realm` gives them accounts: users, sessions, refresh tokens.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(example = &"realm")]
    pub accounts: AccountsSetting,
    /// The realm whose users sign in; `default` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"staff")]
    pub realm: Option<String>,
    /// Who may sign in who has no account yet: `open` (default), `invitation` or `closed`.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(example = &"closed")]
    pub sign_up: SignUpSetting,
    /// Where sign-up is open: only for mailboxes at these domains. A subdomain is another domain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = ["example.org"])]
    pub sign_up_domains: Vec<String>,
    /// What browsers on its pages hold: `session` (default), a cookie that only this server reads, or `jwt`, an access
    /// token and a refresh token in cookies.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(example = &"jwt")]
    pub browser_tokens: BrowserTokensSetting,
    /// What a sign-in takes, in place of what the realm says.
    #[serde(default, skip_serializing_if = "PolicySettings::is_default")]
    pub policy: PolicySettings,
    /// What a mail carries: `code` (default), `link` or `both`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"both")]
    pub delivery: Option<DeliverySetting>,
    /// Characters of a code: 6 (default) to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 8)]
    pub code_length: Option<usize>,
    /// What codes are made of: `digits` (default) or `unambiguous` letters and digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"unambiguous")]
    pub code_alphabet: Option<AlphabetSetting>,
    /// Life of a sign-in challenge in seconds: 30 to 600 (default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 300)]
    pub code_life_seconds: Option<i64>,
    /// Life of a challenge that confirms an address, in seconds: 60 to 86400 (default).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 3600)]
    pub confirmation_life_seconds: Option<i64>,
    /// Wrong codes that one challenge survives: 1 to 10, 5 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 5)]
    pub tries: Option<u32>,
    /// A wrong code by a secret key ends all challenges of that person at this app.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(example = true)]
    pub wipe_on_failure: bool,
    /// Seconds between two messages to one person: 0 to 600, 30 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 60)]
    pub resend_pause_seconds: Option<i64>,
    /// Messages to one person within an hour: 1 to 64, 6 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 6)]
    pub messages_per_person_per_hour: Option<usize>,
    /// Messages to one person within a day: 1 to 64, 20 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 20)]
    pub messages_per_person_per_day: Option<usize>,
    /// Messages of the whole app within a day: 10000 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 5000)]
    pub messages_per_day: Option<u32>,
    /// Signature of its tokens: EdDSA (default), ES256, ES384, ES512, RS256 or HS256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"ES256")]
    pub token_algorithm: Option<String>,
    /// Life of its access tokens in seconds: 60 to 7776000 (90 days), 3600 by default. With accounts 60 to 3600, 300
    /// by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = 3600)]
    pub token_lifetime_seconds: Option<i64>,
    /// `aud` of its tokens; its name where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://api.example.org")]
    pub audience: Option<String>,
    /// Whether its tokens carry the verified address (`email`, `email_verified`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(example = true)]
    pub address_claim: bool,
    /// The name before the sender's address; the title where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"My Shop")]
    pub sender_name: Option<String>,
    /// The sender's address, from this app's own domain; the server's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"no-reply@shop.example.org")]
    pub sender_address: Option<String>,
    /// The subject line; may hold `%code%`. A translated one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"%code% is your code for My Shop")]
    pub subject: Option<String>,
    /// Language of people whose own is not known: en, de, fr, es, ja, or one that `mail.templates` has texts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"de")]
    pub locale: Option<String>,
    /// How it is opened where it is a service behind a reverse proxy.
    #[serde(default, skip_serializing_if = "ForwardAuthSettings::is_default")]
    pub forward_auth: ForwardAuthSettings,
    /// API keys that are declared here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<AppKeySettings>,
}

/// An API key that the operator keeps. `countersign key generate` makes one.
#[derive(Clone, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppKeySettings {
    /// The key itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"cs_sk_…")]
    pub key: Option<String>,
    /// A file that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"/run/secrets/shop-key")]
    pub key_file: Option<PathBuf>,
    /// What it is called in lists.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(example = &"shop server")]
    pub label: String,
}

impl std::fmt::Debug for AppKeySettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppKeySettings").field("label", &self.label).finish_non_exhaustive()
    }
}

/// What a mail carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliverySetting {
    /// A code to type.
    Code,
    /// A link to open.
    Link,
    /// Both.
    Both,
}

/// What codes are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlphabetSetting {
    /// 0 to 9.
    Digits,
    /// Digits and capital letters that are not mistaken for each other.
    Unambiguous,
}

/// An app of the configuration file with its keys.
#[derive(Clone, Debug)]
pub struct Declared {
    /// The app.
    pub app: App,
    /// Its keys, with what they are called.
    pub keys: Vec<(ApiKeyText, String)>,
}

/// Reads the apps of a configuration.
///
/// # Errors
/// [`ConfigError`] names the app, the setting and its range; also when a name occurs twice or a key does not read.
pub fn declared(settings: &[AppSettings]) -> Result<Vec<Declared>, ConfigError> {
    let mut apps: Vec<Declared> = Vec::with_capacity(settings.len());
    for settings in settings {
        let app = settings.app()?;
        if apps.iter().any(|other| other.app.name == app.name) {
            return Err(ConfigError(format!("the app {} is declared twice", app.name)));
        }
        if let Some(other) = apps.iter().find(|other| other.app.crosses_realms_with(&app)) {
            let why = crossing(&other.app);
            return Err(ConfigError(format!("apps.{}.audience: {why}", app.name)));
        }
        let keys = settings.keys.iter().map(|key| key.read(&app.name)).collect::<Result<_, _>>()?;
        apps.push(Declared { app, keys });
    }
    Ok(apps)
}

/// What is wrong with an app whose audience `other` has, in another realm.
#[must_use]
pub fn crossing(other: &App) -> String {
    format!(
        "the app {} of the realm {} has this audience: nothing crosses realms, so write audience = another one",
        other.name, other.realm
    )
}

impl AppKeySettings {
    fn read(&self, app: &AppName) -> Result<(ApiKeyText, String), ConfigError> {
        let text = match (&self.key, &self.key_file) {
            (Some(key), None) => key.clone(),
            (None, Some(file)) => std::fs::read_to_string(file)
                .map_err(|error| ConfigError(format!("apps.{app}.keys: {}: {error}", file.display())))?,
            _ => return Err(ConfigError(format!("apps.{app}.keys: give either key or key_file"))),
        };
        let key = ApiKeyText::parse(text.trim())
            .map_err(|error| ConfigError(format!("apps.{app}.keys: {error}")))?;
        Ok((key, self.label.clone()))
    }
}

impl AppSettings {
    /// The app that these settings describe.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that is out of its range, and the range.
    pub fn app(&self) -> Result<App, ConfigError> {
        let name: AppName = self.name.parse().map_err(|error| ConfigError(format!("apps.name: {error}")))?;
        let at = Place(&name);
        let title = self.title.clone().unwrap_or_else(|| name.to_string());
        at.line("title", Some(&title), 100)?;
        let realm = self.realm_name().map_err(|why| at.wrong(&why))?;
        let accounts = self.account_policy().map_err(|why| at.wrong(&why))?;
        at.line("sector", self.sector.as_ref(), 100)?;
        let sector = match &self.sector {
            None => Sector::App(name.clone()),
            Some(sector) if realm.is_default() => Sector::Shared(sector.clone()),
            Some(sector) => Sector::SharedIn(realm.clone(), sector.clone()),
        };
        for origin in &self.origins {
            at.origin(origin)?;
        }
        let accent = self
            .accent
            .as_deref()
            .map(|text| text.parse().map_err(|error| at.error("accent", &format!("{error}"))));
        Ok(App {
            title,
            accent: accent.transpose()?,
            disabled: self.disabled,
            origins: self.origins.clone(),
            realm,
            accounts,
            sector,
            messages_per_day: self.messages_per_day.unwrap_or(10_000),
            challenge: self.challenge(&at)?,
            token: self.token(&at)?,
            mail: self.mail(&at)?,
            forward_auth: self.forward_auth.read().map_err(|why| at.wrong(&format!("forward_auth.{why}")))?,
            name: name.clone(),
        })
    }

    fn challenge(&self, at: &Place<'_>) -> Result<ChallengePolicy, ConfigError> {
        let default = ChallengePolicy::default();
        let alphabet = match self.code_alphabet {
            Some(AlphabetSetting::Unambiguous) => Alphabet::Unambiguous,
            Some(AlphabetSetting::Digits) | None => Alphabet::Digits,
        };
        let length = self.code_length.unwrap_or(CodeForm::SHORTEST);
        let code = CodeForm::new(alphabet, length)
            .ok_or_else(|| at.error("code_length", &format!("{length} is not between 6 and 10")))?;
        let seconds = |name, value: Option<i64>, range, default: Span| {
            value.map_or(Ok(default), |value| at.range(name, value, range).map(Span::from_seconds))
        };
        Ok(ChallengePolicy {
            delivery: match self.delivery {
                Some(DeliverySetting::Link) => Delivery::Link,
                Some(DeliverySetting::Both) => Delivery::Both,
                Some(DeliverySetting::Code) | None => Delivery::Code,
            },
            code,
            life: seconds("code_life_seconds", self.code_life_seconds, (30, 600), default.life)?,
            confirmation_life: seconds(
                "confirmation_life_seconds",
                self.confirmation_life_seconds,
                (60, 86_400),
                default.confirmation_life,
            )?,
            tries: at.range("tries", self.tries.unwrap_or(default.tries), (1, 10))?,
            wipe_on_failure: self.wipe_on_failure,
            resend_pause: seconds(
                "resend_pause_seconds",
                self.resend_pause_seconds,
                (0, 600),
                default.resend_pause,
            )?,
            sends_per_hour: at.range(
                "messages_per_person_per_hour",
                self.messages_per_person_per_hour.unwrap_or(default.sends_per_hour),
                (1, MOST_SENDS),
            )?,
            sends_per_day: at.range(
                "messages_per_person_per_day",
                self.messages_per_person_per_day.unwrap_or(default.sends_per_day),
                (1, MOST_SENDS),
            )?,
        })
    }

    fn token(&self, at: &Place<'_>) -> Result<TokenPolicy, ConfigError> {
        let default = TokenPolicy::default();
        let algorithm = match &self.token_algorithm {
            None => default.algorithm,
            Some(name) => Algorithm::parse(name).ok_or_else(|| {
                at.error("token_algorithm", "expected EdDSA, ES256, ES384, ES512, RS256 or HS256")
            })?,
        };
        at.line("audience", self.audience.as_ref(), 200)?;
        // A session gives tokens anew, so they are short: what is not asked about is over soon.
        let (usual, longest) = match self.accounts {
            AccountsSetting::None => (default.lifetime.seconds(), 90 * 86_400),
            AccountsSetting::Realm => (300, LONGEST_ACCESS_TOKEN.seconds()),
        };
        let lifetime = self.token_lifetime_seconds.unwrap_or(usual);
        Ok(TokenPolicy {
            algorithm,
            lifetime: Span::from_seconds(at.range("token_lifetime_seconds", lifetime, (60, longest))?),
            audience: self.audience.clone(),
            address_claim: self.address_claim,
        })
    }

    fn mail(&self, at: &Place<'_>) -> Result<MailPolicy, ConfigError> {
        at.line("sender_name", self.sender_name.as_ref(), 100)?;
        at.line("subject", self.subject.as_ref(), 200)?;
        if let Some(address) = &self.sender_address {
            EmailAddress::parse(address).map_err(|error| at.error("sender_address", &error.to_string()))?;
        }
        if let Some(locale) = &self.locale
            && Locale::parse(locale).is_none_or(|canonical| canonical.tag() != locale)
        {
            return Err(
                at.error("locale", "expected the tag of a language, such as en, de, fr, es, ja or pt-BR")
            );
        }
        Ok(MailPolicy {
            sender_name: self.sender_name.clone(),
            sender_address: self.sender_address.clone(),
            subject: self.subject.clone(),
            locale: self.locale.clone(),
        })
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
