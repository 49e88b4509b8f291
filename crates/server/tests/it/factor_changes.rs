//! Who may change what a person signs in with, and who is told of it.

use countersign_domain::{
    assurance::{Method as Proof, Methods},
    changes::{Change, Changes},
    credential::{Credential, CredentialKind},
    id::CredentialId,
    secret::Digest,
    testing::Seeded,
    time::Span,
    totp::Window,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    admin::{admin_key, local, remote},
    admin_users::events,
    passwords::{GOOD, with_passwords},
    second_factors::{
        ANN, Authenticator, BASE, BOB, codes, confirm, credentials, enrol, is_wrong, options, proves, server,
        step_up, user_and_app,
    },
    sessions::{Browser, sign_in},
    support::{TestServer, settings::ISSUER},
};

#[tokio::test]
async fn p20_a_person_adds_names_and_removes_an_app_and_is_told() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let other = sign_in(&server, ISSUER, ANN, "").await;
    assert!(credentials(&server, &ann).await.is_empty());
    let asked = options(&server, &ann, &json!({"algorithm": "SHA256", "digits": 8})).await.expect(201);
    assert!(
        asked.text("uri").starts_with("otpauth://totp/club:ann%40mail.example?secret="),
        "{}",
        asked.text("uri")
    );
    assert!(asked.text("qr_svg").starts_with("<svg "));
    assert_eq!(asked.header("cache-control"), "no-store");
    let app = Authenticator::scan(&asked);
    assert_eq!(app.secret.len(), 32);
    let ceremony = asked.text("ceremony");
    let wrong = confirm(&server, &ann, &ceremony, "00000000").await.refused(401, "invalid_code");
    assert_eq!(wrong.json()["tries_left"], 4);
    assert!(credentials(&server, &ann).await.is_empty(), "nothing counts before its first code");
    server.no_mail_to(ANN).await;
    let typed = app.shows(&server, 0);
    let added =
        confirm(&server, &ann, &ceremony, &format!("{} {}", &typed[..4], &typed[4..])).await.expect(201);
    assert_eq!(codes(&added).len(), 10);
    let told = [server.mail_to(ANN).await, server.mail_to(ANN).await].map(|letter| letter.mail.rendered.text);
    assert!(told.iter().any(|text| text.contains("an app that shows codes")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("recovery codes")), "{told:?}");
    confirm(&server, &ann, &ceremony, &typed).await.refused(403, "stronger_sign_in_needed");

    let all = credentials(&server, &ann).await;
    assert_eq!(
        (&all[0]["kind"], &all[0]["label"], &all[1]["left"]),
        (&json!("totp"), &json!("Phone"), &json!(10))
    );
    let text = Value::from(all.clone()).to_string();
    assert!(!text.contains("secret") && !text.contains("sealed"), "{text}");
    let path = format!("{BASE}/{}", all[0]["id"].as_str().unwrap());
    for label in ["", "a\nb", &"é".repeat(101)] {
        ann.tell(&server, Method::PATCH, &path, &json!({"label": label}))
            .await
            .refused(422, "invalid_member");
    }
    let renamed = ann.tell(&server, Method::PATCH, &path, &json!({"label": "Tablet"})).await.expect(200);
    assert_eq!(renamed.text("label"), "Tablet");

    goes(&server, &ann, &other, &path).await;
}

/// A mailed code alone removes nothing, nor does a proof of an hour ago; then it goes, and recovery codes with it.
async fn goes(server: &TestServer, ann: &Browser, other: &Browser, path: &str) {
    ann.own(server, Method::DELETE, path).await.refused(403, "stronger_sign_in_needed");
    step_up(server, &[Proof::Code, Proof::Totp]).await;
    server.advance(Span::from_minutes(11)).await;
    ann.own(server, Method::DELETE, path).await.refused(403, "fresh_sign_in_needed");
    step_up(server, &[Proof::Code, Proof::Totp]).await;
    ann.own(server, Method::DELETE, &format!("{path}?end_other_sessions=maybe"))
        .await
        .refused(422, "invalid_member");
    assert!(other.is_in(server).await);
    ann.own(server, Method::DELETE, &format!("{path}?end_other_sessions=true")).await.expect_bare(204);
    assert!(!other.is_in(server).await && ann.is_in(server).await);
    let told = server.mail_to(ANN).await.mail.rendered.text;
    assert!(told.contains("signs in no more: an app that shows codes"), "{told}");
    assert!(credentials(server, ann).await.is_empty(), "recovery codes go with the last factor");
    ann.own(server, Method::DELETE, path).await.refused(404, "not_found");
}

