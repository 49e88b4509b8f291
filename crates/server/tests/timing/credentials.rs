//! A person with a hundred passkeys signs in nearly as fast as one with a single one.

use std::time::{Duration, Instant};

use countersign_domain::{
    assurance::{Assurance, Method as Proof, Methods},
    changes::{Change, FlowChange},
    credential::Credential,
    id::{SessionId, UserId},
    realm::RealmName,
    session::{Holder, Session},
    subject::Sector,
    testing::Seeded,
    time::Span,
    token::SecretToken,
    user::{User, UserStatus},
    vault::Vault as _,
};
use countersign_server::{
    config::AccountsSetting,
    passkeys::{Making, Names, Place, Wanted, begin_registration, enrol},
};
use http::Request;
use serde_json::{Value, json};

use crate::{
    authenticator::Device,
    settings::{ISSUER, publishable_key},
    world::{APP, World},
};

/// As many as one may have.
const MANY: usize = 100;
const ROUNDS: usize = 40;
/// What many may cost, of what one costs, in hundredths.
const MOST_PERCENT: u32 = 200;

/// Somebody with so many passkeys, of which one device holds the first.
struct Person {
    id: UserId,
    device: Device,
}

async fn person(world: &World, number: u8, count: usize) -> Person {
    let (id, now, realm) = (UserId::from_bytes([number; 16]), world.now(), RealmName::default());
    let status = UserStatus::Active;
    let user = User {
        id,
        realm: realm.clone(),
        status,
        sealed_profile: None,
        created_at: now,
        signed_in_at: now,
        version: 1,
    };
    world.keep(vec![Change::UserAdded(user)]).await;
    let (within, names) = ([number; 16], Names { name: "ann".to_owned(), display_name: "ann".to_owned() });
    let mut first = None;
    for _ in 0..count {
        let making =
            Making { within: &within, app: None, realm: &realm, user: id, names: &names, credentials: &[] };
        let (row, options) = begin_registration(&world.server, &making, Wanted::Passkey).unwrap();
        world.keep(vec![FlowChange::Asked(row).into()]).await;
        let mut device = Device::new();
        let answer = serde_json::from_value(device.create(ISSUER, &options).await.unwrap()).unwrap();
        let place = Place { realm: &realm, within: &within, user: Some(id), nameless_at: None, now };
        let (made, mut changes) = enrol(&world.server, &place, (&answer, None)).await.unwrap();
        let vouched_by = Methods::from(Proof::Code);
        changes.push(Change::Credential(Credential { vouched_by, ..made.unwrap() }));
        world.keep(changes.0).await;
        first.get_or_insert(device);
    }
    Person { id, device: first.unwrap() }
}

impl Person {
    /// A browser in which they signed in with a mailed code a moment ago.
    async fn session(&self, world: &World, number: u64) -> String {
        let mut random = Seeded::new(number);
        let (now, keys) = (world.now(), &world.server.keys);
        let (id, secret) = (SessionId::new(now, &mut random), SecretToken::draw(&mut random));
        let sector = Sector::App(APP.parse().unwrap());
        let session = Session {
            id,
            realm: RealmName::default(),
            user: self.id,
            app: APP.parse().unwrap(),
            subject: keys.user_subject(&sector, self.id),
            assurance: Assurance::of(Proof::Code, now),
            holder: Holder::Cookie(keys.session(id, &secret)),
            sealed_device: None,
            created_at: now,
            used_at: now,
            idle_ends_at: now + Span::DAY,
            expires_at: now + Span::DAY,
            version: 1,
        };
        world.keep(vec![Change::SessionStarted(session)]).await;
        let name = id.to_string();
        format!("__Host-countersign={}.{}", name.trim_start_matches(SessionId::PREFIX), secret.expose())
    }

    /// Steps up with the passkey; how long the server took over it.
    async fn step_up(&mut self, world: &World, number: u64) -> Duration {
        let (cookie, mut took) = (self.session(world, number).await, Duration::ZERO);
        let mut ask = async |path: &str, body: Value| {
            let request = Request::post(path)
                .header("authorization", format!("Bearer {}", publishable_key(APP)))
                .header("origin", ISSUER)
                .header("cookie", &cookie)
                .header("content-type", "application/json")
                .body(body.to_string().into())
                .unwrap();
            let begun = Instant::now();
            let (status, body) = world.answer(request).await;
            took += begun.elapsed();
            assert!((200..300).contains(&status), "{path}: {status} {}", String::from_utf8_lossy(&body));
            serde_json::from_slice::<Value>(&body).unwrap()
        };
        let begun = ask("/v1/sign-in", json!({"step_up": true, "acr_values": ["aal2"]})).await;
        let path = format!("/v1/sign-in/{}", begun["id"].as_str().unwrap());
        let binding = &begun["binding"];
        let options = ask(&path, json!({"method": "passkey_options", "binding": binding})).await;
        let signed = self.device.get(ISSUER, &options["passkey"]).await.unwrap();
        ask(&path, json!({"method": "passkey", "binding": binding, "credential": signed})).await;
        took
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::test]
async fn a_hundred_passkeys_cost_at_most_twice_what_one_costs() {
    let world = &World::with(|config| {
        let app = config.apps.iter_mut().find(|app| app.name == APP).unwrap();
        app.accounts = AccountsSetting::Realm;
        app.origins.push(ISSUER.to_owned());
        config.limits.publishable_requests_per_network_per_minute = u32::MAX;
    })
    .await;
    let (mut one, mut many) = (person(world, 1, 1).await, person(world, 2, MANY).await);
    let (mut of_one, mut of_many) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS as u64 {
        of_one.push(one.step_up(world, 2 * round).await);
        of_many.push(many.step_up(world, 2 * round + 1).await);
    }
    let (one, many) = (median(&mut of_one), median(&mut of_many));
    println!("a step-up with one passkey: {one:?}; with {MANY}: {many:?}");
    assert!(many * 100 <= one * MOST_PERCENT, "{many:?} with {MANY}, {one:?} with one");
}
