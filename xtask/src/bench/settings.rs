//! What the caller may choose about a measurement. It knows nothing of how anything is measured.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, bail};

use crate::environment;

/// Choices about one run of the bench.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// How often the contestants take turns.
    pub(crate) rounds: usize,
    /// How long one turn lasts.
    pub(crate) turn: Duration,
    /// Distinct tokens to work with.
    pub(crate) tokens: usize,
    /// Whether a store with 1,000,000 challenges is measured beside one with 1,000.
    pub(crate) large: bool,
    /// The one part that is measured, where it is not all.
    pub(crate) alone: Option<Alone>,
    /// Where the figures go as JSON.
    pub(crate) json: PathBuf,
    /// Where the databases lie while it runs.
    pub(crate) folder: PathBuf,
}

/// A part that can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alone {
    /// Size, start, idle memory, and the whole flow.
    Flow,
    /// Second factors.
    Factors,
    /// Cookies, and what proxies ask.
    Verify,
    /// Passwords, and what waits while they are hashed.
    Passwords,
    /// Registered devices and grants, many of them.
    Devices,
    /// People and sessions, many of them.
    People,
}

impl Settings {
    /// Reads the arguments of `cargo xtask bench`.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn parse(arguments: &[String]) -> anyhow::Result<Self> {
        let target = environment::target()?;
        let mut settings = Self {
            rounds: 5,
            turn: Duration::from_secs(2),
            tokens: 100_000,
            large: false,
            alone: None,
            json: target.join("bench.json"),
            folder: target.join("bench"),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--rounds" => settings.rounds = value()?.parse::<usize>()?.max(1),
                "--seconds" => settings.turn = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--tokens" => settings.tokens = value()?.parse::<usize>()?.max(1_000),
                "--json" => settings.json = PathBuf::from(value()?),
                "--large" => settings.large = true,
                "--flow" => settings.alone = Some(Alone::Flow),
                "--factors" => settings.alone = Some(Alone::Factors),
                "--verify" => settings.alone = Some(Alone::Verify),
                "--passwords" => settings.alone = Some(Alone::Passwords),
                "--devices" => settings.alone = Some(Alone::Devices),
                "--people" => settings.alone = Some(Alone::People),
                other => bail!("cargo xtask bench does not know {other}"),
            }
        }
        Ok(settings)
    }
}
