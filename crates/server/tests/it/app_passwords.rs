//! App passwords: made once, good for named apps alone, and what ends them.

use countersign_domain::{app_password::AppPassword, id::UserId, time::Span};
use countersign_server::{
    app_passwords,
    config::{Config, LevelSetting},
};
use data_encoding::BASE64;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::club_named,
    devices::{self, ANN, ann, fresh, with_devices},
    identifiers,
    new_devices::Jar,
    sessions::{self, Browser},
    support::{Answer, TestServer, World, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! {
    p30_an_app_password_is_good_at_its_apps_alone_and_kept_as_a_digest
    p28_whatever_takes_an_account_away_ends_app_passwords
}

const PATH: &str = "/v1/me/app-passwords";

fn with_apps(config: &mut Config) {
    with_devices(config);
    for (name, least) in [("mail", None), ("files", None), ("safe", Some(LevelSetting::Aal2))] {
        let mut app = club_named(name);
        app.policy.least = least;
        app.forward_auth.accepts = Some(vec![countersign_server::config::OpenerSetting::AppPassword]);
        config.apps.push(app);
    }
}

async fn make(server: &TestServer, person: &Browser, body: Value) -> Answer {
    person.tell(server, Method::POST, PATH, &body).await
}

/// What a client that says this is known as at an app.
async fn held(server: &TestServer, password: &str, app: &str) -> Option<(UserId, AppPassword)> {
    let app = server.server.app(app).unwrap();
    let basic = BASE64.encode(format!("ann:{password}").as_bytes());
    let found = app_passwords::held(&server.server, &basic, &app, server.now()).await.unwrap();
    let alone = app_passwords::held(&server.server, password, &app, server.now()).await.unwrap();
    assert_eq!(found, alone);
    found
}

async fn p30_an_app_password_is_good_at_its_apps_alone_and_kept_as_a_digest(world: World) {
    let server = world.node_with(with_apps).await;
    let (_, person) = ann(&server).await;
    make(&server, &person, json!({"label": "Phone", "apps": ["mail"]}))
        .await
        .refused(403, "stronger_sign_in_needed");
    fresh(&server).await;
    let made =
        make(&server, &person, json!({"label": "Phone", "apps": ["mail"], "days": 2})).await.expect(201);
    let password = made.text("password");
    assert!(password.starts_with("csp_") && password.len() == 43, "{password}");
    let told = loop {
        let mail = server.mail_to(ANN).await.mail.rendered.text.clone();
        if mail.contains("app password") {
            break mail;
        }
    };
    assert!(!told.contains("csp_") && !told.contains("Phone"));
    let rows = format!("{:?}", server.query("SELECT * FROM app_password").await);
    assert!(!rows.contains(&password) && !rows.contains("Phone") && !rows.contains("mail"), "{rows}");
    let (user, kept) = held(&server, &password, "mail").await.unwrap();
    assert_eq!(kept.user, user);
    for app in ["files", "club"] {
        assert!(held(&server, &password, app).await.is_none(), "{app}");
    }
    for place in 4..password.len() {
        let letter = if &password[place..=place] == "0" { "1" } else { "0" };
        let forged = format!("{}{letter}{}", &password[..place], &password[place + 1..]);
        assert!(
            held(&server, &forged, "mail").await.is_none()
                && held(&server, &password[..place], "mail").await.is_none()
        );
    }
    // Listed without itself; ended by nobody else.
    let all = person.own(&server, Method::GET, PATH).await.expect(200).json();
    assert_eq!(
        (all["items"][0]["label"].clone(), all["items"][0]["apps"].clone()),
        (json!("Phone"), json!(["mail"]))
    );
    assert!(all["items"][0].get("password").is_none());
    let path = format!("{PATH}/{}", made.text("id"));
    let bob = sessions::sign_in(&server, ISSUER, "bob@mail.example", "").await;
    bob.own(&server, Method::DELETE, &path).await.refused(404, "not_found");
    server.advance(Span::from_hours(48) - Span::from_seconds(1)).await;
    assert!(held(&server, &password, "mail").await.is_some());
    server.advance(Span::from_seconds(1)).await;
    assert!(held(&server, &password, "mail").await.is_none());
    fresh(&server).await;
    let made = make(&server, &person, json!({"label": "Desk", "apps": ["files", "mail"]})).await.expect(201);
    let epoch = server.server.epoch.now();
    assert!(held(&server, &made.text("password"), "files").await.is_some());
    person.own(&server, Method::DELETE, &format!("{PATH}/{}", made.text("id"))).await.expect(204);
    assert!(held(&server, &made.text("password"), "files").await.is_none());
    let holder = server.server.keys.access_of_user(user);
    assert!(server.server.revocations.access_changed(&[holder], epoch), "everybody asks anew");
    let kinds: Vec<String> = crate::events::all(&server).await.into_iter().map(|event| event.kind).collect();
    for kind in ["app_password.added", "app_password.removed"] {
        assert!(kinds.iter().any(|one| one == kind), "{kind} of {kinds:?}");
    }
}

#[tokio::test]
async fn p30_an_app_password_is_for_no_app_that_it_would_never_open() {
    let server = TestServer::with(with_apps).await;
    let (_, person) = ann(&server).await;
    fresh(&server).await;
    make(&server, &person, json!({"label": "Phone", "apps": ["safe"]})).await.refused(422, "invalid_member");
    make(&server, &person, json!({"label": "Phone", "apps": ["files"]})).await.expect(201);
}

async fn p28_whatever_takes_an_account_away_ends_app_passwords(world: World) {
    let server = world.node_with(with_apps).await;
    for ending in ["disabled", "erased"] {
        let address = format!("{ending}@mail.example");
        let person = sessions::sign_in(&server, ISSUER, &address, "").await;
        let made = make(&server, &person, json!({"label": "Phone", "apps": ["mail"]})).await.expect(201);
        let (user, _) = held(&server, &made.text("password"), "mail").await.unwrap();
        let epoch = server.server.epoch.now();
        let (admin, path) = (crate::events::operator(&server), format!("/v1/admin/users/{user}"));
        if ending == "disabled" {
            let admin = admin.with("content-type", "application/json");
            admin.send(Method::PATCH, &path, &json!({"status": "disabled"}).to_string()).await.expect(200);
            admin.send(Method::PATCH, &path, &json!({"status": "active"}).to_string()).await.expect(200);
        } else {
            person.own(&server, Method::DELETE, "/v1/me").await.expect(204);
        }
        assert!(held(&server, &made.text("password"), "mail").await.is_none(), "{ending}");
        assert!(
            server.server.revocations.access_changed(&[server.server.keys.access_of_user(user)], epoch),
            "{ending}"
        );
        assert!(server.query("SELECT id FROM app_password").await.is_empty(), "{ending}");
    }
}

#[tokio::test]
async fn p20_bringing_an_address_back_ends_app_passwords_and_devices() {
    let server = TestServer::with(with_apps).await;
    let thief = sessions::sign_in(&server, ISSUER, ANN, "").await;
    let made = make(&server, &thief, json!({"label": "Phone", "apps": ["mail"]})).await.expect(201);
    let mut jar = Jar::default();
    jar.put(thief.cookie().to_owned());
    devices::own(&server, &mut jar, Method::POST, "/v1/devices", "{}").await.expect(201);
    for _ in 0..2 {
        server.mail_to(ANN).await;
    }
    let undo = identifiers::change_address(&server, &thief).await;
    assert!(held(&server, &made.text("password"), "mail").await.is_some());
    assert!(devices::held(&server, &jar.header()).await.is_some());
    server.anybody().form(&undo, "").await.expect(200);
    assert!(held(&server, &made.text("password"), "mail").await.is_none());
    assert!(devices::held(&server, &jar.header()).await.is_none());
    assert!(server.query("SELECT id FROM app_password").await.is_empty());
}

#[tokio::test]
async fn p37_an_app_password_is_for_named_apps_that_take_them() {
    let server = TestServer::with(with_apps).await;
    let (_, person) = ann(&server).await;
    fresh(&server).await;
    for body in [
        json!({"label": "x", "apps": []}),
        json!({"label": "x", "apps": ["mail", "mail"]}),
        json!({"label": "x", "apps": ["club"]}),
        json!({"label": "x", "apps": ["nowhere"]}),
        json!({"label": "x", "apps": ["mail"], "days": 0}),
        json!({"label": "x", "apps": ["mail"], "days": 3651}),
        json!({"label": "", "apps": ["mail"]}),
        json!({"label": "a\nb", "apps": ["mail"]}),
    ] {
        make(&server, &person, body.clone()).await.refused(422, "invalid_member");
    }
    for number in 0..50 {
        let body = json!({"label": number.to_string(), "apps": ["mail"]});
        make(&server, &person, body).await.expect(201);
    }
    make(&server, &person, json!({"label": "x", "apps": ["mail"]}))
        .await
        .refused(409, "too_many_credentials");
}
