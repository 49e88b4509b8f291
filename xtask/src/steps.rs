//! The steps of a run, in order, each timed; and the summary at the end.
//!
//! A failed step does not stop the next one: a run says everything that is wrong. What a step checks is cargo's, the
//! tests' and tidy's business.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    browser::Source,
    cargo::{self, Member},
    environment,
    options::Options,
    packages::{self, Need},
    servers::{Engine, Servers},
    skip::{Skip, Skipped},
    tidy,
    toolbox::{self, Toolbox},
};

/// The crate whose integration tests run the real binary.
const END_TO_END: &str = "countersign-cli";
/// The test binary that measures: optimised, and with the machine to itself.
const TIMING: &str = "timing";

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Formatting.
    Format,
    /// Lints, all of them errors.
    Clippy,
    /// House rules.
    Tidy,
    /// Every test that needs no more than databases.
    Tests,
    /// Whether the time of an answer tells what the answer does not.
    Timing,
    /// The examples in the documentation.
    Documentation,
    /// The real binary, with real mail servers, proxies and browsers.
    EndToEnd,
}

impl Step {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 7] = [
        Self::Format,
        Self::Clippy,
        Self::Tidy,
        Self::Tests,
        Self::Timing,
        Self::Documentation,
        Self::EndToEnd,
    ];

    /// Those of `cargo xtask check`.
    pub(crate) const CHECKS: [Self; 3] = [Self::Format, Self::Clippy, Self::Tidy];

    /// As it is called on the command line and in the summary.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Clippy => "clippy",
            Self::Tidy => "tidy",
            Self::Tests => "tests",
            Self::Timing => "timing",
            Self::Documentation => "documentation",
            Self::EndToEnd => "end-to-end",
        }
    }

    fn needs_servers(self) -> bool {
        matches!(self, Self::Tests | Self::EndToEnd)
    }
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// What the steps run with.
struct Prepared {
    members: Vec<Member>,
    servers: Option<Servers>,
    toolbox: Option<Toolbox>,
    skipped: Skipped,
}

/// Prepares the machine, runs the steps and prints the summary; false when a step failed.
///
/// # Errors
/// When something that the steps need cannot be had.
pub(crate) fn test(options: &Options) -> anyhow::Result<bool> {
    let begun = Instant::now();
    let prepared = prepare(options)?;
    let mut rows = vec![("preparation", Outcome::Passed, begun.elapsed())];
    for step in &options.steps {
        println!("\n── {} ──", step.name());
        let begun = Instant::now();
        let outcome = run(*step, &prepared).unwrap_or_else(|error| Outcome::Failed(format!("{error:#}")));
        rows.push((step.name(), outcome, begun.elapsed()));
    }
    if options.steps.iter().any(|step| step.needs_servers()) {
        for (name, reason) in prepared.skipped.reasons() {
            rows.push((name, Outcome::Skipped(reason.to_owned()), Duration::ZERO));
        }
    }
    drop(prepared);
    println!("\n{}", summary(&rows));
    Ok(!rows.iter().any(|(_, outcome, _)| matches!(outcome, Outcome::Failed(_))))
}

fn prepare(options: &Options) -> anyhow::Result<Prepared> {
    let skipped = Skipped::new(options, environment::is_root());
    let has = |step| options.steps.contains(&step);
    let with_browser = has(Step::EndToEnd) && !skipped.contains(Skip::Browser);
    let browser = with_browser.then(Source::look).transpose()?;
    packages::provide(&needs(&options.steps, &skipped, browser.as_ref()), options.install)?;
    let members = cargo::members()?;
    let servers = options.steps.iter().any(|step| step.needs_servers());
    Ok(Prepared {
        members,
        servers: servers.then(|| Servers::start(&skipped.engines())).transpose()?,
        toolbox: has(Step::EndToEnd).then(|| toolbox::provide(&skipped)).transpose()?,
        skipped,
    })
}

/// What must be there for these steps.
fn needs(steps: &[Step], skipped: &Skipped, browser: Option<&Source>) -> Vec<Need> {
    let mut needs = vec![Need::Build];
    if steps.iter().any(|step| step.needs_servers()) {
        needs.push(Need::Tests);
        needs.extend(skipped.engines().into_iter().map(Engine::need));
        needs.extend((!skipped.contains(Skip::Postfix)).then_some(Need::Postfix));
    }
    if steps.contains(&Step::EndToEnd) {
        needs.push(Need::EndToEnd);
    }
    if let Some(browser) = browser {
        needs.push(Need::Browser);
        needs.extend(browser.need());
    }
    needs
}

fn run(step: Step, prepared: &Prepared) -> anyhow::Result<Outcome> {
    match step {
        Step::Format => cargo_step(&["fmt", "--all", "--check"], prepared),
        Step::Clippy => {
            let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
            cargo_step(&arguments, prepared)
        }
        Step::Tidy => Ok(if tidy::run()? { Outcome::Passed } else { Outcome::Failed(String::new()) }),
        Step::Tests => cargo_step(&tests(&prepared.members), prepared),
        Step::Timing => timing_step(),
        Step::Documentation => {
            if prepared.members.iter().any(|member| member.is_library) {
                cargo_step(&["test", "--workspace", "--locked", "--no-fail-fast", "--doc"], prepared)
            } else {
                Ok(Outcome::Skipped("there is no library".to_owned()))
            }
        }
        Step::EndToEnd => match end_to_end(&prepared.members) {
            Some(arguments) => cargo_step(&arguments, prepared),
            None => Ok(Outcome::Skipped("there are no end-to-end tests".to_owned())),
        },
    }
}

