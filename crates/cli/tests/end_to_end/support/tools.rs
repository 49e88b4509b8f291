//! The programs and servers that the environment names. A missing one fails the test, unless it was left out on
//! purpose.

use std::process::Command;

/// What a variable holds; `None` when `COUNTERSIGN_TEST_SKIP` names `what`.
#[expect(clippy::disallowed_methods, reason = "tests are told by the environment what there is")]
#[expect(clippy::print_stderr, reason = "a test that is left out must be seen")]
pub(crate) fn tool(variable: &str, what: &str) -> Option<String> {
    let skip = std::env::var("COUNTERSIGN_TEST_SKIP").unwrap_or_default();
    if skip.split(',').any(|word| word.trim() == what) {
        eprintln!("LEFT OUT: COUNTERSIGN_TEST_SKIP names {what}");
        return None;
    }
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    assert!(value.is_some(), "{variable} is not set: use cargo xtask test, or COUNTERSIGN_TEST_SKIP={what}");
    value
}

/// Python with the packages of the tests.
pub(crate) fn python() -> Option<String> {
    tool("COUNTERSIGN_TEST_PYTHON", "python")
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
