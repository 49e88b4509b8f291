//! Signing in with a username and a password: the same person, the same limits, and nothing told to strangers.

use std::sync::Arc;

use countersign_server::config::Config;
use countersign_store::sqlite::Sqlite;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::club_named,
    enumeration::{cost, masked},
    passwords::{GOOD, OTHER, browser, own, register, server, sign_in, with_passwords},
    support::{Answer, TestServer, World, backend::on_every_engine, faulty::Faulty},
};

on_every_engine! {
    a_username_signs_in_whatever_its_spelling
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

async fn sign_in_by_name(server: &TestServer, app: &str, name: &str, password: &str) -> Answer {
    server.app(app).post("/v1/password/sign-in", &json!({"username": name, "password": password})).await
}

/// Signs up with a password and takes a username; gives the cookie.
async fn with_name(server: &TestServer, address: &str, name: &str) -> String {
    register(server, address, GOOD).await;
    let (_, cookie) = browser(server, address, Some(GOOD)).await;
    own(server, &cookie, Method::PATCH, "/v1/me", json!({"username": name})).await.expect(200);
    cookie
}

fn with_gym(config: &mut Config) {
    with_passwords(config);
    config.apps.push(club_named("gym"));
}

async fn a_username_signs_in_whatever_its_spelling(world: World) {
    let server = world.node_with(with_gym).await;
    let cookie = with_name(&server, ANN, "Ann.Lee-2").await;
    let by_address = sign_in(&server, ANN, GOOD).await.expect(200);
    for name in ["ann.lee-2", "ANN.LEE-2", "ａｎｎ.lee-2"] {
        let answer = sign_in_by_name(&server, "club", name, GOOD).await.expect(200);
        assert_eq!(answer.text("subject"), by_address.text("subject"), "{name}");
        assert_eq!((answer.text("acr"), answer.json()["amr"].clone()), ("aal1".into(), json!(["pwd"])));
        assert!(answer.text("refresh_token").starts_with("cs_rt_"));
    }
    // An app that sees the person for the first time knows them as it would by their address.
    let gym = sign_in_by_name(&server, "gym", "ann.lee-2", GOOD).await.expect(200);
    assert_ne!(gym.text("subject"), by_address.text("subject"));
    assert_eq!(crate::flow::sign_in(&server, "gym", ANN).await.text("subject"), gym.text("subject"));
    // Who gave the name up is not found by it.
    own(&server, &cookie, Method::PATCH, "/v1/me", json!({"username": Value::Null})).await.expect(200);
    sign_in_by_name(&server, "club", "ann.lee-2", GOOD).await.refused(401, "invalid_password");
    sign_in(&server, ANN, GOOD).await.expect(200);
}

#[tokio::test]
async fn one_name_is_given_and_it_reads() {
    let server = server().await;
    for (body, member) in [
        (json!({"password": GOOD}), "email"),
        (json!({"email": ANN, "username": "ann", "password": GOOD}), "email"),
        (json!({"username": "", "password": GOOD}), "username"),
        (json!({"username": "a n n", "password": GOOD}), "username"),
        (json!({"username": ANN, "password": GOOD}), "username"),
        (json!({"username": "x".repeat(10_000), "password": GOOD}), "username"),
    ] {
        let answer = server.app("club").post("/v1/password/sign-in", &body).await;
        assert_eq!(answer.status, 422, "{body}");
        assert_eq!(answer.text("member"), member, "{body}");
    }
}

#[tokio::test]
async fn p12_a_username_costs_and_says_the_same_for_who_has_a_password_who_has_none_and_nobody() {
    let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::clone(&engine) as _).node_with(with_passwords).await;
    with_name(&server, ANN, "ann-lee").await;
    crate::flow::sign_in(&server, "club", BOB).await;
    let (_, cookie) = browser(&server, BOB, None).await;
    own(&server, &cookie, Method::PATCH, "/v1/me", json!({"username": "bob-lee"})).await.expect(200);
    let (mut answers, mut costs) = (Vec::new(), Vec::new());
    for name in ["ann-lee", "bob-lee", "carl-lee"] {
        let mut least = [u64::MAX; 3];
        for _ in 0..4 {
            let asked = sign_in_by_name(&server, "club", name, OTHER);
            let (refused, cost) = cost(&server, &engine, asked).await;
            answers.push(masked(&refused.refused(401, "invalid_password")));
            least = std::array::from_fn(|place| least[place].min(cost[place]));
        }
        costs.push(least);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}

#[tokio::test]
async fn p04_a_username_gives_no_second_budget_of_wrong_passwords() {
    let server = server().await;
    with_name(&server, ANN, "ann-lee").await;
    for _ in 0..25 {
        sign_in(&server, ANN, OTHER).await.refused(401, "invalid_password");
        sign_in_by_name(&server, "club", "ann-lee", OTHER).await.refused(401, "invalid_password");
    }
    sign_in_by_name(&server, "club", "ann-lee", GOOD).await.refused(429, "too_many_passwords");
    sign_in(&server, ANN, GOOD).await.refused(429, "too_many_passwords");
}
