//! A real browser on the pages of `dev`.

use std::process::Command;

use crate::{
    dev::Dev,
    support::tools::{browser, run, script},
};

#[test]
fn p06_p07_a_browser_signs_in_and_visits_to_a_link_spend_nothing() {
    let Some([node, modules, chromium]) = browser() else { return };
    let dev = Dev::start();
    let base = format!("http://localhost:{}", dev.port);
    run(Command::new(node).arg(script("browser.mjs")).args([&modules, &chromium, &base]));
}
