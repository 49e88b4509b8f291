//! Apps that let in only whom they invited: invited by mail, let in once, and nobody else can tell.

use countersign_domain::time::Span;
use countersign_server::config::{AppSettings, Config, RealmSettings, SignUpSetting};
use http::Method;
use serde_json::json;

use crate::{
    accounts::{CLUB, club},
    admin::{admin_key, local, remote},
    admin_users::{events, items, send},
    flow::sign_in,
    support::{Answer, TestServer, World, backend::on_every_engine, settings::app},
};

on_every_engine! { one_invitation_lets_one_person_in_however_often_they_try }

const ANN: &str = "ann@mail.example";
const EVE: &str = "eve@mail.example";

fn by_invitation(config: &mut Config) {
    config.realms = vec![RealmSettings { name: "staff".to_owned(), ..RealmSettings::default() }];
    let origins = vec![CLUB.to_owned()];
    config.apps.push(AppSettings { sign_up: SignUpSetting::Invitation, origins, ..club() });
    config.apps.push(app("open"));
}

async fn invite(server: &TestServer, email: &str) -> Answer {
    local(server).post("/v1/admin/invitations", &json!({"app": "club", "email": email})).await
}

async fn forget_mails(server: &TestServer, address: &str) {
    server.outbox_is_empty().await;
    while server.mailbox.take(address).is_some() {}
}

#[tokio::test]
async fn an_invitation_from_its_mail_to_the_first_sign_in() {
    let server = TestServer::with(by_invitation).await;
    let made = invite(&server, ANN).await.expect(201);
    assert_eq!(made.text("app"), "club");
    let letter = server.mail_to(ANN).await;
    let text = &letter.mail.rendered.text;
    assert!(text.contains(CLUB) && text.contains("join") && letter.find_code().is_none(), "{text}");
    let listed = local(&server).get("/v1/admin/invitations").await.expect(200);
    assert_eq!(items(&listed)[0]["id"], made.text("id"));
    for row in server.query("SELECT * FROM invitation").await {
        assert!(!format!("{row:?}").contains("ann"), "only a digest is kept: {row:?}");
    }
    sign_in(&server, "club", ANN).await;
    assert!(items(&local(&server).get("/v1/admin/invitations").await.expect(200)).is_empty(), "spent");
    sign_in(&server, "club", ANN).await;
    invite(&server, ANN).await.refused(409, "address_taken");
    for kind in ["invitation.created", "invitation.accepted", "user.created"] {
        assert_eq!(events(&server, kind).await.0, 1, "{kind}");
    }
}

#[tokio::test]
async fn p12_who_was_not_invited_gets_the_same_answers_and_no_mail() {
    let server = TestServer::with(by_invitation).await;
    invite(&server, ANN).await.expect(201);
    forget_mails(&server, ANN).await;
    let club = server.app("club");
    let mut answers = Vec::new();
    for address in [ANN, EVE] {
        let started = club.start(address).await.expect(201);
        let wrong = club.verify(&started, "AAAAAAA").await.refused(401, "invalid_code");
        answers.push((started.json().as_object().unwrap().len(), wrong.json()["tries_left"].clone()));
    }
    assert_eq!(answers[0], answers[1]);
    server.no_mail_to(EVE).await;
    server.mail_to(ANN).await;
}

#[tokio::test]
async fn an_invitation_ends_by_time_and_by_hand() {
    let server = TestServer::with(by_invitation).await;
    let wanted = json!({"app": "club", "email": ANN, "expires_in": 60});
    local(&server).post("/v1/admin/invitations", &wanted).await.expect(201);
    server.clock.advance(Span::from_seconds(60));
    forget_mails(&server, ANN).await;
    server.app("club").start(ANN).await.expect(201);
    server.no_mail_to(ANN).await;
    let again = invite(&server, ANN).await.expect(201);
    let path = format!("/v1/admin/invitations/{}", again.text("id"));
    send(&local(&server), Method::DELETE, &path, &json!({})).await.expect(200);
    send(&local(&server), Method::DELETE, &path, &json!({})).await.refused(404, "not_found");
    forget_mails(&server, ANN).await;
    server.app("club").start(ANN).await.expect(201);
    server.no_mail_to(ANN).await;
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), 0);
}

/// A code that was mailed while the invitation was open is no way in after it was taken back.
#[tokio::test]
async fn a_code_does_not_outlive_its_invitation() {
    let server = TestServer::with(by_invitation).await;
    let made = invite(&server, ANN).await.expect(201);
    forget_mails(&server, ANN).await;
    let started = server.app("club").start(ANN).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    let path = format!("/v1/admin/invitations/{}", made.text("id"));
    send(&local(&server), Method::DELETE, &path, &json!({})).await.expect(200);
    server.app("club").verify(&started, &code).await.refused(403, "sign_up_closed");
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), 0);
}

#[tokio::test]
async fn what_cannot_be_an_invitation_is_refused() {
    let server = TestServer::with(by_invitation).await;
    for (body, member) in [
        (json!({"app": "open", "email": ANN}), "app"),
        (json!({"app": "club", "email": "x"}), "email"),
        (json!({"app": "club", "email": ANN, "expires_in": 59}), "expires_in"),
        (json!({"app": "club", "email": ANN, "expires_in": 7_776_001}), "expires_in"),
        (json!({"app": "club", "email": ANN, "realm": "staff"}), "realm"),
        (json!({"app": "club", "email": ANN, "link": "https://evil.example/"}), "link"),
        (json!({"app": "club", "email": ANN, "link": format!("{CLUB}.evil.example/")}), "link"),
        (json!({"app": "club", "email": ANN, "link": format!("{CLUB}/a b")}), "link"),
    ] {
        let refused =
            local(&server).post("/v1/admin/invitations", &body).await.refused(422, "invalid_member");
        assert_eq!(refused.text("member"), member, "{body}");
    }
    let link = json!({"app": "club", "email": ANN, "link": format!("{CLUB}/welcome"), "locale": "de"});
    local(&server).post("/v1/admin/invitations", &link).await.expect(201);
    assert!(server.mail_to(ANN).await.mail.rendered.text.contains("/welcome"));
    let (key, _) = admin_key(&server, Some("staff"), &["users"]).await;
    let body = json!({"app": "club", "email": ANN});
    remote(&server, &key).post("/v1/admin/invitations", &body).await.refused(404, "not_found");
}

async fn one_invitation_lets_one_person_in_however_often_they_try(world: World) {
    let server = world.node_with(by_invitation).await;
    invite(&server, ANN).await.expect(201);
    forget_mails(&server, ANN).await;
    let mut started = Vec::new();
    for _ in 0..3 {
        let answer = server.app("club").start(ANN).await.expect(201);
        started.push((answer, server.mail_to(ANN).await.code()));
    }
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (answer, code) = started[number % 3].clone();
        let caller = server.app("club");
        tasks.spawn(async move { caller.verify(&answer, &code).await.status.as_u16() });
    }
    let mut passed = 0;
    while let Some(status) = tasks.join_next().await {
        passed += usize::from(status.unwrap() == 200);
    }
    assert_eq!(passed, 3, "each code once");
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), 1);
    assert_eq!(server.query("SELECT id FROM invitation").await.len(), 0);
    assert_eq!(events(&server, "invitation.accepted").await.0, 1);
    server.stop().await;
}
