//! What apps keep with people, and what people may have of everything that is kept.

use countersign_server::{
    config::{Config, Part},
    wiring,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::{club, with_club},
    flow,
    sessions::sign_in,
    support::{
        Answer, Caller, TestServer,
        caller::Client,
        settings::{ISSUER, app},
    },
};

const ANN: &str = "ann@mail.example";

fn two_apps(config: &mut Config) {
    with_club(config);
    config.apps.push(countersign_server::config::AppSettings {
        name: "desk".to_owned(),
        keys: app("desk").keys,
        ..club()
    });
}

async fn change(server: &TestServer, app: &str, subject: &str, body: &Value) -> Answer {
    let caller = server.app(app).with("content-type", "application/json");
    caller.send(Method::PATCH, &format!("/v1/users/{subject}"), &body.to_string()).await
}

#[tokio::test]
async fn p20_metadata_is_an_app_s_own_and_the_private_part_is_not_the_person_s() {
    let server = TestServer::with(two_apps).await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let at_desk = flow::sign_in(&server, "desk", ANN).await.text("subject");
    let subject = ann.answer.text("subject");
    assert_ne!(subject, at_desk);
    let body = json!({"public": {"plan": "gold"}, "private": {"risk": 7}});
    let kept = change(&server, "club", &subject, &body).await.expect(200).json();
    assert_eq!((&kept["public"], &kept["private"]), (&body["public"], &body["private"]));
    change(&server, "club", &subject, &json!({"public": {"plan": "tin"}})).await.expect(200);
    let kept = server.app("club").get(&format!("/v1/users/{subject}")).await.expect(200).json();
    assert_eq!((&kept["public"]["plan"], &kept["private"]["risk"]), (&json!("tin"), &json!(7)));

    // Nobody else's app, by whatever name, and no page.
    for path in [&subject, &"a".repeat(32), &"x".to_owned()] {
        server.app("desk").get(&format!("/v1/users/{path}")).await.refused(404, "not_found");
        change(&server, "desk", path, &json!({"public": {}})).await.refused(404, "not_found");
    }
    let desk = server.app("desk").get(&format!("/v1/users/{at_desk}")).await.expect(200).json();
    assert_eq!((&desk["public"], &desk["private"]), (&json!({}), &json!({})));
    let page = server.calls(Caller::Publishable(crate::support::settings::publishable_key("club"), ISSUER));
    page.get(&format!("/v1/users/{subject}")).await.refused(403, "api_key_kind");
    let me = ann.own(&server, Method::GET, "/v1/me").await.expect(200);
    assert_eq!(me.json()["metadata"], json!({"plan": "tin"}));
    assert!(!String::from_utf8_lossy(&me.body).contains("risk"));

    for (body, code) in [
        (json!({"public": {"a": "x".repeat(4096)}}), "metadata_too_long"),
        (json!({"private": {"a": "x".repeat(4096)}}), "metadata_too_long"),
        (json!({"public": []}), "invalid_request"),
        (json!({"plan": 1}), "invalid_request"),
    ] {
        change(&server, "club", &subject, &body).await.refused(422, code);
    }
    let emptied = change(&server, "club", &subject, &json!({"public": null})).await.expect(200).json();
    assert_eq!((&emptied["public"], &emptied["private"]), (&json!({}), &json!({"risk": 7})));
}

#[tokio::test]
async fn an_export_holds_everything_and_is_told() {
    let server = TestServer::with(two_apps).await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    flow::sign_in(&server, "desk", ANN).await;
    let body = json!({"display_name": "Ann Lee", "locale": "de", "username": "annlee"});
    ann.tell(&server, Method::PATCH, "/v1/me", &body).await.expect(200);
    ann.tell(&server, Method::POST, "/v1/me/identifiers", &json!({"phone": "+4930901820"})).await.expect(201);
    let kept = json!({"public": {"plan": "gold"}, "private": {"risk": 7}});
    change(&server, "club", &ann.answer.text("subject"), &kept).await.expect(200);

    let all = ann.own(&server, Method::GET, "/v1/me/export").await.expect(200);
    let text = String::from_utf8(all.body.clone()).unwrap();
    for held in [ANN, "Ann Lee", "annlee", "+4930901820", "gold", "risk", "Firefox on Linux", "club", "desk"]
    {
        assert!(text.contains(held), "{held} is missing in {text}");
    }
    let exported = all.json();
    assert_eq!(exported["identifiers"].as_array().unwrap().len(), 3);
    assert_eq!(exported["subjects"].as_array().unwrap().len(), 2);
    assert_eq!(exported["sessions"].as_array().unwrap().len(), 2);
    assert_eq!(server.mail_to(ANN).await.mail.rendered.subject, "Ihre Daten bei club wurden exportiert");

    let id = exported["id"].as_str().unwrap();
    let operator = Client::new(wiring::service(&server.server, &[Part::Admin]), Caller::Anonymous);
    let read = operator.get(&format!("/v1/admin/users/{id}/export")).await.expect(200).json();
    assert_eq!(read["identifiers"], exported["identifiers"]);
    let told = server.mail_to(ANN).await;
    assert!(told.mail.rendered.text.contains("alles angesehen"), "{told:?}");
    operator.get("/v1/admin/users/usr_0/export").await.refused(404, "not_found");
}
