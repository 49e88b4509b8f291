//! `/admin`: who gets in, for how long, and that the pages say and do what the interface says and does, and no more.

use countersign_domain::time::Span;
use countersign_server::{config::Part, wiring};
use http::Method;
use serde_json::{Value, json};

use crate::{
    admin::{admin_key, items, local, remote, two_realms},
    new_devices::Jar,
    sessions,
    support::{Answer, Caller, TestServer, caller::Client, settings::ISSUER},
};

pub(crate) const HOST: &str = "admin.example:8443";
const COOKIE: &str = "__Host-countersign-operator";
/// Every page without places.
pub(crate) const PAGES: [&str; 10] = [
    "/admin",
    "/admin/people",
    "/admin/grants",
    "/admin/invitations",
    "/admin/apps",
    "/admin/realms",
    "/admin/events",
    "/admin/messages",
    "/admin/keys",
    "/admin/health",
];

/// A browser of an operator's on the listener of admin keys.
pub(crate) struct Desk<'a> {
    pub(crate) server: &'a TestServer,
    pub(crate) jar: Jar,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(server: &'a TestServer) -> Self {
        Self { server, jar: Jar::default() }
    }

    /// One that has shown this key.
    pub(crate) async fn with(server: &'a TestServer, key: &str) -> Self {
        let mut desk = Self::new(server);
        let begun = desk.send("/admin/sign-in", &format!("key={key}")).await.expect(303);
        assert_eq!(begun.header("location"), "/admin");
        desk
    }

    /// One with a key that may do everything.
    pub(crate) async fn full(server: &'a TestServer) -> Self {
        let (key, _) = admin_key(server, None, &["all"]).await;
        Self::with(server, &key).await
    }

    pub(crate) fn client(&self) -> Client {
        let service = wiring::service(&self.server.server, &[Part::Admin]);
        let client = Client::new(service, Caller::Anonymous).from("192.0.2.9").with("host", HOST);
        client.with("cookie", &self.jar.header())
    }

    pub(crate) async fn open(&mut self, path: &str) -> Answer {
        let answer = self.client().with("sec-fetch-site", "none").get(path).await;
        self.jar.take(&answer);
        answer
    }

    pub(crate) async fn send(&mut self, path: &str, form: &str) -> Answer {
        let own =
            self.client().with("origin", &format!("https://{HOST}")).with("sec-fetch-site", "same-origin");
        let answer = own.form(path, form).await;
        self.jar.take(&answer);
        answer
    }

    /// Sends a form that does what it says, and shows the page that says so.
    pub(crate) async fn done(&mut self, path: &str, form: &str) -> String {
        let sent = self.send(path, form).await.expect(303);
        let to = sent.header("location").to_owned();
        assert!(to.contains("?done="), "{to}");
        let shown = text(&self.open(&to).await.expect(200));
        assert!(shown.contains("role=\"status\""), "{shown}");
        shown
    }

    pub(crate) async fn is_in(&mut self) -> bool {
        self.open("/admin/people").await.status.as_u16() == 200
    }
}

pub(crate) fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

