//! Browsers that people trust: a second factor that was shown there need not be shown again for a time, and nothing more.

use countersign_domain::{
    changes::{Change, Changes},
    id::SessionId,
    identifier::EmailAddress,
    realm::RealmName,
    session::Session,
    time::Span,
    user::IdentifierKind,
    vault::Vault as _,
};
use countersign_server::config::Config;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::CLUB,
    new_devices::Jar,
    second_factors::{self, Authenticator, with_much},
    sessions,
    support::{
        Answer, Caller, TestServer, World,
        backend::on_every_engine,
        settings::{ISSUER, publishable_key, quiet},
    },
};

on_every_engine! { p30_a_trusted_browser_stands_in_for_a_factor_until_its_time_is_over }

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

fn with_trust(config: &mut Config) {
    with_much(config);
    config.realms = vec![quiet("default")];
    config.realms[0].policy.trusted_device_days = Some(30);
}

/// Gives a mailed code in a browser; what is asked for next, or the session.
async fn code(server: &TestServer, jar: &mut Jar, address: &str, asked: &[&str]) -> (String, String, Answer) {
    let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB)).with("cookie", &jar.header());
    let begun = page.post("/v1/sign-in", &json!({"email": address, "acr_values": asked})).await.expect(201);
    let (path, binding) = (format!("/v1/sign-in/{}", begun.text("id")), begun.text("binding"));
    page.post(&path, &json!({"method": "mail", "binding": binding})).await.expect(202);
    let code = loop {
        if let Some(code) = server.mail_to(address).await.find_code() {
            break code;
        }
    };
    let answer = page.post(&path, &json!({"method": "code", "code": code, "binding": binding})).await;
    jar.take(&answer);
    server.advance(Span::from_minutes(2)).await;
    (path, binding, answer)
}

/// The same with the code that an app shows, which the browser is to stand in for.
async fn code_and_totp(server: &TestServer, jar: &mut Jar, app: &Authenticator, trusts: bool) -> Answer {
    let (path, binding, more) = code(server, jar, ANN, &[]).await;
    more.expect(202);
    let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB)).with("cookie", &jar.header());
    let shown = app.shows(server, 0);
    let step = json!({"method": "totp", "code": shown, "binding": binding, "trust_device": trusts});
    let answer = page.post(&path, &step).await.expect(200);
    jar.take(&answer);
    answer
}

/// Somebody with an app that shows codes.
async fn with_app(server: &TestServer) -> (Authenticator, Vec<String>) {
    let person = sessions::sign_in(server, ISSUER, ANN, "").await;
    let (app, answer) = second_factors::enrol(server, &person).await;
    server.advance(Span::from_minutes(2)).await;
    (app, second_factors::codes(&answer))
}

async fn p30_a_trusted_browser_stands_in_for_a_factor_until_its_time_is_over(world: World) {
    let server = world.node_with(with_trust).await;
    let (app, _) = with_app(&server).await;
    let (mut own, mut other) = (Jar::default(), Jar::default());
    let answer = code_and_totp(&server, &mut own, &app, true).await;
    let set: Vec<&str> =
        answer.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect();
    let device = set.iter().find(|set| set.starts_with("__Host-countersign-device=")).unwrap();
    assert!(
        device.contains("HttpOnly") && device.contains("Secure") && device.contains("Max-Age=2591880"),
        "{device}"
    );
    // The cookie is nowhere kept.
    let secret = device.split(['.', ';']).nth(1).unwrap().to_owned();
    let rows = server.query("SELECT cookie_digest FROM session").await;
    assert!(!format!("{rows:?}").contains(&secret));
    // A mail is enough there, and is worth no more than a mail.
    let (_, _, signed_in) = code(&server, &mut own, ANN, &[]).await;
    assert_eq!(signed_in.expect(200).text("acr"), "urn:countersign:mailbox");
    // Its cookie was another from then on: a copy of before stands in for nothing, and ends nothing.
    let copied = own.clone();
    code(&server, &mut own, ANN, &[]).await.2.expect(200);
    code(&server, &mut copied.clone(), ANN, &[]).await.2.expect(202);
    code(&server, &mut own, ANN, &[]).await.2.expect(200);
    // Nowhere else, for nobody else, and not where an app wants more.
    code(&server, &mut other, ANN, &[]).await.2.expect(202);
    code(&server, &mut own, ANN, &["aal1"]).await.2.expect(202);
    let forged = cut(&own);
    code(&server, &mut forged.clone(), ANN, &[]).await.2.expect(202);
    code(&server, &mut own.clone(), BOB, &[]).await.2.expect(200);
    // It is no session.
    let page = server.anybody().with("origin", ISSUER).with("cookie", &own.header().replace("-device=", "="));
    page.get("/v1/session").await.refused(401, "session_over");
    server.advance(Span::from_hours(30 * 24)).await;
    code(&server, &mut own, ANN, &[]).await.2.expect(202);
}

