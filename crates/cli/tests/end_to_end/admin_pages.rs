//! The administration in a real browser, by an admin key, on a listener of its own.

use std::process::Command;

use serde_json::json;

use crate::support::{
    free_port,
    server::Setup,
    sink::Sink,
    tools::{browser, run, script},
};

#[test]
fn p20_p38_operators_administer_on_our_pages() {
    let Some([node, modules, chromium]) = browser() else { return };
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    let (admin, page) = (free_port(), format!("http://127.0.0.1:{}", free_port()));
    sink.keep_in(&setup.folder.path().join("mail"));
    setup.more = format!(
        "[[apps]]\nname = 'club'\ntitle = 'The Club'\naccounts = 'realm'\norigins = ['{page}']\n\
         [[server.listeners]]\naddress = '127.0.0.1:{admin}'\nparts = ['admin']\n"
    );
    let issuer = format!("http://localhost:{}", setup.port);
    let server = setup.start();
    let made = server.setup.run(&["key", "add", "--admin", "--scope", "all", "--label", "desk"]);
    let key = made.split_whitespace().find(|word| word.starts_with("cs_ak_"));
    let key = key.unwrap_or_else(|| panic!("no admin key: {made}"));
    let words = json!({
        "issuer": issuer, "admin": format!("http://localhost:{admin}"), "page": page, "key": key,
        "shots": concat!(env!("CARGO_TARGET_TMPDIR"), "/admin-pages"),
    });
    run(Command::new(node).arg(script("admin_pages.mjs")).args([&modules, &chromium, &words.to_string()]));
}
