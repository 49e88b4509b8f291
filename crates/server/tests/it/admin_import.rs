//! Users brought in and given out in bulk: every bad line by its number, all or nothing unless it is asked otherwise.

use http::Method;
use serde_json::{Value, json};

use crate::{
    admin::{admin_key, local, remote, two_realms},
    admin_users::{events, items},
    flow::sign_in,
    support::{Answer, TestServer, World, backend::on_every_engine, caller::Client},
};

on_every_engine! { a_batch_of_a_thousand_is_taken_as_a_whole }

const ANN: &str = "ann@mail.example";

async fn import(client: &Client, query: &str, lines: &str) -> Answer {
    let client = client.clone().with("content-type", "application/x-ndjson");
    client.send(Method::POST, &format!("/v1/admin/users/import{query}"), lines).await
}

fn person(email: &str) -> String {
    json!({"emails": [{"address": email, "verified": true}]}).to_string()
}

async fn users(server: &TestServer) -> usize {
    server.query("SELECT id FROM realm_user").await.len()
}

fn told(answer: &Answer) -> Vec<(u64, String)> {
    let problems = answer.json()["problems"].as_array().unwrap().clone();
    let of =
        |problem: &Value| (problem["line"].as_u64().unwrap(), problem["code"].as_str().unwrap().to_owned());
    problems.iter().map(of).collect()
}

#[tokio::test]
async fn every_bad_line_is_told_by_its_number_and_none_of_the_batch_is_taken() {
    let server = TestServer::with(two_realms).await;
    sign_in(&server, "club", ANN).await;
    let secret = "hunter2-is-not-to-be-repeated";
    let lines = [
        person("one@mail.example"),
        "{\"emails\": [".to_owned(),
        String::new(),
        json!({"emails": [{"address": "x@mail.example"}], "colour": secret}).to_string(),
        person("not an address"),
        person("ONE@mail.example"),
        person(ANN),
        json!({"emails": [{"address": "y@mail.example", "verified": true}], "password_hash": secret})
            .to_string(),
        json!({"emails": [{"address": "z@mail.example"}], "created_at": "2999-01-01T00:00:00Z"}).to_string(),
        person("two@mail.example"),
    ]
    .join("\n");
    let expected = [
        (2, "malformed_json"),
        (4, "invalid_request"),
        (5, "invalid_member"),
        (6, "duplicate"),
        (7, "address_taken"),
        (8, "invalid_member"),
        (9, "invalid_member"),
    ]
    .map(|(line, code)| (line, code.to_owned()));
    for (query, outcome, imported, left) in [
        ("?dry_run=true", "checked", 0, 1),
        ("", "refused", 0, 1),
        ("?dry_run=true&partial=true", "checked", 0, 1),
        ("?partial=true", "imported", 2, 3),
    ] {
        let answer = import(&local(&server), query, &lines).await.expect(200);
        assert_eq!(told(&answer), expected, "{query}");
        assert_eq!(
            (&answer.json()["outcome"], &answer.json()["imported"]),
            (&json!(outcome), &json!(imported))
        );
        assert!(!String::from_utf8_lossy(&answer.body).contains(secret), "{answer:?}");
        assert_eq!(users(&server).await, left, "{query}");
    }
    let again = import(&local(&server), "", &person("two@mail.example")).await.expect(200);
    assert_eq!(told(&again), [(1, "address_taken".to_owned())]);
    assert_eq!(events(&server, "users.imported").await.0, 1);
    sign_in(&server, "club", "two@mail.example").await;
    assert_eq!(users(&server).await, 3);
}

#[tokio::test]
async fn what_is_no_batch_is_refused() {
    let server = TestServer::with(two_realms).await;
    let client = local(&server).with("content-type", "application/json");
    let path = "/v1/admin/users/import";
    client.send(Method::POST, path, "{}").await.refused(415, "unsupported_media_type");
    let many = "{}\n".repeat(1_001);
    import(&local(&server), "", &many).await.refused(422, "invalid_request");
    let long = "x".repeat(2 * 1024 * 1024 + 1);
    import(&local(&server), "", &long).await.refused(413, "body_too_large");
    import(&local(&server), "?colour=1", "").await.refused(422, "invalid_member");
    import(&local(&server), "?realm=nowhere", &person(ANN)).await.refused(422, "invalid_member");
    let (key, _) = admin_key(&server, Some("staff"), &["users"]).await;
    import(&remote(&server, &key), "?realm=default", &person(ANN)).await.refused(404, "not_found");
    import(&remote(&server, &key), "", &person(ANN)).await.expect(200);
    let staff = local(&server).get("/v1/admin/users?realm=staff").await.expect(200);
    assert_eq!(items(&staff).len(), 1, "into its own realm");
}

