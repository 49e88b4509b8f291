//! Apps that show codes, and recovery codes: how they come, that each code is good once, and how they go.

use std::sync::Arc;

use countersign_domain::{
    app::App,
    assurance::{Method as Proof, Methods},
    changes::{Change, Changes},
    credential::{Credential, CredentialKind},
    id::CredentialId,
    refusal::Refusal,
    secret::Digest,
    testing::Seeded,
    time::Span,
    totp::{Digits, TotpAlgorithm, Window, step_at},
    user::User,
};
use countersign_server::{
    config::Config,
    error::ApiError,
    keys::hotp,
    second_factors::{Attempt, prove, prove_recovery},
};
use countersign_store::engine::Value as Cell;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::with_club,
    sessions::{Browser, sign_in},
    support::{Answer, TestServer, World, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! {
    p21_of_fifty_uses_of_one_code_at_once_one_is_accepted
    p21_a_step_stays_used_after_a_restart_and_on_every_node
    p22_of_fifty_uses_of_one_recovery_code_at_once_one_is_accepted
    p04_parallel_wrong_codes_are_counted_exactly
    p20_of_many_enrolments_at_once_each_counts_and_none_is_one_too_many
}

const ANN: &str = "ann@mail.example";
const BOB: &str = "bob@mail.example";
const BASE: &str = "/v1/me/credentials";

/// The club, where a network may ask for much.
fn with_much(config: &mut Config) {
    with_club(config);
    config.limits.publishable_requests_per_network_per_minute = 10_000;
}

/// An authenticator app that has the secret.
#[derive(Clone)]
struct Authenticator {
    secret: Vec<u8>,
    algorithm: TotpAlgorithm,
    digits: Digits,
}

impl Authenticator {
    fn scan(options: &Answer) -> Self {
        let uri = options.text("uri");
        let value = |name: &str| {
            let found = uri.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            found.unwrap().to_owned()
        };
        assert_eq!(value("secret"), options.text("secret"));
        Self {
            secret: data_encoding::BASE32_NOPAD.decode(value("secret").as_bytes()).unwrap(),
            algorithm: TotpAlgorithm::from_name(&value("algorithm")).unwrap(),
            digits: Digits::from_count(value("digits").parse().unwrap()).unwrap(),
        }
    }

    /// The code that it shows so many seconds from now.
    fn shows(&self, server: &TestServer, seconds: i64) -> String {
        let step = (server.now().seconds() + seconds).div_euclid(30);
        hotp(&self.secret, self.algorithm, self.digits, step).expose().to_owned()
    }
}

async fn options(server: &TestServer, person: &Browser, body: &Value) -> Answer {
    person.tell(server, Method::POST, &format!("{BASE}/totp/options"), body).await
}

async fn confirm(server: &TestServer, person: &Browser, ceremony: &str, code: &str) -> Answer {
    let body = json!({"ceremony": ceremony, "code": code, "label": "Phone", "with_recovery_codes": true});
    person.tell(server, Method::POST, &format!("{BASE}/totp"), &body).await
}

/// Adds an app; what was answered has recovery codes.
async fn enrol(server: &TestServer, person: &Browser) -> (Authenticator, Answer) {
    let options = options(server, person, &json!({})).await.expect(201);
    let app = Authenticator::scan(&options);
    let code = app.shows(server, 0);
    (app, confirm(server, person, &options.text("ceremony"), &code).await.expect(201))
}

/// Gives a session more proofs, as a step-up does.
async fn step_up(server: &TestServer, person: &Browser, methods: &[Proof]) {
    let id = person.answer.text("session").parse().unwrap();
    let mut session = server.server.store.session(id).await.unwrap().unwrap();
    session.assurance.methods = methods.iter().fold(Methods::NONE, |all, method| all.with(*method));
    session.assurance.proven_at = server.now();
    server.server.store.commit(Changes(vec![Change::Session(session)])).await.unwrap();
}

async fn user_and_app(server: &TestServer, person: &Browser) -> (User, Arc<App>) {
    let id = person.answer.text("session").parse().unwrap();
    let session = server.server.store.session(id).await.unwrap().unwrap();
    let user = server.server.store.user(session.user).await.unwrap().unwrap();
    (user, server.server.app("club").unwrap())
}

/// Types a code of an app, or one of a sheet, where a second factor is asked for.
async fn proves(
    server: &TestServer,
    (user, app): &(User, Arc<App>),
    code: &str,
    window: Window,
) -> Result<(), ApiError> {
    let node = &server.server;
    let attempt = &Attempt { server: node, app, user, window, now: node.now() };
    let _lane = node.lanes.enter(&attempt.counters().digest).await;
    let decided = node
        .decide(|| async move {
            let decision = if code.len() > 12 {
                prove_recovery(attempt, code).await?
            } else {
                prove(attempt, code).await?
            };
            Ok((decision.outcome, decision.changes))
        })
        .await?;
    Ok(decided?)
}

fn is_wrong(outcome: &Result<(), ApiError>) -> bool {
    matches!(outcome, Err(ApiError::Refused(Refusal::InvalidCode { .. })))
}

async fn credentials(server: &TestServer, person: &Browser) -> Vec<Value> {
    let all = person.own(server, Method::GET, BASE).await.expect(200).json();
    all["items"].as_array().unwrap().clone()
}

fn codes(answer: &Answer) -> Vec<String> {
    let all = answer.json();
    all["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

async fn server() -> TestServer {
    TestServer::with(with_much).await
}

#[tokio::test]
async fn p20_a_person_adds_names_and_removes_an_app_and_is_told() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let other = sign_in(&server, ISSUER, ANN, "").await;
    assert!(credentials(&server, &ann).await.is_empty());
    let asked = options(&server, &ann, &json!({"algorithm": "SHA256", "digits": 8})).await.expect(201);
    assert!(
        asked.text("uri").starts_with("otpauth://totp/club:ann%40mail.example?secret="),
        "{}",
        asked.text("uri")
    );
    assert!(asked.text("qr_svg").starts_with("<svg "));
    assert_eq!(asked.header("cache-control"), "no-store");
    let app = Authenticator::scan(&asked);
    assert_eq!(app.secret.len(), 32);
    let ceremony = asked.text("ceremony");
    let wrong = confirm(&server, &ann, &ceremony, "00000000").await.refused(401, "invalid_code");
    assert_eq!(wrong.json()["tries_left"], 4);
    assert!(credentials(&server, &ann).await.is_empty(), "nothing counts before its first code");
    server.no_mail_to(ANN).await;
    let typed = app.shows(&server, 0);
    let added =
        confirm(&server, &ann, &ceremony, &format!("{} {}", &typed[..4], &typed[4..])).await.expect(201);
    assert_eq!(codes(&added).len(), 10);
    let told = [server.mail_to(ANN).await, server.mail_to(ANN).await].map(|letter| letter.mail.rendered.text);
    assert!(told.iter().any(|text| text.contains("an app that shows codes")), "{told:?}");
    assert!(told.iter().any(|text| text.contains("recovery codes")), "{told:?}");
    confirm(&server, &ann, &ceremony, &typed).await.refused(403, "stronger_sign_in_needed");

    let all = credentials(&server, &ann).await;
    assert_eq!(
        (&all[0]["kind"], &all[0]["label"], &all[1]["left"]),
        (&json!("totp"), &json!("Phone"), &json!(10))
    );
    let text = Value::from(all.clone()).to_string();
    assert!(!text.contains("secret") && !text.contains("sealed"), "{text}");
    let path = format!("{BASE}/{}", all[0]["id"].as_str().unwrap());
    for label in ["", "a\nb", &"é".repeat(101)] {
        ann.tell(&server, Method::PATCH, &path, &json!({"label": label}))
            .await
            .refused(422, "invalid_member");
    }
    let renamed = ann.tell(&server, Method::PATCH, &path, &json!({"label": "Tablet"})).await.expect(200);
    assert_eq!(renamed.text("label"), "Tablet");

    // A mailed code alone removes nothing, nor does a proof of an hour ago.
    ann.own(&server, Method::DELETE, &path).await.refused(403, "stronger_sign_in_needed");
    step_up(&server, &ann, &[Proof::Code, Proof::Totp]).await;
    server.advance(Span::from_minutes(11)).await;
    ann.own(&server, Method::DELETE, &path).await.refused(403, "fresh_sign_in_needed");
    step_up(&server, &ann, &[Proof::Code, Proof::Totp]).await;
    ann.own(&server, Method::DELETE, &format!("{path}?end_other_sessions=maybe"))
        .await
        .refused(422, "invalid_member");
    assert!(other.is_in(&server).await);
    ann.own(&server, Method::DELETE, &format!("{path}?end_other_sessions=true")).await.expect_bare(204);
    assert!(!other.is_in(&server).await && ann.is_in(&server).await);
    let told = server.mail_to(ANN).await.mail.rendered.text;
    assert!(told.contains("signs in no more: an app that shows codes"), "{told}");
    assert!(credentials(&server, &ann).await.is_empty(), "recovery codes go with the last factor");
    ann.own(&server, Method::DELETE, &path).await.refused(404, "not_found");
}

#[tokio::test]
async fn p20_every_change_of_a_two_factor_account_wants_both() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    enrol(&server, &ann).await;
    let thief = sign_in(&server, ISSUER, ANN, "").await;
    for (method, path, body) in [
        (Method::POST, "/v1/me/credentials/totp/options", json!({})),
        (Method::POST, "/v1/me/credentials/recovery-codes", json!(null)),
        (Method::POST, "/v1/me/identifiers", json!({"email": "thief@mail.example"})),
        (Method::DELETE, "/v1/me", json!(null)),
        (Method::GET, "/v1/me/export", json!(null)),
    ] {
        let answer = if body.is_null() {
            thief.own(&server, method, path).await
        } else {
            thief.tell(&server, method, path, &body).await
        };
        answer.refused(403, "stronger_sign_in_needed");
    }
    step_up(&server, &thief, &[Proof::Code, Proof::Totp]).await;
    thief.own(&server, Method::POST, "/v1/me/credentials/recovery-codes").await.expect(201);
    let shown = thief.own(&server, Method::GET, "/v1/me/export").await.expect(200).json();
    assert_eq!(shown["credentials"][0]["label"], "Phone");
}

#[tokio::test]
async fn p20_the_last_way_in_stays() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let (user, _) = user_and_app(&server, &ann).await;
    let passkey = Credential {
        id: CredentialId::new(server.now(), &mut Seeded::new(7)),
        realm: user.realm.clone(),
        user: user.id,
        kind: CredentialKind::Passkey,
        lookup: Some(Digest::new([7; 32])),
        sealed: vec![1],
        sealed_label: None,
        counter: 0,
        created_at: server.now(),
        used_at: None,
        version: 0,
    };
    let path = format!("{BASE}/{}", passkey.id);
    server.server.store.commit(Changes(vec![Change::Credential(passkey)])).await.unwrap();
    server.spoil("UPDATE user_identifier SET verified_at = NULL").await;
    step_up(&server, &ann, &[Proof::Passkey]).await;
    ann.own(&server, Method::DELETE, &path).await.refused(409, "last_way_in");
    let bob = sign_in(&server, ISSUER, BOB, "").await;
    bob.own(&server, Method::DELETE, &path).await.refused(404, "not_found");
    bob.tell(&server, Method::PATCH, &path, &json!({"label": "Mine"})).await.refused(404, "not_found");
    assert_eq!(credentials(&server, &ann).await.len(), 1);
}

