//! Codes and what bounds the guessing of them, on every engine.

use std::sync::Arc;

use countersign_domain::time::Span;
use countersign_server::config::AppSettings;
use serde_json::json;

use crate::support::{Answer, TestServer, World, backend::on_every_engine, settings::app};

on_every_engine! {
    p02_a_code_works_until_its_last_second
    p02_a_link_works_until_its_last_second
    p03_of_many_simultaneous_submissions_one_succeeds
    p03_of_many_simultaneous_redemptions_one_succeeds
    p04_failures_are_the_person_s_across_codes_nodes_and_restarts
    p04_a_success_or_a_quiet_day_brings_codes_back
    p04_a_wiping_app_ends_every_challenge
    p05_a_code_is_its_challenge_s_and_its_starter_s
    p05_asking_again_ends_the_older_and_the_fourth_drops_the_first
}

const ANN: &str = "ann@mail.example";

fn wrong(code: &str) -> String {
    let last = code.bytes().last().unwrap();
    format!("{}{}", &code[..code.len() - 1], char::from(b'0' + (last - b'0' + 1) % 10))
}

async fn start(server: &TestServer, app: &str, address: &str) -> (Answer, String) {
    let started = server.app(app).start(address).await.expect(201);
    (started, server.mail_to(address).await.code())
}

async fn p02_a_code_works_until_its_last_second(world: World) {
    let server = world.node().await;
    for (purpose, life) in [("sign_in", Span::from_minutes(10)), ("confirm_address", Span::DAY)] {
        for (offset, works) in [(-1, true), (1, false)] {
            let body = json!({"to": {"email": ANN}, "purpose": purpose});
            let started = server.app("shop").post("/v1/challenges", &body).await.expect(201);
            let code = server.mail_to(ANN).await.code();
            server.advance(Span::from_millis(life.millis() + offset * 1000)).await;
            let answer = server.app("shop").verify(&started, &code).await;
            if works {
                answer.expect(200);
            } else {
                answer.refused(410, "challenge_over");
                let by_address = json!({"email": ANN, "code": code});
                server.app("shop").post("/v1/verify", &by_address).await.refused(410, "challenge_over");
                let status = server.app("shop").get(&format!("/v1/challenges/{}", started.text("id"))).await;
                assert_eq!(status.expect(200).text("status"), "expired");
            }
        }
    }
}

async fn p02_a_link_works_until_its_last_second(world: World) {
    let server = world.node().await;
    for (offset, works) in [(-1, true), (1, false)] {
        let started = server.app("wiki").start(ANN).await.expect(201);
        let letter = server.mail_to(ANN).await;
        server.advance(Span::from_millis(Span::from_minutes(10).millis() + offset * 1000)).await;
        let form = format!("number={}", started.text("confirmation_number"));
        server.anybody().form(&letter.link(), &form).await.expect(200);
        let answer = server.app("wiki").redeem(&started).await;
        if works {
            answer.expect(200);
        } else {
            answer.refused(410, "challenge_over");
        }
    }
}

/// Makes 200 requests at once, half of them at each of two nodes, and counts the answers.
async fn race<F, T>(nodes: [&Arc<TestServer>; 2], request: F) -> (usize, Vec<u16>)
where
    F: Fn(Arc<TestServer>) -> T,
    T: Future<Output = Answer> + Send + 'static,
{
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        tasks.spawn(request(Arc::clone(nodes[number % 2])));
    }
    let mut statuses: Vec<u16> = tasks.join_all().await.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    (statuses.iter().filter(|status| **status == 200).count(), statuses)
}