#[tokio::test]
async fn p40_what_is_given_out_can_be_brought_in_and_whoever_is_can_see_it() {
    let server = TestServer::with(two_realms).await;
    let full = json!({
        "emails": [{"address": ANN, "verified": true}, {"address": "a@mail.example", "verified": true}],
        "display_name": "Ann Größe",
        "locale": "de-CH",
        "status": "disabled",
        "created_at": "2020-02-29T12:00:00Z",
    });
    let lines = format!("{full}\n{}\n", person("bob@mail.example"));
    import(&local(&server), "", &lines).await.expect(200);
    let given = local(&server).get("/v1/admin/users/export").await.expect(200);
    let given = items(&given);
    let mut first = given[0].clone();
    first.as_object_mut().unwrap().remove("id");
    assert_eq!(first, full);
    assert_eq!(events(&server, "user.read").await.0, 2, "each of them is told");
    assert_eq!(events(&server, "users.exported").await.0, 1);
    let other = TestServer::with(two_realms).await;
    let lines: Vec<_> = given.iter().map(Value::to_string).collect();
    let answer = import(&local(&other), "", &lines.join("\n")).await.expect(200);
    assert_eq!(answer.json()["imported"], 2);
    let part = local(&server).get("/v1/admin/users/export?limit=1").await.expect(200);
    let next = format!("/v1/admin/users/export?limit=1&after={}", part.text("next"));
    assert_eq!(items(&local(&server).get(&next).await.expect(200))[0], given[1]);
    let (key, _) = admin_key(&server, None, &["read"]).await;
    let reader = remote(&server, &key);
    reader.get("/v1/admin/users/export").await.refused(403, "scope_needed");
}

/// What PyPI bcrypt 4.0, passlib 1.7 (twice), Django 5.2 and pwdlib 0.3 made of "quiet lampshade", not we.
const FOREIGN: [&str; 5] = [
    "$2b$04$1hmNt8OEzrCHdNBKbsSEAO2CyxjMxcz2ND7D6mRqtK/9XujZX/PJ.",
    "$pbkdf2-sha256$1000$7v3//x/D.B/DuLd2rhWCcA$t5ta9UqJfrJjzOTwv63o4cjImEPBFqvH2E3z6Sgx3YM",
    "$scrypt$ln=10,r=8,p=1$0zoHIGQspTSmFOKcUyoFYA$JQg+GYC7dVeumNn3uzMC3H91E2XV5x8R9t5LX6HJuCc",
    "pbkdf2_sha256$1000$seasaltsea$ieJFNX9HYiiudOdSl4Kki/0GeLhudwr8MctOTtv2ys4=",
    "$argon2id$v=19$m=1024,t=1,p=1$pHVD50h5BZZSoykev6KFAg$TCufJK8YRy5xGgKhv2CYeAEtRGmKYZPATPyWvQ3ZPwE",
];

#[tokio::test]
async fn p25_people_who_are_brought_sign_in_with_the_passwords_they_had() {
    let server = TestServer::with(crate::passwords::with_passwords).await;
    let line = |(number, hash): (usize, &&str)| {
        let emails = json!([{"address": format!("n{number}@mail.example"), "verified": true}]);
        json!({"emails": emails, "password_hash": hash}).to_string()
    };
    let lines: Vec<_> = FOREIGN.iter().enumerate().map(line).collect();
    let answer = import(&local(&server), "", &lines.join("\n")).await.expect(200);
    assert_eq!(answer.json()["imported"], FOREIGN.len(), "{answer:?}");
    for (number, hash) in FOREIGN.iter().enumerate() {
        let address = format!("n{number}@mail.example");
        crate::passwords::sign_in(&server, &address, crate::passwords::GOOD).await.expect(200);
        crate::passwords::sign_in(&server, &address, "quiet lampshades").await.expect(401);
        for row in server.query("SELECT * FROM user_password").await {
            assert!(!format!("{row:?}").contains(hash), "sealed");
        }
    }
    assert_eq!(events(&server, "password.set").await.0, FOREIGN.len());
    // An address that was only claimed brings no password with it; a realm without passwords takes none.
    let claimed = json!({"emails": [{"address": ANN}], "password_hash": FOREIGN[0]}).to_string();
    let answer = import(&local(&server), "", &claimed).await.expect(200);
    assert_eq!(told(&answer), [(1, "invalid_member".to_owned())]);
    let off = TestServer::with(two_realms).await;
    let answer = import(&local(&off), "", &lines[0]).await.expect(200);
    assert_eq!(told(&answer), [(1, "passwords_off".to_owned())]);
}

async fn a_batch_of_a_thousand_is_taken_as_a_whole(world: World) {
    let server = world.node_with(two_realms).await;
    let lines: Vec<_> = (0..1_000).map(|number| person(&format!("n{number}@mail.example"))).collect();
    let answer = import(&local(&server), "", &lines.join("\n")).await.expect(200);
    assert_eq!((&answer.json()["outcome"], &answer.json()["imported"]), (&json!("imported"), &json!(1_000)));
    assert_eq!(users(&server).await, 1_000);
    let more = format!("{}\n{}", person("more@mail.example"), lines[999]);
    let answer = import(&local(&server), "", &more).await.expect(200);
    assert_eq!(told(&answer), [(2, "address_taken".to_owned())]);
    assert_eq!(users(&server).await, 1_000);
    server.stop().await;
}
