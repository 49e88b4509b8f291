//! `/v1/sign-in`: proofs in any order, and no session below the policy.

use std::sync::Arc;

use countersign_domain::time::Span;
use countersign_server::config::{
    BeginningSetting, Config, LevelSetting, PolicySettings, ProfileSetting, RealmSettings,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::{CLUB, is_good},
    admin::local,
    enumeration::masked,
    flow::sign_in,
    passwords::{GOOD, OTHER, browser, own, register, with_passwords},
    support::{
        Answer, Caller, TestServer, World,
        backend::on_every_engine,
        settings::{ISSUER, publishable_key},
    },
};

on_every_engine! {
    p03_of_many_right_codes_of_one_sign_in_one_begins_a_session
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

pub(crate) fn least(level: LevelSetting) -> impl FnOnce(&mut Config) {
    move |config| {
        with_passwords(config);
        let policy = PolicySettings { least: Some(level), ..PolicySettings::default() };
        let [realm] = &mut config.realms[..] else { panic!("one realm") };
        *realm = RealmSettings { policy, ..realm.clone() };
    }
}

/// A sign-in under way.
pub(crate) struct Walk<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) id: String,
    pub(crate) binding: String,
}

pub(crate) async fn begin<'a>(server: &'a TestServer, body: &Value) -> (Walk<'a>, Answer) {
    let begun = server.app("club").post("/v1/sign-in", body).await.expect(201);
    (Walk { server, id: begun.text("id"), binding: begun.text("binding") }, begun)
}

impl Walk<'_> {
    pub(crate) async fn step(&self, body: Value) -> Answer {
        let mut body = body;
        body["binding"] = self.binding.clone().into();
        self.server.app("club").post(&format!("/v1/sign-in/{}", self.id), &body).await
    }

    /// Asks for a mail and gives its code.
    pub(crate) async fn mailed(&self, address: &str) -> String {
        let mailed = self.step(json!({"method": "mail"})).await.expect(202);
        assert!(mailed.json()["challenge"]["id"].as_str().unwrap().starts_with("chl_"));
        loop {
            // Notices have none.
            if let Some(code) = self.server.mail_to(address).await.find_code() {
                return code;
            }
        }
    }
}

pub(crate) async fn sessions(server: &TestServer) -> usize {
    server.query("SELECT id FROM session").await.len()
}

#[tokio::test]
async fn a_mailed_code_is_a_walk_of_two_steps() {
    let server = TestServer::with(with_passwords).await;
    let (walk, begun) = begin(&server, &json!({"email": ANN})).await;
    assert_eq!(begun.json()["next"], json!(["passkey", "password", "mail"]));
    assert_eq!(begun.json()["done"], json!([]));
    let code = walk.mailed(ANN).await;
    walk.step(json!({"method": "code", "code": "000000"})).await.refused(401, "invalid_code");
    let signed_in = walk.step(json!({"method": "code", "code": code})).await.expect(200);
    assert_eq!(signed_in.text("acr"), "urn:countersign:mailbox");
    assert!(is_good(&server, &signed_in.text("access_token")).await);
    walk.step(json!({"method": "code", "code": code})).await.refused(410, "sign_in_over");
    assert!(server.query("SELECT id FROM pending_sign_in").await.is_empty());
}

#[tokio::test]
async fn p12_a_beginning_says_the_same_to_everybody() {
    let server = TestServer::with(with_passwords).await;
    register(&server, ANN, GOOD).await;
    let (_, known) = begin(&server, &json!({"email": ANN})).await;
    let (_, unknown) = begin(&server, &json!({"email": BOB})).await;
    let (_, nobody) = begin(&server, &json!({})).await;
    assert_eq!(masked(&known), masked(&unknown));
    assert_eq!(masked(&known), masked(&nobody));
    assert_eq!(known.json()["next"], unknown.json()["next"]);
}

