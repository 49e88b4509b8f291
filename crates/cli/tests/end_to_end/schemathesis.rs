//! Whatever `openapi.json` permits, and what it does not, sent by Schemathesis with all its checks.

use std::{fs, process::Command};

use crate::support::{free_port, server::Setup, sink::Sink, tools};

/// A body that breaks the schema and is too long besides may be refused for either.
const SETTINGS: &str = "[checks]\nnegative_data_rejection.expected-statuses = [\"4xx\", \"5xx\"]\n";

#[test]
fn schemathesis_finds_nothing() {
    let Some(python) = tools::python() else { return };
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    setup.app = "messages_per_day = 1000000\n".to_owned();
    let server = setup.start();
    let document = format!("http://localhost:{}/openapi.json", server.setup.port);
    fs::write(server.setup.folder.path().join("schemathesis.toml"), SETTINGS).unwrap();
    tools::run(
        Command::new(python)
            .args(["-m", "schemathesis.cli", "run", &document, "--checks", "all", "--seed", "1"])
            // That a text is a mailbox, or a code was mailed, is more than a schema can say: 422 is right there.
            .args(["--exclude-checks", "positive_data_acceptance"])
            .args(["--max-examples", "30", "--no-color", "--continue-on-failure"])
            .args(["--header", &format!("Authorization: Bearer {}", server.setup.secret)])
            .current_dir(server.setup.folder.path()),
    );
}

/// The routes for operators, with a key that may do everything, and a server that is thrown away.
#[test]
fn schemathesis_finds_nothing_for_operators() {
    let Some(python) = tools::python() else { return };
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    let port = free_port();
    setup.more = format!(
        "[[realms]]\nname = 'default'\npasswords = 'on'\n\
         [[server.listeners]]\naddress = '127.0.0.1:{port}'\nparts = ['admin']\n"
    );
    let server = setup.start();
    let made = server.setup.run(&["key", "add", "--admin", "--scope", "all", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let key = made["key"].as_str().unwrap();
    let document = format!("http://localhost:{port}/openapi-admin.json");
    fs::write(server.setup.folder.path().join("schemathesis.toml"), SETTINGS).unwrap();
    tools::run(
        Command::new(python)
            .args(["-m", "schemathesis.cli", "run", &document, "--checks", "all", "--seed", "1"])
            .args(["--exclude-checks", "positive_data_acceptance"])
            // It speaks no lines of JSON.
            .args(["--exclude-path", "/v1/admin/users/import"])
            .args(["--max-examples", "10", "--no-color", "--continue-on-failure"])
            .args(["--header", &format!("Authorization: Bearer {key}")])
            .current_dir(server.setup.folder.path()),
    );
}
