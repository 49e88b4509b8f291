//! How a browser becomes a registered device: with which proofs, and that every failure is one and the same.

use countersign_domain::{assurance::Method as Proof, time::Span, totp::Window};
use countersign_server::config::{Config, LevelSetting};
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::{CLUB, club_named},
    devices::{ANN, BOB, ann, fresh, held, own, register, registers, with_devices},
    enumeration::masked,
    new_devices::Jar,
    passkeys::with_passkey,
    second_factors, sessions,
    support::{
        Answer, Caller, TestServer, World,
        backend::on_every_engine,
        settings::{ISSUER, publishable_key},
    },
};

on_every_engine! {
    p21_of_many_registrations_with_one_totp_one_passes
    p31_a_strangers_failures_lock_nobody_out_of_their_own_browser
}

async fn p21_of_many_registrations_with_one_totp_one_passes(world: World) {
    let server = world.node_with(with_devices).await;
    let (app, _) = ann(&server).await;
    let body = json!({"email": ANN, "totp": app.shows(&server, 0)});
    let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB));
    let tasks: Vec<_> = (0..30)
        .map(|_| {
            let (page, body) = (page.clone(), body.clone());
            tokio::spawn(async move { page.post("/v1/devices", &body).await })
        })
        .collect();
    let mut passed = 0;
    for task in tasks {
        match task.await.unwrap() {
            answer if answer.status == 201 => passed += 1,
            answer => drop(answer.refused(401, "registration_refused")),
        }
    }
    assert_eq!(passed, 1);
    server.advance(Span::from_seconds(30)).await;
    page.post("/v1/devices", &body).await.refused(401, "registration_refused");
    assert_eq!(server.query("SELECT id FROM session WHERE generation = -2").await.len(), 1);
}

async fn p31_a_strangers_failures_lock_nobody_out_of_their_own_browser(world: World) {
    let mails = |config: &mut Config| {
        with_devices(config);
        // By the cookie that goes with these mails a browser is known.
        config.realms[0].new_device_mail = None;
    };
    let server = world.node_with(mails).await;
    let (app, _) = ann(&server).await;
    let (mut known, mut stranger) = (Jar::default(), Jar::default());
    register(&server, &mut known, &app).await;
    server.advance(Span::from_seconds(30)).await;
    let wrong = json!({"email": ANN, "totp": "000000"});
    for _ in 0..55 {
        registers(&server, &mut stranger, &wrong).await.refused(401, "registration_refused");
    }
    // Nobody can guess any more, and nobody is told.
    let right = |server: &TestServer| json!({"email": ANN, "totp": app.shows(server, 0)});
    registers(&server, &mut stranger, &right(&server)).await.refused(401, "registration_refused");
    assert!(held(&server, &known.header()).await.is_some(), "the device is as good as before");
    registers(&server, &mut known, &right(&server)).await.expect(201);
    server.advance(Span::from_hours(24)).await;
    registers(&server, &mut stranger, &right(&server)).await.expect(201);
}

#[tokio::test]
async fn p31_whoever_guesses_beside_a_name_uses_up_no_second_factor_of_sign_ins() {
    let server = TestServer::with(with_devices).await;
    let (app, person) = ann(&server).await;
    let (mut stranger, wrong) = (Jar::default(), json!({"email": ANN, "totp": "000000"}));
    for _ in 0..55 {
        registers(&server, &mut stranger, &wrong).await.refused(401, "registration_refused");
    }
    server.advance(Span::from_seconds(30)).await;
    let right = json!({"email": ANN, "totp": app.shows(&server, 0)});
    registers(&server, &mut stranger, &right).await.refused(401, "registration_refused");
    let user_and_app = second_factors::user_and_app(&server, &person).await;
    let code = app.shows(&server, 0);
    second_factors::proves(&server, &user_and_app, &code, Window::Two).await.unwrap();
}

