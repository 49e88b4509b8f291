//! Who may use what: roles, groups and grants, given and taken back, on one node and on others; and what the database
//! tells of it.

use std::sync::Arc;

use countersign_domain::{app::App, id::UserId, time::Span, user::User};
use countersign_server::{
    config::{Config, GrantHolderSettings, GrantSettings},
    grants, maintenance,
};
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::CLUB,
    admin::{admin_key, ask, items, local, remote, two_realms},
    admin_users::{events, send},
    identifiers, sessions,
    support::{Answer, TestServer, World, backend::on_every_engine, settings::ISSUER},
    verify,
};

on_every_engine! {
    p37_only_what_is_granted_is_reached_and_every_node_is_told
    of_many_who_give_one_grant_one_makes_it
    whoever_is_erased_leaves_no_grant
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";
const GRANTS: &str = "/v1/admin/grants";

/// `wiki` and `shop`, both among the `tools`, beside `club` and the staff's `desk`.
fn with_tools(config: &mut Config) {
    two_realms(config);
    for app in config.apps.iter_mut().filter(|app| ["wiki", "shop"].contains(&app.name.as_str())) {
        app.forward_auth.groups = vec!["tools".to_owned()];
    }
}

async fn add(server: &TestServer, email: &str, more: Value) -> String {
    let mut body = json!({"emails": [{"address": email, "verified": true}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    local(server).post("/v1/admin/users", &body).await.expect(201).text("id")
}

async fn give(server: &TestServer, body: Value) -> Answer {
    local(server).post(GRANTS, &body).await
}

async fn take(server: &TestServer, id: &str) -> Answer {
    ask(&local(server), &Method::DELETE, &format!("{GRANTS}/{id}")).await
}

async fn change(server: &TestServer, user: &str, body: Value) -> Answer {
    send(&local(server), Method::PATCH, &format!("/v1/admin/users/{user}"), &body).await
}

async fn both(server: &TestServer, user: &str, app: &str) -> (User, Arc<App>) {
    let id: UserId = user.parse().unwrap();
    (server.server.store.user(id).await.unwrap().unwrap(), server.server.app(app).unwrap())
}

/// The scopes of what a user may reach; none where they may not.
async fn reach(server: &TestServer, user: &str, app: &str) -> Option<String> {
    let (user, app) = both(server, user, app).await;
    let access = grants::access(&server.server, &user, &app).await.unwrap();
    access.map(|access| access.scopes.to_string())
}

/// Whether a node was told since then that what the user may reach has changed.
async fn was_told(server: &TestServer, user: &str, epoch: u32) -> bool {
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
    let (user, app) = both(&server, &ann, "wiki").await;
    let access = grants::access(&server.server, &user, &app).await.unwrap().unwrap();
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

fn declare(config: &mut Config, from: GrantHolderSettings) {
    let scopes = vec!["read:email".to_owned()];
    config.grants.push(GrantSettings { app: Some("wiki".to_owned()), scopes, from, ..Default::default() });
}

#[tokio::test]
async fn what_the_file_grants_is_read_only_and_goes_with_its_line() {
    let server = TestServer::with(with_tools).await;
    let ann = add(&server, ANN, json!({"groups": ["family"]})).await;
    let bob = add(&server, BOB, json!({})).await;
    let staff = add(&server, "cy@mail.example", json!({"realm": "staff", "groups": ["family"]})).await;
    let holders = [
        (GrantHolderSettings { group: Some("family".to_owned()), ..Default::default() }, [true, false]),
        (
            GrantHolderSettings { email: Some("BOB@mail.example".to_owned()), ..Default::default() },
            [false, true],
        ),
        (GrantHolderSettings { everybody: true, ..Default::default() }, [true, true]),
    ];
    for (from, expected) in holders {
        let mut config = (*server.server.config.load_full()).clone();
        let without = config.clone();
        declare(&mut config, from.clone());
        for (config, expected) in [(config, expected), (without, [false, false])] {
            let before = server.server.epoch.now();
            server.server.config.store(Arc::new(config));
            maintenance::reload(&server.server).await.unwrap();
            assert_ne!(server.server.epoch.now(), before, "what was remembered is looked at anew");
            assert_eq!(
                [reach(&server, &ann, "wiki").await.is_some(), reach(&server, &bob, "wiki").await.is_some()],
                expected,
                "{from:?}"
            );
            assert_eq!(reach(&server, &ann, "shop").await, None);
            assert_eq!(reach(&server, &staff, "wiki").await, None, "nothing crosses realms");
            let listed = items(&local(&server).get(&format!("{GRANTS}?app=wiki")).await.expect(200));
            assert_eq!(listed.len(), usize::from(expected != [false, false]));
            let of_bob = items(&local(&server).get(&format!("{GRANTS}?user={bob}")).await.expect(200));
            assert_eq!(of_bob.len(), usize::from(expected[1]), "{from:?}");
            for one in listed {
                assert_eq!(one["declared"], true);
                assert!(!one.to_string().contains("mail.example"), "no address is shown: {one}");
                take(&server, one["id"].as_str().unwrap()).await.refused(409, "declared_in_file");
            }
        }
    }
}

/// Where the file grants something to an address, the access goes with the address.
#[tokio::test]
async fn what_is_granted_to_an_address_follows_it() {
    let server = TestServer::with(|config| {
        with_tools(config);
        declare(config, GrantHolderSettings { email: Some(ANN.to_owned()), ..Default::default() });
    })
    .await;
    let person = sessions::sign_in(&server, ISSUER, ANN, "").await;
    let listed = local(&server).get("/v1/admin/users").await.expect(200);
    let ann = items(&listed)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(reach(&server, &ann, "wiki").await.as_deref(), Some("read:email"));
    let mine = person.own(&server, Method::GET, "/v1/me/grants").await.expect(200);
    assert_eq!(items(&mine)[0]["app"], "wiki");
    let before = server.server.epoch.now();
    let undo = identifiers::change_address(&server, &person).await;
    assert_eq!(reach(&server, &ann, "wiki").await, None);
    assert!(was_told(&server, &ann, before).await);
    assert!(!undo.is_empty());
    // An address that was only claimed is nobody's.
    let bob = json!({"emails": [{"address": ANN, "verified": false}]});
    let bob = local(&server).post("/v1/admin/users", &bob).await.expect(201).text("id");
    assert_eq!(reach(&server, &bob, "wiki").await, None);
}

#[tokio::test]
async fn a_role_and_groups_are_an_operator_s_to_change() {
    let server = TestServer::with(with_tools).await;
    let person = sessions::sign_in(&server, ISSUER, ANN, "").await;
    let listed = items(&local(&server).get("/v1/admin/users").await.expect(200));
    let (ann, role) = (listed[0]["id"].as_str().unwrap().to_owned(), &listed[0]["role"]);
    assert_eq!((role, &listed[0]["groups"]), (&json!("user"), &json!([])));
    for (body, role, groups) in [
        (json!({"groups": ["tools", "family", "tools"]}), "user", json!(["family", "tools"])),
        (
            json!({"add_groups": ["crew"], "remove_groups": ["tools", "other"]}),
            "user",
            json!(["crew", "family"]),
        ),
        (json!({"role": "admin"}), "admin", json!(["crew", "family"])),
        (json!({"display_name": "Ann"}), "admin", json!(["crew", "family"])),
        (json!({"groups": []}), "admin", json!([])),
        (json!({"role": "user", "groups": ["family"]}), "user", json!(["family"])),
    ] {
        let before = server.server.epoch.now();
        let changed = change(&server, &ann, body.clone()).await.expect(200);
        assert_eq!((changed.text("role").as_str(), &changed.json()["groups"]), (role, &groups), "{body}");
        assert!(was_told(&server, &ann, before).await, "{body}");
        let me = person.own(&server, Method::GET, "/v1/me").await.expect(200).json();
        assert_eq!((&me["role"], &me["groups"]), (&json!(role), &groups), "{body}");
    }
    assert_eq!(events(&server, "user.role_changed").await.0, 2);
    assert_eq!(events(&server, "user.groups_changed").await.0, 4);
    let before = server.server.epoch.now();
    change(&server, &ann, json!({"groups": ["family"]})).await.expect(200);
    assert!(!was_told(&server, &ann, before).await, "nothing changed");
    // The person changes what they are called, and nothing else.
    let own = json!({"display_name": "Anna"});
    person.tell(&server, Method::PATCH, "/v1/me", &own).await.expect(200);
    for body in [json!({"role": "admin"}), json!({"groups": ["crew"]})] {
        person.tell(&server, Method::PATCH, "/v1/me", &body).await.refused(422, "invalid_request");
    }
    let me = person.own(&server, Method::GET, "/v1/me").await.expect(200).json();
    assert_eq!(
        (&me["display_name"], &me["role"], &me["groups"]),
        (&json!("Anna"), &json!("user"), &json!(["family"]))
    );
    let many: Vec<_> = (0..33).map(|number| format!("g{number}")).collect();
    for (body, member) in [
        (json!({"groups": many}), "groups"),
        (json!({"groups": ["A"]}), "groups"),
        (json!({"add_groups": ["a b"]}), "add_groups"),
        (json!({"remove_groups": [""]}), "remove_groups"),
    ] {
        let refused = change(&server, &ann, body).await.refused(422, "invalid_member");
        assert_eq!(refused.text("member"), member);
    }
    change(&server, &ann, json!({"role": "root"})).await.refused(422, "invalid_request");
    // What is exported is what can be brought back.
    let exported = local(&server).get("/v1/admin/users/export").await.expect(200);
    let mut line = items(&exported)[0].clone();
    assert_eq!((line.get("role"), &line["groups"]), (None, &json!(["family"])));
    line["role"] = json!("admin");
    line["emails"][0]["address"] = json!(BOB);
    let lines = local(&server).with("content-type", "application/x-ndjson");
    let imported = lines.send(Method::POST, "/v1/admin/users/import", &line.to_string()).await.expect(200);
    assert_eq!(imported.json()["imported"], 1);
    let bob =
        items(&local(&server).get(&format!("/v1/admin/users?email={BOB}")).await.expect(200))[0].clone();
    assert_eq!((&bob["role"], &bob["groups"]), (&json!("admin"), &json!(["family"])));
    assert_eq!(
        reach(&server, bob["id"].as_str().unwrap(), "wiki").await.as_deref(),
        Some(""),
        "without a scope"
    );
    give(&server, json!({"user": bob["id"], "app": "wiki", "scopes": ["a"]})).await.expect(201);
    let path = format!("/v1/admin/users/{}/export", bob["id"].as_str().unwrap());
    let everything = local(&server).get(&path).await.expect(200).json();
    assert_eq!((&everything["role"], &everything["grants"][0]["app"]), (&json!("admin"), &json!("wiki")));
}

#[tokio::test]
async fn it_is_explained_why_somebody_may_or_may_not() {
    let server = TestServer::with(|config| {
        with_tools(config);
        config.realms[0].admins_hold_every_app = Some(false);
        let off = config.apps.iter_mut().find(|app| app.name == "shop").unwrap();
        off.disabled = true;
        let forum = config.apps.iter_mut().find(|app| app.name == "forum").unwrap();
        (forum.forward_auth.open, forum.forward_auth.scopes) = (true, vec!["read:name".to_owned()]);
        declare(config, GrantHolderSettings { everybody: true, ..Default::default() });
    })
    .await;
    let ann = add(&server, ANN, json!({"groups": ["family"]})).await;
    let bob = add(&server, BOB, json!({})).await;
    let cy = add(&server, "cy@mail.example", json!({"realm": "staff", "role": "admin"})).await;
    give(&server, json!({"group": "family", "app": "club", "scopes": ["b"], "expires_in": 60}))
        .await
        .expect(201);
    give(&server, json!({"user": ann, "app_group": "tools", "scopes": ["c"]})).await.expect(201);
    let explain = async |user: &str, app: &str| {
        let path = format!("{GRANTS}/explain?user={user}&app={app}");
        local(&server).get(&path).await.expect(200).json()
    };
    let counting = |explained: &Value| -> Vec<String> {
        let findings = explained["findings"].as_array().unwrap();
        let counting = findings.iter().filter(|finding| finding["counts"] == true);
        counting.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
    };
    for (user, app, allowed, scopes, codes, words) in [
        (
            &ann,
            "wiki",
            true,
            json!(["c", "read:email"]),
            vec!["grant", "grant"],
            "the group of apps tools, which wiki is in",
        ),
        (&ann, "club", true, json!(["b"]), vec!["grant"], "The group family, which the user is in, holds"),
        (&ann, "forum", true, json!(["read:name"]), vec!["open"], "open to everybody of the realm default"),
        (&ann, "shop", false, json!([]), vec!["app_disabled"], "The app shop is switched off."),
        (&ann, "desk", false, json!([]), vec!["other_realm"], "nothing crosses realms"),
        (&bob, "wiki", true, json!(["read:email"]), vec!["grant"], "in the configuration file"),
        (&bob, "club", false, json!([]), vec![], "Nothing is granted to the user (who is in no group)"),
        (&cy, "desk", false, json!([]), vec![], "admins_hold_every_app"),
    ] {
        let explained = explain(user, app).await;
        assert_eq!(
            (&explained["allowed"], &explained["scopes"], counting(&explained)),
            (&json!(allowed), &scopes, codes.iter().map(ToString::to_string).collect()),
            "{app}: {explained}"
        );
        assert!(explained["findings"].to_string().contains(words), "{words}: {explained}");
        let is_reached = reach(&server, user, app).await.is_some();
        assert_eq!(is_reached, allowed, "what is explained is what is done");
    }
    assert!(explain(&ann, "club").await["until"].is_string());
    server.clock.advance(Span::from_seconds(60));
    assert!(explain(&ann, "club").await["findings"].to_string().contains("it ended at"));
    change(&server, &bob, json!({"status": "disabled"})).await.expect(200);
    let switched_off = explain(&bob, "forum").await;
    assert_eq!(
        (counting(&switched_off), &switched_off["allowed"]),
        (vec!["user_not_active".to_owned()], &json!(false))
    );
    for (user, app, member) in [("usr_1", "wiki", "user"), (ann.as_str(), "nothing", "app")] {
        let path = format!("{GRANTS}/explain?user={user}&app={app}");
        let refused = local(&server).get(&path).await.refused(422, "invalid_member");
        assert_eq!(refused.text("member"), member);
    }
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

/// What is granted is what a proxy is answered, at once, remembered or not.
#[tokio::test]
async fn p37_a_proxy_is_answered_by_what_is_granted() {
    let server = TestServer::with(|config| {
        verify::services(config);
        let files = config.apps.iter_mut().find(|app| app.name == "files").unwrap();
        files.forward_auth.groups = vec!["tools".to_owned()];
    })
    .await;
    let person = sessions::sign_in(&server, CLUB, ANN, "").await;
    let listed = items(&local(&server).get("/v1/admin/users").await.expect(200));
    let ann = listed[0]["id"].as_str().unwrap().to_owned();
    let ask = async || verify::ask(&server, "files", &person.cookie).await;
    for _ in 0..3 {
        ask().await.expect(401);
        change(&server, &ann, json!({"add_groups": ["family"], "display_name": "Ann"})).await.expect(200);
        let scopes = json!(["read:groups", "read:email"]);
        let given = json!({"group": "family", "app_group": "tools", "scopes": scopes});
        let given = give(&server, given).await.expect(201).text("id");
        for _ in 0..3 {
            let yes = ask().await.expect(200);
            let told =
                ["remote-email", "remote-groups", "remote-name", "remote-role"].map(|name| yes.header(name));
            assert_eq!(told, [ANN, "family", "", ""]);
        }
        let wider = json!({"user": ann, "app": "files", "scopes": ["read:user-role"], "expires_in": 60});
        give(&server, wider).await.expect(201);
        assert_eq!(ask().await.expect(200).header("remote-role"), "user");
        change(&server, &ann, json!({"add_groups": ["crew"]})).await.expect(200);
        assert_eq!(ask().await.expect(200).header("remote-groups"), "crew,family");
        server.clock.advance(Span::from_seconds(60));
        let narrower = ask().await.expect(200);
        assert_eq!(
            (narrower.header("remote-role"), narrower.header("remote-email")),
            ("", ANN),
            "one is over"
        );
        take(&server, &given).await.expect(200);
        ask().await.expect(401);
        change(&server, &ann, json!({"role": "admin"})).await.expect(200);
        assert_eq!(ask().await.expect(200).header("remote-email"), "", "the app has no scopes of its own");
        change(&server, &ann, json!({"role": "user", "groups": []})).await.expect(200);
    }
}

#[tokio::test]
async fn people_see_what_they_may_use() {
    let server = TestServer::with(|config| {
        with_tools(config);
        let forum = config.apps.iter_mut().find(|app| app.name == "forum").unwrap();
        forum.forward_auth.open = true;
    })
    .await;
    let person = sessions::sign_in(&server, ISSUER, ANN, "").await;
    let ann =
        items(&local(&server).get("/v1/admin/users").await.expect(200))[0]["id"].as_str().unwrap().to_owned();
    let mine = async || {
        let mine = person.own(&server, Method::GET, "/v1/me/grants").await.expect(200);
        items(&mine).iter().map(|one| one["app"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(mine().await, ["forum"]);
    let given = give(&server, json!({"user": ann, "app_group": "tools"})).await.expect(201);
    assert_eq!(mine().await, ["forum", "shop", "wiki"]);
    take(&server, &given.text("id")).await.expect(200);
    assert_eq!(mine().await, ["forum"]);
    assert!(person.is_in(&server).await, "nobody is signed out by that");
    change(&server, &ann, json!({"role": "admin"})).await.expect(200);
    assert_eq!(mine().await, ["club", "forum", "shop", "wiki"], "every app of the realm");
    person.from(&server, CLUB, Method::GET, "/v1/me/grants").await.refused(403, "origin_not_allowed");
    server.anybody().get("/v1/me/grants").await.refused(401, "session_over");
}
