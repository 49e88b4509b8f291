//! Passwords that many change at once, on one node and on two: one wins, and nothing of it is lost.

use std::sync::Arc;

use http::Method;
use serde_json::json;

use crate::{
    passwords::{GOOD, forgotten, register, reset_body, sign_in, with_passwords},
    support::{
        Caller, TestServer, World,
        backend::on_every_engine,
        settings::{ISSUER, publishable_key},
    },
};

on_every_engine! {
    p03_of_a_hundred_parallel_resets_with_one_code_one_wins
    of_a_hundred_parallel_changes_of_one_password_one_wins
    p04_parallel_wrong_passwords_are_counted_exactly
}

const ANN: &str = "ann@mail.example";

fn wish(number: usize) -> String {
    format!("kettle and lampshade {number}")
}

async fn nodes(world: &World) -> [Arc<TestServer>; 2] {
    [world.node_with(with_passwords).await, world.node_with(with_passwords).await].map(Arc::new)
}

/// The number of the one password among a hundred that signs in.
async fn assert_winner(server: &TestServer, winners: &[usize]) {
    assert_eq!(winners.len(), 1, "{winners:?}");
    sign_in(server, ANN, &wish(winners[0])).await.expect(200);
    sign_in(server, ANN, GOOD).await.refused(401, "invalid_password");
}

async fn p03_of_a_hundred_parallel_resets_with_one_code_one_wins(world: World) {
    let nodes = nodes(&world).await;
    register(&nodes[0], ANN, GOOD).await;
    let (started, code) = forgotten(&nodes[0], ANN).await;
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let server = Arc::clone(&nodes[number % 2]);
            let body = reset_body(&started, &code, &wish(number));
            tokio::spawn(async move { server.app("club").post("/v1/password/reset", &body).await })
        })
        .collect();
    let mut winners = Vec::new();
    for (number, task) in tasks.into_iter().enumerate() {
        let answer = task.await.unwrap();
        match answer.status.as_u16() {
            204 => winners.push(number),
            410 => drop(answer.refused(410, "challenge_over")),
            // It lost every race and says nothing.
            _ => drop(answer.refused(503, "unavailable")),
        }
    }
    nodes[0].caught_up().await;
    assert_winner(&nodes[0], &winners).await;
}

async fn of_a_hundred_parallel_changes_of_one_password_one_wins(world: World) {
    let nodes = nodes(&world).await;
    register(&nodes[0], ANN, GOOD).await;
    let page = nodes[0].calls(Caller::Publishable(publishable_key("club"), ISSUER));
    let signed_in =
        page.post("/v1/password/sign-in", &json!({"email": ANN, "password": GOOD})).await.expect(200);
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let server = Arc::clone(&nodes[number % 2]);
            let own = server.anybody().with("origin", ISSUER).with("cookie", &cookie);
            let own = own.with("content-type", "application/json");
            let body = json!({"password": wish(number), "current_password": GOOD}).to_string();
            tokio::spawn(async move { own.send(Method::PUT, "/v1/me/password", &body).await })
        })
        .collect();
    let mut winners = Vec::new();
    for (number, task) in tasks.into_iter().enumerate() {
        let answer = task.await.unwrap();
        match answer.status.as_u16() {
            204 => winners.push(number),
            401 => drop(answer.refused(401, "invalid_password")),
            429 => drop(answer.refused(429, "too_many_passwords")),
            _ => drop(answer.refused(503, "unavailable")),
        }
    }
    assert_winner(&nodes[0], &winners).await;
}

async fn p04_parallel_wrong_passwords_are_counted_exactly(world: World) {
    let nodes = nodes(&world).await;
    register(&nodes[0], ANN, GOOD).await;
    let tasks: Vec<_> = (0..120)
        .map(|number| {
            let server = Arc::clone(&nodes[number % 2]);
            tokio::spawn(async move { sign_in(&server, ANN, "another password than hers").await })
        })
        .collect();
    let mut wrong = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status.as_u16() {
            401 => wrong += 1,
            503 => {}
            _ => drop(answer.refused(429, "too_many_passwords")),
        }
    }
    // Those that lost every race for the counter were not told whether they were right.
    assert!(wrong <= 50, "{wrong}");
    while wrong < 50 {
        sign_in(&nodes[0], ANN, "another password than hers").await.refused(401, "invalid_password");
        wrong += 1;
    }
    for node in &nodes {
        sign_in(node, ANN, GOOD).await.refused(429, "too_many_passwords");
    }
}
