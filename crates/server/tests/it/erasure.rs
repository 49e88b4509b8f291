//! Erasing accounts: the days to change one's mind, and that nothing is left after them.

use std::sync::Arc;

use countersign_domain::time::Span;
use countersign_server::{
    config::{Config, Part, RealmSettings},
    maintenance, shutdown, wiring,
};
use countersign_store::{engine::Value as Cell, sqlite::Sqlite};
use http::Method;
use serde_json::json;

use crate::{
    accounts::with_club,
    flow,
    sessions::{Browser, sign_in},
    support::{
        Caller, TestServer, World,
        backend::on_every_engine,
        caller::Client,
        settings::{ISSUER, quiet},
        wait_until,
    },
};

on_every_engine! {
    p28_who_is_switched_off_while_an_erasure_waits_stays_that
    who_waits_is_kept_or_goes
}

const ANN: &str = "zebedee.lee@mail.example";
const NEW: &str = "zebedee.new@mail.example";

fn waiting(config: &mut Config) {
    with_club(config);
    config.realms = vec![RealmSettings { erasure_grace_days: Some(14), ..quiet("default") }];
}

/// Lets everything that happens by itself happen once.
async fn sweep(server: &TestServer, done: &'static str) {
    let (stop, until) = shutdown::channel();
    let sweeping = tokio::spawn(maintenance::run(Arc::clone(&server.server), until));
    wait_until("nobody waits any more", || async { server.query(done).await.is_empty() }).await;
    stop.stop();
    sweeping.await.unwrap();
}

async fn ask(server: &TestServer) -> (Browser, String) {
    let ann = sign_in(server, ISSUER, ANN, "").await;
    let asked = ann.own(server, Method::DELETE, "/v1/me").await.expect(202);
    assert!(asked.header("set-cookie").contains("Max-Age=0"), "{}", asked.header("set-cookie"));
    assert!(!ann.is_in(server).await, "all sessions end at once");
    let told = server.mail_to(ANN).await;
    assert!(told.mail.rendered.text.contains("will be erased on"), "{told:?}");
    (ann, told.link())
}

/// Until the end the account can be kept; at the end it goes.
async fn who_waits_is_kept_or_goes(world: World) {
    let server = world.node_with(waiting).await;
    let (ann, first) = ask(&server).await;
    // Coming back says so, and mails the way to keep it; the earlier link ends.
    let page = server.app("club");
    let started = page.start(ANN).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    page.verify(&started, &code).await.refused(403, "account_erasing");
    let second = server.mail_to(ANN).await.link();
    let over = server.anybody().form(&first, "").await.expect(200);
    assert!(String::from_utf8_lossy(&over.body).contains("This link is over"));
    let asked = server.anybody().get(&second).await.expect(200);
    assert!(String::from_utf8_lossy(&asked.body).contains("Keep my account"));
    let started = page.start(ANN).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    page.verify(&started, &code).await.refused(403, "account_erasing");
    let third = server.mail_to(ANN).await.link();
    let kept = server.anybody().form(&third, "").await.expect(200);
    assert!(String::from_utf8_lossy(&kept.body).contains("Your account stays"));
    let back = flow::sign_in(&server, "club", ANN).await;
    assert_eq!(back.text("subject"), ann.answer.text("subject"));

    ask(&server).await;
    server.advance(Span::from_hours(14 * 24 - 1)).await;
    maintenance_once(&server).await;
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), 1, "an hour is left");
    server.advance(Span::from_hours(1)).await;
    maintenance_once(&server).await;
    for sql in [
        "SELECT id FROM realm_user",
        "SELECT user_id FROM user_identifier",
        "SELECT user_id FROM user_undo",
        "SELECT user_id FROM user_subject",
        "SELECT id FROM session",
    ] {
        assert!(server.query(sql).await.is_empty(), "{sql}");
    }
    server.stop().await;
}

/// An administrator's word is not taken back by the link of an erasure, nor is the erasure by switching somebody off.
async fn p28_who_is_switched_off_while_an_erasure_waits_stays_that(world: World) {
    let server = world.node_with(waiting).await;
    let operator = Client::new(wiring::service(&server.server, &[Part::Admin]), Caller::Anonymous);
    let operator = operator.with("content-type", "application/json");
    for is_kept in [true, false] {
        let (ann, link) = ask(&server).await;
        let users = operator.get("/v1/admin/users").await.expect(200).json();
        let path = format!("/v1/admin/users/{}", users["items"][0]["id"].as_str().unwrap());
        let set = async |status: &str| {
            let body = json!({"status": status}).to_string();
            let changed = operator.send(Method::PATCH, &path, &body).await.expect(200).text("status");
            server.mail_to(ANN).await;
            changed
        };
        assert_eq!(set("disabled").await, "disabled");
        if is_kept {
            let kept = server.anybody().form(&link, "").await.expect(200);
            assert!(String::from_utf8_lossy(&kept.body).contains("An administrator has switched it off"));
            assert_eq!(operator.get(&path).await.expect(200).text("status"), "disabled");
            server.advance(Span::from_hours(15 * 24)).await;
            maintenance_once(&server).await;
            let page = server.app("club");
            let started = page.start(ANN).await.expect(201);
            let code = server.mail_to(ANN).await.code();
            page.verify(&started, &code).await.refused(403, "user_disabled");
            assert_eq!(set("active").await, "active");
            assert!(!ann.is_in(&server).await);
        } else {
            // On again calls the erasure off: it must not go on unseen when they are switched off once more.
            assert_eq!((set("active").await, set("disabled").await), ("active".into(), "disabled".into()));
            assert!(server.query("SELECT user_id FROM user_undo").await.is_empty());
            set("active").await;
            ask(&server).await;
            set("disabled").await;
            server.advance(Span::from_hours(14 * 24)).await;
            maintenance_once(&server).await;
            assert!(server.query("SELECT id FROM realm_user").await.is_empty(), "it went when it was time");
        }
    }
    server.stop().await;
}

