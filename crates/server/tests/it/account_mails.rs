//! What people are told by mail of changes to their account, by them and by administrators.

use http::Method;
use serde_json::json;

use crate::{
    accounts::{server, with_club},
    admin::local,
    sessions::{Browser, sign_in},
    support::{TestServer, World, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! { p20_every_address_is_told_of_an_erasure_at_once }

const ANN: &str = "ann@mail.example";
const NEW: &str = "ann@new.example";

/// Adds an address, and reads what the other one is told.
async fn add(server: &TestServer, ann: &Browser) {
    let body = json!({"email": NEW});
    let started = ann.tell(server, Method::POST, "/v1/me/identifiers", &body).await.expect(202);
    let body = json!({"code": server.mail_to(NEW).await.code(), "binding": started.text("binding")});
    let path = format!("/v1/me/identifiers/{}/verify", started.text("id"));
    ann.tell(server, Method::POST, &path, &body).await.expect(200);
    server.mail_to(ANN).await;
}

async fn id_of(server: &TestServer, ann: &Browser, address: &str) -> String {
    let all = ann.own(server, Method::GET, "/v1/me/identifiers").await.expect(200).json();
    let found = all["items"].as_array().unwrap().iter().find(|known| known["value"] == address).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

async fn subject_of(server: &TestServer, address: &str) -> String {
    server.mail_to(address).await.mail.rendered.subject
}

async fn p20_every_address_is_told_of_an_erasure_at_once(world: World) {
    let server = world.node_with(with_club).await;
    for is_administrator in [false, true] {
        let ann = sign_in(&server, ISSUER, ANN, "").await;
        add(&server, &ann).await;
        if is_administrator {
            let id = ann.own(&server, Method::GET, "/v1/me").await.text("id");
            let erased = local(&server).send(Method::DELETE, &format!("/v1/admin/users/{id}"), "").await;
            assert_eq!(erased.expect(200).text("outcome"), "erased");
        } else {
            ann.own(&server, Method::DELETE, "/v1/me").await.expect(204);
        }
        assert!(server.query("SELECT user_id FROM user_identifier").await.is_empty());
        for address in [ANN, NEW] {
            let told = server.mail_to(address).await;
            assert_eq!(told.mail.rendered.subject, "Your account at club was erased");
            assert_eq!((told.find_code(), told.find_link()), (None, None));
            server.no_mail_to(address).await;
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn p20_the_former_primary_address_and_the_new_one_are_told() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    add(&server, &ann).await;
    let path = format!("/v1/me/identifiers/{}", id_of(&server, &ann, NEW).await);
    for told in [true, false] {
        ann.tell(&server, Method::PATCH, &path, &json!({"primary": true})).await.expect(200);
        for address in [ANN, NEW] {
            if told {
                let letter = server.mail_to(address).await.mail.rendered;
                assert_eq!(letter.subject, "Your main email address at club was changed");
                assert!(letter.text.contains("a…@new.example is the main address"), "{}", letter.text);
            }
            // The second time nothing changes.
            server.no_mail_to(address).await;
        }
    }
    // Whether a number comes first is nothing to write about.
    let number = json!({"phone": "+41 44 668 18 00"});
    ann.tell(&server, Method::POST, "/v1/me/identifiers", &number).await.expect(201);
    let path = format!("/v1/me/identifiers/{}", id_of(&server, &ann, "+41446681800").await);
    ann.tell(&server, Method::PATCH, &path, &json!({"primary": true})).await.expect(200);
    server.no_mail_to(ANN).await;
}

#[tokio::test]
async fn p20_an_address_that_an_undo_removes_is_told() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let old = id_of(&server, &ann, ANN).await;
    let started =
        ann.tell(&server, Method::POST, "/v1/me/identifiers", &json!({"email": NEW})).await.expect(202);
    let code = server.mail_to(NEW).await.code();
    let body = json!({"code": code, "binding": started.text("binding"), "replaces": old});
    let path = format!("/v1/me/identifiers/{}/verify", started.text("id"));
    ann.tell(&server, Method::POST, &path, &body).await.expect(200);
    let link = server.mail_to(ANN).await.link();
    server.anybody().form(&link, "").await.expect(200);
    let told = server.mail_to(NEW).await.mail.rendered;
    assert_eq!(told.subject, "An email address was removed from your account at club");
    assert!(told.text.contains("a…@new.example does not belong to your account any more"), "{}", told.text);
    server.no_mail_to(NEW).await;
    server.no_mail_to(ANN).await;
}

#[tokio::test]
async fn p28_who_is_signed_out_everywhere_is_told() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let id = ann.own(&server, Method::GET, "/v1/me").await.text("id");
    ann.own(&server, Method::DELETE, "/v1/me/sessions?except=current").await.expect(204);
    server.no_mail_to(ANN).await;
    ann.own(&server, Method::DELETE, "/v1/me/sessions").await.expect(204);
    assert_eq!(subject_of(&server, ANN).await, "You were signed out of club everywhere");
    let path = format!("/v1/admin/users/{id}/sessions");
    for sessions in [1, 0] {
        if sessions > 0 {
            sign_in(&server, ISSUER, ANN, "").await;
        }
        let ended = local(&server).send(Method::DELETE, &path, "").await.expect(200);
        assert_eq!(ended.json()["ended"], sessions);
        if sessions > 0 {
            assert_eq!(subject_of(&server, ANN).await, "You were signed out of club everywhere");
        }
        server.no_mail_to(ANN).await;
    }
}