#[tokio::test]
async fn p20_every_change_of_a_two_factor_account_wants_both() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let thief = sign_in(&server, ISSUER, ANN, "").await;
    enrol(&server, &ann).await;
    for (method, path, body) in [
        (Method::POST, "/v1/me/credentials/totp/options", json!({})),
        (Method::POST, "/v1/me/credentials/recovery-codes", json!(null)),
        (Method::POST, "/v1/me/identifiers", json!({"email": "thief@mail.example"})),
        (Method::DELETE, "/v1/me", json!(null)),
        (Method::GET, "/v1/me/export", json!(null)),
    ] {
        let answer = if body.is_null() {
            thief.own(&server, method, path).await
        } else {
            thief.tell(&server, method, path, &body).await
        };
        answer.refused(403, "stronger_sign_in_needed");
    }
    step_up(&server, &[Proof::Code, Proof::Totp]).await;
    thief.own(&server, Method::POST, "/v1/me/credentials/recovery-codes").await.expect(201);
    let shown = thief.own(&server, Method::GET, "/v1/me/export").await.expect(200).json();
    let shown = shown["credentials"].as_array().unwrap();
    assert!(shown.iter().any(|one| one["label"] == "Phone"), "{shown:?}");
}

#[tokio::test]
async fn p20_the_present_password_stands_for_no_second_factor() {
    let server = TestServer::with(with_passwords).await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let set = async |body: Value| ann.tell(&server, Method::PUT, "/v1/me/password", &body).await;
    set(json!({"password": GOOD})).await.expect_bare(204);
    let change = json!({"password": "another long phrase of mine", "current_password": GOOD});
    options(&server, &ann, &json!({})).await.refused(403, "stronger_sign_in_needed");
    step_up(&server, &[Proof::Code, Proof::Password]).await;
    enrol(&server, &ann).await;
    set(change.clone()).await.refused(403, "stronger_sign_in_needed");
    step_up(&server, &[Proof::Password, Proof::Totp]).await;
    server.advance(Span::from_minutes(11)).await;
    set(change.clone()).await.refused(403, "fresh_sign_in_needed");
    step_up(&server, &[Proof::Password, Proof::Totp]).await;
    set(change).await.expect_bare(204);
}

#[tokio::test]
async fn p20_the_last_way_in_stays() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let (user, _) = user_and_app(&server, &ann).await;
    let passkey = Credential {
        id: CredentialId::new(server.now(), &mut Seeded::new(7)),
        realm: user.realm.clone(),
        user: user.id,
        kind: CredentialKind::Passkey,
        lookup: Some(Digest::new([7; 32])),
        vouched_by: Methods::from(Proof::Code),
        sealed: vec![1],
        sealed_label: None,
        counter: 0,
        created_at: server.now(),
        used_at: None,
        version: 0,
    };
    let path = format!("{BASE}/{}", passkey.id);
    server.server.store.commit(Changes(vec![Change::Credential(passkey)])).await.unwrap();
    server.spoil("UPDATE user_identifier SET verified_at = NULL").await;
    step_up(&server, &[Proof::Passkey]).await;
    ann.own(&server, Method::DELETE, &path).await.refused(409, "last_way_in");
    let bob = sign_in(&server, ISSUER, BOB, "").await;
    bob.own(&server, Method::DELETE, &path).await.refused(404, "not_found");
    bob.tell(&server, Method::PATCH, &path, &json!({"label": "Mine"})).await.refused(404, "not_found");
    assert_eq!(credentials(&server, &ann).await.len(), 1);
}

#[tokio::test]
async fn what_happens_to_factors_is_in_the_log_of_the_person() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let (app, _) = enrol(&server, &ann).await;
    let who = user_and_app(&server, &ann).await;
    server.advance(Span::from_seconds(60)).await;
    assert!(is_wrong(&proves(&server, &who, "00000000", Window::Two).await));
    proves(&server, &who, &app.shows(&server, 0), Window::Two).await.unwrap();
    let events = ann.own(&server, Method::GET, "/v1/me/events").await.expect(200).json();
    let told: Vec<(String, String)> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["kind"].as_str().unwrap().to_owned(),
                event["method"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    for (kind, method) in [
        ("credential.added", "totp"),
        ("credential.added", "recovery_codes"),
        ("credential.failed", "totp"),
        ("credential.passed", "totp"),
    ] {
        assert!(told.contains(&(kind.to_owned(), method.to_owned())), "{kind} {method}: {told:?}");
    }
}

