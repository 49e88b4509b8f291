//! Codes of second factors that come many at once, on one node and on two: each is good once, and every guess counts.

use std::sync::Arc;

use countersign_domain::{
    app::App,
    credential::CredentialKind,
    refusal::Refusal,
    time::Span,
    totp::{Window, step_at},
    user::User,
};
use countersign_server::error::ApiError;
use serde_json::json;

use crate::{
    second_factors::{
        ANN, Authenticator, codes, confirm, credentials, enrol, is_wrong, options, proves, user_and_app,
        with_much,
    },
    sessions::{Browser, sign_in},
    support::{TestServer, World, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! {
    p21_of_a_hundred_uses_of_one_code_at_once_one_is_accepted
    p21_a_step_stays_used_after_a_restart_and_on_every_node
    p22_of_a_hundred_uses_of_one_recovery_code_at_once_one_is_accepted
    p04_parallel_wrong_codes_are_counted_exactly
    p20_of_many_enrolments_at_once_each_counts_and_none_is_one_too_many
}

/// The newest step that was accepted of somebody's only app.
async fn newest_step(server: &TestServer, user: &User) -> i64 {
    let all = server.server.store.credentials_of(user.id).await.unwrap();
    all.iter().find(|one| one.kind == CredentialKind::Totp).unwrap().counter
}

/// Two nodes of a world, and somebody with an app and recovery codes.
async fn two_nodes(world: &World) -> ([Arc<TestServer>; 2], Browser, Authenticator, Vec<String>) {
    let nodes = [world.node_with(with_much).await, world.node_with(with_much).await].map(Arc::new);
    let ann = sign_in(&nodes[0], ISSUER, ANN, "").await;
    let (app, added) = enrol(&nodes[0], &ann).await;
    for node in &nodes {
        node.advance(Span::from_seconds(60)).await;
    }
    (nodes, ann, app, codes(&added))
}

/// Types a code a hundred times at once, on both nodes; how often it was accepted.
async fn race(nodes: &[Arc<TestServer>; 2], who: &(User, Arc<App>), code: &str) -> usize {
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let (node, who, code) = (Arc::clone(&nodes[number % 2]), who.clone(), code.to_owned());
            tokio::spawn(async move { proves(&node, &who, &code, Window::Two).await })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => accepted += 1,
            // It lost every race and says nothing.
            Err(ApiError::Unavailable) => {}
            other => assert!(is_wrong(&other), "{other:?}"),
        }
    }
    accepted
}

async fn p21_of_a_hundred_uses_of_one_code_at_once_one_is_accepted(world: World) {
    let (nodes, ann, app, _) = two_nodes(&world).await;
    let who = user_and_app(&nodes[0], &ann).await;
    let code = app.shows(&nodes[0], 0);
    assert_eq!(race(&nodes, &who, &code).await, 1);
    assert_eq!(newest_step(&nodes[0], &who.0).await, step_at(nodes[0].now()));
    // Whoever sends a form twice is not locked out by it.
    nodes[0].advance(Span::from_seconds(60)).await;
    proves(&nodes[0], &who, &app.shows(&nodes[0], 0), Window::Two).await.unwrap();
}

async fn p21_a_step_stays_used_after_a_restart_and_on_every_node(world: World) {
    let ([first, second], ann, app, sheet) = two_nodes(&world).await;
    let who = user_and_app(&first, &ann).await;
    let code = app.shows(&first, 0);
    proves(&first, &who, &code, Window::Two).await.unwrap();
    proves(&first, &who, &sheet[4], Window::Two).await.unwrap();
    let third = world.node_with(with_much).await;
    for node in [&*second, &third] {
        for used in [&code, &sheet[4], &app.shows(node, -30)] {
            assert!(is_wrong(&proves(node, &who, used, Window::Two).await), "{used}");
        }
    }
}

async fn p22_of_a_hundred_uses_of_one_recovery_code_at_once_one_is_accepted(world: World) {
    let (nodes, ann, _, sheet) = two_nodes(&world).await;
    let who = user_and_app(&nodes[0], &ann).await;
    assert_eq!(race(&nodes, &who, &sheet[3]).await, 1);
    assert_eq!(credentials(&nodes[1], &ann).await[1]["left"], 9);
}

async fn p04_parallel_wrong_codes_are_counted_exactly(world: World) {
    let (nodes, ann, app, _) = two_nodes(&world).await;
    let who = user_and_app(&nodes[0], &ann).await;
    let tasks: Vec<_> = (0..120)
        .map(|number| {
            let (node, who) = (Arc::clone(&nodes[number % 2]), who.clone());
            tokio::spawn(async move { proves(&node, &who, "00000000", Window::Two).await })
        })
        .collect();
    let mut wrong = 0;
    for task in tasks {
        wrong += usize::from(is_wrong(&task.await.unwrap()));
    }
    assert!(wrong <= 50, "{wrong}");
    while is_wrong(&proves(&nodes[0], &who, "00000000", Window::Two).await) {
        wrong += 1;
    }
    assert_eq!(wrong, 50);
    for node in &nodes {
        let refused = proves(node, &who, &app.shows(node, 0), Window::Two).await;
        assert!(matches!(refused, Err(ApiError::Refused(Refusal::TooManyProofs { .. }))), "{refused:?}");
    }
}

async fn p20_of_many_enrolments_at_once_each_counts_and_none_is_one_too_many(world: World) {
    let nodes = [world.node_with(with_much).await, world.node_with(with_much).await].map(Arc::new);
    let ann = Arc::new(sign_in(&nodes[0], ISSUER, ANN, "").await);
    let mut asked = Vec::new();
    for _ in 0..8 {
        let options = options(&nodes[0], &ann, &json!({})).await.expect(201);
        asked.push((options.text("ceremony"), Authenticator::scan(&options).shows(&nodes[0], 0)));
    }
    let tasks: Vec<_> = asked
        .into_iter()
        .enumerate()
        .map(|(number, (ceremony, code))| {
            let (node, ann) = (Arc::clone(&nodes[number % 2]), Arc::clone(&ann));
            tokio::spawn(async move { confirm(&node, &ann, &ceremony, &code).await })
        })
        .collect();
    let mut added = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status.as_u16() {
            201 => added += 1,
            // The first one made it a two-factor account, and what was under way is over.
            403 => drop(answer.refused(403, "stronger_sign_in_needed")),
            410 => drop(answer.refused(410, "challenge_over")),
            _ => drop(answer.refused(503, "unavailable")),
        }
    }
    assert_eq!(added, 1);
    assert_eq!(credentials(&nodes[0], &ann).await.len(), 2);
}
