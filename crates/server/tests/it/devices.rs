//! Registered devices: how they come, what holds them, how their secret changes, and what ends them.

use countersign_domain::{
    assurance::Method as Proof,
    session::{Holder, Session},
    time::Span,
};
use countersign_server::{
    accounts::held_device,
    config::{BeginningSetting, Config, PolicySettings},
    cookie::SessionCookie,
};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::{
    accounts::CLUB,
    new_devices::Jar,
    second_factors::{self, Authenticator, with_much},
    sessions::{self, Browser},
    support::{
        Answer, Caller, TestServer, World,
        backend::on_every_engine,
        settings::{ISSUER, publishable_key, quiet},
    },
};

on_every_engine! {
    p30_a_device_is_an_id_and_a_secret_and_anything_else_is_absent
    p26_the_secret_changes_in_use_and_the_former_is_good_for_half_a_minute
    p27_a_device_ends_when_it_is_idle_or_old_whatever_it_shows
    p29_what_ended_a_device_is_undone_by_nothing
}

pub(crate) const ANN: &str = "ann@mail.example";
pub(crate) const BOB: &str = "bob@mail.example";
pub(crate) const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const DAY: Span = Span::from_hours(24);

/// The club, where a TOTP registers devices.
pub(crate) fn with_devices(config: &mut Config) {
    with_much(config);
    config.realms = vec![quiet("default")];
    let start = vec![BeginningSetting::Passkey, BeginningSetting::Mail, BeginningSetting::Totp];
    config.realms[0].policy = PolicySettings { start: Some(start), ..PolicySettings::default() };
}

/// Ann, who has an app that shows codes, on a page of the server's own.
pub(crate) async fn ann(server: &TestServer) -> (Authenticator, Browser) {
    let person = sessions::sign_in(server, ISSUER, ANN, "").await;
    let (app, _) = second_factors::enrol(server, &person).await;
    server.advance(Span::from_minutes(1)).await;
    (app, person)
}

/// Gives what Ann's sessions proved a moment ago.
pub(crate) async fn fresh(server: &TestServer) {
    second_factors::step_up(server, &[Proof::Code, Proof::Totp]).await;
}

/// Asks for this browser to be registered, on the club's page.
pub(crate) async fn registers(server: &TestServer, jar: &mut Jar, body: &Value) -> Answer {
    let page = server
        .calls(Caller::Publishable(publishable_key("club"), CLUB))
        .with("user-agent", FIREFOX)
        .with("cookie", &jar.header());
    let answer = page.post("/v1/devices", body).await;
    jar.take(&answer);
    answer
}

/// Registers this browser with a name and a code.
pub(crate) async fn register(server: &TestServer, jar: &mut Jar, app: &Authenticator) -> Answer {
    server.advance(Span::from_seconds(30)).await;
    let body = json!({"email": ANN, "totp": app.shows(server, 0)});
    registers(server, jar, &body).await.expect(201)
}

/// The device that a cookie header holds, as `/verify` asks.
pub(crate) async fn held(server: &TestServer, cookies: &str) -> Option<Session> {
    let mut headers = HeaderMap::new();
    headers.insert("cookie", cookies.parse().unwrap());
    let cookie = SessionCookie::of_registered(&headers, &server.server.config.load().cookies)?;
    held_device(&server.server, &cookie, server.now()).await.unwrap()
}

/// From a page of the server's own, with a browser's cookies.
pub(crate) async fn own(
    server: &TestServer,
    jar: &mut Jar,
    method: Method,
    path: &str,
    body: &str,
) -> Answer {
    let page = server.anybody().with("origin", ISSUER).with("cookie", &jar.header());
    let answer = page.with("content-type", "application/json").send(method, path, body).await;
    jar.take(&answer);
    answer
}

fn value(jar: &Jar) -> String {
    let header = jar.header();
    let found = header.split("; ").find_map(|pair| pair.strip_prefix("__Host-countersign-registered="));
    found.unwrap().to_owned()
}

