//! The engine for SQLite beside a bare loop over SQLite. What is measured, and how, is in an example of the store, which
//! alone may use the engine.

use std::{fs, process::Command};

use anyhow::Context as _;

use super::{
    process::SERVER_CORE,
    report::{Report, Target, median},
    settings::Settings,
};
use crate::environment;

/// Short turns, many of them: the disk's mood changes faster than the machine's.
const TURNS: usize = 4;

/// Measures both in turns on the server's core.
///
/// # Errors
/// When it cannot be measured.
pub(crate) fn measure(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    report.part("SQLite's group commit: pairs of an insert and a conditional update, 64 callers");
    let folder = settings.folder.join("group-commit");
    fs::create_dir_all(&folder)?;
    let mut command = Command::new("taskset");
    command.args(["-c", SERVER_CORE]).arg(environment::target()?.join("release/examples/group_commit"));
    command.arg(&folder).arg((settings.rounds * TURNS).to_string());
    command.arg((settings.turn.as_secs_f64() / TURNS as f64).to_string());
    let text = environment::output(&mut command)?;
    let rounds =
        text.lines().map(round).collect::<Option<Vec<_>>>().context("rounds of four figures each")?;
    let of = |figure: fn(&[f64; 4]) -> f64| median(&rounds.iter().map(figure).collect::<Vec<_>>());
    report.add("a loop, 64 statements in a transaction", of(|round| round[0]), "/s", Target::None);
    report.add("the engine", of(|round| round[1]), "/s", Target::None);
    report.add("… to the loop", of(|round| round[1] / round[0]), "", Target::AtLeast(0.7));
    report.add("CPU of a pair in the loop", of(|round| round[2]), "µs", Target::None);
    report.add("… in the engine, its callers included", of(|round| round[3]), "µs", Target::None);
    Ok(())
}

fn round(line: &str) -> Option<[f64; 4]> {
    let figures: Vec<f64> = line.split(' ').map(str::parse).collect::<Result<_, _>>().ok()?;
    figures.try_into().ok()
}
