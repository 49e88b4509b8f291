//! What opens a service behind a proxy beside sessions and tokens: registered devices and app passwords, and the grants
//! that all of them need.

use countersign_domain::time::Span;
use countersign_server::config::{Config, ForwardAuthSettings, OpenerSetting};
use data_encoding::BASE64;
use http::Method;
use serde_json::json;

use crate::{
    accounts::club_named,
    admin::local,
    devices::{self, ANN, ann, fresh, with_devices},
    new_devices::Jar,
    support::{Answer, TestServer, World, backend::on_every_engine},
    verify::proxy,
};

on_every_engine! {
    p28_a_device_opens_what_its_person_was_granted_until_either_ends
    p28_an_app_password_opens_its_apps_until_it_or_its_person_ends
}

fn services(config: &mut Config) {
    with_devices(config);
    config.server.trusted_proxies = vec!["10.0.0.0/8".to_owned()];
    for name in ["vault", "attic"] {
        let accepts = Some(vec![OpenerSetting::Device, OpenerSetting::AppPassword]);
        let forward_auth = ForwardAuthSettings { accepts, ..ForwardAuthSettings::default() };
        config.apps.push(countersign_server::config::AppSettings { forward_auth, ..club_named(name) });
    }
}

async fn grant(server: &TestServer, user: &str, app: &str) -> String {
    let body = json!({"user": user, "app": app, "scopes": ["read:email"]});
    local(server).post("/v1/admin/grants", &body).await.expect(201).text("id")
}

async fn p28_a_device_opens_what_its_person_was_granted_until_either_ends(world: World) {
    let server = world.node_with(services).await;
    let (app, person) = ann(&server).await;
    let user = person.own(&server, Method::GET, "/v1/me").await.text("id");
    let mut jar = Jar::default();
    devices::register(&server, &mut jar, &app).await;
    let asks = |cookies: String, app: &'static str| {
        let client = proxy(&server).with("cookie", &cookies);
        async move { client.get(&format!("/verify/{app}")).await }
    };
    asks(jar.header(), "vault").await.expect(401);
    assert_eq!(asks(person.cookie.clone(), "vault").await.status, 404, "a session is not taken there");
    let id = grant(&server, &user, "vault").await;
    for _ in 0..2 {
        let yes = asks(jar.header(), "vault").await.expect(200);
        assert_eq!(yes.header("remote-email"), ANN);
        assert_eq!(asks(jar.header(), "attic").await.status, 401, "another app, another grant");
    }
    let path = format!("/v1/admin/grants/{id}");
    local(&server)
        .with("content-type", "application/json")
        .send(Method::DELETE, &path, "{}")
        .await
        .expect(200);
    asks(jar.header(), "vault").await.expect(401);
    grant(&server, &user, "vault").await;
    asks(jar.header(), "vault").await.expect(200);
    // The secret before the newest opens for half a minute, whatever is remembered.
    let former = jar.header();
    server.advance(Span::from_hours(25)).await;
    asks(former.clone(), "vault").await.expect(200);
    let renewed = devices::own(&server, &mut jar, Method::POST, "/v1/devices/renew", "{}").await;
    assert_eq!(renewed.status, 204, "{renewed:?}");
    assert_ne!(jar.header(), former);
    for _ in 0..2 {
        asks(former.clone(), "vault").await.expect(200);
        asks(jar.header(), "vault").await.expect(200);
    }
    server.advance(Span::from_seconds(31)).await;
    asks(former, "vault").await.expect(404);
    let yes = asks(jar.header(), "vault").await.expect(200);
    assert!(!yes.header("remote-assertion").is_empty());
    let listed = devices::own(&server, &mut jar, Method::GET, "/v1/me/devices", "").await;
    if listed.status == 200 {
        let id = listed.json()["items"][0]["id"].as_str().unwrap().to_owned();
        devices::own(&server, &mut jar, Method::DELETE, &format!("/v1/me/devices/{id}"), "").await;
    }
    let path = format!("/v1/admin/users/{user}");
    let off = json!({"status": "disabled"}).to_string();
    local(&server)
        .with("content-type", "application/json")
        .send(Method::PATCH, &path, &off)
        .await
        .expect(200);
    asks(jar.header(), "vault").await.expect(404);
    server.stop().await;
}

async fn p28_an_app_password_opens_its_apps_until_it_or_its_person_ends(world: World) {
    let server = world.node_with(services).await;
    let (_, person) = ann(&server).await;
    let user = person.own(&server, Method::GET, "/v1/me").await.text("id");
    let mut made = Vec::new();
    for label in ["Phone", "Tablet"] {
        fresh(&server).await;
        let body = json!({"label": label, "apps": ["vault"]});
        made.push(person.tell(&server, Method::POST, "/v1/me/app-passwords", &body).await.expect(201));
    }
    let asks = |password: String, app: &'static str| {
        let basic = BASE64.encode(format!("ann:{password}").as_bytes());
        let client = proxy(&server).with("authorization", &format!("Basic {basic}"));
        async move { client.get(&format!("/verify/{app}")).await }
    };
    let text = |answer: &Answer| answer.text("password");
    asks(text(&made[0]), "vault").await.expect(401);
    grant(&server, &user, "vault").await;
    grant(&server, &user, "attic").await;
    for _ in 0..2 {
        assert_eq!(asks(text(&made[0]), "vault").await.expect(200).header("remote-email"), ANN);
        asks(text(&made[1]), "vault").await.expect(200);
        asks(text(&made[0]), "attic").await.expect(404);
        asks(text(&made[0]), "club").await.expect(404);
    }
    fresh(&server).await;
    let path = format!("/v1/me/app-passwords/{}", made[0].text("id"));
    person.own(&server, Method::DELETE, &path).await.expect(204);
    asks(text(&made[0]), "vault").await.expect(404);
    asks(text(&made[1]), "vault").await.expect(200);
    let path = format!("/v1/admin/users/{user}");
    let off = json!({"status": "disabled"}).to_string();
    local(&server)
        .with("content-type", "application/json")
        .send(Method::PATCH, &path, &off)
        .await
        .expect(200);
    asks(text(&made[1]), "vault").await.expect(404);
    server.stop().await;
}
