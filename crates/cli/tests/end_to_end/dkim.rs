//! Mail on its way through the real Postfix with the configuration for users: it arrives as it was signed, and
//! somebody else's library says so.

use std::{fs, process::Command, time::Duration};

use countersign_domain::secret::Secret;
use countersign_server::outbox::dkim::{Algorithm, DkimKey, generate};

use crate::{
    relay::Postfix,
    support::{server::Setup, sink::Sink, tools},
};

const KEYS: [(&str, Algorithm); 2] = [("rsa", Algorithm::Rsa), ("ed", Algorithm::Ed25519)];

#[test]
fn mail_through_postfix_is_signed_as_dkimpy_wants_it() {
    // Postfix has no variable: it is there, or the test fails and says how to leave it out.
    if tools::left_out("postfix") {
        return;
    }
    let Some(python) = tools::python() else { return };
    let sink = Sink::start();
    let postfix = Postfix::start(([127, 0, 0, 1], sink.port).into());
    postfix.reload();
    let mut setup = Setup::new(postfix.address().port());
    let mut records = serde_json::Map::new();
    for (selector, algorithm) in KEYS {
        let pem = generate(algorithm).unwrap();
        let file = setup.folder.path().join(format!("{selector}.pem"));
        fs::write(&file, pem.expose()).unwrap();
        let key = DkimKey::from_pem("example.org", selector, &Secret::new(pem.expose().clone())).unwrap();
        let (name, value) = key.dns_record().unwrap();
        records.insert(name, value.into());
        setup.more += &format!(
            "[[mail.dkim]]\ndomain = 'example.org'\nselector = '{selector}'\nkey_file = '{}'\n",
            file.display()
        );
    }
    setup.app = "title = 'Bücher & Grüße'\n".to_owned();
    let folder = std::sync::Arc::clone(&setup.folder);
    let server = setup.start();
    server.client().sign_in("jane@example.net", &sink);
    let log = || fs::read_to_string(postfix.log()).unwrap_or_default();
    let mail =
        sink.mail_to("jane@example.net", Duration::from_secs(20)).unwrap_or_else(|| panic!("{}", log()));
    assert!(postfix.queue_is_empty(), "Postfix keeps something");
    let file = folder.path().join("mail.eml");
    fs::write(&file, &mail.content).unwrap();
    let records = serde_json::Value::Object(records).to_string();
    tools::run(Command::new(python).arg(tools::script("verify_dkim.py")).arg(file).arg(records));
}
