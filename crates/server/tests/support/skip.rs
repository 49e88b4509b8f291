//! Leaving out tests that need a program which is not there, on request only, and never silently.

/// Whether `COUNTERSIGN_TEST_SKIP`, a list separated by commas, names `what`. Says so when it does.
#[expect(
    clippy::disallowed_methods,
    reason = "tests are switched by the environment, which no configuration reads"
)]
#[expect(clippy::print_stderr, reason = "a test that is left out must be seen")]
pub(crate) fn asked_for(what: &str) -> bool {
    let skip = std::env::var("COUNTERSIGN_TEST_SKIP").unwrap_or_default();
    let asked = skip.split(',').any(|word| word.trim() == what);
    if asked {
        eprintln!("LEFT OUT: COUNTERSIGN_TEST_SKIP names {what}, so nothing about it was tested here");
    }
    asked
}