#[tokio::test]
async fn p26_a_key_begins_a_visit_that_holds_no_key() {
    let server = TestServer::with(two_realms).await;
    let (key, _) = admin_key(&server, None, &["read"]).await;
    let mut desk = Desk::new(&server);
    let sent = desk.open("/admin/people/usr_1").await.expect(303);
    assert_eq!(sent.header("location"), "/admin/sign-in?to=%2Fadmin%2Fpeople%2Fusr_1");
    let form = desk.open(sent.header("location")).await.expect(200);
    assert!(text(&form).contains("type=\"password\" autocomplete=\"off\""), "{}", text(&form));
    let begun = desk.send("/admin/sign-in", &format!("key={key}&to=%2Fadmin%2Fapps")).await.expect(303);
    assert_eq!(begun.header("location"), "/admin/apps");
    let cookie = begun.header("set-cookie").to_owned();
    assert!(cookie.starts_with(&format!("{COOKIE}=")), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=900"), "{cookie}");
    assert!(!cookie.contains(&key[6..]), "{cookie}");
    assert!(desk.is_in().await);
    // What was changed or cut opens nothing.
    let value = desk.jar.header();
    let (front, last) = value.split_at(value.len() - 1);
    for forged in [format!("{front}{}", if last == "A" { "E" } else { "A" }), front.to_owned()] {
        let mut thief = Desk::new(&server);
        thief.jar.put(forged);
        thief.open("/admin/people").await.expect(303);
    }
    // The interface for programs takes no cookie, and still no browser.
    let client = remote(&server, &key).with("cookie", &desk.jar.header());
    client.get("/v1/admin/users").await.refused(403, "browser_refused");
    let service = wiring::service(&server.server, &[Part::Admin]);
    let bare = Client::new(service, Caller::Anonymous).from("192.0.2.9").with("cookie", &desk.jar.header());
    bare.get("/v1/admin/users").await.refused(403, "browser_refused");
}

#[tokio::test]
async fn p26_a_visit_ends_when_it_is_idle_too_long_or_its_key_ends() {
    let server = TestServer::with(two_realms).await;
    let (key, id) = admin_key(&server, None, &["all"]).await;
    let mut desk = Desk::with(&server, &key).await;
    for _ in 0..43 {
        server.advance(Span::from_minutes(11)).await;
        assert!(desk.is_in().await, "it is used, and goes on");
    }
    // Nearly eight hours: the next is too many.
    server.advance(Span::from_minutes(6)).await;
    assert!(desk.is_in().await);
    server.advance(Span::from_minutes(2)).await;
    assert!(!desk.is_in().await, "older than eight hours, however it is used");
    let mut desk = Desk::with(&server, &key).await;
    server.advance(Span::from_minutes(15)).await;
    assert!(!desk.is_in().await, "idle");
    let mut desk = Desk::with(&server, &key).await;
    assert!(desk.is_in().await);
    local(&server).post(&format!("/v1/admin/admin-keys/{id}/revoke"), &json!({})).await.expect(200);
    assert!(!desk.is_in().await, "its key is over");
    let wanted = json!({"scopes": ["all"], "expires_in_days": 1});
    let short = local(&server).post("/v1/admin/admin-keys", &wanted).await.expect(201).text("key");
    server.advance(Span::from_minutes(24 * 60 - 5)).await;
    let mut desk = Desk::with(&server, &short).await;
    assert!(desk.is_in().await);
    server.advance(Span::from_minutes(6)).await;
    assert!(!desk.is_in().await, "its key has expired");
}

#[tokio::test]
async fn p26_signing_out_ends_every_copy_of_a_visit_and_no_other() {
    let server = TestServer::with(two_realms).await;
    let (key, _) = admin_key(&server, None, &["all"]).await;
    let (mut desk, mut other) = (Desk::with(&server, &key).await, Desk::with(&server, &key).await);
    let mut copy = Desk { server: &server, jar: desk.jar.clone() };
    assert!(copy.is_in().await && other.is_in().await);
    let out = desk.send("/admin/sign-out", "").await.expect(303);
    assert!(out.header("set-cookie").starts_with(&format!("{COOKIE}=; ")), "{}", out.header("set-cookie"));
    assert!(!copy.is_in().await, "a copy is dead too");
    assert!(other.is_in().await);
    server.advance(Span::from_minutes(14)).await;
    assert!(!copy.is_in().await, "and stays dead");
    let shown = desk.open("/admin/sign-in?over=yes").await.expect(200);
    assert!(text(&shown).contains("You are signed out"));
}

#[tokio::test]
async fn p31_wrong_keys_are_counted_as_the_interface_counts_them() {
    let server = TestServer::with(two_realms).await;
    let mut desk = Desk::new(&server);
    for wrong in ["hunter2", "cs_ak_00000000000000000000000000000000000000g", ""] {
        let shown = desk.send("/admin/sign-in", &format!("key={wrong}")).await.expect(401);
        assert!(text(&shown).contains("opens nothing") && !text(&shown).contains("hunter2"));
        assert_eq!(shown.headers.get("set-cookie"), None);
    }
    for _ in 0..27 {
        remote(&server, "hunter2").get("/v1/admin/users").await.expect(401);
    }
    let limited = desk.send("/admin/sign-in", "key=hunter2").await.expect(429);
    assert!(!limited.header("retry-after").is_empty());
    server.advance(Span::from_minutes(2)).await;
    desk.send("/admin/sign-in", "key=hunter2").await.expect(401);
}

#[tokio::test]
async fn p38_forms_of_other_places_do_nothing() {
    let server = TestServer::with(two_realms).await;
    let (key, _) = admin_key(&server, None, &["all"]).await;
    let desk = Desk::with(&server, &key).await;
    let own = format!("https://{HOST}");
    let foreign: [&[(&str, &str)]; 8] = [
        &[("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        &[("origin", ISSUER), ("sec-fetch-site", "same-site")],
        &[("origin", &own), ("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-site")],
        &[],
    ];
    for headers in foreign {
        let client = headers.iter().fold(desk.client(), |client, (name, value)| client.with(name, value));
        for (path, form) in [
            ("/admin/realms", "act=create_realm&name=mine".to_owned()),
            ("/admin/sign-in", format!("key={key}")),
            ("/admin/sign-out", String::new()),
        ] {
            let refused = client.form(path, &form).await.expect(403);
            assert_eq!(refused.headers.get("set-cookie"), None, "{headers:?} {path}");
        }
    }
    let listed = local(&server).get("/v1/admin/realms").await.expect(200);
    assert!(!items(&listed).iter().any(|realm| realm["name"] == "mine"));
    // No page of another site reads an answer, whichever app lists it.
    for path in ["/admin", "/admin/people", "/admin/sign-in", "/v1/admin/users"] {
        let service = wiring::service(&server.server, &[Part::Public, Part::Admin]);
        let asked = Client::new(service, Caller::Anonymous).from("192.0.2.9");
        let answer =
            asked.with("origin", crate::accounts::CLUB).with("cookie", &desk.jar.header()).get(path).await;
        for name in ["access-control-allow-origin", "access-control-allow-credentials"] {
            assert_eq!(answer.headers.get(name), None, "{path}");
        }
    }
}

#[tokio::test]
async fn p38_a_link_chooses_nothing_that_a_form_does() {
    let server = TestServer::with(two_realms).await;
    let (_, victim) = admin_key(&server, None, &["read"]).await;
    let (_, meant) = admin_key(&server, None, &["read"]).await;
    let mut desk = Desk::full(&server).await;
    desk.send(&format!("/admin/keys?id={victim}"), &format!("act=revoke_admin_key&id={meant}"))
        .await
        .expect(303);
    let keys = items(&local(&server).get("/v1/admin/admin-keys").await.expect(200));
    let is_valid = |id: &str| keys.iter().find(|key| key["id"] == id).unwrap()["valid"] == json!(true);
    assert!(is_valid(&victim) && !is_valid(&meant));
}

#[tokio::test]
async fn pages_are_there_only_where_they_are_let() {
    let server = TestServer::with(two_realms).await;
    // No realm's people may use them: on a public listener there is nothing.
    for path in PAGES {
        server.anybody().from("192.0.2.9").get(path).await.refused(404, "not_found");
    }
    for path in ["/admin/sign-in", "/admin/apps/club"] {
        server.anybody().from("192.0.2.9").get(path).await.refused(404, "not_found");
    }
    let post = server.anybody().with("origin", ISSUER).with("sec-fetch-site", "same-origin");
    post.form("/admin/sign-in", "key=x").await.refused(404, "not_found");
    // Nor for whom a proxy passes on to a socket.
    let service = wiring::service(&server.server, &[Part::Admin]);
    let passed_on = Client::new(service, Caller::Anonymous).with("x-forwarded-for", "192.0.2.9");
    for path in ["/admin", "/admin/sign-in"] {
        passed_on.get(path).await.refused(404, "not_found");
    }
    let mut desk = Desk::full(&server).await;
    desk.open("/admin/nothing").await.refused(404, "not_found");
    desk.open("/admin/people/usr_nobody").await.expect(404);
}

#[tokio::test]
async fn p26_a_key_of_one_realm_or_few_scopes_sees_what_the_interface_shows_it() {
    let server = TestServer::with(two_realms).await;
    let made = json!({"emails": [{"address": "bob@mail.example"}], "realm": "default"});
    let bob = local(&server).post("/v1/admin/users", &made).await.expect(201).text("id");
    let (staff, _) = admin_key(&server, Some("staff"), &["all"]).await;
    let mut desk = Desk::with(&server, &staff).await;
    let overview = text(&desk.open("/admin").await.expect(200));
    assert!(overview.contains("realm staff") && !overview.contains("<svg"), "{overview}");
    let apps = text(&desk.open("/admin/apps").await.expect(200));
    assert!(apps.contains(">desk</a>") && !apps.contains(">club</a>"), "{apps}");
    for path in
        [format!("/admin/people/{bob}"), "/admin/apps/club".to_owned(), "/admin/realms/default".to_owned()]
    {
        desk.open(&path).await.expect(404);
    }
    let health = desk.open("/admin/health").await.expect(403);
    assert!(text(&health).contains("This concerns all realms") && !text(&health).contains("Database"));
    let sent = desk.send(&format!("/admin/people/{bob}"), "act=disable_user").await;
    assert_eq!(sent.status.as_u16(), 404);
    let (read, _) = admin_key(&server, None, &["read"]).await;
    let mut desk = Desk::with(&server, &read).await;
    for path in PAGES {
        desk.open(path).await.expect(200);
    }
    let refused = desk.send(&format!("/admin/people/{bob}"), "act=disable_user").await.expect(403);
    assert!(text(&refused).contains("takes the scope users"), "{}", text(&refused));
    assert_eq!(local(&server).get(&format!("/v1/admin/users/{bob}")).await.text("status"), "active");
    // What only who is at the machine may do is no page's.
    let (apps, _) = admin_key(&server, None, &["apps"]).await;
    let mut desk = Desk::with(&server, &apps).await;
    let people = desk.open("/admin/people").await.expect(403);
    assert!(text(&people).contains("takes the scope read"));
    desk.open("/admin/apps").await.expect(200);
}

#[tokio::test]
async fn p11_what_others_wrote_is_text_on_every_page() {
    let hostile = "<script>alert(1)</script>";
    let server = TestServer::with(two_realms).await;
    let encoded = "%3Cscript%3Ealert%281%29%3C%2Fscript%3E";
    let mut desk = Desk::full(&server).await;
    let made = json!({"name": "forge", "title": hostile, "origins": [], "accounts": "realm"});
    local(&server).post("/v1/admin/apps", &made).await.expect(201);
    local(&server)
        .post("/v1/admin/apps/forge/keys", &json!({"kind": "secret", "label": hostile}))
        .await
        .expect(201);
    let key = json!({"scopes": ["read"], "label": hostile});
    local(&server).post("/v1/admin/admin-keys", &key).await.expect(201);
    for path in ["/admin/apps", "/admin/apps/forge", "/admin/keys", "/admin/apps/forge?policy=yes"] {
        let shown = text(&desk.open(path).await.expect(200));
        assert!(!shown.contains(hostile) && shown.contains("&lt;script&gt;"), "{path}: {shown}");
    }
    for query in [
        format!("/admin/people?email={encoded}"),
        format!("/admin/grants?user={encoded}"),
        format!("/admin/events?kind={encoded}&after={encoded}"),
        format!("/admin/people?done={encoded}"),
        format!("/admin/apps?after={encoded}"),
    ] {
        let shown = text(&desk.open(&query).await);
        assert!(!shown.contains(hostile), "{query}: {shown}");
    }
    let sent =
        desk.send("/admin/apps", &format!("act=create_app&name={encoded}&title={encoded}")).await.expect(422);
    assert!(!text(&sent).contains(hostile));
    let policy = sent.header("content-security-policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"] {
        assert!(policy.contains(part) && !policy.contains("unsafe"), "{policy}");
    }
    assert_eq!(sent.header("cache-control"), "no-store");
    assert!(!text(&sent).contains(" style=") && !text(&sent).contains("<style"));
}

#[tokio::test]
async fn a_first_view_is_small_and_asks_for_little() {
    let server = TestServer::with(two_realms).await;
    for _ in 0..5 {
        sessions::sign_in(&server, ISSUER, "ann@mail.example", "").await;
        server.advance(Span::from_minutes(5)).await;
        local(&server).get("/v1/admin/activity").await.expect(200);
    }
    let mut desk = Desk::full(&server).await;
    for path in PAGES.into_iter().chain(["/admin/apps/club", "/admin/sign-in"]) {
        let shown = text(&desk.open(path).await.expect(200));
        let (mut bytes, mut requests) = (shown.len(), 1);
        for mark in ["href=\"&#x2f;assets&#x2f;", "src=\"&#x2f;assets&#x2f;"] {
            for name in shown.split(mark).skip(1) {
                let name = name.split('"').next().unwrap();
                bytes += desk.open(&format!("/assets/{name}")).await.expect(200).body.len();
                requests += 1;
            }
        }
        assert!(requests > 1, "{path}");
        assert!(bytes <= 30_000 && requests <= 4, "{path}: {bytes} bytes in {requests} requests");
    }
    let overview = text(&desk.open("/admin").await.expect(200));
    assert_eq!(overview.matches("<svg").count(), 5, "{overview}");
    assert!(
        overview.contains("<span class=\"figure\">5</span>") && overview.contains("<table>"),
        "{overview}"
    );
}

#[tokio::test]
async fn every_page_is_in_the_readers_language_and_says_every_text() {
    let server = TestServer::with(two_realms).await;
    let mut desk = Desk::full(&server).await;
    for language in ["en", "de", "fr", "es", "ja"] {
        for path in PAGES.into_iter().chain([
            "/admin/apps/club?policy=yes",
            "/admin/realms/staff",
            "/admin/events?check=yes",
        ]) {
            let client = desk.client().with("accept-language", language).with("sec-fetch-site", "none");
            let shown = text(&client.get(path).await.expect(200));
            assert!(shown.contains(&format!("<html lang=\"{language}\" dir=\"ltr\">")), "{language} {path}");
            assert!(!shown.contains(">admin."), "{language} {path}: a text is missing: {shown}");
            for id in shown.split(" for=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
                assert_eq!(shown.matches(&format!(" id=\"{id}\"")).count(), 1, "{path}: {id}");
            }
            assert_eq!(shown.matches("<h1").count(), 1, "{path}");
        }
    }
    assert!(desk.is_in().await);
}

pub(crate) async fn ask_value(server: &TestServer, path: &str) -> Value {
    local(server).send(Method::GET, path, "").await.expect(200).json()
}
