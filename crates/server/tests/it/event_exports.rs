//! The log of events as it is given out: to files, to syslog, to operators.

use countersign_domain::{
    event::{Checkpoint, StoredEvent},
    time::Span,
};
use countersign_server::events::{chain::Verifier, export, log::Line};

use crate::{
    accounts::with_club,
    events::{all, cookie, look, operator, three_checkpoints},
    flow::sign_in,
    support::TestServer,
};

const ANN: &str = "ann@mail.example";

#[tokio::test]
async fn an_exported_log_reads_back_as_it_was_signed() {
    let server = TestServer::with(with_club).await;
    // With something sealed in it.
    cookie(&server, "bob@mail.example").await;
    three_checkpoints(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    let mut settings = server.server.config.load().events.clone();
    settings.file = Some(file.clone());
    for _ in 0..2 {
        // A second one goes on where the first was.
        export::Exports::new(&settings).unwrap().follow(&server.server.store).await;
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), all(&server).await.len() + 3);
    assert!(!text.contains(ANN) && !text.contains("usr_"), "nobody is named");
    let mut verifier = Verifier::new(server.server.keys.checkpoint_key().unwrap().public());
    let mut covered = Vec::new();
    for line in lines {
        match serde_json::from_str(line).unwrap() {
            Line::Event(event) => covered.push(StoredEvent::try_from(&event).unwrap()),
            Line::Checkpoint(line) => {
                verifier.follow(Checkpoint::try_from(&line).unwrap(), &std::mem::take(&mut covered)).unwrap();
            }
        }
    }
    assert_eq!(verifier.finish(&covered, None).unwrap().checkpoints, 3);
}

#[tokio::test]
async fn events_go_to_syslog_as_rfc_5424_has_them() {
    let server = TestServer::with(with_club).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    let mut settings = server.server.config.load().events.clone();
    settings.syslog = Some(format!("unix:{}", path.display()));
    let mut exports = export::Exports::new(&settings).unwrap();
    exports.follow(&server.server.store).await;
    sign_in(&server, "club", ANN).await;
    look(&server).await;
    exports.follow(&server.server.store).await;
    let (mut buffer, mut found) = (vec![0; 4096], Vec::new());
    socket.set_nonblocking(true).unwrap();
    while let Ok(length) = socket.recv(&mut buffer) {
        found.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    let started = found.iter().find(|line| line.contains(" session.started - {")).unwrap();
    assert!(started.starts_with("<85>1 2027-01-15T08:00:00Z - countersign "), "{started}");
    assert!(found.iter().all(|line| !line.contains(ANN) && !line.chars().any(char::is_control)));
    assert!(found.last().unwrap().contains(" checkpoint - {\"sequence\":"));
    for bad in ["tcp:127.0.0.1:514", "udp:192.0.2.1:514", "/dev/log", "udp:x", "unix:dev"] {
        settings.syslog = Some(bad.to_owned());
        assert!(export::Exports::new(&settings).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_syslog_is_told_what_is_signed_after_it_began() {
    let server = TestServer::with(with_club).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut settings = server.server.config.load().events.clone();
    settings.syslog = Some(format!("unix:{}", path.display()));
    let mut exports = export::Exports::new(&settings).unwrap();
    sign_in(&server, "club", ANN).await;
    exports.begin(&server.server.store).await;
    look(&server).await;
    exports.begin(&server.server.store).await;
    exports.follow(&server.server.store).await;
    let (mut buffer, mut found) = (vec![0; 4096], String::new());
    while let Ok(length) = socket.recv(&mut buffer) {
        found.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
    }
    assert!(found.contains(" session.started - {"), "{found}");
}

#[tokio::test]
async fn a_file_that_is_ahead_of_a_restored_log_goes_on_behind_its_end() {
    let server = TestServer::with(with_club).await;
    three_checkpoints(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("events.jsonl");
    std::fs::write(folder.path().join("events.jsonl.position"), "4").unwrap();
    let mut settings = server.server.config.load().events.clone();
    settings.file = Some(file.clone());
    let mut exports = export::Exports::new(&settings).unwrap();
    exports.begin(&server.server.store).await;
    sign_in(&server, "club", ANN).await;
    look(&server).await;
    exports.follow(&server.server.store).await;
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("session.started") && text.contains("{\"sequence\":4,"), "{text}");
    assert!(!text.contains("{\"sequence\":3,"), "{text}");
}

#[tokio::test]
async fn operators_find_events_by_kind_app_person_and_time() {
    let server = TestServer::with(with_club).await;
    sign_in(&server, "shop", ANN).await;
    server.advance(Span::from_seconds(60)).await;
    sign_in(&server, "club", ANN).await;
    let operator = operator(&server);
    let users = operator.get("/v1/admin/users").await.expect(200).json();
    let user = users["items"][0]["id"].as_str().unwrap().to_owned();
    for (query, kinds) in [
        ("kind=challenge.passed".to_owned(), 2),
        ("kind=challenge.passed&app=shop".to_owned(), 1),
        ("app=club".to_owned(), 3),
        (format!("user={user}"), 3),
        (format!("user={user}&kind=session.started"), 1),
        ("since=2027-01-15T08:00:30Z&app=shop".to_owned(), 0),
        ("since=2027-01-15T08:00:30Z&app=club".to_owned(), 3),
        ("user=usr_00000000000000000000000000".to_owned(), 0),
        ("limit=1&app=club".to_owned(), 1),
    ] {
        let found = operator.get(&format!("/v1/admin/events?{query}")).await.expect(200).json();
        assert_eq!(found["items"].as_array().unwrap().len(), kinds, "{query}: {found}");
        assert_eq!(found["next"].is_string(), query.contains("limit"), "{query}");
        assert!(!found.to_string().contains("sealed"), "{found}");
    }
    for bad in ["kind=user.eaten", "user=x", "since=yesterday", "limit=0", "after=x", "x=y"] {
        operator.get(&format!("/v1/admin/events?{bad}")).await.expect(422);
    }
}
