//! What ends sessions and what came from them: the person, the app, an operator; here at once, elsewhere within a
//! second.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use countersign_domain::time::Span;
use countersign_server::config::{AppSettings, Config, Part, RealmSettings};
use http::Method;
use serde_json::Value;

use crate::{
    accounts::{club_named, is_good, refresh, server, with_club},
    flow::sign_in,
    sessions,
    support::{Caller, TestServer, World, backend::on_every_engine, caller::Client, settings::ISSUER},
};

on_every_engine! {
    p28_what_ended_on_one_node_is_dead_within_a_second_on_the_other
    p28_a_user_who_is_switched_off_or_erased_is_dead_on_every_node
    p28_a_thousand_endings_are_known_within_a_second_to_a_node_that_is_asked_all_the_time
}

const ANN: &str = "ann@mail.example";

#[tokio::test]
async fn p28_revoking_a_refresh_token_ends_the_session() {
    let server = server().await;
    let mine = sign_in(&server, "club", ANN).await;
    let spent = mine.text("refresh_token");
    let next = refresh(&server, &spent).await;
    let asked = |token: String| {
        let server = &server;
        async move { server.app("club").form("/oauth2/introspect", &format!("token={token}")).await.json() }
    };
    let told: Value = asked(next.text("refresh_token")).await;
    assert_eq!((&told["active"], &told["sid"]), (&true.into(), &mine.text("session").into()));
    assert_eq!(
        asked(spent.clone()).await["active"],
        false,
        "a spent one is not good, and asking spends nothing"
    );
    assert_eq!(asked(next.text("refresh_token")).await["active"], true);
    // The access token alone, first.
    let access = next.text("access_token");
    server.app("club").form("/oauth2/revoke", &format!("token={access}")).await.expect(200);
    assert!(!is_good(&server, &access).await && is_good(&server, &mine.text("access_token")).await);
    server.app("club").form("/oauth2/revoke", &format!("token={spent}")).await.expect(200);
    assert!(!is_good(&server, &mine.text("access_token")).await);
    assert_eq!(asked(next.text("refresh_token")).await["active"], false);
    refresh(&server, &next.text("refresh_token")).await.expect(400);
}

async fn p28_what_ended_on_one_node_is_dead_within_a_second_on_the_other(world: World) {
    let one = world.node_with(with_club).await;
    let other = world.node_with(with_club).await;
    if one.server.store.is_exclusive() {
        return p28_at_once_where_there_is_one_node(&one).await;
    }
    let mut worst = Duration::ZERO;
    for round in 0..8 {
        let mine = sign_in(&one, "club", ANN).await;
        let (access, fresh) = (mine.text("access_token"), mine.text("refresh_token"));
        assert!(is_good(&one, &access).await);
        crate::support::wait_until("the other node knows the app", || async {
            other.calls(Caller::Bearer(access.clone())).get("/v1/token").await.status == 200
        })
        .await;
        one.app("club").form("/oauth2/revoke", &format!("token={fresh}")).await.expect(200);
        let ended = Instant::now();
        assert!(!is_good(&one, &access).await, "at once here");
        assert_eq!(refresh(&other, &fresh).await.status, 400, "at once everywhere: round {round}");
        while other.calls(Caller::Bearer(access.clone())).get("/v1/token").await.status == 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        worst = worst.max(ended.elapsed());
    }
    assert!(worst < Duration::from_secs(1), "{worst:?}");
}

/// How many sessions are ended on one node while the other is asked about each.
const ENDINGS: usize = 1000;
/// How many of them at once.
const AT_ONCE: usize = 50;