#[tokio::test]
async fn p12_every_failure_is_one_and_the_same() {
    let server = TestServer::with(with_devices).await;
    let (app, _) = ann(&server).await;
    let bob = sessions::sign_in(&server, ISSUER, BOB, "").await;
    drop(bob);
    let name = json!({"email": "carl@mail.example"});
    let carl = sessions::sign_in(&server, ISSUER, "carl@mail.example", "").await;
    let (carls, _) = second_factors::enrol(&server, &carl).await;
    server.advance(Span::from_minutes(1)).await;
    let (user, _) = second_factors::user_and_app(&server, &carl).await;
    let admin = crate::events::operator(&server).with("content-type", "application/json");
    let off = json!({"status": "disabled"}).to_string();
    admin.send(Method::PATCH, &format!("/v1/admin/users/{}", user.id), &off).await.expect(200);
    let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB));
    let started = page.start("new@mail.example").await.expect(201);
    let begun = page.post("/v1/sign-in", &json!({"email": ANN})).await.expect(201);
    let binding = started.text("binding");
    let spent = app.shows(&server, 0);
    registers(&server, &mut Jar::default(), &json!({"email": ANN, "totp": spent})).await.expect(201);
    let mut answers = Vec::new();
    for body in [
        json!({"email": "nobody@mail.example", "totp": "123456"}),
        json!({"username": "nobody", "totp": "123456"}),
        json!({"email": ANN, "totp": "000000"}),
        json!({"email": ANN, "totp": "00000000"}),
        json!({"email": ANN, "totp": "no code"}),
        json!({"email": ANN, "totp": spent}),
        json!({"email": BOB, "totp": "123456"}),
        json!({"email": name["email"], "totp": carls.shows(&server, 0)}),
        json!({"challenge": started.text("id"), "binding": binding, "code": "000000"}),
        json!({"challenge": started.text("id"), "binding": "0".repeat(32), "code": "000000"}),
        json!({"challenge": "chl_00000000000000000000000000", "binding": binding, "code": "000000"}),
        json!({"challenge": "nonsense", "binding": binding, "code": "000000"}),
        json!({"sign_in": begun.text("id"), "binding": begun.text("binding"), "totp": app.shows(&server, 0)}),
        json!({"sign_in": begun.text("id"), "binding": begun.text("binding"), "code": "000000"}),
        json!({"sign_in": begun.text("id"), "binding": binding, "code": "000000"}),
        json!({"sign_in": "nonsense", "binding": binding, "code": "000000"}),
    ] {
        let answer = registers(&server, &mut Jar::default(), &body).await;
        let answer = answer.refused(401, "registration_refused");
        answers.push((masked(&answer), body));
    }
    for (answer, body) in &answers {
        assert_eq!(*answer, answers[0].0, "{body}");
    }
    assert_eq!(server.query("SELECT id FROM session WHERE generation = -2").await.len(), 1);
}

#[tokio::test]
async fn p23_the_policy_decides_what_is_enough_and_what_is_not_goes_on_as_a_sign_in() {
    // Without the setting no TOTP begins, whoever is named.
    let server = TestServer::with(second_factors::with_much).await;
    let (app, _) = ann(&server).await;
    for email in [ANN, "nobody@mail.example"] {
        let body = json!({"email": email, "totp": app.shows(&server, 0)});
        registers(&server, &mut Jar::default(), &body).await.refused(422, "invalid_member");
    }
    // A mailed code is enough for who has nothing else, and not for Ann.
    let by_mail = async |server: &TestServer, jar: &mut Jar, address: &str| {
        let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB));
        let started = page.start(address).await.expect(201);
        let code = loop {
            if let Some(code) = server.mail_to(address).await.find_code() {
                break code;
            }
        };
        let body = json!({"challenge": started.text("id"), "binding": started.text("binding"), "code": code});
        registers(server, jar, &body).await
    };
    let mut new = Jar::default();
    let made = by_mail(&server, &mut new, "new@mail.example").await.expect(201);
    assert_eq!(made.text("acr"), "urn:countersign:mailbox");
    assert!(held(&server, &new.header()).await.is_some());
    let mut jar = Jar::default();
    let more = by_mail(&server, &mut jar, ANN).await.refused(401, "more_needed").json();
    assert_eq!(more["sign_in"]["next"], json!(["totp", "recovery_code"]));
    let next = json!({"sign_in": more["sign_in"]["id"], "binding": more["sign_in"]["binding"], "totp": app.shows(&server, 0)});
    let made = registers(&server, &mut jar, &next).await.expect(201);
    assert_eq!(made.text("acr"), "aal1");
    assert!(held(&server, &jar.header()).await.is_some());
    // Where two factors are wanted, a TOTP is right and not enough; a passkey is.
    let server = TestServer::with(|config: &mut Config| {
        with_devices(config);
        let mut safe = club_named("safe");
        safe.policy.least = Some(LevelSetting::Aal2);
        config.apps.push(safe);
    })
    .await;
    let (app, _) = ann(&server).await;
    let page = server.calls(Caller::Publishable(publishable_key("safe"), CLUB));
    let body = json!({"email": ANN, "totp": app.shows(&server, 0)});
    let more = page.post("/v1/devices", &body).await.refused(401, "more_needed").json();
    assert_eq!(more["sign_in"]["done"], json!(["totp"]));
    let (_, mut device) = with_passkey(&server, BOB).await;
    let page = server.calls(Caller::Publishable(publishable_key("club"), ISSUER));
    let begun = page.post("/v1/sign-in", &json!({})).await.expect(201);
    let (path, binding) = (format!("/v1/sign-in/{}", begun.text("id")), begun.text("binding"));
    let asked = json!({"method": "passkey_options", "binding": binding});
    let options = page.post(&path, &asked).await.expect(202).json();
    let credential = device.get(ISSUER, &options["passkey"]).await.unwrap();
    let body = json!({"sign_in": begun.text("id"), "binding": binding, "passkey": credential});
    let mut jar = Jar::default();
    assert_eq!(registers(&server, &mut jar, &body).await.expect(201).text("acr"), "aal2");
    assert!(held(&server, &jar.header()).await.is_some());
}