#[tokio::test]
async fn an_enrolment_is_one_session_s_and_over_after_five_minutes_or_five_wrong_codes() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let other = sign_in(&server, ISSUER, ANN, "").await;
    let asked = options(&server, &ann, &json!({})).await.expect(201);
    let (app, ceremony) = (Authenticator::scan(&asked), asked.text("ceremony"));
    confirm(&server, &other, &ceremony, &app.shows(&server, 0)).await.refused(410, "challenge_over");
    for (number, typed) in ["000000", "12345", "abcdef", "١٢٣٤٥٦", "00000000"].into_iter().enumerate() {
        let wrong = confirm(&server, &ann, &ceremony, typed).await.refused(401, "invalid_code");
        assert_eq!(wrong.json()["tries_left"], 4 - number, "{typed}");
    }
    confirm(&server, &ann, &ceremony, &app.shows(&server, 0)).await.refused(410, "challenge_over");
    let asked = options(&server, &ann, &json!({})).await.expect(201);
    server.advance(Span::from_seconds(300)).await;
    let code = Authenticator::scan(&asked).shows(&server, 0);
    confirm(&server, &ann, &asked.text("ceremony"), &code).await.refused(410, "challenge_over");
    for body in [
        json!({"digits": 7}),
        json!({"algorithm": "MD5"}),
        json!({"algorithm": "sha1"}),
        json!({"secret": "AA"}),
    ] {
        assert_eq!(options(&server, &ann, &body).await.status, 422, "{body}");
    }
    confirm(&server, &ann, "cer_nonsense", "123456").await.refused(410, "challenge_over");
}

