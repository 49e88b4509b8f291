//! What a person's export tells of their password and of what happened.

use http::Method;
use serde_json::Value;

use crate::{
    admin::local,
    passwords::{GOOD, OTHER, browser, own, register, server, sign_in},
};

const ANN: &str = "ann@mail.example";

#[tokio::test]
async fn an_export_has_the_date_of_the_password_and_what_happened() {
    let server = server().await;
    register(&server, ANN, GOOD).await;
    sign_in(&server, "bob@mail.example", OTHER).await.refused(401, "invalid_password");
    let (_, cookie) = browser(&server, ANN, Some(GOOD)).await;
    let mine = own(&server, &cookie, Method::GET, "/v1/me/export", Value::Null).await.expect(200).json();
    let made_at = own(&server, &cookie, Method::GET, "/v1/me/password", Value::Null).await.expect(200);
    assert_eq!(mine["password_made_at"], made_at.json()["made_at"]);
    assert_eq!(mine["events_before"], Value::Null);
    let events = mine["events"].as_array().unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    for kind in ["user.created", "password.set", "password.passed", "session.started"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    assert!(!kinds.contains(&"password.failed"), "nothing of anybody else: {kinds:?}");
    assert!(events.is_sorted_by(|one, other| one["id"].as_str() >= other["id"].as_str()));
    // An operator who is asked for it has the same, and what was told meanwhile.
    let id = mine["id"].as_str().unwrap();
    let theirs = local(&server).get(&format!("/v1/admin/users/{id}/export")).await.expect(200).json();
    assert_eq!(theirs["password_made_at"], mine["password_made_at"]);
    assert!(theirs["events"].as_array().unwrap().len() > events.len());
}

#[tokio::test]
async fn an_export_without_a_password_says_so() {
    let server = server().await;
    let (_, cookie) = browser(&server, ANN, None).await;
    let mine = own(&server, &cookie, Method::GET, "/v1/me/export", Value::Null).await.expect(200).json();
    assert_eq!(mine["password_made_at"], Value::Null);
    assert!(!mine["events"].as_array().unwrap().is_empty());
}
