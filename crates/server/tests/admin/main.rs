//! The routes for operators, asked as the command line asks them: what is changed holds at once, what is made is
//! shown once, and nothing of a person is shown at all.

#![expect(clippy::unwrap_used, reason = "tests say what went wrong by stopping")]

use std::{net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use countersign_domain::{
    changes::{Change, Changes},
    id::MessageId,
    message::Message,
    testing::Seeded,
    time::Span,
};
use countersign_server::{
    config::{AppKeySettings, AppSettings, Config, Part},
    keys::RootKey,
    listener::Peer,
    maintenance,
    service::Service,
    state::Server,
    system::{SystemClock, SystemEntropy},
    wiring,
};
use countersign_store::{Store, sqlite::Sqlite};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

const FILE_KEY: &str = "cs_sk_3aknfjjg7380cc161fisuhltvtd4lshq00l3cp4";

struct Operator {
    server: Arc<Server>,
    service: Service,
}

impl Operator {
    async fn new() -> Self {
        let mut config = Config::default();
        let key = AppKeySettings { key: Some(FILE_KEY.to_owned()), ..AppKeySettings::default() };
        config.apps =
            vec![AppSettings { name: "file".to_owned(), keys: vec![key], ..AppSettings::default() }];
        let store = Store::new(Arc::new(Sqlite::memory().unwrap()));
        store.migrate().await.unwrap();
        let root = RootKey::generate(&mut Seeded::new(1));
        let system = (Arc::new(SystemClock::default()) as _, Arc::new(SystemEntropy) as _);
        let server = wiring::assemble(config, store, &root, system).await.unwrap();
        let service = wiring::service(&server, &[Part::Public, Part::Admin]);
        Self { server, service }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> (u16, Value) {
        let response = self.service.answer(request).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// The status that an app's server gets with this key.
    async fn knock(&self, key: &Value) -> u16 {
        let key = format!("Bearer {}", key.as_str().unwrap());
        let request = Request::builder().uri("/v1/challenges/chl_0").header("authorization", key);
        self.send(request.body(Body::empty()).unwrap()).await.0
    }
}

#[tokio::test]
async fn an_app_and_its_keys_from_beginning_to_end() {
    let operator = Operator::new().await;
    let (status, app) = operator.ask("POST", "/v1/admin/apps", json!({ "name": "forum", "tries": 3 })).await;
    assert_eq!((status, &app["tries"], &app["declared"]), (201, &json!(3), &json!(false)));
    let wanted = json!({ "kind": "secret", "label": "web", "expires_in_days": 2 });
    let (status, made) = operator.ask("POST", "/v1/admin/apps/forum/keys", wanted).await;
    assert_eq!(status, 201);
    assert_eq!(operator.knock(&made["key"]).await, 404, "the key opens, there is no such challenge");

    let (_, keys) = operator.ask("GET", "/v1/admin/apps/forum/keys", json!(null)).await;
    assert_eq!((&keys["items"][0]["id"], &keys["items"][0]["label"]), (&made["id"], &json!("web")));
    assert!(!keys.to_string().contains("cs_sk_"), "the text is shown once: {keys}");

    assert_eq!(operator.ask("POST", "/v1/admin/apps/forum/disable", json!(null)).await.0, 200);
    assert_eq!(operator.knock(&made["key"]).await, 403, "switched off");
    assert_eq!(operator.ask("POST", "/v1/admin/apps/forum/enable", json!(null)).await.0, 200);
    assert_eq!(operator.knock(&made["key"]).await, 404, "on again");
    let revoke = format!("/v1/admin/keys/{}/revoke", made["id"].as_str().unwrap());
    for _ in 0..2 {
        assert_eq!(operator.ask("POST", &revoke, json!(null)).await.0, 200, "ending it twice is ending it");
        assert_eq!(operator.knock(&made["key"]).await, 401);
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let operator = Operator::new().await;
    operator.ask("POST", "/v1/admin/apps", json!({ "name": "forum" })).await;
    let (_, file_keys) = operator.ask("GET", "/v1/admin/apps/file/keys", json!(null)).await;
    let file_key = format!("/v1/admin/keys/{}/revoke", file_keys["items"][0]["id"].as_str().unwrap());
    for (method, path, body, expected) in [
        ("POST", "/v1/admin/apps", json!({ "name": "forum" }), (409, "already_exists")),
        ("POST", "/v1/admin/apps", json!({ "name": "file" }), (409, "declared_in_file")),
        ("POST", "/v1/admin/apps", json!({ "name": "Forum" }), (422, "invalid_setting")),
        ("POST", "/v1/admin/apps", json!({ "name": "b", "keys": [{}] }), (422, "invalid_member")),
        ("POST", "/v1/admin/apps", json!({ "name": "b", "colour": 1 }), (422, "invalid_request")),
        ("PATCH", "/v1/admin/apps/file", json!({ "tries": 1 }), (409, "declared_in_file")),
        ("PATCH", "/v1/admin/apps/forum", json!({ "tries": 99 }), (422, "invalid_setting")),
        ("PATCH", "/v1/admin/apps/forum", json!({ "colour": 1 }), (422, "invalid_setting")),
        ("PATCH", "/v1/admin/apps/forum", json!({ "name": "other" }), (422, "invalid_member")),
        ("PATCH", "/v1/admin/apps/nobody", json!({}), (404, "not_found")),
        ("GET", "/v1/admin/apps/nobody", json!(null), (404, "not_found")),
        ("GET", "/v1/admin/apps?limit=0", json!(null), (422, "invalid_member")),
        ("POST", "/v1/admin/apps/forum/token-secret", json!({}), (422, "invalid_member")),
        ("POST", "/v1/admin/apps/forum/keys", json!({ "kind": "golden" }), (422, "invalid_request")),
        (
            "POST",
            "/v1/admin/apps/forum/keys",
            json!({ "kind": "secret", "expires_at": "2001-01-01T00:00:00Z" }),
            (422, "invalid_member"),
        ),
        ("POST", "/v1/admin/keys/key_0/revoke", json!(null), (404, "not_found")),
        ("POST", &file_key, json!(null), (409, "declared_in_file")),
        ("POST", "/v1/admin/revocations", json!({ "app": "nobody" }), (404, "not_found")),
        ("POST", "/v1/admin/revocations", json!({ "app": "forum", "subject": "x" }), (422, "invalid_member")),
        (
            "POST",
            "/v1/admin/signing-keys/rotate",
            json!({ "algorithm": "EdDSA", "accept_seconds": 91 * 86_400 + 1 }),
            (422, "invalid_member"),
        ),
        ("POST", "/v1/admin/signing-keys/rotate", json!({ "algorithm": "none" }), (422, "invalid_member")),
        ("POST", "/v1/admin/signing-keys/rotate", json!({ "algorithm": "HS256" }), (422, "invalid_member")),
        ("DELETE", "/v1/admin/messages/msg_0", json!(null), (404, "not_found")),
    ] {
        let (status, answer) = operator.ask(method, path, body.clone()).await;
        assert_eq!((status, answer["code"].as_str().unwrap()), expected, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn settings_are_patched_replaced_and_listed_without_the_files_keys() {
    let operator = Operator::new().await;
    operator.ask("POST", "/v1/admin/apps", json!({ "name": "forum", "title": "Forum", "tries": 3 })).await;
    let patch = json!({ "title": null, "delivery": "both" });
    let (_, app) = operator.ask("PATCH", "/v1/admin/apps/forum", patch).await;
    assert_eq!((&app["title"], &app["delivery"], &app["tries"]), (&json!(null), &json!("both"), &json!(3)));
    let (_, app) = operator.ask("PUT", "/v1/admin/apps/forum", json!({ "name": "forum" })).await;
    assert_eq!((&app["delivery"], &app["tries"]), (&json!(null), &json!(null)));
    let (_, first) = operator.ask("GET", "/v1/admin/apps?limit=1", json!(null)).await;
    assert_eq!((&first["items"][0]["name"], &first["next"]), (&json!("file"), &json!("file")));
    assert!(!first.to_string().contains("cs_sk_"), "{first}");
    let (_, second) = operator.ask("GET", "/v1/admin/apps?limit=1&after=file", json!(null)).await;
    assert_eq!((&second["items"][0]["name"], &second["next"]), (&json!("forum"), &json!(null)));
}

#[tokio::test]
async fn a_shared_secret_is_shown_once_and_replaced() {
    let operator = Operator::new().await;
    let wanted = json!({ "name": "old", "token_algorithm": "HS256", "token_lifetime_seconds": 60 });
    let (_, app) = operator.ask("POST", "/v1/admin/apps", wanted).await;
    let first = app["token_secret"].as_str().unwrap().to_owned();
    let (_, app) = operator.ask("GET", "/v1/admin/apps/old", json!(null)).await;
    assert_eq!(app["token_secret"], json!(null));
    let (status, made) = operator.ask("POST", "/v1/admin/apps/old/token-secret", json!({})).await;
    assert_eq!(status, 201);
    assert_ne!(made["token_secret"].as_str().unwrap(), first);
    let (_, keys) = operator.ask("GET", "/v1/admin/signing-keys", json!(null)).await;
    let mut stages: Vec<_> =
        keys["items"].as_array().unwrap().iter().filter(|key| key["app"] == "old").collect();
    stages.sort_by_key(|key| key["stage"].to_string());
    assert_eq!((&stages[0]["stage"], &stages[1]["stage"]), (&json!("current"), &json!("retiring")));
    assert!(!keys.to_string().contains(&first));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_secret_is_shown_however_busily_keys_are_looked_after() {
    let operator = Operator::new().await;
    let server = Arc::clone(&operator.server);
    let sweeping = tokio::spawn(async move {
        loop {
            maintenance::reload(&server).await.unwrap();
            maintenance::rotate(&server).await.unwrap();
        }
    });
    for number in 0..40 {
        let name = format!("app{number}");
        let path = format!("/v1/admin/apps/{name}");
        let (status, app) = if number % 2 == 0 {
            operator.ask("POST", "/v1/admin/apps", json!({ "name": name, "token_algorithm": "HS256" })).await
        } else {
            operator.ask("POST", "/v1/admin/apps", json!({ "name": name })).await;
            let (status, app) = operator.ask("PATCH", &path, json!({ "token_algorithm": "HS256" })).await;
            (status + 1, app)
        };
        assert_eq!(status, 201);
        assert!(app["token_secret"].is_string(), "{name}: {app}");
        let (_, again) = operator.ask("PATCH", &path, json!({ "title": "Shown once" })).await;
        assert_eq!(again["token_secret"], json!(null));
    }
    sweeping.abort();
}

#[tokio::test]
async fn a_rotated_key_signs_and_the_former_one_stays_published() {
    let operator = Operator::new().await;
    let (_, before) = operator.ask("GET", "/.well-known/jwks.json", json!(null)).await;
    let (status, made) =
        operator.ask("POST", "/v1/admin/signing-keys/rotate", json!({ "algorithm": "EdDSA" })).await;
    assert_eq!((status, &made["stage"]), (201, &json!("current")));
    let (_, after) = operator.ask("GET", "/.well-known/jwks.json", json!(null)).await;
    let kids: Vec<_> = after["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
    assert_eq!(kids, [before["keys"][0]["kid"].clone(), made["id"].clone()]);
}

#[tokio::test]
async fn waiting_messages_are_listed_without_content_hurried_and_dropped() {
    let operator = Operator::new().await;
    let now = operator.server.now();
    let message = Message {
        id: MessageId::new(now, &mut Seeded::new(1)),
        app: "file".parse().unwrap(),
        deliver: true,
        sealed: b"jane@example.org".to_vec(),
        attempts: 3,
        due_at: now + Span::from_hours(1),
        created_at: now,
        expires_at: now + Span::from_hours(2),
    };
    let id = message.id;
    operator.server.store.commit(Changes(vec![Change::Message(message)])).await.unwrap();
    let (_, list) = operator.ask("GET", "/v1/admin/messages", json!(null)).await;
    let mut members: Vec<_> = list["items"][0].as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["app", "attempts", "created_at", "due_at", "expires_at", "id"]);
    assert_eq!(operator.ask("POST", &format!("/v1/admin/messages/{id}/retry"), json!(null)).await.0, 200);
    assert!(operator.server.store.messages(1).await.unwrap()[0].due_at <= operator.server.now());
    assert_eq!(operator.ask("DELETE", &format!("/v1/admin/messages/{id}"), json!(null)).await.0, 200);
    assert_eq!(operator.ask("DELETE", &format!("/v1/admin/messages/{id}"), json!(null)).await.0, 404);
}

#[tokio::test]
async fn nobody_comes_over_a_network_without_an_admin_key() {
    let operator = Operator::new().await;
    let address: SocketAddr = "127.0.0.1:5000".parse().unwrap();
    for (peer, expected) in [(Some(address), StatusCode::UNAUTHORIZED), (None, StatusCode::OK)] {
        let request =
            Request::builder().uri("/v1/admin/apps").extension(Peer(peer)).body(Body::empty()).unwrap();
        assert_eq!(operator.service.answer(request).await.status(), expected, "{peer:?}");
    }
}