#[tokio::test]
async fn p21_this_step_and_the_one_before_are_good_to_the_second_and_none_twice() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let (app, _) = enrol(&server, &ann).await;
    let who = user_and_app(&server, &ann).await;
    assert!(is_wrong(&proves(&server, &who, &app.shows(&server, 0), Window::Two).await), "used at enrolment");
    // The clock of the tests stands at the beginning of a step.
    server.advance(Span::from_seconds(3600 - server.now().seconds() % 30)).await;
    assert_eq!(server.now().seconds() % 30, 0);
    for (wait, offset, window, good) in [
        (0, 0, Window::Two, true),
        (0, 0, Window::Two, false),
        (29, -30, Window::Two, false),
        (30, 0, Window::Two, true),
        (60, -30, Window::Two, true),
        (0, 0, Window::Two, true),
        (0, -30, Window::Two, false),
        (60, -60, Window::Two, false),
        (0, 30, Window::Two, false),
        (0, -30, Window::One, false),
        (0, 0, Window::One, true),
        (59, 0, Window::Two, true),
    ] {
        server.advance(Span::from_seconds(wait)).await;
        let outcome = proves(&server, &who, &app.shows(&server, offset), window).await;
        assert_eq!(outcome.is_ok(), good, "{wait} {offset} {window:?}: {outcome:?}");
        assert!(good || is_wrong(&outcome), "{outcome:?}");
    }
    let used = &credentials(&server, &ann).await[0]["used_at"];
    assert!(used.is_string(), "{used}");
    for typed in ["", "12345", "1234567", "12345678", "abcdef", "١٢٣٤٥٦"] {
        assert!(is_wrong(&proves(&server, &who, typed, Window::Two).await), "{typed}");
    }
}

