//! One thing the doctor has to say. Knows nothing of where it came from, and never holds a secret: everything in it
//! was read from the public DNS or is meant to be published there.

use serde::Serialize;

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// The name server itself.
    Resolver,
    /// Which addresses may send for the domain (RFC 7208).
    Spf,
    /// The public keys of our signatures (RFC 6376, RFC 8463).
    Dkim,
    /// What receivers do with mail that neither SPF nor DKIM vouches for (RFC 7489).
    Dmarc,
    /// Where bounces and replies go (RFC 5321, section 5).
    Mx,
    /// The names of the sending addresses.
    ReverseDns,
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Mail arrives today; something should be better.
    Warning,
    /// Receivers will refuse mail or treat it as unwanted.
    Problem,
}

/// What is, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// How much it matters.
    pub level: Level,
    /// What is, in one or two sentences.
    pub summary: String,
    /// What to do, with the record to publish in zone file form where there is one; empty when all is well.
    pub advice: String,
}

impl Finding {
    pub(super) fn good(area: Area, summary: impl Into<String>) -> Self {
        Self { area, level: Level::Good, summary: summary.into(), advice: String::new() }
    }

    pub(super) fn warning(area: Area, summary: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { area, level: Level::Warning, summary: summary.into(), advice: advice.into() }
    }

    pub(super) fn problem(area: Area, summary: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { area, level: Level::Problem, summary: summary.into(), advice: advice.into() }
    }
}
