//! Realms that operators make: set, changed, removed while they are empty.

use countersign_domain::time::Span;
use http::Method;
use serde_json::json;

use crate::{
    admin::{admin_key, ask, items, local, remote, two_realms},
    support::{TestServer, World, backend::on_every_engine},
};

on_every_engine! {
    a_realm_is_removed_only_while_it_is_empty
    a_realm_is_not_removed_while_an_app_is_made_in_it_elsewhere
}

#[tokio::test]
async fn a_realm_from_beginning_to_end() {
    let server = TestServer::with(two_realms).await;
    let operator = local(&server);
    let wanted = json!({"name": "crew", "session_idle_seconds": 600});
    let made = operator.post("/v1/admin/realms", &wanted).await.expect(201);
    assert_eq!((&made.json()["declared"], &made.json()["apps"]), (&json!(false), &json!(0)));
    operator.post("/v1/admin/realms", &wanted).await.refused(409, "already_exists");
    let name = "crew".parse().unwrap();
    assert_eq!(server.server.realm(&name).session.idle, Span::from_seconds(600));
    let change = async |name: &str, patch: &str| {
        let client = operator.clone().with("content-type", "application/json");
        client.send(Method::PATCH, &format!("/v1/admin/realms/{name}"), patch).await
    };
    change("crew", r#"{"session_idle_seconds": null, "refresh_grace_seconds": 5}"#).await.expect(200);
    assert_eq!(server.server.realm(&name).session.refresh_grace, Span::from_seconds(5));
    assert_eq!(server.server.realm(&name).session.idle, Span::from_hours(7 * 24));
    for (name, patch, status, code) in [
        ("crew", r#"{"refresh_grace_seconds": 500}"#, 422, "invalid_setting"),
        ("crew", r#"{"colour": 1}"#, 422, "invalid_setting"),
        ("crew", r#"{"name": "gang"}"#, 422, "invalid_member"),
        ("staff", r#"{"refresh_grace_seconds": 5}"#, 409, "declared_in_file"),
        ("gang", r#"{"refresh_grace_seconds": 5}"#, 404, "not_found"),
    ] {
        change(name, patch).await.refused(status, code);
    }
    change("default", r#"{"session_idle_seconds": 900}"#).await.expect(200);
    assert_eq!(server.server.realm(&Default::default()).session.idle, Span::from_seconds(900));
    let listed = operator.get("/v1/admin/realms").await.expect(200);
    let names: Vec<_> = items(&listed).iter().map(|realm| realm["name"].clone()).collect();
    assert_eq!(names, ["crew", "default", "staff"]);
    for (body, code) in [
        (json!({"name": "Crew"}), "invalid_setting"),
        (json!({"name": "b", "session_idle_seconds": 1}), "invalid_setting"),
        (json!({"name": "b", "colour": 1}), "invalid_request"),
    ] {
        operator.post("/v1/admin/realms", &body).await.refused(422, code);
    }
    operator.post("/v1/admin/realms", &json!({"name": "staff"})).await.refused(409, "declared_in_file");
}

async fn a_realm_is_removed_only_while_it_is_empty(world: World) {
    let server = world.node_with(two_realms).await;
    let operator = local(&server);
    for name in ["default", "staff", "nowhere"] {
        let expected = match name {
            "default" => (409, "in_use"),
            "staff" => (409, "declared_in_file"),
            _ => (404, "not_found"),
        };
        let path = format!("/v1/admin/realms/{name}");
        ask(&operator, &Method::DELETE, &path).await.refused(expected.0, expected.1);
    }
    operator
        .post("/v1/admin/apps", &json!({"name": "b", "realm": "crew"}))
        .await
        .refused(422, "invalid_setting");
    operator.post("/v1/admin/realms", &json!({"name": "crew"})).await.expect(201);
    let (key, _) = admin_key(&server, Some("crew"), &["read"]).await;
    operator.post("/v1/admin/apps", &json!({"name": "b", "realm": "crew"})).await.expect(201);
    let path = "/v1/admin/realms/crew";
    ask(&operator, &Method::DELETE, path).await.refused(409, "in_use");
    let client = operator.clone().with("content-type", "application/json");
    client.send(Method::PATCH, "/v1/admin/apps/b", r#"{"realm": null}"#).await.expect(200);
    remote(&server, &key).get(path).await.expect(200);
    ask(&operator, &Method::DELETE, path).await.expect(200);
    operator.get(path).await.refused(404, "not_found");
    operator.post("/v1/admin/realms", &json!({"name": "crew"})).await.expect(201);
    remote(&server, &key).get(path).await.refused(401, "api_key_unknown");
    server.stop().await;
}

/// What one node has just made, another one does not know by heart yet; and of two at once one wins.
async fn a_realm_is_not_removed_while_an_app_is_made_in_it_elsewhere(world: World) {
    let (one, other) = (world.node_with(two_realms).await, world.node_with(two_realms).await);
    let (maker, remover) = (local(&one), local(&other));
    let mut kept = Vec::new();
    for round in 0..8 {
        let (realm, app) = (format!("crew-{round}"), format!("app-{round}"));
        maker.post("/v1/admin/realms", &json!({"name": realm})).await.expect(201);
        let wanted = json!({"name": app, "realm": realm});
        let path = format!("/v1/admin/realms/{realm}");
        let removed = if round == 0 {
            maker.post("/v1/admin/apps", &wanted).await.expect(201);
            ask(&remover, &Method::DELETE, &path).await.refused(409, "in_use");
            false
        } else {
            let (made, removed) =
                tokio::join!(maker.post("/v1/admin/apps", &wanted), ask(&remover, &Method::DELETE, &path));
            let (made, removed) = (made.status == 201, removed.status == 200);
            assert_ne!(made, removed, "round {round}");
            removed
        };
        if !removed {
            kept.push(realm);
        }
    }
    let listed = maker.get("/v1/admin/realms").await.expect(200);
    let names: Vec<_> = items(&listed).iter().map(|realm| realm["name"].clone()).collect();
    assert!(kept.iter().all(|realm| names.contains(&json!(realm))), "{names:?}");
    assert_eq!(names.len(), kept.len() + 2, "{names:?}");
    one.stop().await;
    other.stop().await;
}
