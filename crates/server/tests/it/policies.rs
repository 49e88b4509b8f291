//! What operators are told of a policy: that it is what a sign-in does, where it comes from, and who is told.

use countersign_domain::{assurance::Level, time::Span};
use countersign_server::config::{
    BeginningSetting, LevelSetting, PolicySettings, ProfileSetting, RealmSettings, SignUpSetting,
};
use serde_json::{Value, json};

use crate::{
    admin::{admin_key, items, local, remote, two_realms},
    flow::sign_in,
    passwords::{GOOD, register, with_passwords},
    sign_in_factors::with_app,
    sign_ins::Walk,
    support::{TestServer, World, backend::on_every_engine, settings::quiet},
};

on_every_engine! {
    what_is_explained_is_what_a_sign_in_does
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";

/// What is explained of the club for somebody, or for who is new.
async fn explained(server: &TestServer, user: Option<&str>, asked: &str) -> Value {
    let path = match user {
        Some(id) => format!("/v1/admin/users/{id}/policy?app=club&asked={asked}"),
        None => format!("/v1/admin/apps/club/policy?asked={asked}"),
    };
    local(server).get(&path).await.expect(200).json()
}

/// What is explained of one step: the status of the sign-in, and what it names.
fn step(explained: &Value, proven: &[&str]) -> (u16, Value, Value) {
    let steps = explained["walk"].as_array().unwrap();
    let found = steps.iter().find(|step| step["proven"] == json!(proven));
    let found = found.unwrap_or_else(|| panic!("{proven:?} in {explained:#}"));
    let list = |name: &str| found.get(name).cloned().unwrap_or_else(|| json!([]));
    let status = match found["verdict"].as_str() {
        Some("enough") => 200,
        _ if proven.is_empty() => 201,
        _ => 202,
    };
    (status, list("next"), list("enrol"))
}

async fn id_of(server: &TestServer, address: &str) -> Option<String> {
    let found = local(server).get(&format!("/v1/admin/users?email={address}")).await.expect(200);
    items(&found).first().map(|user| user["id"].as_str().unwrap().to_owned())
}

async fn what_is_explained_is_what_a_sign_in_does(world: World) {
    let server = world
        .node_with(|config| {
            with_passwords(config);
            config.limits.publishable_requests_per_network_per_minute = 10_000;
            config.realms[0].policy.trusted_device_days = Some(30);
        })
        .await;
    let (app, codes) = with_app(&server, ANN).await;
    register(&server, BOB, GOOD).await;
    let mut compared = 0;
    for (asked, acr) in Level::ALL.map(|level| (level.word(), level.acr())) {
        let new = format!("{asked}@mail.example");
        for (address, ways) in [
            (ANN, vec![vec!["mail", "totp"], vec!["mail", "recovery_code"]]),
            (BOB, vec![vec!["mail", "password"], vec!["password"]]),
            (&new, vec![vec!["mail"]]),
        ] {
            let id = id_of(&server, address).await;
            let told = explained(&server, id.as_deref(), asked).await;
            for way in ways {
                let body = json!({"email": address, "acr_values": [acr]});
                let mut answer = server.app("club").post("/v1/sign-in", &body).await;
                let walk = Walk { server: &server, id: answer.text("id"), binding: answer.text("binding") };
                for done in 0..=way.len() {
                    let list = |name: &str| answer.json().get(name).cloned().unwrap_or_else(|| json!([]));
                    let found = (answer.status.as_u16(), list("next"), list("enrol"));
                    assert_eq!(step(&told, &way[..done]), found, "{address} {asked}: {:?}", &way[..done]);
                    compared += 1;
                    if done == way.len() || found.0 == 200 || found.2 != json!([]) {
                        break;
                    }
                    let proof = match way[done] {
                        "mail" => json!({"method": "code", "code": walk.mailed(address).await}),
                        "password" => json!({"method": "password", "password": GOOD}),
                        "totp" => json!({"method": "totp", "code": app.shows(&server, 0)}),
                        _ => json!({"method": "recovery_code", "code": codes[compared % codes.len()]}),
                    };
                    answer = walk.step(proof).await;
                }
                // Mails have a pace, and a TOTP is good once.
                server.advance(Span::from_minutes(11)).await;
            }
        }
    }
    assert!(compared > 30, "{compared}");
    // What is trusted is walked in `trusted_devices`.
    let ann = id_of(&server, ANN).await.unwrap();
    let path = format!("/v1/admin/users/{ann}/policy?app=club&trusted=true");
    let told = local(&server).get(&path).await.expect(200).json();
    assert_eq!(step(&told, &["mail"]).0, 200, "{told:#}");
    assert_eq!(told["trusted_device_days"], json!({"value": 30, "from": "realm"}));
}

#[tokio::test]
async fn each_part_of_a_policy_is_told_with_who_said_it() {
    let start = |beginning| PolicySettings { start: Some(vec![beginning]), ..PolicySettings::default() };
    let least = |level| PolicySettings { least: Some(level), ..PolicySettings::default() };
    for (app, realm, profile, [value_start, from_start, value_least, from_least, wanted]) in [
        (
            PolicySettings::default(),
            PolicySettings::default(),
            ProfileSetting::Standard,
            ["passkey mail", "default", "mailbox", "default", "aal1"],
        ),
        (
            start(BeginningSetting::Mail),
            least(LevelSetting::Mailbox),
            ProfileSetting::Standard,
            ["mail", "app", "mailbox", "realm", "aal1"],
        ),
        (
            least(LevelSetting::Aal1),
            start(BeginningSetting::Passkey),
            ProfileSetting::AsvsLevel3,
            ["passkey mail", "realm", "aal1", "app", "aal2"],
        ),
    ] {
        let server = TestServer::with(|config| {
            two_realms(config);
            config.apps.iter_mut().find(|one| one.name == "desk").unwrap().policy = app.clone();
            config.realms = vec![RealmSettings { policy: realm.clone(), ..quiet("staff") }];
            config.server.profile = profile;
        })
        .await;
        let told = local(&server).get("/v1/admin/apps/desk/policy?asked=aal1").await.expect(200).json();
        let words: Vec<_> =
            told["start"]["value"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(
            [
                json!(words.join(" ")),
                told["start"]["from"].clone(),
                told["least"]["value"].clone(),
                told["least"]["from"].clone(),
                told["wanted"].clone()
            ],
            [value_start, from_start, value_least, from_least, wanted].map(Value::from),
            "{told:#}"
        );
    }
}

#[tokio::test]
async fn what_keeps_somebody_out_beside_the_policy_is_told_too() {
    let server = TestServer::with(|config| {
        two_realms(config);
        let desk = config.apps.iter_mut().find(|one| one.name == "desk").unwrap();
        (desk.sign_up, desk.disabled) = (SignUpSetting::Closed, true);
        let start = Some(vec![BeginningSetting::Passkey]);
        desk.policy = PolicySettings { start, ..PolicySettings::default() };
    })
    .await;
    let told = local(&server).get("/v1/admin/apps/desk/policy?proven=mail").await.expect(200).json();
    let notes = told["notes"].to_string();
    for part in ["switched off", "Nobody new is let in", "policy.start has no mail", "begins so"] {
        assert!(notes.contains(part), "{part}: {notes}");
    }
    assert_eq!(told["walk"][0]["verdict"], "enough", "{told:#}");
    let body = json!({"emails": [{"address": ANN}], "realm": "staff", "status": "disabled"});
    let made = local(&server).post("/v1/admin/users", &body).await.expect(201);
    let path = format!("/v1/admin/users/{}/policy?app=desk", made.text("id"));
    let told = local(&server).get(&path).await.expect(200).json();
    assert!(told["notes"].to_string().contains("The person is switched off"), "{told:#}");
    assert_eq!(told["person"], json!({"id": made.text("id"), "status": "disabled", "has": []}));
}

#[tokio::test]
async fn what_a_question_may_not_say_is_refused() {
    let server = TestServer::with(two_realms).await;
    sign_in(&server, "club", ANN).await;
    let id = id_of(&server, ANN).await.unwrap();
    let admin = local(&server);
    for (path, member) in [
        ("apps/club/policy?asked=aal3".to_owned(), "asked"),
        ("apps/club/policy?proven=guess".to_owned(), "proven"),
        ("apps/club/policy?proven=mail,totp".to_owned(), "proven"),
        ("apps/club/policy?user=x".to_owned(), "query"),
        ("apps/shop/policy".to_owned(), "app"),
        ("apps/club/policy?trusted=true".to_owned(), "query"),
        (format!("users/{id}/policy?app=club&trusted=true"), "trusted"),
        (format!("users/{id}/policy"), "query"),
        (format!("users/{id}/policy?app=nix"), "app"),
        (format!("users/{id}/policy?app=desk"), "app"),
    ] {
        let refused = admin.get(&format!("/v1/admin/{path}")).await.refused(422, "invalid_member");
        assert_eq!(refused.text("member"), member, "{path}");
    }
    for path in ["apps/nix/policy", "users/usr_x/policy?app=club"] {
        admin.get(&format!("/v1/admin/{path}")).await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn p32_a_key_is_told_of_its_own_realm_and_of_people_by_their_scope() {
    let server = TestServer::with(two_realms).await;
    sign_in(&server, "club", ANN).await;
    let id = id_of(&server, ANN).await.unwrap();
    let of_app = "/v1/admin/apps/club/policy";
    let of_user = format!("/v1/admin/users/{id}/policy?app=club");
    for (realm, scope, app, user) in [
        (None, "read", 200, 200),
        (None, "apps", 200, 403),
        (None, "users", 403, 200),
        (None, "keys", 403, 403),
        (Some("default"), "read", 200, 200),
        (Some("staff"), "read", 404, 404),
        (Some("staff"), "all", 404, 404),
    ] {
        let (key, _) = admin_key(&server, realm, &[scope]).await;
        let found = (
            remote(&server, &key).get(of_app).await.status.as_u16(),
            remote(&server, &key).get(&of_user).await.status.as_u16(),
        );
        assert_eq!(found, (app, user), "{realm:?} {scope}");
    }
    // Nor does a key of one realm learn which apps there are in another.
    let body = json!({"emails": [{"address": BOB}], "realm": "staff"});
    let bob = local(&server).post("/v1/admin/users", &body).await.expect(201).text("id");
    let (key, _) = admin_key(&server, Some("staff"), &["users"]).await;
    let ask = async |app: &str| {
        let path = format!("/v1/admin/users/{bob}/policy?app={app}");
        remote(&server, &key).get(&path).await.refused(422, "invalid_member").text("detail")
    };
    assert_eq!(ask("club").await, ask("nix").await);
}
