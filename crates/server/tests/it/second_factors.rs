//! Apps that show codes, and recovery codes: how they come, that each code is good once, and how they go.

use std::sync::Arc;

use countersign_domain::{
    app::App,
    assurance::{Method as Proof, Methods},
    id::UserId,
    refusal::Refusal,
    time::Span,
    totp::{Digits, TotpAlgorithm, Window, step_at},
    user::User,
};
use countersign_server::{
    config::{Config, ProfileSetting},
    error::ApiError,
    keys::hotp,
    second_factors::{
        Attempt,
        enrolment::{Confirmed, Enrolment, Within},
        prove, prove_recovery,
        totp::TotpSecret,
        window,
    },
};
use countersign_store::engine::Value as Cell;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::with_club,
    sessions::{Browser, sign_in},
    support::{
        Answer, Caller, TestServer,
        settings::{ISSUER, publishable_key},
    },
};

pub(crate) const ANN: &str = "ann@mail.example";
pub(crate) const BOB: &str = "bob@mail.example";
pub(crate) const BASE: &str = "/v1/me/credentials";

/// The club, where a network may ask for much.
pub(crate) fn with_much(config: &mut Config) {
    with_club(config);
    config.limits.publishable_requests_per_network_per_minute = 10_000;
}

/// An authenticator app that has the secret.
#[derive(Clone)]
pub(crate) struct Authenticator {
    pub(crate) secret: Vec<u8>,
    algorithm: TotpAlgorithm,
    digits: Digits,
}