#[tokio::test]
async fn p23_a_policy_of_one_authenticator_holds_in_every_order_and_by_every_route() {
    let server = TestServer::with(least(LevelSetting::Aal1)).await;
    let registered = register(&server, ANN, GOOD).await;
    assert_eq!(registered.text("acr"), "aal1", "the password that was chosen just now counts");
    let began = sessions(&server).await;

    // A code first: the password follows.
    let (walk, _) = begin(&server, &json!({"email": ANN})).await;
    let code = walk.mailed(ANN).await;
    let more = walk.step(json!({"method": "code", "code": code})).await.expect(202);
    assert_eq!(
        (more.json()["done"].clone(), more.json()["next"].clone()),
        (json!(["code"]), json!(["password"]))
    );
    assert_eq!(sessions(&server).await, began, "not enough yet");
    walk.step(json!({"method": "mail"})).await.refused(409, "method_not_offered");
    walk.step(json!({"method": "password", "password": OTHER})).await.refused(401, "invalid_password");
    let signed_in = walk.step(json!({"method": "password", "password": GOOD})).await.expect(200);
    assert_eq!(
        (signed_in.text("acr"), signed_in.json()["amr"].clone()),
        ("aal1".into(), json!(["otp", "pwd"]))
    );

    // The password first: enough.
    let (walk, _) = begin(&server, &json!({"email": ANN})).await;
    walk.step(json!({"method": "password", "password": GOOD})).await.expect(200);

    // By the routes that know no walks.
    let started = server.app("club").start(ANN).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    let refused = server.app("club").verify(&started, &code).await.refused(401, "more_needed");
    let on = &refused.json()["sign_in"];
    assert_eq!(on["next"], json!(["password"]));
    let text = |member: &str| on[member].as_str().unwrap().to_owned();
    let walk = Walk { server: &server, id: text("id"), binding: text("binding") };
    walk.step(json!({"method": "password", "password": GOOD})).await.expect(200);
    let (email, code) = {
        let started = server.app("club").start(ANN).await.expect(201);
        drop(started);
        (ANN, server.mail_to(ANN).await.code())
    };
    let by_address = json!({"email": email, "code": code});
    server.app("club").post("/v1/verify", &by_address).await.refused(401, "more_needed");
    assert_eq!(sessions(&server).await, began + 3);
}

#[tokio::test]
async fn p23_who_has_nothing_that_is_enough_gets_no_session_and_is_told_what_to_make() {
    let level2 = least(LevelSetting::Aal2);
    let server = TestServer::with(level2).await;
    for address in [ANN, BOB] {
        let (walk, _) = begin(&server, &json!({"email": address})).await;
        let code = walk.mailed(address).await;
        let more = walk.step(json!({"method": "code", "code": code})).await.expect(202);
        assert_eq!(
            (more.json()["next"].clone(), more.json()["enrol"].clone()),
            (json!([]), json!(["passkey"]))
        );
        walk.step(json!({"method": "password", "password": GOOD})).await.refused(409, "method_not_offered");
    }
    assert_eq!(sessions(&server).await, 0);
    assert!(server.query("SELECT id FROM realm_user").await.is_empty(), "nobody is made who is not in");
}

#[tokio::test]
async fn the_profile_of_asvs_level_3_takes_no_mail_as_an_authenticator() {
    let server = TestServer::with(|config| {
        with_passwords(config);
        config.server.profile = ProfileSetting::AsvsLevel3;
    })
    .await;
    let started = server.app("club").start(ANN).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    let refused = server.app("club").verify(&started, &code).await.refused(401, "more_needed");
    assert_eq!(refused.json()["sign_in"]["enrol"], json!(["passkey"]));
    assert_eq!(sessions(&server).await, 0);
}

