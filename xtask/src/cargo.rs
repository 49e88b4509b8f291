//! Starting cargo, and what it says about the workspace. It does not know what the answers are used for.

use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;

use crate::environment;

/// A member of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// Its package name.
    pub(crate) name: String,
    /// The packages it names in its manifest, for whatever purpose.
    pub(crate) dependencies: Vec<String>,
    /// The names of its integration test binaries.
    pub(crate) tests: Vec<String>,
    /// Whether other crates can use it as a library.
    pub(crate) is_library: bool,
}

/// A package as built here, with the features this workspace asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Built {
    /// Its name.
    pub(crate) name: String,
    /// Its licence expression (SPDX), empty when it names none.
    pub(crate) licence: String,
}

/// Cargo in the work tree, building where the whole run builds.
///
/// # Errors
/// When there is no cache to build in.
pub(crate) fn cargo(arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(environment::cargo());
    command.args(arguments).current_dir(environment::root()).env("CARGO_TARGET_DIR", environment::target()?);
    if environment::is_build_server() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    Ok(command)
}

/// The members of the workspace.
///
/// # Errors
/// When cargo fails or answers something unknown.
pub(crate) fn members() -> anyhow::Result<Vec<Member>> {
    let text =
        environment::output(&mut cargo(&["metadata", "--format-version=1", "--no-deps", "--locked"])?)?;
    read_members(&text)
}

/// What is built for `selection` (arguments of `cargo tree`), on this platform, with features as they are unified.
/// `cargo metadata` is no use for this: it counts optional packages that nothing turns on.
///
/// # Errors
/// When cargo fails.
pub(crate) fn built(selection: &[&str]) -> anyhow::Result<Vec<Built>> {
    let arguments = [&["tree", "--locked", "--prefix=none", "--format={p}|{l}"], selection].concat();
    Ok(read_tree(&environment::output(&mut cargo(&arguments)?)?))
}

fn read_members(text: &str) -> anyhow::Result<Vec<Member>> {
    let metadata: Value = serde_json::from_str(text)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    packages.iter().map(read_member).collect()
}

fn read_member(package: &Value) -> anyhow::Result<Member> {
    let name = package["name"].as_str().context("a package without a name")?.to_owned();
    let dependencies = list(&package["dependencies"]);
    let targets = package["targets"].as_array().map_or(&[][..], Vec::as_slice);
    let of_kind = |kind: &str| -> Vec<String> {
        let wanted =
            |target: &&Value| target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind));
        targets
            .iter()
            .filter(wanted)
            .filter_map(|target| target["name"].as_str())
            .map(str::to_owned)
            .collect()
    };
    Ok(Member { name, dependencies, tests: of_kind("test"), is_library: !of_kind("lib").is_empty() })
}

fn list(dependencies: &Value) -> Vec<String> {
    let dependencies = dependencies.as_array().map_or(&[][..], Vec::as_slice);
    dependencies.iter().filter_map(|dependency| dependency["name"].as_str()).map(str::to_owned).collect()
}

/// Reads lines such as `serde v1.0.228 (*)|MIT OR Apache-2.0`.
fn read_tree(text: &str) -> Vec<Built> {
    let mut built: Vec<Built> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (package, licence) = line.split_once('|').unwrap_or((line, ""));
        let name = package.split_whitespace().next().unwrap_or_default().to_owned();
        // A package that was listed before ends in " (*)", after its licence.
        let licence = licence.trim_end_matches("(*)").trim().to_owned();
        let package = Built { name, licence };
        if !built.contains(&package) {
            built.push(package);
        }
    }
    built
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_read_once_for_each_package() {
        let text =
            "a v1.0.0 (/tree/a)|MIT\nb v2.1.0|MIT OR Apache-2.0\nb v2.1.0|MIT OR Apache-2.0 (*)\nc v0.1.0|\n";
        let package = |name: &str, licence: &str| Built { name: name.into(), licence: licence.into() };
        assert_eq!(
            read_tree(text),
            [package("a", "MIT"), package("b", "MIT OR Apache-2.0"), package("c", "")]
        );
    }

    #[test]
    fn members_are_read_with_their_tests() {
        let text = r#"{"packages": [{"name": "countersign-cli", "dependencies": [{"name": "anyhow"}], "targets": [
            {"name": "countersign", "kind": ["bin"]}, {"name": "mail", "kind": ["test"]}]}]}"#;
        let expected = Member {
            name: "countersign-cli".into(),
            dependencies: vec!["anyhow".into()],
            tests: vec!["mail".into()],
            is_library: false,
        };
        assert_eq!(read_members(text).unwrap(), [expected]);
        assert!(read_members("{}").is_err());
    }
}
