//! A database that does not answer: refusals, never an allow, and nothing half done.

use std::sync::{Arc, atomic::Ordering};

use countersign_domain::{
    api_key::{ApiKey, ApiKeyKind, ApiKeyText},
    changes::{Change, Changes},
    id::ApiKeyId,
    testing::Seeded,
    time::Span,
};
use countersign_server::{config::Part, maintenance, shutdown, wiring};
use countersign_store::{
    Error,
    engine::{Engine, Row, Statement, Write},
    migration::Migration,
    sqlite::Sqlite,
};
use futures_util::future::BoxFuture;
use serde_json::json;

use crate::{
    flow::sign_in,
    support::{Caller, TestServer, World, faulty::Faulty, fixed::START, settings::secret_key, wait_until},
};

const ANN: &str = "ann@mail.example";

#[tokio::test]
async fn p39_a_database_that_fails_is_a_refusal_that_changes_nothing() {
    let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::clone(&engine) as _).node().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    let app = server.app("forum");
    let started = app.start(ANN).await.expect(201);
    let letter = server.mail_to(ANN).await;
    let approved = app.start(ANN).await.expect(201);
    let link = server.mail_to(ANN).await.link();
    let number = format!("number={}", approved.text("confirmation_number"));
    server.anybody().form(&link, &number).await.expect(200);
    server.outbox_is_empty().await;
    let before = server.everything().await;
    let press = format!("number={}", started.text("confirmation_number"));

    for switch in [&engine.reads_fail, &engine.commits_fail] {
        switch.store(true, Ordering::SeqCst);
        let answers = [
            ("start", app.start("bob@mail.example").await),
            ("right code", app.verify(&started, &letter.code()).await),
            ("wrong code", app.verify(&started, "999999").await),
            ("by address", app.post("/v1/verify", &json!({"email": ANN, "code": letter.code()})).await),
            ("redeem", app.redeem(&approved).await),
            ("press", server.anybody().form(&letter.link(), &press).await),
        ];
        for (what, answer) in answers {
            // A person gets a page, a program a problem document.
            let answer =
                if what == "press" { answer.expect(503) } else { answer.refused(503, "unavailable") };
            assert_eq!(answer.header("retry-after"), "1", "{what}");
            let body = String::from_utf8(answer.body).unwrap();
            assert!(!body.contains("told to fail") && !body.contains("sql"), "{what}: no internal text");
        }
        if engine.commits_fail.load(Ordering::SeqCst) {
            app.form("/oauth2/revoke", &format!("token={token}")).await.refused(503, "unavailable");
        }
        switch.store(false, Ordering::SeqCst);
        server.no_mail_to("bob@mail.example").await;
        assert_eq!(server.everything().await, before);
    }
    engine.reads_fail.store(true, Ordering::SeqCst);
    server.anybody().get("/readyz").await.refused(503, "unavailable");
    server.anybody().get("/livez").await.expect(200);
    server.anybody().get(&letter.link()).await.expect(503);
    app.get(&format!("/v1/challenges/{}", started.text("id"))).await.refused(503, "unavailable");
    engine.reads_fail.store(false, Ordering::SeqCst);

    server.anybody().get("/readyz").await.expect(200);
    app.verify(&started, &letter.code()).await.expect(200);
    app.redeem(&approved).await.expect(200);
    let bob = app.start("bob@mail.example").await.expect(201);
    app.verify(&bob, &server.mail_to("bob@mail.example").await.code()).await.expect(200);
    let holder = server.calls(Caller::Bearer(token.clone()));
    holder.get("/v1/token").await.expect(200);
    app.form("/oauth2/revoke", &format!("token={token}")).await.expect_bare(200);
    holder.get("/v1/token").await.refused(401, "invalid_token");
}

#[tokio::test]
async fn p39_a_mail_that_was_promised_survives_a_database_that_cannot_forget_it() {
    let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::clone(&engine) as _).node().await;
    server.mailbox.is_down.store(true, Ordering::SeqCst);
    let started = server.app("shop").start(ANN).await.expect(201);
    engine.commits_fail.store(true, Ordering::SeqCst);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    engine.commits_fail.store(false, Ordering::SeqCst);
    server.mailbox.is_down.store(false, Ordering::SeqCst);
    server.advance(Span::from_seconds(181)).await;
    let code = server.mail_to(ANN).await.code();
    server.app("shop").verify(&started, &code).await.expect(200);
}

#[tokio::test]
async fn p39_a_node_that_cannot_learn_of_revocations_stops_trusting_what_it_knows() {
    let faulty = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::new(Shared(Arc::clone(&faulty))) as _).node().await;
    server.caught_up().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    let holder = server.calls(Caller::Bearer(token));
    holder.get("/v1/token").await.expect(200);
    faulty.reads_fail.store(true, Ordering::SeqCst);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    server.clock.advance(Span::from_millis(1000));
    holder.get("/v1/token").await.expect(200);
    server.clock.advance(Span::from_millis(1));
    holder.get("/v1/token").await.refused(503, "unavailable");
    faulty.reads_fail.store(false, Ordering::SeqCst);
    server.caught_up().await;
    holder.get("/v1/token").await.expect(200);
}

