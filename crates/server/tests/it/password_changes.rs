//! A person comes to another password: by a mailed code, by a link, or at their own account.

use countersign_domain::time::Span;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::is_good,
    passwords::{
        GOOD, OTHER, browser, forgotten, own, post, register, reset_body, server, sign_in, with_passwords,
    },
    support::TestServer,
};

const ANN: &str = "ann@mail.example";

#[tokio::test]
async fn a_reset_ends_every_session_works_once_and_does_not_cost_the_code_before_the_password_is_good() {
    let server = server().await;
    let first = register(&server, ANN, GOOD).await;
    let (_, cookie) = browser(&server, ANN, Some(GOOD)).await;
    let (started, code) = forgotten(&server, ANN).await;
    for (password, refusal) in [("short", "password_too_short"), ("ann@mail.example", "password_contextual")]
    {
        post(&server, "reset", reset_body(&started, &code, password)).await.refused(422, refusal);
    }
    post(&server, "reset", reset_body(&started, &code, OTHER)).await.expect_bare(204);
    assert!(!is_good(&server, &first.text("access_token")).await);
    own(&server, &cookie, Method::GET, "/v1/session", Value::Null).await.refused(401, "session_over");
    let letter = server.mail_to(ANN).await;
    assert!(letter.find_code().is_none() && letter.mail.rendered.subject.contains("password"));
    post(&server, "reset", reset_body(&started, &code, GOOD)).await.refused(410, "challenge_over");
    sign_in(&server, ANN, GOOD).await.refused(401, "invalid_password");
    sign_in(&server, ANN, OTHER).await.expect(200);
}

#[tokio::test]
async fn p24_a_name_that_only_the_person_knows_is_no_password_and_no_stranger_learns_it() {
    let server = server().await;
    register(&server, ANN, GOOD).await;
    let (_, cookie) = browser(&server, ANN, Some(GOOD)).await;
    let named = json!({"display_name": "Wilhelmina Septimus"});
    own(&server, &cookie, Method::PATCH, "/v1/me", named).await.expect(200);
    let (started, code) = forgotten(&server, ANN).await;
    let guessed = |code: &str| reset_body(&started, code, "Wilhelmina Septimus");
    post(&server, "reset", guessed("AAAAAAA")).await.refused(401, "invalid_code");
    post(&server, "reset", guessed(&code)).await.refused(422, "password_contextual");
    post(&server, "reset", reset_body(&started, &code, OTHER)).await.expect_bare(204);
}

#[tokio::test]
async fn p05_a_reset_is_bound_to_who_asked_runs_out_and_is_worth_nothing_else() {
    let server = server().await;
    let app = server.app("club");
    register(&server, ANN, GOOD).await;
    let (started, code) = forgotten(&server, ANN).await;
    let mut stolen = reset_body(&started, &code, OTHER);
    stolen["binding"] = json!("v".repeat(32));
    post(&server, "reset", stolen).await.refused(401, "invalid_binding");
    app.verify(&started, &code).await.refused(404, "challenge_not_found");
    app.redeem(&started).await.refused(404, "challenge_not_found");
    let by_address = json!({"email": ANN, "code": code});
    app.post("/v1/verify", &by_address).await.refused(410, "challenge_over");
    server.app("shop").post("/v1/password/reset", &reset_body(&started, &code, OTHER)).await.expect(403);
    // Nor is a code for signing in worth a password.
    let other = app.start(ANN).await.expect(201);
    let other_code = server.mail_to(ANN).await.code();
    let body = reset_body(&other, &other_code, OTHER);
    post(&server, "reset", body).await.refused(404, "challenge_not_found");
    server.advance(Span::from_seconds(600)).await;
    post(&server, "reset", reset_body(&started, &code, OTHER)).await.refused(410, "challenge_over");
    sign_in(&server, ANN, GOOD).await.expect(200);
}

#[tokio::test]
async fn p23_a_mailed_code_resets_the_password_and_signs_nobody_in() {
    let server = server().await;
    register(&server, ANN, GOOD).await;
    let (started, code) = forgotten(&server, ANN).await;
    let sessions = server.query("SELECT id FROM session").await.len();
    assert_eq!(sessions, 1);
    post(&server, "reset", reset_body(&started, &code, OTHER)).await.expect_bare(204);
    assert!(server.query("SELECT id FROM session").await.is_empty(), "whoever has the mailbox signs in anew");
}

