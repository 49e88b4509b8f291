//! Links: who may open them, who may press them, and where they lead.

use http::Method;

use crate::support::{
    Answer, Caller, TestServer,
    settings::{ISSUER, ORIGIN, publishable_key},
};

const ANN: &str = "ann@mail.example";
/// The cookie that holds the binding of a challenge.
pub(crate) const BINDING: &str = "__Host-countersign-binding";

fn page(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

#[tokio::test]
async fn p06_opening_a_link_changes_nothing_for_any_client() {
    let server = TestServer::new().await;
    let started = server.app("forum").start(ANN).await.expect(201);
    let letter = server.mail_to(ANN).await;
    let link = letter.link();
    server.outbox_is_empty().await;
    let before = server.everything().await;
    let clients = [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/140"),
        ("user-agent", "Barracuda Sentinel (EE)"),
        ("purpose", "prefetch"),
        ("sec-fetch-mode", "navigate"),
        ("cookie", &format!("{BINDING}={}", started.text("binding"))),
    ];
    for method in [Method::GET, Method::HEAD] {
        for (name, value) in clients {
            let client = server.anybody().with(name, value);
            client.send(method.clone(), &link, "").await.expect(200);
            client
                .send(method.clone(), &format!("{link}?number={}", started.text("confirmation_number")), "")
                .await;
        }
    }
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        server.anybody().send(method, &link, "").await.refused(405, "method_not_allowed");
    }
    assert_eq!(server.everything().await, before);
    server.app("forum").redeem(&started).await.refused(409, "not_approved");
    server.app("forum").verify(&started, &letter.code()).await.expect(200);
}

#[tokio::test]
async fn p06_every_mail_with_a_link_of_an_app_that_says_both_has_a_code() {
    let server = TestServer::new().await;
    server.app("forum").start(ANN).await.expect(201);
    let letter = server.mail_to(ANN).await;
    assert!(letter.find_code().is_some() && letter.find_link().is_some());
}

#[tokio::test]
async fn p07_another_browser_must_know_the_number_and_gets_no_session() {
    let server = TestServer::new().await;
    let started = server.app("wiki").start(ANN).await.expect(201);
    let link = server.mail_to(ANN).await.link();
    let elsewhere = server.anybody();
    let shown = elsewhere.get(&link).await.expect(200);
    assert!(page(&shown).contains("name=\"number\""), "the page asks for the number");
    assert!(page(&shown).contains("wiki"), "the page says for whom");
    assert!(
        !page(&shown).contains(&started.text("confirmation_number")),
        "the page does not tell the number"
    );
    elsewhere.form(&link, "").await.expect(200);
    server.app("wiki").redeem(&started).await.refused(409, "not_approved");
    let second = server.app("wiki").start(ANN).await.expect(201);
    let second_link = server.mail_to(ANN).await.link();

    let number = second.text("confirmation_number");
    let pressed = elsewhere.form(&second_link, &format!("number={number}")).await.expect(200);
    assert_eq!(pressed.headers.get("set-cookie"), None, "whoever presses is not signed in");
    let text = page(&pressed);
    let passed = server.app("wiki").redeem(&second).await.expect(200);
    assert!(!text.contains(&passed.text("access_token")) && !text.contains(&second.text("binding")));
}

#[tokio::test]
async fn p07_two_wrong_numbers_end_the_link() {
    let server = TestServer::new().await;
    let started = server.app("wiki").start(ANN).await.expect(201);
    let link = server.mail_to(ANN).await.link();
    let number: u8 = started.text("confirmation_number").parse().unwrap();
    let wrong = if number == 99 { 10 } else { number + 1 };
    for _ in 0..2 {
        server.anybody().form(&link, &format!("number={wrong}")).await.expect(200);
    }
    server.anybody().form(&link, &format!("number={number}")).await.expect(200);
    server.app("wiki").redeem(&started).await.refused(410, "challenge_over");
}

