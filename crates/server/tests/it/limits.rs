//! Limits of sending and asking.

use countersign_domain::{contact::SENDS_EVERYWHERE, time::Span};
use countersign_server::config::AppSettings;
use serde_json::json;

use crate::support::{
    Answer, Caller, TestServer,
    settings::{self, app, publishable_key},
};

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

fn retry_after(answer: &Answer) -> i64 {
    let seconds = answer.header("retry-after").parse().expect("Retry-After");
    assert_eq!(answer.json()["retry_after"], seconds);
    seconds
}

#[tokio::test]
async fn p11_one_person_is_not_written_to_too_often() {
    let server = TestServer::with(|config| {
        config.apps.push(AppSettings {
            resend_pause_seconds: Some(30),
            messages_per_person_per_hour: Some(3),
            messages_per_person_per_day: Some(5),
            ..app("slow")
        });
    })
    .await;
    let app = server.app("slow");
    app.start(ANN).await.expect(201);
    server.mail_to(ANN).await;
    let refused = app.start(ANN).await.refused(429, "resend_too_soon");
    assert_eq!(retry_after(&refused), 30);
    app.start(BOB).await.expect(201);
    for _ in 0..2 {
        server.advance(Span::from_seconds(30)).await;
        app.start(ANN).await.expect(201);
        server.mail_to(ANN).await;
    }
    server.advance(Span::from_seconds(30)).await;
    let refused = app.start(ANN).await.refused(429, "too_many_messages");
    assert_eq!(retry_after(&refused), 3600 - 90);
    server.advance(Span::from_seconds(3600 - 91)).await;
    app.start(ANN).await.refused(429, "too_many_messages");
    server.advance(Span::from_seconds(1)).await;
    app.start(ANN).await.expect(201);
    server.mail_to(ANN).await;
    server.advance(Span::from_hours(2)).await;
    app.start(ANN).await.expect(201);
    server.mail_to(ANN).await;
    server.advance(Span::from_hours(2)).await;
    let refused = app.start(ANN).await.refused(429, "too_many_messages");
    assert!(retry_after(&refused) > 3600, "the day is used up");
    server.no_mail_to(ANN).await;
}

#[tokio::test]
async fn p11_an_address_has_a_limit_over_all_apps_that_nobody_is_told() {
    let server = TestServer::new().await;
    let mut shape = None;
    for number in 0..SENDS_EVERYWHERE {
        let name = if number % 2 == 0 { "shop" } else { "wiki" };
        let answer = server.app(name).start(ANN).await.expect(201);
        shape = Some(shape_of(&answer));
        server.mail_to(ANN).await;
    }
    let silent = server.app("forum").start(ANN).await.expect(201);
    assert_eq!(Some(shape_of(&silent)), shape, "the answer is the same");
    server.no_mail_to(ANN).await;
    server.app("forum").start(BOB).await.expect(201);
    server.mail_to(BOB).await;
    server.advance(Span::DAY).await;
    server.app("forum").start(ANN).await.expect(201);
    server.mail_to(ANN).await;
}

/// What an answer tells: headers by name, members by name and length.
fn shape_of(answer: &Answer) -> (u16, Vec<String>, Vec<(String, usize)>) {
    let headers = answer.headers.keys().map(ToString::to_string).collect();
    let body = answer.json();
    let members = body.as_object().unwrap().iter();
    (
        answer.status.as_u16(),
        headers,
        members.map(|(name, value)| (name.clone(), value.to_string().len())).collect(),
    )
}

#[tokio::test]
async fn p11_an_app_has_its_messages_of_a_day() {
    let server = TestServer::with(|config| {
        config.apps.push(AppSettings { messages_per_day: Some(5), ..app("small") });
    })
    .await;
    for number in 0..5 {
        server.app("small").start(&format!("person{number}@mail.example")).await.expect(201);
    }
    let before = server.everything().await;
    let refused = server.app("small").start(ANN).await.refused(429, "app_limit");
    // The test begins at 08:00 UTC.
    assert_eq!(retry_after(&refused), 16 * 3600);
    assert_eq!(server.everything().await[0], before[0], "no challenge was started");
    server.app("shop").start(ANN).await.expect(201);
    server.advance(Span::from_hours(16)).await;
    server.app("small").start(ANN).await.expect(201);
}