/// A network engine, as far as anybody asks.
struct Shared(Arc<Faulty>);

impl Engine for Shared {
    fn name(&self) -> &'static str {
        "shared"
    }
    fn is_exclusive(&self) -> bool {
        false
    }
    fn query(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Error>> {
        self.0.query(statement)
    }
    fn commit(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Vec<u64>, Error>> {
        self.0.commit(writes)
    }
    fn migrate<'a>(&'a self, migrations: &'a [Migration]) -> BoxFuture<'a, Result<i64, Error>> {
        self.0.migrate(migrations)
    }
    fn version(&self) -> BoxFuture<'_, Result<i64, Error>> {
        self.0.version()
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

/// A key that is kept in the store, and what an operator ends it with.
async fn stored_key(server: &TestServer) -> (String, String) {
    let mut random = Seeded::new(1);
    let text = ApiKeyText::draw(ApiKeyKind::Secret, &mut random);
    let key = ApiKey {
        id: ApiKeyId::new(START, &mut random),
        app: "forum".parse().unwrap(),
        kind: ApiKeyKind::Secret,
        digest: server.server.keys.api_key(&text),
        label: String::new(),
        created_at: START,
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
    };
    let path = format!("/v1/admin/keys/{}/revoke", key.id);
    server.server.store.commit(Changes(vec![Change::ApiKeyAdded(key)])).await.unwrap();
    maintenance::reload(&server.server).await.unwrap();
    (text.expose().to_owned(), path)
}

/// What an operator's request is answered.
async fn operate(server: &TestServer, path: &str) -> u16 {
    let admin = wiring::service(&server.server, &[Part::Admin]);
    let request = http::Request::post(path).header("content-type", "application/json");
    admin.answer(request.body(axum::body::Body::from("null")).unwrap()).await.status().as_u16()
}

/// What a key opens: 404 for a challenge that is not there, 401 when it opens nothing.
async fn knock(server: &TestServer, key: &str) -> u16 {
    server.calls(Caller::Secret(key.to_owned())).get("/v1/challenges/chl_0").await.status.as_u16()
}

#[tokio::test]
async fn p28_an_operator_who_hangs_up_leaves_no_ended_key_good() {
    let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::clone(&engine) as _).node().await;
    let (key, revoke) = stored_key(&server).await;
    assert_eq!(knock(&server, &key).await, 404);
    engine.stalls_after_commit.store(true, Ordering::SeqCst);
    let patience = std::time::Duration::from_millis(300);
    let hung_up = tokio::time::timeout(patience, operate(&server, &revoke)).await;
    assert!(hung_up.is_err(), "it was committed, and not yet read again");
    engine.is_stalled.store(false, Ordering::SeqCst);
    wait_until("the key is known to be ended", || async { knock(&server, &key).await == 401 }).await;
}

#[tokio::test]
async fn p28_an_ended_key_that_could_not_be_read_again_is_read_within_a_second() {
    let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::clone(&engine) as _).node().await;
    let (key, revoke) = stored_key(&server).await;
    engine.fails_after_commit.store(true, Ordering::SeqCst);
    assert_eq!(operate(&server, &revoke).await, 503, "nobody is told that it holds here");
    engine.reads_fail.store(false, Ordering::SeqCst);
    let (stop, until) = shutdown::channel();
    let running = tokio::spawn(maintenance::run(Arc::clone(&server.server), until));
    wait_until("the key is known to be ended", || async { knock(&server, &key).await == 401 }).await;
    stop.stop();
    running.await.unwrap();
}

#[tokio::test]
async fn p39_a_node_that_cannot_read_keys_stops_trusting_those_it_knows() {
    let faulty = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::new(Shared(Arc::clone(&faulty))) as _).node().await;
    server.caught_up().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    let holder = server.calls(Caller::Bearer(token));
    for part in ["FROM signing_key", "FROM api_key", "FROM app"] {
        holder.get("/v1/token").await.expect(200);
        *faulty.failing.lock().unwrap() = Some(part);
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        server.clock.advance(Span::from_millis(5001));
        let asked =
            || async { server.server.now().since(server.server.revocations.asked_at()) == Span::ZERO };
        wait_until("revocations were read", asked).await;
        holder.get("/v1/token").await.refused(503, "unavailable");
        assert_eq!(knock(&server, &secret_key("forum")).await, 503, "{part}");
        server.anybody().get("/readyz").await.refused(503, "unavailable");
        *faulty.failing.lock().unwrap() = None;
        server.caught_up().await;
        assert_eq!(knock(&server, &secret_key("forum")).await, 404, "{part}");
    }
}
