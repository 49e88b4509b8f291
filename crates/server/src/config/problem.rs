//! What is wrong with a configuration, where, and what to write instead. Never the value itself: it may be a secret.

use std::{collections::BTreeMap, fmt};

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The setting, as `mail.smtp[0].host`.
    pub setting: String,
    /// What is wrong with it.
    pub trouble: Trouble,
    /// Where it was given, where that is known.
    pub place: Option<Place>,
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is no such key; with advice on what might be meant.
    Unknown(String),
    /// Its value cannot be used: what is expected.
    Wrong(String),
}

/// Where a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this line of the file, counted from 1.
    Line(usize),
    /// In this environment variable.
    Variable(String),
}

impl Place {
    /// The line; the first one for what no file says.
    pub(super) const fn line(&self) -> usize {
        match self {
            Self::Line(line) => *line,
            Self::Variable(_) => 1,
        }
    }
}

impl Problem {
    /// A value that cannot be used.
    pub(super) fn wrong(setting: &str, why: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), trouble: Trouble::Wrong(why.into()), place: None }
    }

    /// A key that there is not.
    pub(super) fn unknown(setting: &str, advice: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), trouble: Trouble::Unknown(advice.into()), place: None }
    }

    /// The same, with where it was given.
    pub(super) fn placed(self, places: &Places) -> Self {
        let place = self.place.or_else(|| places.of(&self.setting).cloned());
        Self { place, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.place {
            None => String::new(),
            Some(Place::Line(line)) => format!(" in line {line}"),
            Some(Place::Variable(name)) => format!(" in {name}"),
        };
        match &self.trouble {
            Trouble::Unknown(advice) if self.setting.starts_with(super::environment::PREFIX) => {
                write!(f, "unknown variable `{}`: {advice}", self.setting)
            }
            Trouble::Unknown(advice) => write!(f, "unknown key `{}`{place}: {advice}", self.setting),
            Trouble::Wrong(why) => write!(f, "`{}`{place}: {why}", self.setting),
        }
    }
}

/// Where each setting was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places(BTreeMap<String, Place>);

impl Places {
    pub(super) fn note(&mut self, setting: &str, place: Place) {
        self.0.insert(setting.to_owned(), place);
    }

    /// Forgets a setting and everything in it.
    pub(super) fn forget(&mut self, setting: &str) {
        let inside = |other: &String| {
            other.strip_prefix(setting).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        };
        self.0.retain(|other, _| !inside(other));
    }

    /// Where a setting was given, or what it is in.
    pub(super) fn of(&self, setting: &str) -> Option<&Place> {
        self.0.get(setting).or_else(|| {
            let end = setting.rfind(['.', '['])?;
            self.of(&setting[..end])
        })
    }
}