async fn p28_a_thousand_endings_are_known_within_a_second_to_a_node_that_is_asked_all_the_time(world: World) {
    let settings = |config: &mut Config| {
        with_club(config);
        config.limits.publishable_requests_per_network_per_minute = 1_000_000;
        config.limits.polls_per_network_per_minute = 1_000_000;
    };
    let one = Arc::new(world.node_with(settings).await);
    let is_alone = one.server.store.is_exclusive();
    let other = if is_alone { Arc::clone(&one) } else { Arc::new(world.node_with(settings).await) };
    other.caught_up().await;
    let mut rounds = tokio::task::JoinSet::new();
    for first in 0..AT_ONCE {
        let (one, other) = (Arc::clone(&one), Arc::clone(&other));
        rounds.spawn(async move {
            let mut worst = Duration::ZERO;
            for round in (first..ENDINGS).step_by(AT_ONCE) {
                worst = worst.max(end_and_ask(&one, &other, round).await);
            }
            worst
        });
    }
    let worst = rounds.join_all().await.into_iter().max().unwrap();
    assert!(worst < Duration::from_secs(1), "{worst:?}");
}

/// Ends a session on one node while the other is asked about its cookie and its token; how long after the ending the
/// last question was asked that had the answer yes.
async fn end_and_ask(one: &Arc<TestServer>, other: &Arc<TestServer>, round: usize) -> Duration {
    let address = format!("person{round}@mail.example");
    let browser = Arc::new(sessions::sign_in(one, ISSUER, &address, "").await);
    let asking = tokio::spawn({
        let (other, browser) = (Arc::clone(other), Arc::clone(&browser));
        async move {
            let mut last = Instant::now();
            loop {
                let asked = Instant::now();
                let token = Caller::Bearer(browser.answer.text("access_token"));
                let cookie_is_good = browser.is_in(&other).await;
                if !cookie_is_good && other.calls(token).get("/v1/token").await.status != 200 {
                    // Nothing lives again.
                    assert!(!browser.is_in(&other).await);
                    return last;
                }
                last = asked;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert!(!asking.is_finished(), "alive until it ends");
    let by_operator = |method: Method, body: &'static str| {
        let address = &address;
        async move {
            let json = operator(one).with("content-type", "application/json");
            let found = json.get(&format!("/v1/admin/users?email={address}")).await.expect(200).json();
            let path = format!("/v1/admin/users/{}", found["items"][0]["id"].as_str().unwrap());
            json.send(method, &path, body).await.expect(200);
        }
    };
    match round % 4 {
        0 => drop(browser.own(one, Method::DELETE, "/v1/session").await.expect(204)),
        1 => drop(browser.own(one, Method::DELETE, "/v1/me").await.expect(204)),
        2 => by_operator(Method::PATCH, r#"{"status":"disabled"}"#).await,
        _ => by_operator(Method::DELETE, "").await,
    }
    let ended = Instant::now();
    asking.await.unwrap().saturating_duration_since(ended)
}

async fn p28_at_once_where_there_is_one_node(server: &TestServer) {
    let mine = sign_in(server, "club", ANN).await;
    let fresh = mine.text("refresh_token");
    server.app("club").form("/oauth2/revoke", &format!("token={fresh}")).await.expect(200);
    assert!(!is_good(server, &mine.text("access_token")).await);
    refresh(server, &fresh).await.expect(400);
}

/// An operator at the local socket.
fn operator(server: &TestServer) -> Client {
    let service = countersign_server::wiring::service(&server.server, &[Part::Admin]);
    Client::new(service, Caller::Anonymous)
}

async fn p28_a_user_who_is_switched_off_or_erased_is_dead_on_every_node(world: World) {
    let one = world.node_with(with_club).await;
    // One node has a database in memory for itself.
    let other = if one.server.store.is_exclusive() { None } else { Some(world.node_with(with_club).await) };
    let other = other.as_ref().unwrap_or(&one);
    let bob = sign_in(&one, "club", "bob@mail.example").await;
    for round in ["disabled", "erased"] {
        let mine = sign_in(&one, "club", ANN).await;
        let (access, fresh) = (mine.text("access_token"), mine.text("refresh_token"));
        let found = operator(&one).get(&format!("/v1/admin/users?email={ANN}")).await.expect(200).json();
        let user = found["items"][0].clone();
        assert!(found["items"].as_array().unwrap().len() == 1 && user["status"] == "active");
        assert!(!found.to_string().contains("ann"), "an address is not for operators");
        let path = format!("/v1/admin/users/{}", user["id"].as_str().unwrap());
        let json = operator(&one).with("content-type", "application/json");
        if round == "disabled" {
            let off = json.send(Method::PATCH, &path, r#"{"status":"disabled"}"#).await.expect(200).json();
            assert_eq!((&off["status"], &off["sessions"]), (&"disabled".into(), &0.into()));
        } else {
            operator(&one).send(Method::DELETE, &path, "").await.expect(200);
        }
        assert!(!is_good(&one, &access).await, "at once here");
        assert_eq!(refresh(other, &fresh).await.status, 400, "at once everywhere");
        let ended = Instant::now();
        while other.calls(Caller::Bearer(access.clone())).get("/v1/token").await.status == 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
        if round == "disabled" {
            let started = other.app("club").start(ANN).await.expect(201);
            let code = other.mail_to(ANN).await.code();
            other.app("club").verify(&started, &code).await.refused(403, "user_disabled");
            json.send(Method::PATCH, &path, r#"{"status":"active"}"#).await.expect(200);
            assert_eq!(refresh(other, &fresh).await.status, 400, "what was ended stays ended");
        } else {
            operator(&one).get(&path).await.refused(404, "not_found");
        }
    }
    assert!(is_good(other, &bob.text("access_token")).await, "nobody else");
    refresh(other, &bob.text("refresh_token")).await.expect(200);
}

#[tokio::test]
async fn p28_a_realm_is_signed_out_as_a_whole_and_no_other() {
    let server = TestServer::with(|config| {
        with_club(config);
        config.apps.push(AppSettings { realm: Some("staff".to_owned()), ..club_named("desk") });
        config.apps.push(AppSettings { realm: Some("staff".to_owned()), ..club_named("till") });
        config.realms.push(RealmSettings { name: "staff".to_owned(), ..RealmSettings::default() });
    })
    .await;
    let mut people = Vec::new();
    for app in ["club", "desk", "till"] {
        people.push((app, sign_in(&server, app, ANN).await));
    }
    operator(&server)
        .post("/v1/admin/revocations", &serde_json::json!({"realm": "none"}))
        .await
        .refused(404, "not_found");
    let both = serde_json::json!({"realm": "staff", "app": "desk"});
    operator(&server).post("/v1/admin/revocations", &both).await.refused(422, "invalid_member");
    let done = operator(&server)
        .post("/v1/admin/revocations", &serde_json::json!({"realm": "staff"}))
        .await
        .expect(201);
    assert_eq!((done.text("target"), done.text("realm")), ("realm".to_owned(), "staff".to_owned()));
    for (app, person) in people {
        let token = Caller::Bearer(person.text("access_token"));
        let is_good = server.calls(token).get("/v1/token").await.status == 200;
        let form = format!("grant_type=refresh_token&refresh_token={}", person.text("refresh_token"));
        let refreshed = server.app(app).form("/oauth2/token", &form).await.status == 200;
        assert_eq!((is_good, refreshed), (app == "club", app == "club"), "{app}");
    }
}

#[tokio::test]
async fn p28_an_operator_who_takes_tokens_back_ends_what_would_make_them_again() {
    for by_subject in [true, false] {
        let server = server().await;
        let (ann, bob) =
            (sign_in(&server, "club", ANN).await, sign_in(&server, "club", "bob@mail.example").await);
        let mut wanted = serde_json::json!({"app": "club"});
        if by_subject {
            wanted["subject"] = ann.text("subject").into();
        }
        operator(&server).post("/v1/admin/revocations", &wanted).await.expect(201);
        for (person, is_meant) in [(&ann, true), (&bob, !by_subject)] {
            assert_eq!(is_good(&server, &person.text("access_token")).await, !is_meant);
            let again = refresh(&server, &person.text("refresh_token")).await;
            assert_eq!(again.status, if is_meant { 400 } else { 200 });
        }
        server.advance(Span::from_seconds(6)).await;
        let later = sign_in(&server, "club", ANN).await;
        assert!(is_good(&server, &later.text("access_token")).await, "only what was before");
        refresh(&server, &later.text("refresh_token")).await.expect(200);
    }
}
