//! `/v1/admin` over a network: admin keys with their scopes and realms.

use countersign_domain::time::Span;
use countersign_server::{
    config::{Config, Part, RealmSettings},
    wiring,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::club,
    flow::sign_in,
    support::{
        Answer, Caller, TestServer, World,
        backend::on_every_engine,
        caller::Client,
        settings::{app, secret_key},
    },
};

on_every_engine! {
    a_key_of_one_realm_finds_nothing_of_another
    a_revoked_admin_key_is_dead_on_the_other_node
}

const ANN: &str = "ann@mail.example";

/// `club` in the realm `default`, `desk` in the realm `staff`.
pub(crate) fn two_realms(config: &mut Config) {
    config.realms = vec![RealmSettings { name: "staff".to_owned(), ..RealmSettings::default() }];
    config.apps.push(club());
    let desk = app("desk");
    config.apps.push(countersign_server::config::AppSettings {
        realm: Some("staff".to_owned()),
        accounts: countersign_server::config::AccountsSetting::Realm,
        ..desk
    });
}

/// Whoever may open the control socket.
pub(crate) fn local(server: &TestServer) -> Client {
    Client::new(wiring::service(&server.server, &[Part::Admin]), Caller::Anonymous)
}

/// Who comes over a network with this key.
pub(crate) fn remote(server: &TestServer, key: &str) -> Client {
    let service = wiring::service(&server.server, &[Part::Admin]);
    Client::new(service, Caller::Bearer(key.to_owned())).from("192.0.2.9")
}

/// A fresh admin key, and its id.
pub(crate) async fn admin_key(server: &TestServer, realm: Option<&str>, scopes: &[&str]) -> (String, String) {
    let wanted = json!({"scopes": scopes, "realm": realm, "label": "test"});
    let made = local(server).post("/v1/admin/admin-keys", &wanted).await.expect(201);
    (made.text("key"), made.text("id"))
}

pub(crate) async fn ask(client: &Client, method: &Method, path: &str) -> Answer {
    client.clone().with("content-type", "application/json").send(method.clone(), path, "{}").await
}

pub(crate) fn items(answer: &Answer) -> Vec<Value> {
    answer.json()["items"].as_array().unwrap().clone()
}