#[tokio::test]
async fn what_may_begin_is_the_operators_to_say() {
    let server = TestServer::with(|config| {
        with_passwords(config);
        let start = Some(vec![BeginningSetting::Password]);
        config.realms[0].policy = PolicySettings { start, ..PolicySettings::default() };
    })
    .await;
    let (walk, begun) = begin(&server, &json!({"email": ANN})).await;
    assert_eq!(begun.json()["next"], json!(["password"]));
    walk.step(json!({"method": "mail"})).await.refused(409, "method_not_offered");
    server.app("club").start(ANN).await.refused(409, "method_not_offered");
    server.no_mail_to(ANN).await;
}

#[tokio::test]
async fn a_walk_is_for_who_began_it_and_for_a_quarter_of_an_hour() {
    let server = TestServer::with(least(LevelSetting::Aal1)).await;
    register(&server, ANN, GOOD).await;
    let (walk, _) = begin(&server, &json!({"email": ANN})).await;
    let (other, _) = begin(&server, &json!({"email": ANN})).await;
    let password = json!({"method": "password", "password": GOOD});
    let crossed = Walk { server: &server, id: walk.id.clone(), binding: other.binding.clone() };
    crossed.step(password.clone()).await.refused(410, "sign_in_over");
    let mut body = password.clone();
    body["binding"] = walk.binding.clone().into();
    let path = format!("/v1/sign-in/{}", walk.id);
    server.app("shop").post(&path, &body).await.refused(410, "sign_in_over");
    server.app("club").post("/v1/sign-in/sgn_x", &body).await.refused(410, "sign_in_over");
    server.advance(Span::from_minutes(14)).await;
    walk.step(password.clone()).await.expect(200);
    server.advance(Span::from_minutes(2)).await;
    other.step(password).await.refused(410, "sign_in_over");
}

#[tokio::test]
async fn p28_who_is_switched_off_between_two_proofs_is_not_let_in() {
    let server = TestServer::with(least(LevelSetting::Aal1)).await;
    register(&server, ANN, GOOD).await;
    let (walk, _) = begin(&server, &json!({"email": ANN})).await;
    let code = walk.mailed(ANN).await;
    walk.step(json!({"method": "code", "code": code})).await.expect(202);
    server.spoil_any("UPDATE realm_user SET status = 'disabled'").await;
    walk.step(json!({"method": "password", "password": GOOD})).await.refused(403, "user_disabled");
}

#[tokio::test]
async fn p28_taking_tokens_back_ends_what_is_half_proven() {
    for by_subject in [true, false] {
        let server = TestServer::with(least(LevelSetting::Aal1)).await;
        register(&server, ANN, GOOD).await;
        register(&server, BOB, GOOD).await;
        let subject = sign_in_by_password(&server, ANN).await.text("subject");
        let (walk, _) = begin(&server, &json!({"email": ANN})).await;
        let (other, _) = begin(&server, &json!({"email": BOB})).await;
        for (walk, address) in [(&walk, ANN), (&other, BOB)] {
            let code = walk.mailed(address).await;
            walk.step(json!({"method": "code", "code": code})).await.expect(202);
        }
        let whose =
            if by_subject { json!({"app": "club", "subject": subject}) } else { json!({"app": "club"}) };
        local(&server).post("/v1/admin/revocations", &whose).await.expect(201);
        let password = json!({"method": "password", "password": GOOD});
        walk.step(password.clone()).await.refused(410, "sign_in_over");
        let theirs = other.step(password).await;
        assert_eq!(theirs.status.as_u16(), if by_subject { 200 } else { 410 });
        sign_in_by_password(&server, ANN).await;
    }
}

async fn sign_in_by_password(server: &TestServer, address: &str) -> Answer {
    let (walk, _) = begin(server, &json!({"email": address})).await;
    walk.step(json!({"method": "password", "password": GOOD})).await.expect(200)
}

