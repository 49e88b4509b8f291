//! A file of cases for `countersign policy test`: what a policy should make of what somebody has and has proven. Read
//! with the care of the configuration itself: every unknown key and wrong word at once, each with its line.

use countersign_domain::{
    assurance::{Level, Method, Methods},
    policy::{Holdings, Policy, Verdict},
    realm::{Realm, RealmName},
    time::Span,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Config, ConfigError, LevelSetting, PolicySettings, ProfileSetting, document,
    problem::{Place, Places, Problem},
    schema::{SCHEMA, Schema},
};

/// What somebody has beside mails.
const HELD: [&str; 5] = ["passkey", "security_key", "totp", "password", "recovery_code"];
/// What somebody proves; a mail is a code or a link, whichever.
const PROVEN: [&str; 8] =
    ["passkey", "security_key", "totp", "password", "recovery_code", "mail", "code", "link"];
/// What may come next.
const NEXT: [&str; 6] = ["passkey", "security_key", "totp", "password", "recovery_code", "mail"];
/// What can be made in the middle of a sign-in.
const MADE: [&str; 2] = ["passkey", "totp"];

/// The cases of a file, before the apps that they name are looked up.
#[derive(Debug)]
pub struct PolicyCases {
    given: Vec<GivenCase>,
    places: Places,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyCase {
    /// What it is called; its number where it has no name.
    pub name: String,
    /// Where it begins in its file, counted from 1.
    pub line: usize,
    /// The policy that judges.
    pub policy: Policy,
    /// Whether passwords are taken at all.
    pub has_passwords: bool,
    /// What the person has, and whether they trust the browser.
    pub held: Holdings,
    /// What is proven.
    pub proven: Methods,
    /// The level that the app asks for.
    pub asked: Level,
    /// What should come of it.
    pub expected: Expected,
}

/// What should come of a case. Lists are in no order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A session.
    Enough,
    /// Any of these comes next.
    More(Vec<String>),
    /// Any of these has to be made.
    Enrol(Vec<String>),
}

impl PolicyCase {
    /// What the policy makes of it, in the words of what is expected, and why.
    #[must_use]
    pub fn outcome(&self) -> (Expected, String) {
        let judgement = self.policy.explain(self.proven, self.held, self.asked);
        (self.words(&judgement.verdict).sorted(), judgement.why())
    }

    /// Whether what was expected came out.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.outcome().0 == self.expected.clone().sorted()
    }

    fn words(&self, verdict: &Verdict) -> Expected {
        let is_taken = |method: &&Method| self.has_passwords || **method != Method::Password;
        let word = |method: &Method| match method {
            Method::Code | Method::Link => "mail".to_owned(),
            method => method.name().to_owned(),
        };
        match verdict {
            Verdict::Enough => Expected::Enough,
            Verdict::More(methods) => Expected::More(methods.iter().filter(is_taken).map(word).collect()),
            Verdict::Enrol(kinds) => {
                Expected::Enrol(kinds.iter().map(|kind| kind.name().to_owned()).collect())
            }
        }
    }
}

impl Expected {
    fn sorted(self) -> Self {
        let sort = |mut words: Vec<String>| {
            words.sort_unstable();
            words.dedup();
            words
        };
        match self {
            Self::Enough => Self::Enough,
            Self::More(words) => Self::More(sort(words)),
            Self::Enrol(words) => Self::Enrol(sort(words)),
        }
    }
}

