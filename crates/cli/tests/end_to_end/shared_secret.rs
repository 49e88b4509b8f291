//! HS256: an app's own secret, shown once to its operator, with which other people's libraries verify its tokens.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{
    http::{self, Request},
    person::Client,
    server::{PROGRAM, Server, Setup},
    sink::Sink,
    tools,
};

/// What the operator sees: the secret and the first key of a new app.
struct Added {
    key: String,
    secret: String,
}

fn countersign(server: &Server, arguments: &[&str]) -> String {
    let config = server.setup.folder.path().join("countersign.toml");
    tools::run(Command::new(PROGRAM).arg("--config").arg(config).args(arguments))
}

/// The one text after `mark`, on a line of its own.
fn shown(said: &str, mark: &str) -> String {
    let after = said.split(mark).nth(1).unwrap_or_else(|| panic!("no {mark} in {said}"));
    after.split_whitespace().next().unwrap().to_owned()
}

fn add(server: &Server, name: &str) -> Added {
    let said = countersign(server, &["app", "add", name, "--set", "token_algorithm=HS256"]);
    let key = said.find("cs_sk_").map(|at| said[at..at + 45].to_owned()).unwrap();
    Added { key, secret: shown(&said, "(HS256, base64url), shown this once:") }
}

/// The text of a token's header.
fn header(token: &str) -> Value {
    let head = token.split('.').next().unwrap();
    serde_json::from_slice(&data_encoding::BASE64URL_NOPAD.decode(head.as_bytes()).unwrap()).unwrap()
}

#[test]
fn p32_a_shared_secret_is_shown_once_and_verifies_its_own_app_s_tokens_only() {
    let sink = Sink::start();
    let server = Setup::new(sink.port).start();
    let (old, other) = (add(&server, "old"), add(&server, "other"));
    assert_ne!(old.secret, other.secret);
    for arguments in [&["app", "show", "old"][..], &["app", "show", "old", "--json"], &["key", "signing"]] {
        assert!(!countersign(&server, arguments).contains(&old.secret), "{arguments:?}");
    }
    let port = server.setup.port;
    let client = Client { port, key: old.key };
    let token = client.sign_in("jane@example.net", &sink).text("access_token");
    assert_eq!(header(&token)["alg"], "HS256");
    let set = server.get("/.well-known/jwks.json", &[]).unwrap().body;
    let kid = header(&token)["kid"].as_str().unwrap().to_owned();
    assert!(!set.contains(&kid) && !set.contains(&old.secret) && !set.contains("oct"), "{set}");
    assert_eq!(client.token_status(&token), 200);
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Countersign-Key", other.key.as_str())];
    let request = Request { method: "GET", path: "/v1/token", headers: &headers };
    assert_eq!(http::ask(port, request, "").unwrap().status, 401, "another app took it");

    let said = countersign(&server, &["key", "token-secret", "old"]);
    let new_secret = shown(&said, "shown this once:");
    let new_token = client.sign_in("joe@example.net", &sink).text("access_token");
    assert_eq!(client.token_status(&token), 200, "tokens of the former secret are good until they end");
    let entry = |token: &str, secret: &str| json!({ "algorithm": "HS256", "audience": "old", "token": token, "secret": secret });
    verify(&server, &[entry(&token, &old.secret), entry(&new_token, &new_secret)], true);
    for wrong in [&other.secret, &new_secret] {
        verify(&server, &[entry(&token, wrong)], false);
    }
}

/// Lets PyJWT and jose verify tokens, which must hold or must not.
fn verify(server: &Server, tokens: &[Value], hold: bool) {
    let issuer = format!("http://localhost:{}", server.setup.issuer_port);
    let jwks = format!("http://127.0.0.1:{}/.well-known/jwks.json", server.setup.port);
    let arguments = [jwks, issuer, Value::from(tokens).to_string()];
    let mut commands = Vec::new();
    if let Some(python) = tools::python() {
        let mut command = Command::new(python);
        command.arg(tools::script("verify_tokens.py")).args(&arguments);
        commands.push((command, "InvalidSignatureError"));
    }
    if let Some(node) = tools::tool("COUNTERSIGN_TEST_NODE", "node") {
        let modules = tools::tool("COUNTERSIGN_TEST_NODE_MODULES", "node").unwrap_or_default();
        let mut command = Command::new(node);
        command.arg(tools::script("verify_tokens.mjs")).arg(modules).args(&arguments);
        commands.push((command, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"));
    }
    for (mut command, complaint) in commands {
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), hold, "{command:?}: {said}");
        assert!(hold || said.contains(complaint), "{said}");
    }
}