async fn p03_of_many_right_codes_of_one_sign_in_one_begins_a_session(world: World) {
    let server = Arc::new(world.node_with(with_passwords).await);
    let (walk, _) = begin(&server, &json!({"email": ANN})).await;
    let code = walk.mailed(ANN).await;
    let (id, binding) = (walk.id.clone(), walk.binding.clone());
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (server, id, binding, code) =
                (Arc::clone(&server), id.clone(), binding.clone(), code.clone());
            tokio::spawn(async move {
                let walk = Walk { server: &server, id, binding };
                walk.step(json!({"method": "code", "code": code})).await.status.as_u16()
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        let status = task.await.unwrap();
        assert!([200, 410, 503].contains(&status), "{status}");
        won += usize::from(status == 200);
    }
    assert_eq!((won, sessions(&server).await), (1, 1));
}

#[tokio::test]
async fn p26_a_step_up_adds_what_lacks_and_replaces_the_session() {
    let server = TestServer::with(with_passwords).await;
    register(&server, ANN, GOOD).await;
    let (_, cookie) = browser(&server, ANN, None).await;
    let page = |cookie: &str| {
        server.calls(Caller::Publishable(publishable_key("club"), ISSUER)).with("cookie", cookie)
    };
    let body = json!({"step_up": true, "acr_values": ["aal1"]});
    page("a=b").post("/v1/sign-in", &body).await.refused(401, "session_over");
    let begun = page(&cookie).post("/v1/sign-in", &body).await.expect(201);
    assert_eq!(
        (begun.json()["done"].clone(), begun.json()["next"].clone()),
        (json!(["code"]), json!(["password"]))
    );
    let step = json!({"method": "password", "password": GOOD, "binding": begun.text("binding")});
    let path = format!("/v1/sign-in/{}", begun.text("id"));
    let stronger = page(&cookie).post(&path, &step).await.expect(200);
    assert_eq!(stronger.text("acr"), "aal1");
    let renewed = stronger.header("set-cookie").split(';').next().unwrap().to_owned();
    own(&server, &cookie, Method::GET, "/v1/session", Value::Null).await.refused(401, "session_over");
    let session = own(&server, &renewed, Method::GET, "/v1/session", Value::Null).await.expect(200);
    assert_eq!(session.json()["amr"], json!(["otp", "pwd"]));
    page(&renewed).post("/v1/sign-in", &body).await.refused(422, "invalid_member");
    // What is older than the app wants is proven anew.
    server.advance(Span::from_minutes(10)).await;
    let aged = json!({"step_up": true, "max_age": 60});
    let begun = page(&renewed).post("/v1/sign-in", &aged).await.expect(201);
    assert_eq!(begun.json()["done"], json!([]));
}

#[tokio::test]
async fn what_makes_no_sense_is_told_apart() {
    let server = TestServer::with(with_passwords).await;
    let app = server.app("club");
    for (body, member) in [
        (json!({"email": "nobody"}), "email"),
        (json!({"email": ANN, "acr_values": ["aal3"]}), "acr_values"),
        (json!({"email": ANN, "max_age": 5}), "max_age"),
    ] {
        assert_eq!(app.post("/v1/sign-in", &body).await.expect(422).text("member"), member);
    }
    app.post("/v1/sign-in", &json!({"step_up": true})).await.refused(403, "api_key_kind");
    app.post("/v1/sign-in", &json!({"odd": 1})).await.refused(422, "invalid_request");
    server.app("shop").post("/v1/sign-in", &json!({})).await.refused(422, "invalid_member");
    let (walk, _) = begin(&server, &json!({})).await;
    walk.step(json!({"method": "mail"})).await.refused(422, "invalid_member");
    walk.step(json!({"method": "guess"})).await.refused(422, "invalid_request");
    walk.step(json!({"method": "code", "code": "123456"})).await.refused(409, "method_not_offered");
    let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB));
    page.post("/v1/sign-in", &json!({"email": ANN})).await.expect(201);
    sign_in(&server, "club", ANN).await;
}
