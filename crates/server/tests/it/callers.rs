//! Who may call what: keys, origins, apps, and the same request twice.

use countersign_domain::{
    api_key::{ApiKey, ApiKeyKind, ApiKeyText},
    changes::{Change, Changes},
    id::ApiKeyId,
    stored_app::StoredApp,
    testing::Seeded,
    time::{Span, Timestamp},
};
use countersign_server::{config::AppSettings, maintenance};
use http::Method;
use serde_json::json;

use crate::support::{
    Answer, Caller, TestServer, World,
    backend::on_every_engine,
    fixed::START,
    settings::{ORIGIN, app, publishable_key, secret_key},
};

on_every_engine! {
    a_row_that_does_not_read_is_refused_alone_and_shown
}

const ANN: &str = "ann@mail.example";

/// A key of the forum's that is kept in the store.
async fn stored_key(server: &TestServer, seed: u64, ends: (Option<Timestamp>, Option<Timestamp>)) -> String {
    stored_key_of(server, "forum", seed, ends).await
}

/// A key of an app that is kept in the store.
async fn stored_key_of(
    server: &TestServer,
    app: &str,
    seed: u64,
    ends: (Option<Timestamp>, Option<Timestamp>),
) -> String {
    let mut random = Seeded::new(seed);
    let text = ApiKeyText::draw(ApiKeyKind::Secret, &mut random);
    let key = ApiKey {
        id: ApiKeyId::new(START, &mut random),
        app: app.parse().unwrap(),
        kind: ApiKeyKind::Secret,
        digest: server.server.keys.api_key(&text),
        label: "test".to_owned(),
        created_at: START,
        expires_at: ends.0,
        revoked_at: ends.1,
        last_used_at: None,
    };
    server.server.store.commit(Changes(vec![Change::ApiKeyAdded(key)])).await.unwrap();
    maintenance::reload(&server.server).await.unwrap();
    text.expose().to_owned()
}

#[tokio::test]
async fn a_key_is_mistyped_unknown_ended_or_good_and_each_is_said() {
    let server = TestServer::with(|config| {
        config.apps.push(AppSettings { disabled: true, ..app("closed") });
    })
    .await;
    let good = stored_key(&server, 1, (Some(START + Span::DAY), None)).await;
    let revoked = stored_key(&server, 2, (None, Some(START))).await;
    let mut mistyped = secret_key("forum");
    let last = mistyped.pop().unwrap();
    mistyped.push(if last == 'a' { 'b' } else { 'a' });
    for (key, status, code) in [
        (mistyped, 401, "api_key_malformed"),
        ("hunter2".to_owned(), 401, "api_key_malformed"),
        (secret_key("nobody"), 401, "api_key_unknown"),
        (publishable_key("nobody"), 401, "api_key_unknown"),
        (revoked, 401, "api_key_ended"),
        (secret_key("closed"), 403, "app_disabled"),
    ] {
        let before = server.everything().await;
        let answer = server.calls(Caller::Secret(key.clone())).start(ANN).await.refused(status, code);
        assert!(!String::from_utf8(answer.body).unwrap().contains(&key), "a key is never repeated");
        assert_eq!(server.everything().await, before);
    }
    server.anybody().start(ANN).await.refused(401, "api_key_missing");
    server.anybody().with("authorization", "Digest x").start(ANN).await.refused(401, "api_key_missing");
    server.calls(Caller::Secret(good.clone())).start(ANN).await.expect(201);
    server.advance(Span::DAY - Span::from_seconds(1)).await;
    server.calls(Caller::Secret(good.clone())).start(ANN).await.expect(201);
    server.advance(Span::from_seconds(1)).await;
    server.calls(Caller::Secret(good)).start(ANN).await.refused(401, "api_key_ended");
}

/// A token of the app of a key.
async fn sign_in_with(node: &TestServer, key: &str) -> String {
    let caller = node.calls(Caller::Secret(key.to_owned()));
    let started = caller.start("bob@mail.example").await.expect(201);
    let code = node.mail_to("bob@mail.example").await.code();
    caller.verify(&started, &code).await.expect(200).text("access_token")
}

