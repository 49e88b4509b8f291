//! What somebody would try who has one thing of a person's and wants their account: each is a walk that leads nowhere.

use countersign_domain::time::Span;
use countersign_server::config::{BeginningSetting, BrowserTokensSetting, LevelSetting, PolicySettings};
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::{CLUB, with_club},
    identifiers::change_address,
    new_devices::Jar,
    passkeys::{credentials, signed_in, with_passkey},
    passwords::{GOOD, OTHER, browser, forgotten, own, post, register, reset_body, with_passwords},
    second_factors::with_much,
    sessions,
    sign_in_factors::{after_a_code, sign, with_app},
    sign_ins::{Walk, begin, least, sessions as count_sessions},
    support::{
        Answer, Caller, TestServer,
        authenticator::Device,
        caller::Client,
        settings::{ISSUER, publishable_key, quiet},
    },
};

const ANN: &str = "ann@mail.example";
const STRANGER: &str = "stranger@mail.example";

fn page(server: &TestServer, origin: &'static str, cookies: &str) -> Client {
    server.calls(Caller::Publishable(publishable_key("club"), origin)).with("cookie", cookies)
}

async fn step(page: &Client, begun: &Answer, mut body: Value) -> Answer {
    body["binding"] = begun.text("binding").into();
    page.post(&format!("/v1/sign-in/{}", begun.text("id")), &body).await
}

#[tokio::test]
async fn p20_an_old_session_makes_no_factor() {
    let server = TestServer::with(with_much).await;
    let (_, cookie) = browser(&server, ANN, None).await;
    let page = page(&server, ISSUER, &cookie);
    let wanted = json!({"step_up": true, "acr_values": ["aal2"]});
    // A moment after the sign-in it is as on the pages of an account.
    let fresh = page.post("/v1/sign-in", &wanted).await.expect(201);
    assert_eq!(fresh.json()["enrol"], json!(["passkey"]));
    server.advance(Span::from_minutes(11)).await;
    step(&page, &fresh, json!({"method": "new_passkey_options"})).await.refused(403, "fresh_sign_in_needed");
    let old = page.post("/v1/sign-in", &wanted).await.expect(201);
    assert_eq!((&old.json()["done"], &old.json()["enrol"]), (&json!([]), &Value::Null));
    step(&page, &old, json!({"method": "new_passkey_options"})).await.refused(409, "method_not_offered");
    assert_eq!(credentials(&server).await, 0);
}

#[tokio::test]
async fn p23_a_mailbox_of_somebody_else_proves_nothing_of_whose_session_it_is() {
    let server = TestServer::with(with_much).await;
    let (_, cookie) = browser(&server, ANN, None).await;
    let page = page(&server, ISSUER, &cookie);
    let both = json!({"step_up": true, "max_age": 0, "email": STRANGER, "acr_values": ["aal2"]});
    page.post("/v1/sign-in", &both).await.refused(422, "invalid_member");
    server.no_mail_to(STRANGER).await;
}

#[tokio::test]
async fn p34_a_spent_refresh_token_steps_nowhere_up() {
    let server = TestServer::with(|config| {
        with_much(config);
        config.apps.last_mut().unwrap().browser_tokens = BrowserTokensSetting::Jwt;
        config.realms = vec![quiet("default")];
    })
    .await;
    let mut jar = Jar::default();
    jar.sign_in(&server, ANN).await;
    let spent = jar.clone();
    let held = server.anybody().with("origin", CLUB).with("cookie", &jar.header());
    jar.take(&held.send(Method::POST, "/v1/session/token", "").await.expect(200));
    let wanted = json!({"step_up": true, "acr_values": ["aal2"]});
    page(&server, CLUB, &jar.header()).post("/v1/sign-in", &wanted).await.expect(201);
    server.advance(Span::from_minutes(2)).await;
    page(&server, CLUB, &spent.header()).post("/v1/sign-in", &wanted).await.refused(401, "session_over");
}

/// A sign-in whose beginning knew the password, and which is to make a factor.
async fn with_the_password<'a>(server: &'a TestServer) -> Walk<'a> {
    let (walk, _) = begin(server, &json!({"email": ANN, "acr_values": ["aal2"]})).await;
    let more = walk.step(json!({"method": "password", "password": GOOD})).await.expect(202);
    assert_eq!(more.json()["enrol"], json!(["passkey", "totp"]));
    walk
}

