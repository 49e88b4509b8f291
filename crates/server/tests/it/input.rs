//! What is not understood is refused, in the same form everywhere, and changes nothing.

use http::Method;
use serde_json::json;

use crate::{
    flow::sign_in,
    support::{
        Caller, TestServer,
        settings::{ORIGIN, secret_key},
    },
};

const ANN: &str = "ann@mail.example";
const BINDING: &str = "0123456789abcdefghijklmnopqrstuv";

#[tokio::test]
async fn bodies_that_do_not_read_are_refused_by_name() {
    let server = TestServer::new().await;
    let app = server.app("forum").with("content-type", "application/json");
    let deep = format!("{}{}", "[".repeat(8_000), "]".repeat(8_000));
    let table = [
        ("", 400, "malformed_json"),
        ("{", 400, "malformed_json"),
        (
            "[{\"email\": \"ann@mail.example\"}, \"sign_in\", null, null, null, null, null]",
            422,
            "invalid_request",
        ),
        ("null", 422, "invalid_request"),
        ("[]", 422, "invalid_request"),
        ("\"ann@mail.example\"", 422, "invalid_request"),
        ("{}", 422, "invalid_request"),
        (deep.as_str(), 422, "invalid_request"),
        ("{\"to\": \"ann@mail.example\"}", 422, "invalid_request"),
        ("{\"to\": {}}", 422, "invalid_request"),
        ("{\"to\": {\"email\": null}}", 422, "invalid_request"),
        ("{\"to\": {\"email\": \"ann@mail.example\"}} x", 400, "malformed_json"),
        (
            "{\"to\": {\"email\": \"ann@mail.example\"}, \"to\": {\"email\": \"eve@mail.example\"}}",
            422,
            "invalid_request",
        ),
        ("{\"to\": {\"email\": \"ann@mail.example\", \"cc\": \"eve@mail.example\"}}", 422, "invalid_request"),
        ("{\"to\": {\"email\": \"ann@mail.example\"}, \"admin\": true}", 422, "invalid_request"),
        ("{\"to\": {\"email\": \"ann@mail.example\"}, \"purpose\": \"reset\"}", 422, "invalid_request"),
        (
            "{\"to\": {\"email\": \"ann@mail.example\"}, \"end_user\": {\"ip\": \"1.2.3\"}}",
            422,
            "invalid_request",
        ),
        ("{\"to\": {\"email\": \"ann@mail.example\"}, \"binding\": \"short\"}", 422, "malformed_binding"),
    ];
    for (body, status, code) in table {
        let before = server.everything().await;
        let answer = app.send(Method::POST, "/v1/challenges", body).await;
        answer.refused(status, code);
        assert_eq!(server.everything().await, before, "{body}");
    }
    let unknown = app
        .send(Method::POST, "/v1/challenges", "{\"to\": {\"email\": \"a@b.example\"}, \"emial\": 1}")
        .await;
    assert!(unknown.text("detail").contains("emial"), "the unknown member is named");
    server.no_mail_to(ANN).await;
}

#[tokio::test]
async fn bodies_that_are_too_long_or_of_another_kind_are_refused() {
    let server = TestServer::new().await;
    let app = server.app("forum");
    let body = json!({"to": {"email": ANN}}).to_string();
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "multipart/form-data"]
    {
        let answer = app.clone().with("content-type", kind).send(Method::POST, "/v1/challenges", &body).await;
        answer.refused(415, "unsupported_media_type");
    }
    app.send(Method::POST, "/v1/challenges", &body).await.refused(415, "unsupported_media_type");
    let long = format!("{{\"to\": {{\"email\": \"{}\"}}}}", "a".repeat(1 << 20));
    let json = app.clone().with("content-type", "application/json; charset=utf-8");
    for path in ["/v1/challenges", "/v1/verify"] {
        json.send(Method::POST, path, &long).await.refused(413, "body_too_large");
    }
    app.form("/oauth2/introspect", &format!("token={}", "a".repeat(1 << 20)))
        .await
        .refused(413, "body_too_large");
    json.send(Method::POST, "/v1/challenges", &body).await.expect(201);
}

#[tokio::test]
async fn addresses_that_are_none_are_refused_with_the_member_and_the_reason() {
    let server = TestServer::new().await;
    for address in [
        "",
        " ",
        "ann",
        "@",
        "ann@",
        "@mail.example",
        "ann@@mail.example",
        "ann@mail..example",
        "ann@.example",
        "ann@-mail.example",
        "ann @mail.example",
        "Ann <ann@mail.example>",
        "a@b.c,d@e.f",
        "ann@[127.0.0.1]",
        "ann@mail.example\n",
        "ann\u{0}@mail.example",
        ".ann@mail.example",
        "ann..b@mail.example",
        &format!("{}@mail.example", "a".repeat(65)),
        &format!("ann@{}.example", "a".repeat(300)),
    ] {
        let before = server.everything().await;
        for (path, member, body) in [
            ("/v1/challenges", "to.email", json!({"to": {"email": address}})),
            ("/v1/verify", "email", json!({"email": address, "code": "123456"})),
        ] {
            let answer = server.app("forum").post(path, &body).await;
            assert_eq!(answer.status, 422, "{address:?}");
            let code = answer.code();
            assert_eq!(answer.refused(422, &code).text("member"), member, "{address:?}");
        }
        assert_eq!(server.everything().await, before);
    }
}