#[tokio::test]
async fn p21_all_hashes_and_lengths_enrol_and_prove() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    for (number, (algorithm, digits)) in
        [("SHA1", 8), ("SHA256", 6), ("SHA512", 8), ("SHA512", 6), ("SHA1", 6)].into_iter().enumerate()
    {
        let asked =
            options(&server, &ann, &json!({"algorithm": algorithm, "digits": digits})).await.expect(201);
        let app = Authenticator::scan(&asked);
        let code = app.shows(&server, 0);
        assert_eq!(code.len(), digits);
        confirm(&server, &ann, &asked.text("ceremony"), &code).await.expect(201);
        server.advance(Span::from_seconds(60)).await;
        step_up(&server, &ann, &[Proof::Code, Proof::Totp]).await;
        let who = user_and_app(&server, &ann).await;
        proves(&server, &who, &app.shows(&server, 0), Window::Two).await.unwrap();
        assert_eq!(
            credentials(&server, &ann).await.iter().filter(|one| one["kind"] == "totp").count(),
            number + 1
        );
    }
    options(&server, &ann, &json!({})).await.refused(409, "too_many_credentials");
}

#[tokio::test]
async fn p21_p22_nothing_that_is_kept_shows_a_secret() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let asked = options(&server, &ann, &json!({})).await.expect(201);
    let app = Authenticator::scan(&asked);
    let added = confirm(&server, &ann, &asked.text("ceremony"), &app.shows(&server, 0)).await.expect(201);
    options(&server, &ann, &json!({})).await.refused(403, "stronger_sign_in_needed");
    let mut kept = Vec::new();
    for sql in
        ["SELECT * FROM credential", "SELECT * FROM ceremony", "SELECT * FROM event", "SELECT * FROM message"]
    {
        for row in server.query(sql).await {
            for cell in row {
                match cell {
                    Cell::Text(text) => kept.extend(text.into_bytes()),
                    Cell::Bytes(bytes) => kept.extend(bytes),
                    _ => {}
                }
            }
        }
    }
    let mut secrets = vec![app.secret.clone(), asked.text("secret").into_bytes(), b"Phone".to_vec()];
    for code in codes(&added) {
        secrets.push(code.replace('-', "").into_bytes());
        secrets.push(code.into_bytes());
    }
    assert!(kept.len() > 500);
    for secret in secrets {
        assert!(
            !kept.windows(secret.len()).any(|part| part == secret),
            "{}",
            String::from_utf8_lossy(&secret)
        );
    }
}