async fn user_in(server: &TestServer, realm: &str) -> String {
    let listed = local(server).get(&format!("/v1/admin/users?realm={realm}")).await.expect(200);
    items(&listed)[0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_admin_key_from_beginning_to_end() {
    let server = TestServer::with(two_realms).await;
    let (key, id) = admin_key(&server, None, &["users", "read", "users"]).await;
    assert!(key.starts_with("cs_ak_") && key.len() == 45, "{key}");
    let listed = remote(&server, &key).get("/v1/admin/admin-keys").await.expect(200);
    let [shown] = &items(&listed)[..] else { panic!("one key: {listed:?}") };
    assert_eq!((&shown["id"], &shown["scopes"]), (&json!(id), &json!(["read", "users"])));
    assert!(!String::from_utf8_lossy(&listed.body).contains(&key), "its text is shown once");
    for row in server.query("SELECT * FROM admin_key").await {
        assert!(!format!("{row:?}").contains(&key[6..20]), "{row:?}");
    }
    for _ in 0..2 {
        local(&server).post(&format!("/v1/admin/admin-keys/{id}/revoke"), &json!({})).await.expect(200);
        remote(&server, &key).get("/v1/admin/users").await.refused(401, "api_key_ended");
    }
    let wanted = json!({"scopes": ["all"], "expires_in_days": 1});
    let short = local(&server).post("/v1/admin/admin-keys", &wanted).await.expect(201).text("key");
    remote(&server, &short).get("/v1/admin/users").await.expect(200);
    server.clock.advance(Span::DAY);
    remote(&server, &short).get("/v1/admin/users").await.refused(401, "api_key_ended");
}

#[tokio::test]
async fn what_cannot_be_an_admin_key_is_refused() {
    let server = TestServer::with(two_realms).await;
    for (body, code) in [
        (json!({"scopes": []}), "invalid_member"),
        (json!({"scopes": ["root"]}), "invalid_member"),
        (json!({"scopes": ["read"], "realm": "nowhere"}), "invalid_member"),
        (json!({"scopes": ["read"], "realm": "No Name"}), "invalid_member"),
        (json!({"scopes": ["read"], "label": "two\nlines"}), "invalid_member"),
        (json!({"scopes": ["read"], "expires_in_days": 0}), "invalid_member"),
        (json!({"scope": ["read"]}), "invalid_request"),
    ] {
        local(&server).post("/v1/admin/admin-keys", &body).await.refused(422, code);
    }
    let (key, _) = admin_key(&server, None, &["all"]).await;
    let mut typed = key.clone();
    typed.replace_range(20..21, if &key[20..21] == "0" { "1" } else { "0" });
    for (given, code) in [
        (typed.as_str(), "api_key_malformed"),
        (&secret_key("forum"), "api_key_malformed"),
        ("cs_ak_00000000000000000000000000000000000000g", "api_key_malformed"),
        ("hunter2", "api_key_malformed"),
    ] {
        remote(&server, given).get("/v1/admin/users").await.refused(401, code);
    }
    // And it is no app's key.
    server.calls(Caller::Secret(key)).start(ANN).await.refused(401, "api_key_malformed");
}

/// Every group of routes with every scope: only the named ones open it, and the refusal names one that would.
#[tokio::test]
async fn each_route_opens_to_its_scopes_alone() {
    let server = TestServer::with(two_realms).await;
    let scopes = ["read", "users", "apps", "keys", "all"];
    let mut keys = Vec::new();
    for scope in scopes {
        keys.push(admin_key(&server, None, &[scope]).await.0);
    }
    let (get, post, patch, delete) = (Method::GET, Method::POST, Method::PATCH, Method::DELETE);
    for (method, path, opens) in [
        (&get, "/v1/admin/apps", "read apps all"),
        (&get, "/v1/admin/apps/club", "read apps all"),
        (&post, "/v1/admin/apps", "apps all"),
        (&patch, "/v1/admin/apps/nobody", "apps all"),
        (&post, "/v1/admin/apps/nobody/disable", "apps all"),
        (&get, "/v1/admin/apps/club/keys", "read keys all"),
        (&post, "/v1/admin/apps/club/keys", "keys all"),
        (&post, "/v1/admin/apps/club/token-secret", "keys all"),
        (&post, "/v1/admin/keys/key_0/revoke", "keys all"),
        (&get, "/v1/admin/signing-keys", "read keys all"),
        (&post, "/v1/admin/signing-keys/rotate", "keys all"),
        (&get, "/v1/admin/messages", "read apps all"),
        (&delete, "/v1/admin/messages/msg_0", "apps all"),
        (&post, "/v1/admin/revocations", "apps all"),
        (&get, "/v1/admin/users", "read users all"),
        (&patch, "/v1/admin/users/usr_0", "users all"),
        (&delete, "/v1/admin/users/usr_0", "users all"),
        (&get, "/v1/admin/realms", "read all"),
        (&post, "/v1/admin/realms", "all"),
        (&delete, "/v1/admin/realms/club", "all"),
        (&get, "/v1/admin/admin-keys", "read all"),
        (&post, "/v1/admin/admin-keys", "all"),
        (&get, "/v1/admin/events", "read all"),
        (&get, "/v1/admin/users/export", "users all"),
        (&post, "/v1/admin/users/import", "users all"),
        (&post, "/v1/admin/users/delete", "users all"),
        (&get, "/v1/admin/users/usr_0/sessions", "read users all"),
        (&delete, "/v1/admin/sessions/ses_0", "users all"),
        (&get, "/v1/admin/invitations", "read users all"),
        (&post, "/v1/admin/invitations", "users all"),
        (&delete, "/v1/admin/invitations/inv_0", "users all"),
    ] {
        for (scope, key) in scopes.iter().zip(&keys) {
            let answer = ask(&remote(&server, key), method, path).await;
            let is_open = answer.status != 403;
            assert_eq!(is_open, opens.split(' ').any(|open| open == *scope), "{scope}: {method} {path}");
            if !is_open {
                let answer = answer.refused(403, "scope_needed");
                let needed = answer.text("scope");
                assert!(opens.split(' ').any(|open| open == needed), "{needed}: {method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn what_holds_every_secret_is_for_who_is_at_the_machine() {
    let server = TestServer::with(two_realms).await;
    let (key, _) = admin_key(&server, None, &["all"]).await;
    for (method, path) in [
        (Method::POST, "/v1/admin/backup"),
        (Method::GET, "/v1/admin/master-key"),
        (Method::POST, "/v1/admin/master-key/rotate"),
    ] {
        ask(&remote(&server, &key), &method, path).await.refused(404, "not_found");
    }
    local(&server).get("/v1/admin/master-key").await.expect(200);
}

/// Nothing of the realm `default` is there for the key of another: neither a user nor keys.
async fn finds_nothing_elsewhere(server: &TestServer, staff: &Client, other: &str, other_keys: [&str; 2]) {
    let foreign = items(&local(server).get("/v1/admin/apps/club/keys").await.expect(200));
    let foreign = foreign[0]["id"].as_str().unwrap();
    let (get, post, patch, delete) = (Method::GET, Method::POST, Method::PATCH, Method::DELETE);
    for (method, path) in [
        (&get, "/v1/admin/apps/club".to_owned()),
        (&patch, "/v1/admin/apps/club".to_owned()),
        (&post, "/v1/admin/apps/club/disable".to_owned()),
        (&get, "/v1/admin/apps/club/keys".to_owned()),
        (&post, "/v1/admin/apps/club/keys".to_owned()),
        (&post, format!("/v1/admin/keys/{foreign}/revoke")),
        (&get, format!("/v1/admin/users/{other}")),
        (&get, format!("/v1/admin/users/%75{}", &other[1..])),
        (&patch, format!("/v1/admin/users/{other}")),
        (&delete, format!("/v1/admin/users/{other}")),
        (&get, "/v1/admin/users?realm=default".to_owned()),
        (&get, format!("/v1/admin/users?realm=default&email={ANN}")),
        (&get, "/v1/admin/realms/default".to_owned()),
        (&patch, "/v1/admin/realms/default".to_owned()),
        (&post, format!("/v1/admin/admin-keys/{}/revoke", other_keys[0])),
        (&post, format!("/v1/admin/admin-keys/{}/revoke", other_keys[1])),
    ] {
        ask(staff, method, &path).await.refused(404, "not_found");
    }
}

async fn a_key_of_one_realm_finds_nothing_of_another(world: World) {
    let server = world.node_with(two_realms).await;
    sign_in(&server, "club", ANN).await;
    sign_in(&server, "desk", ANN).await;
    let (key, own_id) = admin_key(&server, Some("staff"), &["all"]).await;
    let (_, other_id) = admin_key(&server, Some("default"), &["all"]).await;
    let (_, wide_id) = admin_key(&server, None, &["all"]).await;
    let staff = remote(&server, &key);
    let names = |answer: &Answer| -> Vec<_> {
        items(answer).iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&staff.get("/v1/admin/apps").await.expect(200)), ["desk"]);
    assert_eq!(names(&staff.get("/v1/admin/realms").await.expect(200)), ["staff"]);
    let own: Vec<_> = items(&staff.get("/v1/admin/admin-keys").await.expect(200));
    assert_eq!((own.len(), &own[0]["id"]), (1, &json!(own_id)));
    assert_eq!(items(&staff.get("/v1/admin/users").await.expect(200)).len(), 1);
    let (mine, other) = (user_in(&server, "staff").await, user_in(&server, "default").await);
    finds_nothing_elsewhere(&server, &staff, &other, [&other_id, &wide_id]).await;
    let club = json!({"app": "club"});
    staff.post("/v1/admin/revocations", &club).await.refused(404, "not_found");
    for (method, path) in [
        (Method::DELETE, "/v1/admin/realms/staff"),
        (Method::GET, "/v1/admin/events/segment"),
        (Method::GET, "/v1/admin/events/chain"),
    ] {
        ask(&staff, &method, path).await.refused(403, "all_realms_needed");
    }
    staff.post("/v1/admin/realms", &json!({"name": "more"})).await.refused(403, "all_realms_needed");
    staff
        .post("/v1/admin/admin-keys", &json!({"scopes": ["read"], "realm": "default"}))
        .await
        .refused(404, "not_found");
    // What it makes is in its own realm, and its tokens are nobody else's.
    let made = staff.post("/v1/admin/apps", &json!({"name": "till"})).await.expect(201);
    assert_eq!(made.text("realm"), "staff");
    for settings in [json!({"name": "b", "realm": "default"}), json!({"name": "b", "audience": "club"})] {
        staff.post("/v1/admin/apps", &settings).await.refused(422, "invalid_setting");
    }
    let patch = staff.clone().with("content-type", "application/json");
    let moved = patch.send(Method::PATCH, "/v1/admin/apps/till", r#"{"realm": "default"}"#).await;
    moved.refused(422, "invalid_setting");
    let narrow = staff.post("/v1/admin/admin-keys", &json!({"scopes": ["read"]})).await.expect(201);
    assert_eq!(narrow.text("realm"), "staff");
    ask(&staff, &Method::DELETE, &format!("/v1/admin/users/{mine}")).await.expect(200);
    assert_eq!(user_in(&server, "default").await, other);
    server.stop().await;
}

#[tokio::test]
async fn a_browser_cannot_use_an_admin_key() {
    let server = TestServer::with(two_realms).await;
    let (key, _) = admin_key(&server, None, &["all"]).await;
    // As wide open as no configuration is: with everything on one listener.
    let service = wiring::service(&server.server, &[Part::Public, Part::Admin]);
    let client = Client::new(service, Caller::Bearer(key)).from("192.0.2.9");
    client.get("/v1/admin/users").await.expect(200);
    for (name, value) in [
        ("origin", "https://club.example"),
        ("origin", "null"),
        ("cookie", "a=b"),
        ("cookie", ""),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
    ] {
        let answer = client.clone().with(name, value).get("/v1/admin/users").await;
        let answer = answer.refused(403, "browser_refused");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{name}");
    }
    let preflight = client.clone().with("origin", "https://club.example");
    let preflight = preflight.with("access-control-request-method", "POST");
    let answer = preflight.send(Method::OPTIONS, "/v1/admin/users", "").await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
    // Without a key a browser learns no more.
    let anybody = server.anybody().from("192.0.2.9");
    anybody.get("/v1/admin/users").await.refused(404, "not_found");
}

#[tokio::test]
async fn p11_wrong_admin_keys_are_limited_by_network() {
    let server = TestServer::with(two_realms).await;
    let (good, _) = admin_key(&server, None, &["all"]).await;
    let mut refused = 0;
    for number in 0..40 {
        let answer = remote(&server, &format!("cs_ak_{number}")).get("/v1/admin/users").await;
        refused += u32::from(answer.status == 429);
    }
    assert_eq!(refused, 10);
    remote(&server, &good).get("/v1/admin/users").await.expect(200);
    remote(&server, "cs_ak_")
        .from("198.51.100.9")
        .get("/v1/admin/users")
        .await
        .refused(401, "api_key_malformed");
}

async fn a_revoked_admin_key_is_dead_on_the_other_node(world: World) {
    let one = world.node_with(two_realms).await;
    let other = world.node_with(two_realms).await;
    let (key, id) = admin_key(&one, None, &["read"]).await;
    // Beside no other node nobody follows: SQLite's second node is one that starts anew.
    let follow = async || {
        if !other.server.is_shared() {
            countersign_server::maintenance::reload(&other.server).await.unwrap();
        }
    };
    crate::support::wait_until("the key is known there", || async {
        follow().await;
        remote(&other, &key).get("/v1/admin/apps").await.status == 200
    })
    .await;
    local(&one).post(&format!("/v1/admin/admin-keys/{id}/revoke"), &json!({})).await.expect(200);
    remote(&one, &key).get("/v1/admin/apps").await.refused(401, "api_key_ended");
    crate::support::wait_until("the key is dead there", || async {
        follow().await;
        // From elsewhere: while the key was not known there, its network may have used up the wrong keys of a minute,
        // which never ends while the clock stands still.
        remote(&other, &key).from("192.0.2.10").get("/v1/admin/apps").await.status == 401
    })
    .await;
    one.stop().await;
    other.stop().await;
}
