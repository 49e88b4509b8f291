//! `GET /verify/{app}` as a reverse proxy asks it.

use countersign_domain::time::Span;
use countersign_server::{
    config::{
        AccessSetting, Config, ForwardAuthSettings, LevelSetting, OpenerSetting, Part, RealmSettings,
        RuleSettings, SignInSetting,
    },
    wiring,
};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;

use crate::{
    accounts::{CLUB, club_named, with_club},
    flow::claims_by_key_set,
    sessions::{self, Browser},
    support::{
        Answer, Caller, TestServer, World,
        backend::on_every_engine,
        caller::Client,
        settings::{app, secret_key},
    },
};

on_every_engine! {
    p28_who_signed_out_is_refused_at_once_and_on_every_node
    p39_without_a_database_nobody_is_let_in
    p39_who_is_remembered_stays_for_as_long_as_the_operator_says
    p39_what_is_to_be_read_again_is_used_for_as_long
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";
const PROXY: &str = "10.9.8.7";
const HEADERS: [&str; 6] =
    ["remote-user", "remote-email", "remote-groups", "remote-name", "remote-role", "remote-subject"];

/// `club`, which people sign in to; `notes`, open to all of them; `files`, which nobody has a grant for.
pub(crate) fn services(config: &mut Config) {
    with_club(config);
    for app in &mut config.apps {
        app.messages_per_person_per_hour = Some(64);
        app.messages_per_person_per_day = Some(64);
    }
    config.server.trusted_proxies = vec!["10.0.0.0/8".to_owned()];
    let scopes = ["read:email", "read:name"].map(str::to_owned).to_vec();
    config
        .apps
        .push(with("notes", ForwardAuthSettings { open: true, scopes, ..ForwardAuthSettings::default() }));
    config.apps.push(with("files", ForwardAuthSettings::default()));
}

pub(crate) fn with(
    name: &'static str,
    forward_auth: ForwardAuthSettings,
) -> countersign_server::config::AppSettings {
    countersign_server::config::AppSettings { forward_auth, ..club_named(name) }
}

/// Whoever reaches the listener for proxies.
pub(crate) fn proxy(server: &TestServer) -> Client {
    let service = wiring::service(&server.server, &[Part::Verify]);
    Client::new(service, Caller::Anonymous).from(PROXY)
}

/// The proxy asks for a browser's request.
pub(crate) async fn ask(server: &TestServer, app: &str, cookie: &str) -> Answer {
    proxy(server).with("cookie", cookie).get(&format!("/verify/{app}")).await
}

fn body(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

async fn ann(server: &TestServer) -> Browser {
    sessions::sign_in(server, CLUB, ANN, "").await
}

fn is_no_store(headers: &HeaderMap) -> bool {
    headers["cache-control"] == "no-store"
}

#[tokio::test]
async fn p37_a_proxy_gets_the_answers_that_its_recipe_rests_on() {
    let server = TestServer::with(services).await;
    let ann = ann(&server).await;
    // Not remembered at first, then remembered.
    for _ in 0..3 {
        let yes = ask(&server, "notes", &ann.cookie).await.expect(200);
        assert!(is_no_store(&yes.headers) && yes.body.is_empty());
        for name in HEADERS {
            assert_eq!(yes.headers.get_all(name).iter().count(), 1, "{name}");
        }
        assert_eq!(yes.header("remote-email"), ANN);
        assert_eq!((yes.header("remote-user"), yes.header("remote-groups")), ("", ""));
        assert_ne!(yes.header("remote-subject"), ann.answer.text("subject"), "another app, another name");
        let (typ, claims) = claims_by_key_set(&server, yes.header("remote-assertion"), "notes").await;
        assert_eq!(typ, "assertion+jwt");
        assert_eq!(claims["sub"], yes.header("remote-subject"));
        assert_eq!((&claims["email"], &claims["client_id"]), (&json!(ANN), &json!("notes")));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 60);
    }
    assert_eq!(ask(&server, "club", &ann.cookie).await.status, 401, "nobody has a grant");
    let no = ask(&server, "files", &ann.cookie).await.expect(401);
    assert_eq!(body(&no), "User does not have access to this service");
    let missing = ask(&server, "nothing", &ann.cookie).await.expect(404);
    assert_eq!(body(&missing), "Service Not Found!");
    for cookie in ["", "a=b", &ann.cookie[..ann.cookie.len() - 1], &ann.cookie.to_uppercase()] {
        for app in ["notes", "files", "nothing", "a/b", ""] {
            let hidden = ask(&server, app, cookie).await.expect(404);
            assert!(hidden.body.is_empty() || app.is_empty() || app.contains('/'), "{app} {cookie}");
        }
    }
    for (status, expected) in [("401", 401), ("403", 403), ("404", 404), ("200", 404), ("x", 404)] {
        let path = format!("/verify/notes?refuse={status}");
        let refused = proxy(&server).get(&path).await;
        assert_eq!((refused.status.as_u16(), refused.body.len()), (expected, 0), "{status}");
        let own = refused.headers.get("countersign-status").map_or("", |own| own.to_str().unwrap());
        assert_eq!(own, if status.len() == 3 && status != "200" { "404" } else { "" }, "{status}");
        assert!(is_no_store(&refused.headers));
    }
    // The same name for the same person for ever.
    let subject = ask(&server, "notes", &ann.cookie).await.header("remote-subject").to_owned();
    let again = sessions::sign_in(&server, CLUB, ANN, "").await;
    assert_eq!(ask(&server, "notes", &again.cookie).await.header("remote-subject"), subject);
    let direct = crate::flow::sign_in(&server, "notes", ANN).await;
    assert_eq!(direct.text("subject"), subject, "and the one that a sign-in there gives");
}

#[tokio::test]
async fn p37_only_proxies_and_the_app_itself_may_ask() {
    let server = TestServer::with(services).await;
    let ann = ann(&server).await;
    let asks = |key: Option<String>, app: &'static str| {
        let client = server.anybody().with("cookie", &ann.cookie);
        let client = match key {
            Some(key) => client.with("countersign-key", &key),
            None => client,
        };
        async move { client.get(&format!("/verify/{app}")).await }
    };
    asks(None, "notes").await.refused(404, "not_found");
    let local = crate::admin::local(&server);
    let made = local.post("/v1/admin/apps/notes/keys", &json!({"kind": "proxy"})).await.expect(201);
    let key = made.text("key");
    assert!(key.starts_with("cs_vk_"), "{key}");
    let yes = asks(Some(key.clone()), "notes").await.expect(200);
    assert_eq!((yes.header("remote-email"), yes.body.len()), (ANN, 0));
    asks(Some(key.clone()), "files").await.refused(404, "not_found");
    asks(Some(secret_key("club")), "notes").await.refused(404, "not_found");
    asks(Some(format!("{key}x")), "notes").await.expect(401);
    // It is good for nothing else.
    server.calls(Caller::Secret(key.clone())).start(BOB).await.refused(403, "api_key_kind");
    server.calls(Caller::Secret(key.clone())).form("/oauth2/introspect", "token=x").await.expect(401);
    // The service itself is told in JSON.
    let told = asks(Some(secret_key("notes")), "notes").await.expect(200);
    assert_eq!(told.json()["subject"], told.header("remote-subject"));
    assert_eq!(told.json()["scopes"], json!(["read:email", "read:name"]));
    assert_eq!(told.json()["acr"], "urn:countersign:mailbox");
    local.post(&format!("/v1/admin/keys/{}/revoke", made.text("id")), &json!({})).await.expect(200);
    asks(Some(key), "notes").await.expect(401);
}

