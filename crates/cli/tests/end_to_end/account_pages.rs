//! The pages of an account in a real browser, as their owners, other sites and an operator with a taste of their own see
//! them.

use std::{fs, process::Command};

use serde_json::json;

use crate::support::{
    free_port,
    server::Setup,
    sink::Sink,
    tools::{browser, run, script},
};

const LOGO: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 120 40\"><rect width=\"120\" height=\"40\" \
                    rx=\"8\" fill=\"#fd0\"/><circle cx=\"24\" cy=\"20\" r=\"12\" fill=\"#222\"/></svg>";
const SIGN_OUT: &str = "{% extends \"layout.html\" %}{% block body %}<main><h1>{{ title }}</h1><p>Good bye, then?</p>\
                        <form method=\"post\"><button>{{ button }}</button></form></main>{% endblock %}";
const ARABIC: &str = "page =\n    .email = عنوان البريد الإلكتروني\n    .go_on = متابعة\naccount =\n    .you = عنك\n    .emails = عناوين البريد\n";

#[test]
fn p20_p26_p38_people_keep_their_account_on_our_pages() {
    let Some([node, modules, chromium]) = browser() else { return };
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    let page = format!("http://127.0.0.1:{}", free_port());
    let folder = setup.folder.path().to_owned();
    let templates = folder.join("templates");
    for (name, content) in
        [("bright/logo.svg", LOGO), ("pages/sign_out.html", SIGN_OUT), ("bright/ar/texts.ftl", ARABIC)]
    {
        let path = templates.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    sink.keep_in(&folder.join("mail"));
    setup.mail = format!("templates = '{}'", templates.display());
    let app = |name: &str, more: &str| {
        format!(
            "[[apps]]\nname = '{name}'\naccounts = 'realm'\norigins = ['{page}']\nresend_pause_seconds = 0\n{more}\n"
        )
    };
    setup.more = [
        "[limits]\npublishable_requests_per_network_per_minute = 1000\npolls_per_network_per_minute = 5000\n"
            .to_owned(),
        app("club", "title = 'The Club'"),
        app("bright", "title = 'Bright & Co'\naccent = '#ffdd00'"),
        app("calendar", "title = 'Calendar'\nforward_auth.accepts = ['app_password']"),
    ]
    .concat();
    let words = json!({
        "port": setup.port, "issuer": format!("http://localhost:{}", setup.port), "folder": folder, "page": page,
        "shots": concat!(env!("CARGO_TARGET_TMPDIR"), "/account-pages"),
    });
    let _server = setup.start();
    run(Command::new(node).arg(script("account_pages.mjs")).args([&modules, &chromium, &words.to_string()]));
}