#[tokio::test]
async fn p07_the_browser_that_asked_presses_without_the_number() {
    let server = TestServer::new().await;
    let started = server.app("wiki").start(ANN).await.expect(201);
    let link = server.mail_to(ANN).await.link();
    let browser = server.anybody().with("cookie", &format!("a=b; {BINDING}={}", started.text("binding")));
    assert!(!page(&browser.get(&link).await.expect(200)).contains("name=\"number\""));
    browser.form(&link, "").await.expect(200);
    server.app("wiki").redeem(&started).await.expect(200);
}

#[tokio::test]
async fn p08_nothing_is_built_from_the_host_that_a_request_names() {
    let server = TestServer::new().await;
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.example;proto=http"),
        ("x-forwarded-prefix", "/evil.example"),
        ("x-original-url", "https://evil.example/"),
        ("origin", "https://evil.example"),
        ("referer", "https://evil.example/"),
    ] {
        let app = server.app("forum").with(name, value);
        let started = app.start(ANN).await.expect(201);
        let letter = server.mail_to(ANN).await;
        assert!(letter.find_link().unwrap().starts_with(&format!("{ISSUER}/link/")));
        assert!(letter.mail.rendered.text.contains(&format!("@auth.example #{}", letter.code())));
        assert!(!letter.wire().contains("evil"), "{name}");
        let shown = server.anybody().with(name, value).get(&letter.link()).await.expect(200);
        assert!(!page(&shown).contains("evil"), "{name}");
        let passed = app.verify(&started, &letter.code()).await.expect(200);
        let (_, claims) =
            crate::flow::claims_by_key_set(&server, &passed.text("access_token"), "forum").await;
        assert_eq!(claims["iss"], ISSUER, "{name}");
    }
}

#[tokio::test]
async fn p08_link_pages_tell_nobody_and_load_nothing() {
    let server = TestServer::new().await;
    server.app("forum").start(ANN).await.expect(201);
    let link = server.mail_to(ANN).await.link();
    for answer in [server.anybody().get(&link).await, server.anybody().get("/link/unknown").await] {
        let answer = answer.expect(200);
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        let text = page(&answer);
        for mark in ["http://", "https://", "src=", "@import", "url("] {
            assert!(!text.contains(mark), "{mark} in {text}");
        }
    }
}

#[tokio::test]
async fn a_hostile_origin_of_a_request_is_escaped_on_the_page() {
    let server = TestServer::with(|config| {
        config.apps[0].title = Some("<script>alert(1)</script>\"'&".to_owned());
    })
    .await;
    let body = serde_json::json!({"to": {"email": ANN}, "end_user": {"ip": "192.0.2.1", "user_agent": "<b>x Firefox/1"}});
    server.app("forum").post("/v1/challenges", &body).await.expect(201);
    let letter = server.mail_to(ANN).await;
    let shown = page(&server.anybody().get(&letter.link()).await.expect(200));
    assert!(!shown.contains("<script>") && !shown.contains("<b>x"));
    assert!(shown.contains("Firefox, 192.0.2.1"), "{shown}");
    assert!(!letter.mail.rendered.html.contains("<script>"));
}

#[tokio::test]
async fn a_page_names_the_browser_that_called_with_a_publishable_key() {
    let server = TestServer::new().await;
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let browser = server.calls(Caller::Publishable(publishable_key("forum"), ORIGIN));
    for (caller, expected) in [
        (browser.with("user-agent", agent), Some("Firefox, 198.51.100.7")),
        (server.app("forum").with("user-agent", agent), None),
    ] {
        caller.start(ANN).await.expect(201);
        let shown = page(&server.anybody().get(&server.mail_to(ANN).await.link()).await.expect(200));
        match expected {
            Some(words) => assert!(shown.contains(words), "{shown}"),
            None => assert!(!shown.contains("Firefox"), "an app's server is not the person: {shown}"),
        }
    }
}
