//! The sign-in page in a real browser, with scripts and without, in front of an app's host that shares no cookie with us.

use std::process::Command;

use serde_json::json;

use crate::support::{
    free_port,
    server::Setup,
    sink::Sink,
    tools::{browser, run, script},
};

/// An app whose pages are those of the host behind the proxy.
fn app(name: &str, page: &str, more: &str) -> String {
    format!(
        "[[apps]]\nname = '{name}'\ntitle = 'The Club'\naccounts = 'realm'\norigins = ['{page}']\n\
         resend_pause_seconds = 0\n{more}\n"
    )
}

#[test]
fn p05_p06_p07_p38_people_sign_in_on_the_page_and_go_back() {
    let Some([node, modules, chromium]) = browser() else { return };
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    let page = format!("http://127.0.0.1:{}", free_port());
    let folder = setup.folder.path().to_owned();
    sink.keep_in(&folder.join("mail"));
    setup.more = [
        "[limits]\npublishable_requests_per_network_per_minute = 1000\npolls_per_network_per_minute = 5000\n\
         [[realms]]\nname = 'staff'\npasswords = 'on'\n"
            .to_owned(),
        app("club", &page, "delivery = 'both'"),
        app("links", &page, "delivery = 'link'"),
        app("strong", &page, "policy.least = 'aal1'\npolicy.trusted_device_days = 30"),
        app("strongest", &page, "policy.least = 'aal2'"),
        app("staff", &page, "realm = 'staff'"),
    ]
    .concat();
    let words = json!({
        "port": setup.port, "issuer": format!("http://localhost:{}", setup.port), "folder": folder, "page": page,
        "shots": concat!(env!("CARGO_TARGET_TMPDIR"), "/sign-in-pages"),
    });
    let _server = setup.start();
    run(Command::new(node).arg(script("sign_in_pages.mjs")).args([&modules, &chromium, &words.to_string()]));
}
