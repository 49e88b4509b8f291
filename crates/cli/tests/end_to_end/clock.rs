//! The machine's clock jumps under the real binary, and while it is down: what expired, was spent or taken back stays so.

use std::{thread, time::Duration};

use crate::support::{
    fake_clock::FakeClock,
    http::Answer,
    person::MAIL,
    server::{Server, Setup},
    sink::Sink,
    wait_for,
};

const HOUR: i64 = 60;
/// The server notes the time that it acted upon at least as often.
const NOTED: Duration = Duration::from_millis(2500);

fn setup(sink: &Sink) -> Option<(Setup, FakeClock)> {
    let mut setup = Setup::new(sink.port);
    let clock = FakeClock::new(setup.folder.path())?;
    setup.variables = clock.variables();
    setup.app = "token_lifetime_seconds = 3600\n".to_owned();
    setup.more = "[retention]\nsweep_seconds = 1\n".to_owned();
    Some((setup, clock))
}

/// Somebody's challenge and its code, unused.
fn unused(server: &Server, sink: &Sink, address: &str) -> (Answer, String) {
    let started = server.client().start(address).unwrap();
    assert_eq!(started.status, 201, "{started:?}");
    (started, sink.mail_to(address, MAIL).unwrap().code())
}

fn token_works(server: &Server, sink: &Sink, address: &str) -> String {
    let token = server.client().sign_in(address, sink).text("access_token");
    assert_eq!(server.client().token_status(&token), 200, "a token just given is refused");
    token
}

#[test]
fn p02_p29_a_clock_set_back_brings_nothing_to_life() {
    let sink = Sink::start();
    let Some((setup, clock)) = setup(&sink) else { return };
    let mut server = setup.start();
    let client = server.client();
    let kept = token_works(&server, &sink, "kept@example.net");
    let revoked = token_works(&server, &sink, "revoked@example.net");
    assert_eq!(client.revoke(&revoked).unwrap().status, 200);
    let (tried, code) = unused(&server, &sink, "tried@example.net");
    let (untried, untried_code) = unused(&server, &sink, "untried@example.net");
    let holds = |server: &Server, when: &str| {
        let client = server.client();
        assert_eq!(client.verify_started(&tried, &code).unwrap().status, 410, "it expired, {when}");
        assert_eq!(client.token_status(&revoked), 401, "{when}");
        assert_eq!(client.token_status(&kept), 200, "{when}");
        token_works(server, &sink, &format!("new{}@example.net", when.replace(' ', ".")));
    };
    clock.off_by(11);
    holds(&server, "eleven minutes later");
    assert!(!warns(&server), "the clock only went on");
    clock.off_by(-HOUR);
    holds(&server, "set back");
    wait_for("a warning", MAIL, || warns(&server).then_some(()));
    wait_for("a line in the log", MAIL, || server.setup.log().contains("clock was set back").then_some(()));
    thread::sleep(NOTED);
    server.kill();
    server.start_again();
    holds(&server, "set back and killed");
    let late = server.client().verify_started(&untried, &untried_code).unwrap();
    assert_eq!(late.status, 410, "it expired unseen: {late:?}");
    assert!(warns(&server));
    assert!(server.setup.log().contains("clock is behind the database"), "{}", server.setup.log());
}

fn warns(server: &Server) -> bool {
    server.get("/readyz", &[]).unwrap().body.contains("clock:")
}

#[test]
fn p29_a_revocation_forgotten_in_the_future_does_not_set_its_token_free() {
    let sink = Sink::start();
    let Some((setup, clock)) = setup(&sink) else { return };
    let mut server = setup.start();
    let revoked = token_works(&server, &sink, "revoked@example.net");
    assert_eq!(server.client().revoke(&revoked).unwrap().status, 200);
    // Nobody asks for anything; what is past its time is purged, revocations of tokens that are over too.
    thread::sleep(NOTED);
    clock.off_by(3 * HOUR);
    thread::sleep(NOTED);
    server.kill();
    clock.off_by(0);
    server.start_again();
    assert_eq!(server.client().token_status(&revoked), 401);
    token_works(&server, &sink, "new@example.net");
}

#[test]
fn p29_keys_and_tokens_made_in_the_future_are_good_when_the_clock_is_right_again() {
    let sink = Sink::start();
    let Some((setup, clock)) = setup(&sink) else { return };
    clock.off_by(2 * HOUR);
    // Makes the database and its signing keys.
    setup.run(&["app", "list"]);
    clock.off_by(0);
    let mut server = setup.start();
    token_works(&server, &sink, "first@example.net");
    clock.off_by(5 * HOUR);
    let token = token_works(&server, &sink, "jane@example.net");
    server.kill();
    clock.off_by(0);
    server.start_again();
    assert_eq!(server.client().token_status(&token), 200, "given just before the server died");
    token_works(&server, &sink, "joe@example.net");
}

#[test]
fn p29_time_goes_on_under_a_clock_that_stands_still() {
    let sink = Sink::start();
    let Some((setup, clock)) = setup(&sink) else { return };
    clock.stop();
    let mut server = setup.start();
    let first = made_at(&server, &token_works(&server, &sink, "jane@example.net"));
    thread::sleep(NOTED);
    let second = made_at(&server, &token_works(&server, &sink, "joe@example.net"));
    assert!(second >= first + 2, "{first}, {second}");
    server.kill();
    server.start_again();
    let third = made_at(&server, &token_works(&server, &sink, "jim@example.net"));
    assert!(third >= second, "{second}, {third}");
}

/// `iat` of a token.
fn made_at(server: &Server, token: &str) -> i64 {
    let authorization = format!("Bearer {token}");
    let claims = server.get("/v1/token?audience=shop", &[("Authorization", &authorization)]).unwrap();
    claims.json()["iat"].as_i64().unwrap_or_else(|| panic!("{claims:?}"))
}
