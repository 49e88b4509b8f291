//! Signing keys of realms: each realm has its own, and what one signed is nothing anywhere in another.

use std::sync::Arc;

use countersign_domain::{
    algorithm::Algorithm,
    signing_key::{Owner, Stage},
    time::Span,
};
use countersign_server::{
    config::{AppSettings, Config, ForwardAuthSettings},
    key_ring::{ACCESS_TOKEN, place},
    keys::SigningKey,
    maintenance,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::club_named,
    admin::{admin_key, items, local, remote},
    flow::sign_in,
    support::{
        Caller, TestServer, World,
        backend::on_every_engine,
        settings::{quiet, secret_key},
    },
    tokens::parts,
    verify::{proxy, services, with},
};

on_every_engine! {
    p32_a_key_of_one_realm_signs_nothing_that_is_accepted_in_another
    p33_each_realm_s_keys_rotate_by_themselves_on_every_node
    p32_tokens_from_before_realms_had_keys_stay_good
    p32_an_app_that_leaves_its_realm_leaves_its_tokens_behind
    the_keys_of_a_realm_go_with_it
}

const ANN: &str = "ann@mail.example";
const SET: &str = "/.well-known/jwks.json";
const STAFF_SET: &str = "/realms/staff/.well-known/jwks.json";

/// `notes` and `club` in `default`; `desk` and `till` in `staff`, both services too.
fn realms(config: &mut Config) {
    services(config);
    config.realms.push(quiet("staff"));
    let open = || ForwardAuthSettings { open: true, ..ForwardAuthSettings::default() };
    for name in ["desk", "till"] {
        config.apps.push(AppSettings { realm: Some("staff".to_owned()), ..with(name, open()) });
    }
}

fn realm(name: &str) -> Owner {
    Owner::Realm(name.parse().unwrap())
}

fn kid(token: &str) -> String {
    parts(token).0["kid"].as_str().unwrap().to_owned()
}

/// The key of a realm that signs now signs what a token says.
fn signed_by(server: &TestServer, owner: &Owner, claims: &Value) -> String {
    let ring = server.server.key_ring.load();
    let stored = ring.newest(owner, Algorithm::EdDsa).unwrap();
    let private = server.server.keys.open(&place(&stored.id), &stored.sealed).unwrap();
    let key = Arc::new(SigningKey::from_private(stored.algorithm, private.expose()).unwrap());
    key.signer(&stored.id, ACCESS_TOKEN).sign(claims.to_string().as_bytes()).unwrap()
}