/// Both kinds of test are chosen from the whole workspace, so that nothing is built twice for another set of features.
const TEST: [&str; 4] = ["test", "--workspace", "--locked", "--no-fail-fast"];

fn tests(members: &[Member]) -> Vec<&str> {
    let mut arguments = [&TEST[..], &["--lib", "--bins"]].concat();
    for member in members.iter().filter(|member| member.name != END_TO_END) {
        let chosen = member.tests.iter().filter(|test| *test != TIMING);
        arguments.extend(chosen.flat_map(|test| ["--test", test]));
    }
    arguments
}

/// Without optimisation most of what is measured would be the lack of it. The packages of others are optimised in
/// every build and are not built anew.
fn timing_step() -> anyhow::Result<Outcome> {
    let measured = ["--test", TIMING, "--", "--nocapture", "--test-threads=1"];
    let mut command = cargo::cargo(&[&TEST[..], &measured].concat())?;
    command.env("CARGO_PROFILE_DEV_OPT_LEVEL", "1");
    outcome(command, "test")
}

fn end_to_end(members: &[Member]) -> Option<Vec<&str>> {
    let member = members.iter().find(|member| member.name == END_TO_END)?;
    let chosen: Vec<&str> = member.tests.iter().flat_map(|test| ["--test", test]).collect();
    (!chosen.is_empty()).then(|| [&TEST[..], &chosen].concat())
}

fn cargo_step(arguments: &[&str], prepared: &Prepared) -> anyhow::Result<Outcome> {
    let mut command: Command = cargo::cargo(arguments)?;
    command.envs(prepared.servers.iter().flat_map(Servers::variables));
    command.envs(prepared.toolbox.iter().flat_map(Toolbox::variables));
    command.envs(prepared.skipped.variable(environment::skipped_tests()));
    outcome(command, arguments.first().copied().unwrap_or_default())
}

fn outcome(mut command: Command, name: &str) -> anyhow::Result<Outcome> {
    let status = command.status()?;
    Ok(if status.success() { Outcome::Passed } else { Outcome::Failed(format!("cargo {name}: {status}")) })
}

/// One line for each step.
fn summary(rows: &[(&str, Outcome, Duration)]) -> String {
    let lines = rows.iter().map(|(name, outcome, time)| {
        let (word, detail) = match outcome {
            Outcome::Passed => ("passed", ""),
            Outcome::Failed(detail) => ("FAILED", detail.as_str()),
            Outcome::Skipped(reason) => ("skipped", reason.as_str()),
        };
        format!("{name:<14} {word:<8} {:>6.1} s  {detail}", time.as_secs_f64()).trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, tests: &[&str]) -> Member {
        let tests = tests.iter().map(|test| (*test).to_owned()).collect();
        Member { name: name.to_owned(), dependencies: vec![], tests, is_library: true }
    }

    #[test]
    fn every_test_binary_is_in_exactly_one_step() {
        let members =
            [member("countersign-server", &["it", TIMING]), member(END_TO_END, &["mail", "browser"])];
        assert_eq!(
            tests(&members).join(" "),
            "test --workspace --locked --no-fail-fast --lib --bins --test it"
        );
        assert_eq!(
            end_to_end(&members).unwrap().join(" "),
            "test --workspace --locked --no-fail-fast --test mail --test browser"
        );
        assert_eq!(end_to_end(&[member(END_TO_END, &[])]), None);
    }

    #[test]
    fn a_run_needs_only_what_its_steps_need() {
        let with_browser = |steps: &[Step], skipped: &[Skip], is_root, browser: Option<Source>| {
            let options = Options { steps: steps.to_vec(), skipped: skipped.to_vec(), install: true };
            needs(steps, &Skipped::new(&options, is_root), browser.as_ref())
        };
        let needs = |steps: &[Step], skipped: &[Skip], is_root| with_browser(steps, skipped, is_root, None);
        assert_eq!(needs(&Step::CHECKS, &[], true), [Need::Build]);
        let all = [Need::Build, Need::Tests, Need::Postgres, Need::Mariadb, Need::Postfix];
        assert_eq!(needs(&[Step::Tests], &[], true), all);
        assert_eq!(needs(&[Step::Tests], &[], false), all[..4]);
        assert_eq!(needs(&[Step::Tests], &[Skip::Engine(Engine::Postgres)], false), [all[0], all[1], all[3]]);
        let end_to_end = [Need::Build, Need::Tests, Need::EndToEnd];
        assert_eq!(needs(&[Step::EndToEnd], &Skip::ALL, true), end_to_end);
        for (source, more) in [
            (Source::Machine("chrome".into()), &[Need::Browser][..]),
            (Source::Apt, &[Need::Browser, Need::Chromium]),
            (Source::Npm, &[Need::Browser, Need::CarriedChromium]),
        ] {
            let expected = [&end_to_end[..], more].concat();
            assert_eq!(with_browser(&[Step::EndToEnd], &Skip::ALL[..3], true, Some(source)), expected);
        }
    }

    #[test]
    fn the_summary_tells_what_was_left_out() {
        let rows = [
            (
                "tests",
                Outcome::Failed("cargo test: exit status: 101".to_owned()),
                Duration::from_millis(1500),
            ),
            ("mariadb", Outcome::Skipped("left out by --skip".to_owned()), Duration::ZERO),
        ];
        let expected = "tests          FAILED      1.5 s  cargo test: exit status: 101\n\
                        mariadb        skipped     0.0 s  left out by --skip";
        assert_eq!(summary(&rows), expected);
    }
}