#[tokio::test]
async fn p28_what_a_thief_began_is_over_with_every_way_to_throw_them_out() {
    let server = TestServer::with(with_passwords).await;
    register(&server, ANN, GOOD).await;
    let over = async |walk: Walk<'_>, how: &str| {
        let options = walk.step(json!({"method": "new_totp_options"})).await;
        assert_eq!((options.status.as_u16(), options.text("code")), (410, "sign_in_over".into()), "{how}");
    };
    // By another password.
    let begun = with_the_password(&server).await;
    let (started, code) = forgotten(&server, ANN).await;
    post(&server, "reset", reset_body(&started, &code, OTHER)).await.expect_bare(204);
    over(begun, "a reset").await;
    let (started, code) = forgotten(&server, ANN).await;
    post(&server, "reset", reset_body(&started, &code, GOOD)).await.expect_bare(204);
    // By ending all sessions, and one.
    let begun = with_the_password(&server).await;
    let (_, cookie) = browser(&server, ANN, Some(GOOD)).await;
    own(&server, &cookie, Method::DELETE, "/v1/me/sessions", Value::Null).await.expect(204);
    over(begun, "all sessions ended").await;
    let (_, cookie) = browser(&server, ANN, Some(GOOD)).await;
    let page = page(&server, ISSUER, &cookie);
    let stepping =
        page.post("/v1/sign-in", &json!({"step_up": true, "acr_values": ["aal2"]})).await.expect(201);
    own(&server, &cookie, Method::DELETE, "/v1/session", Value::Null).await.expect(204);
    step(&page, &stepping, json!({"method": "new_totp_options"})).await.refused(410, "sign_in_over");
    assert_eq!(credentials(&server).await, 0);
}

#[tokio::test]
async fn p20_what_a_thief_signs_in_with_goes_when_an_address_comes_back() {
    let server = TestServer::with(with_much).await;
    let (cookie, mut device) = with_passkey(&server, ANN).await;
    // The passkey is what a session that changes an address needs: the thief made both.
    let (walk, _) = begin(&server, &json!({})).await;
    sign(&walk, &mut device).await.expect(200);
    drop(cookie);
    server.advance(Span::from_minutes(2)).await;
    let thief = sessions::sign_in_with(&server, &mut device).await;
    let undo = change_address(&server, &thief).await;
    server.anybody().form(&undo, "").await.expect(200);
    assert_eq!(credentials(&server).await, 0);
    let (walk, _) = begin(&server, &json!({})).await;
    sign(&walk, &mut device).await.refused(401, "invalid_passkey");
    // The mailbox is enough again for its owner.
    server.advance(Span::from_minutes(2)).await;
    crate::flow::sign_in(&server, "club", ANN).await;
}

#[tokio::test]
async fn p26_what_was_made_by_a_sign_in_that_is_disowned_goes_with_it() {
    let server = TestServer::with(|config| {
        with_club(config);
        config.realms.clear();
    })
    .await;
    let mut own_browser = Jar::default();
    own_browser.sign_in(&server, ANN).await;
    server.advance(Span::from_minutes(2)).await;
    let mut device = Device::new();
    let cookie = signed_in(&server, ANN).await;
    let told = server.mail_to(ANN).await;
    let options = crate::passkeys::asked(&server, &cookie, json!({})).await;
    let made = device.create(ISSUER, &options).await.unwrap();
    crate::passkeys::add(&server, &cookie, made).await.expect(201);
    server.anybody().form(&told.link(), "").await.expect(200);
    assert_eq!(credentials(&server).await, 0);
    assert!(own_browser.is_in(&server).await);
}

#[tokio::test]
async fn p23_a_mail_alone_makes_no_factor_where_there_is_a_password() {
    let server = TestServer::with(least(LevelSetting::Aal2)).await;
    crate::sessions::with_password(&server, ANN, GOOD).await;
    let (walk, more) = after_a_code(&server, ANN).await;
    assert_eq!(more.json()["next"], json!(["password"]));
    walk.step(json!({"method": "new_passkey_options"})).await.refused(409, "method_not_offered");
    let more = walk.step(json!({"method": "password", "password": GOOD})).await.expect(202);
    assert_eq!(more.json()["enrol"], json!(["passkey", "totp"]));
}