impl Authenticator {
    pub(crate) fn scan(options: &Answer) -> Self {
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

    /// One of the usual kind that has this secret.
    pub(crate) const fn with(secret: Vec<u8>) -> Self {
        Self { secret, algorithm: TotpAlgorithm::Sha1, digits: Digits::Six }
    }

    /// The code that it shows so many seconds from now.
    pub(crate) fn shows(&self, server: &TestServer, seconds: i64) -> String {
        let step = (server.now().seconds() + seconds).div_euclid(30);
        hotp(&self.secret, self.algorithm, self.digits, step).expose().to_owned()
    }
}

pub(crate) async fn options(server: &TestServer, person: &Browser, body: &Value) -> Answer {
    person.tell(server, Method::POST, &format!("{BASE}/totp/options"), body).await
}

pub(crate) async fn confirm(server: &TestServer, person: &Browser, ceremony: &str, code: &str) -> Answer {
    let body = json!({"ceremony": ceremony, "code": code, "label": "Phone", "with_recovery_codes": true});
    person.tell(server, Method::POST, &format!("{BASE}/totp"), &body).await
}

/// Adds an app; what was answered has recovery codes.
pub(crate) async fn enrol(server: &TestServer, person: &Browser) -> (Authenticator, Answer) {
    let options = options(server, person, &json!({})).await.expect(201);
    let app = Authenticator::scan(&options);
    let code = app.shows(server, 0);
    (app, confirm(server, person, &options.text("ceremony"), &code).await.expect(201))
}

/// Gives all sessions other proofs of this moment, as a step-up does.
pub(crate) async fn step_up(server: &TestServer, methods: &[Proof]) {
    let names = methods.iter().fold(Methods::NONE, |all, method| all.with(*method)).names();
    let now = server.now().millis();
    let sql = format!("UPDATE session SET method = '{names}', proven_at = {now}");
    server.spoil_any(sql.leak()).await;
}

pub(crate) async fn user_and_app(server: &TestServer, person: &Browser) -> (User, Arc<App>) {
    let id = person.answer.text("session").parse().unwrap();
    let session = server.server.store.session(id).await.unwrap().unwrap();
    let user = server.server.store.user(session.user).await.unwrap().unwrap();
    (user, server.server.app("club").unwrap())
}

/// Types a code of an app, or one of a sheet, where a second factor is asked for.
pub(crate) async fn proves(
    server: &TestServer,
    (user, app): &(User, Arc<App>),
    code: &str,
    window: Window,
) -> Result<(), ApiError> {
    let node = &server.server;
    let attempt = &Attempt { server: node, app, user, known_browser: None, window, now: node.now() };
    let method = if code.len() > 12 { Proof::RecoveryCode } else { Proof::Totp };
    let _lane = node.lanes.enter(&attempt.counters(method).digest).await;
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

pub(crate) fn is_wrong(outcome: &Result<(), ApiError>) -> bool {
    matches!(outcome, Err(ApiError::Refused(Refusal::InvalidCode { .. })))
}

/// What a person signs in with: apps before recovery codes.
pub(crate) async fn credentials(server: &TestServer, person: &Browser) -> Vec<Value> {
    let all = person.own(server, Method::GET, BASE).await.expect(200).json();
    let mut all = all["items"].as_array().unwrap().clone();
    all.sort_by_key(|one| one["kind"] == "recovery_codes");
    all
}

pub(crate) fn codes(answer: &Answer) -> Vec<String> {
    let all = answer.json();
    all["recovery_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// The code of the next mail that has one.
async fn next_code(server: &TestServer) -> String {
    loop {
        if let Some(code) = server.mail_to(ANN).await.find_code() {
            return code;
        }
    }
}

pub(crate) async fn server() -> TestServer {
    TestServer::with(with_much).await
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
async fn p21_the_strict_profile_takes_the_present_step_alone() {
    for (profile, expected, former) in
        [(ProfileSetting::Standard, Window::Two, true), (ProfileSetting::AsvsLevel3, Window::One, false)]
    {
        let server = TestServer::with(|config| config.server.profile = profile).await;
        let (node, realm) = (&server.server, "default".parse().unwrap());
        assert_eq!(window(node), expected);
        let user = UserId::new(server.now(), &mut *node.random());
        let within = Within { realm: &realm, id: &[1; 16], user };
        let totp = TotpSecret::draw(TotpAlgorithm::Sha1, Digits::Six, &mut *node.random());
        let enrolment = Enrolment::begin(node, within, totp.clone()).unwrap();
        for (back, good) in [(0, true), (1, former), (2, false)] {
            let code = hotp(totp.secret.expose(), totp.algorithm, totp.digits, step_at(server.now()) - back);
            let (answer, _) = enrolment.answer(node, code.expose(), server.now()).unwrap();
            assert_eq!(matches!(answer, Confirmed::Right(_)), good, "{profile:?} {back}");
        }
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
        step_up(&server, &[Proof::Code, Proof::Totp]).await;
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
    step_up(&server, &[Proof::Code, Proof::RecoveryCode]).await;
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
async fn p04_each_second_factor_has_a_budget_of_its_own() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let (app, added) = enrol(&server, &ann).await;
    let who = user_and_app(&server, &ann).await;
    server.advance(Span::from_seconds(60)).await;
    let wrong = "0123V-56789-ABCDE-FGHJK-MNPQR";
    let right = [app.shows(&server, 0), codes(&added)[0].clone()];
    // Whoever uses up the one leaves the other.
    for (typed, right) in ["00000000", wrong].into_iter().zip(right) {
        let mut tried = 0;
        while is_wrong(&proves(&server, &who, typed, Window::Two).await) {
            tried += 1;
        }
        assert!((50..=100).contains(&tried), "{tried} of {typed}");
        let refused = proves(&server, &who, &right, Window::Two).await.unwrap_err();
        assert_eq!(refused, ApiError::Refused(Refusal::TooManyProofs { retry_after: Span::DAY }));
        assert_eq!(refused.code(), "too_many_attempts");
    }
    // Another person has a budget of their own.
    let bob = sign_in(&server, ISSUER, BOB, "").await;
    let (of_bob, _) = enrol(&server, &bob).await;
    server.advance(Span::from_seconds(60)).await;
    let other = user_and_app(&server, &bob).await;
    proves(&server, &other, &of_bob.shows(&server, 0), Window::Two).await.unwrap();
    // Mailed codes are none of its business: the mailed one is right, though no longer enough.
    let page = server.calls(Caller::Publishable(publishable_key("club"), ISSUER));
    let started = page.start(ANN).await.expect(201);
    page.verify(&started, &next_code(&server).await).await.refused(401, "more_needed");
    server.advance(Span::DAY).await;
    proves(&server, &who, &app.shows(&server, 0), Window::Two).await.unwrap();
}