#[tokio::test]
async fn ids_codes_and_bindings_that_are_none_are_refused() {
    let server = TestServer::new().await;
    let app = server.app("forum");
    for id in
        ["x", "chl_", "chl_x", "app_00000000000000000000000000", "..", "%00", "%2e%2e", "%F0%9F%98%80", "'--"]
    {
        let answer = app.get(&format!("/v1/challenges/{id}")).await;
        assert_eq!(answer.status, 404, "{id}");
        let code = answer.code();
        answer.refused(404, &code);
        let body = json!({"code": "123456", "binding": BINDING});
        assert_eq!(app.post(&format!("/v1/challenges/{id}/verify"), &body).await.status, 404, "{id}");
    }
    let started = app.start(ANN).await.expect(201);
    let letter = server.mail_to(ANN).await;
    server.outbox_is_empty().await;
    let before = server.everything().await;
    for code in ["", "12345", "12345678901", "12345\u{e9}", "١٢٣٤٥٦", "123456\u{0}", &"1".repeat(1000)]
    {
        app.verify(&started, code).await.refused(422, "malformed_code");
    }
    let path = format!("/v1/challenges/{}", started.text("id"));
    for binding in ["", "x", "' OR 1=1 --", &BINDING.to_uppercase(), &BINDING.repeat(2)] {
        let body = json!({"code": letter.code(), "binding": binding});
        app.post(&format!("{path}/verify"), &body).await.refused(422, "malformed_binding");
        app.post(&format!("{path}/redeem"), &json!({"binding": binding}))
            .await
            .refused(422, "malformed_binding");
    }
    assert_eq!(server.everything().await, before, "nothing of that was a try");
    for key in ["", &"k".repeat(256)] {
        app.clone().with("idempotency-key", key).start(ANN).await.refused(422, "idempotency_key_length");
    }
    app.verify(&started, &letter.code()).await.expect(200);
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_other_methods_are_not_allowed() {
    let server = TestServer::new().await;
    let app = server.app("forum");
    for path in [
        "/",
        "/v1",
        "/v1/users",
        "/v1/challenges/",
        "/v2/challenges",
        "/verified/forum",
        "/%2e%2e/etc/passwd",
    ] {
        app.get(path).await.refused(404, "not_found");
        app.post(path, &json!({})).await.refused(404, "not_found");
    }
    for (method, path) in [
        (Method::GET, "/v1/challenges"),
        (Method::DELETE, "/v1/challenges"),
        (Method::GET, "/v1/verify"),
        (Method::POST, "/verify/forum"),
        (Method::POST, "/v1/token"),
        (Method::GET, "/oauth2/introspect"),
        (Method::POST, "/.well-known/jwks.json"),
        (Method::TRACE, "/v1/token"),
    ] {
        app.send(method, path, "").await.refused(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn a_header_that_may_come_once_is_refused_when_it_comes_twice() {
    let server = TestServer::new().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    let (app, key) = (server.app("forum"), secret_key("forum"));
    let before = server.everything().await;
    let json = json!({"to": {"email": ANN}}).to_string();
    for (name, values) in [
        ("idempotency-key", ["one", "two"]),
        ("idempotency-key", ["one", "one"]),
        ("idempotency-key", ["one", ""]),
        ("idempotency-key", ["one", "tw\u{f6}"]),
        ("authorization", ["Bearer x", "Bearer y"]),
        ("content-type", ["application/json", "text/plain"]),
        ("origin", [ORIGIN, "https://evil.example"]),
    ] {
        let caller = if name == "content-type" {
            app.clone()
        } else {
            app.clone().with("content-type", "application/json")
        };
        let caller = values.into_iter().fold(caller, |caller, value| caller.with(name, value));
        let refused = caller.send(Method::POST, "/v1/challenges", &json).await.refused(400, "invalid_header");
        assert!(refused.text("detail").contains(name), "{refused:?}");
    }
    app.with("idempotency-key", "\u{1f511}").start(ANN).await.refused(400, "invalid_header");
    let holder = server.calls(Caller::Bearer(token.clone()));
    holder.clone().with("authorization", "Bearer x").get("/v1/token").await.refused(400, "invalid_header");
    let twice = holder.clone().with("countersign-key", &key).with("countersign-key", &key);
    twice.get("/v1/token").await.refused(400, "invalid_header");
    for path in ["/oauth2/introspect", "/oauth2/revoke"] {
        let form = format!("token={token}");
        let basic = server.calls(Caller::Basic(key.clone()));
        for caller in [
            basic.clone().with("authorization", &format!("Bearer {key}")),
            basic.with("content-type", "application/x-www-form-urlencoded"),
        ] {
            assert_eq!(caller.form(path, &form).await.expect(400).text("error"), "invalid_request");
        }
    }
    holder.get("/v1/token").await.expect(200);
    assert_eq!(server.everything().await, before);
}
