//! Passwords, where a realm has them: registering, signing in, forgetting, changing, and what nobody may learn by it.

use std::sync::Arc;

use countersign_domain::{changes::Changes, id::UserId, time::Span};
use countersign_server::{
    config::{Config, PasswordsSetting, RealmSettings},
    user_passwords,
};
use countersign_store::{engine::Value as Cell, sqlite::Sqlite};
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::{is_good, with_club},
    enumeration::{cost, masked},
    support::{
        Answer, Caller, TestServer, World,
        faulty::Faulty,
        settings::{ISSUER, publishable_key, quiet},
    },
};

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";
pub(crate) const GOOD: &str = "quiet lampshade";
pub(crate) const OTHER: &str = "saving grace of the kettle";

/// The club with passwords.
pub(crate) fn with_passwords(config: &mut Config) {
    with_club(config);
    config.realms = vec![RealmSettings { passwords: PasswordsSetting::On, ..quiet("default") }];
    config.passwords.workers = Some(2);
    config.passwords.queue = Some(256);
    config.passwords.wrong_after_milliseconds = 0;
}

pub(crate) async fn server() -> TestServer {
    TestServer::with(with_passwords).await
}

pub(crate) async fn sign_in(server: &TestServer, address: &str, password: &str) -> Answer {
    server.app("club").post("/v1/password/sign-in", &json!({"email": address, "password": password})).await
}

pub(crate) async fn post(server: &TestServer, what: &str, body: Value) -> Answer {
    server.app("club").post(&format!("/v1/password/{what}"), &body).await
}

/// Registers, proves the mailbox, and gives what that was worth.
pub(crate) async fn register(server: &TestServer, address: &str, password: &str) -> Answer {
    let started = post(server, "register", json!({"email": address, "password": password})).await.expect(201);
    let code = server.mail_to(address).await.code();
    server.app("club").verify(&started, &code).await.expect(200)
}

/// What a reset is asked with.
pub(crate) fn reset_body(started: &Answer, code: &str, password: &str) -> Value {
    json!({"id": started.text("id"), "binding": started.text("binding"), "code": code, "password": password})
}

/// Asks for a new password; what was answered, and the code.
pub(crate) async fn forgotten(server: &TestServer, address: &str) -> (Answer, String) {
    let started = post(server, "forgotten", json!({"email": address})).await.expect(201);
    (started, server.mail_to(address).await.code())
}

/// A browser on a page of the server's own, signed in with a password or, without one, a mailed code.
pub(crate) async fn browser(server: &TestServer, address: &str, password: Option<&str>) -> (Answer, String) {
    let page = server.calls(Caller::Publishable(publishable_key("club"), ISSUER));
    let answer = match password {
        Some(password) => {
            page.post("/v1/password/sign-in", &json!({"email": address, "password": password})).await
        }
        None => {
            let started = page.start(address).await.expect(201);
            page.verify(&started, &server.mail_to(address).await.code()).await
        }
    };
    let answer = answer.expect(200);
    let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
    (answer, cookie)
}

/// Asks at one's own account.
pub(crate) async fn own(
    server: &TestServer,
    cookie: &str,
    method: Method,
    path: &str,
    body: Value,
) -> Answer {
    let caller = server.anybody().with("origin", ISSUER).with("cookie", cookie);
    if body.is_null() {
        return caller.send(method, path, "").await;
    }
    caller.with("content-type", "application/json").send(method, path, &body.to_string()).await
}

#[tokio::test]
async fn p24_who_registers_signs_in_with_the_password_and_is_worth_one_factor() {
    let server = server().await;
    let first = register(&server, ANN, GOOD).await;
    assert_eq!((first.text("acr"), first.json()["amr"].clone()), ("aal1".into(), json!(["otp", "pwd"])));
    let second = sign_in(&server, ANN, GOOD).await.expect(200);
    assert_eq!((second.text("acr"), second.json()["amr"].clone()), ("aal1".into(), json!(["pwd"])));
    assert_eq!(second.text("subject"), first.text("subject"));
    assert!(second.text("refresh_token").starts_with("cs_rt_"));
    assert!(is_good(&server, &second.text("access_token")).await);
    let (answer, cookie) = browser(&server, ANN, Some(GOOD)).await;
    assert!(answer.json().get("refresh_token").is_none() && cookie.starts_with("__Host-countersign="));
    let session = own(&server, &cookie, Method::GET, "/v1/session", Value::Null).await.expect(200);
    assert_eq!(session.text("acr"), "aal1");
    for password in ["quiet lampshad", "quiet lampshade ", "Quiet lampshade", OTHER] {
        sign_in(&server, ANN, password).await.refused(401, "invalid_password");
    }
}

