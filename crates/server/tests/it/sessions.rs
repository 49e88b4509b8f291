//! Browsers that hold a session's cookie, and people at their own account.

use countersign_domain::time::Span;
use countersign_server::maintenance;
use countersign_store::engine::Value as Cell;
use http::Method;
use serde_json::json;

use crate::{
    accounts::{CLUB, with_club},
    support::{
        Answer, Caller, TestServer,
        settings::{ISSUER, ORIGIN, publishable_key},
    },
};

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

/// A browser that was signed in: what it was answered, and its cookie.
pub(crate) struct Browser {
    pub(crate) answer: Answer,
    pub(crate) cookie: String,
}

async fn server() -> TestServer {
    TestServer::with(with_club).await
}

/// Signs a person in at a page, in a browser that holds a cookie already or none.
pub(crate) async fn sign_in(server: &TestServer, page: &'static str, address: &str, cookie: &str) -> Browser {
    let page = server
        .calls(Caller::Publishable(publishable_key("club"), page))
        .with("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        .with("cookie", cookie);
    let started = page.start(address).await.expect(201);
    let code = server.mail_to(address).await.code();
    let answer = page.verify(&started, &code).await.expect(200);
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    Browser { answer, cookie }
}

/// The same with a passkey, without a name, on a page of the server's own.
pub(crate) async fn sign_in_with(
    server: &TestServer,
    device: &mut crate::support::authenticator::Device,
) -> Browser {
    let page = server.calls(Caller::Publishable(publishable_key("club"), ISSUER));
    let begun = page.post("/v1/sign-in", &serde_json::json!({})).await.expect(201);
    let (path, binding) = (format!("/v1/sign-in/{}", begun.text("id")), begun.text("binding"));
    let asked = serde_json::json!({"method": "passkey_options", "binding": binding});
    let options = page.post(&path, &asked).await.expect(202).json();
    let credential = device.get(ISSUER, &options["passkey"]).await.unwrap();
    let step = serde_json::json!({"method": "passkey", "binding": binding, "credential": credential});
    let answer = page.post(&path, &step).await.expect(200);
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    Browser { answer, cookie }
}

/// Gives the person of a mailbox a password, where the policy lets nobody in with less than two factors.
pub(crate) async fn with_password(server: &TestServer, address: &str, password: &str) {
    let (walk, _) = crate::sign_ins::begin(server, &serde_json::json!({"email": address})).await;
    let code = walk.mailed(address).await;
    walk.step(serde_json::json!({"method": "code", "code": code})).await.expect(202);
    let options = walk.step(serde_json::json!({"method": "new_passkey_options"})).await.expect(202).json();
    let mut device = crate::support::authenticator::Device::new();
    let made = device.create(ISSUER, &options["new_passkey"]).await.unwrap();
    walk.step(serde_json::json!({"method": "new_passkey", "credential": made})).await.expect(200);
    let person = sign_in_with(server, &mut device).await;
    let body = serde_json::json!({"password": password});
    person.tell(server, Method::PUT, "/v1/me/password", &body).await.expect(204);
    server.spoil_any("DELETE FROM credential").await;
    server.advance(Span::from_minutes(2)).await;
}

impl Browser {
    /// What it holds, as it sends it.
    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    pub(crate) async fn from(&self, server: &TestServer, page: &str, method: Method, path: &str) -> Answer {
        server.anybody().with("origin", page).with("cookie", &self.cookie).send(method, path, "").await
    }

    /// From a page of the server's own.
    pub(crate) async fn own(&self, server: &TestServer, method: Method, path: &str) -> Answer {
        self.from(server, ISSUER, method, path).await
    }

    /// The same with a JSON body.
    pub(crate) async fn tell(
        &self,
        server: &TestServer,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Answer {
        let page = server.anybody().with("origin", ISSUER).with("cookie", &self.cookie);
        page.with("content-type", "application/json").send(method, path, &body.to_string()).await
    }

    pub(crate) async fn is_in(&self, server: &TestServer) -> bool {
        self.own(server, Method::GET, "/v1/session").await.status == 200
    }
}

#[tokio::test]
async fn p26_a_page_gets_a_cookie_and_no_refresh_token() {
    let server = server().await;
    let ann = sign_in(&server, CLUB, ANN, "").await;
    let set = ann.answer.header("set-cookie").to_owned();
    assert!(set.starts_with("__Host-countersign="), "{set}");
    assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=2592000"), "{set}");
    assert!(ann.cookie.len() > 19 + 26 + 32);
    assert!(ann.answer.json().get("refresh_token").is_none());
    let secret = ann.cookie.rsplit('.').next().unwrap();
    assert!(!String::from_utf8_lossy(&ann.answer.body).contains(secret));

    let session = ann.from(&server, CLUB, Method::GET, "/v1/session").await.expect(200);
    assert_eq!(session.text("subject"), ann.answer.text("subject"));
    assert_eq!(session.text("id"), ann.answer.text("session"));
    assert_eq!(session.header("access-control-allow-credentials"), "true");
    let token = ann.from(&server, CLUB, Method::POST, "/v1/session/token").await.expect(200);
    assert_eq!(token.text("subject"), ann.answer.text("subject"));
    server.calls(Caller::Bearer(token.text("access_token"))).get("/v1/token").await.expect(200);

    // Neither half of the cookie is anything alone, and nobody else's half fits.
    let bob = sign_in(&server, CLUB, BOB, "").await;
    let mixed =
        format!("{}.{}", ann.cookie.split('.').next().unwrap(), bob.cookie.split('.').nth(1).unwrap());
    let mixed = Browser { answer: ann.answer.clone(), cookie: mixed };
    mixed.own(&server, Method::GET, "/v1/session").await.refused(401, "session_over");
    server.anybody().get("/v1/session").await.refused(401, "session_over");
}

#[tokio::test]
async fn p26_a_value_from_before_sign_in_is_never_valid_after_it() {
    let server = server().await;
    let former = sign_in(&server, CLUB, ANN, "").await;
    let other = sign_in(&server, CLUB, ANN, "").await;
    let next = sign_in(&server, CLUB, BOB, &former.cookie).await;
    assert!(!former.is_in(&server).await, "ended with the sign-in in the same browser");
    assert!(next.is_in(&server).await && other.is_in(&server).await);
    let token = former.answer.text("access_token");
    server.calls(Caller::Bearer(token)).get("/v1/token").await.refused(401, "invalid_token");
}

#[tokio::test]
async fn p28_logout_ends_the_session_and_its_tokens() {
    let server = server().await;
    let ann = sign_in(&server, CLUB, ANN, "").await;
    let token = ann.from(&server, CLUB, Method::POST, "/v1/session/token").await.text("access_token");
    let out = ann.from(&server, CLUB, Method::DELETE, "/v1/session").await.expect(204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert!(!ann.is_in(&server).await);
    for token in [token, ann.answer.text("access_token")] {
        server.calls(Caller::Bearer(token)).get("/v1/token").await.refused(401, "invalid_token");
    }
    assert!(server.query("SELECT id FROM session").await.is_empty());
}

#[tokio::test]
async fn p27_a_cookie_ends_by_idleness_and_age_and_use_moves_only_the_first() {
    let server = server().await;
    let ann = sign_in(&server, CLUB, ANN, "").await;
    let day = Span::DAY;
    for _ in 0..4 {
        server.advance(Span::from_millis(day.millis() * 7 - 1)).await;
        assert!(ann.is_in(&server).await);
    }
    server.advance(Span::from_millis(day.millis() * 2 + 4)).await;
    assert!(!ann.is_in(&server).await, "thirty days");
    maintenance::rotate(&server.server).await.unwrap();
    let ann = sign_in(&server, CLUB, ANN, "").await;
    server.advance(Span::from_millis(day.millis() * 7)).await;
    assert!(!ann.is_in(&server).await, "a week unused");
}

#[tokio::test]
async fn p38_a_cookie_alone_changes_nothing_and_tells_other_sites_nothing() {
    let server = server().await;
    let ann = sign_in(&server, CLUB, ANN, "").await;
    let paths = [
        (Method::DELETE, "/v1/session", true),
        (Method::POST, "/v1/session/token", true),
        (Method::DELETE, "/v1/me", false),
        (Method::DELETE, "/v1/me/sessions", false),
        (Method::GET, "/v1/me", false),
        (Method::GET, "/v1/session", true),
    ];
    let before = server.everything().await;
    for (method, path, for_app) in &paths {
        let safe = *method == Method::GET;
        for (headers, allowed) in [
            (&[("origin", "https://evil.example")][..], false),
            (&[("origin", ORIGIN)], false),
            (&[("origin", "null")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", CLUB)], *for_app),
            (&[], safe),
            (&[("sec-fetch-site", "none")], safe),
        ] {
            if allowed {
                continue;
            }
            let mut caller = server.anybody().with("cookie", &ann.cookie);
            for (name, value) in headers {
                caller = caller.with(name, value);
            }
            caller.send(method.clone(), path, "").await.refused(403, "origin_not_allowed");
        }
    }
    assert_eq!(server.everything().await, before);
    assert!(ann.is_in(&server).await);
}

#[tokio::test]
async fn a_person_sees_and_changes_their_own_account() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let me = ann.own(&server, Method::GET, "/v1/me").await.expect(200);
    assert!(me.text("id").starts_with("usr_"));
    assert_eq!(
        me.json()["emails"],
        json!([{"email": ANN, "primary": true, "verified_at": "2027-01-15T08:00:00Z"}])
    );
    let own = server.anybody().with("origin", ISSUER).with("cookie", &ann.cookie);
    let own = own.with("content-type", "application/json");
    let change = |body: serde_json::Value| {
        let own = own.clone();
        async move { own.send(Method::PATCH, "/v1/me", &body.to_string()).await }
    };
    let changed = change(json!({"display_name": "Ann", "locale": "de-CH"})).await.expect(200);
    assert_eq!((changed.text("display_name"), changed.text("locale")), ("Ann".into(), "de-CH".into()));
    let changed = change(json!({"display_name": null})).await.expect(200);
    assert_eq!((changed.json().get("display_name"), changed.text("locale")), (None, "de-CH".into()));
    for (body, member) in [
        (json!({"display_name": ""}), "display_name"),
        (json!({"display_name": "a\nb"}), "display_name"),
        (json!({"display_name": "x".repeat(101)}), "display_name"),
        (json!({"locale": "de CH"}), "locale"),
    ] {
        assert_eq!(change(body).await.refused(422, "invalid_member").text("member"), member);
    }
    change(json!({"status": "active"})).await.refused(422, "invalid_request");
    // No app's token reads an account.
    let token = ann.answer.text("access_token");
    server.calls(Caller::Bearer(token)).get("/v1/me").await.refused(401, "session_over");
}

#[tokio::test]
async fn p28_a_person_ends_sessions_one_by_one_and_all_at_once() {
    let server = server().await;
    let (here, there, third) = (
        sign_in(&server, ISSUER, ANN, "").await,
        sign_in(&server, ISSUER, ANN, "").await,
        sign_in(&server, ISSUER, ANN, "").await,
    );
    let bob = sign_in(&server, ISSUER, BOB, "").await;
    let list = here.own(&server, Method::GET, "/v1/me/sessions").await.expect(200).json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 3);
    assert_eq!(items.iter().filter(|item| item["current"] == true).count(), 1);
    assert!(items.iter().all(|item| item["device"] == "Firefox on Linux" && item["app"] == "club"));

    let path = |browser: &Browser| format!("/v1/me/sessions/{}", browser.answer.text("session"));
    here.own(&server, Method::DELETE, &path(&bob)).await.refused(404, "not_found");
    here.own(&server, Method::DELETE, &path(&there)).await.expect(204);
    assert!(!there.is_in(&server).await && third.is_in(&server).await);
    let refused = here.own(&server, Method::DELETE, "/v1/me/sessions?except=x").await;
    refused.refused(422, "invalid_member");
    here.own(&server, Method::DELETE, "/v1/me/sessions?except=current").await.expect(204);
    assert!(!third.is_in(&server).await && here.is_in(&server).await);
    let token = third.answer.text("access_token");
    server.calls(Caller::Bearer(token)).get("/v1/token").await.refused(401, "invalid_token");
    let all = here.own(&server, Method::DELETE, "/v1/me/sessions").await.expect(204);
    assert!(all.header("set-cookie").contains("Max-Age=0"));
    assert!(!here.is_in(&server).await && bob.is_in(&server).await);
}

#[tokio::test]
async fn p28_who_erases_the_account_leaves_nothing() {
    let server = server().await;
    sign_in(&server, ISSUER, BOB, "").await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let token = ann.answer.text("access_token");
    server.advance(Span::from_seconds(601)).await;
    ann.own(&server, Method::DELETE, "/v1/me").await.refused(403, "fresh_sign_in_needed");
    let fresh = sign_in(&server, ISSUER, ANN, "").await;
    let users = server.query("SELECT id FROM realm_user ORDER BY signed_in_at DESC").await;
    let Cell::Bytes(id) = &users[0][0] else { panic!("an id") };
    fresh.own(&server, Method::DELETE, "/v1/me").await.expect(204);
    for browser in [&ann, &fresh] {
        browser.own(&server, Method::GET, "/v1/me").await.refused(401, "session_over");
    }
    server.calls(Caller::Bearer(token)).get("/v1/token").await.refused(401, "invalid_token");
    for sql in [
        "SELECT id FROM realm_user",
        "SELECT user_id FROM user_identifier",
        "SELECT user_id FROM user_subject",
        "SELECT user_id FROM session",
    ] {
        let rows = server.query(sql).await;
        assert!(rows.len() == 1 && rows[0][0] != Cell::Bytes(id.clone()), "{sql}");
    }
    // Who comes again is somebody new.
    let again = sign_in(&server, ISSUER, ANN, "").await;
    assert!(again.is_in(&server).await);
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), 2);
}

#[tokio::test]
async fn p28_a_cookie_that_is_known_by_heart_dies_with_its_session_and_opens_for_no_other_page() {
    let endings: [(&str, Method, &str); 3] = [
        (CLUB, Method::DELETE, "/v1/session"),
        (ISSUER, Method::DELETE, "/v1/me/sessions"),
        (ISSUER, Method::DELETE, "/v1/me"),
    ];
    for (page, method, path) in endings {
        let server = server().await;
        let ann = sign_in(&server, CLUB, ANN, "").await;
        let known = || server.server.metrics.session_cache_hits.get();
        let first = ann.from(&server, CLUB, Method::GET, "/v1/session").await.expect(200);
        assert_eq!(known(), 0);
        let again = ann.from(&server, CLUB, Method::GET, "/v1/session").await.expect(200);
        assert_eq!((known(), again.json()), (1, first.json()));
        assert_eq!(again.header("access-control-allow-credentials"), "true");
        assert_eq!(again.header("cache-control"), "no-store");
        for page in ["https://evil.example", ORIGIN] {
            ann.from(&server, page, Method::GET, "/v1/session").await.refused(403, "origin_not_allowed");
        }
        let longer = Browser { answer: ann.answer.clone(), cookie: format!("{}0", ann.cookie) };
        longer.own(&server, Method::GET, "/v1/session").await.refused(401, "session_over");
        assert_eq!(known(), 1);
        ann.from(&server, page, method, path).await.expect(204);
        assert!(!ann.is_in(&server).await, "{path}");
        // Nor is it remembered longer than it lasts.
        let bob = sign_in(&server, CLUB, BOB, "").await;
        assert!(bob.is_in(&server).await && bob.is_in(&server).await);
        server.advance(Span::from_millis(Span::DAY.millis() * 7)).await;
        assert!(!bob.is_in(&server).await);
    }
}

#[tokio::test]
async fn p11_cookies_that_must_be_looked_up_take_from_their_networks_budget() {
    let server = TestServer::with(|config| {
        with_club(config);
        config.limits.polls_per_network_per_minute = 5;
    })
    .await;
    let ann = sign_in(&server, CLUB, ANN, "").await;
    assert!(ann.is_in(&server).await);
    let somebody = server.anybody().from("192.0.2.1");
    let made_up = somebody.clone().with("cookie", &format!("{}0", &ann.cookie[..ann.cookie.len() - 1]));
    for _ in 0..5 {
        made_up.get("/v1/session").await.refused(401, "session_over");
    }
    made_up.get("/v1/session").await.refused(429, "too_many_requests");
    // Who is known pays nothing.
    somebody.with("cookie", &ann.cookie).get("/v1/session").await.expect(200);
}
