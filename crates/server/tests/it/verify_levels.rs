//! How strongly somebody must be known for `GET /verify/{app}`, whatever they are known by.

use countersign_domain::assurance::Method as Proof;
use countersign_server::{
    config::{Config, ForwardAuthSettings, LevelSetting, OpenerSetting, ProfileSetting},
    maintenance,
};
use data_encoding::BASE64;
use http::Method;
use serde_json::json;

use crate::{
    devices::{self, ann, fresh, with_devices},
    new_devices::Jar,
    second_factors,
    support::TestServer,
    verify::{proxy, with},
};

fn services(config: &mut Config) {
    with_devices(config);
    config.server.trusted_proxies = vec!["10.0.0.0/8".to_owned()];
    let openers =
        [OpenerSetting::Session, OpenerSetting::Device, OpenerSetting::Token, OpenerSetting::AppPassword];
    let accepts = Some(openers.to_vec());
    let open =
        || ForwardAuthSettings { open: true, accepts: accepts.clone(), ..ForwardAuthSettings::default() };
    config.apps.push(with("notes", open()));
    let mut safe = with("safe", open());
    safe.policy.least = Some(LevelSetting::Aal2);
    config.apps.push(safe);
}

fn least_of_safe(config: &mut Config, least: Option<LevelSetting>) {
    let safe = config.apps.iter_mut().find(|app| app.name == "safe");
    safe.expect("it is there").policy.least = least;
}

/// What the configuration says from now on.
async fn changed(server: &TestServer, change: impl FnOnce(&mut Config)) {
    let mut config = server.server.config.load().as_ref().clone();
    change(&mut config);
    server.server.config.store(config.into());
    maintenance::reload(&server.server).await.unwrap();
}

#[tokio::test]
async fn p23_what_the_policy_and_the_profile_want_holds_for_every_opener() {
    let server = TestServer::with(services).await;
    let (app, person) = ann(&server).await;
    fresh(&server).await;
    let body = json!({"label": "Phone", "apps": ["notes", "safe"]});
    // Made when one was enough at both.
    changed(&server, |config| least_of_safe(config, None)).await;
    let made = person.tell(&server, Method::POST, "/v1/me/app-passwords", &body).await.expect(201);
    changed(&server, |config| least_of_safe(config, Some(LevelSetting::Aal2))).await;
    second_factors::step_up(&server, &[Proof::Code]).await;
    let mut jar = Jar::default();
    devices::register(&server, &mut jar, &app).await;
    let basic = format!("Basic {}", BASE64.encode(format!("ann:{}", made.text("password")).as_bytes()));
    let shown = [("cookie", person.cookie.clone()), ("cookie", jar.header()), ("authorization", basic)];
    let asks = async |app: &'static str| {
        let mut statuses = Vec::new();
        // Not remembered at first, then remembered.
        for _ in 0..2 {
            for (name, value) in &shown {
                let answer = proxy(&server).with(name, value).get(&format!("/verify/{app}")).await;
                statuses.push(answer.status.as_u16());
            }
        }
        statuses
    };
    assert_eq!(asks("notes").await, [200; 6]);
    assert_eq!(asks("safe").await, [401; 6], "its policy wants two factors");
    changed(&server, |config| config.server.profile = ProfileSetting::AsvsLevel3).await;
    assert_eq!(asks("notes").await, [401; 6], "so does the server, of what began before as well");
    // A device is worth what was proven when it was registered, an app password one factor.
    changed(&server, |config| {
        config.server.profile = ProfileSetting::Standard;
        config.realms[0].policy.least = Some(LevelSetting::Aal1);
    })
    .await;
    assert_eq!(asks("notes").await, [401, 200, 200, 401, 200, 200]);
    second_factors::step_up(&server, &[Proof::Password, Proof::Totp]).await;
    changed(&server, |config| config.server.profile = ProfileSetting::AsvsLevel3).await;
    assert_eq!(asks("notes").await, [200, 200, 401, 200, 200, 401]);
}

#[tokio::test]
async fn where_every_session_needs_two_factors_no_app_takes_app_passwords() {
    let server = TestServer::with(services).await;
    let mut config = server.server.config.load().as_ref().clone();
    let wrong =
        |config: &Config| config.check().iter().filter(|one| one.to_string().contains("accepts")).count();
    assert_eq!(wrong(&config), 0);
    config.server.profile = ProfileSetting::AsvsLevel3;
    assert_eq!(wrong(&config), 2);
}
