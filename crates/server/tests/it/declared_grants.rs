//! Grants of the configuration file, and why somebody may use something or may not.

use std::sync::Arc;

use countersign_domain::time::Span;
use countersign_server::{config::GrantHolderSettings, maintenance};
use http::Method;
use serde_json::{Value, json};

use crate::{
    admin::{items, local},
    grants::{GRANTS, add, change, declare, give, reach, take, was_told, with_tools},
    identifiers, sessions,
    support::{TestServer, settings::ISSUER},
};

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

#[tokio::test]
async fn what_the_file_grants_is_read_only_and_goes_with_its_line() {
    let server = TestServer::with(with_tools).await;
    let ann = add(&server, ANN, json!({"groups": ["family"]})).await;
    let bob = add(&server, BOB, json!({})).await;
    let staff = add(&server, "cy@mail.example", json!({"realm": "staff", "groups": ["family"]})).await;
    let holders = [
        (GrantHolderSettings { group: Some("family".to_owned()), ..Default::default() }, [true, false]),
        (
            GrantHolderSettings { email: Some("BOB@mail.example".to_owned()), ..Default::default() },
            [false, true],
        ),
        (GrantHolderSettings { everybody: true, ..Default::default() }, [true, true]),
    ];
    for (from, expected) in holders {
        let mut config = (*server.server.config.load_full()).clone();
        let without = config.clone();
        declare(&mut config, from.clone());
        for (config, expected) in [(config, expected), (without, [false, false])] {
            let before = server.server.epoch.now();
            server.server.config.store(Arc::new(config));
            maintenance::reload(&server.server).await.unwrap();
            assert_ne!(server.server.epoch.now(), before, "what was remembered is looked at anew");
            assert_eq!(
                [reach(&server, &ann, "wiki").await.is_some(), reach(&server, &bob, "wiki").await.is_some()],
                expected,
                "{from:?}"
            );
            assert_eq!(reach(&server, &ann, "shop").await, None);
            assert_eq!(reach(&server, &staff, "wiki").await, None, "nothing crosses realms");
            let listed = items(&local(&server).get(&format!("{GRANTS}?app=wiki")).await.expect(200));
            assert_eq!(listed.len(), usize::from(expected != [false, false]));
            let of_bob = items(&local(&server).get(&format!("{GRANTS}?user={bob}")).await.expect(200));
            assert_eq!(of_bob.len(), usize::from(expected[1]), "{from:?}");
            for one in listed {
                assert_eq!(one["declared"], true);
                assert!(!one.to_string().contains("mail.example"), "no address is shown: {one}");
                take(&server, one["id"].as_str().unwrap()).await.refused(409, "declared_in_file");
            }
        }
    }
}

