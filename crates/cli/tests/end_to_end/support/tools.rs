//! The programs and servers that the environment names. A missing one fails the test, unless it was left out on
//! purpose.

use std::process::Command;

/// What a variable holds; `None` when `COUNTERSIGN_TEST_SKIP` names `what`.
pub(crate) fn tool(name: &str, what: &str) -> Option<String> {
    if left_out(what) {
        return None;
    }
    let value = variable(name);
    assert!(value.is_some(), "{name} is not set: use cargo xtask test, or COUNTERSIGN_TEST_SKIP={what}");
    value
}

/// Whether `COUNTERSIGN_TEST_SKIP` names `what`. Says so when it does.
#[expect(clippy::print_stderr, reason = "a test that is left out must be seen")]
pub(crate) fn left_out(what: &str) -> bool {
    let skip = variable("COUNTERSIGN_TEST_SKIP").unwrap_or_default();
    let left_out = skip.split(',').any(|word| word.trim() == what);
    if left_out {
        eprintln!("LEFT OUT: COUNTERSIGN_TEST_SKIP names {what}");
    }
    left_out
}

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment what there is")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Python with the packages of the tests.
pub(crate) fn python() -> Option<String> {
    tool("COUNTERSIGN_TEST_PYTHON", "python")
}

/// Node, its packages, and Chromium.
pub(crate) fn browser() -> Option<[String; 3]> {
    let [node, modules, chromium] =
        ["COUNTERSIGN_TEST_NODE", "COUNTERSIGN_TEST_NODE_MODULES", "COUNTERSIGN_TEST_CHROMIUM"]
            .map(|name| tool(name, "browser"));
    Some([node?, modules?, chromium?])
}

/// A script beside these tests.
pub(crate) fn script(name: &str) -> String {
    format!("{}/tests/scripts/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command that must succeed; what it printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{out}\n{err}");
    out.into_owned()
}
