//! Property 12 for registering a device with a TOTP beside a name: who is there, who has an authenticator app, and who may
//! come at all does not show in the time of a refusal.

use std::time::Duration;

use countersign_domain::{
    assurance::{Method, Methods},
    changes::Change,
    credential::{Credential, CredentialKind},
    id::{CredentialId, UserId},
    identifier::EmailAddress,
    totp::{Digits, TotpAlgorithm, step_at},
    user::{IdentifierKind, User, UserIdentifier, UserStatus},
    vault::Vault as _,
};
use countersign_server::{
    accounts::seal_name,
    config::{AccountsSetting, BeginningSetting, Config},
    credentials,
    keys::hotp,
    second_factors::TotpSecret,
};
use http::Request;
use serde_json::json;

use crate::{
    measure::{Bound, Class, assert_equal},
    settings::{ISSUER, publishable_key},
    world::{APP, World},
};

/// Medians may differ by so much: a user and a sealed secret are there to be parsed for some, and not for others.
const BOUND: Bound = Bound::Share(Duration::from_micros(25), 8);

fn with_devices(config: &mut Config) {
    let app = config.apps.iter_mut().find(|app| app.name == APP).unwrap();
    app.accounts = AccountsSetting::Realm;
    app.origins.push(ISSUER.to_owned());
    config.limits.publishable_requests_per_network_per_minute = u32::MAX;
    config.realms[0].policy.start = Some(vec![BeginningSetting::Mail, BeginningSetting::Totp]);
}

/// Somebody with an address, perhaps with an app that shows codes; and what that shows now.
fn somebody(
    world: &World,
    address: &EmailAddress,
    (has_app, status, newest): (bool, UserStatus, i64),
) -> (Vec<Change>, String) {
    let (server, now) = (&world.server, world.now());
    let realm = server.app(APP).unwrap().realm.clone();
    let id = UserId::new(now, &mut *server.random());
    let (created_at, signed_in_at) = (now, now);
    let user =
        User { id, realm: realm.clone(), status, sealed_profile: None, created_at, signed_in_at, version: 1 };
    let digest = server.keys.identifier(&realm, address);
    let sealed = seal_name(server, &mut *server.random(), (&realm, &digest), address.canonical()).unwrap();
    let identifier = UserIdentifier {
        realm: realm.clone(),
        kind: IdentifierKind::Email,
        digest,
        user: id,
        sealed,
        primary: true,
        verified_at: Some(now),
        created_at: now,
    };
    let mut rows = vec![Change::UserAdded(user), Change::IdentifierAdded(identifier)];
    let totp = TotpSecret::draw(TotpAlgorithm::Sha1, Digits::Six, &mut *server.random());
    let shown = hotp(totp.secret.expose(), totp.algorithm, totp.digits, step_at(now));
    if has_app {
        let app = CredentialId::new(now, &mut *server.random());
        rows.push(Change::Credential(Credential {
            id: app,
            user: id,
            kind: CredentialKind::Totp,
            lookup: None,
            vouched_by: Methods::from(Method::Code),
            sealed: credentials::seal(server, (&realm, &app), &totp.to_bytes().unwrap()).unwrap(),
            sealed_label: None,
            counter: newest,
            created_at: now,
            used_at: None,
            version: 0,
            realm,
        }));
    }
    (rows, shown.expose().to_owned())
}

fn registration(address: &EmailAddress, code: &str) -> Request<axum::body::Body> {
    Request::post("/v1/devices")
        .header("authorization", format!("Bearer {}", publishable_key(APP)))
        .header("origin", ISSUER)
        .header("content-type", "application/json")
        .body(json!({"email": address.canonical(), "totp": code}).to_string().into())
        .unwrap()
}

/// Strangers against people of a kind, who type something wrong or what their app shows.
async fn assert_refused_alike(name: &str, kind: (bool, UserStatus), is_right: bool) {
    let world = &World::with(with_devices).await;
    // Where something wrong is typed, no step is good: one code in a million would be.
    let newest = if is_right { 0 } else { step_at(world.now()) + 10 };
    let prepare = async |class, count| {
        let (mut requests, mut changes) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let address = world.stranger();
            let (rows, shown) = somebody(world, &address, (kind.0, kind.1, newest));
            let code = if is_right { shown } else { "314159".to_owned() };
            requests.push(registration(&address, &code));
            if class == Class::Other {
                changes.extend(rows);
            }
        }
        world.keep(changes).await;
        requests
    };
    let call = async |request| world.answer(request).await.0;
    assert_equal(name, BOUND, 401, prepare, call).await;
}

#[tokio::test]
async fn p12_a_wrong_totp_registers_nobody_equally_fast_for_users_and_strangers() {
    assert_refused_alike("register, wrong TOTP against stranger", (true, UserStatus::Active), false).await;
}

#[tokio::test]
async fn p12_a_totp_registers_nobody_equally_fast_who_has_no_app() {
    assert_refused_alike("register, no app against stranger", (false, UserStatus::Active), false).await;
}

#[tokio::test]
async fn p12_a_right_totp_registers_nobody_equally_fast_who_is_switched_off() {
    assert_refused_alike("register, switched off against stranger", (true, UserStatus::Disabled), true).await;
}