/// The cookies of a browser, the device's secret changed.
fn cut(jar: &Jar) -> Jar {
    let mut changed = Jar::default();
    for pair in jar.header().split("; ") {
        let pair =
            if pair.contains("-device=") { format!("{}x", &pair[..pair.len() - 1]) } else { pair.to_owned() };
        changed.put(pair);
    }
    changed
}

#[tokio::test]
async fn p30_trust_is_wished_for_listed_and_ended() {
    let server = TestServer::with(with_trust).await;
    let (app, codes) = with_app(&server).await;
    let mut own = Jar::default();
    code_and_totp(&server, &mut own, &app, false).await;
    code(&server, &mut own, ANN, &[]).await.2.expect(202);
    let holders = async |jar: &Jar| {
        let page = server.anybody().with("origin", ISSUER).with("cookie", &jar.header());
        let all = page.get("/v1/me/sessions").await.expect(200).json();
        let of = |holder: &str| {
            let items = all["items"].as_array().unwrap();
            let found = items.iter().find(|item| item["holder"] == holder);
            found.map(|item| item["id"].as_str().unwrap().to_owned())
        };
        (of("cookie"), of("device"))
    };
    // Ended by hand.
    code_and_totp(&server, &mut own, &app, true).await;
    let (_, device) = holders(&own).await;
    let page = server.anybody().with("origin", ISSUER).with("cookie", &own.header());
    page.send(Method::DELETE, &format!("/v1/me/sessions/{}", device.unwrap()), "").await.expect(204);
    code(&server, &mut own, ANN, &[]).await.2.expect(202);
    // Another one takes its place.
    code_and_totp(&server, &mut own, &app, true).await;
    code_and_totp_again(&server, &mut own, &app).await;
    assert_eq!(server.query("SELECT id FROM session WHERE generation = -1").await.len(), 1);
    // Ended by a recovery code, since the authenticator is lost.
    let mut elsewhere = Jar::default();
    let (path, binding, more) = code(&server, &mut elsewhere, ANN, &[]).await;
    more.expect(202);
    let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB));
    let step = json!({"method": "recovery_code", "code": codes[0], "binding": binding});
    page.post(&path, &step).await.expect(200);
    code(&server, &mut own, ANN, &[]).await.2.expect(202);
    assert!(server.query("SELECT id FROM session WHERE generation = -1").await.is_empty());
}

/// Trusts a browser once more that is trusted.
async fn code_and_totp_again(server: &TestServer, jar: &mut Jar, app: &Authenticator) {
    let (path, binding, more) = code(server, jar, ANN, &["aal1"]).await;
    more.expect(202);
    let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB)).with("cookie", &jar.header());
    let step =
        json!({"method": "totp", "code": app.shows(server, 0), "binding": binding, "trust_device": true});
    jar.take(&page.post(&path, &step).await.expect(200));
}

