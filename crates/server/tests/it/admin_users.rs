//! Users at the hands of administrators: made, listed, changed, signed out, erased; and what they are told of it.

use countersign_domain::time::Span;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::refresh,
    admin::{admin_key, local, remote, two_realms},
    flow::sign_in,
    support::{Answer, TestServer, World, backend::on_every_engine, caller::Client},
};

on_every_engine! {
    users_are_listed_by_status_and_time
    of_many_who_make_one_user_one_does
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

pub(crate) async fn send(client: &Client, method: Method, path: &str, body: &Value) -> Answer {
    client.clone().with("content-type", "application/json").send(method, path, &body.to_string()).await
}

pub(crate) fn items(answer: &Answer) -> Vec<Value> {
    answer.json()["items"].as_array().unwrap().clone()
}

/// How many events of a kind were told, and by whom the last.
pub(crate) async fn events(server: &TestServer, kind: &str) -> (usize, String) {
    let rows = server.query("SELECT kind, actor FROM event ORDER BY id").await;
    let rows: Vec<_> = rows.iter().map(|row| format!("{row:?}")).filter(|row| row.contains(kind)).collect();
    (rows.len(), rows.last().cloned().unwrap_or_default())
}

async fn add(server: &TestServer, email: &str, verified: bool) -> Answer {
    let body =
        json!({"emails": [{"address": email, "verified": verified}], "display_name": "Ann", "locale": "de"});
    local(server).post("/v1/admin/users", &body).await
}

#[tokio::test]
async fn a_user_who_was_made_signs_in_and_proves_the_address_by_it() {
    let server = TestServer::with(two_realms).await;
    let made = add(&server, ANN, false).await.expect(201);
    assert_eq!((made.text("realm"), made.text("status")), ("default".to_owned(), "active".to_owned()));
    assert_eq!(made.json().get("signed_in_at"), None, "who never did");
    add(&server, ANN, true).await.refused(409, "address_taken");
    let unproven = "SELECT digest FROM user_identifier WHERE verified_at IS NULL";
    assert_eq!(server.query(unproven).await.len(), 1);
    sign_in(&server, "club", ANN).await;
    assert_eq!(server.query(unproven).await.len(), 0);
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), 1, "no second user");
    let path = format!("/v1/admin/users/{}", made.text("id"));
    let shown = local(&server).get(&path).await.expect(200);
    assert!(shown.json()["signed_in_at"].is_string());
    // Somebody whose one address was verified does not get another one by signing in.
    for (body, member) in [
        (json!({"emails": []}), "emails"),
        (json!({"emails": [{"address": "x"}]}), "emails"),
        (json!({"emails": [{"address": BOB}], "locale": "?"}), "locale"),
        (json!({"emails": [{"address": BOB}], "display_name": ""}), "display_name"),
        (json!({"emails": [{"address": BOB}], "realm": "nowhere"}), "realm"),
        (json!({"emails": [{"address": BOB}, {"address": ANN}]}), "emails"),
    ] {
        let refused = local(&server).post("/v1/admin/users", &body).await.refused(422, "invalid_member");
        assert_eq!(refused.text("member"), member, "{body}");
    }
    assert_eq!(events(&server, "user.created").await.0, 1);
}

