//! Known and unknown people are told apart by nothing, and no two people are taken for one.

use std::sync::Arc;

use countersign_server::config::{AppSettings, SignUpSetting};
use countersign_store::sqlite::Sqlite;
use serde_json::json;

use crate::support::{Answer, TestServer, World, faulty::Faulty};

/// Status, headers with their values, members with the lengths of theirs.
pub(crate) type Masked = (u16, Vec<(String, String)>, Vec<(String, usize)>);

/// Everything in an answer that is not meant to differ between two requests.
pub(crate) fn masked(answer: &Answer) -> Masked {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| *name != "x-request-id")
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let body = answer.json();
    let members = body.as_object().unwrap().iter();
    (
        answer.status.as_u16(),
        headers,
        members.map(|(name, value)| (name.clone(), value.to_string().len())).collect(),
    )
}

/// What a call costs the database, once everything in the background is done.
pub(crate) async fn cost<F: Future<Output = Answer>>(
    server: &TestServer,
    engine: &Faulty,
    call: F,
) -> (Answer, [u64; 3]) {
    server.outbox_is_empty().await;
    let before = engine.counts();
    let answer = call.await;
    let after = engine.counts();
    (answer, [0, 1, 2].map(|place: usize| after[place] - before[place]))
}

#[tokio::test]
async fn p12_known_and_unknown_people_get_equal_answers_at_equal_cost() {
    let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::clone(&engine) as _).node().await;
    let app = server.app("shop");
    // The first takes a block of the quota, for everybody.
    app.start("first@mail.example").await.expect(201);
    let known = crate::flow::sign_in(&server, "shop", "known@mail.example").await;
    drop(known);
    let mut answers = Vec::new();
    for address in ["known@mail.example", "unknown@mail.example"] {
        let (started, start_cost) = cost(&server, &engine, app.start(address)).await;
        let code = server.mail_to(address).await.code();
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let (refused, verify_cost) = cost(&server, &engine, app.verify(&started, wrong)).await;
        let body = json!({"email": address, "code": wrong});
        let (by_address, address_cost) = cost(&server, &engine, app.post("/v1/verify", &body)).await;
        let (passed, passed_cost) = cost(&server, &engine, app.verify(&started, &code)).await;
        answers.push((
            [masked(&started), masked(&refused), masked(&by_address), masked(&passed)],
            [verify_cost, address_cost, passed_cost],
            // The outbox is at work while a start is answered: its own commits are not the request's.
            start_cost[2].min(4),
        ));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn p12_with_accounts_a_wrong_code_and_a_start_cost_the_same_for_users_and_strangers() {
    for sign_up in [SignUpSetting::Open, SignUpSetting::Closed, SignUpSetting::Invitation] {
        let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
        let world = World::on(Arc::clone(&engine) as _);
        {
            let open = world.node_with(crate::accounts::with_club).await;
            crate::flow::sign_in(&open, "club", "known@mail.example").await;
            open.outbox_is_empty().await;
        }
        let closed = AppSettings { sign_up, ..crate::accounts::club() };
        let server = world.node_with(|config| config.apps.push(closed)).await;
        let app = server.app("club");
        app.start("first@mail.example").await.expect(201);
        let mut answers = Vec::new();
        for address in ["known@mail.example", "unknown@mail.example"] {
            let (started, start_cost) = cost(&server, &engine, app.start(address)).await;
            server.outbox_is_empty().await;
            let (refused, verify_cost) = cost(&server, &engine, app.verify(&started, "AAAAAAA")).await;
            answers.push(([masked(&started), masked(&refused)], start_cost[2].min(4), verify_cost));
        }
        assert_eq!(answers[0], answers[1], "{sign_up:?}");
    }
}

#[tokio::test]
async fn p12_a_code_for_nobody_is_refused_like_a_code_for_somebody_without_challenge() {
    let server = TestServer::new().await;
    crate::flow::sign_in(&server, "shop", "known@mail.example").await;
    let mut answers = Vec::new();
    for address in ["known@mail.example", "unknown@mail.example"] {
        let answer =
            server.app("shop").post("/v1/verify", &json!({"email": address, "code": "123456"})).await;
        answers.push(masked(&answer.refused(410, "challenge_over")));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn p14_no_two_addresses_are_one_person_and_mail_goes_where_it_was_asked() {
    let server = TestServer::new().await;
    // What mail providers, databases or Unicode may fold, and we do not.
    let addresses = [
        "ann@mail.example",
        "a.nn@mail.example",
        "ann+shop@mail.example",
        "ann@mail.example.net",
        "ann@m\u{e4}il.example",
        "ann@xn--mil-qla.example",
        "ann-@mail.example",
        "anm@mail.example",
        "strasse@mail.example",
        "ann@xn--strae-oqa.example",
        "ann@strasse.example",
    ];
    let mut subjects = std::collections::HashMap::new();
    for address in addresses {
        let answer = server.app("shop").start(address).await.expect(201);
        let sent_to = countersign_domain::identifier::EmailAddress::parse(address).unwrap();
        let letter = server.mail_to(sent_to.canonical()).await;
        let passed = server.app("shop").verify(&answer, &letter.code()).await.expect(200);
        if let Some(other) = subjects.insert(passed.text("subject"), sent_to.canonical().to_owned()) {
            assert_eq!(other, sent_to.canonical(), "two addresses, one person");
        }
    }
    assert!(subjects.len() >= addresses.len() - 1);
    // Letters that only look the same, or fold to the same, are refused or stay apart.
    for address in ["\u{212a}ate@mail.example", "ann@ma\u{131}l.example", "\u{ff41}nn@mail.example"] {
        let answer = server.app("shop").start(address).await;
        if answer.status == 201 {
            let sent_to = countersign_domain::identifier::EmailAddress::parse(address).unwrap();
            assert_ne!(sent_to.canonical(), "kate@mail.example");
            assert_ne!(sent_to.canonical(), "ann@mail.example");
            server.mail_to(sent_to.canonical()).await;
        } else {
            assert_eq!(answer.status, 422);
        }
    }
}
