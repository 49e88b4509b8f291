//! What browsers hold: cookies as the operator wants them, tokens in cookies where an app says so, and the binding of a
//! challenge.

use countersign_domain::time::Span;
use countersign_server::config::{BrowserTokensSetting, Config, CookieSettings, SameSite};
use http::{Method, header};
use serde_json::json;

use crate::{
    accounts::{CLUB, with_club},
    links::BINDING,
    support::{
        Answer, Caller, TestServer,
        caller::Client,
        settings::{ISSUER, publishable_key},
    },
};

const ANN: &str = "ann@mail.example";
const TOKEN: &str = "__Host-countersign-token";
const REFRESH: &str = "__Host-countersign-refresh";

fn page(server: &TestServer) -> Client {
    server.calls(Caller::Publishable(publishable_key("club"), CLUB))
}

/// The cookies that an answer sets, whole.
fn cookies(answer: &Answer) -> Vec<String> {
    answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

/// `name=value` of the cookie with this name.
fn cookie(answer: &Answer, name: &str) -> String {
    let found = cookies(answer).into_iter().find(|cookie| cookie.starts_with(&format!("{name}=")));
    found.unwrap_or_else(|| panic!("no {name}: {answer:?}")).split(';').next().unwrap().to_owned()
}

async fn sign_in(server: &TestServer, page: &Client) -> Answer {
    let started = page.start(ANN).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    page.verify(&started, &code).await.expect(200)
}

async fn with_tokens() -> TestServer {
    TestServer::with(|config| {
        with_club(config);
        config.apps.last_mut().unwrap().browser_tokens = BrowserTokensSetting::Jwt;
    })
    .await
}

/// From a page of the app, with cookies.
fn holding(server: &TestServer, cookies: &str) -> Client {
    server.anybody().with("origin", CLUB).with("cookie", cookies)
}

#[tokio::test]
async fn p26_a_browser_that_holds_tokens_holds_them_where_no_script_reads() {
    let server = with_tokens().await;
    let ann = sign_in(&server, &page(&server)).await;
    for member in ["access_token", "refresh_token", "token_type"] {
        assert!(ann.json().get(member).is_none(), "{member}");
    }
    let set = cookies(&ann);
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(set[0].ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=300"), "{set:?}");
    assert!(set[1].ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=604800"), "{set:?}");
    let access = cookie(&ann, TOKEN).split_once('=').unwrap().1.to_owned();
    server.calls(Caller::Bearer(access)).get("/v1/token").await.expect(200);

    let refresh = cookie(&ann, REFRESH);
    let session = holding(&server, &refresh).get("/v1/session").await.expect(200);
    assert_eq!(session.text("subject"), ann.text("subject"));
    // An account is for sessions of our own pages.
    let own = server.anybody().with("origin", ISSUER).with("cookie", &refresh);
    own.get("/v1/me").await.refused(401, "session_over");
    // Nor does a token do for a session, or one for the other.
    let swapped = format!("__Host-countersign={}", refresh.split_once('=').unwrap().1);
    holding(&server, &swapped).get("/v1/session").await.refused(401, "session_over");
    holding(&server, &cookie(&ann, TOKEN)).get("/v1/session").await.refused(401, "session_over");
    // On our own page the same person gets a session. What the browser held before is over then.
    let own_page =
        server.calls(Caller::Publishable(publishable_key("club"), ISSUER)).with("cookie", &refresh);
    let ours = sign_in(&server, &own_page).await;
    assert!(cookies(&ours)[0].starts_with("__Host-countersign="));
    holding(&server, &refresh).get("/v1/session").await.refused(401, "session_over");
    // Who holds both signs out of both.
    let again = sign_in(&server, &page(&server)).await;
    let both = format!("{}; {}", cookie(&ours, "__Host-countersign"), cookie(&again, REFRESH));
    holding(&server, &both).send(Method::DELETE, "/v1/session", "").await.expect(204);
    holding(&server, &cookie(&again, REFRESH)).get("/v1/session").await.refused(401, "session_over");
}

#[tokio::test]
async fn p34_a_browsers_tokens_rotate_and_a_stolen_one_ends_the_session() {
    let server = with_tokens().await;
    let ann = sign_in(&server, &page(&server)).await;
    let first = cookie(&ann, REFRESH);
    let post = |cookies: String| {
        let caller = holding(&server, &cookies);
        async move { caller.send(Method::POST, "/v1/session/token", "").await }
    };
    for foreign in ["https://evil.example", "null"] {
        let caller = server.anybody().with("origin", foreign).with("cookie", &first);
        caller.send(Method::POST, "/v1/session/token", "").await.refused(403, "origin_not_allowed");
    }
    let second = post(first.clone()).await.expect(200);
    assert!(second.json().get("access_token").is_none() && second.json()["expires_in"] == 300);
    let third = cookie(&post(first.clone()).await.expect(200), REFRESH);
    assert_eq!(third, cookie(&second, REFRESH), "who lost the answer gets it again");
    assert_ne!(third, first);
    holding(&server, &first).get("/v1/session").await.expect(200);
    server.advance(Span::from_seconds(31)).await;
    holding(&server, &first).get("/v1/session").await.refused(401, "session_over");
    holding(&server, &third).get("/v1/session").await.expect(200);
    post(first).await.refused(401, "session_over");
    holding(&server, &third).get("/v1/session").await.refused(401, "session_over");
    let access = cookie(&second, TOKEN).split_once('=').unwrap().1.to_owned();
    server.calls(Caller::Bearer(access)).get("/v1/token").await.refused(401, "invalid_token");

    let again = sign_in(&server, &page(&server)).await;
    let held = cookie(&again, REFRESH);
    let out = holding(&server, &held).send(Method::DELETE, "/v1/session", "").await.expect(204);
    assert!(cookies(&out).iter().all(|cookie| cookie.ends_with("Max-Age=0")) && cookies(&out).len() == 3);
    post(held).await.refused(401, "session_over");
}

#[tokio::test]
async fn p05_a_cookie_binds_a_challenge_to_the_browser_that_started_it() {
    let server = TestServer::with(with_club).await;
    let page = page(&server);
    let wanted = json!({"to": {"email": ANN}, "binding_cookie": true});
    let start = || async { page.post("/v1/challenges", &wanted).await.expect(201) };
    let started = start().await;
    assert!(started.json().get("binding").is_none());
    let bound = cookie(&started, BINDING);
    assert!(cookies(&started)[0].ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"));
    let code = server.mail_to(ANN).await.code();
    let verify = |caller: Client, id: String, code: String| async move {
        caller.post(&format!("/v1/challenges/{id}/verify"), &json!({"code": code})).await
    };
    // The code alone, and the code in a browser that started another one.
    let id = started.text("id");
    assert_eq!(
        verify(page.clone(), id.clone(), code.clone()).await.refused(422, "invalid_member").text("member"),
        "binding"
    );
    server.advance(Span::from_minutes(2)).await;
    let other = start().await;
    let elsewhere = page.clone().with("cookie", &cookie(&other, BINDING));
    verify(elsewhere, id.clone(), code.clone()).await.refused(401, "invalid_binding");
    server
        .app("club")
        .post(&format!("/v1/challenges/{id}/verify"), &json!({"code": code}))
        .await
        .refused(422, "invalid_member");
    let here = page.clone().with("cookie", &bound);
    let passed = verify(here.clone(), id.clone(), code).await.expect(200);
    assert!(cookies(&passed)[0].starts_with("__Host-countersign="));
    // Asked again from the same browser, the former one ends.
    server.mail_to(ANN).await;
    server.advance(Span::from_minutes(2)).await;
    let again = page
        .clone()
        .with("cookie", &cookie(&other, BINDING))
        .post("/v1/challenges", &wanted)
        .await
        .expect(201);
    let status = page.get(&format!("/v1/challenges/{}", other.text("id"))).await.expect(200);
    assert_eq!(status.text("status"), "failed", "{again:?}");
    server.app("club").post("/v1/challenges", &wanted).await.refused(403, "api_key_kind");
}

#[tokio::test]
async fn p26_cookies_are_as_the_operator_wants_them() {
    let settings = |config: &mut Config| {
        with_club(config);
        config.server.issuer = "https://auth.club.example".to_owned();
        config.cookies = CookieSettings {
            name: "club".to_owned(),
            domain: Some("club.example".to_owned()),
            domains: Vec::new(),
            same_site: SameSite::Strict,
            persistent: false,
        };
    };
    let server = TestServer::with(settings).await;
    let ann = sign_in(&server, &page(&server)).await;
    let set = cookies(&ann);
    assert!(set[0].starts_with("__Secure-club="), "{set:?}");
    assert!(set[0].ends_with("; Domain=club.example; Path=/; Secure; HttpOnly; SameSite=Strict"), "{set:?}");
    let held = cookie(&ann, "__Secure-club");
    for _ in 0..2 {
        holding(&server, &held).get("/v1/session").await.expect(200);
    }
    let former = held.replace("__Secure-club", "__Host-countersign");
    holding(&server, &former).get("/v1/session").await.refused(401, "session_over");
    let out = holding(&server, &held).send(Method::DELETE, "/v1/session", "").await.expect(204);
    assert!(cookies(&out)[0].starts_with("__Secure-club=; Domain=club.example; "), "{out:?}");
}
