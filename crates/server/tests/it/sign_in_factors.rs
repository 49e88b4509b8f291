//! `/v1/sign-in` with what people have beside a mailbox: passkeys, apps that show codes, recovery codes, and what is made
//! on the way.

use std::sync::Arc;

use countersign_domain::time::Span;
use countersign_server::config::LevelSetting;
use serde_json::{Value, json};

use crate::{
    enumeration::masked,
    passkeys::{credentials, with_passkey},
    second_factors::{self, Authenticator},
    sessions,
    sign_ins::{Walk, begin, least, sessions as count_sessions},
    support::{Answer, TestServer, World, authenticator::Device, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! {
    p21_of_many_sign_ins_with_one_totp_one_begins_a_session
    p23_who_lacks_a_passkey_makes_one_on_the_way
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

/// Signs with a device where a step asks for it.
pub(crate) async fn sign(walk: &Walk<'_>, device: &mut Device) -> Answer {
    let options = walk.step(json!({"method": "passkey_options"})).await.expect(202).json();
    let credential = device.get(ISSUER, &options["passkey"]).await.unwrap();
    walk.step(json!({"method": "passkey", "credential": credential})).await
}

/// A sign-in in which a mailed code was right, and was not enough.
pub(crate) async fn after_a_code<'a>(server: &'a TestServer, address: &str) -> (Walk<'a>, Answer) {
    let (walk, _) = begin(server, &json!({"email": address})).await;
    let code = walk.mailed(address).await;
    let more = walk.step(json!({"method": "code", "code": code})).await.expect(202);
    (walk, more)
}

/// Somebody with an app that shows codes, and recovery codes.
pub(crate) async fn with_app(server: &TestServer, address: &str) -> (Authenticator, Vec<String>) {
    let person = sessions::sign_in(server, ISSUER, address, "").await;
    let (app, answer) = second_factors::enrol(server, &person).await;
    server.advance(Span::from_minutes(1)).await;
    (app, second_factors::codes(&answer))
}

fn members(answer: &Answer) -> [Value; 3] {
    ["done", "next", "enrol"].map(|member| answer.json()[member].clone())
}

#[tokio::test]
async fn p15_a_passkey_signs_in_without_a_name_and_its_answer_works_once() {
    let server = second_factors::server().await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let (walk, begun) = begin(&server, &json!({})).await;
    assert!(begun.json()["next"].as_array().unwrap().contains(&json!("passkey")));
    let options = walk.step(json!({"method": "passkey_options"})).await.expect(202).json();
    let credential = device.get(ISSUER, &options["passkey"]).await.unwrap();
    let step = json!({"method": "passkey", "credential": credential});
    // The same answer in another sign-in is an answer to nothing there.
    let (other, _) = begin(&server, &json!({})).await;
    other.step(step.clone()).await.refused(410, "ceremony_over");
    let signed_in = walk.step(step.clone()).await.expect(200);
    assert_eq!(
        (signed_in.text("acr"), signed_in.json()["amr"].clone()),
        ("aal2".into(), json!(["pop", "user", "mfa"]))
    );
    walk.step(step).await.refused(410, "ceremony_over");
    // Somebody who is known by their passkey is the same as by their mailbox.
    let (again, _) = after_a_code(&server, ANN).await;
    let also = sign(&again, &mut device).await.expect(200);
    assert_eq!(signed_in.text("subject"), also.text("subject"));
}

#[tokio::test]
async fn p19_a_sign_in_by_name_takes_no_one_elses_passkey_and_asks_everybody_the_same() {
    let server = second_factors::server().await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    with_passkey(&server, BOB).await;
    let before = count_sessions(&server).await;
    let mut asked = Vec::new();
    for name in [json!({"email": ANN}), json!({"email": "new@mail.example"}), json!({})] {
        let (walk, _) = begin(&server, &name).await;
        asked.push(masked(&walk.step(json!({"method": "passkey_options"})).await.expect(202)));
    }
    assert!(asked.iter().all(|options| *options == asked[0]), "{asked:#?}");
    for name in [BOB, "new@mail.example"] {
        let (walk, _) = begin(&server, &json!({"email": name})).await;
        sign(&walk, &mut device).await.refused(401, "invalid_passkey");
    }
    // After a first proof of somebody else's, the device is asked for a key that it has not got.
    let (walk, _) = after_a_code(&server, BOB).await;
    let options = walk.step(json!({"method": "passkey_options"})).await.expect(202).json();
    assert_eq!(options["passkey"]["allowCredentials"].as_array().unwrap().len(), 1);
    assert!(device.get(ISSUER, &options["passkey"]).await.is_err());
    let mut open = options["passkey"].clone();
    open["allowCredentials"] = json!([]);
    let credential = device.get(ISSUER, &open).await.unwrap();
    walk.step(json!({"method": "passkey", "credential": credential})).await.refused(401, "invalid_passkey");
    assert_eq!(count_sessions(&server).await, before);
}

#[tokio::test]
async fn p23_a_mail_is_not_enough_for_who_has_a_factor_by_any_route() {
    let server = second_factors::server().await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let before = count_sessions(&server).await;
    let (walk, more) = after_a_code(&server, ANN).await;
    assert_eq!(members(&more), [json!(["code"]), json!(["passkey"]), Value::Null]);
    for method in ["mail", "totp_", "new_passkey_options", "new_totp_options"] {
        let step = walk.step(json!({"method": method})).await;
        assert!([409, 422].contains(&step.status.as_u16()), "{method}: {}", step.status);
    }
    walk.step(json!({"method": "totp", "code": "123456"})).await.refused(409, "method_not_offered");
    let started = server.app("club").start(ANN).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    let refused = server.app("club").verify(&started, &code).await.refused(401, "more_needed");
    assert_eq!(refused.json()["sign_in"]["next"], json!(["passkey"]));
    assert_eq!(count_sessions(&server).await, before);
    let signed_in = sign(&walk, &mut device).await.expect(200);
    assert_eq!(signed_in.text("acr"), "aal2");
}

#[tokio::test]
async fn p21_a_totp_or_a_recovery_code_follows_a_mail_once_each() {
    let server = second_factors::server().await;
    let (app, codes) = with_app(&server, ANN).await;
    let (walk, more) = after_a_code(&server, ANN).await;
    assert_eq!(more.json()["next"], json!(["totp", "recovery_code"]));
    walk.step(json!({"method": "totp", "code": "000000"})).await.refused(401, "invalid_code");
    let code = app.shows(&server, 0);
    let signed_in = walk.step(json!({"method": "totp", "code": code})).await.expect(200);
    assert_eq!((signed_in.text("acr"), signed_in.json()["amr"].clone()), ("aal1".into(), json!(["otp"])));
    // The code was seen.
    let (walk, _) = after_a_code(&server, ANN).await;
    walk.step(json!({"method": "totp", "code": code})).await.refused(401, "invalid_code");
    let recovery = json!({"method": "recovery_code", "code": codes[3]});
    walk.step(recovery.clone()).await.expect(200);
    while !server.mail_to(ANN).await.mail.rendered.subject.contains("recovery code was used at") {}
    let (walk, _) = after_a_code(&server, ANN).await;
    walk.step(recovery).await.refused(401, "invalid_code");
}

async fn p21_of_many_sign_ins_with_one_totp_one_begins_a_session(world: World) {
    let server = Arc::new(world.node_with(second_factors::with_much).await);
    let (app, _) = with_app(&server, ANN).await;
    let before = count_sessions(&server).await;
    let mut walks = Vec::new();
    for _ in 0..6 {
        let (walk, _) = after_a_code(&server, ANN).await;
        walks.push((walk.id, walk.binding));
        // Mails to one person have a pace.
        server.advance(Span::from_minutes(2)).await;
    }
    let code = app.shows(&server, 0);
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let (id, binding) = walks[number % walks.len()].clone();
            let (server, code) = (Arc::clone(&server), code.clone());
            tokio::spawn(async move {
                let walk = Walk { server: &server, id, binding };
                walk.step(json!({"method": "totp", "code": code})).await.status.as_u16()
            })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        let status = task.await.unwrap();
        assert!([200, 401, 410, 429, 503].contains(&status), "{status}");
        won += usize::from(status == 200);
    }
    assert_eq!((won, count_sessions(&server).await), (1, before + 1));
}

async fn p23_who_lacks_a_passkey_makes_one_on_the_way(world: World) {
    let server = world.node_with(least(LevelSetting::Aal2)).await;
    let (walk, more) = after_a_code(&server, ANN).await;
    assert_eq!(members(&more), [json!(["code"]), json!([]), json!(["passkey"])]);
    walk.step(json!({"method": "new_totp_options"})).await.refused(409, "method_not_offered");
    let options = walk.step(json!({"method": "new_passkey_options"})).await.expect(202).json();
    assert_eq!(options["new_passkey"]["user"]["name"], ANN);
    let (mut device, mut touched) = (Device::new(), Device::touched());
    // One that does not know its person is not what was asked for; the question is over.
    let mut lax = options["new_passkey"].clone();
    lax["authenticatorSelection"] = json!({"residentKey": "discouraged", "userVerification": "discouraged"});
    let weak = touched.create(ISSUER, &lax).await.unwrap();
    let new = |credential: Value| json!({"method": "new_passkey", "credential": credential, "label": "Key"});
    walk.step(new(weak.clone())).await.refused(401, "invalid_passkey");
    walk.step(new(weak)).await.refused(410, "ceremony_over");
    assert_eq!((credentials(&server).await, count_sessions(&server).await), (0, 0));
    assert!(server.query("SELECT id FROM realm_user").await.is_empty(), "nobody is made who is not in");
    let options = walk.step(json!({"method": "new_passkey_options"})).await.expect(202).json();
    let made = device.create(ISSUER, &options["new_passkey"]).await.unwrap();
    let signed_in = walk.step(new(made.clone())).await.expect(200);
    assert_eq!(signed_in.text("acr"), "aal2");
    assert_eq!((credentials(&server).await, count_sessions(&server).await), (1, 1));
    walk.step(new(made)).await.refused(410, "sign_in_over");
    // From now on it is asked for, and enough.
    let (walk, _) = begin(&server, &json!({})).await;
    let again = sign(&walk, &mut device).await.expect(200);
    assert_eq!(again.text("subject"), signed_in.text("subject"));
    let (walk, more) = after_a_code(&server, ANN).await;
    assert_eq!(members(&more), [json!(["code"]), json!(["passkey"]), Value::Null]);
    walk.step(json!({"method": "new_passkey_options"})).await.refused(409, "method_not_offered");
}

#[tokio::test]
async fn p23_an_app_that_shows_codes_is_added_on_the_way_with_its_first_code() {
    let server = TestServer::with(least(LevelSetting::Aal1)).await;
    let (walk, more) = after_a_code(&server, ANN).await;
    assert_eq!(more.json()["enrol"], json!(["passkey", "totp"]));
    let options = walk.step(json!({"method": "new_totp_options"})).await.expect(202).json();
    let new = options["new_totp"].clone();
    assert!(
        new["uri"].as_str().unwrap().contains("ann%40mail.example")
            && new["qr_svg"].as_str().unwrap().contains("<svg")
    );
    let secret = data_encoding::BASE32_NOPAD.decode(new["secret"].as_str().unwrap().as_bytes()).unwrap();
    let step = |code: &str| json!({"method": "new_totp", "ceremony": new["ceremony"], "code": code});
    walk.step(step("000000")).await.refused(401, "invalid_code");
    assert_eq!(count_sessions(&server).await, 0);
    let shown = Authenticator::with(secret).shows(&server, 0);
    let signed_in = walk.step(step(&shown)).await.expect(200);
    assert_eq!(signed_in.text("acr"), "aal1");
    assert_eq!((credentials(&server).await, count_sessions(&server).await), (1, 1));
    let (walk, more) = after_a_code(&server, ANN).await;
    assert_eq!(more.json()["next"], json!(["totp"]));
    walk.step(step(&shown)).await.refused(409, "method_not_offered");
}

#[tokio::test]
async fn p20_what_was_under_way_with_fewer_factors_is_over_when_one_is_made() {
    let server = TestServer::with(least(LevelSetting::Aal2)).await;
    let (walk, _) = after_a_code(&server, ANN).await;
    let options = walk.step(json!({"method": "new_passkey_options"})).await.expect(202).json();
    let made = Device::new().create(ISSUER, &options["new_passkey"]).await.unwrap();
    walk.step(json!({"method": "new_passkey", "credential": made})).await.expect(200);
    server.advance(Span::from_minutes(2)).await;
    // Two sign-ins of somebody known, one of which adds a factor.
    let server = TestServer::with(least(LevelSetting::Aal1)).await;
    sign_up_with_password(&server).await;
    let server = &server;
    let level = json!({"email": ANN, "acr_values": ["aal2"]});
    let mut walks = Vec::new();
    for _ in 0..2 {
        let (walk, _) = begin(server, &level).await;
        let more =
            walk.step(json!({"method": "password", "password": crate::passwords::GOOD})).await.expect(202);
        assert_eq!(more.json()["enrol"], json!(["passkey", "totp"]));
        let options = walk.step(json!({"method": "new_passkey_options"})).await.expect(202).json();
        let made = Device::new().create(ISSUER, &options["new_passkey"]).await.unwrap();
        walks.push((walk, json!({"method": "new_passkey", "credential": made})));
    }
    let [(first, made), (second, also)] = &walks[..] else { panic!("two") };
    first.step(made.clone()).await.expect(200);
    second.step(also.clone()).await.refused(410, "sign_in_over");
    assert_eq!(credentials(server).await, 1);
}

async fn sign_up_with_password(server: &TestServer) {
    crate::passwords::register(server, ANN, crate::passwords::GOOD).await;
}

#[tokio::test]
async fn p28_who_is_switched_off_before_the_second_proof_is_not_let_in() {
    let server = second_factors::server().await;
    let (app, _) = with_app(&server, ANN).await;
    let (walk, _) = after_a_code(&server, ANN).await;
    server.spoil_any("UPDATE realm_user SET status = 'disabled'").await;
    let code = app.shows(&server, 0);
    walk.step(json!({"method": "totp", "code": code})).await.refused(403, "user_disabled");
}

#[tokio::test]
async fn p04_wrong_totps_of_all_sign_ins_share_a_budget() {
    let server = second_factors::server().await;
    let (app, _) = with_app(&server, ANN).await;
    let mut refused = 0;
    'walks: for _ in 0..10 {
        let (walk, _) = after_a_code(&server, ANN).await;
        for _ in 0..10 {
            let answer = walk.step(json!({"method": "totp", "code": "000000"})).await;
            match answer.status.as_u16() {
                401 => refused += 1,
                429 => {
                    let code = app.shows(&server, 0);
                    walk.step(json!({"method": "totp", "code": code}))
                        .await
                        .refused(429, "too_many_attempts");
                    break 'walks;
                }
                other => panic!("{other}"),
            }
        }
        server.advance(Span::from_minutes(2)).await;
    }
    assert!((1..100).contains(&refused), "{refused} wrong codes");
}