async fn kids(server: &TestServer, path: &str) -> Vec<String> {
    let set = server.anybody().get(path).await.expect(200).json();
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// What every route that takes a token says of it: is it good?
async fn judged(server: &TestServer, app: &str, token: &str) -> Vec<bool> {
    let bearer = server.calls(Caller::Bearer(token.to_owned()));
    let asking = bearer.clone().with("countersign-key", &secret_key(app));
    let form = format!("token={token}");
    let introspected = server.app(app).form("/oauth2/introspect", &form).await.expect(200);
    let service = proxy(server).with("authorization", &format!("Bearer {token}"));
    vec![
        bearer.get("/v1/token").await.status == 200,
        bearer.get(&format!("/v1/token?audience={app}")).await.status == 200,
        asking.get("/v1/token").await.status == 200,
        introspected.json()["active"] == true,
        service.get(&format!("/verify/{app}")).await.status == 200,
    ]
}

async fn p32_a_key_of_one_realm_signs_nothing_that_is_accepted_in_another(world: World) {
    let server = world.node_with(realms).await;
    for (app, own, other) in [("notes", "default", "staff"), ("desk", "staff", "default")] {
        let token = sign_in(&server, app, ANN).await.text("access_token");
        let claims = parts(&token).1;
        let forged = signed_by(&server, &realm(other), &claims);
        assert_ne!(kid(&token), kid(&forged));
        // Before the good one is remembered, and after it.
        for _ in 0..2 {
            assert_eq!(judged(&server, app, &forged).await, [false; 5], "{app}");
            server.app(app).form("/oauth2/revoke", &format!("token={forged}")).await.expect_bare(200);
            assert_eq!(judged(&server, app, &token).await, [true; 5], "{app}: it was nobody's to revoke");
        }
        assert_eq!(signed_by(&server, &realm(own), &claims), token, "{app}: nothing else was wrong with it");
        // What a service is told is signed by the realm of its app as well.
        let asked = proxy(&server).with("authorization", &format!("Bearer {token}"));
        let told = asked.get(&format!("/verify/{app}")).await.expect(200);
        assert_eq!(kid(told.header("remote-assertion")), kid(&token));
    }
    server.stop().await;
}

#[tokio::test]
async fn p32_a_proof_of_an_address_is_signed_by_the_key_of_the_realm() {
    let server = TestServer::with(realms).await;
    for (app, set) in [("notes", SET), ("desk", STAFF_SET)] {
        let wanted = json!({"to": {"email": ANN}, "purpose": "confirm_address"});
        let started = server.app(app).post("/v1/challenges", &wanted).await.expect(201);
        let code = server.mail_to(ANN).await.code();
        let proof = server.app(app).verify(&started, &code).await.expect(200).text("proof");
        assert_eq!(kids(&server, set).await, [kid(&proof)], "{app}");
    }
}

#[tokio::test]
async fn every_realm_publishes_its_own_keys_and_no_others() {
    let server = TestServer::with(|config| {
        realms(config);
        let es256 = AppSettings { token_algorithm: Some("ES256".to_owned()), ..club_named("booth") };
        config.apps.push(AppSettings { realm: Some("staff".to_owned()), ..es256 });
        let hs256 = AppSettings { token_algorithm: Some("HS256".to_owned()), ..club_named("bar") };
        config.apps.push(AppSettings { realm: Some("staff".to_owned()), ..hs256 });
        config.realms.push(quiet("empty"));
    })
    .await;
    let (own, staff) = (kids(&server, SET).await, kids(&server, STAFF_SET).await);
    assert_eq!((own.len(), staff.len()), (1, 2), "one for assertions and one that `booth` asked for");
    assert!(own.iter().all(|kid| !staff.contains(kid)));
    assert_eq!(kids(&server, "/realms/default/.well-known/jwks.json").await, own);
    let set = server.anybody().with("origin", "https://any.example").get(STAFF_SET).await.expect(200);
    assert_eq!(set.header("cache-control"), "public, max-age=3600");
    assert_eq!(set.header("access-control-allow-origin"), "*");
    let common = server.anybody().with("origin", "https://any.example").get(SET).await;
    assert!(common.headers.keys().eq(set.headers.keys()), "{set:?}");
    // A realm without apps has nothing to publish, and cannot be told from none.
    for unknown in ["empty", "nowhere", "Staff", "a%20b", "%2e%2e"] {
        let path = format!("/realms/{unknown}/.well-known/jwks.json");
        server.anybody().get(&path).await.refused(404, "not_found");
    }
}

async fn p33_each_realm_s_keys_rotate_by_themselves_on_every_node(world: World) {
    let (one, two) = (world.node_with(realms).await, world.node_with(realms).await);
    let both = async |app: &str| {
        let token = sign_in(&one, app, ANN).await.text("access_token");
        for node in [&one, &two] {
            node.caught_up().await;
            maintenance::reload(&node.server).await.unwrap();
            assert_eq!(judged(node, app, &token).await, [true; 5], "{app}");
        }
        token
    };
    let (mine, staffs) = (both("notes").await, both("desk").await);
    let replaced = maintenance::replace_key(&one.server, (realm("staff"), Algorithm::EdDsa), Span::ZERO);
    replaced.await.unwrap().unwrap();
    for node in [&one, &two] {
        maintenance::reload(&node.server).await.unwrap();
        assert_eq!(judged(node, "notes", &mine).await, [true; 5], "another realm");
        assert_eq!(
            judged(node, "desk", &staffs).await,
            [false; 5],
            "it was refused at once, remembered or not"
        );
    }
    both("desk").await;
    // Successors are made in each realm, one each, and published before they sign.
    world.clock.advance(Span::from_hours(29 * 24 + 1));
    for node in [&one, &two] {
        node.caught_up().await;
    }
    let rotated = tokio::join!(maintenance::rotate(&one.server), maintenance::rotate(&two.server));
    rotated.0.unwrap();
    rotated.1.unwrap();
    for node in [&one, &two] {
        maintenance::rotate(&node.server).await.unwrap();
        let ring = node.server.key_ring.load();
        for owner in [realm("default"), realm("staff")] {
            let stage = |stage| {
                ring.family(&owner, Algorithm::EdDsa).filter(|key| key.stage(node.now()) == stage).count()
            };
            assert_eq!((stage(Stage::Current), stage(Stage::Next)), (1, 1), "{owner:?}");
        }
    }
    assert_eq!((kids(&two, SET).await.len(), kids(&two, STAFF_SET).await.len()), (2, 2));
}

/// A database of the program before: one key for everybody.
async fn p32_tokens_from_before_realms_had_keys_stay_good(world: World) {
    let server = world.node_with(realms).await;
    let claims = parts(&sign_in(&server, "desk", ANN).await.text("access_token")).1;
    let own = sign_in(&server, "notes", ANN).await.text("access_token");
    let shared = signed_by(&server, &realm("default"), &claims);
    assert_eq!(judged(&server, "desk", &shared).await, [false; 5]);
    server.spoil("DELETE FROM signing_key WHERE realm = 'staff'").await;
    server.spoil("UPDATE signing_key SET realm = '' WHERE realm = 'default'").await;
    let upgraded = world.node_with(realms).await;
    assert_eq!(judged(&upgraded, "desk", &shared).await, [true; 5], "it was issued before");
    assert_eq!(judged(&upgraded, "notes", &own).await, [true; 5]);
    assert_eq!(kids(&upgraded, SET).await, [kid(&own)], "the same key, and no other realm's");
    let fresh = sign_in(&upgraded, "desk", ANN).await.text("access_token");
    assert_eq!(kids(&upgraded, STAFF_SET).await, [kid(&own), kid(&fresh)], "both are accepted there");
    assert_eq!(kid(&sign_in(&upgraded, "notes", ANN).await.text("access_token")), kid(&own));
    // Who has one realm cannot end what is good in another one; who has all can.
    let (key, _) = admin_key(&upgraded, Some("default"), &["keys"]).await;
    let wanted = json!({"algorithm": "EdDSA", "accept_seconds": 0});
    let path = "/v1/admin/signing-keys/rotate";
    remote(&upgraded, &key).post(path, &wanted).await.refused(403, "all_realms_needed");
    local(&upgraded).post(path, &wanted).await.expect(201);
    assert_eq!(judged(&upgraded, "desk", &shared).await, [false; 5]);
    assert_eq!(judged(&upgraded, "desk", &fresh).await, [true; 5]);
    assert_eq!(kids(&upgraded, STAFF_SET).await, [kid(&fresh)]);
    remote(&upgraded, &key).post(path, &wanted).await.expect(201);
}

async fn change(server: &TestServer, app: &str, patch: &str) {
    let client = local(server).with("content-type", "application/json");
    client.send(Method::PATCH, &format!("/v1/admin/apps/{app}"), patch).await.expect(200);
}

async fn p32_an_app_that_leaves_its_realm_leaves_its_tokens_behind(world: World) {
    let (one, two) = (world.node_with(realms).await, world.node_with(realms).await);
    let operator = local(&one);
    operator.post("/v1/admin/apps", &json!({"name": "stall", "realm": "staff"})).await.expect(201);
    let key = operator.post("/v1/admin/apps/stall/keys", &json!({"kind": "secret"})).await.expect(201);
    let app = one.calls(Caller::Secret(key.text("key")));
    let started = app.start(ANN).await.expect(201);
    let code = one.mail_to(ANN).await.code();
    let token = app.verify(&started, &code).await.expect(200).text("access_token");
    let status = async |node: &TestServer| {
        node.caught_up().await;
        maintenance::reload(&node.server).await.unwrap();
        let holder = node.calls(Caller::Bearer(token.clone()));
        (
            holder.get("/v1/token").await.status.as_u16(),
            holder.get("/v1/token?audience=stall").await.status.as_u16(),
        )
    };
    for node in [&one, &two] {
        assert_eq!(status(node).await, (200, 200));
    }
    change(&one, "stall", r#"{"title": "The Stall"}"#).await;
    for node in [&one, &two] {
        assert_eq!(status(node).await, (200, 200), "anything else may change");
    }
    change(&one, "stall", r#"{"realm": null}"#).await;
    for node in [&one, &two] {
        assert_eq!(status(node).await, (401, 401), "whether it was remembered or not");
    }
    change(&one, "stall", r#"{"realm": "staff"}"#).await;
    assert_eq!(status(&one).await, (200, 200), "the key is one of its realm's again");
}

async fn the_keys_of_a_realm_go_with_it(world: World) {
    let server = world.node_with(realms).await;
    let operator = local(&server);
    let rows = async || server.query("SELECT id FROM signing_key WHERE realm = 'crew'").await;
    operator.post("/v1/admin/realms", &json!({"name": "crew"})).await.expect(201);
    let set = "/realms/crew/.well-known/jwks.json";
    server.anybody().get(set).await.refused(404, "not_found");
    operator.post("/v1/admin/apps", &json!({"name": "oar", "realm": "crew"})).await.expect(201);
    let first = kids(&server, set).await;
    assert_eq!((first.len(), rows().await.len()), (1, 1), "it is there with the first app");
    change(&server, "oar", r#"{"realm": null}"#).await;
    assert_eq!(kids(&server, set).await, first);
    let client = operator.clone().with("content-type", "application/json");
    client.send(Method::DELETE, "/v1/admin/realms/crew", "{}").await.expect(200);
    server.anybody().get(set).await.refused(404, "not_found");
    assert!(rows().await.is_empty());
    // Another realm of the name has other keys.
    operator.post("/v1/admin/realms", &json!({"name": "crew"})).await.expect(201);
    change(&server, "oar", r#"{"realm": "crew"}"#).await;
    assert_ne!(kids(&server, set).await, first);
    server.stop().await;
}

#[tokio::test]
async fn operators_of_a_realm_see_and_replace_its_keys_alone() {
    let server = TestServer::with(realms).await;
    let path = "/v1/admin/signing-keys/rotate";
    let (key, _) = admin_key(&server, Some("staff"), &["keys"]).await;
    let (staff, all) = (remote(&server, &key), local(&server));
    let (reader, _) = admin_key(&server, Some("staff"), &["read"]).await;
    let realms_of = |answer: crate::support::Answer| -> Vec<Value> {
        items(&answer).iter().map(|key| key["realm"].clone()).collect()
    };
    assert_eq!(realms_of(staff.get("/v1/admin/signing-keys").await.expect(200)), ["staff"]);
    let mut listed: Vec<_> = realms_of(all.get("/v1/admin/signing-keys").await.expect(200));
    listed.sort_by_key(ToString::to_string);
    assert_eq!(listed, ["default", "staff"]);
    let (own, theirs) = (kids(&server, SET).await, kids(&server, STAFF_SET).await);
    let wanted = json!({"algorithm": "EdDSA"});
    remote(&server, &reader).post(path, &wanted).await.refused(403, "scope_needed");
    for other in ["default", "nowhere"] {
        let elsewhere = json!({"algorithm": "EdDSA", "realm": other});
        staff.post(path, &elsewhere).await.refused(404, "not_found");
    }
    let unknown = json!({"algorithm": "EdDSA", "realm": "nowhere"});
    all.post(path, &unknown).await.refused(422, "invalid_member");
    assert_eq!(staff.post(path, &wanted).await.expect(201).text("realm"), "staff");
    let named = json!({"algorithm": "EdDSA", "realm": "staff", "accept_seconds": 0});
    assert_eq!(all.post(path, &named).await.expect(201).text("realm"), "staff");
    assert_eq!(kids(&server, SET).await, own, "the other realm's stay");
    let now = kids(&server, STAFF_SET).await;
    assert!(now.len() == 1 && !theirs.contains(&now[0]), "two were replaced");
    assert_eq!(all.post(path, &wanted).await.expect(201).text("realm"), "default", "where nothing is said");
    // What is replaced is kept for months: not without end.
    while staff.post(path, &wanted).await.status == 201 {}
    staff.post(path, &wanted).await.refused(409, "in_use");
    assert_eq!(kids(&server, STAFF_SET).await.len(), 32);
    staff.post(path, &named).await.expect(201);
    assert_eq!(kids(&server, STAFF_SET).await.len(), 1, "the way out");
}