async fn p03_of_many_simultaneous_submissions_one_succeeds(world: World) {
    let (one, two) = (Arc::new(world.node().await), Arc::new(world.node().await));
    for by_address in [false, true] {
        let (started, code) = start(&one, "shop", ANN).await;
        let (successes, statuses) = race([&one, &two], |node| {
            let (started, code) = (started.clone(), code.clone());
            async move {
                let app = node.app("shop");
                if by_address {
                    app.post("/v1/verify", &json!({"email": ANN, "code": code})).await
                } else {
                    app.verify(&started, &code).await
                }
            }
        })
        .await;
        assert_eq!(successes, 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 410, 503].contains(status)), "{statuses:?}");
        one.app("shop").verify(&started, &code).await.refused(410, "challenge_over");
    }
}

async fn p03_of_many_simultaneous_redemptions_one_succeeds(world: World) {
    let (one, two) = (Arc::new(world.node().await), Arc::new(world.node().await));
    let started = one.app("wiki").start(ANN).await.expect(201);
    let link = one.mail_to(ANN).await.link();
    one.anybody().form(&link, &format!("number={}", started.text("confirmation_number"))).await.expect(200);
    let (successes, statuses) = race([&one, &two], |node| {
        let started = started.clone();
        async move { node.app("wiki").redeem(&started).await }
    })
    .await;
    assert_eq!(successes, 1, "{statuses:?}");
}

async fn p04_failures_are_the_person_s_across_codes_nodes_and_restarts(world: World) {
    let (one, mut two) = (world.node().await, world.node().await);
    let mut failures = 0;
    // Every other failure by another way, at another node, from another address, each challenge for a few tries.
    'guessing: for round in 0..20 {
        let started = one.app("shop").start(ANN).await.expect(201);
        let Some(code) = one.mail_to(ANN).await.find_code() else { break 'guessing };
        for guess in 0..5 {
            let node = if guess % 2 == 0 { &one } else { &two };
            let caller = node.app("shop").from(&format!("192.0.2.{round}"));
            let answer = if guess == 3 && round % 2 == 0 {
                caller.post("/v1/verify", &json!({"email": ANN, "code": wrong(&code)})).await
            } else {
                caller.verify(&started, &wrong(&code)).await
            };
            match answer.status.as_u16() {
                401 => failures += 1,
                410 => break,
                429 => break 'guessing,
                _ => panic!("{answer:?}"),
            }
        }
        drop(two);
        two = world.node().await;
        one.advance(Span::from_minutes(1)).await;
        two.caught_up().await;
    }
    assert!((40..=50).contains(&failures), "{failures} wrong codes in a row were taken");

    // From here on only links are mailed, and codes are not even looked at, for a whole day.
    let both = one.app("shop").start(ANN).await.expect(201);
    let letter = one.mail_to(ANN).await;
    assert_eq!(letter.find_code(), None, "only links are mailed");
    two.app("shop").verify(&both, "000000").await.refused(429, "too_many_attempts");
    two.app("shop")
        .post("/v1/verify", &json!({"email": ANN, "code": "000000"}))
        .await
        .refused(429, "too_many_attempts");
    // Nobody else pays for it.
    let (other, code) = start(&two, "shop", "bob@mail.example").await;
    two.app("shop").verify(&other, &code).await.expect(200);
    // The link still works.
    let form = format!("number={}", both.text("confirmation_number"));
    one.anybody().form(&letter.link(), &form).await.expect(200);
    one.app("shop").redeem(&both).await.expect(200);
}

async fn p04_a_success_or_a_quiet_day_brings_codes_back(world: World) {
    let server = world.node().await;
    for _ in 0..10 {
        let (started, code) = start(&server, "shop", ANN).await;
        for _ in 0..5 {
            server.app("shop").verify(&started, &wrong(&code)).await.expect(401);
        }
    }
    server.app("shop").start(ANN).await.expect(201);
    assert_eq!(server.mail_to(ANN).await.find_code(), None);
    server.advance(Span::DAY - Span::from_seconds(1)).await;
    server.app("shop").start(ANN).await.expect(201);
    assert_eq!(server.mail_to(ANN).await.find_code(), None, "a day less a second is no day");
    server.advance(Span::from_seconds(1)).await;
    let (started, code) = start(&server, "shop", ANN).await;
    server.app("shop").verify(&started, &code).await.expect(200);
}