impl std::fmt::Display for Expected {
    /// As a file of cases says it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Enough => f.write_str("enough = true"),
            Self::More(words) => write!(f, "more = {words:?}"),
            Self::Enrol(words) => write!(f, "enrol = {words:?}"),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenFile {
    #[serde(default)]
    cases: Vec<GivenCase>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenCase {
    name: Option<String>,
    app: Option<String>,
    policy: Option<PolicySettings>,
    profile: Option<ProfileSetting>,
    #[serde(default)]
    has: Vec<String>,
    #[serde(default)]
    proven: Vec<String>,
    #[serde(default)]
    trusted: bool,
    asked: Option<LevelSetting>,
    enough: Option<bool>,
    more: Option<Vec<String>>,
    enrol: Option<Vec<String>>,
}

impl PolicyCases {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is unknown, missing or of the wrong type, and the lines.
    pub fn read(text: &str) -> Result<Self, ConfigError> {
        let (given, places) = document::read(text)?;
        let mut problems = schema().check(&given);
        if problems.is_empty() {
            let file: Result<GivenFile, _> = serde_path_to_error::deserialize(given);
            match file {
                Ok(file) => return Ok(Self { given: file.cases, places }),
                Err(error) => {
                    let why = "the value cannot be read as what this key holds";
                    problems.push(Problem::wrong(&error.path().to_string(), why));
                }
            }
        }
        Err(refusal(&problems, &places))
    }

    /// Whether any case names an app of the configuration.
    #[must_use]
    pub fn name_apps(&self) -> bool {
        self.given.iter().any(|case| case.app.is_some())
    }

    /// The cases, with the policies that the apps of `config` have.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that makes no sense, and the lines.
    pub fn within(&self, config: &Config) -> Result<Vec<PolicyCase>, ConfigError> {
        let (mut cases, mut problems) = (Vec::new(), Vec::new());
        for (index, given) in self.given.iter().enumerate() {
            let at = format!("cases[{index}]");
            match given.read(config) {
                Ok(case) => {
                    let name = given.name.clone().unwrap_or_else(|| format!("case {}", index + 1));
                    let line = self.places.of(&at).map_or(1, Place::line);
                    cases.push(PolicyCase { name, line, ..case });
                }
                Err((key, why)) => {
                    let setting = if key.is_empty() { at } else { format!("{at}.{key}") };
                    problems.push(Problem::wrong(&setting, why));
                }
            }
        }
        if cases.is_empty() && problems.is_empty() {
            return Err(ConfigError("there is no case in it: write [[cases]]".to_owned()));
        }
        if problems.is_empty() { Ok(cases) } else { Err(refusal(&problems, &self.places)) }
    }
}

fn refusal(problems: &[Problem], places: &Places) -> ConfigError {
    let lines = problems.iter().map(|problem| problem.clone().placed(places).to_string());
    ConfigError(lines.collect::<Vec<_>>().join("\n"))
}

/// What a file of cases may hold. Policies are those of the configuration's own schema.
fn schema() -> Schema {
    let configuration: Value = serde_json::from_str(SCHEMA).unwrap_or_default();
    let list = |words: &[&str]| json!({"type": "array", "items": {"enum": words}});
    Schema::from(json!({
        "$defs": configuration["$defs"],
        "properties": {"cases": {"type": "array", "items": {"properties": {
            "name": {"type": "string"},
            "app": {"type": "string"},
            "policy": {"$ref": "#/$defs/PolicySettings"},
            "profile": {"$ref": "#/$defs/ProfileSetting"},
            "has": list(&HELD),
            "proven": list(&PROVEN),
            "trusted": {"type": "boolean"},
            "asked": {"$ref": "#/$defs/LevelSetting"},
            "enough": {"type": "boolean"},
            "more": list(&NEXT),
            "enrol": list(&MADE),
        }}}},
    }))
}

/// Which key is wrong, and why.
type Wrong = (&'static str, String);

impl GivenCase {
    fn read(&self, config: &Config) -> Result<PolicyCase, Wrong> {
        let held = Holdings { methods: set(&self.has), is_trusted: self.trusted };
        let proven = set(&self.proven);
        let is_theirs =
            |method: &Method| matches!(method, Method::Code | Method::Link) || held.methods.has(*method);
        if let Some(method) = proven.iter().find(|method| !is_theirs(method)) {
            let why = format!("who proves `{0}` has it: say `{0}` in `has` too", method.name());
            return Err(("proven", why));
        }
        let (policy, has_passwords) = self.policy(config)?;
        if self.trusted && policy.trust <= Span::ZERO {
            return Err(("trusted", "no browser is trusted: policy.trusted_device_days is 0".to_owned()));
        }
        Ok(PolicyCase {
            name: String::new(),
            line: 0,
            policy,
            has_passwords,
            held,
            proven,
            asked: self.asked.map_or(Level::Mailbox, LevelSetting::level),
            expected: self.expected()?,
        })
    }

    /// The policy, and whether passwords are taken.
    fn policy(&self, config: &Config) -> Result<(Policy, bool), Wrong> {
        let Some(name) = &self.app else {
            let settings = self.policy.clone().unwrap_or_default();
            let default = Policy::default();
            let policy = Policy {
                trust: settings.trust().map_err(|why| ("policy", why))?.unwrap_or(default.trust),
                start: settings.start().map_err(|why| ("policy", why))?.unwrap_or(default.start),
                least: settings.least().unwrap_or(default.least),
                is_strict: self.profile == Some(ProfileSetting::AsvsLevel3),
            };
            return Ok((policy, true));
        };
        if self.policy.is_some() || self.profile.is_some() {
            let why = "give either `app`, whose policy and profile are those of the configuration, or `policy` and `profile`";
            return Err(("app", why.to_owned()));
        }
        config.policy_of(name).map_err(|why| ("app", why))
    }

    fn expected(&self) -> Result<Expected, Wrong> {
        match (self.enough, &self.more, &self.enrol) {
            (Some(true), None, None) => Ok(Expected::Enough),
            (None, Some(more), None) => Ok(Expected::More(more.clone())),
            (None, None, Some(enrol)) => Ok(Expected::Enrol(enrol.clone())),
            (Some(false), None, None) => {
                Err(("enough", "expected true; else say what should follow: `more` or `enrol`".to_owned()))
            }
            _ => Err(("", "say one of `enough = true`, `more = […]`, `enrol = […]`".to_owned())),
        }
    }
}

fn set(words: &[String]) -> Methods {
    let method = |word: &String| if word == "mail" { Some(Method::Code) } else { Method::from_name(word) };
    words.iter().filter_map(method).fold(Methods::NONE, Methods::with)
}

impl Config {
    /// What a sign-in takes to an app that is declared here, and whether its realm has passwords.
    fn policy_of(&self, name: &str) -> Result<(Policy, bool), String> {
        let found = self.apps.iter().find(|app| app.name == name);
        let app = found.ok_or("no app of this name is declared in the configuration")?;
        let app = app.app().map_err(|error| error.0)?;
        if app.accounts.is_none() {
            return Err("it has no accounts (say accounts = \"realm\"): there is no policy to ask".to_owned());
        }
        let realm = self.realms.iter().find(|realm| realm.name == app.realm.as_str());
        let realm = match realm {
            Some(realm) => realm.realm().map_err(|error| error.0)?,
            None if app.realm.as_str() == RealmName::DEFAULT => Realm::new(app.realm.clone()),
            None => return Err(format!("its realm {} is not declared in the configuration", app.realm)),
        };
        Ok((realm.policy.of_app(app.accounts.as_ref(), self.is_strict()), realm.passwords))
    }
}