async fn p30_a_device_is_an_id_and_a_secret_and_anything_else_is_absent(world: World) {
    let server = world.node_with(with_devices).await;
    let (app, _) = ann(&server).await;
    let (mut jar, mut other) = (Jar::default(), Jar::default());
    let answer = register(&server, &mut jar, &app).await;
    register(&server, &mut other, &app).await;
    let set = answer.header("set-cookie");
    assert!(set.starts_with("__Host-countersign-registered="), "{set}");
    assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000"), "{set}");
    assert!(answer.text("id").starts_with("dev_"));
    assert_eq!((answer.text("label"), answer.text("acr")), ("Firefox on Linux".into(), "aal1".into()));
    let (good, another) = (value(&jar), value(&other));
    let (id, secret) = good.split_once('.').unwrap();
    let (other_id, other_secret) = another.split_once('.').unwrap();
    // The database has neither the secret nor what it could be made from.
    let rows = format!("{:?}", server.query("SELECT * FROM session").await);
    assert!(!rows.contains(secret), "{rows}");
    let is_held =
        async |value: &str| held(&server, &format!("__Host-countersign-registered={value}")).await.is_some();
    assert!(is_held(&good).await && is_held(&another).await);
    let mut bad = vec![
        format!("{id}.{other_secret}"),
        format!("{other_id}.{secret}"),
        format!("{id}."),
        format!(".{secret}"),
        format!("{id}{secret}"),
        format!("{good}0"),
        good.to_uppercase(),
        format!("{id}.{}", "0".repeat(32)),
    ];
    bad.extend((0..good.len()).map(|cut| good[..cut].to_owned()));
    bad.extend((0..32).map(|place| {
        let at = id.len() + 1 + place;
        let letter = if &good[at..=at] == "0" { "1" } else { "0" };
        format!("{}{letter}{}", &good[..at], &good[at + 1..])
    }));
    for bad in bad {
        assert!(!is_held(&bad).await, "{bad}");
    }
    // It is no session, and a session's cookie is no device's.
    let page = server.anybody().with("origin", ISSUER);
    page.clone()
        .with("cookie", &format!("__Host-countersign={good}"))
        .get("/v1/session")
        .await
        .refused(401, "session_over");
    for kind in ["", "-device"] {
        let cookie = format!("__Host-countersign{kind}={good}");
        assert!(held(&server, &cookie).await.is_none(), "{kind}");
    }
}

async fn p26_the_secret_changes_in_use_and_the_former_is_good_for_half_a_minute(world: World) {
    let server = world.node_with(with_devices).await;
    let (app, _) = ann(&server).await;
    let mut jar = Jar::default();
    register(&server, &mut jar, &app).await;
    let first = jar.header();
    let renew = async |jar: &mut Jar| own(&server, jar, Method::POST, "/v1/devices/renew", "").await;
    assert_eq!(renew(&mut jar).await.expect(204).header("set-cookie"), "", "it is fresh");
    server.advance(DAY).await;
    let renewed = renew(&mut jar).await.expect(204);
    assert!(renewed.header("set-cookie").starts_with("__Host-countersign-registered="));
    assert_ne!(jar.header(), first);
    // Who lost the answer asks once more, and gets the same one.
    let mut lost = Jar::default();
    lost.put(first.split("; ").find(|pair| pair.contains("-registered=")).unwrap().to_owned());
    server.advance(Span::from_seconds(29)).await;
    assert!(held(&server, &first).await.is_some() && held(&server, &jar.header()).await.is_some());
    renew(&mut lost).await.expect(204);
    assert_eq!(value(&lost), value(&jar));
    server.advance(Span::from_seconds(1)).await;
    assert!(held(&server, &first).await.is_none() && held(&server, &jar.header()).await.is_some());
    let mut late = Jar::default();
    late.put(first.split("; ").find(|pair| pair.contains("-registered=")).unwrap().to_owned());
    renew(&mut late).await.refused(401, "session_over");
    // Many at once make one successor.
    server.advance(DAY).await;
    let many = (0..20).map(|_| {
        let (client, cookies) = (server.anybody().with("origin", ISSUER), jar.header());
        tokio::spawn(async move {
            client.with("cookie", &cookies).send(Method::POST, "/v1/devices/renew", "").await
        })
    });
    let mut given = std::collections::HashSet::new();
    for answer in futures_of(many.collect()).await {
        let answer = answer.expect(204);
        given.insert(answer.header("set-cookie").to_owned());
        jar.take(&answer);
    }
    assert_eq!(given.len(), 1, "{given:?}");
    // A browser that is registered anew has nothing of before.
    let before = jar.header();
    register(&server, &mut jar, &app).await;
    assert!(held(&server, &before).await.is_none());
    assert_eq!(server.query("SELECT id FROM session WHERE generation = -2").await.len(), 1);
}

