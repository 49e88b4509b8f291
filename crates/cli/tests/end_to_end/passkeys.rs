//! Passkeys and security keys in a real browser: Chromium with its virtual authenticator, on pages that run what
//! `docs/passkeys.md` prints.

use std::{collections::HashMap, process::Command};

use countersign_domain::api_key::ApiKeyKind;
use serde_json::json;

use crate::support::{
    free_port,
    server::{Setup, key},
    tools::{browser, run, script, tool},
};

/// What the script is told of a server.
struct Told {
    setup: Setup,
    /// Where the server's own pages are.
    issuer: String,
    /// A publishable key for each level that an app may want at least.
    keys: [(&'static str, String); 3],
    /// Pages of the apps beside the server's own.
    pages: Vec<String>,
}

impl Told {
    /// A server whose apps' people have accounts and whose pages are these and its own. They may ask often, for all of
    /// them are on one machine; mail is put into a folder for the script to read.
    fn new(issuer: Option<&str>, pages: Vec<String>) -> Self {
        let mut setup = Setup::new(free_port());
        let issuer = issuer.map_or_else(|| format!("http://localhost:{}", setup.port), str::to_owned);
        setup.variables.push(("COUNTERSIGN_SERVER_ISSUER".to_owned(), issuer.clone()));
        let origins: Vec<&String> = std::iter::once(&issuer).chain(&pages).collect();
        let keys = ["mailbox", "aal1", "aal2"].map(|level| (level, key(ApiKeyKind::Publishable)));
        setup.mail = format!(
            "transport = 'file'\nallow_plaintext_messages = true\nfolder = '{}'",
            setup.folder.path().join("mail").display()
        );
        setup.more = "[limits]\npublishable_requests_per_network_per_minute = 1000\n".to_owned();
        for (level, key) in &keys {
            setup.more += &format!(
                "[[apps]]\nname = '{level}'\naccounts = 'realm'\norigins = {origins:?}\n\
                 policy.least = '{level}'\npolicy.trusted_device_days = 1\nresend_pause_seconds = 0\n[[apps.keys]]\nkey = '{key}'\n"
            );
        }
        Self { setup, issuer, keys, pages }
    }

    fn words(&self) -> String {
        let keys: HashMap<_, _> = self.keys.iter().cloned().collect();
        let folder = self.setup.folder.path();
        let Self { setup, issuer, pages, .. } = self;
        json!({ "port": setup.port, "issuer": issuer, "folder": folder, "keys": keys, "pages": pages })
            .to_string()
    }
}

/// Runs a script in a browser beside the server.
fn in_a_browser(name: &str, told: Told) {
    let Some([node, modules, chromium]) = browser() else { return };
    let words = told.words();
    let _server = told.setup.start();
    run(Command::new(node).arg(script(name)).args([&modules, &chromium, &manual(), &words]));
}

/// Where the scripts are printed.
fn manual() -> String {
    format!("{}/../../docs/passkeys.md", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn p15_authenticators_of_another_maker_sign_by_every_algorithm() {
    let (Some(node), Some(modules)) =
        (tool("COUNTERSIGN_TEST_NODE", "node"), tool("COUNTERSIGN_TEST_NODE_MODULES", "node"))
    else {
        return;
    };
    let told = Told::new(None, Vec::new());
    let words = told.words();
    let _server = told.setup.start();
    run(Command::new(node).arg(script("authenticators.mjs")).args([&modules, &manual(), &words]));
}

#[test]
fn p15_p17_p18_p23_a_browser_adds_passkeys_and_signs_in_with_them() {
    let page = format!("http://localhost:{}", free_port());
    in_a_browser("passkeys.mjs", Told::new(None, vec![page]));
}

#[test]
fn p17_a_browser_uses_passkeys_on_pages_of_related_names_alone() {
    let pages = ["https://shop.example.test", "https://market.other.test", "https://stranger.third.test"];
    let mut told = Told::new(Some("https://id.example.test"), pages.map(str::to_owned).to_vec());
    told.setup.more +=
        "[webauthn]\nrp_id = 'example.test'\nrelated_origins = ['https://market.other.test']\n";
    in_a_browser("related_names.mjs", told);
}