#[tokio::test]
async fn p24_a_password_that_anybody_would_guess_is_refused_with_the_reason() {
    let server = server().await;
    for (password, code) in [
        ("", "password_too_short"),
        ("quiet lampshad", "password_too_short"),
        ("passwordpassword", "password_common"),
        ("ann@mail.example", "password_contextual"),
        ("club club club 7", "password_contextual"),
    ] {
        for body in [json!({"email": ANN, "password": password})] {
            let refused = post(&server, "register", body).await.refused(422, code);
            assert_eq!(refused.text("member"), "password");
        }
    }
    let long = "ab1 Cd.2ef?".repeat(94);
    post(&server, "register", json!({"email": ANN, "password": long}))
        .await
        .refused(422, "password_too_long");
    server.no_mail_to(ANN).await;
}

#[tokio::test]
async fn without_passwords_there_are_none() {
    let server = TestServer::with(with_club).await;
    let body = json!({"email": ANN, "password": GOOD});
    for what in ["sign-in", "register"] {
        post(&server, what, body.clone()).await.refused(403, "passwords_off");
    }
    post(&server, "forgotten", json!({"email": ANN})).await.refused(403, "passwords_off");
    let (_, cookie) = browser(&server, ANN, None).await;
    let wanted = json!({"password": GOOD});
    own(&server, &cookie, Method::PUT, "/v1/me/password", wanted).await.refused(403, "passwords_off");
    // An app without accounts has nobody whose they could be.
    let server = self::server().await;
    server.app("shop").post("/v1/password/sign-in", &body).await.refused(403, "passwords_off");
}

#[tokio::test]
async fn p12_signing_in_costs_and_says_the_same_for_who_has_a_password_who_has_none_and_nobody() {
    let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::clone(&engine) as _).node_with(with_passwords).await;
    register(&server, ANN, GOOD).await;
    crate::flow::sign_in(&server, "club", BOB).await;
    let (mut answers, mut costs) = (Vec::new(), Vec::new());
    for address in [ANN, BOB, "carl@mail.example"] {
        let mut least = [u64::MAX; 3];
        for _ in 0..4 {
            let (refused, cost) = cost(&server, &engine, sign_in(&server, address, OTHER)).await;
            answers.push(masked(&refused.refused(401, "invalid_password")));
            // Hashing takes a while, in which the outbox may look whether there is work.
            least = std::array::from_fn(|place| least[place].min(cost[place]));
        }
        costs.push(least);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}

#[tokio::test]
async fn p12_registering_and_forgetting_cost_and_say_the_same_and_strangers_are_mailed_nothing() {
    let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = World::on(Arc::clone(&engine) as _).node_with(with_passwords).await;
    register(&server, ANN, GOOD).await;
    let mut answers = Vec::new();
    for address in [ANN, "carl@mail.example"] {
        let body = json!({"email": address, "password": OTHER});
        let (registered, register_cost) = cost(&server, &engine, post(&server, "register", body)).await;
        server.mail_to(address).await;
        let (forgot, forgot_cost) =
            cost(&server, &engine, post(&server, "forgotten", json!({"email": address}))).await;
        server.outbox_is_empty().await;
        let wrong = reset_body(&forgot, "AAAAAAA", OTHER);
        let (refused, reset_cost) = cost(&server, &engine, post(&server, "reset", wrong)).await;
        let answered = [masked(&registered), masked(&forgot), masked(&refused.refused(401, "invalid_code"))];
        answers.push((answered, register_cost[2].min(5), forgot_cost[2].min(4), reset_cost));
    }
    assert_eq!(answers[0], answers[1]);
    server.mail_to(ANN).await;
    server.no_mail_to("carl@mail.example").await;
}

