//! `cargo xtask bench`: builds what is measured, then measures it from a process that has a core to itself.
//!
//! What measures needs a runtime and an HTTP library, which no other command does: it is behind the feature `bench`.

#[cfg(feature = "bench")]
mod accounts;
#[cfg(feature = "bench")]
mod authenticator;
#[cfg(feature = "bench")]
mod beside;
#[cfg(feature = "bench")]
mod clients;
#[cfg(feature = "bench")]
mod devices;
#[cfg(feature = "bench")]
mod factors;
#[cfg(feature = "bench")]
mod fill;
#[cfg(feature = "bench")]
mod floor;
#[cfg(feature = "bench")]
mod flow;
#[cfg(feature = "bench")]
mod group_commit;
#[cfg(feature = "bench")]
mod measure;
#[cfg(feature = "bench")]
mod passwords;
#[cfg(feature = "bench")]
mod process;
#[cfg(feature = "bench")]
mod report;
#[cfg(feature = "bench")]
mod settings;
#[cfg(feature = "bench")]
mod sink;
#[cfg(feature = "bench")]
mod spin;
#[cfg(feature = "bench")]
mod tokens;
#[cfg(feature = "bench")]
mod verify;
#[cfg(feature = "bench")]
mod world;

use std::process::Command;

use crate::{cargo::cargo, environment};

/// The core of the load; what is measured has core 0.
const LOAD_CORE: &str = "1";

/// Builds the program and the bench for release, then runs the bench on its own core.
///
/// # Errors
/// When something does not build, or a measurement could not be made.
pub(crate) fn start(arguments: &[String]) -> anyhow::Result<bool> {
    environment::must_succeed(&mut cargo(&["build", "--release", "--package=countersign-cli"])?)?;
    let example = ["build", "--release", "--package=countersign-store", "--example=group_commit"];
    environment::must_succeed(&mut cargo(&example)?)?;
    for example in ["--example=fill_accounts", "--example=passkey_cost"] {
        let build = ["build", "--release", "--package=countersign-server", example];
        environment::must_succeed(&mut cargo(&build)?)?;
    }
    environment::must_succeed(&mut cargo(&["build", "--release", "--package=xtask", "--features=bench"])?)?;
    let raw = ["build", "--profile=floor", "--package=xtask", "--features=raw", "--example=raw_argon2"];
    environment::must_succeed(&mut cargo(&raw)?)?;
    let program = environment::target()?.join("release/xtask");
    let mut bench = Command::new("taskset");
    bench.args(["-c", LOAD_CORE]).arg(program).args(["bench-part", "measure"]).args(arguments);
    environment::must_succeed(bench.current_dir(environment::root()))?;
    Ok(true)
}

/// One process of a measurement: `measure`, `hello`, `floor` or `writers`.
///
/// # Errors
/// When this xtask was built without the feature `bench`, or the measurement could not be made.
#[cfg(feature = "bench")]
pub(crate) fn part(arguments: &[String]) -> anyhow::Result<bool> {
    let (name, rest) = arguments.split_first().map_or(("", &[][..]), |(name, rest)| (name.as_str(), rest));
    match name {
        "measure" => measure::run(&settings::Settings::parse(rest)?)?,
        "hello" => floor::hello()?,
        "floor" => floor::print(rest)?,
        "writers" => beside::writers()?,
        _ => anyhow::bail!("bench-part is started by `cargo xtask bench`"),
    }
    Ok(true)
}

/// Without the feature there is nothing to run.
///
/// # Errors
/// Always.
#[cfg(not(feature = "bench"))]
pub(crate) fn part(_: &[String]) -> anyhow::Result<bool> {
    anyhow::bail!("bench-part is started by `cargo xtask bench`")
}