#[tokio::test]
async fn p31_strangers_use_up_neither_recovery_codes_nor_what_is_tried_in_a_known_browser() {
    let server = TestServer::with(|config| {
        with_much(config);
        config.realms.clear();
    })
    .await;
    let (app, codes) = with_app(&server, ANN).await;
    let mut own_browser = Jar::default();
    let known = async |jar: &Jar, body: Value| {
        let page = page(&server, CLUB, &jar.header());
        let begun = page.post("/v1/sign-in", &json!({"email": ANN})).await.expect(201);
        step(&page, &begun, json!({"method": "mail"})).await.expect(202);
        let code = loop {
            if let Some(code) = server.mail_to(ANN).await.find_code() {
                break code;
            }
        };
        step(&page, &begun, json!({"method": "code", "code": code})).await.expect(202);
        server.advance(Span::from_minutes(2)).await;
        step(&page, &begun, body).await
    };
    let shown = app.shows(&server, 120);
    own_browser.take(&known(&own_browser, json!({"method": "totp", "code": shown})).await.expect(200));
    'used: for _ in 0..10 {
        let (walk, _) = after_a_code(&server, ANN).await;
        for _ in 0..10 {
            if walk.step(json!({"method": "totp", "code": "000000"})).await.status == 429 {
                break 'used;
            }
        }
        server.advance(Span::from_minutes(2)).await;
    }
    let (walk, _) = after_a_code(&server, ANN).await;
    let shown = app.shows(&server, 0);
    let locked = walk.step(json!({"method": "totp", "code": shown})).await;
    assert_eq!(locked.status.as_u16(), 429);
    walk.step(json!({"method": "recovery_code", "code": codes[0]})).await.expect(200);
    server.advance(Span::from_minutes(2)).await;
    let shown = app.shows(&server, 120);
    known(&own_browser, json!({"method": "totp", "code": shown})).await.expect(200);
}

#[tokio::test]
async fn p17_a_security_key_that_asks_for_its_pin_is_taken_where_one_is_asked_for() {
    let server = TestServer::with(with_much).await;
    let (cookie, mut device) = (signed_in(&server, ANN).await, Device::new());
    let options = crate::passkeys::asked(&server, &cookie, json!({"kind": "security_key"})).await;
    let made = device.create(ISSUER, &options).await.unwrap();
    let added = crate::passkeys::add(&server, &cookie, made).await.expect(201);
    assert_eq!(added.text("kind"), "security_key");
    server.advance(Span::from_minutes(2)).await;
    let (walk, more) = after_a_code(&server, ANN).await;
    assert_eq!(more.json()["next"], json!(["security_key"]));
    sign(&walk, &mut device).await.expect(200);
}

#[tokio::test]
async fn p12_a_password_that_may_not_begin_is_refused_right_or_wrong() {
    let server = TestServer::with(|config| {
        with_passwords(config);
        let start = Some(vec![BeginningSetting::Mail]);
        config.realms[0].policy = PolicySettings { start, ..PolicySettings::default() };
    })
    .await;
    register(&server, ANN, GOOD).await;
    let (walk, _) = begin(&server, &json!({"email": ANN})).await;
    for password in [GOOD, OTHER] {
        crate::passwords::sign_in(&server, ANN, password).await.refused(409, "method_not_offered");
        walk.step(json!({"method": "password", "password": password}))
            .await
            .refused(409, "method_not_offered");
    }
}

#[tokio::test]
async fn p24_a_password_that_was_wished_counts_only_with_the_session_that_brings_it() {
    let server = TestServer::with(least(LevelSetting::Aal2)).await;
    let started = post(&server, "register", json!({"email": ANN, "password": GOOD})).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    let refused = server.app("club").verify(&started, &code).await.refused(401, "more_needed");
    let on = refused.json()["sign_in"].clone();
    assert_eq!((&on["done"], &on["enrol"]), (&json!(["code"]), &json!(["passkey"])));
    assert_eq!((credentials(&server).await, count_sessions(&server).await), (0, 0));
}

#[tokio::test]
async fn an_idempotency_key_makes_one_mail_of_a_sign_in_no_other() {
    let server = TestServer::with(with_much).await;
    for address in [ANN, STRANGER] {
        let app = server.app("club").with("idempotency-key", "the same");
        let begun = app.post("/v1/sign-in", &json!({"email": address})).await.expect(201);
        let step = json!({"method": "mail", "binding": begun.text("binding")});
        app.post(&format!("/v1/sign-in/{}", begun.text("id")), &step).await.expect(202);
        server.mail_to(address).await.code();
    }
}

#[tokio::test]
async fn p23_a_mailed_link_takes_back_what_a_mailbox_alone_made_and_no_more() {
    let server = TestServer::with(|config| {
        with_much(config);
        config.realms.clear();
    })
    .await;
    // A passkey that another passkey vouched for stays, whoever reads the mailbox and presses the link.
    let (_, mut device) = with_passkey(&server, ANN).await;
    server.advance(Span::from_minutes(2)).await;
    let person = sessions::sign_in_with(&server, &mut device).await;
    let told = loop {
        let mail = server.mail_to(ANN).await;
        if mail.mail.rendered.subject.contains("New sign-in") {
            break mail;
        }
    };
    let options = person.tell(&server, Method::POST, "/v1/me/credentials/passkey/options", &json!({})).await;
    let made = Device::new().create(ISSUER, &options.expect(200).json()).await.unwrap();
    person.tell(&server, Method::POST, "/v1/me/credentials/passkey", &made).await.expect(201);
    server.anybody().form(&told.link(), "").await.expect(200);
    assert_eq!(credentials(&server).await, 2);
    assert!(!person.is_in(&server).await);
}

