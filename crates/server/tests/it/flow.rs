//! Whole flows, as an app's developer and a person see them.

use countersign_server::{
    config::{AppSettings, DeliverySetting},
    keys::SigningKey,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::{
    Answer, Caller, TestServer,
    fixed::START,
    settings::{self, ISSUER, app, publishable_key, secret_key},
};

const ANN: &str = "ann@mail.example";

/// The claims of a token, verified by a library that is not ours with the key set that the server publishes.
pub(crate) async fn claims_by_key_set(server: &TestServer, token: &str, audience: &str) -> (String, Value) {
    let set = server.anybody().get("/.well-known/jwks.json").await.expect(200);
    let set: JwkSet = serde_json::from_slice(&set.body).unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    let jwk = set.find(&header.kid.unwrap()).expect("the key is published");
    claims(token, &DecodingKey::from_jwk(jwk).unwrap(), header.alg, audience)
}

fn claims(token: &str, key: &DecodingKey, algorithm: Algorithm, audience: &str) -> (String, Value) {
    let mut validation = Validation::new(algorithm);
    // The machine's clock is not the test's.
    validation.validate_exp = false;
    validation.set_audience(&[audience]);
    validation.set_issuer(&[ISSUER]);
    let token = jsonwebtoken::decode::<Value>(token, key, &validation).unwrap();
    (token.header.typ.unwrap(), token.claims)
}

/// Signs a person in by code, and gives the answer with the token.
pub(crate) async fn sign_in(server: &TestServer, app: &str, address: &str) -> Answer {
    server.caught_up().await;
    let started = server.app(app).start(address).await.expect(201);
    let code = server.mail_to(address).await.code();
    server.app(app).verify(&started, &code).await.expect(200)
}

#[tokio::test]
async fn a_mailed_code_becomes_a_token() {
    let server = TestServer::new().await;
    let started = server.app("forum").start(ANN).await.expect(201);
    assert_eq!(started.text("binding").len(), 32);
    assert_eq!(started.text("expires_at"), "2027-01-15T08:10:00Z");
    assert!(started.text("id").starts_with("chl_"));
    let letter = server.mail_to(ANN).await;
    assert!(
        !String::from_utf8_lossy(&started.body).contains(&letter.code()),
        "the code leaves by mail alone"
    );
    assert!(letter.mail.rendered.text.contains("The Forum"), "the mail says who asks");

    let passed = server.app("forum").verify(&started, &letter.code()).await.expect(200);
    assert_eq!(passed.json()["expires_in"], 3600);
    assert_eq!(passed.text("token_type"), "Bearer");
    let token = passed.text("access_token");
    let (kind, claims) = claims_by_key_set(&server, &token, "forum").await;
    assert_eq!(kind, "at+jwt");
    assert_eq!(claims["sub"], passed.text("subject"));
    assert_eq!(claims["iat"], START.seconds());
    assert_eq!(claims["exp"], START.seconds() + 3600);
    assert_eq!(claims["amr"], json!(["otp"]));
    assert_eq!(claims["acr"], "urn:countersign:mailbox");
    assert_eq!(claims.get("email"), None, "the address is told only where the app asked for it");

    let holder = server.calls(Caller::Bearer(token));
    let bare = holder.get("/v1/token").await.expect(200);
    assert_eq!(bare.json(), json!({"active": true, "exp": claims["exp"]}));
    let full = holder.with("countersign-key", &secret_key("forum")).get("/v1/token").await.expect(200);
    assert_eq!(full.json(), claims);

    server.app("forum").verify(&started, &letter.code()).await.refused(410, "challenge_over");
}

#[tokio::test]
async fn a_code_may_be_checked_by_address() {
    let server = TestServer::new().await;
    server.app("shop").start("Ann@Mail.Example").await.expect(201);
    let letter = server.mail_to(ANN).await;
    let body = json!({"email": "ANN@mail.EXAMPLE", "code": format!(" {} ", letter.code())});
    let passed = server.app("shop").post("/v1/verify", &body).await.expect(200);
    claims_by_key_set(&server, &passed.text("access_token"), "shop").await;
    server.app("shop").post("/v1/verify", &body).await.refused(410, "challenge_over");
}

#[tokio::test]
async fn a_browser_signs_in_with_a_publishable_key() {
    let server = TestServer::new().await;
    let browser = server.calls(Caller::Publishable(publishable_key("forum"), settings::ORIGIN));
    let started = browser.start(ANN).await.expect(201);
    let letter = server.mail_to(ANN).await;
    let status = format!("/v1/challenges/{}", started.text("id"));
    assert_eq!(browser.get(&status).await.expect(200).text("status"), "pending");
    let passed = browser.verify(&started, &letter.code()).await.expect(200);
    assert_eq!(passed.header("access-control-allow-origin"), settings::ORIGIN);
    assert_eq!(browser.get(&status).await.expect(200).text("status"), "spent");
}

#[tokio::test]
async fn a_link_pressed_elsewhere_is_redeemed_once() {
    let server = TestServer::new().await;
    let app = server.app("wiki");
    let started = app.start(ANN).await.expect(201);
    let letter = server.mail_to(ANN).await;
    app.redeem(&started).await.refused(409, "not_approved");
    let number = started.text("confirmation_number");
    let page = server.anybody().form(&letter.link(), &format!("number={number}")).await.expect(200);
    assert!(String::from_utf8_lossy(&page.body).contains("Done"));
    let status = format!("/v1/challenges/{}", started.text("id"));
    assert_eq!(app.get(&status).await.expect(200).text("status"), "passed");
    let passed = app.redeem(&started).await.expect(200);
    let (_, claims) = claims_by_key_set(&server, &passed.text("access_token"), "wiki").await;
    assert_eq!(claims["sub"], passed.text("subject"));
    app.redeem(&started).await.refused(410, "challenge_over");
}

#[tokio::test]
async fn p32_a_confirmed_address_is_a_proof_and_no_access_token() {
    let server = TestServer::new().await;
    let app = server.app("forum");
    let body = json!({"to": {"email": ANN}, "purpose": "confirm_address"});
    let started = app.post("/v1/challenges", &body).await.expect(201);
    assert_eq!(started.text("expires_at"), "2027-01-16T08:00:00Z");
    let passed = app.verify(&started, &server.mail_to(ANN).await.code()).await.expect(200);
    assert_eq!(passed.json().get("access_token"), None);
    assert_eq!(passed.json().get("token_type"), None);
    let proof = passed.text("proof");
    let (kind, _) = claims_by_key_set(&server, &proof, "forum").await;
    assert_eq!(kind, "address-proof+jwt");
    server.calls(Caller::Bearer(proof.clone())).get("/v1/token").await.refused(401, "invalid_token");
    let answer = app.form("/oauth2/introspect", &format!("token={proof}")).await.expect(200);
    assert_eq!(answer.json(), json!({"active": false}));
}

#[tokio::test]
async fn an_app_may_ask_for_the_address_and_an_audience() {
    let server = TestServer::with(|config| {
        let audience = Some("https://api.example".to_owned());
        config.apps.push(AppSettings { address_claim: true, audience, ..app("desk") });
    })
    .await;
    let passed = sign_in(&server, "desk", ANN).await;
    let token = passed.text("access_token");
    let (_, claims) = claims_by_key_set(&server, &token, "https://api.example").await;
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(ANN), &json!(true)));
    let holder = server.calls(Caller::Bearer(token));
    holder.get("/v1/token?audience=https%3A%2F%2Fapi.example").await.expect(200);
    holder.get("/v1/token?audience=desk").await.refused(401, "invalid_token");
}

