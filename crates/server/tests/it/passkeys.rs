//! Passkeys and security keys at a person's own account, made by somebody else's authenticator: how one is added, and what
//! nobody can add.

use countersign_domain::time::Span;
use data_encoding::BASE64URL_NOPAD;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::with_club,
    passwords::{browser, own},
    support::{Answer, TestServer, World, authenticator::Device, backend::on_every_engine, settings::ISSUER},
};

pub(crate) const ANN: &str = "ann@mail.example";
pub(crate) const BOB: &str = "bob@mail.example";
const OPTIONS: &str = "/v1/me/credentials/passkey/options";
const ADD: &str = "/v1/me/credentials/passkey";

pub(crate) async fn server() -> TestServer {
    TestServer::with(with_club).await
}

/// A browser in which somebody signed in with a mailed code a moment ago.
pub(crate) async fn signed_in(server: &TestServer, address: &str) -> String {
    browser(server, address, None).await.1
}

pub(crate) async fn asked(server: &TestServer, cookie: &str, body: Value) -> Value {
    own(server, cookie, Method::POST, OPTIONS, body).await.expect(200).json()
}

pub(crate) async fn add(server: &TestServer, cookie: &str, answer: Value) -> Answer {
    own(server, cookie, Method::POST, ADD, answer).await
}

/// Somebody with a passkey on a device.
pub(crate) async fn with_passkey(server: &TestServer, address: &str) -> (String, Device) {
    let (cookie, mut device) = (signed_in(server, address).await, Device::new());
    let options = asked(server, &cookie, json!({})).await;
    let mut made = device.create(ISSUER, &options).await.unwrap();
    made["label"] = json!("blue telephone");
    add(server, &cookie, made).await.expect(201);
    server.mail_to(address).await;
    (cookie, device)
}

pub(crate) async fn credentials(server: &TestServer) -> usize {
    server.query("SELECT id FROM credential").await.len()
}

#[tokio::test]
async fn options_and_answers_are_those_of_level_3() {
    let server = server().await;
    let cookie = signed_in(&server, ANN).await;
    let options = asked(&server, &cookie, json!({})).await;
    assert_eq!(options["rp"], json!({"id": "auth.example", "name": "auth.example"}));
    assert_eq!(options["pubKeyCredParams"][0], json!({"type": "public-key", "alg": -8}));
    assert_eq!((&options["attestation"], &options["timeout"]), (&json!("none"), &json!(300_000)));
    let selection = |resident: &str, verification: &str| json!({"residentKey": resident, "requireResidentKey": resident == "required", "userVerification": verification});
    assert_eq!(options["authenticatorSelection"], selection("required", "required"));
    let upgrade = asked(&server, &cookie, json!({"conditional": true})).await;
    assert_eq!(upgrade["authenticatorSelection"], selection("required", "preferred"));
    let key = asked(&server, &cookie, json!({"kind": "security_key"})).await;
    assert_eq!(key["authenticatorSelection"], selection("discouraged", "discouraged"));
    let both = json!({"kind": "security_key", "conditional": true});
    own(&server, &cookie, Method::POST, OPTIONS, both).await.refused(422, "invalid_member");
    own(&server, &cookie, Method::POST, OPTIONS, json!({"kind": "ring"}))
        .await
        .refused(422, "invalid_request");
    // Members that this program does not know are none of its business.
    let mut made = Device::new().create(ISSUER, &options).await.unwrap();
    made["to_come"] = json!({"deep": [1]});
    made["response"]["to_come"] = json!(true);
    let added = add(&server, &cookie, made).await.expect(201);
    assert_eq!((added.text("kind"), added.json().get("label")), ("passkey".into(), None));
}