/// Tells of a person's own browser.
async fn tells(server: &TestServer, jar: &mut Jar, body: &Value) -> Answer {
    own(server, jar, Method::POST, "/v1/devices", &body.to_string()).await
}

#[tokio::test]
async fn p20_a_person_who_is_signed_in_registers_their_browser_after_a_fresh_proof_of_all_they_have() {
    let server = TestServer::with(with_devices).await;
    let (_, person) = ann(&server).await;
    let mut jar = Jar::default();
    jar.put(person.cookie().to_owned());
    tells(&server, &mut jar, &json!({})).await.refused(403, "stronger_sign_in_needed");
    fresh(&server).await;
    server.advance(Span::from_minutes(11)).await;
    tells(&server, &mut jar, &json!({})).await.refused(403, "fresh_sign_in_needed");
    fresh(&server).await;
    let made = tells(&server, &mut jar, &json!({"label": "Desk"})).await.expect(201);
    assert_eq!((made.text("label"), made.text("acr")), ("Desk".to_owned(), "aal1".to_owned()));
    assert!(held(&server, &jar.header()).await.is_some() && person.is_in(&server).await);
    let told = loop {
        let mail = server.mail_to(ANN).await;
        if mail.mail.rendered.subject == "A device was registered at club" {
            break mail.mail.rendered.text.clone();
        }
    };
    assert!(!told.contains("Desk"), "words of whoever registered it: {told}");
    let all = own(&server, &mut jar, Method::GET, "/v1/me/devices", "").await.expect(200).json();
    assert_eq!(
        (all["items"][0]["current"].clone(), all["items"][0]["id"].clone()),
        (true.into(), made.json()["id"].clone())
    );
    let signed_out = own(&server, &mut jar, Method::DELETE, "/v1/session", "").await;
    signed_out.expect(204);
    tells(&server, &mut jar, &json!({})).await.refused(401, "session_over");
    assert!(held(&server, &jar.header()).await.is_some(), "signing out leaves the device");
    second_factors::step_up(&server, &[Proof::Code]).await;
}

#[tokio::test]
async fn p38_no_other_page_registers_renews_or_ends_a_device() {
    for same_site in [countersign_server::config::SameSite::Lax, countersign_server::config::SameSite::None] {
        let server = TestServer::with(|config: &mut Config| {
            with_devices(config);
            config.cookies.same_site = same_site;
        })
        .await;
        let (app, person) = ann(&server).await;
        let mut jar = Jar::default();
        register(&server, &mut jar, &app).await;
        jar.put(person.cookie().to_owned());
        fresh(&server).await;
        server.advance(Span::from_hours(24)).await;
        fresh(&server).await;
        let calls = [
            (Method::POST, "/v1/devices", "{}"),
            (Method::POST, "/v1/devices/renew", ""),
            (Method::DELETE, "/v1/devices", ""),
        ];
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[],
        ] {
            for (method, path, body) in &calls {
                let mut page =
                    server.anybody().with("cookie", &jar.header()).with("content-type", "application/json");
                for (name, value) in headers {
                    page = page.with(name, value);
                }
                page.send(method.clone(), path, body).await.refused(403, "origin_not_allowed");
            }
        }
        // The app's own page is not this server's: it renews, and registers nobody by a session.
        let page = server.anybody().with("cookie", &jar.header()).with("origin", CLUB);
        page.clone().post("/v1/devices", &json!({})).await.refused(403, "origin_not_allowed");
        page.send(Method::POST, "/v1/devices/renew", "").await.expect(204);
    }
}

#[tokio::test]
async fn p08_several_cookie_domains_are_chosen_by_the_host_and_never_built_from_it() {
    let server = TestServer::with(|config: &mut Config| {
        with_devices(config);
        config.server.issuer = "https://auth.example.org".to_owned();
        config.cookies.domains = vec!["example.org".to_owned(), "example.net".to_owned()];
        config.apps.last_mut().unwrap().origins.push("https://auth.example.org".to_owned());
    })
    .await;
    let page = server.calls(Caller::Publishable(publishable_key("club"), CLUB));
    for (number, (host, domain)) in [
        ("auth.example.org", " Domain=example.org;"),
        ("auth.example.net:8443", " Domain=example.net;"),
        ("evil.example", ""),
        ("example.net.evil.example", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let address = format!("new{number}@mail.example");
        let started = page.start(&address).await.expect(201);
        let code = server.mail_to(&address).await.code();
        let body = json!({"challenge": started.text("id"), "binding": started.text("binding"), "code": code});
        let answer = page.clone().with("host", host).post("/v1/devices", &body).await.expect(201);
        let set = answer.header("set-cookie");
        let (pair, rest) = set.split_once(';').unwrap();
        assert!(pair.starts_with("__Secure-countersign-registered="), "{set}");
        assert_eq!(
            rest,
            format!("{domain} Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000"),
            "{host}"
        );
        assert!(held(&server, pair).await.is_some());
    }
}