#[tokio::test]
async fn p32_a_token_opens_its_own_app_and_an_assertion_opens_nothing() {
    let server = TestServer::with(|config| {
        services(config);
        let forward_auth = ForwardAuthSettings { open: true, ..ForwardAuthSettings::default() };
        config.apps.push(countersign_server::config::AppSettings { forward_auth, ..app("plain") });
    })
    .await;
    let mine = crate::flow::sign_in(&server, "notes", ANN).await;
    let with_token = |token: String, app: &'static str| {
        let client = proxy(&server).with("authorization", &format!("Bearer {token}"));
        async move { client.get(&format!("/verify/{app}")).await }
    };
    let token = mine.text("access_token");
    for _ in 0..2 {
        let yes = with_token(token.clone(), "notes").await.expect(200);
        assert_eq!(yes.header("remote-subject"), mine.text("subject"));
        with_token(token.clone(), "files").await.expect(404);
    }
    let assertion = with_token(token.clone(), "notes").await.header("remote-assertion").to_owned();
    with_token(assertion.clone(), "notes").await.expect(404);
    server.calls(Caller::Bearer(assertion)).get("/v1/token").await.expect(401);
    // An app that keeps nobody: whoever it gave a token.
    let plain = crate::flow::sign_in(&server, "plain", BOB).await;
    let yes = with_token(plain.text("access_token"), "plain").await.expect(200);
    assert_eq!(yes.header("remote-subject"), plain.text("subject"));
    // What is taken back is dead at once, and so is what it came from.
    let fresh = mine.text("refresh_token");
    server.app("notes").form("/oauth2/revoke", &format!("token={fresh}")).await.expect(200);
    with_token(token, "notes").await.expect(404);
    let token = plain.text("access_token");
    server.app("plain").form("/oauth2/revoke", &format!("token={token}")).await.expect(200);
    with_token(token, "plain").await.expect(404);
}

