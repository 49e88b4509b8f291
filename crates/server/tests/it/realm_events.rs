//! The log of events for an admin key of one realm: what happened there, and nothing else.

use http::Method;
use serde_json::{Value, json};

use crate::{
    admin::{admin_key, items, local, remote, two_realms},
    flow::sign_in,
    support::{TestServer, World, backend::on_every_engine, caller::Client},
};

on_every_engine! { p40_a_key_of_one_realm_sees_its_events_alone }

const ANN: &str = "ann@mail.example";

async fn seen(client: &Client, query: &str) -> Vec<Value> {
    items(&client.get(&format!("/v1/admin/events?limit=200{query}")).await.expect(200))
}

async fn p40_a_key_of_one_realm_sees_its_events_alone(world: World) {
    let server = world.node_with(two_realms).await;
    sign_in(&server, "club", ANN).await;
    sign_in(&server, "desk", ANN).await;
    let wiki = json!({"name": "office", "realm": "staff"});
    local(&server).post("/v1/admin/apps", &wiki).await.expect(201);
    local(&server).post("/v1/admin/apps/office/keys", &json!({"kind": "secret"})).await.expect(201);
    local(&server).post("/v1/admin/apps", &json!({"name": "elsewhere"})).await.expect(201);
    let (key, _) = admin_key(&server, Some("staff"), &["read"]).await;
    let staff = remote(&server, &key);

    let everything = seen(&local(&server), "").await;
    let of_staff: Vec<_> = everything.iter().filter(|event| event["realm"] == "staff").cloned().collect();
    assert_eq!(seen(&staff, "").await, of_staff);
    assert!(of_staff.len() < everything.len());
    let kinds: Vec<_> = of_staff.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    for kind in ["session.started", "app.created", "api_key.created", "admin_key.created"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    assert_eq!(seen(&local(&server), "&realm=staff").await, of_staff, "whoever has all may ask for one");
    assert_eq!(seen(&staff, "&realm=staff&kind=app.created").await.len(), 1);
    assert!(seen(&staff, "&app=club").await.is_empty());

    // Somebody of another realm has no events here, whoever names them.
    for (realm, is_theirs) in [("staff", true), ("default", false)] {
        let users = local(&server).get(&format!("/v1/admin/users?realm={realm}")).await.expect(200);
        let user = items(&users)[0]["id"].as_str().unwrap().to_owned();
        assert_ne!(seen(&staff, &format!("&user={user}")).await.is_empty(), is_theirs, "{realm}");
    }
    staff.get("/v1/admin/events?realm=default").await.refused(404, "not_found");
    for path in ["segment", "waiting", "chain"] {
        let path = format!("/v1/admin/events/{path}");
        staff.clone().send(Method::GET, &path, "").await.refused(403, "all_realms_needed");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_read_is_refused_as_everywhere() {
    let server = TestServer::with(two_realms).await;
    for path in ["segment?after=x", "segment?colour=1", "chain?until=x", "chain?colour=1", "waiting?limit=0"]
    {
        local(&server).get(&format!("/v1/admin/events/{path}")).await.refused(422, "invalid_member");
    }
}