async fn futures_of(tasks: Vec<tokio::task::JoinHandle<Answer>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

async fn p27_a_device_ends_when_it_is_idle_or_old_whatever_it_shows(world: World) {
    let server = world
        .node_with(|config| {
            with_devices(config);
            config.realms[0].device_idle_seconds = Some(86_400);
            config.realms[0].device_absolute_seconds = Some(3 * 86_400);
            config.realms[0].device_rotation_seconds = Some(43_200);
        })
        .await;
    let (app, _) = ann(&server).await;
    let mut idle = Jar::default();
    register(&server, &mut idle, &app).await;
    server.advance(DAY - Span::from_seconds(1)).await;
    assert!(held(&server, &idle.header()).await.is_some());
    server.advance(Span::from_seconds(1)).await;
    assert!(held(&server, &idle.header()).await.is_none());
    let mut used = Jar::default();
    register(&server, &mut used, &app).await;
    for _ in 0..5 {
        server.advance(Span::from_hours(12)).await;
        own(&server, &mut used, Method::POST, "/v1/devices/renew", "").await.expect(204);
    }
    server.advance(Span::from_hours(12) - Span::from_seconds(1)).await;
    assert!(held(&server, &used.header()).await.is_some());
    server.advance(Span::from_seconds(1)).await;
    assert!(held(&server, &used.header()).await.is_none());
    own(&server, &mut used, Method::POST, "/v1/devices/renew", "").await.refused(401, "session_over");
}

/// Devices that end while they are renewed, on another node, with the clock set back.
async fn p29_what_ended_a_device_is_undone_by_nothing(world: World) {
    let (server, elsewhere) = (world.node_with(with_devices).await, world.node_with(with_devices).await);
    let (app, person) = ann(&server).await;
    for round in 0..6 {
        let mut jar = Jar::default();
        let device = register(&server, &mut jar, &app).await.text("id");
        server.advance(DAY).await;
        let cookies = jar.header();
        let renewal = {
            let client = elsewhere.anybody().with("origin", ISSUER).with("cookie", &cookies);
            tokio::spawn(async move { client.send(Method::POST, "/v1/devices/renew", "").await })
        };
        if round % 2 == 0 {
            tokio::task::yield_now().await;
        }
        person.own(&server, Method::DELETE, &format!("/v1/me/devices/{device}")).await.expect(204);
        let mut renewed = jar.clone();
        renewed.take(&renewal.await.unwrap());
        for cookies in [&cookies, &renewed.header()] {
            assert!(held(&server, cookies).await.is_none() && held(&elsewhere, cookies).await.is_none());
        }
        let mut gone = jar.clone();
        own(&elsewhere, &mut gone, Method::POST, "/v1/devices/renew", "").await.refused(401, "session_over");
    }
    assert!(server.query("SELECT id FROM session WHERE generation = -2").await.is_empty());
}

#[tokio::test]
async fn p28_whatever_ends_sessions_ends_devices() {
    for ending in
        ["everywhere", "all-others", "by-an-admin", "disabled", "factor", "one", "forgotten", "undone"]
    {
        let server = TestServer::with(with_devices).await;
        let (app, person) = ann(&server).await;
        let mut jar = Jar::default();
        let device = register(&server, &mut jar, &app).await.text("id");
        server.advance(Span::from_minutes(1)).await;
        let told = loop {
            let mail = server.mail_to(ANN).await;
            if mail.mail.rendered.subject.starts_with("A device") {
                break mail;
            }
        };
        fresh(&server).await;
        let session = held(&server, &jar.header()).await.unwrap();
        match ending {
            "everywhere" => drop(person.own(&server, Method::DELETE, "/v1/me/sessions").await.expect(204)),
            "all-others" => {
                drop(person.own(&server, Method::DELETE, "/v1/me/sessions?except=current").await.expect(204));
            }
            "by-an-admin" => {
                let path = format!("/v1/admin/devices/{device}");
                crate::events::operator(&server).send(Method::DELETE, &path, "").await.expect(200);
            }
            "disabled" => {
                let path = format!("/v1/admin/users/{}", session.user);
                let body = json!({"status": "disabled"}).to_string();
                let admin = crate::events::operator(&server).with("content-type", "application/json");
                admin.send(Method::PATCH, &path, &body).await.expect(200);
            }
            "factor" => {
                let all = second_factors::credentials(&server, &person).await;
                let path =
                    format!("/v1/me/credentials/{}?end_other_sessions=true", all[0]["id"].as_str().unwrap());
                person.own(&server, Method::DELETE, &path).await.expect(204);
            }
            "one" => {
                let path = format!("/v1/me/sessions/{}", session.id);
                person.own(&server, Method::DELETE, &path).await.expect(204);
            }
            "forgotten" => {
                let gone =
                    own(&server, &mut jar.clone(), Method::DELETE, "/v1/devices", "").await.expect(204);
                assert!(gone.header("set-cookie").contains("Max-Age=0"));
            }
            _ => drop(server.anybody().form(&told.link(), "").await.expect(200)),
        }
        assert!(held(&server, &jar.header()).await.is_none(), "{ending}");
        assert!(
            server.server.revocations.may_have_ended(&session.app, session.id, session.subject),
            "{ending}"
        );
    }
}

#[tokio::test]
async fn a_person_lists_names_and_ends_devices_and_nobody_elses() {
    let server = TestServer::with(with_devices).await;
    let (app, person) = ann(&server).await;
    let (mut jar, mut second) = (Jar::default(), Jar::default());
    let device = register(&server, &mut jar, &app).await.text("id");
    server.advance(Span::from_seconds(30)).await;
    let body = json!({"email": ANN, "totp": app.shows(&server, 0), "label": "Kitchen"});
    let kitchen = registers(&server, &mut second, &body).await.expect(201);
    assert_eq!(kitchen.text("label"), "Kitchen");
    let path = format!("/v1/me/devices/{device}");
    let renamed = person.tell(&server, Method::PATCH, &path, &json!({"label": "Desk"})).await.expect(200);
    assert_eq!(renamed.text("label"), "Desk");
    let all = person.own(&server, Method::GET, "/v1/me/devices").await.expect(200).json();
    let mut labels: Vec<_> =
        all["items"].as_array().unwrap().iter().map(|one| one["label"].clone()).collect();
    labels.sort_by_key(|label| label.to_string());
    assert_eq!(labels, ["Desk", "Kitchen"]);
    let bob = sessions::sign_in(&server, ISSUER, BOB, "").await;
    let none = bob.own(&server, Method::GET, "/v1/me/devices").await.expect(200).json();
    assert_eq!(none["items"], json!([]));
    for method in [Method::PATCH, Method::DELETE] {
        bob.tell(&server, method, &path, &json!({"label": "Mine"})).await.refused(404, "not_found");
    }
    for label in ["", "a\nb", &"x".repeat(101)] {
        person
            .tell(&server, Method::PATCH, &path, &json!({"label": label}))
            .await
            .refused(422, "invalid_member");
    }
    person.own(&server, Method::DELETE, &path).await.expect(204);
    person.own(&server, Method::DELETE, &path).await.refused(404, "not_found");
    assert!(held(&server, &jar.header()).await.is_none() && held(&server, &second.header()).await.is_some());
    let events = crate::events::all(&server).await;
    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    for kind in ["device.registered", "device.renamed", "device.ended"] {
        assert!(kinds.contains(&kind), "{kind} of {kinds:?}");
    }
    let session = held(&server, &second.header()).await.unwrap();
    assert!(matches!(session.holder, Holder::Registered { former: None, .. }));
}
