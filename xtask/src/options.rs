//! The command line of xtask, parsed. It does not know what the commands do.

use anyhow::{Context as _, bail};

use crate::{skip::Skip, steps::Step};

/// What `cargo xtask help` prints.
pub(crate) const HELP: &str = "\
cargo xtask test       install what is missing, then run every check and every test
cargo xtask check      formatting, lints and house rules only
cargo xtask bench      measure speed and memory beside bare hyper and the raw disk: a table and JSON
cargo xtask tidy       house rules only
cargo xtask gen        write the files that are generated from the code
cargo xtask order      write which functions run at every start, for the linker (needs valgrind)
cargo xtask servers    keep the private database servers running, for tests started by hand

  --only STEP          format, clippy, tidy, tests, timing, documentation or end-to-end; may be repeated
  --skip NAME          leave out postgres, mariadb, postfix or browser, and say so in the summary; may be repeated
  --no-install         fail with the command to type where a package is missing

  bench: --rounds N --seconds N --tokens N --json FILE; one part alone: --flow, --factors, --verify for cookies
         and what proxies ask, --passwords, --devices and --people for 1,000,000 of them; --large for all with large
         stores";

/// One command with its options.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print [`HELP`].
    Help,
    /// Run steps; `check` is a test of fewer steps.
    Test(Options),
    /// Run the database servers until Ctrl-C.
    Servers(Options),
    /// Measure; the arguments are the bench's own.
    Bench(Vec<String>),
    /// One process of a measurement, started by the bench itself.
    BenchPart(Vec<String>),
    /// Look at the house rules.
    Tidy,
    /// Write the generated files.
    Generate,
    /// Write what the linker lays side by side.
    Order,
}

/// What a run is to do and what it may do to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The steps to run, in the order of [`Step::ALL`].
    pub(crate) steps: Vec<Step>,
    /// What somebody asked to leave out.
    pub(crate) skipped: Vec<Skip>,
    /// Whether missing Debian packages may be installed.
    pub(crate) install: bool,
}

/// Reads the arguments after the program's name.
///
/// # Errors
/// What is wrong with them, for a person to read.
pub(crate) fn parse(arguments: &[String]) -> anyhow::Result<Command> {
    let Some((command, rest)) = arguments.split_first() else { return Ok(Command::Help) };
    match command.as_str() {
        "help" | "--help" | "-h" => Ok(Command::Help),
        "test" => Ok(Command::Test(parse_options(rest, &Step::ALL)?)),
        "check" => Ok(Command::Test(parse_options(rest, &Step::CHECKS)?)),
        "servers" => Ok(Command::Servers(parse_options(rest, &[])?)),
        "bench" => Ok(Command::Bench(rest.to_vec())),
        "bench-part" => Ok(Command::BenchPart(rest.to_vec())),
        "tidy" if rest.is_empty() => Ok(Command::Tidy),
        "gen" if rest.is_empty() => Ok(Command::Generate),
        "order" if rest.is_empty() => Ok(Command::Order),
        _ => bail!("unknown: cargo xtask {}\n\n{HELP}", arguments.join(" ")),
    }
}

/// Reads the options; `offered` are the steps the command has, all of them unless `--only` names some.
fn parse_options(arguments: &[String], offered: &[Step]) -> anyhow::Result<Options> {
    let mut options = Options { steps: offered.to_vec(), skipped: Vec::new(), install: true };
    let mut only = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--no-install" => options.install = false,
            "--only" => only.push(named(arguments.next(), offered, Step::name, "--only")?),
            "--skip" => options.skipped.push(named(arguments.next(), &Skip::ALL, Skip::name, "--skip")?),
            other => bail!("unknown option {other}\n\n{HELP}"),
        }
    }
    if !only.is_empty() {
        options.steps.retain(|step| only.contains(step));
    }
    Ok(options)
}

/// The one of `offered` that `value` names.
fn named<T: Copy>(
    value: Option<&String>,
    offered: &[T],
    name: fn(T) -> &'static str,
    option: &str,
) -> anyhow::Result<T> {
    let names = || offered.iter().map(|each| name(*each)).collect::<Vec<_>>().join(", ");
    let value = value.with_context(|| format!("{option} needs one of: {}", names()))?;
    offered
        .iter()
        .copied()
        .find(|each| name(*each) == value)
        .with_context(|| format!("{option} {value}: it is one of: {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> anyhow::Result<Command> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn commands_and_options_are_read() {
        let all = Options { steps: Step::ALL.to_vec(), skipped: vec![], install: true };
        let cases = [
            ("", Command::Help),
            ("test", Command::Test(all.clone())),
            ("test --no-install", Command::Test(Options { install: false, ..all.clone() })),
            (
                "test --only tests --only format --skip mariadb --skip browser",
                Command::Test(Options {
                    steps: vec![Step::Format, Step::Tests],
                    skipped: vec![Skip::Engine(crate::servers::Engine::Mariadb), Skip::Browser],
                    install: true,
                }),
            ),
            ("check", Command::Test(Options { steps: Step::CHECKS.to_vec(), ..all.clone() })),
            ("servers", Command::Servers(Options { steps: vec![], ..all })),
            ("bench --large", Command::Bench(vec!["--large".to_owned()])),
            ("tidy", Command::Tidy),
            ("gen", Command::Generate),
            ("order", Command::Order),
        ];
        for (line, expected) in cases {
            assert_eq!(read(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let cases = [
            "tset",
            "test --fast",
            "test --only",
            "test --only nothing",
            "check --only tests",
            "test --skip oracle",
            "tidy --all",
        ];
        for line in cases {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
