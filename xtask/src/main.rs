//! What a developer types: `cargo xtask test`, `check`, `bench`, `tidy`, `gen`, `order`, `servers`.
//!
//! This file only reads the command and hands it on. Nothing here ships: the program knows nothing of xtask.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command answers on its standard streams")]

mod bench;
mod browser;
mod cargo;
mod environment;
mod generated;
mod options;
mod order;
mod packages;
mod plan;
mod servers;
mod skip;
mod steps;
mod tidy;
mod toolbox;

use std::process::ExitCode;

use options::Command;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = options::parse(&arguments).and_then(run);
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\n{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Carries out one command; false when something was found wrong and has been printed.
fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Help => {
            println!("{}", options::HELP);
            Ok(true)
        }
        Command::Test(options) => steps::test(&options),
        Command::Servers(options) => servers::keep(&options),
        Command::Bench(arguments) => bench::start(&arguments),
        Command::BenchPart(arguments) => bench::part(&arguments),
        Command::Tidy => tidy::run(),
        Command::Generate => generated::write_all().map(|()| true),
        Command::Order => order::write().map(|()| true),
    }
}
