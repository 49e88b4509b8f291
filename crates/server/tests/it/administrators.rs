//! `/admin` for people with the role: only where the configuration lets them, with two factors, of late, as long as they
//! have the role, and for what is their realm's.

use countersign_domain::{assurance::Method as Proof, time::Span};
use countersign_server::config::{Config, PasswordsSetting, RealmSettings};
use serde_json::json;

use crate::{
    admin::{admin_key, items, local, remote, two_realms},
    admin_pages::{PAGES, text},
    second_factors::step_up,
    sessions::{self, Browser},
    support::{Answer, TestServer, caller::Client, settings::ISSUER},
};

const ANN: &str = "ann@mail.example";

fn let_people(config: &mut Config) {
    two_realms(config);
    config.admin.realms = vec!["default".to_owned()];
}

/// Ann, who is signed in; and her id.
async fn ann(server: &TestServer) -> (Browser, String) {
    let person = sessions::sign_in(server, ISSUER, ANN, "").await;
    let listed = local(server).get(&format!("/v1/admin/users?email={ANN}")).await.expect(200);
    (person, items(&listed)[0]["id"].as_str().unwrap().to_owned())
}

async fn give_role(server: &TestServer, id: &str, role: &str) {
    let path = format!("/v1/admin/users/{id}");
    let client = local(server).with("content-type", "application/json");
    client.send(http::Method::PATCH, &path, &json!({"role": role}).to_string()).await.expect(200);
}

fn at(server: &TestServer, person: &Browser) -> Client {
    server.anybody().from("198.51.100.9").with("cookie", &person.cookie)
}

async fn open(server: &TestServer, person: &Browser, path: &str) -> Answer {
    at(server, person).with("sec-fetch-site", "none").get(path).await
}

async fn send(server: &TestServer, person: &Browser, path: &str, form: &str) -> Answer {
    at(server, person).with("origin", ISSUER).with("sec-fetch-site", "same-origin").form(path, form).await
}

#[tokio::test]
async fn p26_an_administrator_gets_in_with_two_factors_and_no_longer_than_the_role() {
    let server = TestServer::with(let_people).await;
    let nobody = server.anybody().from("198.51.100.9").get("/admin/people").await.expect(303);
    assert!(nobody.header("location").starts_with("/sign-in?app=club&return_to="), "{nobody:?}");
    let (person, id) = ann(&server).await;
    step_up(&server, &[Proof::Passkey]).await;
    open(&server, &person, "/admin").await.refused(404, "not_found");
    give_role(&server, &id, "admin").await;
    step_up(&server, &[Proof::Code, Proof::Totp]).await;
    let weak = open(&server, &person, "/admin/people").await.expect(303);
    let back =
        "/sign-in?app=club&return_to=https%3A%2F%2Fauth.example%2Fadmin%2Fpeople&acr_values=aal2&fresh=yes";
    assert_eq!(weak.header("location"), back);
    step_up(&server, &[Proof::Passkey]).await;
    let people = open(&server, &person, "/admin/people").await.expect(200);
    assert!(text(&people).contains(&id));
    // To change anything it must have been within the hour.
    let page = format!("/admin/people/{id}");
    server.advance(Span::from_minutes(61)).await;
    open(&server, &person, "/admin/people").await.expect(200);
    let typed = "act=set_membership&role=user&groups=typed+words";
    let stale = text(&send(&server, &person, &page, typed).await.expect(403));
    assert!(
        stale.contains("value=\"typed words\"") && stale.contains("Confirm in another window"),
        "{stale}"
    );
    assert!(stale.contains("fresh=yes") && stale.contains("target=\"_blank\""), "{stale}");
    let looked = text(&open(&server, &person, &page).await.expect(200));
    assert!(looked.contains("more than an hour ago") && !looked.contains("typed words"), "{looked}");
    server.advance(Span::from_hours(8)).await;
    open(&server, &person, "/admin/people").await.expect(303);
    step_up(&server, &[Proof::Passkey]).await;
    send(&server, &person, &page, "act=set_membership&role=admin&groups=x").await.expect(303);
    let events = local(&server).get("/v1/admin/events?kind=user.groups_changed").await;
    if events.status.as_u16() == 200 && !items(&events).is_empty() {
        let actor = items(&events)[0]["actor"].as_str().unwrap().to_owned();
        assert!(actor.starts_with("administrator:") && !actor.contains("usr_"), "{actor}");
    }
    give_role(&server, &id, "user").await;
    open(&server, &person, "/admin/people").await.refused(404, "not_found");
    give_role(&server, &id, "admin").await;
    open(&server, &person, "/admin/people").await.expect(200);
    let away = server.anybody().with("origin", "https://evil.example").with("cookie", &person.cookie);
    away.form(&page, "act=disable_user").await.expect(403);
    local(&server)
        .send(http::Method::DELETE, &format!("/v1/admin/users/{id}/sessions"), "")
        .await
        .expect(200);
    open(&server, &person, "/admin/people").await.expect(303);
}

