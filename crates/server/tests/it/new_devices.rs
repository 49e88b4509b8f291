//! A sign-in with a browser that a person has not used before is told, and can be ended by whom it was not.

use countersign_domain::time::Span;
use countersign_server::config::{BrowserTokensSetting, Config, RealmSettings};
use http::Method;
use serde_json::json;

use crate::{
    accounts::{CLUB, club},
    flow,
    passwords::{self, GOOD, OTHER},
    support::{Answer, Caller, TestServer, World, backend::on_every_engine, settings::publishable_key},
};

on_every_engine! { p26_who_was_not_the_one_that_signed_in_ends_that_session }

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// As the server comes, with an app whose browsers hold a session or tokens.
fn with(tokens: BrowserTokensSetting) -> impl FnOnce(&mut Config) {
    move |config| {
        config.realms.clear();
        config.apps.push(countersign_server::config::AppSettings { browser_tokens: tokens, ..club() });
    }
}

/// A browser, with all the cookies that it was given.
#[derive(Clone, Default)]
pub(crate) struct Jar(Vec<String>);

impl Jar {
    pub(crate) fn header(&self) -> String {
        self.0.join("; ")
    }

    /// The cookies whose name has this in it, alone.
    pub(crate) fn only(mut self, name: &str) -> Self {
        self.0.retain(|pair| pair.contains(name));
        self
    }

    pub(crate) fn put(&mut self, pair: String) {
        self.0.push(pair);
    }

    pub(crate) fn take(&mut self, answer: &Answer) {
        for set in answer.headers.get_all("set-cookie") {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.0.retain(|known| !known.starts_with(&format!("{name}=")));
            if !value.is_empty() {
                self.0.push(pair.to_owned());
            }
        }
    }

    pub(crate) async fn sign_in(&mut self, server: &TestServer, address: &str) -> Answer {
        let page = server
            .calls(Caller::Publishable(publishable_key("club"), CLUB))
            .with("user-agent", FIREFOX)
            .with("cookie", &self.header());
        let started = page.start(address).await.expect(201);
        let code = server.mail_to(address).await.code();
        let answer = page.verify(&started, &code).await.expect(200);
        self.take(&answer);
        answer
    }

    pub(crate) async fn is_in(&self, server: &TestServer) -> bool {
        let page = server.anybody().with("origin", CLUB).with("cookie", &self.header());
        page.get("/v1/session").await.status == 200
    }

    async fn sign_out(&mut self, server: &TestServer) {
        let page = server.anybody().with("origin", CLUB).with("cookie", &self.header());
        let out = page.send(Method::DELETE, "/v1/session", "").await.expect(204);
        self.take(&out);
    }
}

async fn p26_who_was_not_the_one_that_signed_in_ends_that_session(world: World) {
    let server = world.node_with(with(BrowserTokensSetting::Session)).await;
    let (mut own, mut stranger) = (Jar::default(), Jar::default());
    own.sign_in(&server, ANN).await;
    server.no_mail_to(ANN).await;
    server.advance(Span::from_minutes(1)).await;
    let theirs = stranger.sign_in(&server, ANN).await;
    let told = server.mail_to(ANN).await;
    assert_eq!(told.mail.rendered.subject, "New sign-in at club");
    let text = &told.mail.rendered.text;
    assert!(text.contains("Firefox on Linux, on 2027-01-15 08:01 UTC"), "{text}");
    // Looking changes nothing, and tells nothing about anybody.
    let link = told.link();
    for _ in 0..2 {
        let page = server.anybody().get(&link).await.expect(200);
        let shown = String::from_utf8_lossy(&page.body).into_owned();
        assert!(shown.contains("Sign that device out?") && !shown.contains("Firefox"), "{shown}");
        assert_eq!(page.header("cache-control"), "no-store");
    }
    assert!(stranger.is_in(&server).await && own.is_in(&server).await);
    // The stranger goes on with another session of the same browser, which is known now.
    server.advance(Span::from_minutes(1)).await;
    let again = stranger.sign_in(&server, ANN).await;
    server.no_mail_to(ANN).await;
    let pressed = server.anybody().form(&link, "").await.expect(200);
    assert!(String::from_utf8_lossy(&pressed.body).contains("Change the password of your mailbox"));
    assert!(!stranger.is_in(&server).await && own.is_in(&server).await);
    for token in [theirs, again] {
        let token = Caller::Bearer(token.text("access_token"));
        server.calls(token).get("/v1/token").await.refused(401, "invalid_token");
    }
    let over = server.anybody().form(&link, "").await.expect(200);
    assert!(String::from_utf8_lossy(&over.body).contains("This link is over"), "it works once");
    assert!(server.query("SELECT link FROM user_undo").await.is_empty());
    server.stop().await;
}