async fn maintenance_once(server: &TestServer) {
    countersign_server::erasure::sweep(&server.server).await.unwrap();
}

#[tokio::test]
async fn an_operator_erases_after_the_same_days_and_a_second_time_at_once() {
    let server = TestServer::with(waiting).await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let id = ann.own(&server, Method::GET, "/v1/me").await.expect(200).text("id");
    let operator = Client::new(wiring::service(&server.server, &[Part::Admin]), Caller::Anonymous);
    let path = format!("/v1/admin/users/{id}");
    let asked = operator.send(Method::DELETE, &path, "").await.expect(200);
    assert_eq!(asked.text("outcome"), "erasing");
    assert!(!ann.is_in(&server).await);
    assert_eq!(operator.get(&path).await.expect(200).text("status"), "erasing");
    let erased = operator.send(Method::DELETE, &path, "").await.expect(200);
    assert_eq!(erased.text("outcome"), "erased");
    operator.get(&path).await.refused(404, "not_found");
}

/// What names the person: the address, the user's id, and every digest that was kept.
async fn names(server: &TestServer) -> Vec<Vec<u8>> {
    let mut names = vec![ANN.as_bytes().to_vec(), NEW.as_bytes().to_vec(), b"Zebedee".to_vec()];
    for sql in [
        "SELECT id FROM realm_user",
        "SELECT digest FROM user_identifier",
        "SELECT subject FROM user_subject",
        "SELECT link FROM user_undo",
        "SELECT sealed FROM user_identifier",
        "SELECT sealed FROM user_metadata",
        "SELECT sealed_profile FROM realm_user",
    ] {
        for row in server.query(sql).await {
            if let [Cell::Bytes(bytes)] = &row[..] {
                names.push(bytes.clone());
            }
        }
    }
    names
}

fn count(folder: &std::path::Path, names: &[Vec<u8>]) -> usize {
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let shows = |name: &&Vec<u8>| bytes.windows(name.len()).any(|window| window == name.as_slice());
    names.iter().filter(shows).count()
}

#[tokio::test]
async fn nothing_is_left_in_the_files_of_who_was_erased() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("countersign.db");
    let server = World::on(Arc::new(Sqlite::open(&path).unwrap())).node_with(waiting).await;
    for number in 0..30 {
        flow::sign_in(&server, "club", &format!("p{number}@mail.example")).await;
    }
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let profile = json!({"display_name": "Zebedee", "username": "zebedee"});
    ann.tell(&server, Method::PATCH, "/v1/me", &profile).await.expect(200);
    let kept = json!({"private": {"name": "Zebedee"}}).to_string();
    let path = format!("/v1/users/{}", ann.answer.text("subject"));
    let app = server.app("club").with("content-type", "application/json");
    app.send(Method::PATCH, &path, &kept).await.expect(200);
    let body = json!({"email": NEW});
    let started = ann.tell(&server, Method::POST, "/v1/me/identifiers", &body).await.expect(202);
    let code = server.mail_to(NEW).await.code();
    let body = json!({"code": code, "binding": started.text("binding")});
    let path = format!("/v1/me/identifiers/{}/verify", started.text("id"));
    ann.tell(&server, Method::POST, &path, &body).await.expect(200);
    server.mail_to(ANN).await;
    ask(&server).await;
    // The others stay: of them everything is found.
    let ids = server.query("SELECT id FROM realm_user WHERE status = 'erasing'").await;
    let others = server.query("SELECT id FROM realm_user WHERE status = 'active'").await;
    let of_others: Vec<_> = names(&server).await;
    assert!(count(folder.path(), &of_others) > 100, "the search finds what is there");
    server.outbox_is_empty().await;
    let mut gone: Vec<Vec<u8>> = vec![ANN.as_bytes().to_vec(), NEW.as_bytes().to_vec(), b"Zebedee".to_vec()];
    gone.extend(ids.into_iter().flatten().filter_map(|cell| match cell {
        Cell::Bytes(bytes) => Some(bytes),
        _ => None,
    }));
    for sql in [
        "SELECT digest FROM user_identifier WHERE user_id = (SELECT id FROM realm_user WHERE status = 'erasing')",
        "SELECT sealed FROM user_identifier WHERE user_id = (SELECT id FROM realm_user WHERE status = 'erasing')",
        "SELECT subject FROM user_subject WHERE user_id = (SELECT id FROM realm_user WHERE status = 'erasing')",
        "SELECT sealed FROM user_metadata",
        "SELECT link FROM user_undo",
        "SELECT digest FROM contact WHERE digest NOT IN (SELECT digest FROM user_identifier) AND expires_at = 0",
    ] {
        for row in server.query(sql).await {
            if let [Cell::Bytes(bytes)] = &row[..] {
                gone.push(bytes.clone());
            }
        }
    }
    assert!(gone.len() >= 10, "{}", gone.len());
    assert!(count(folder.path(), &gone) >= gone.len() - 3, "all but the names in the clear are in there");
    server.advance(Span::from_hours(14 * 24)).await;
    sweep(&server, "SELECT user_id FROM user_undo").await;
    // Counters go within two days, and the next sweep takes them.
    server.advance(Span::from_hours(48)).await;
    server.server.store.sweep(server.now()).await.unwrap();
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), others.len());
    assert_eq!(count(folder.path(), &gone), 0, "nothing is left");
}