#[tokio::test]
async fn p26_an_administrator_administers_their_realm_alone() {
    let server = TestServer::with(let_people).await;
    let (person, id) = ann(&server).await;
    give_role(&server, &id, "admin").await;
    step_up(&server, &[Proof::Passkey]).await;
    let made = json!({"emails": [{"address": "eve@mail.example"}], "realm": "staff"});
    let eve = local(&server).post("/v1/admin/users", &made).await.expect(201).text("id");
    for path in PAGES {
        let expected = if path == "/admin/health" { 403 } else { 200 };
        let shown = open(&server, &person, path).await.expect(expected);
        assert!(!text(&shown).contains(&eve) && !text(&shown).contains(">desk</a>"), "{path}");
    }
    for path in
        [format!("/admin/people/{eve}"), "/admin/apps/desk".to_owned(), "/admin/realms/staff".to_owned()]
    {
        open(&server, &person, &path).await.expect(404);
    }
    send(&server, &person, &format!("/admin/people/{eve}"), "act=disable_user").await.expect(404);
    let rotate = "act=rotate_signing_key&algorithm=EdDSA&confirm=EdDSA";
    send(&server, &person, "/admin/keys", &format!("{rotate}&realm=staff")).await.expect(404);
    send(&server, &person, "/admin/keys", rotate).await.expect(303);
    // A key that they make is of their realm.
    let key = send(&server, &person, "/admin/keys", "act=make_admin_key&scopes%3Aall=yes").await.expect(200);
    assert!(text(&key).contains("cs_ak_"));
    let keys = items(&local(&server).get("/v1/admin/admin-keys").await.expect(200));
    assert!(keys.iter().all(|key| key["realm"] == "default"), "{keys:?}");
    let elsewhere = "act=make_admin_key&scopes%3Aall=yes&realm=staff";
    send(&server, &person, "/admin/keys", elsewhere).await.expect(404);
    // The interface for programs takes no session.
    let asked = at(&server, &person).get("/v1/admin/users").await;
    assert_eq!(asked.status.as_u16(), 404, "it is not on this listener");
}

#[tokio::test]
async fn whoever_administers_one_of_several_realms_says_which() {
    let server = TestServer::with(|config| {
        let_people(config);
        config.admin.realms = vec!["staff".to_owned(), "default".to_owned(), "empty".to_owned()];
    })
    .await;
    let asked = server.anybody().from("198.51.100.9").get("/admin/people").await.expect(200);
    let page = text(&asked);
    assert!(page.contains("Which realm do you administer?") && !page.contains("empty"), "{page}");
    for (realm, app) in [("default", "club"), ("staff", "desk")] {
        let back = "return_to=https%3A%2F%2Fauth.example%2Fadmin%2Fpeople&amp;acr_values=aal2&amp;fresh=yes";
        let link = format!("href=\"&#x2f;sign-in?app={app}&amp;{back}\">{realm}</a>");
        assert!(page.contains(&link), "{link}: {page}");
    }
    // Whoever is signed in to one of them is asked nothing.
    let (person, id) = ann(&server).await;
    give_role(&server, &id, "admin").await;
    let again = open(&server, &person, "/admin/people").await.expect(303);
    assert!(again.header("location").starts_with("/sign-in?app=club&"), "{again:?}");
    step_up(&server, &[Proof::Passkey]).await;
    open(&server, &person, "/admin/people").await.expect(200);
}

