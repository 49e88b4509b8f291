//! The whole way on one machine: start, mail, code or link, token; and tokens as other people's libraries read them.

use std::process::Command;

use serde_json::Value;

use crate::support::{
    http::{self, Request},
    person::{Client, MAIL},
    server::{APP, Server, Setup},
    sink::Sink,
    tools,
};

const ALGORITHMS: [&str; 5] = ["EdDSA", "ES256", "ES384", "ES512", "RS256"];

#[test]
fn a_code_by_challenge_and_by_address_gives_one_token_each() {
    let sink = Sink::start();
    let server = Setup::new(sink.port).start();
    let client = server.client();
    let first = client.sign_in("jane@example.net", &sink);
    assert_eq!(client.token_status(&first.text("access_token")), 200);

    assert_eq!(client.start("joe@example.net").unwrap().status, 201);
    let code = sink.mail_to("joe@example.net", MAIL).unwrap().code();
    let second = client.verify("joe@example.net", &code).unwrap();
    assert_eq!(second.status, 200, "{second:?}");
    assert_ne!(first.text("subject"), second.text("subject"));
    assert_eq!(client.verify("joe@example.net", &code).unwrap().status, 410, "a code is good once");
}

#[test]
fn p06_a_link_is_spent_by_its_button_with_the_number_only() {
    let sink = Sink::start();
    let server = Setup::new(sink.port).start();
    let client = server.client();
    let started = client.start("jane@example.net").unwrap();
    let link = sink.mail_to("jane@example.net", MAIL).unwrap().link();
    let shown = format!(">{}<", started.text("confirmation_number"));
    for _ in 0..3 {
        let page = server.get(&link, &[]).unwrap();
        assert_eq!(page.status, 200);
        assert!(page.body.contains("number") && !page.body.contains(&shown));
        assert!(page.head.to_ascii_lowercase().contains("referrer-policy: no-referrer"), "{}", page.head);
    }
    assert_ne!(client.redeem(&started).unwrap().status, 200, "nobody pressed the button");
    let number: u8 = started.text("confirmation_number").parse().unwrap();
    press(&server, &link, if number == 99 { 10 } else { number + 1 });
    assert_ne!(client.redeem(&started).unwrap().status, 200, "the number was wrong");
    press(&server, &link, number);
    let redeemed = client.redeem(&started).unwrap();
    assert_eq!(redeemed.status, 200, "{redeemed:?}");
    assert_eq!(client.token_status(&redeemed.text("access_token")), 200);
    assert_ne!(client.redeem(&started).unwrap().status, 200, "a proof is given once");
}

fn press(server: &Server, link: &str, number: u8) {
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let request = Request { method: "POST", path: link, headers: &headers };
    let answer = http::ask(server.setup.port, request, &format!("number={number}")).unwrap();
    assert!(answer.status < 500, "{answer:?}");
}

#[test]
fn p32_other_libraries_verify_tokens_from_the_key_set_alone() {
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    setup.more = ALGORITHMS.iter().map(|algorithm| app_with(algorithm)).collect();
    let keys: Vec<String> = setup
        .more
        .lines()
        .filter_map(|line| line.strip_prefix("key = '")?.strip_suffix('\''))
        .map(str::to_owned)
        .collect();
    let server = setup.start();
    let issuer = format!("http://localhost:{}", server.setup.issuer_port);
    let jwks = format!("http://127.0.0.1:{}/.well-known/jwks.json", server.setup.port);
    let tokens: Vec<Value> = ALGORITHMS
        .iter()
        .zip(keys)
        .map(|(algorithm, key)| {
            let client = Client { port: server.setup.port, key };
            let address = format!("{}@example.net", algorithm.to_lowercase());
            let token = client.sign_in(&address, &sink).text("access_token");
            serde_json::json!({ "algorithm": algorithm, "audience": algorithm.to_lowercase(), "token": token })
        })
        .collect();
    let arguments = [jwks, issuer, Value::Array(tokens).to_string()];
    if let Some(python) = tools::python() {
        tools::run(Command::new(python).arg(tools::script("verify_tokens.py")).args(&arguments));
    }
    if let Some(node) = tools::tool("COUNTERSIGN_TEST_NODE", "node") {
        let modules = tools::tool("COUNTERSIGN_TEST_NODE_MODULES", "node").unwrap_or_default();
        tools::run(Command::new(node).arg(tools::script("verify_tokens.mjs")).arg(modules).args(&arguments));
    }
}

fn app_with(algorithm: &str) -> String {
    let key = crate::support::server::key(countersign_domain::api_key::ApiKeyKind::Secret);
    let name = algorithm.to_lowercase();
    assert_ne!(name, APP);
    format!("[[apps]]\nname = '{name}'\ntoken_algorithm = '{algorithm}'\n[[apps.keys]]\nkey = '{key}'\n")
}