#[tokio::test]
async fn p22_recovery_codes_work_once_are_told_and_end_with_their_sheet() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    ann.own(&server, Method::POST, "/v1/me/credentials/recovery-codes")
        .await
        .refused(409, "no_second_factor");
    let (_, added) = enrol(&server, &ann).await;
    let who = user_and_app(&server, &ann).await;
    let sheet = codes(&added);
    assert_eq!(sheet.iter().collect::<std::collections::HashSet<_>>().len(), 10);
    while server.mailbox.take(ANN).is_some() {}
    server.outbox_is_empty().await;
    while server.mailbox.take(ANN).is_some() {}
    for (number, code) in sheet.iter().enumerate().take(3) {
        proves(&server, &who, &code.to_lowercase().replace('-', " "), Window::Two).await.unwrap();
        assert!(is_wrong(&proves(&server, &who, code, Window::Two).await), "once");
        let told = server.mail_to(ANN).await.mail.rendered.text;
        assert!(told.contains(&format!("Codes that are left: {}", 9 - number)), "{told}");
    }
    assert_eq!(credentials(&server, &ann).await[1]["left"], 7);
    step_up(&server, &ann, &[Proof::Code, Proof::RecoveryCode]).await;
    let other = sign_in(&server, ISSUER, BOB, "").await;
    let (_, of_bob) = enrol(&server, &other).await;
    assert!(is_wrong(&proves(&server, &who, &codes(&of_bob)[0], Window::Two).await), "another person's");
    let path = "/v1/me/credentials/recovery-codes?end_other_sessions=true";
    let renewed = codes(&ann.own(&server, Method::POST, path).await.expect(201));
    assert!(is_wrong(&proves(&server, &who, &sheet[9], Window::Two).await), "the former sheet is over");
    proves(&server, &who, &renewed[9], Window::Two).await.unwrap();
    assert_eq!(credentials(&server, &ann).await[1]["left"], 9);
}