#[tokio::test]
async fn p27_a_session_opens_nothing_after_its_idle_or_absolute_end() {
    let server = TestServer::with(|config| {
        services(config);
        config.realms.push(RealmSettings {
            session_idle_seconds: Some(3_600),
            session_absolute_seconds: Some(7_200),
            ..crate::support::settings::quiet("default")
        });
    })
    .await;
    let ann = ann(&server).await;
    for _ in 0..3 {
        ask(&server, "notes", &ann.cookie).await.expect(200);
        server.advance(Span::from_minutes(35)).await;
    }
    // Used all the time, it lives two hours.
    server.advance(Span::from_minutes(14)).await;
    ask(&server, "notes", &ann.cookie).await.expect(200);
    server.advance(Span::from_minutes(2)).await;
    ask(&server, "notes", &ann.cookie).await.expect(404);
    let idle = sessions::sign_in(&server, CLUB, ANN, "").await;
    ask(&server, "notes", &idle.cookie).await.expect(200);
    server.advance(Span::from_minutes(60)).await;
    ask(&server, "notes", &idle.cookie).await.expect(404);
}

#[tokio::test]
async fn p37_rules_say_what_a_request_needs_and_the_proxy_alone_what_it_is() {
    let server = TestServer::with(|config| {
        services(config);
        let rule = |path: &str| RuleSettings { path: Some(path.to_owned()), ..RuleSettings::default() };
        let rules = vec![
            RuleSettings { access: Some(AccessSetting::Public), ..rule("/health") },
            RuleSettings { least: Some(LevelSetting::Aal2), ..rule("/admin") },
            RuleSettings { access: Some(AccessSetting::Deny), ..rule("/internal") },
        ];
        config
            .apps
            .push(with("tool", ForwardAuthSettings { open: true, rules, ..ForwardAuthSettings::default() }));
    })
    .await;
    let ann = ann(&server).await;
    let at = |from: &'static str, cookie: &str, uri: &str| {
        let client = proxy(&server).from(from).with("cookie", cookie);
        let client = client.with("x-forwarded-method", "GET").with("x-forwarded-uri", uri);
        async move { client.get("/verify/tool").await }
    };
    for _ in 0..2 {
        assert_eq!(at(PROXY, &ann.cookie, "/").await.status, 200);
        let public = at(PROXY, "", "/health").await.expect(200);
        for name in HEADERS.into_iter().chain(["remote-assertion"]) {
            assert_eq!(public.header(name), "", "{name}");
        }
        assert!(!at(PROXY, &ann.cookie, "/health").await.header("remote-subject").is_empty());
        let weak = at(PROXY, &ann.cookie, "/admin/x").await.expect(401);
        assert!(weak.header("www-authenticate").contains("acr_values=\"aal2\""));
        for uri in ["/internal", "/x/../internal", "//internal", "/%2e/internal", "/internal;a", ""] {
            assert_eq!(at(PROXY, &ann.cookie, uri).await.status, 401, "{uri}");
        }
        assert_eq!(at(PROXY, "", "/").await.status, 404);
        // Who is no proxy says nothing that is believed: the strictest rule counts.
        assert_eq!(at("192.0.2.9", &ann.cookie, "/").await.status, 401);
        assert_eq!(at("192.0.2.9", "", "/health").await.status, 404);
    }
}

