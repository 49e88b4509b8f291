//! A database that does not answer: refusals, never an allow, and nothing half done.

use std::sync::{Arc, atomic::Ordering};

use countersign_store::sqlite::Sqlite;
use serde_json::json;

use crate::{
    flow::sign_in,
    support::{Caller, World, faulty::Faulty},
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
    server.advance(countersign_domain::time::Span::from_seconds(181)).await;
    let code = server.mail_to(ANN).await.code();
    server.app("shop").verify(&started, &code).await.expect(200);
}

#[tokio::test]
async fn p39_a_node_that_cannot_learn_of_revocations_stops_trusting_what_it_knows() {
    /// A network engine, as far as anybody asks: nobody follows the others here.
    struct Shared(Arc<Faulty>);

    impl countersign_store::engine::Engine for Shared {
        fn name(&self) -> &'static str {
            "shared"
        }
        fn is_exclusive(&self) -> bool {
            false
        }
        fn query(
            &self,
            statement: countersign_store::engine::Statement,
        ) -> futures_util::future::BoxFuture<
            '_,
            Result<Vec<countersign_store::engine::Row>, countersign_store::Error>,
        > {
            self.0.query(statement)
        }
        fn commit(
            &self,
            writes: Vec<countersign_store::engine::Write>,
        ) -> futures_util::future::BoxFuture<'_, Result<Vec<u64>, countersign_store::Error>> {
            self.0.commit(writes)
        }
        fn migrate<'a>(
            &'a self,
            migrations: &'a [countersign_store::migration::Migration],
        ) -> futures_util::future::BoxFuture<'a, Result<i64, countersign_store::Error>> {
            self.0.migrate(migrations)
        }
        fn version(&self) -> futures_util::future::BoxFuture<'_, Result<i64, countersign_store::Error>> {
            self.0.version()
        }
        fn close(&self) -> futures_util::future::BoxFuture<'_, ()> {
            self.0.close()
        }
    }

    let faulty = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::new(Shared(Arc::clone(&faulty))) as _).node().await;
    server.caught_up().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    let holder = server.calls(Caller::Bearer(token));
    holder.get("/v1/token").await.expect(200);
    faulty.reads_fail.store(true, Ordering::SeqCst);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    server.clock.advance(countersign_domain::time::Span::from_millis(1000));
    holder.get("/v1/token").await.expect(200);
    server.clock.advance(countersign_domain::time::Span::from_millis(1));
    holder.get("/v1/token").await.refused(503, "unavailable");
    faulty.reads_fail.store(false, Ordering::SeqCst);
    server.caught_up().await;
    holder.get("/v1/token").await.expect(200);
}
