//! What apps keep with people, brought in and given out in bulk.

use countersign_server::config::Config;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::club_named,
    admin::{items, local, two_realms},
    flow::sign_in,
    support::{Answer, TestServer, World, backend::on_every_engine},
};

on_every_engine! { metadata_is_brought_in_and_given_out }

const ANN: &str = "ann@mail.example";

fn with_gyms(config: &mut Config) {
    two_realms(config);
    for name in ["gym", "spa"] {
        let sector = Some("sports".to_owned());
        config.apps.push(countersign_server::config::AppSettings { sector, ..club_named(name) });
    }
}

async fn import(server: &TestServer, lines: &[Value]) -> Answer {
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let client = local(server).with("content-type", "application/x-ndjson");
    client.send(Method::POST, "/v1/admin/users/import", &lines.join("\n")).await.expect(200)
}

fn person(address: &str, metadata: Value) -> Value {
    json!({"emails": [{"address": address, "verified": true}], "metadata": metadata})
}

async fn metadata_is_brought_in_and_given_out(world: World) {
    let server = world.node_with(with_gyms).await;
    let kept = json!({
        "club": {"public": {"plan": "gold"}, "private": {"risk": 7}},
        "gym": {"public": {}, "private": {"locker": 12}},
    });
    let answer = import(&server, &[person(ANN, kept.clone()), person("bob@mail.example", json!({}))]).await;
    assert_eq!(answer.json()["imported"], 2, "{answer:?}");
    let given = items(&local(&server).get("/v1/admin/users/export").await.expect(200));
    assert_eq!(given[0]["metadata"], kept);
    assert!(given[1].get("metadata").is_none());
    // The app finds it with the person at their first sign-in, and every app of its sector does.
    for (app, expected) in [("club", &kept["club"]), ("gym", &kept["gym"]), ("spa", &kept["gym"])] {
        let subject = sign_in(&server, app, ANN).await.text("subject");
        let found = server.app(app).get(&format!("/v1/users/{subject}")).await.expect(200).json();
        assert_eq!(
            (&found["public"], &found["private"]),
            (&expected["public"], &expected["private"]),
            "{app}"
        );
    }
    // It is not there in clear.
    for row in server.query("SELECT sealed FROM user_metadata").await {
        assert!(!format!("{row:?}").contains("locker"));
    }
    // What was given out is taken elsewhere.
    let other = TestServer::with(with_gyms).await;
    assert_eq!(import(&other, &given).await.json()["imported"], 2);
    let again = items(&local(&other).get("/v1/admin/users/export").await.expect(200));
    assert_eq!(again[0]["metadata"], kept);
    server.stop().await;
}

#[tokio::test]
async fn an_address_that_changed_hands_brings_a_subject_of_its_own() {
    let server = TestServer::with(with_gyms).await;
    let first = sign_in(&server, "club", ANN).await.text("subject");
    server.spoil("DELETE FROM user_identifier").await;
    let kept = json!({"club": {"public": {"plan": "gold"}, "private": {}}});
    assert_eq!(import(&server, &[person(ANN, kept)]).await.json()["imported"], 1);
    let second = sign_in(&server, "club", ANN).await.text("subject");
    assert_ne!(first, second, "whoever had the address keeps what is theirs");
    let found = server.app("club").get(&format!("/v1/users/{second}")).await.expect(200).json();
    assert_eq!(found["public"]["plan"], "gold");
}

#[tokio::test]
async fn bad_metadata_is_told_by_its_line_and_none_is_taken() {
    let server = TestServer::with(with_gyms).await;
    let long = json!({"club": {"public": {"text": "x".repeat(4_096)}}});
    let lines = [
        person("a@mail.example", json!({"nowhere": {}})),
        // Of another realm; without accounts.
        person("b@mail.example", json!({"desk": {}})),
        person("c@mail.example", json!({"forum": {}})),
        person("d@mail.example", json!({"gym": {}, "spa": {}})),
        person("e@mail.example", long),
        person("f@mail.example", json!({"club": {"secret": {}}})),
        person("g@mail.example", json!({"club": {"public": []}})),
        person("h@mail.example", json!({"club": {}})),
    ];
    let answer = import(&server, &lines).await.json();
    assert_eq!((&answer["outcome"], &answer["imported"]), (&json!("refused"), &json!(0)));
    let problems = answer["problems"].as_array().unwrap();
    let told: Vec<_> =
        problems.iter().map(|problem| (problem["line"].as_u64().unwrap(), problem["code"].clone())).collect();
    let member = json!("invalid_member");
    let shape = json!("invalid_request");
    assert_eq!(
        told,
        [
            (1, member.clone()),
            (2, member.clone()),
            (3, member.clone()),
            (4, member),
            (5, json!("metadata_too_long")),
            (6, shape.clone()),
            (7, shape),
        ]
    );
    assert!(server.query("SELECT id FROM realm_user").await.is_empty());
}
