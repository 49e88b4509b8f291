//! Passkeys and security keys in a real browser: Chromium with its virtual authenticator, on pages that run what
//! `docs/passkeys.md` prints.

use std::process::Command;

use countersign_domain::api_key::ApiKeyKind;
use serde_json::json;

use crate::support::{
    free_port,
    server::{Setup, key},
    tools::{run, script, tool},
};

/// Pages may ask often, for all of them are on one machine; mail is put into a folder for the browser to read.
const MORE: &str = "[limits]\npublishable_requests_per_network_per_minute = 1000\n";

/// What the script is told of a server.
struct Told {
    setup: Setup,
    /// A publishable key for each level that an app may want at least.
    keys: [(&'static str, String); 3],
    /// Pages of the apps beside the server's own.
    pages: Vec<String>,
}

impl Told {
    /// A server whose apps' people have accounts and whose pages are these and its own.
    fn new(issuer: Option<&str>, pages: Vec<String>) -> Self {
        let mut setup = Setup::new(free_port());
        let own = issuer.map_or_else(|| format!("http://localhost:{}", setup.port), str::to_owned);
        let origins: Vec<&String> = std::iter::once(&own).chain(&pages).collect();
        let keys = ["mailbox", "aal1", "aal2"].map(|level| (level, key(ApiKeyKind::Publishable)));
        setup.mail = format!(
            "transport = 'file'\nallow_plaintext_messages = true\nfolder = '{}'",
            setup.folder.path().join("mail").display()
        );
        setup.more = MORE.to_owned();
        for (level, key) in &keys {
            setup.more += &format!(
                "[[apps]]\nname = '{level}'\naccounts = 'realm'\norigins = {origins:?}\npolicy.least = '{level}'\n\
                 resend_pause_seconds = 0\n[[apps.keys]]\nkey = '{key}'\n"
            );
        }
        Self { setup, keys, pages }
    }

    fn words(&self) -> serde_json::Value {
        json!({
            "port": self.setup.port,
            "mail": self.setup.folder.path().join("mail"),
            "keys": self.keys.iter().cloned().collect::<std::collections::HashMap<_, _>>(),
            "pages": self.pages,
        })
    }
}

/// Runs a part of the script in a browser beside the server.
fn in_a_browser(part: &str, told: Told) {
    let (Some(node), Some(modules), Some(chromium)) = (
        tool("COUNTERSIGN_TEST_NODE", "browser"),
        tool("COUNTERSIGN_TEST_NODE_MODULES", "browser"),
        tool("COUNTERSIGN_TEST_CHROMIUM", "browser"),
    ) else {
        return;
    };
    let words = told.words().to_string();
    let _server = told.setup.start();
    let text = format!("{}/../../docs/passkeys.md", env!("CARGO_MANIFEST_DIR"));
    run(Command::new(node).arg(script("passkeys.mjs")).args([&modules, &chromium, &text, part, &words]));
}

#[test]
fn p15_p18_a_browser_adds_passkeys_and_signs_in_with_them() {
    let page = format!("http://localhost:{}", free_port());
    in_a_browser("localhost", Told::new(None, vec![page]));
}
