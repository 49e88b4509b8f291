//! What somebody is in their realm, and what follows from it: for `/v1/me`, for exports and imports, for proxies.

use countersign_domain::time::Span;
use http::Method;
use serde_json::json;

use crate::{
    accounts::CLUB,
    admin::{items, local},
    admin_users::events,
    grants::{add, change, give, reach, take, was_told, with_tools},
    sessions,
    support::{TestServer, settings::ISSUER},
    verify,
};

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

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
}

#[tokio::test]
async fn what_nobody_can_be_is_refused() {
    let server = TestServer::with(with_tools).await;
    let ann = add(&server, ANN, json!({})).await;
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
}

#[tokio::test]
async fn a_membership_that_is_exported_is_brought_back() {
    let server = TestServer::with(with_tools).await;
    add(&server, ANN, json!({"groups": ["family"]})).await;
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
