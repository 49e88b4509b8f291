//! Signing keys that follow each other: what they signed is good as long as it should be, and no longer.

use countersign_domain::{
    algorithm::Algorithm,
    id::TokenId,
    realm::RealmName,
    signing_key::Owner,
    testing::Seeded,
    time::{Span, Timestamp},
};
use countersign_server::{
    config::{AppSettings, Config},
    key_ring::ACCESS_TOKEN,
    maintenance,
    system::Clock as _,
};
use serde_json::json;

use crate::{
    flow::sign_in,
    support::{Caller, TestServer, World, backend::on_every_engine, fixed::START, settings::app, wait_until},
    tokens::{judged, merged, parts, signing_key},
};

on_every_engine! {
    p33_keys_rotate_over_months_and_no_token_fails_before_its_end
    p33_a_key_that_does_not_read_is_left_out_alone
    p33_nodes_agree_on_one_successor
    p33_a_former_key_is_refused_at_once_where_that_is_asked
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

async fn p33_keys_rotate_over_months_and_no_token_fails_before_its_end(world: World) {
    let server = world
        .node_with(|config| {
            config.apps.push(AppSettings { token_lifetime_seconds: Some(90 * 86_400), ..app("long") });
        })
        .await;
    let kid_of = |token: &str| parts(token).0["kid"].as_str().unwrap().to_owned();
    let mut tokens: Vec<(String, Timestamp)> = Vec::new();
    for _day in 0..220 {
        maintenance::rotate(&server.server).await.unwrap();
        let now = server.now();
        if _day % 10 == 0 {
            let set = server.anybody().get("/.well-known/jwks.json").await.json();
            let token = sign_in(&server, "long", ANN).await.text("access_token");
            let published = set["keys"].as_array().unwrap().iter().any(|key| key["kid"] == kid_of(&token));
            assert!(published, "a key is published before it signs");
            tokens.push((token, now));
            for (token, made) in &tokens {
                let expected = if now < *made + Span::from_hours(90 * 24) { 200 } else { 401 };
                let status = server.calls(Caller::Bearer(token.clone())).get("/v1/token").await.status;
                assert_eq!(status, expected, "made {} hours ago", now.since(*made).seconds() / 3600);
            }
        }
        world.clock.advance(Span::DAY);
        server.server.store.sweep(server.now()).await.unwrap();
        server.caught_up().await;
    }
    let kids: std::collections::HashSet<_> = tokens.iter().map(|(token, _)| kid_of(token)).collect();
    assert!((6..=9).contains(&kids.len()), "{} keys have signed", kids.len());
    // A retired key is of no use even for claims that would fit.
    let (first, _) = &tokens[0];
    let set = server.anybody().get("/.well-known/jwks.json").await.json();
    assert!(set["keys"].as_array().unwrap().iter().all(|key| key["kid"] != kid_of(first)));
}

async fn rotate_together([one, two, three]: &[TestServer; 3]) {
    let rotated = tokio::join!(
        maintenance::rotate(&one.server),
        maintenance::rotate(&two.server),
        maintenance::rotate(&three.server)
    );
    for rotated in [rotated.0, rotated.1, rotated.2] {
        rotated.unwrap();
    }
}

async fn p33_nodes_agree_on_one_successor(world: World) {
    let nodes = [world.node().await, world.node().await, world.node().await];
    rotate_together(&nodes).await;
    world.clock.advance(Span::from_hours(29 * 24 + 1));
    rotate_together(&nodes).await;
    let rows = nodes[0].query("SELECT id FROM signing_key ORDER BY id").await;
    assert_eq!(rows.len(), 2, "one key and one successor");
    for node in &nodes {
        node.caught_up().await;
        maintenance::reload(&node.server).await.unwrap();
    }
    let token = sign_in(&nodes[0], "forum", ANN).await.text("access_token");
    for node in &nodes {
        assert_eq!(judged(node, &token).await, (200, true));
    }
}

async fn p33_a_former_key_is_refused_at_once_where_that_is_asked(world: World) {
    let shared = |config: &mut Config| {
        config.apps.push(AppSettings { token_algorithm: Some("HS256".to_owned()), ..app("hs256") });
    };
    let (one, two) = (world.node_with(shared).await, world.node_with(shared).await);
    for (app, scope) in [
        ("forum", (Owner::Realm(RealmName::default()), Algorithm::default())),
        ("hs256", (Owner::App("hs256".parse().unwrap()), Algorithm::Hs256)),
    ] {
        let good = async |node: &TestServer, token: &str| {
            node.calls(Caller::Bearer(token.to_owned())).get("/v1/token").await.status == 200
        };
        let token = sign_in(&one, app, ANN).await.text("access_token");
        for node in [&one, &two] {
            node.caught_up().await;
            maintenance::reload(&node.server).await.unwrap();
            assert!(good(node, &token).await, "{app}");
        }
        maintenance::replace_key(&one.server, scope.clone(), Span::from_seconds(60)).await.unwrap().unwrap();
        assert!(good(&one, &token).await, "{app}: it is asked for an overlap");
        maintenance::replace_key(&one.server, scope, Span::ZERO).await.unwrap().unwrap();
        // The other node may be behind: that must not keep the former key alive.
        let now = world.clock.now();
        world.clock.set(now - Span::from_seconds(5));
        for node in [&one, &two] {
            node.caught_up().await;
            maintenance::reload(&node.server).await.unwrap();
            assert!(!good(node, &token).await, "{app}: its key was refused at once");
        }
        for node in [&one, &two] {
            let fresh = sign_in(node, app, BOB).await.text("access_token");
            assert!(good(&one, &fresh).await && good(&two, &fresh).await, "{app}: somebody signs");
        }
        let set = one.anybody().get("/.well-known/jwks.json").await.json();
        let kid = &parts(&token).0["kid"];
        let is_there = set["keys"].as_array().unwrap().iter().any(|key| key["kid"] == *kid);
        assert!(!is_there, "{app}: {kid} is published: {set}");
        world.clock.set(now + Span::from_minutes(2));
    }
}

/// A damaged row must neither keep a replaced key alive nor keep the others from signing.
async fn p33_a_key_that_does_not_read_is_left_out_alone(world: World) {
    let with_others = |config: &mut Config| {
        for algorithm in ["ES256", "ES384"] {
            config.apps.push(AppSettings {
                token_algorithm: Some(algorithm.to_owned()),
                ..app(&algorithm.to_lowercase())
            });
        }
    };
    let (one, two) = (world.node_with(with_others).await, world.node_with(with_others).await);
    let token = sign_in(&one, "forum", ANN).await.text("access_token");
    one.spoil("UPDATE signing_key SET algorithm = 'none' WHERE algorithm = 'ES256'").await;
    one.spoil("UPDATE signing_key SET sealed = public WHERE algorithm = 'ES384'").await;
    maintenance::replace_key(
        &one.server,
        (Owner::Realm(RealmName::default()), Algorithm::default()),
        Span::ZERO,
    )
    .await
    .unwrap()
    .unwrap();
    let restarted = world.node_with(with_others).await;
    for node in [&one, &two, &restarted] {
        node.caught_up().await;
        maintenance::reload(&node.server).await.unwrap();
        assert_eq!(judged(node, &token).await, (401, false), "its key was replaced");
        let ready = node.anybody().get("/readyz").await.expect(200).json();
        let shown = ready["corrupt_rows"].to_string();
        assert_eq!(ready["corrupt_rows"].as_array().unwrap().len(), 2, "{shown}");
        for part in ["signing_key is not", "column algorithm", "column sealed"] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        // Another node may be making successors meanwhile; what is damaged must not look new for ever.
        wait_until("what is known to be damaged is no news", || async {
            let ring = node.server.key_ring.load().generation();
            maintenance::reload(&node.server).await.unwrap();
            node.server.key_ring.load().generation() == ring
        })
        .await;
    }
    // In the place of the damaged ones others sign.
    maintenance::rotate(&one.server).await.unwrap();
    for app in ["forum", "es256", "es384"] {
        let token = sign_in(&one, app, ANN).await.text("access_token");
        maintenance::reload(&two.server).await.unwrap();
        let holder = two.calls(Caller::Bearer(token));
        holder.get("/v1/token").await.expect(200);
    }
}

#[tokio::test]
async fn p33_a_retired_key_signs_nothing_that_is_accepted() {
    let server = TestServer::new().await;
    let token = sign_in(&server, "forum", ANN).await.text("access_token");
    let (_, claims, _) = parts(&token);
    let (key, kid) = signing_key(&server, None);
    let signer = std::sync::Arc::new(key).signer(&kid, ACCESS_TOKEN);
    for (days, accepted) in [(0, true), (40, true), (120, true), (122, false), (300, false)] {
        server.clock.set(START + Span::from_hours(24 * days));
        maintenance::rotate(&server.server).await.unwrap();
        let now = server.now().seconds();
        let id = TokenId::new(server.now(), &mut Seeded::new(days.unsigned_abs())).to_string();
        let payload = merged(&claims, &json!({"iat": now, "exp": now + 60, "jti": id})).to_string();
        let outcome = judged(&server, &signer.sign(payload.as_bytes()).unwrap()).await;
        assert_eq!(outcome, if accepted { (200, true) } else { (401, false) }, "after {days} days");
    }
}