async fn a_row_that_does_not_read_is_refused_alone_and_shown(world: World) {
    let node = world.node().await;
    let stored = |name: &str, settings: &str| {
        Change::App(StoredApp {
            name: name.parse().unwrap(),
            settings: settings.to_owned(),
            disabled: false,
            created_at: START,
            version: 0,
        })
    };
    let apps = [
        stored("first", "{\"name\": \"first\"}"),
        stored("other", "{\"name\": \"first\"}"),
        stored("whole", "{\"name\": \"whole\", \"resend_pause_seconds\": 0}"),
    ];
    node.server.store.commit(Changes(apps.into())).await.unwrap();
    let first = stored_key_of(&node, "first", 1, (None, None)).await;
    let other = stored_key_of(&node, "other", 2, (None, None)).await;
    let whole = stored_key_of(&node, "whole", 3, (None, None)).await;
    node.calls(Caller::Secret(first.clone())).start(ANN).await.expect(201);
    node.calls(Caller::Secret(other)).start(ANN).await.refused(503, "unavailable");
    let token = sign_in_with(&node, &first).await;
    let holder = |node: &TestServer| node.calls(Caller::Bearer(token.clone()));
    holder(&node).get("/v1/token").await.expect(200);
    // The app's switch, and a key of the forum's.
    let spoilt = stored_key(&node, 4, (None, None)).await;
    node.spoil("UPDATE app SET disabled = 7 WHERE name = 'first'").await;
    node.spoil("UPDATE api_key SET kind = 'root' WHERE app = 'forum'").await;
    // What comes after them is read on.
    let late = stored_key_of(&node, "whole", 5, (None, None)).await;
    let restarted = world.node().await;
    for node in [&node, &restarted] {
        node.caught_up().await;
        node.calls(Caller::Secret(first.clone())).start(ANN).await.refused(503, "unavailable");
        holder(node).get("/v1/token").await.refused(503, "unavailable");
        node.calls(Caller::Secret(spoilt.clone())).start(ANN).await.refused(401, "api_key_unknown");
        for key in [&whole, &late] {
            node.calls(Caller::Secret(key.clone())).start(ANN).await.expect(201);
        }
        let ready = node.anybody().get("/readyz").await.expect(200).json();
        let rows = ready["corrupt_rows"].as_array().unwrap();
        let shown = ready["corrupt_rows"].to_string();
        assert_eq!(rows.len(), 3, "{shown}");
        for part in ["column disabled, row first", "column settings, row other", "api_key", "column kind"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let metrics = String::from_utf8(node.anybody().get("/metrics").await.expect(200).body).unwrap();
        assert!(metrics.contains("countersign_corrupt_rows 3"), "{metrics}");
    }
}

#[tokio::test]
async fn a_publishable_key_is_for_listed_pages_and_for_little() {
    let server = TestServer::new().await;
    let key = publishable_key("forum");
    for origin in [
        "https://evil.example",
        "http://forum.example",
        "https://forum.example:444",
        "https://forum.example.evil.example",
        "https://FORUM.example",
        "https://forum.example/",
        "null",
        "",
    ] {
        let answer = server.calls(Caller::Publishable(key.clone(), origin)).start(ANN).await;
        let answer = answer.refused(403, "origin_not_allowed");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
    server.calls(Caller::Secret(key.clone())).start(ANN).await.refused(403, "origin_not_allowed");
    let browser = server.calls(Caller::Publishable(key, ORIGIN));
    for body in [
        json!({"to": {"email": ANN}, "end_user": {"ip": "192.0.2.1"}}),
        json!({"to": {"email": ANN}, "subject": "Hello"}),
        json!({"to": {"email": ANN}, "content": "%code%"}),
    ] {
        browser.post("/v1/challenges", &body).await.refused(403, "api_key_kind");
    }
    let body = json!({"email": ANN, "code": "123456"});
    browser.post("/v1/verify", &body).await.refused(403, "api_key_kind");
    server.no_mail_to(ANN).await;
    // A refusal can be read by the page that it is for.
    let answer = browser.post("/v1/verify", &body).await;
    assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    assert_eq!(answer.header("access-control-allow-credentials"), "", "no cookie ever rides along");
}

#[tokio::test]
async fn a_browser_asks_before_it_speaks() {
    let server = TestServer::new().await;
    for (origin, allowed) in [(ORIGIN, ORIGIN), ("https://evil.example", "")] {
        let client = server.anybody().with("origin", origin).with("access-control-request-method", "POST");
        let client = client.with("access-control-request-headers", "authorization,content-type");
        let answer = client.send(Method::OPTIONS, "/v1/challenges", "").await.expect_bare(204);
        assert_eq!(answer.header("access-control-allow-origin"), allowed);
        assert_eq!(answer.header("vary"), "origin");
        if !allowed.is_empty() {
            assert!(answer.header("access-control-allow-methods").contains("POST"));
            for header in ["authorization", "content-type", "idempotency-key"] {
                assert!(answer.header("access-control-allow-headers").contains(header));
            }
        }
    }
    server.anybody().send(Method::OPTIONS, "/v1/challenges", "").await.refused(405, "method_not_allowed");
}

#[tokio::test]
async fn one_app_never_learns_of_another_s_challenges() {
    let server = TestServer::new().await;
    let started = server.app("shop").start(ANN).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    let id = started.text("id");
    let never = "chl_00000000000000000000000000";
    let other = server.app("forum");
    let mask = |answer: Answer| {
        let mut body = answer.json();
        body["request_id"] = json!("");
        (answer.status, body)
    };
    let with_code = json!({"code": code, "binding": started.text("binding")});
    let binding = json!({"binding": started.text("binding")});
    for (existing, absent) in [
        (
            other.get(&format!("/v1/challenges/{id}")).await,
            other.get(&format!("/v1/challenges/{never}")).await,
        ),
        (
            other.post(&format!("/v1/challenges/{id}/verify"), &with_code).await,
            other.post(&format!("/v1/challenges/{never}/verify"), &with_code).await,
        ),
        (
            other.post(&format!("/v1/challenges/{id}/redeem"), &binding).await,
            other.post(&format!("/v1/challenges/{never}/redeem"), &binding).await,
        ),
    ] {
        let existing = existing.refused(404, "challenge_not_found");
        assert_eq!(mask(existing), mask(absent));
    }
    let by_address = json!({"email": ANN, "code": code});
    other.post("/v1/verify", &by_address).await.refused(410, "challenge_over");
    server.app("shop").verify(&started, &code).await.expect(200);
}

#[tokio::test]
async fn the_same_request_twice_is_one_challenge_and_shows_no_secret_again() {
    let server = TestServer::new().await;
    let app = server.app("forum").with("idempotency-key", "order 66");
    let first = app.start(ANN).await.expect(201);
    let letter = server.mail_to(ANN).await;
    let again = app.start(ANN).await.expect(201);
    assert_eq!(again.text("id"), first.text("id"));
    assert_eq!(again.text("expires_at"), first.text("expires_at"));
    assert_eq!(again.json().get("binding"), None);
    assert_eq!(again.json().get("confirmation_number"), None);
    assert_eq!(again.header("idempotent-replayed"), "true");
    server.no_mail_to(ANN).await;
    app.start("bob@mail.example").await.refused(422, "idempotency_key_reused");
    // Nobody else's key, and no other page, is answered with it.
    let mut ids = vec![first.text("id")];
    let browser = server.calls(Caller::Publishable(publishable_key("forum"), ORIGIN));
    for other in [server.app("shop"), browser] {
        let answer = other.with("idempotency-key", "order 66").start(ANN).await.expect(201);
        assert!(answer.json().get("binding").is_some());
        ids.push(answer.text("id"));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    app.verify(&first, &letter.code()).await.expect(200);
    assert_eq!(app.start(ANN).await.expect(201).text("id"), first.text("id"), "also when it is over");
    server.advance(Span::DAY).await;
    let fresh = app.start(ANN).await.expect(201);
    assert_ne!(fresh.text("id"), first.text("id"), "after a day it is a new request");
}

#[tokio::test]
async fn an_idempotency_key_is_not_shared_between_origins() {
    let second = "https://second.example";
    let server = TestServer::with(|config| config.apps[0].origins.push(second.to_owned())).await;
    let mut ids = Vec::new();
    for origin in [ORIGIN, "https://second.example"] {
        let browser = server.calls(Caller::Publishable(publishable_key("forum"), origin));
        ids.push(browser.with("idempotency-key", "k").start(ANN).await.expect(201).text("id"));
    }
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn many_equal_requests_at_once_are_one_challenge() {
    let server = std::sync::Arc::new(TestServer::new().await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let server = std::sync::Arc::clone(&server);
        tasks.spawn(async move { server.app("forum").with("idempotency-key", "k").start(ANN).await });
    }
    let answers = tasks.join_all().await;
    let ids: std::collections::HashSet<_> = answers.iter().map(|answer| answer.text("id")).collect();
    assert_eq!(ids.len(), 1);
    let with_binding = answers.iter().filter(|answer| answer.json().get("binding").is_some()).count();
    assert_eq!(with_binding, 1, "the secret is shown once");
    server.mail_to(ANN).await;
    server.no_mail_to(ANN).await;
}
