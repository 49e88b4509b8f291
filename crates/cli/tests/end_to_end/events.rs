//! The log of events with the real program, after `kill -9`, and the security log as fail2ban reads it.

use std::{fs, process::Command, time::Duration};

use countersign_domain::api_key::ApiKeyKind;
use serde_json::Value;

use crate::support::{
    http::{self, Request},
    server::{PROGRAM, Server, Setup, key},
    sink::Sink,
    tools, wait_for,
};

/// What a command answers, and whether it succeeded.
fn command(server: &Server, arguments: &[&str]) -> (bool, String) {
    let config = server.setup.folder.path().join("countersign.toml");
    let output = Command::new(PROGRAM).arg("--config").arg(config).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

fn json(server: &Server, arguments: &[&str]) -> Value {
    let (succeeded, text) = command(server, &[arguments, &["--json"]].concat());
    assert!(succeeded, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn p40_events_survive_kill_9_and_every_change_of_them_shows() {
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    setup.app = "accounts = 'realm'".to_owned();
    let log = setup.folder.path().join("events.jsonl");
    setup.more = format!("[events]\ncheckpoint_seconds = 1\nfile = '{}'\n", log.display());
    let mut server = setup.start();
    server.client().sign_in("ann@example.net", &sink);
    server.kill();
    server.start_again();
    // What the former life left is signed by this one, and exported.
    wait_for("the export", Duration::from_secs(20), || {
        fs::read_to_string(&log).ok().filter(|text| text.contains("session.started"))
    });
    let verified = json(&server, &["event", "verify"]);
    assert!(verified["events"].as_i64().unwrap() >= 3, "{verified}");
    let listed = json(&server, &["event", "list", "--kind", "session.started"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert!(!listed.to_string().contains("example.net") && !listed.to_string().contains("usr_"), "{listed}");

    let exported = server.setup.folder.path().join("copy.jsonl").display().to_string();
    json(&server, &["event", "export", &exported]);
    assert!(!command(&server, &["event", "export", &exported]).0, "no file is written over");
    let key = verified["public_key"].as_str().unwrap();
    for file in [log.display().to_string(), exported] {
        let check = ["event", "verify", "--file", &file, "--public-key", key];
        assert!(command(&server, &check).0, "{file}");
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen("\"kind\":\"user.created\"", "\"kind\":\"user.changed\"", 1)).unwrap();
        let (succeeded, said) = command(&server, &check);
        assert!(!succeeded && said.contains("are not those that were signed"), "{said}");
        fs::write(&file, &text).unwrap();
        let other = ["event", "verify", "--file", &file, "--public-key", &"A".repeat(43)];
        assert!(command(&server, &other).1.contains("was not signed by this server's key"));
    }
    let newest = verified["newest"].as_str().unwrap();
    assert!(command(&server, &["event", "verify", "--known", newest]).0);
    let cut = ["event", "verify", "--known", &format!("999:{}", "0".repeat(64))];
    assert!(command(&server, &cut).1.contains("was seen before"));

    let backup = server.setup.folder.path().join("backup").display().to_string();
    assert!(command(&server, &["backup", &backup]).0);
    server.terminate();
    let verified = json(&server, &["event", "verify"]);
    assert_eq!(verified["public_key"], key, "without a server too");
    assert_eq!(kinds(&server, "backup.created"), 1);
    // A restored log is the one that was signed, and goes on: the start makes new signing keys and tells it.
    server.setup.storage = "sqlite:restored.db".to_owned();
    server.setup.run(&["restore", &backup]);
    server.start_again();
    let restored = wait_for("what was restored is signed", Duration::from_secs(90), || {
        Some(json(&server, &["event", "verify"])).filter(|verified| verified["waiting"] == 0)
    });
    assert_eq!(restored["public_key"], key);
    assert_eq!(kinds(&server, "backup.restored"), 1);
}

fn kinds(server: &Server, kind: &str) -> usize {
    json(server, &["event", "list", "--kind", kind]).as_array().unwrap().len()
}

#[test]
fn p40_fail2ban_reads_the_security_log_of_the_real_server() {
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    let page = key(ApiKeyKind::Publishable);
    let log = setup.folder.path().join("security.log");
    setup.app = "origins = ['https://shop.example']".to_owned();
    setup.more = format!("[[apps.keys]]\nkey = '{page}'\n[security_log]\nfile = '{}'\n", log.display());
    setup.variables =
        vec![("COUNTERSIGN_SERVER_TRUSTED_PROXIES".to_owned(), "[\"127.0.0.1/32\"]".to_owned())];
    let server = setup.start();
    let client = server.client();
    let started = client.start("ann@example.net").unwrap();
    // The app's own server passes a wrong code on: its address is nobody's who guesses.
    assert_eq!(client.verify_started(&started, "AAAAAAA").unwrap().status, 401);
    let ask = |bearer: &str, address: &str, status: u16| {
        let path = format!("/v1/challenges/{}/verify", started.text("id"));
        let body = serde_json::json!({"code": "AAAAAAA", "binding": started.text("binding")}).to_string();
        let authorization = format!("Bearer {bearer}");
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Content-Type", "application/json"),
            ("Origin", "https://shop.example"),
            ("X-Forwarded-For", address),
        ];
        let answer =
            http::ask(server.setup.port, Request { method: "POST", path: &path, headers: &headers }, &body);
        assert_eq!(answer.unwrap().status, status);
    };
    for _ in 0..3 {
        ask(&page, "203.0.113.5", 401);
    }
    ask(&key(ApiKeyKind::Publishable), "2001:db8::5", 401);
    // Neither a code nor an address of a mailbox can stand in a line, whoever asks.
    let written = wait_for("the security log", Duration::from_secs(10), || {
        fs::read_to_string(&log).ok().filter(|text| text.lines().count() >= 4)
    });
    assert_eq!(written.lines().count(), 4, "{written}");
    assert!(!written.contains("AAAAAAA") && !written.contains("example.net"), "{written}");
    let filter = format!("{}/../../deploy/fail2ban/filter.d/countersign.conf", env!("CARGO_MANIFEST_DIR"));
    let found = tools::run(Command::new("fail2ban-regex").args(["-o", "ip"]).arg(&log).arg(filter));
    let mut banned: Vec<&str> = found.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    banned.sort_unstable();
    assert_eq!(banned, ["2001:db8::5", "203.0.113.5", "203.0.113.5", "203.0.113.5"]);
}