#[tokio::test]
async fn p38_a_cookie_alone_changes_no_factor() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let (_, added) = enrol(&server, &ann).await;
    let path = format!("{BASE}/{}", added.json()["credential"]["id"].as_str().unwrap());
    step_up(&server, &[Proof::Code, Proof::Totp]).await;
    for page in ["https://evil.example", "null", "https://club.example"] {
        for (method, path) in [
            (Method::DELETE, path.as_str()),
            (Method::PATCH, path.as_str()),
            (Method::POST, "/v1/me/credentials/recovery-codes"),
            (Method::POST, "/v1/me/credentials/totp/options"),
            (Method::GET, BASE),
        ] {
            ann.from(&server, page, method, path).await.refused(403, "origin_not_allowed");
        }
    }
    assert_eq!(credentials(&server, &ann).await.len(), 2);
}

#[tokio::test]
async fn p40_an_administrator_removes_what_was_lost_and_the_person_learns_of_it() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    enrol(&server, &ann).await;
    let (user, _) = user_and_app(&server, &ann).await;
    let path = format!("/v1/admin/users/{}/credentials", user.id);
    let all = local(&server).get(&path).await.expect(200);
    let text = all.json().to_string();
    assert!(!text.contains("Phone") && !text.contains("secret"), "{text}");
    let all = all.json()["items"].as_array().unwrap().clone();
    let app = all.iter().find(|one| one["kind"] == "totp").unwrap()["id"].as_str().unwrap().to_owned();
    server.outbox_is_empty().await;
    while server.mailbox.take(ANN).is_some() {}
    let gone = local(&server).send(Method::DELETE, &format!("{path}/{app}"), "").await.expect(200);
    assert_eq!(gone.text("kind"), "totp");
    let told = server.mail_to(ANN).await.mail.rendered.text;
    assert!(told.contains("removed a passkey, a security key, a code app or recovery codes"), "{told}");
    assert!(credentials(&server, &ann).await.is_empty(), "recovery codes went with it");
    local(&server).send(Method::DELETE, &format!("{path}/{app}"), "").await.refused(404, "not_found");
    local(&server).send(Method::DELETE, &format!("{path}/nonsense"), "").await.refused(404, "not_found");
    let (told, last) = events(&server, "credential.removed").await;
    assert!(told == 2 && last.contains("operator"), "{last}");
    sign_in(&server, ISSUER, ANN, "").await;
}

#[tokio::test]
async fn p40_who_may_only_look_removes_no_credential_and_nobody_another_person_s() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let bob = sign_in(&server, ISSUER, BOB, "").await;
    enrol(&server, &ann).await;
    let (ann_user, bob_user) =
        (user_and_app(&server, &ann).await.0.id, user_and_app(&server, &bob).await.0.id);
    let app = credentials(&server, &ann).await[0]["id"].as_str().unwrap().to_owned();
    let path = |user| format!("/v1/admin/users/{user}/credentials");
    let (key, _) = admin_key(&server, None, &["read"]).await;
    let reader = remote(&server, &key);
    assert_eq!(reader.get(&path(ann_user)).await.expect(200).json()["items"].as_array().unwrap().len(), 2);
    let of_ann = format!("{}/{app}", path(ann_user));
    reader.send(Method::DELETE, &of_ann, "").await.refused(403, "scope_needed");
    let of_bob = format!("{}/{app}", path(bob_user));
    local(&server).send(Method::DELETE, &of_bob, "").await.refused(404, "not_found");
    assert_eq!(credentials(&server, &ann).await.len(), 2);
    let (key, _) = admin_key(&server, None, &["users"]).await;
    remote(&server, &key).send(Method::DELETE, &of_ann, "").await.expect(200);
}

#[tokio::test]
async fn an_erasure_takes_what_a_person_signs_in_with_and_what_was_asked() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let bob = sign_in(&server, ISSUER, BOB, "").await;
    for person in [&ann, &bob] {
        enrol(&server, person).await;
    }
    step_up(&server, &[Proof::Code, Proof::Totp]).await;
    for person in [&ann, &bob] {
        options(&server, person, &json!({})).await.expect(201);
    }
    let rows = async || {
        [
            server.query("SELECT id FROM credential").await.len(),
            server.query("SELECT id FROM ceremony").await.len(),
        ]
    };
    assert_eq!(rows().await, [4, 2]);
    let path = format!("/v1/admin/users/{}", user_and_app(&server, &ann).await.0.id);
    local(&server).send(Method::DELETE, &path, "").await.expect(200);
    assert_eq!(rows().await, [2, 1], "another person's stay");
    assert_eq!(credentials(&server, &bob).await.len(), 2);
}