#[tokio::test]
async fn p26_a_disowned_sign_in_leaves_no_password_no_address_and_no_trusted_browser() {
    let server = TestServer::with(|config| {
        with_passwords(config);
        config.limits.publishable_requests_per_network_per_minute = 10_000;
        config.realms[0].new_device_mail = Some(true);
        config.realms[0].policy.trusted_device_days = Some(30);
    })
    .await;
    let mut own_browser = Jar::default();
    own_browser.sign_in(&server, ANN).await;
    server.advance(Span::from_minutes(2)).await;
    let (_, cookie) = browser(&server, ANN, None).await;
    let told = server.mail_to(ANN).await;
    let body = json!({"password": OTHER});
    own(&server, &cookie, Method::PUT, "/v1/me/password", body).await.expect(204);
    // Whoever begins to make a factor after signing out is thrown out too.
    let walk = {
        let (walk, _) = begin(&server, &json!({"email": ANN, "acr_values": ["aal2"]})).await;
        walk.step(json!({"method": "password", "password": OTHER})).await.expect(202);
        walk
    };
    own(&server, &cookie, Method::DELETE, "/v1/session", Value::Null).await.expect(204);
    let (late, _) = begin(&server, &json!({"email": ANN, "acr_values": ["aal2"]})).await;
    late.step(json!({"method": "password", "password": OTHER})).await.expect(202);
    server.anybody().form(&told.link(), "").await.expect(200);
    for walk in [walk, late] {
        walk.step(json!({"method": "new_totp_options"})).await.refused(410, "sign_in_over");
    }
    crate::passwords::sign_in(&server, ANN, OTHER).await.refused(401, "invalid_password");
    assert!(server.query("SELECT user_id FROM user_password").await.is_empty());
    assert!(own_browser.is_in(&server).await);
}

#[tokio::test]
async fn p22_a_recovery_code_and_a_mailbox_lead_to_a_new_passkey_where_two_factors_are_wanted() {
    let server = TestServer::with(|config| {
        with_much(config);
        config.realms = vec![quiet("default")];
    })
    .await;
    let (_, codes) = with_app(&server, ANN).await;
    let (walk, _) = begin(&server, &json!({"email": ANN, "acr_values": ["aal2"]})).await;
    let code = walk.mailed(ANN).await;
    walk.step(json!({"method": "code", "code": code})).await.expect(202);
    let more = walk.step(json!({"method": "recovery_code", "code": codes[0]})).await.expect(202);
    assert_eq!((&more.json()["next"], &more.json()["enrol"]), (&json!([]), &json!(["passkey"])));
    let options = walk.step(json!({"method": "new_passkey_options"})).await.expect(202).json();
    let made = Device::new().create(ISSUER, &options["new_passkey"]).await.unwrap();
    let signed_in = walk.step(json!({"method": "new_passkey", "credential": made})).await.expect(200);
    assert_eq!(signed_in.text("acr"), "aal2");
}

#[tokio::test]
async fn a_step_up_from_an_old_session_comes_to_its_end_and_never_below_it() {
    let server = TestServer::with(with_passwords).await;
    register(&server, ANN, GOOD).await;
    let (_, cookie) = browser(&server, ANN, None).await;
    server.advance(Span::from_minutes(11)).await;
    let page = page(&server, ISSUER, &cookie);
    let begun = page.post("/v1/sign-in", &json!({"step_up": true, "acr_values": ["aal2"]})).await.expect(201);
    assert_eq!(begun.json()["next"], json!(["password"]));
    // What was shown long ago makes no factor: it is shown anew, and then one is made.
    let more = step(&page, &begun, json!({"method": "password", "password": GOOD})).await.expect(202);
    assert_eq!(
        (&more.json()["done"], &more.json()["enrol"]),
        (&json!(["password"]), &json!(["passkey", "totp"]))
    );
    step(&page, &begun, json!({"method": "new_passkey_options"})).await.expect(202);
    // No step-up ends in less than the session was worth.
    let (_, cookie) = browser(&server, ANN, Some(GOOD)).await;
    let page = self::page(&server, ISSUER, &cookie);
    let begun = page.post("/v1/sign-in", &json!({"step_up": true, "max_age": 0})).await.expect(201);
    assert_eq!(begun.json()["done"], json!([]));
    step(&page, &begun, json!({"method": "mail"})).await.expect(202);
    let code = server.mail_to(ANN).await.code();
    let more = step(&page, &begun, json!({"method": "code", "code": code})).await.expect(202);
    assert_eq!(more.json()["next"], json!(["password"]));
}