#[tokio::test]
async fn p04_second_factors_have_one_budget_of_their_own() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let (app, added) = enrol(&server, &ann).await;
    let who = user_and_app(&server, &ann).await;
    server.advance(Span::from_seconds(60)).await;
    let wrong = "0123V-56789-ABCDE-FGHJK-MNPQR";
    for number in 0..50 {
        let typed = if number % 2 == 0 { "00000000" } else { wrong };
        assert!(is_wrong(&proves(&server, &who, typed, Window::Two).await), "{number}");
    }
    for typed in [app.shows(&server, 0), codes(&added)[0].clone()] {
        let refused = proves(&server, &who, &typed, Window::Two).await.unwrap_err();
        assert_eq!(refused, ApiError::Refused(Refusal::TooManyProofs { retry_after: Span::DAY }));
        assert_eq!(refused.code(), "too_many_attempts");
    }
    // Mailed codes are none of its business.
    sign_in(&server, ISSUER, ANN, "").await;
    server.advance(Span::DAY).await;
    proves(&server, &who, &app.shows(&server, 0), Window::Two).await.unwrap();
}

#[tokio::test]
async fn what_happens_to_factors_is_in_the_log_of_the_person() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let (app, _) = enrol(&server, &ann).await;
    let who = user_and_app(&server, &ann).await;
    server.advance(Span::from_seconds(60)).await;
    assert!(is_wrong(&proves(&server, &who, "00000000", Window::Two).await));
    proves(&server, &who, &app.shows(&server, 0), Window::Two).await.unwrap();
    let events = ann.own(&server, Method::GET, "/v1/me/events").await.expect(200).json();
    let told: Vec<(String, String)> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            (
                event["kind"].as_str().unwrap().to_owned(),
                event["method"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    for (kind, method) in [
        ("credential.added", "totp"),
        ("credential.added", "recovery_codes"),
        ("credential.failed", "totp"),
        ("credential.passed", "totp"),
    ] {
        assert!(told.contains(&(kind.to_owned(), method.to_owned())), "{kind} {method}: {told:?}");
    }
}

#[tokio::test]
async fn p38_a_cookie_alone_changes_no_factor() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let (_, added) = enrol(&server, &ann).await;
    let path = format!("{BASE}/{}", added.json()["credential"]["id"].as_str().unwrap());
    step_up(&server, &ann, &[Proof::Code, Proof::Totp]).await;
    for page in ["https://evil.example", "null", "https://club.example"] {
        for (method, path) in [
            (Method::DELETE, path.as_str()),
            (Method::PATCH, path.as_str()),
            (Method::POST, "/v1/me/credentials/recovery-codes"),
            (Method::POST, "/v1/me/credentials/totp/options"),
            (Method::GET, BASE),
        ] {
            ann.from(&server, page, method, path).await.refused(403, "origin_not_allowed");
        }
    }
    assert_eq!(credentials(&server, &ann).await.len(), 2);
}

/// Two nodes of a world, and somebody with an app and recovery codes.
async fn two_nodes(world: &World) -> ([Arc<TestServer>; 2], Browser, Authenticator, Vec<String>) {
    let nodes = [world.node_with(with_much).await, world.node_with(with_much).await].map(Arc::new);
    let ann = sign_in(&nodes[0], ISSUER, ANN, "").await;
    let (app, added) = enrol(&nodes[0], &ann).await;
    for node in &nodes {
        node.advance(Span::from_seconds(60)).await;
    }
    (nodes, ann, app, codes(&added))
}

/// Types a code fifty times at once, on both nodes; how often it was accepted.
async fn race(nodes: &[Arc<TestServer>; 2], who: &(User, Arc<App>), code: &str) -> usize {
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let (node, who, code) = (Arc::clone(&nodes[number % 2]), who.clone(), code.to_owned());
            tokio::spawn(async move { proves(&node, &who, &code, Window::Two).await })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => accepted += 1,
            // It lost every race and says nothing.
            Err(ApiError::Unavailable) => {}
            other => assert!(is_wrong(&other), "{other:?}"),
        }
    }
    accepted
}