#[tokio::test]
async fn p12_whoever_registers_a_known_person_changes_nothing_and_an_unproven_wish_is_nobodys() {
    let server = server().await;
    register(&server, ANN, GOOD).await;
    register(&server, ANN, OTHER).await;
    sign_in(&server, ANN, OTHER).await.refused(401, "invalid_password");
    sign_in(&server, ANN, GOOD).await.expect(200);
    // Somebody wishes a password for a mailbox that is not theirs; its owner comes later, by themselves.
    post(&server, "register", json!({"email": BOB, "password": OTHER})).await.expect(201);
    server.mail_to(BOB).await;
    crate::flow::sign_in(&server, "club", BOB).await;
    sign_in(&server, BOB, OTHER).await.refused(401, "invalid_password");
    assert_eq!(server.query("SELECT user_id FROM user_password").await.len(), 1);
    let now = server.now();
    assert_eq!(server.query("SELECT challenge FROM password_wish").await.len(), 3);
    server.server.store.sweep(now + Span::from_hours(2)).await.unwrap();
    assert!(server.query("SELECT challenge FROM password_wish").await.is_empty(), "gone with its challenge");
}

#[tokio::test]
async fn p05_a_code_without_its_binding_makes_no_account_with_somebody_elses_password() {
    let server = server().await;
    // Somebody who only knows the address wishes for a password; the person gets the code and types it at an app that
    // checks codes by address.
    let wished = post(&server, "register", json!({"email": ANN, "password": GOOD})).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    let by_address = json!({"email": ANN, "code": code});
    server.app("club").post("/v1/verify", &by_address).await.refused(410, "challenge_over");
    sign_in(&server, ANN, GOOD).await.refused(401, "invalid_password");
    // Whoever has both is who began it.
    server.app("club").verify(&wished, &code).await.expect(200);
    sign_in(&server, ANN, GOOD).await.expect(200);
}

#[tokio::test]
async fn p31_who_uses_up_a_persons_passwords_locks_out_neither_codes_nor_a_browser_that_is_signed_in() {
    let server = server().await;
    register(&server, ANN, GOOD).await;
    let (_, cookie) = browser(&server, ANN, Some(GOOD)).await;
    for address in [ANN, "carl@mail.example"] {
        for _ in 0..50 {
            sign_in(&server, address, OTHER).await.refused(401, "invalid_password");
        }
    }
    let mut answers = Vec::new();
    for address in [ANN, "carl@mail.example"] {
        let refused = sign_in(&server, address, GOOD).await.refused(429, "too_many_passwords");
        assert_eq!(refused.header("retry-after"), "86400");
        answers.push(masked(&refused));
    }
    assert_eq!(answers[0], answers[1]);
    // Another way in, and the same way from where the person is already.
    crate::flow::sign_in(&server, "club", ANN).await;
    let page = server.calls(Caller::Publishable(publishable_key("club"), ISSUER)).with("cookie", &cookie);
    page.post("/v1/password/sign-in", &json!({"email": ANN, "password": GOOD})).await.expect(200);
    // A new password was tried by nobody yet.
    let (started, code) = forgotten(&server, ANN).await;
    post(&server, "reset", reset_body(&started, &code, OTHER)).await.expect_bare(204);
    sign_in(&server, ANN, OTHER).await.expect(200);
    server.advance(Span::DAY).await;
    sign_in(&server, "carl@mail.example", GOOD).await.refused(401, "invalid_password");
}

/// "quiet lampshade" as Django writes it, computed with Python's hashlib.
const DJANGO: &str = "pbkdf2_sha256$1000$saltsaltsalt$1CF7bGdntY/cV4W07PJ5ddosQfeybNUgclKThbgqaoU=";

async fn first_user(server: &TestServer) -> UserId {
    let users = server.query("SELECT id FROM realm_user").await;
    let Cell::Bytes(id) = &users[0][0] else { panic!("an id") };
    UserId::from_bytes(id.as_slice().try_into().unwrap())
}

/// Gives the only user a hash from elsewhere.
async fn import(server: &TestServer, hash: &str) {
    let user = first_user(server).await;
    let change = user_passwords::import(&server.server, user, hash, 65_536).unwrap().unwrap();
    server.server.store.commit(Changes(vec![change])).await.unwrap();
}

