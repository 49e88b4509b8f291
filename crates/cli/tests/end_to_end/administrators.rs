//! The administration in a real browser, by people with the role, with their passkeys.

use std::{fs, process::Command};

use serde_json::json;

use crate::support::{
    server::Setup,
    sink::Sink,
    tools::{browser, run, script},
};

/// A language that is written from right to left, as an operator adds one.
const ARABIC: &str = "admin =\n .overview = نظرة عامة\n .people = الأشخاص\n .apps = التطبيقات\n .realms = النطاقات\n\
                      .keys = المفاتيح\n .events = الأحداث\n .sign_out = تسجيل الخروج\n .title = العنوان\n\
                      .name = الاسم\n .settings = الإعدادات\n .set_title = العنوان\n";

#[test]
fn p26_p38_administrators_administer_their_realm_on_our_pages() {
    let Some([node, modules, chromium]) = browser() else { return };
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    let folder = setup.folder.path().to_owned();
    let (mail, templates) = (folder.join("mail"), folder.join("templates"));
    fs::create_dir_all(templates.join("ar")).unwrap();
    fs::write(templates.join("ar/texts.ftl"), ARABIC).unwrap();
    sink.keep_in(&mail);
    setup.mail = format!("templates = '{}'", templates.display());
    let app = |name: &str, title: &str, realm: &str| {
        format!("[[apps]]\nname = '{name}'\ntitle = '{title}'\naccounts = 'realm'\nrealm = '{realm}'\n")
    };
    setup.more = [
        "[admin]\nrealms = ['staff', 'guests']\n\
         [limits]\npublishable_requests_per_network_per_minute = 1000\npolls_per_network_per_minute = 5000\n\
         [[realms]]\nname = 'staff'\n[[realms]]\nname = 'guests'\n"
            .to_owned(),
        app("desk", "The Desk", "staff"),
        app("lobby", "The Lobby", "guests"),
    ]
    .concat();
    let issuer = format!("http://localhost:{}", setup.port);
    let server = setup.start();
    for address in ["ann@example.org", "bob@example.org"] {
        server.setup.run(&["user", "add", "--email", address, "--realm", "staff"]);
    }
    server.setup.run(&["user", "set-role", "ann@example.org", "admin", "--realm", "staff"]);
    server.setup.run(&["app", "add", "crate", "--set", "accounts=realm", "--set", "realm=staff"]);
    let words = json!({
        "issuer": issuer, "folder": folder, "shots": concat!(env!("CARGO_TARGET_TMPDIR"), "/administrators-pages"),
    });
    run(Command::new(node).arg(script("administrators.mjs")).args([&modules, &chromium, &words.to_string()]));
}