#[tokio::test]
async fn a_link_is_as_good_as_a_code_for_a_new_password() {
    let server = TestServer::with(|config| {
        with_passwords(config);
        let club = config.apps.iter_mut().find(|app| app.name == "club").unwrap();
        club.delivery = Some(countersign_server::config::DeliverySetting::Both);
    })
    .await;
    register(&server, ANN, GOOD).await;
    let started = post(&server, "forgotten", json!({"email": ANN})).await.expect(201);
    let link = server.mail_to(ANN).await.link();
    let page = server.anybody().get(&link).await.expect(200);
    assert!(String::from_utf8_lossy(&page.body).contains("Choose a new password for club?"));
    let mut body = reset_body(&started, "", OTHER);
    body.as_object_mut().unwrap().remove("code");
    post(&server, "reset", body.clone()).await.refused(409, "not_approved");
    let number = format!("number={}", started.text("confirmation_number"));
    server.anybody().form(&link, &number).await.expect(200);
    let status = server.app("club").get(&format!("/v1/challenges/{}", started.text("id"))).await;
    assert_eq!(status.text("status"), "passed");
    post(&server, "reset", body).await.expect_bare(204);
    sign_in(&server, ANN, OTHER).await.expect(200);
}

#[tokio::test]
async fn p20_a_person_sets_changes_and_removes_their_password_freshly_and_is_told() {
    let server = server().await;
    let path = "/v1/me/password";
    let (_, cookie) = browser(&server, ANN, None).await;
    let (other, _) = browser(&server, ANN, None).await;
    let shown = own(&server, &cookie, Method::GET, path, Value::Null).await.expect(200);
    assert_eq!(shown.json(), json!({"set": false}));
    own(&server, &cookie, Method::PUT, path, json!({"password": "short"}))
        .await
        .refused(422, "password_too_short");
    own(&server, &cookie, Method::PUT, path, json!({"password": GOOD})).await.expect_bare(204);
    assert!(server.mail_to(ANN).await.mail.rendered.subject.contains("password"), "told by mail");
    let shown = own(&server, &cookie, Method::GET, path, Value::Null).await.expect(200);
    assert_eq!(shown.json(), json!({"set": true, "made_at": "2027-01-15T08:00:00Z"}));
    assert!(is_good(&server, &other.text("access_token")).await, "nobody asked to end others");

    server.advance(Span::from_seconds(601)).await;
    own(&server, &cookie, Method::PUT, path, json!({"password": OTHER}))
        .await
        .refused(403, "fresh_sign_in_needed");
    own(&server, &cookie, Method::DELETE, path, Value::Null).await.refused(403, "fresh_sign_in_needed");
    let change = |current: &str, end: bool| json!({"password": OTHER, "current_password": current, "end_other_sessions": end});
    own(&server, &cookie, Method::PUT, path, change(OTHER, true)).await.refused(401, "invalid_password");
    own(&server, &cookie, Method::PUT, path, change(GOOD, true)).await.expect_bare(204);
    server.mail_to(ANN).await;
    own(&server, &cookie, Method::GET, "/v1/session", Value::Null).await.expect(200);
    assert_eq!(server.query("SELECT id FROM session").await.len(), 1);
    sign_in(&server, ANN, GOOD).await.refused(401, "invalid_password");

    let (_, cookie) = browser(&server, ANN, Some(OTHER)).await;
    own(&server, &cookie, Method::DELETE, path, Value::Null).await.expect_bare(204);
    assert!(server.mail_to(ANN).await.mail.rendered.subject.contains("password"));
    own(&server, &cookie, Method::DELETE, path, Value::Null).await.refused(404, "not_found");
    sign_in(&server, ANN, OTHER).await.refused(401, "invalid_password");
    assert!(server.query("SELECT user_id FROM user_password").await.is_empty());
}

#[tokio::test]
async fn p38_a_cookie_alone_changes_no_password() {
    let server = server().await;
    let (_, cookie) = browser(&server, ANN, None).await;
    let body = json!({"password": GOOD}).to_string();
    for (name, value) in
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("x-nothing", "")]
    {
        let caller = server.anybody().with("cookie", &cookie).with("content-type", "application/json");
        let caller = caller.with(name, value);
        caller.send(Method::PUT, "/v1/me/password", &body).await.refused(403, "origin_not_allowed");
    }
    assert!(server.query("SELECT user_id FROM user_password").await.is_empty());
}