async fn p16_a_question_is_answered_once_in_its_session_within_five_minutes(world: World) {
    let server = world.node_with(with_club).await;
    let (cookie, other) = (signed_in(&server, ANN).await, signed_in(&server, BOB).await);
    let mut device = Device::new();
    let options = asked(&server, &cookie, json!({})).await;
    let made = device.create(ISSUER, &options).await.unwrap();
    // Another person's session: the question stays, and so does its owner's chance.
    add(&server, &other, made.clone()).await.refused(410, "ceremony_over");
    // A wrong answer ends it: the right one comes too late.
    let mut wrong = made.clone();
    wrong["response"]["attestationObject"] = json!("oA");
    add(&server, &cookie, wrong).await.refused(422, "passkey_not_accepted");
    add(&server, &cookie, made).await.refused(410, "ceremony_over");
    let options = asked(&server, &cookie, json!({})).await;
    let challenge = BASE64URL_NOPAD.decode(options["challenge"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(challenge.len(), 48, "16 that name the question, 32 that nobody knows");
    let late = device.create(ISSUER, &options).await.unwrap();
    server.advance(Span::from_seconds(301)).await;
    add(&server, &cookie, late).await.refused(410, "ceremony_over");
    assert_eq!(credentials(&server).await, 0);
    let options = asked(&server, &cookie, json!({})).await;
    let made = device.create(ISSUER, &options).await.unwrap();
    server.advance(Span::from_seconds(299)).await;
    add(&server, &cookie, made.clone()).await.expect(201);
    add(&server, &cookie, made).await.refused(410, "ceremony_over");
    assert_eq!(credentials(&server).await, 1);
}

async fn p16_of_many_simultaneous_answers_one_is_taken(world: World) {
    let server = world.node_with(with_club).await;
    let cookie = signed_in(&server, ANN).await;
    let options = asked(&server, &cookie, json!({})).await;
    let made = Device::new().create(ISSUER, &options).await.unwrap();
    let tries = futures_util::future::join_all((0..20).map(|_| add(&server, &cookie, made.clone()))).await;
    let taken = tries.iter().filter(|answer| answer.status == 201).count();
    assert_eq!((taken, credentials(&server).await), (1, 1));
}

on_every_engine! {
    p16_a_question_is_answered_once_in_its_session_within_five_minutes
    p16_of_many_simultaneous_answers_one_is_taken
}

#[tokio::test]
async fn p17_what_a_page_of_somebody_else_answers_is_refused_and_changes_nothing() {
    let server = server().await;
    let cookie = signed_in(&server, ANN).await;
    let client = |kind: &str, origin: &str, challenge: &Value, more: Value| {
        let mut data = json!({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false});
        data.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!(BASE64URL_NOPAD.encode(data.to_string().as_bytes()))
    };
    let (create, get, here) = ("webauthn.create", "webauthn.get", ISSUER);
    for (kind, origin, more) in [
        (get, here, json!({})),
        (create, "https://auth.example.evil.example", json!({})),
        (create, "https://sub.auth.example", json!({})),
        (create, "http://auth.example", json!({})),
        (create, here, json!({"crossOrigin": true})),
        (create, here, json!({"topOrigin": here})),
        (create, here, json!({"crossOrigin": 7})),
    ] {
        let options = asked(&server, &cookie, json!({})).await;
        let mut made = Device::new().create(ISSUER, &options).await.unwrap();
        made["response"]["clientDataJSON"] = client(kind, origin, &options["challenge"], more.clone());
        let refused = add(&server, &cookie, made).await.refused(422, "passkey_not_accepted");
        assert!(refused.text("detail").len() > 10, "{kind} {origin} {more}");
    }
    // A touch alone, where the person has to be known.
    let options = asked(&server, &cookie, json!({"kind": "security_key"})).await;
    let mut made = Device::touched().create(ISSUER, &options).await.unwrap();
    let strict = asked(&server, &cookie, json!({})).await;
    made["response"]["clientDataJSON"] = client(create, here, &strict["challenge"], json!({}));
    let refused = add(&server, &cookie, made).await.refused(422, "passkey_not_accepted");
    assert_eq!(refused.text("detail"), "the person was not verified");
    assert_eq!(credentials(&server).await, 0);
    for path in [OPTIONS, ADD] {
        let foreign = server.anybody().with("cookie", &cookie).with("origin", "https://evil.example");
        foreign.post(path, &json!({})).await.refused(403, "origin_not_allowed");
    }
}

#[tokio::test]
async fn p20_a_key_is_added_after_a_fresh_sign_in_alone_and_every_address_is_told() {
    let server = server().await;
    let cookie = signed_in(&server, ANN).await;
    let options = asked(&server, &cookie, json!({})).await;
    let made = Device::new().create(ISSUER, &options).await.unwrap();
    server.advance(Span::from_seconds(601)).await;
    own(&server, &cookie, Method::POST, OPTIONS, json!({})).await.refused(403, "fresh_sign_in_needed");
    add(&server, &cookie, made).await.refused(403, "fresh_sign_in_needed");
    let (cookie, _) = with_passkey(&server, ANN).await;
    // From now on a mailed code is not enough.
    own(&server, &cookie, Method::POST, OPTIONS, json!({})).await.refused(403, "stronger_sign_in_needed");
    assert_eq!(credentials(&server).await, 1);
    own(&server, "", Method::POST, OPTIONS, json!({})).await.refused(401, "session_over");
}

#[tokio::test]
async fn p20_other_sessions_end_with_a_new_passkey_where_that_is_wanted() {
    let server = server().await;
    let (other, cookie) = (signed_in(&server, ANN).await, signed_in(&server, ANN).await);
    let options = asked(&server, &cookie, json!({})).await;
    let mut made = Device::new().create(ISSUER, &options).await.unwrap();
    for label in ["", "two\nlines", &"x".repeat(101)] {
        made["label"] = json!(label);
        add(&server, &cookie, made.clone()).await.refused(422, "invalid_member");
    }
    made["label"] = json!("x".repeat(100));
    made["end_other_sessions"] = json!(true);
    add(&server, &cookie, made).await.expect(201);
    own(&server, &other, Method::GET, "/v1/me", Value::Null).await.refused(401, "session_over");
    own(&server, &cookie, Method::GET, "/v1/me", Value::Null).await.expect(200);
}

#[tokio::test]
async fn browsers_are_told_where_passkeys_are_good_and_which_are_left() {
    let told = TestServer::with(|config| {
        with_club(config);
        config.webauthn.related_origins = vec!["https://club.example".to_owned()];
    })
    .await;
    let anybody = told.anybody();
    let related = anybody.get("/.well-known/webauthn").await.expect(200);
    assert_eq!(related.json(), json!({"origins": [ISSUER, "https://club.example"]}));
    let places = anybody.get("/.well-known/passkey-endpoints").await.expect(200);
    let account = format!("{ISSUER}/account");
    assert_eq!(places.json(), json!({"enroll": account, "manage": account}));
    let (cookie, _) = with_passkey(&told, ANN).await;
    let signal = own(&told, &cookie, Method::GET, "/v1/me/credentials/signal", Value::Null).await.expect(200);
    let (all, details) = (&signal.json()["allAcceptedCredentials"], &signal.json()["currentUserDetails"]);
    assert_eq!(
        (&all["rpId"], all["allAcceptedCredentialIds"].as_array().unwrap().len()),
        (&json!("auth.example"), 1)
    );
    assert_eq!((&details["name"], &details["userId"]), (&json!(ANN), &all["userId"]));
    let without = server().await;
    without.anybody().get("/.well-known/webauthn").await.refused(404, "not_found");
}