#[tokio::test]
async fn p26_a_realm_that_is_not_let_in_has_no_pages() {
    let server = TestServer::with(|config| {
        two_realms(config);
        config.admin.realms = vec!["staff".to_owned()];
    })
    .await;
    let (person, id) = ann(&server).await;
    give_role(&server, &id, "admin").await;
    step_up(&server, &[Proof::Passkey]).await;
    for path in PAGES {
        open(&server, &person, path).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn p26_no_key_makes_administrators_that_may_do_more_than_it() {
    let server = TestServer::with(let_people).await;
    let (_, id) = ann(&server).await;
    let (users, _) = admin_key(&server, None, &["users"]).await;
    let client = remote(&server, &users);
    let path = format!("/v1/admin/users/{id}");
    let role = json!({"role": "admin"});
    let patched = client.clone().with("content-type", "application/json");
    let refused = patched.send(http::Method::PATCH, &path, &role.to_string()).await;
    assert_eq!(refused.refused(403, "scope_needed").text("scope"), "all");
    let person = json!({"emails": [{"address": "eve@mail.example"}], "role": "admin"});
    client.post("/v1/admin/users", &person).await.refused(403, "scope_needed");
    let import = client.clone().with("content-type", "application/x-ndjson");
    let import = import.send(http::Method::POST, "/v1/admin/users/import", &person.to_string()).await;
    import.refused(403, "scope_needed");
    // Where the role opens no pages it is as it was.
    let elsewhere = json!({"emails": [{"address": "eve@mail.example"}], "role": "admin", "realm": "staff"});
    client.post("/v1/admin/users", &elsewhere).await.expect(201);
}

#[tokio::test]
async fn p26_nobody_with_less_becomes_an_administrator_by_their_mailbox() {
    let server = TestServer::with(let_people).await;
    let (_, id) = ann(&server).await;
    give_role(&server, &id, "admin").await;
    let (users, _) = admin_key(&server, None, &["users"]).await;
    let client = remote(&server, &users).with("content-type", "application/json");
    let path = format!("/v1/admin/users/{id}");
    for status in ["disabled", "active"] {
        let body = json!({"status": status}).to_string();
        client.clone().send(http::Method::PATCH, &path, &body).await.refused(403, "scope_needed");
    }
    let factor = format!("{path}/credentials/crd_00000000000000000000000000");
    client.clone().send(http::Method::DELETE, &factor, "").await.refused(403, "scope_needed");
    // A key that ends makes nobody who does not.
    let ends = json!({"scopes": ["all"], "label": "x", "expires_in_days": 1});
    let made = local(&server).post("/v1/admin/admin-keys", &ends).await.expect(201);
    let client = remote(&server, &made.text("key"));
    let person = json!({"emails": [{"address": "eve@mail.example"}], "role": "admin"});
    client.post("/v1/admin/users", &person).await.refused(403, "scope_needed");
}

#[tokio::test]
async fn p40_a_person_with_the_role_chooses_no_password_of_somebody_else() {
    let server = TestServer::with(|config| {
        let_people(config);
        let realm = RealmSettings { name: "default".to_owned(), ..RealmSettings::default() };
        config.realms.push(RealmSettings { passwords: PasswordsSetting::On, ..realm });
    })
    .await;
    let (person, id) = ann(&server).await;
    give_role(&server, &id, "admin").await;
    step_up(&server, &[Proof::Passkey]).await;
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$YSBoYXNoIG9mIHRoaXJ0eS10d28gYnl0ZXMgbG9uZyE";
    let line = |address: &str| {
        json!({"emails": [{"address": address, "verified": true}], "password_hash": hash}).to_string()
    };
    let form = |line: &str| {
        format!(
            "--b\r\nContent-Disposition: form-data; name=\"act\"\r\n\r\nimport_users\r\n--b\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\n{line}\r\n--b--\r\n"
        )
    };
    let page = at(&server, &person).with("origin", ISSUER).with("sec-fetch-site", "same-origin");
    let page = page.with("content-type", "multipart/form-data; boundary=b");
    let told = page.send(http::Method::POST, "/admin/people", &form(&line("eve@mail.example"))).await;
    assert!(text(&told).contains("countersign user import"), "{}", text(&told));
    let listed = local(&server).get("/v1/admin/users?email=eve@mail.example").await.expect(200);
    assert!(items(&listed).is_empty());
    // An operator at the machine may, as before.
    let client = local(&server).with("content-type", "application/x-ndjson");
    let path = "/v1/admin/users/import";
    let done = client.send(http::Method::POST, path, &line("eve@mail.example")).await.expect(200);
    assert!(String::from_utf8_lossy(&done.body).contains("\"imported\":1"), "{done:?}");
}

#[tokio::test]
async fn p20_no_link_makes_an_administrator_do_anything() {
    let server = TestServer::with(let_people).await;
    let (person, id) = ann(&server).await;
    give_role(&server, &id, "admin").await;
    step_up(&server, &[Proof::Passkey]).await;
    let before = server.everything().await;
    for path in ["/admin/people/export", "/admin/people/import", "/admin/people/delete"] {
        let link = at(&server, &person).with("sec-fetch-site", "cross-site").get(path).await;
        assert_eq!(link.status, 404, "{path}");
    }
    send(&server, &person, "/admin/people", "act=find_user&id=export").await.expect(404);
    assert_eq!(format!("{before:?}"), format!("{:?}", server.everything().await), "nothing was written");
}
