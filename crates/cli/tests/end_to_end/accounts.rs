//! Accounts with the real program: sessions, and their ends, outlive `kill -9`.

use std::process::Command;

use serde_json::Value;

use crate::support::{
    server::{PROGRAM, Server, Setup},
    sink::Sink,
};

/// What an operator's command answers.
pub(crate) fn operator(server: &Server, arguments: &[&str]) -> Value {
    let config = server.setup.folder.path().join("countersign.toml");
    let output = Command::new(PROGRAM).arg("--config").arg(config).args(arguments).arg("--json").output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn p28_an_operator_switches_a_user_off_and_on() {
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    setup.app = "accounts = 'realm'".to_owned();
    let server = setup.start();
    let client = server.client();
    let ann = client.sign_in("ann@example.net", &sink);
    let bob = client.sign_in("bob@example.net", &sink);
    assert_eq!(operator(&server, &["user", "list"]).as_array().unwrap().len(), 2);
    let found = operator(&server, &["user", "list", "--email", "ann@example.net"]);
    let id = found[0]["id"].as_str().unwrap();
    assert_eq!(operator(&server, &["user", "disable", id])["status"], "disabled");
    assert_eq!(client.token_status(&ann.text("access_token")), 401);
    assert_eq!(client.token_status(&bob.text("access_token")), 200);
    assert_eq!(client.refresh(&ann.text("refresh_token")).unwrap().status, 400);
    assert_eq!(operator(&server, &["user", "enable", id])["status"], "active");
    assert_eq!(client.refresh(&ann.text("refresh_token")).unwrap().status, 400, "what was ended stays ended");
    assert_eq!(operator(&server, &["user", "erase", id])["outcome"], "erased");
    assert_eq!(operator(&server, &["user", "list"]).as_array().unwrap().len(), 1);
}

#[test]
fn p29_p34_sessions_and_their_ends_survive_kill_9() {
    let sink = Sink::start();
    let mut setup = Setup::new(sink.port);
    setup.app = "accounts = 'realm'".to_owned();
    let mut server = setup.start();
    let client = server.client();
    let ended = client.sign_in("ended@example.net", &sink);
    let kept = client.sign_in("kept@example.net", &sink);
    assert_eq!(client.revoke(&ended.text("refresh_token")).unwrap().status, 200);
    let next = client.refresh(&kept.text("refresh_token")).unwrap();
    assert_eq!(next.status, 200, "{next:?}");
    for round in 0..2 {
        server.kill();
        server.start_again();
        assert_eq!(client.token_status(&ended.text("access_token")), 401, "round {round}");
        assert_eq!(client.refresh(&ended.text("refresh_token")).unwrap().status, 400);
        assert_eq!(client.token_status(&next.text("access_token")), 200);
    }
    let after = client.refresh(&next.text("refresh_token")).unwrap();
    assert_eq!(after.status, 200, "{after:?}");
    assert_eq!(after.text("session"), kept.text("session"));
    assert_eq!(client.refresh(&kept.text("refresh_token")).unwrap().status, 400, "long spent: a copy");
    assert_eq!(client.refresh(&after.text("refresh_token")).unwrap().status, 400, "so all is over");
}
