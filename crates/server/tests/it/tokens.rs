//! Which tokens are accepted, where we are asked: `GET /v1/token` and introspection.

use countersign_domain::{
    realm::RealmName,
    signing_key::{Owner, StoredKey},
    time::{Span, Timestamp},
    token::RevocationTarget,
};
use countersign_server::{
    api::token::take_back,
    config::AppSettings,
    key_ring::{ACCESS_TOKEN, place},
    keys::SigningKey,
    system::Clock as _,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::{
    flow::sign_in,
    support::{
        Caller, TestServer, World,
        backend::on_every_engine,
        fixed::START,
        settings::{app, secret_key},
    },
};

on_every_engine! {
    p29_a_revoked_token_is_dead_at_once_here_and_within_a_second_elsewhere
    p29_a_token_of_a_node_that_is_ahead_does_not_outlive_a_revocation
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

/// What both places say about a token, for the app `forum`: the status of the one, `active` of the other.
pub(crate) async fn judged(server: &TestServer, token: &str) -> (u16, bool) {
    let status = server.calls(Caller::Bearer(token.to_owned())).get("/v1/token").await.status.as_u16();
    let encoded: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let introspected = server.app("forum").form("/oauth2/introspect", &format!("token={encoded}")).await;
    (status, introspected.json()["active"] == true)
}

/// The forum's key that signs now, as the server's own operator could use it.
pub(crate) fn signing_key(server: &TestServer, of_app: Option<&str>) -> (SigningKey, String) {
    let ring = server.server.key_ring.load();
    let keys = ring.all();
    let is_it = |key: &&StoredKey| match of_app {
        Some(app) => key.owner == Owner::App(app.parse().unwrap()),
        None => key.owner == Owner::Realm(RealmName::default()),
    };
    let found = keys.into_iter().find(is_it).unwrap();
    let private = server.server.keys.open(&place(&found.id), &found.sealed).unwrap();
    (SigningKey::from_private(found.algorithm, private.expose()).unwrap(), found.id.clone())
}

pub(crate) fn parts(token: &str) -> (Value, Value, String) {
    let parts: Vec<&str> = token.split('.').collect();
    let read =
        |part: &str| serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap();
    (read(parts[0]), read(parts[1]), parts[2].to_owned())
}

fn encode(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

pub(crate) fn merged(base: &Value, change: &Value) -> Value {
    let mut merged = base.clone();
    for (name, value) in change.as_object().unwrap() {
        merged[name] = value.clone();
    }
    merged
}

#[tokio::test]
async fn p32_a_changed_header_is_refused_everywhere() {
    let server = TestServer::new().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    assert_eq!(judged(&server, &token).await, (200, true));
    let (header, claims, signature) = parts(&token);
    let kid = header["kid"].as_str().unwrap().to_owned();
    let jwk = server.anybody().get("/.well-known/jwks.json").await.json()["keys"][0].clone();
    for change in [
        json!({"alg": "none"}),
        json!({"alg": "None"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS256"}),
        json!({"alg": "ES256"}),
        json!({"typ": "JWT"}),
        json!({"typ": "address-proof+jwt"}),
        json!({"typ": null}),
        json!({"kid": "unknown"}),
        json!({"kid": format!("{kid}'--")}),
        json!({"jku": "https://evil.example/jwks"}),
        json!({"x5u": "https://evil.example/x5"}),
        json!({"jwk": jwk}),
        json!({"crit": ["exp"]}),
        json!({"b64": false}),
        json!({"zip": "DEF"}),
    ] {
        let header = encode(&merged(&header, &change));
        let payload = encode(&claims);
        for signature in [signature.as_str(), ""] {
            let changed = format!("{header}.{payload}.{signature}");
            assert_eq!(judged(&server, &changed).await, (401, false), "{change}");
        }
    }
    // A token that is itself, less or more.
    for changed in [
        format!("{token}="),
        format!("{token}."),
        token[..token.len() - 1].to_owned(),
        token.replace('.', ".."),
        format!(" {}", token.split_once('.').unwrap().1),
        String::new(),
        "x".repeat(20_000),
    ] {
        assert_eq!(judged(&server, &changed).await.0, 401);
    }
    assert_eq!(judged(&server, &token).await, (200, true), "the token itself is still good");
}

#[tokio::test]
async fn p32_headers_that_bring_or_change_keys_are_refused_although_signed_by_us() {
    // An operator's mistake or a hole elsewhere may sign them: they are refused for what they say.
    let server = TestServer::new().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    let (_, claims, _) = parts(&token);
    let (key, kid) = signing_key(&server, None);
    let payload = claims.to_string();
    for (kind, outcome) in
        [(ACCESS_TOKEN, (200, true)), ("address-proof+jwt", (401, false)), ("JWT", (401, false))]
    {
        let signer = std::sync::Arc::new(
            SigningKey::from_private(key.algorithm(), key.to_private().unwrap().expose()).unwrap(),
        );
        let signed = signer.signer(&kid, kind).sign(payload.as_bytes()).unwrap();
        assert_eq!(judged(&server, &signed).await, outcome, "{kind}");
    }
}

#[tokio::test]
async fn p32_claims_that_do_not_fit_are_refused_although_signed_by_us() {
    let server = TestServer::with(|config| {
        config.apps.push(AppSettings { audience: Some("https://api.example".to_owned()), ..app("desk") });
        config.apps.push(AppSettings { disabled: true, ..app("closed") });
    })
    .await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    let (_, claims, _) = parts(&token);
    let (key, kid) = signing_key(&server, None);
    let signer = std::sync::Arc::new(key).signer(&kid, ACCESS_TOKEN);
    let now = START.seconds();
    let table = [
        (json!({}), (200, true)),
        (json!({"iss": "https://evil.example"}), (401, false)),
        (json!({"iss": "https://auth.example/"}), (401, false)),
        (json!({"iss": ""}), (401, false)),
        (json!({"aud": "shop"}), (401, false)),
        (json!({"aud": ["forum"]}), (401, false)),
        (json!({"client_id": "shop"}), (401, false)),
        (json!({"client_id": "nobody", "aud": "nobody"}), (401, false)),
        (json!({"client_id": "closed", "aud": "closed"}), (401, false)),
        (json!({"client_id": "desk", "aud": "desk"}), (401, false)),
        (json!({"client_id": "shop", "aud": "shop"}), (200, false)),
        (json!({"exp": now}), (401, false)),
        (json!({"exp": now - 1}), (401, false)),
        (json!({"exp": now + 1}), (200, true)),
        (json!({"exp": "4000000000"}), (401, false)),
        (json!({"exp": null}), (401, false)),
        (json!({"exp": i64::MAX}), (401, false)),
        (json!({"exp": now + 91 * 86_400}), (401, false)),
        (json!({"exp": i64::MAX, "iat": i64::MIN}), (401, false)),
        (json!({"iat": now - 1}), (401, false)),
        (json!({"iat": now + 6}), (401, false)),
        (json!({"nbf": now + 100, "iat": now + 100}), (401, false)),
        (json!({"sub": "ann"}), (401, false)),
        (json!({"jti": "1"}), (401, false)),
        (json!({"jti": null}), (401, false)),
    ];
    for (change, outcome) in table {
        let payload = merged(&claims, &change).to_string();
        let signed = signer.sign(payload.as_bytes()).unwrap();
        assert_eq!(judged(&server, &signed).await, outcome, "{change}");
    }
    for payload in ["", "null", "[]", "{}", "{\"exp\":1", &format!("{}{}", claims, claims)] {
        let signed = signer.sign(payload.as_bytes()).unwrap();
        assert_eq!(judged(&server, &signed).await, (401, false), "{payload}");
    }
}

#[tokio::test]
async fn p32_an_app_s_shared_secret_cannot_speak_for_another() {
    let server = TestServer::with(|config| {
        config.apps.push(AppSettings { token_algorithm: Some("HS256".to_owned()), ..app("old") });
    })
    .await;
    let token = sign_in(&server, "old", ANN).await.text("access_token");
    let (_, claims, _) = parts(&token);
    let (key, kid) = signing_key(&server, Some("old"));
    let signer = std::sync::Arc::new(key).signer(&kid, ACCESS_TOKEN);
    let own = signer.sign(claims.to_string().as_bytes()).unwrap();
    assert_eq!(judged(&server, &own).await, (200, false));
    for other in ["forum", "shop"] {
        let payload = merged(&claims, &json!({"client_id": other, "aud": other})).to_string();
        let forged = signer.sign(payload.as_bytes()).unwrap();
        assert_eq!(judged(&server, &forged).await, (401, false), "{other}");
    }
}

#[tokio::test]
async fn p32_a_token_lives_to_its_last_second_and_is_known_no_longer() {
    let server = TestServer::new().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    for (step, outcome) in [(3599, (200, true)), (1, (401, false)), (3600, (401, false))] {
        server.advance(Span::from_seconds(step)).await;
        assert_eq!(judged(&server, &token).await, outcome);
    }
}

#[tokio::test]
async fn p32_no_other_secret_stands_in_for_a_token() {
    let server = TestServer::new().await;
    let started = server.app("forum").start(ANN).await.expect(201);
    let letter = server.mail_to(ANN).await;
    let link = letter.link().replace("/link/", "");
    for secret in [started.text("binding"), started.text("id"), letter.code(), link, secret_key("forum")] {
        assert_eq!(judged(&server, &secret).await, (401, false));
    }
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    server.calls(Caller::Secret(token)).start(ANN).await.refused(401, "api_key_malformed");
}

async fn p29_a_revoked_token_is_dead_at_once_here_and_within_a_second_elsewhere(world: World) {
    let (one, two) = (world.node().await, world.node().await);
    let token = sign_in(&one, "forum", ANN).await.text("access_token");
    let other = sign_in(&one, "forum", ANN).await.text("access_token");
    let shop = sign_in(&one, "shop", ANN).await.text("access_token");
    two.caught_up().await;
    assert_eq!(judged(&two, &token).await, (200, true));
    // Another app's token is not an app's to revoke, nor to ask about.
    one.app("shop").form("/oauth2/revoke", &format!("token={token}")).await.expect_bare(200);
    assert_eq!(judged(&one, &token).await, (200, true));
    assert!(!judged(&one, &shop).await.1);

    let basic = one.calls(Caller::Basic(secret_key("forum")));
    basic
        .form("/oauth2/revoke", &format!("token={token}&token_type_hint=refresh_token"))
        .await
        .expect_bare(200);
    assert_eq!(judged(&one, &token).await, (401, false), "at once");
    if !one.server.store.is_exclusive() {
        let asked = std::time::Instant::now();
        crate::support::wait_until("the other node knows", || async {
            judged(&two, &token).await == (401, false)
        })
        .await;
        assert!(asked.elapsed().as_millis() < 1000, "{:?}", asked.elapsed());
    }
    for node in [&one, &two] {
        assert_eq!(judged(node, &other).await, (200, true), "only what was revoked");
    }
    // Once more, a dead one, and something else: all the same to who asks.
    for token in [token.as_str(), "nonsense"] {
        basic.form("/oauth2/revoke", &format!("token={token}")).await.expect_bare(200);
    }
    let restarted = world.node().await;
    restarted.caught_up().await;
    assert_eq!(judged(&restarted, &token).await, (401, false), "after a restart");
    // A clock that jumps back wakes nothing.
    world.clock.set(Timestamp::from_millis(START.millis() - 3_600_000));
    assert_ne!(judged(&one, &token).await, (200, true));
    drop(restarted);
}

async fn p29_a_token_of_a_node_that_is_ahead_does_not_outlive_a_revocation(world: World) {
    let (one, ahead) = (world.node().await, world.node().await);
    if one.server.store.is_exclusive() {
        return;
    }
    for by_subject in [true, false] {
        let now = world.clock.now();
        world.clock.set(now + Span::from_seconds(5));
        let token = sign_in(&ahead, "forum", ANN).await.text("access_token");
        let subject = parts(&token).1["sub"].as_str().unwrap().parse().unwrap();
        let bob = sign_in(&ahead, "forum", BOB).await.text("access_token");
        world.clock.set(now);
        for node in [&one, &ahead] {
            node.caught_up().await;
            assert_eq!(judged(node, &token).await, (200, true));
        }
        let target = if by_subject { RevocationTarget::Subject(subject) } else { RevocationTarget::App };
        let forum = one.server.app("forum").unwrap();
        take_back(&one.server, &forum, target, now + Span::DAY).await.unwrap();
        assert_eq!(judged(&one, &token).await, (401, false), "at once");
        crate::support::wait_until("the other node knows", || async {
            judged(&ahead, &token).await == (401, false)
        })
        .await;
        assert_eq!(judged(&one, &bob).await.0 == 200, by_subject, "only whom it concerns");
        world.clock.set(now + Span::from_millis(10_001));
        one.caught_up().await;
        let fresh = sign_in(&one, "forum", ANN).await.text("access_token");
        assert_eq!(judged(&one, &fresh).await, (200, true), "who signs in anew");
    }
}

#[tokio::test]
async fn oauth_callers_authenticate_and_are_answered_in_the_words_of_their_rfcs() {
    let server = TestServer::new().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    let form = format!("token={token}&unknown=ignored");
    let good =
        server.calls(Caller::Basic(secret_key("forum"))).form("/oauth2/introspect", &form).await.expect(200);
    assert_eq!(good.json()["active"], true);
    assert_eq!(good.json()["token_type"], "Bearer");
    assert_eq!(good.json()["client_id"], "forum");
    let publishable = crate::support::settings::publishable_key("forum");
    for caller in [
        Caller::Anonymous,
        Caller::Basic("wrong".to_owned()),
        Caller::Basic(secret_key("nobody")),
        Caller::Secret(secret_key("nobody")),
        Caller::Basic(publishable.clone()),
        Caller::Publishable(publishable, crate::support::settings::ORIGIN),
    ] {
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            let answer = server.calls(caller.clone()).form(path, &form).await.expect(401);
            assert_eq!(answer.text("error"), "invalid_client");
            assert!(answer.header("www-authenticate").starts_with("Basic"));
        }
    }
    assert_eq!(judged(&server, &token).await, (200, true), "nobody revoked it");
    let app = server.app("forum");
    for body in ["", "token=", "tok=1", &format!("token={token}&token={token}"), "token=%FF"] {
        let answer = app.form("/oauth2/introspect", body).await.expect(400);
        assert_eq!(answer.text("error"), "invalid_request", "{body}");
    }
    let answer = app.post("/oauth2/introspect", &json!({"token": token})).await.expect(400);
    assert_eq!(answer.text("error"), "invalid_request");
}