#[tokio::test]
async fn p25_an_imported_hash_signs_in_and_is_made_anew_after_the_right_password_alone() {
    let server = server().await;
    crate::flow::sign_in(&server, "club", ANN).await;
    let user = first_user(&server).await;
    let refused = |hash: &str| user_passwords::import(&server.server, user, hash, 65_536).unwrap().is_err();
    assert!(refused("$2b$04$broken") && refused("plain text"));
    assert!(refused("$2b$31$c/RbqJNTjd0fLrGn3SDJZeYmdcP/Dc5PJCEqRB8/g4Wbe0QcFJ6Lu"), "too dear");
    import(&server, DJANGO).await;
    let rows = || server.query("SELECT sealed_hash, version FROM user_password");
    let before = rows().await;
    sign_in(&server, ANN, OTHER).await.refused(401, "invalid_password");
    assert_eq!(rows().await, before);
    sign_in(&server, ANN, GOOD).await.expect(200);
    let after = rows().await;
    assert_ne!(after, before);
    let stored = server.server.store.password(user).await.unwrap().unwrap();
    let hash = user_passwords::open_hash(&server.server.keys, &stored).unwrap();
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAAAQ$"), "ours, with a pepper");
    sign_in(&server, ANN, GOOD).await.expect(200);
    assert_eq!(rows().await, after, "made anew once");
    // The database alone gives nothing to guess at.
    let Cell::Bytes(sealed) = &after[0][0] else { panic!("bytes") };
    assert!(!String::from_utf8_lossy(sealed).contains("argon2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn p25_many_sign_ins_at_once_are_told_to_come_back_beyond_the_queue() {
    let server = TestServer::with(|config| {
        with_passwords(config);
        config.passwords.workers = Some(1);
        config.passwords.queue = Some(2);
    })
    .await;
    register(&server, ANN, GOOD).await;
    let server = Arc::new(server);
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let server = Arc::clone(&server);
            let (address, password) = if number % 2 == 0 { (ANN, GOOD) } else { (BOB, OTHER) };
            tokio::spawn(async move { sign_in(&server, address, password).await })
        })
        .collect();
    let (mut checked, mut busy) = (0, 0);
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status.as_u16() {
            200 | 401 => checked += 1,
            _ => {
                assert_eq!(answer.header("retry-after"), "1");
                answer.refused(503, "passwords_busy");
                busy += 1;
            }
        }
    }
    assert!(checked >= 2 && busy > 0, "{checked} {busy}");
    sign_in(&server, ANN, GOOD).await.expect(200);
}

#[tokio::test]
async fn p28_who_is_switched_off_or_erased_has_no_password() {
    let server = server().await;
    register(&server, ANN, GOOD).await;
    let (_, cookie) = browser(&server, ANN, Some(GOOD)).await;
    own(&server, &cookie, Method::DELETE, "/v1/me", Value::Null).await.expect(204);
    assert!(server.query("SELECT user_id FROM user_password").await.is_empty());
    sign_in(&server, ANN, GOOD).await.refused(401, "invalid_password");
    register(&server, BOB, GOOD).await;
    server.spoil("UPDATE realm_user SET status = 'disabled'").await;
    sign_in(&server, BOB, OTHER).await.refused(401, "invalid_password");
    sign_in(&server, BOB, GOOD).await.refused(403, "user_disabled");
    post(&server, "forgotten", json!({"email": BOB})).await.expect(201);
    server.no_mail_to(BOB).await;
}

#[tokio::test]
async fn p12_a_hash_that_costs_another_time_tells_no_stranger_that_somebody_is_there() {
    let server = TestServer::with(|config| {
        with_passwords(config);
        config.passwords.wrong_after_milliseconds = 1_000;
    })
    .await;
    crate::flow::sign_in(&server, "club", ANN).await;
    import(&server, DJANGO).await;
    let mut times = Vec::new();
    for address in [ANN, BOB] {
        let began = std::time::Instant::now();
        sign_in(&server, address, OTHER).await.refused(401, "invalid_password");
        times.push(began.elapsed().as_millis());
    }
    assert!(times.iter().all(|time| (1_000..1_500).contains(time)), "{times:?}");
    let began = std::time::Instant::now();
    sign_in(&server, ANN, GOOD).await.expect(200);
    assert!(began.elapsed().as_millis() < 1_000, "the right one does not wait");
}