async fn p21_of_fifty_uses_of_one_code_at_once_one_is_accepted(world: World) {
    let (nodes, ann, app, _) = two_nodes(&world).await;
    let who = user_and_app(&nodes[0], &ann).await;
    let code = app.shows(&nodes[0], 0);
    assert_eq!(race(&nodes, &who, &code).await, 1);
    let kept = nodes[0].server.store.credentials_of(who.0.id).await.unwrap();
    assert_eq!(kept[0].counter, step_at(nodes[0].now()));
    // Whoever sends a form twice is not locked out by it.
    nodes[0].advance(Span::from_seconds(60)).await;
    proves(&nodes[0], &who, &app.shows(&nodes[0], 0), Window::Two).await.unwrap();
}

async fn p21_a_step_stays_used_after_a_restart_and_on_every_node(world: World) {
    let ([first, second], ann, app, sheet) = two_nodes(&world).await;
    let who = user_and_app(&first, &ann).await;
    let code = app.shows(&first, 0);
    proves(&first, &who, &code, Window::Two).await.unwrap();
    proves(&first, &who, &sheet[4], Window::Two).await.unwrap();
    let third = world.node_with(with_much).await;
    for node in [&*second, &third] {
        for used in [&code, &sheet[4], &app.shows(node, -30)] {
            assert!(is_wrong(&proves(node, &who, used, Window::Two).await), "{used}");
        }
    }
}

async fn p22_of_fifty_uses_of_one_recovery_code_at_once_one_is_accepted(world: World) {
    let (nodes, ann, _, sheet) = two_nodes(&world).await;
    let who = user_and_app(&nodes[0], &ann).await;
    assert_eq!(race(&nodes, &who, &sheet[3]).await, 1);
    assert_eq!(credentials(&nodes[1], &ann).await[1]["left"], 9);
}

async fn p04_parallel_wrong_codes_are_counted_exactly(world: World) {
    let (nodes, ann, app, _) = two_nodes(&world).await;
    let who = user_and_app(&nodes[0], &ann).await;
    let tasks: Vec<_> = (0..120)
        .map(|number| {
            let (node, who) = (Arc::clone(&nodes[number % 2]), who.clone());
            tokio::spawn(async move { proves(&node, &who, "00000000", Window::Two).await })
        })
        .collect();
    let mut wrong = 0;
    for task in tasks {
        wrong += usize::from(is_wrong(&task.await.unwrap()));
    }
    assert!(wrong <= 50, "{wrong}");
    while is_wrong(&proves(&nodes[0], &who, "00000000", Window::Two).await) {
        wrong += 1;
    }
    assert_eq!(wrong, 50);
    for node in &nodes {
        let refused = proves(node, &who, &app.shows(node, 0), Window::Two).await;
        assert!(matches!(refused, Err(ApiError::Refused(Refusal::TooManyProofs { .. }))), "{refused:?}");
    }
}

async fn p20_of_many_enrolments_at_once_each_counts_and_none_is_one_too_many(world: World) {
    let nodes = [world.node_with(with_much).await, world.node_with(with_much).await].map(Arc::new);
    let ann = Arc::new(sign_in(&nodes[0], ISSUER, ANN, "").await);
    let mut asked = Vec::new();
    for _ in 0..8 {
        let options = options(&nodes[0], &ann, &json!({})).await.expect(201);
        asked.push((options.text("ceremony"), Authenticator::scan(&options).shows(&nodes[0], 0)));
    }
    let tasks: Vec<_> = asked
        .into_iter()
        .enumerate()
        .map(|(number, (ceremony, code))| {
            let (node, ann) = (Arc::clone(&nodes[number % 2]), Arc::clone(&ann));
            tokio::spawn(async move { confirm(&node, &ann, &ceremony, &code).await })
        })
        .collect();
    let mut added = 0;
    for task in tasks {
        let answer = task.await.unwrap();
        match answer.status.as_u16() {
            201 => added += 1,
            // The first one made it a two-factor account, and what was under way is over.
            403 => drop(answer.refused(403, "stronger_sign_in_needed")),
            410 => drop(answer.refused(410, "challenge_over")),
            _ => drop(answer.refused(503, "unavailable")),
        }
    }
    assert_eq!(added, 1);
    assert_eq!(credentials(&nodes[0], &ann).await.len(), 2);
}