/// Where the file grants something to an address, the access goes with the address.
#[tokio::test]
async fn what_is_granted_to_an_address_follows_it() {
    let server = TestServer::with(|config| {
        with_tools(config);
        declare(config, GrantHolderSettings { email: Some(ANN.to_owned()), ..Default::default() });
    })
    .await;
    let person = sessions::sign_in(&server, ISSUER, ANN, "").await;
    let listed = local(&server).get("/v1/admin/users").await.expect(200);
    let ann = items(&listed)[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(reach(&server, &ann, "wiki").await.as_deref(), Some("read:email"));
    let mine = person.own(&server, Method::GET, "/v1/me/grants").await.expect(200);
    assert_eq!(items(&mine)[0]["app"], "wiki");
    let before = server.server.epoch.now();
    let undo = identifiers::change_address(&server, &person).await;
    assert_eq!(reach(&server, &ann, "wiki").await, None);
    assert!(was_told(&server, &ann, before).await);
    assert!(!undo.is_empty());
    // An address that was only claimed is nobody's.
    let bob = json!({"emails": [{"address": ANN, "verified": false}]});
    let bob = local(&server).post("/v1/admin/users", &bob).await.expect(201).text("id");
    assert_eq!(reach(&server, &bob, "wiki").await, None);
}

async fn explained(server: &TestServer, user: &str, app: &str) -> Value {
    let path = format!("{GRANTS}/explain?user={user}&app={app}");
    local(server).get(&path).await.expect(200).json()
}

/// The codes of what counts.
fn counting(explained: &Value) -> Vec<String> {
    let findings = explained["findings"].as_array().unwrap();
    let counting = findings.iter().filter(|finding| finding["counts"] == true);
    counting.map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn it_is_explained_why_somebody_may_or_may_not() {
    let server = TestServer::with(|config| {
        with_tools(config);
        config.realms[0].admins_hold_every_app = Some(false);
        config.apps.iter_mut().find(|app| app.name == "shop").unwrap().disabled = true;
        let forum = config.apps.iter_mut().find(|app| app.name == "forum").unwrap();
        (forum.forward_auth.open, forum.forward_auth.scopes) = (true, vec!["read:name".to_owned()]);
        declare(config, GrantHolderSettings { everybody: true, ..Default::default() });
    })
    .await;
    let ann = add(&server, ANN, json!({"groups": ["family"]})).await;
    let bob = add(&server, BOB, json!({})).await;
    let cy = add(&server, "cy@mail.example", json!({"realm": "staff", "role": "admin"})).await;
    give(&server, json!({"group": "family", "app": "club", "scopes": ["b"], "expires_in": 60}))
        .await
        .expect(201);
    give(&server, json!({"user": ann, "app_group": "tools", "scopes": ["c"]})).await.expect(201);
    let explain = async |user: &str, app: &str| explained(&server, user, app).await;
    for (user, app, allowed, scopes, codes, words) in [
        (
            &ann,
            "wiki",
            true,
            json!(["c", "read:email"]),
            vec!["grant", "grant"],
            "the group of apps tools, which wiki is in",
        ),
        (&ann, "club", true, json!(["b"]), vec!["grant"], "The group family, which the user is in, holds"),
        (&ann, "forum", true, json!(["read:name"]), vec!["open"], "open to everybody of the realm default"),
        (&ann, "shop", false, json!([]), vec!["app_disabled"], "The app shop is switched off."),
        (&ann, "desk", false, json!([]), vec!["other_realm"], "nothing crosses realms"),
        (&bob, "wiki", true, json!(["read:email"]), vec!["grant"], "in the configuration file"),
        (&bob, "club", false, json!([]), vec![], "Nothing is granted to the user (who is in no group)"),
        (&cy, "desk", false, json!([]), vec![], "admins_hold_every_app"),
    ] {
        let explained = explain(user, app).await;
        assert_eq!(
            (&explained["allowed"], &explained["scopes"], counting(&explained)),
            (&json!(allowed), &scopes, codes.iter().map(ToString::to_string).collect()),
            "{app}: {explained}"
        );
        assert!(explained["findings"].to_string().contains(words), "{words}: {explained}");
        let is_reached = reach(&server, user, app).await.is_some();
        assert_eq!(is_reached, allowed, "what is explained is what is done");
    }
    assert!(explain(&ann, "club").await["until"].is_string());
    server.clock.advance(Span::from_seconds(60));
    assert!(explain(&ann, "club").await["findings"].to_string().contains("it ended at"));
    change(&server, &bob, json!({"status": "disabled"})).await.expect(200);
    let switched_off = explain(&bob, "forum").await;
    assert_eq!(
        (counting(&switched_off), &switched_off["allowed"]),
        (vec!["user_not_active".to_owned()], &json!(false))
    );
    for (user, app, member) in [("usr_1", "wiki", "user"), (ann.as_str(), "nothing", "app")] {
        let path = format!("{GRANTS}/explain?user={user}&app={app}");
        let refused = local(&server).get(&path).await.refused(422, "invalid_member");
        assert_eq!(refused.text("member"), member);
    }
}