#[tokio::test]
async fn p26_a_browser_stays_known_after_it_was_signed_out_and_each_person_for_themselves() {
    for tokens in [BrowserTokensSetting::Session, BrowserTokensSetting::Jwt] {
        let server = TestServer::with(with(tokens)).await;
        let (mut own, mut shared) = (Jar::default(), Jar::default());
        own.sign_in(&server, ANN).await;
        shared.sign_in(&server, BOB).await;
        own.sign_out(&server).await;
        assert!(!own.is_in(&server).await && own.header().contains("-browser="), "{}", own.header());
        own.sign_in(&server, ANN).await;
        server.no_mail_to(ANN).await;
        shared.sign_in(&server, ANN).await;
        assert_eq!(server.mail_to(ANN).await.mail.rendered.subject, "New sign-in at club");
        for person in [BOB, ANN] {
            shared.sign_out(&server).await;
            shared.sign_in(&server, person).await;
            server.no_mail_to(person).await;
        }
        // What makes one browser known is of no use without all of it.
        let whole = own.0.iter().find(|cookie| cookie.contains("-browser=")).unwrap();
        Jar(vec![whole[..whole.len() - 1].to_owned()]).sign_in(&server, ANN).await;
        server.mail_to(ANN).await;
        // Whoever signs in through an app's server shows no browser.
        flow::sign_in(&server, "club", ANN).await;
        server.no_mail_to(ANN).await;
    }
}

#[tokio::test]
async fn who_wants_no_such_mails_gets_none_and_no_cookie() {
    let server = TestServer::with(|config| {
        with(BrowserTokensSetting::Session)(config);
        config.realms = vec![RealmSettings {
            name: "default".to_owned(),
            new_device_mail: Some(false),
            ..RealmSettings::default()
        }];
    })
    .await;
    for _ in 0..2 {
        let mut browser = Jar::default();
        browser.sign_in(&server, ANN).await;
        assert_eq!(browser.0.len(), 1, "{:?}", browser.0);
        server.no_mail_to(ANN).await;
    }
}

#[tokio::test]
async fn a_link_lasts_seven_days_and_ends_nothing_when_its_session_has_ended() {
    let server = TestServer::with(with(BrowserTokensSetting::Session)).await;
    let mut own = Jar::default();
    own.sign_in(&server, ANN).await;
    let mut links = Vec::new();
    for _ in 0..2 {
        let mut browser = Jar::default();
        browser.sign_in(&server, ANN).await;
        links.push(server.mail_to(ANN).await.link());
        browser.sign_out(&server).await;
    }
    let done = server.anybody().form(&links[0], "").await.expect(200);
    assert!(String::from_utf8_lossy(&done.body).contains("was signed out"));
    assert!(own.is_in(&server).await);
    server.advance(Span::from_hours(7 * 24)).await;
    let over = server.anybody().form(&links[1], "").await.expect(200);
    assert!(String::from_utf8_lossy(&over.body).contains("This link is over"));
    server.server.store.sweep(server.now()).await.unwrap();
    assert!(server.query("SELECT link FROM user_undo").await.is_empty());
}

#[tokio::test]
async fn p31_a_browser_known_to_a_person_has_wrong_passwords_of_its_own() {
    let with_mails = |config: &mut Config| {
        passwords::with_passwords(config);
        config.realms[0].new_device_mail = Some(true);
    };
    let server = TestServer::with(with_mails).await;
    passwords::register(&server, ANN, GOOD).await;
    passwords::register(&server, BOB, GOOD).await;
    let (mut own, mut stranger) = (Jar::default(), Jar::default());
    own.sign_in(&server, ANN).await;
    own.sign_out(&server).await;
    stranger.sign_in(&server, BOB).await;
    let tries = async |jar: &Jar, password: &str| {
        // What a network may ask comes back meanwhile.
        server.clock.advance(Span::from_seconds(5));
        let page =
            server.calls(Caller::Publishable(publishable_key("club"), CLUB)).with("cookie", &jar.header());
        page.post("/v1/password/sign-in", &json!({"email": ANN, "password": password})).await
    };
    for _ in 0..50 {
        tries(&stranger, OTHER).await.refused(401, "invalid_password");
    }
    tries(&stranger, GOOD).await.refused(429, "too_many_passwords");
    tries(&own, GOOD).await.expect(200);
    // It has an end of its own too.
    for _ in 0..50 {
        tries(&own, OTHER).await.refused(401, "invalid_password");
    }
    tries(&own, GOOD).await.refused(429, "too_many_passwords");
}