#[tokio::test]
async fn p32_a_shared_secret_is_the_app_s_alone() {
    let server = TestServer::with(|config| {
        config.apps.push(AppSettings { token_algorithm: Some("HS256".to_owned()), ..app("old") });
        config.apps.push(AppSettings { token_algorithm: Some("HS256".to_owned()), ..app("older") });
    })
    .await;
    let token = sign_in(&server, "old", ANN).await.text("access_token");
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(header.alg, Algorithm::HS256);
    let kid = header.kid.unwrap();
    let set = server.anybody().get("/.well-known/jwks.json").await;
    assert!(!String::from_utf8_lossy(&set.body).contains(&kid), "a shared secret is never published");
    let secret = shared_secret(&server, &kid);
    claims(&token, &DecodingKey::from_secret(&secret), Algorithm::HS256, "old");
    server.calls(Caller::Bearer(token.clone())).get("/v1/token").await.expect(200);
    let asking = server.calls(Caller::Bearer(token)).with("countersign-key", &secret_key("older"));
    asking.get("/v1/token").await.refused(401, "invalid_token");
}

/// The secret that an app's operator was shown.
fn shared_secret(server: &TestServer, kid: &str) -> Vec<u8> {
    let ring = server.server.key_ring.load();
    let stored = ring.all().into_iter().find(|key| key.id == kid).unwrap().clone();
    let place = countersign_server::key_ring::place(&stored.id);
    let private = server.server.keys.open(&place, &stored.sealed).unwrap();
    let key = SigningKey::from_private(stored.algorithm, private.expose()).unwrap();
    key.to_private().unwrap().expose().clone()
}

#[tokio::test]
async fn a_mail_that_cannot_leave_yet_leaves_later() {
    use std::sync::atomic::Ordering;
    let server = TestServer::new().await;
    server.mailbox.is_down.store(true, Ordering::SeqCst);
    let started = server.app("shop").start(ANN).await.expect(201);
    crate::support::wait_until("a send failed", || async { server.server.outbox.failures_in_a_row() > 0 })
        .await;
    server.mailbox.is_down.store(false, Ordering::SeqCst);
    server.advance(countersign_domain::time::Span::from_seconds(5)).await;
    let code = server.mail_to(ANN).await.code();
    server.app("shop").verify(&started, &code).await.expect(200);
}

#[tokio::test]
async fn every_algorithm_signs_what_others_verify() {
    let names = ["EdDSA", "ES256", "ES384", "RS256"];
    let server = TestServer::with(|config| {
        for name in names {
            let settings = app(&format!("app-{}", name.to_lowercase()));
            config.apps.push(AppSettings {
                token_algorithm: Some(name.to_owned()),
                delivery: Some(DeliverySetting::Both),
                ..settings
            });
        }
    })
    .await;
    for name in names {
        let app = format!("app-{}", name.to_lowercase());
        let token = sign_in(&server, &app, ANN).await.text("access_token");
        claims_by_key_set(&server, &token, &app).await;
    }
}