async fn p04_a_wiping_app_ends_every_challenge(world: World) {
    let server = Arc::new(
        world
            .node_with(|config| {
                config.apps.push(AppSettings { wipe_on_failure: true, ..app("strict") });
            })
            .await,
    );
    for by_address in [false, true] {
        let mut live = Vec::new();
        for _ in 0..3 {
            live.push(start(&server, "strict", ANN).await);
        }
        let (other, other_code) = start(&server, "strict", "bob@mail.example").await;
        let (elsewhere, elsewhere_code) = start(&server, "shop", ANN).await;
        // A wrong code and all right ones at once: whatever comes after the wrong one finds nothing.
        let app = server.app("strict");
        let bad = wrong(&live[0].1);
        assert!(live.iter().all(|(_, code)| *code != bad));
        let answer = if by_address {
            app.post("/v1/verify", &json!({"email": ANN, "code": bad})).await
        } else {
            app.verify(&live[0].0, &bad).await
        };
        answer.refused(401, "invalid_code");
        for (started, code) in &live {
            app.verify(started, code).await.refused(410, "challenge_over");
        }
        app.verify(&other, &other_code).await.expect(200);
        server.app("shop").verify(&elsewhere, &elsewhere_code).await.expect(200);
    }
    // Three live codes, many wrong guesses at once: exactly one guess is looked at.
    let (started, code) = start(&server, "strict", ANN).await;
    let bad = wrong(&code);
    let (successes, statuses) = race([&server, &server], |node| {
        let (started, bad) = (started.clone(), bad.clone());
        async move { node.app("strict").verify(&started, &bad).await }
    })
    .await;
    assert_eq!(successes, 0);
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 1, "{statuses:?}");
}

async fn p05_a_code_is_its_challenge_s_and_its_starter_s(world: World) {
    let server = world.node().await;
    let (one, code_one) = start(&server, "shop", ANN).await;
    let (two, code_two) = start(&server, "shop", ANN).await;
    assert_ne!(code_one, code_two, "the seed gives two codes");
    let app = server.app("shop");
    app.verify(&one, &code_two).await.refused(401, "invalid_code");
    // Right challenge, right code, and the binding of another.
    let body = json!({"code": code_one, "binding": two.text("binding")});
    let before = server.everything().await;
    let path = format!("/v1/challenges/{}", one.text("id"));
    app.post(&format!("{path}/verify"), &body).await.refused(401, "invalid_binding");
    app.post(&format!("{path}/redeem"), &json!({"binding": two.text("binding")}))
        .await
        .refused(401, "invalid_binding");
    assert_eq!(server.everything().await, before, "a wrong binding changes nothing");
    // Another app's key does not even learn that there is such a challenge.
    server.app("forum").verify(&one, &code_one).await.refused(404, "challenge_not_found");
    app.verify(&one, &code_one).await.expect(200);
    app.verify(&two, &code_two).await.expect(200);
}

async fn p05_asking_again_ends_the_older_and_the_fourth_drops_the_first(world: World) {
    let server = world.node().await;
    let app = server.app("shop");
    let (first, first_code) = start(&server, "shop", ANN).await;
    let body = json!({"to": {"email": ANN}, "binding": first.text("binding")});
    let second = app.post("/v1/challenges", &body).await.expect(201);
    let second_code = server.mail_to(ANN).await.code();
    assert_ne!(first.text("binding"), second.text("binding"));
    app.verify(&first, &first_code).await.refused(410, "challenge_over");
    let mut more = Vec::new();
    for _ in 0..3 {
        server.advance(Span::from_seconds(1)).await;
        more.push(start(&server, "shop", ANN).await);
    }
    app.verify(&second, &second_code).await.refused(410, "challenge_over");
    for (started, code) in more {
        app.verify(&started, &code).await.expect(200);
    }
}
