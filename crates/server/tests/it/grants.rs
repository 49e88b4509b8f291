//! Who may use what: roles, groups and grants, given and taken back, on one node and on others; and what the database
//! tells of it.

use std::sync::Arc;

use countersign_domain::{app::App, id::UserId, time::Span, user::User};
use countersign_server::{
    config::{Config, GrantHolderSettings, GrantSettings},
    grants,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    admin::{admin_key, ask, items, local, remote, two_realms},
    admin_users::{events, send},
    support::{Answer, TestServer, World, backend::on_every_engine},
};

on_every_engine! {
    p37_only_what_is_granted_is_reached_and_every_node_is_told
    of_many_who_give_one_grant_one_makes_it
    whoever_is_erased_leaves_no_grant
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";
pub(crate) const GRANTS: &str = "/v1/admin/grants";

/// `wiki` and `shop`, both among the `tools`, beside `club` and the staff's `desk`.
pub(crate) fn with_tools(config: &mut Config) {
    two_realms(config);
    for app in config.apps.iter_mut().filter(|app| ["wiki", "shop"].contains(&app.name.as_str())) {
        app.forward_auth.groups = vec!["tools".to_owned()];
    }
}

pub(crate) async fn add(server: &TestServer, email: &str, more: Value) -> String {
    let mut body = json!({"emails": [{"address": email, "verified": true}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    local(server).post("/v1/admin/users", &body).await.expect(201).text("id")
}

pub(crate) async fn give(server: &TestServer, body: Value) -> Answer {
    local(server).post(GRANTS, &body).await
}

pub(crate) async fn take(server: &TestServer, id: &str) -> Answer {
    ask(&local(server), &Method::DELETE, &format!("{GRANTS}/{id}")).await
}

pub(crate) async fn change(server: &TestServer, user: &str, body: Value) -> Answer {
    send(&local(server), Method::PATCH, &format!("/v1/admin/users/{user}"), &body).await
}

pub(crate) async fn both(server: &TestServer, user: &str, app: &str) -> (User, Arc<App>) {
    let id: UserId = user.parse().unwrap();
    (server.server.store.user(id).await.unwrap().unwrap(), server.server.app(app).unwrap())
}

/// What a user may reach at an app, if anything.
async fn access(server: &TestServer, user: &str, app: &str) -> Option<grants::Access> {
    let (user, app) = both(server, user, app).await;
    let membership = grants::membership(&server.server, &user).unwrap();
    grants::access(&server.server, (&user, &membership), &app).await.unwrap()
}

/// The scopes of what a user may reach; none where they may not.
pub(crate) async fn reach(server: &TestServer, user: &str, app: &str) -> Option<String> {
    access(server, user, app).await.map(|access| access.scopes.to_string())
}

/// Whether a node was told since then that what the user may reach has changed.
pub(crate) async fn was_told(server: &TestServer, user: &str, epoch: u32) -> bool {
    let (user, _) = both(server, user, "wiki").await;
    let membership = grants::membership(&server.server, &user).unwrap();
    let keys = &server.server.keys;
    let mut holders = vec![keys.access_of_user(user.id)];
    holders.extend(membership.groups.iter().map(|group| keys.access_of_group(&user.realm, group)));
    server.server.revocations.access_changed(&holders, epoch)
}

async fn p37_only_what_is_granted_is_reached_and_every_node_is_told(world: World) {
    let (one, other) = (world.node_with(with_tools).await, world.node_with(with_tools).await);
    let ann = add(&one, ANN, json!({"groups": ["family", "friends"]})).await;
    let bob = add(&one, BOB, json!({"groups": ["strangers"]})).await;
    for (holder, target, of_shop) in [
        (json!({"user": ann}), json!({"app": "wiki"}), false),
        (json!({"user": ann}), json!({"app_group": "tools"}), true),
        (json!({"group": "family"}), json!({"app": "wiki"}), false),
        (json!({"group": "family"}), json!({"app_group": "tools"}), true),
    ] {
        assert_eq!(reach(&one, &ann, "wiki").await, None, "denied by default");
        let mut body = json!({"scopes": ["read:email", "wiki.write"]});
        body.as_object_mut().unwrap().extend(holder.as_object().unwrap().clone());
        body.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        let before = [one.server.epoch.now(), other.server.epoch.now()];
        let given = give(&one, body.clone()).await.expect(201);
        for node in [&one, &other] {
            assert_eq!(reach(node, &ann, "wiki").await.as_deref(), Some("read:email wiki.write"), "{body}");
            assert_eq!(reach(node, &ann, "shop").await.is_some(), of_shop, "{body}");
            for (who, app) in [(&ann, "forum"), (&ann, "desk"), (&bob, "wiki"), (&bob, "shop")] {
                assert_eq!(reach(node, who, app).await, None, "{body} is not for {app}");
            }
        }
        assert!(was_told(&one, &ann, before[0]).await, "at once here: {body}");
        one.advance(Span::from_seconds(2)).await;
        other.caught_up().await;
        if !other.server.store.is_exclusive() {
            assert!(was_told(&other, &ann, before[1]).await, "and within a second elsewhere: {body}");
        }
        let before = one.server.epoch.now();
        take(&one, &given.text("id")).await.expect(200);
        assert!(was_told(&one, &ann, before).await, "at once: {body}");
        for node in [&one, &other] {
            assert_eq!(reach(node, &ann, "wiki").await, None, "{body}");
        }
        // The same once more within the same millisecond is told once more.
        for _ in 0..3 {
            let before = one.server.epoch.now();
            let again = give(&one, body.clone()).await.expect(201);
            assert!(was_told(&one, &ann, before).await, "{body}");
            let before = one.server.epoch.now();
            take(&one, &again.text("id")).await.expect(200);
            assert!(was_told(&one, &ann, before).await, "{body}");
        }
    }
    one.stop().await;
    other.stop().await;
}

async fn of_many_who_give_one_grant_one_makes_it(world: World) {
    let server = world.node_with(with_tools).await;
    let ann = add(&server, ANN, json!({})).await;
    let count = async |statuses: Vec<u16>, wanted| statuses.into_iter().filter(|one| *one == wanted).count();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let client = local(&server);
        let body = json!({"user": ann, "app": "wiki", "scopes": [format!("s{}", number % 3)]});
        tasks.spawn(async move { client.post(GRANTS, &body).await.status.as_u16() });
    }
    let statuses = tasks.join_all().await;
    assert!(statuses.iter().all(|status| [200, 201, 503].contains(status)), "{statuses:?}");
    assert_eq!(count(statuses, 201).await, 1);
    let listed = items(&local(&server).get(&format!("{GRANTS}?user={ann}")).await.expect(200));
    let [one] = &listed[..] else { panic!("one row: {listed:?}") };
    let path = format!("{GRANTS}/{}", one["id"].as_str().unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (client, path) = (local(&server), path.clone());
        tasks.spawn(async move { ask(&client, &Method::DELETE, &path).await.status.as_u16() });
    }
    let statuses = tasks.join_all().await;
    assert!(statuses.iter().all(|status| [200, 404, 503].contains(status)), "{statuses:?}");
    assert_eq!(count(statuses, 200).await, 1);
    assert_eq!(server.query("SELECT id FROM access_grant").await.len(), 0);
    assert_eq!(events(&server, "grant.taken").await.0, 1);
    server.stop().await;
}

async fn whoever_is_erased_leaves_no_grant(world: World) {
    let server = world.node_with(with_tools).await;
    let (ann, bob) = (add(&server, ANN, json!({})).await, add(&server, BOB, json!({})).await);
    for user in [&ann, &bob] {
        for app in ["wiki", "shop"] {
            give(&server, json!({"user": user, "app": app})).await.expect(201);
        }
    }
    give(&server, json!({"group": "family", "app": "wiki"})).await.expect(201);
    ask(&local(&server), &Method::DELETE, &format!("/v1/admin/users/{ann}")).await.expect(200);
    assert_eq!(server.query("SELECT id FROM access_grant").await.len(), 3);
    let refused = give(&server, json!({"user": ann, "app": "wiki"})).await.refused(422, "invalid_member");
    assert_eq!(refused.text("member"), "user");
    assert_eq!(items(&local(&server).get(&format!("{GRANTS}?user={bob}")).await.expect(200)).len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn the_database_alone_does_not_tell_who_uses_what() {
    let server = TestServer::with(with_tools).await;
    let role = json!({"groups": ["family"], "role": "admin"});
    let ann = add(&server, ANN, role).await;
    let bob = add(&server, BOB, json!({"display_name": "Bob"})).await;
    for body in [
        json!({"user": ann, "app": "wiki", "scopes": ["read:email"]}),
        json!({"user": bob, "app_group": "tools", "expires_in": 60}),
        json!({"group": "family", "app": "shop"}),
    ] {
        give(&server, body).await.expect(201);
    }
    let rows = server.query("SELECT * FROM access_grant").await;
    assert_eq!(rows.len(), 3);
    let id: UserId = ann.parse().unwrap();
    let mut lengths = Vec::new();
    for row in &rows {
        for value in row {
            let bytes = match value {
                countersign_store::engine::Value::Bytes(bytes) => bytes.clone(),
                countersign_store::engine::Value::Text(text) => text.clone().into_bytes(),
                _ => continue,
            };
            let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
            for part in [&b"wiki"[..], b"shop", b"tools", b"family", b"read", b"operator", id.bytes()] {
                assert!(!has(part), "{row:?}");
            }
        }
        let countersign_store::engine::Value::Bytes(sealed) = &row[4] else { panic!("{row:?}") };
        lengths.push(sealed.len());
    }
    assert!(
        lengths.iter().all(|length| *length == lengths[0]),
        "names are not to be told by length: {lengths:?}"
    );
    let profiles = server.query("SELECT LENGTH(sealed_profile) FROM realm_user").await;
    assert_eq!(profiles[0], profiles[1], "nor an administrator");
    // A row that was moved in the database says nothing.
    server.spoil("UPDATE access_grant SET sealed = (SELECT sealed FROM access_grant ORDER BY id DESC LIMIT 1) WHERE id = (SELECT id FROM access_grant ORDER BY id LIMIT 1)").await;
    local(&server).get(GRANTS).await.refused(500, "internal_error");
}

#[tokio::test]
async fn a_grant_from_beginning_to_end() {
    let server = TestServer::with(with_tools).await;
    let ann = add(&server, ANN, json!({"groups": ["family"]})).await;
    let body = json!({"user": ann, "app": "wiki", "scopes": ["read:name", "read:email"], "expires_in": 60});
    let given = give(&server, body.clone()).await.expect(201).json();
    assert_eq!(
        (&given["scopes"], &given["given_by"], &given["declared"], &given["realm"]),
        (&json!(["read:email", "read:name"]), &json!("operator"), &json!(false), &json!("default"))
    );
    let before = server.server.epoch.now();
    assert_eq!(give(&server, body).await.expect(200).json()["id"], given["id"], "the same");
    assert!(!was_told(&server, &ann, before).await, "nothing changed");
    let (told, last) = events(&server, "grant.given").await;
    assert!(told == 1 && last.contains("operator"), "{last}");
    let access = access(&server, &ann, "wiki").await.unwrap();
    assert_eq!(access.until, Some(server.now() + Span::from_seconds(60)));
    server.clock.advance(Span::from_seconds(60));
    assert_eq!(reach(&server, &ann, "wiki").await, None, "over");
    // Scopes and end are replaced; what is over is given anew.
    let forever = give(&server, json!({"user": ann, "app": "wiki"})).await.expect(201).json();
    assert_eq!((&forever["id"], forever.get("expires_at")), (&given["id"], None));
    let wider = give(&server, json!({"user": ann, "app": "wiki", "scopes": ["a"]})).await.expect(200);
    assert_eq!(wider.json()["scopes"], json!(["a"]));
    give(&server, json!({"group": "family", "app": "wiki", "scopes": ["b"]})).await.expect(201);
    assert_eq!(reach(&server, &ann, "wiki").await.as_deref(), Some("a b"), "together");
    give(&server, json!({"group": "family", "app": "shop", "expires_in": 60})).await.expect(201);
    server.clock.advance(Span::from_seconds(60));
    let swept = server.server.store.sweep(server.now()).await.unwrap();
    assert!(swept.contains(&("access_grant", 1)), "{swept:?}");
    take(&server, given["id"].as_str().unwrap()).await.expect(200);
    take(&server, given["id"].as_str().unwrap()).await.refused(404, "not_found");
    take(&server, "grt_1").await.refused(404, "not_found");
    assert_eq!(reach(&server, &ann, "wiki").await.as_deref(), Some("b"));
}

#[tokio::test]
async fn what_cannot_be_given_is_refused() {
    let server = TestServer::with(with_tools).await;
    let ann = add(&server, ANN, json!({})).await;
    let staff = add(&server, BOB, json!({"realm": "staff"})).await;
    for (body, member) in [
        (json!({"app": "wiki"}), "user"),
        (json!({"user": ann, "group": "family", "app": "wiki"}), "user"),
        (json!({"user": "usr_1", "app": "wiki"}), "user"),
        (json!({"user": staff, "app": "wiki"}), "user"),
        (json!({"group": "a b", "app": "wiki"}), "group"),
        (json!({"user": ann}), "app"),
        (json!({"user": ann, "app": "wiki", "app_group": "tools"}), "app"),
        (json!({"user": ann, "app": "nothing"}), "app"),
        (json!({"user": ann, "app": "desk"}), "user"),
        (json!({"user": ann, "app": "desk", "realm": "default"}), "realm"),
        (json!({"user": ann, "app_group": "tools", "realm": "staff"}), "user"),
        (json!({"group": "family", "app_group": "tools", "realm": "nowhere"}), "realm"),
        (json!({"user": ann, "app_group": "T"}), "app_group"),
        (json!({"user": ann, "app": "wiki", "scopes": ["a b"]}), "scopes"),
        (json!({"user": ann, "app": "wiki", "expires_in": 59}), "expires_in"),
    ] {
        let refused = give(&server, body.clone()).await.refused(422, "invalid_member");
        assert_eq!(refused.text("member"), member, "{body}");
    }
    give(&server, json!({"user": ann, "app": "wiki", "everybody": true}))
        .await
        .refused(422, "invalid_request");
    for query in
        ["user=usr_1", "user=x", "app=nothing", "group=A", "after=x", "limit=0", "app=wiki&app_group=tools"]
    {
        local(&server).get(&format!("{GRANTS}?{query}")).await.refused(422, "invalid_member");
    }
    assert_eq!(server.query("SELECT id FROM access_grant").await.len(), 0);
}

#[tokio::test]
async fn grants_are_listed_by_holder_target_and_part() {
    let server = TestServer::with(|config| {
        with_tools(config);
        declare(config, GrantHolderSettings { group: Some("family".to_owned()), ..Default::default() });
    })
    .await;
    let ann = add(&server, ANN, json!({})).await;
    for body in [
        json!({"user": ann, "app": "wiki"}),
        json!({"user": ann, "app_group": "tools"}),
        json!({"group": "family", "app": "wiki"}),
        json!({"group": "family", "app": "shop"}),
        json!({"group": "crew", "app": "desk"}),
    ] {
        give(&server, body).await.expect(201);
    }
    let count =
        async |query: &str| items(&local(&server).get(&format!("{GRANTS}{query}")).await.expect(200)).len();
    for (query, expected) in [
        ("", 5),
        ("?realm=staff", 1),
        ("?app=desk", 1),
        ("?app=wiki", 3),
        ("?app_group=tools", 1),
        ("?group=family", 3),
        ("?group=family&app=shop", 1),
        ("?group=family&app=wiki", 2),
        ("?group=crew", 0),
        ("?group=crew&realm=staff", 1),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    assert_eq!(count(&format!("?user={ann}")).await, 2);
    assert_eq!(count(&format!("?user={ann}&app=wiki")).await, 1);
    assert_eq!(count(&format!("?user={ann}&app=shop")).await, 0);
    for limit in 1..=5 {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("{GRANTS}?limit={limit}{after}");
            let part = local(&server).get(&path).await.expect(200);
            assert!(items(&part).len() <= limit);
            all.extend(items(&part).into_iter().map(|one| one["id"].as_str().unwrap().to_owned()));
            match part.json()["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert!(all.len() == 5 && all.is_sorted(), "{limit}: {all:?}");
    }
}

pub(crate) fn declare(config: &mut Config, from: GrantHolderSettings) {
    let scopes = vec!["read:email".to_owned()];
    config.grants.push(GrantSettings { app: Some("wiki".to_owned()), scopes, from, ..Default::default() });
}

#[tokio::test]
async fn an_admin_key_of_one_realm_gives_nothing_in_another() {
    let server = TestServer::with(with_tools).await;
    let ann = add(&server, ANN, json!({})).await;
    let cy = add(&server, BOB, json!({"realm": "staff"})).await;
    let theirs = give(&server, json!({"user": ann, "app": "wiki"})).await.expect(201).text("id");
    let (key, _) = admin_key(&server, Some("staff"), &["users"]).await;
    let staff = remote(&server, &key);
    for body in [
        json!({"user": ann, "app": "wiki"}),
        json!({"user": ann, "app": "desk"}),
        json!({"user": cy, "app": "wiki"}),
        json!({"group": "crew", "app": "wiki"}),
    ] {
        staff.post(GRANTS, &body).await.refused(422, "invalid_member");
    }
    staff
        .post(GRANTS, &json!({"group": "a", "app_group": "b", "realm": "default"}))
        .await
        .refused(404, "not_found");
    ask(&staff, &Method::DELETE, &format!("{GRANTS}/{theirs}")).await.refused(404, "not_found");
    for query in [format!("user={ann}"), "app=wiki".to_owned()] {
        staff.get(&format!("{GRANTS}?{query}")).await.refused(422, "invalid_member");
    }
    for (user, app) in [(&ann, "desk"), (&cy, "wiki"), (&ann, "wiki")] {
        staff.get(&format!("{GRANTS}/explain?user={user}&app={app}")).await.refused(422, "invalid_member");
    }
    assert!(items(&staff.get(GRANTS).await.expect(200)).is_empty());
    let given = staff.post(GRANTS, &json!({"user": cy, "app": "desk"})).await.expect(201);
    assert!(given.text("given_by").starts_with("admin_key:"));
    let of_group = staff.post(GRANTS, &json!({"group": "crew", "app_group": "tools"})).await.expect(201);
    assert_eq!(of_group.text("realm"), "staff");
    ask(&staff, &Method::DELETE, &format!("{GRANTS}/{}", given.text("id"))).await.expect(200);
    let (looks, _) = admin_key(&server, None, &["read"]).await;
    let looks = remote(&server, &looks);
    assert_eq!(items(&looks.get(&format!("{GRANTS}?app=wiki")).await.expect(200)).len(), 1);
    looks.post(GRANTS, &json!({"user": ann, "app": "shop"})).await.refused(403, "scope_needed");
    let (apps, _) = admin_key(&server, None, &["apps"]).await;
    remote(&server, &apps).get(GRANTS).await.refused(403, "scope_needed");
}