#[tokio::test]
async fn p30_a_copy_that_was_used_first_is_over_when_the_person_comes() {
    let server = TestServer::with(with_trust).await;
    let (app, _) = with_app(&server).await;
    let mut own = Jar::default();
    code_and_totp(&server, &mut own, &app, true).await;
    let mut copied = own.clone();
    code(&server, &mut copied, ANN, &[]).await.2.expect(200);
    // Nobody who has not signed in ends it.
    code(&server, &mut own.clone(), ANN, &[]).await.2.expect(202);
    code(&server, &mut copied, ANN, &[]).await.2.expect(200);
    let ended = async || server.query("SELECT id FROM event WHERE kind = 'session.ended'").await.len();
    let before = ended().await;
    code_and_totp(&server, &mut own, &app, true).await;
    assert_eq!(ended().await, before + 1, "it is told that the browser is trusted no more");
    code_and_totp_again(&server, &mut own, &app).await;
    assert_eq!(ended().await, before + 3, "and so is what another one takes the place of");
    code(&server, &mut copied, ANN, &[]).await.2.expect(202);
    code(&server, &mut own, ANN, &[]).await.2.expect(200);
    assert_eq!(server.query("SELECT id FROM session WHERE generation = -1").await.len(), 1);
}

#[tokio::test]
async fn p30_a_trusted_browser_that_makes_room_for_the_session_it_begins_is_let_in() {
    let server = TestServer::with(with_trust).await;
    let (app, _) = with_app(&server).await;
    let mut own = Jar::default();
    code_and_totp(&server, &mut own, &app, true).await;
    // Fifty sessions elsewhere, all of them used since.
    let address = EmailAddress::parse(ANN).unwrap();
    let digest = server.server.keys.identifier(&RealmName::default(), &address);
    let kind = IdentifierKind::Email;
    let found = server.server.store.user_by_identifier(&RealmName::default(), kind, digest).await.unwrap();
    let held = server.server.store.sessions_of(found.unwrap().id).await.unwrap();
    let held = held.into_iter().find(|session| !session.is_device()).unwrap();
    let used_at = server.now() + Span::from_minutes(5);
    let others = (0..50).map(|number| {
        let id = SessionId::from_bytes([number; 16]);
        Change::SessionStarted(Session { id, used_at, version: 1, ..held.clone() })
    });
    server.server.store.commit(Changes(others.collect())).await.unwrap();
    own = own.only("-device=");
    code(&server, &mut own, ANN, &[]).await.2.expect(200);
}

#[tokio::test]
async fn p30_without_the_setting_and_by_secret_keys_no_browser_is_trusted() {
    let server = TestServer::with(with_much).await;
    let (app, _) = with_app(&server).await;
    let mut own = Jar::default();
    let answer = code_and_totp(&server, &mut own, &app, true).await;
    assert!(!format!("{:?}", answer.headers).contains("-device="));
    code(&server, &mut own, ANN, &[]).await.2.expect(202);
    let server = TestServer::with(with_trust).await;
    let (app, _) = with_app(&server).await;
    let club = server.app("club");
    let begun = club.post("/v1/sign-in", &json!({"email": ANN})).await.expect(201);
    let path = format!("/v1/sign-in/{}", begun.text("id"));
    let step = async |mut body: Value| {
        body["binding"] = begun.text("binding").into();
        club.post(&path, &body).await
    };
    step(json!({"method": "mail"})).await.expect(202);
    let code = loop {
        if let Some(code) = server.mail_to(ANN).await.find_code() {
            break code;
        }
    };
    step(json!({"method": "code", "code": code})).await.expect(202);
    let totp = json!({"method": "totp", "code": app.shows(&server, 0), "trust_device": true});
    let answer = step(totp).await.expect(200);
    assert!(!format!("{:?}", answer.headers).contains("-device="));
    assert!(server.query("SELECT id FROM session WHERE generation = -1").await.is_empty());
}