#[tokio::test]
async fn p40_a_person_is_told_what_an_administrator_changed() {
    let server = TestServer::with(two_realms).await;
    sign_in(&server, "club", ANN).await;
    let (key, key_id) = admin_key(&server, None, &["users"]).await;
    let admin = remote(&server, &key);
    let id = items(&admin.get("/v1/admin/users").await.expect(200))[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/admin/users/{id}");
    for (method, suffix, body, words, kind) in [
        (Method::PATCH, "", json!({"display_name": "Anna"}), "changed your name", "user.changed"),
        (Method::PATCH, "", json!({"status": "disabled"}), "whether you may sign in", "user.disabled"),
        (Method::PATCH, "", json!({"status": "active"}), "whether you may sign in", "user.enabled"),
    ] {
        send(&admin, method, &format!("{path}{suffix}"), &body).await.expect(200);
        let letter = server.mail_to(ANN).await;
        assert!(letter.mail.rendered.text.contains(words), "{}", letter.mail.rendered.text);
        let (told, last) = events(&server, kind).await;
        assert!(told == 1 && last.contains(&format!("admin_key:{key_id}")), "{kind}: {last}");
    }
    let unchanged = send(&admin, Method::PATCH, &path, &json!({"display_name": "Anna"})).await;
    unchanged.expect(200);
    server.no_mail_to(ANN).await;
    send(&admin, Method::PATCH, &path, &json!({"email": "x"})).await.refused(422, "invalid_request");
    send(&admin, Method::PATCH, &path, &json!({"password": "x"})).await.refused(422, "invalid_request");
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_an_administrator() {
    let server = TestServer::with(two_realms).await;
    let mut signed_in = Vec::new();
    for _ in 0..3 {
        signed_in.push(sign_in(&server, "club", ANN).await);
    }
    let tokens: Vec<_> = signed_in.iter().map(|answer| answer.text("refresh_token")).collect();
    let operator = local(&server);
    let id = items(&operator.get("/v1/admin/users").await.expect(200))[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/admin/users/{id}/sessions");
    let listed = items(&operator.get(&path).await.expect(200));
    assert_eq!((listed.len(), &listed[0]["app"]), (3, &json!("club")));
    assert_eq!(items(&operator.get(&format!("{path}?limit=2")).await.expect(200)).len(), 2);
    let first = format!("/v1/admin/sessions/{}", signed_in[0].text("session"));
    let (staff, _) = admin_key(&server, Some("staff"), &["users"]).await;
    send(&remote(&server, &staff), Method::DELETE, &first, &json!({})).await.refused(404, "not_found");
    refresh(&server, &tokens[0]).await.expect(200);
    send(&operator, Method::DELETE, &first, &json!({})).await.expect(200);
    send(&operator, Method::DELETE, &first, &json!({})).await.refused(404, "not_found");
    refresh(&server, &tokens[0]).await.expect(400);
    assert!(server.mail_to(ANN).await.mail.rendered.text.contains("signed you out"));
    refresh(&server, &tokens[1]).await.expect(200);
    let ended = send(&operator, Method::DELETE, &path, &json!({})).await.expect(200);
    assert_eq!(ended.json()["ended"], 2);
    refresh(&server, &tokens[2]).await.expect(400);
    assert!(items(&operator.get(&path).await.expect(200)).is_empty());
}

#[tokio::test]
async fn many_are_erased_each_with_its_outcome() {
    let server = TestServer::with(two_realms).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(add(&server, &format!("n{number}@mail.example"), true).await.expect(201).text("id"));
    }
    let staff = json!({"emails": [{"address": ANN}], "realm": "staff"});
    let elsewhere = local(&server).post("/v1/admin/users", &staff).await.expect(201).text("id");
    let (key, _) = admin_key(&server, Some("default"), &["users"]).await;
    let admin = remote(&server, &key);
    let named = json!({"ids": [ids[0], elsewhere, "usr_0", ids[1]]});
    let erased = admin.post("/v1/admin/users/delete", &named).await.expect(200);
    let outcomes: Vec<_> = items(&erased).iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["erased", "not_found", "not_found", "erased"]);
    assert_eq!(items(&admin.get("/v1/admin/users").await.expect(200)).len(), 1);
    let many: Vec<_> = (0..101).map(|number| format!("usr_{number}")).collect();
    for ids in [json!([]), json!(many), json!([ids[2], ids[2]])] {
        admin.post("/v1/admin/users/delete", &json!({"ids": ids})).await.refused(422, "invalid_member");
    }
}

async fn users_are_listed_by_status_and_time(world: World) {
    let server = world.node_with(two_realms).await;
    let mut times = Vec::new();
    for number in 0..4 {
        server.clock.advance(Span::from_hours(1));
        let status = if number % 2 == 0 { "active" } else { "disabled" };
        let body = json!({"emails": [{"address": format!("n{number}@mail.example")}], "status": status});
        let made = local(&server).post("/v1/admin/users", &body).await.expect(201);
        times.push(made.text("created_at"));
    }
    let count = async |query: &str| {
        let answer = local(&server).get(&format!("/v1/admin/users?{query}")).await.expect(200);
        (items(&answer).len(), answer.json()["next"].as_str().map(str::to_owned))
    };
    for (query, expected) in [
        ("status=active".to_owned(), 2),
        ("status=disabled".to_owned(), 2),
        (format!("created_from={}", times[1]), 3),
        (format!("created_before={}", times[1]), 1),
        (format!("created_from={}&created_before={}", times[1], times[3]), 2),
        (format!("created_from={}&status=disabled", times[2]), 1),
        ("realm=staff".to_owned(), 0),
    ] {
        assert_eq!(count(&query).await.0, expected, "{query}");
    }
    let (found, next) = count("limit=3").await;
    assert_eq!(found, 3);
    assert_eq!(count(&format!("limit=3&after={}", next.unwrap())).await, (1, None));
    for query in ["status=odd", "created_from=yesterday", "after=1", "limit=0", "colour=1"] {
        local(&server).get(&format!("/v1/admin/users?{query}")).await.refused(422, "invalid_member");
    }
    server.stop().await;
}

async fn of_many_who_make_one_user_one_does(world: World) {
    let server = world.node_with(two_realms).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let client = local(&server);
        let body = json!({"emails": [{"address": ANN}]});
        tasks.spawn(async move { client.post("/v1/admin/users", &body).await.status.as_u16() });
    }
    let mut made = 0;
    while let Some(status) = tasks.join_next().await {
        match status.unwrap() {
            201 => made += 1,
            other => assert!(other == 409 || other == 503, "{other}"),
        }
    }
    assert_eq!(made, 1);
    assert_eq!(server.query("SELECT id FROM realm_user").await.len(), 1);
    server.stop().await;
}
