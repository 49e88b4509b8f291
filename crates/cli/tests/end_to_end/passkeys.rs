//! Passkeys and security keys with the real program, in a real browser with authenticators of its own.

use std::process::Command;

use crate::{
    support::{
        sink::Sink,
        tools::{run, script, tool},
    },
    totp::{Browser, setup},
};

#[test]
fn p15_a_browser_makes_a_passkey_and_an_old_security_key() {
    let (Some(node), Some(modules), Some(chromium)) = (
        tool("COUNTERSIGN_TEST_NODE", "browser"),
        tool("COUNTERSIGN_TEST_NODE_MODULES", "browser"),
        tool("COUNTERSIGN_TEST_CHROMIUM", "browser"),
    ) else {
        return;
    };
    let sink = Sink::start();
    let (setup, page, origin) = setup(&sink);
    let server = setup.start();
    let cookies = ["ann@example.net", "bob@example.net"].map(|address| {
        let mut browser = Browser { server: &server, page: &page, origin: &origin, cookie: String::new() };
        browser.sign_in(address, &sink);
        browser.cookie
    });
    run(Command::new(node).arg(script("passkeys.mjs")).args([&modules, &chromium, &origin]).args(cookies));
}