#[tokio::test]
async fn p37_an_app_says_what_opens_it_and_what_becomes_of_nobody() {
    let server = TestServer::with(|config| {
        services(config);
        let accepts = Some(vec![OpenerSetting::Token]);
        let sign_in = Some(SignInSetting::Unauthorized);
        config.apps.push(with(
            "api",
            ForwardAuthSettings { open: true, accepts, sign_in, ..ForwardAuthSettings::default() },
        ));
    })
    .await;
    let ann = ann(&server).await;
    let no = ask(&server, "api", &ann.cookie).await.expect(401);
    assert_eq!((no.header("www-authenticate"), no.body.len()), ("Bearer", 0));
    let token = crate::flow::sign_in(&server, "api", ANN).await.text("access_token");
    proxy(&server).with("authorization", &format!("Bearer {token}")).get("/verify/api").await.expect(200);
}

async fn p28_who_signed_out_is_refused_at_once_and_on_every_node(world: World) {
    let one = world.node_with(services).await;
    let other = world.node_with(services).await;
    for round in 0..3 {
        let ann = ann(&one).await;
        for node in [&one, &other] {
            crate::support::wait_until("both know the app", || async {
                ask(node, "notes", &ann.cookie).await.status == 200
            })
            .await;
        }
        let begun = std::time::Instant::now();
        ann.from(&one, CLUB, Method::DELETE, "/v1/session").await.expect(204);
        assert_eq!(ask(&one, "notes", &ann.cookie).await.status, 404, "at once here: round {round}");
        if one.server.is_shared() {
            while ask(&other, "notes", &ann.cookie).await.status == 200 {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            assert!(begun.elapsed() < std::time::Duration::from_secs(1), "{:?}", begun.elapsed());
        }
    }
    one.stop().await;
    other.stop().await;
}

async fn p39_without_a_database_nobody_is_let_in(world: World) {
    let server = world.node_with(services).await;
    let (ann, bob) = (ann(&server).await, sessions::sign_in(&server, CLUB, BOB, "").await);
    ask(&server, "notes", &ann.cookie).await.expect(200);
    server.server.store.close().await;
    assert_eq!(ask(&server, "notes", &bob.cookie).await.status, StatusCode::SERVICE_UNAVAILABLE);
    server.clock.advance(Span::from_minutes(11));
    assert_eq!(ask(&server, "notes", &ann.cookie).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ask(&server, "notes", "").await.status, StatusCode::NOT_FOUND);
}

async fn p39_who_is_remembered_stays_for_as_long_as_the_operator_says(world: World) {
    let server = world
        .node_with(|config| {
            services(config);
            config.forward_auth.stale_seconds = 60;
        })
        .await;
    let (ann, bob) = (ann(&server).await, sessions::sign_in(&server, CLUB, BOB, "").await);
    ask(&server, "notes", &ann.cookie).await.expect(200);
    server.server.store.close().await;
    // Beside other nodes it counts from when they were heard of last, alone from when it is to be read again.
    let trusted = if server.server.is_shared() { Span::ZERO } else { Span::from_minutes(10) };
    server.clock.advance(trusted);
    server.clock.advance(Span::from_seconds(59));
    ask(&server, "notes", &ann.cookie).await.expect(200);
    assert_eq!(ask(&server, "notes", &bob.cookie).await.status, StatusCode::SERVICE_UNAVAILABLE);
    server.clock.advance(Span::from_seconds(2));
    assert_eq!(ask(&server, "notes", &ann.cookie).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// What is to be read again just when the database goes is as good as what is not.
async fn p39_what_is_to_be_read_again_is_used_for_as_long(world: World) {
    let server = world
        .node_with(|config| {
            services(config);
            config.forward_auth.stale_seconds = 60;
        })
        .await;
    let ann = ann(&server).await;
    ask(&server, "notes", &ann.cookie).await.expect(200);
    server.advance(Span::from_minutes(10) - Span::from_seconds(10)).await;
    server.caught_up().await;
    server.server.store.close().await;
    for seconds in [0, 9, 2, 40] {
        server.clock.advance(Span::from_seconds(seconds));
        ask(&server, "notes", &ann.cookie).await.expect(200);
    }
    server.clock.advance(Span::from_seconds(60));
    assert_eq!(ask(&server, "notes", &ann.cookie).await.status, StatusCode::SERVICE_UNAVAILABLE);
}