#[tokio::test]
async fn p11_the_server_has_its_messages_of_a_day_and_tells_nobody() {
    let server = TestServer::with(|config| config.limits.messages_per_day = 4).await;
    for number in 0..4 {
        let address = format!("person{number}@mail.example");
        server.app("shop").start(&address).await.expect(201);
        server.mail_to(&address).await;
    }
    for name in ["shop", "forum"] {
        server.app(name).start(ANN).await.expect(201);
        server.no_mail_to(ANN).await;
    }
    server.advance(Span::DAY).await;
    server.app("shop").start(ANN).await.expect(201);
    server.mail_to(ANN).await;
}

#[tokio::test]
async fn p11_a_network_has_a_budget_and_browsers_a_lower_one() {
    let server = TestServer::with(|config| {
        config.limits.requests_per_network_per_minute = 12;
        config.limits.publishable_requests_per_network_per_minute = 4;
    })
    .await;
    let browser = server.calls(Caller::Publishable(publishable_key("forum"), settings::ORIGIN));
    let by_server = |number: usize, ip: &str| json!({"to": {"email": format!("p{number}@mail.example")}, "end_user": {"ip": ip}});
    for number in 0..4 {
        browser.start(&format!("b{number}@mail.example")).await.expect(201);
    }
    let refused = browser.start(ANN).await.refused(429, "too_many_requests");
    assert_eq!(retry_after(&refused), 15);
    browser.clone().from("203.0.113.5").start(ANN).await.expect(201);
    for number in 0..12 {
        server.app("forum").post("/v1/challenges", &by_server(number, "2001:db8::1")).await.expect(201);
    }
    let answer = server.app("forum").post("/v1/challenges", &by_server(12, "2001:db8::2")).await;
    answer.refused(429, "too_many_requests");
    server.app("forum").post("/v1/challenges", &by_server(13, "2001:db8:0:1::1")).await.expect(201);
    // The app's own server is not a person.
    for number in 20..50 {
        server.app("forum").from("198.51.100.9").start(&format!("q{number}@mail.example")).await.expect(201);
    }
    server.advance(Span::from_seconds(15)).await;
    browser.start(ANN).await.expect(201);
}

#[tokio::test]
async fn p11_a_forged_forwarding_header_does_not_change_the_network() {
    let server = TestServer::with(|config| {
        config.limits.publishable_requests_per_network_per_minute = 3;
    })
    .await;
    let mut statuses = Vec::new();
    for number in 0..5 {
        let browser = server.calls(Caller::Publishable(publishable_key("forum"), settings::ORIGIN));
        let forged = browser.with("x-forwarded-for", &format!("192.0.2.{number}"));
        statuses.push(forged.start(&format!("p{number}@mail.example")).await.status.as_u16());
    }
    assert_eq!(statuses, [201, 201, 201, 429, 429]);
}

#[tokio::test]
async fn p11_a_waiting_page_has_a_budget_that_is_wide_and_ends() {
    let server = TestServer::with(|config| config.limits.polls_per_network_per_minute = 90).await;
    let browser = server.calls(Caller::Publishable(publishable_key("forum"), settings::ORIGIN));
    let started = browser.start(ANN).await.expect(201);
    let (status, link) = (format!("/v1/challenges/{}", started.text("id")), server.mail_to(ANN).await.link());
    // Once a second for longer than the budget of a minute.
    for _ in 0..100 {
        browser.get(&status).await.expect(200);
        server.advance(Span::from_seconds(1)).await;
    }
    server.advance(Span::from_minutes(1)).await;
    for number in 0..90 {
        match number % 3 {
            0 => browser.get(&status).await.expect(200),
            1 => browser.redeem(&started).await.refused(409, "not_approved"),
            _ => server.anybody().from("198.51.100.7").get(&link).await.expect(200),
        };
    }
    assert_eq!(retry_after(&browser.get(&status).await.refused(429, "too_many_requests")), 1);
    assert_eq!(retry_after(&browser.redeem(&started).await.refused(429, "too_many_requests")), 1);
    let page = server.anybody().from("198.51.100.7").get(&link).await.expect(429);
    assert_eq!((page.header("retry-after"), page.header("content-type")), ("1", "text/html; charset=utf-8"));
    // Others, the app's server, and what is not a question still pass.
    browser.clone().from("203.0.113.5").get(&status).await.expect(200);
    server.app("forum").get(&status).await.expect(200);
    browser.start("bob@mail.example").await.expect(201);
    server.advance(Span::from_seconds(1)).await;
    browser.get(&status).await.expect(200);
}
