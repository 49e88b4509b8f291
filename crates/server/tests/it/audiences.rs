//! Nothing crosses realms: no two apps of different realms have one audience, wherever they come from.

use countersign_server::config::{AppSettings, RealmSettings};
use http::Method;
use serde_json::json;

use crate::{
    admin::{admin_key, local, remote, two_realms},
    support::{World, backend::on_every_engine, settings::app},
};

on_every_engine! { p32_no_app_that_is_made_has_the_audience_of_another_realm }

const TAKEN: &str = "an app of another realm has it";

/// By operators of every kind, when it is made and when it is changed, whichever node knows the other app.
async fn p32_no_app_that_is_made_has_the_audience_of_another_realm(world: World) {
    let (one, other) = (world.node_with(two_realms).await, world.node_with(two_realms).await);
    let (key, _) = admin_key(&one, Some("staff"), &["all"]).await;
    let (operator, staff) = (local(&one), remote(&one, &key));
    // `club` is declared in `default`, and its audience is its name.
    for caller in [&operator, &staff] {
        let wanted = json!({"name": "copy", "realm": "staff", "audience": "club"});
        let refused = caller.post("/v1/admin/apps", &wanted).await.refused(422, "invalid_setting");
        assert!(refused.text("detail").contains(TAKEN), "{refused:?}");
    }
    let wanted = json!({"name": "api", "realm": "staff", "audience": "https://api.example"});
    operator.post("/v1/admin/apps", &wanted).await.expect(201);
    // The other node may not know it by heart yet.
    let elsewhere = json!({"name": "api-2", "audience": "https://api.example"});
    local(&other).post("/v1/admin/apps", &elsewhere).await.refused(422, "invalid_setting");
    operator.post("/v1/admin/apps", &json!({"name": "free"})).await.expect(201);
    let client = operator.clone().with("content-type", "application/json");
    let body = json!({"audience": "https://api.example"}).to_string();
    let changed = client.send(Method::PATCH, "/v1/admin/apps/free", &body).await;
    changed.refused(422, "invalid_setting");
    // Nor does it move to where its audience is another's; in one realm they may share.
    let body = json!({"realm": "staff", "audience": "https://api.example"}).to_string();
    client.send(Method::PATCH, "/v1/admin/apps/free", &body).await.expect(200);
    let body = json!({"realm": null}).to_string();
    client.send(Method::PATCH, "/v1/admin/apps/free", &body).await.refused(422, "invalid_setting");
    one.stop().await;
    other.stop().await;
}

/// The file wins: what is stored is left out, loudly, and no token of the one is taken for the other.
#[tokio::test]
async fn p32_a_stored_app_is_left_out_where_the_file_gives_its_audience_to_another_realm() {
    let world = World::memory();
    {
        let server = world.node_with(two_realms).await;
        let wanted = json!({"name": "api", "realm": "staff", "audience": "https://api.example"});
        local(&server).post("/v1/admin/apps", &wanted).await.expect(201);
    }
    let server = world
        .node_with(|config| {
            config.realms = vec![RealmSettings { name: "staff".to_owned(), ..RealmSettings::default() }];
            config
                .apps
                .push(AppSettings { audience: Some("https://api.example".to_owned()), ..app("front") });
        })
        .await;
    let ready = server.anybody().get("/readyz").await.expect(200).json();
    assert!(ready["corrupt_rows"].to_string().contains("audience"), "{ready}");
    assert!(server.server.app("api").is_none() && server.server.app("front").is_some());
    // Another audience mends it.
    let client = local(&server).with("content-type", "application/json");
    let body = json!({"audience": "https://other.example"}).to_string();
    client.send(Method::PATCH, "/v1/admin/apps/api", &body).await.expect(200);
    assert!(server.server.app("api").is_some());
}
