//! The log of events: everything is told once, nobody is named, and nothing can be changed unseen.

use countersign_domain::{id::EventId, time::Span};
use countersign_server::{
    config::{Config, Part},
    events::{
        chain::{Deviation, Summary, Verifier},
        log::{EventLine, segment},
        sealer::Sealer,
    },
    wiring,
};
use countersign_store::EventFilter;
use http::Method;
use serde_json::json;

use crate::{
    accounts::{refresh, with_club},
    flow::sign_in,
    support::{
        Caller, TestServer, World,
        backend::on_every_engine,
        caller::Client,
        settings::{ISSUER, publishable_key},
    },
};

on_every_engine! {
    p40_everything_is_told_once_with_actor_outcome_and_request
    p40_what_was_changed_removed_or_added_shows
    p40_what_a_dead_process_left_is_signed_by_the_next
}

pub(crate) const ANN: &str = "ann@mail.example";
const FROM: EventId = EventId::from_bytes([0; 16]);
const TO: EventId = EventId::from_bytes([255; 16]);

pub(crate) async fn all(server: &TestServer) -> Vec<EventLine> {
    let filter = EventFilter { after: FROM, kind: None, app: None, realm: None };
    let events = server.server.store.events(filter, 1000).await.unwrap();
    events.iter().map(EventLine::from).collect()
}

/// Kind, outcome and method of what happened since the last call. Keys that the server made by itself are left out.
async fn told(server: &TestServer, seen: &mut Vec<String>) -> Vec<String> {
    let new = all(server).await.into_iter().filter(|event| !seen.contains(&event.id)).collect::<Vec<_>>();
    seen.extend(new.iter().map(|event| event.id.clone()));
    let of_people = new.iter().filter(|event| event.actor != "server");
    let mut told: Vec<_> = of_people
        .map(|event| {
            assert!(event.request_id.starts_with("req_"), "{event:?}");
            let actor = event.actor.split(':').next().unwrap_or_default();
            format!("{} {} {} {actor}", event.kind, event.outcome, event.method)
        })
        .collect();
    told.sort();
    told
}

/// The operator at the machine.
pub(crate) fn operator(server: &TestServer) -> Client {
    Client::new(wiring::service(&server.server, &[Part::Admin]), Caller::Anonymous)
}

async fn p40_everything_is_told_once_with_actor_outcome_and_request(world: World) {
    let server = world.node_with(with_club).await;
    let (mut seen, club) = (Vec::new(), server.app("club"));
    let started = club.start(ANN).await.expect(201);
    assert!(told(&server, &mut seen).await.is_empty(), "asking is no event");
    club.verify(&started, "AAAAAAA").await.refused(401, "invalid_code");
    assert_eq!(told(&server, &mut seen).await, ["challenge.failed failure code api_key"]);
    let code = server.mail_to(ANN).await.code();
    let first = club.verify(&started, &code).await.expect(200);
    let signed_in = [
        "challenge.passed success code api_key",
        "session.started success code api_key",
        "user.created success code api_key",
    ];
    assert_eq!(told(&server, &mut seen).await, signed_in);
    club.verify(&started, &code).await.refused(410, "challenge_over");
    assert!(told(&server, &mut seen).await.is_empty(), "nothing was guessed");

    let second = refresh(&server, &first.text("refresh_token")).await.expect(200);
    assert!(told(&server, &mut seen).await.is_empty(), "the session goes on");
    server.advance(Span::from_seconds(31)).await;
    refresh(&server, &first.text("refresh_token")).await.expect(400);
    assert_eq!(told(&server, &mut seen).await, ["session.refresh_reused failure  api_key"]);
    drop(second);

    let third = sign_in(&server, "club", ANN).await;
    assert_eq!(told(&server, &mut seen).await, signed_in[..2]);
    club.form("/oauth2/revoke", &format!("token={}", third.text("access_token"))).await.expect(200);
    assert_eq!(told(&server, &mut seen).await, ["token.revoked success token api_key"]);
    club.form("/oauth2/revoke", &format!("token={}", third.text("refresh_token"))).await.expect(200);
    assert_eq!(told(&server, &mut seen).await, ["session.ended success  api_key"]);

    let operator = operator(&server);
    let users = operator.get("/v1/admin/users").await.expect(200).json();
    let user = format!("/v1/admin/users/{}", users["items"][0]["id"].as_str().unwrap());
    for (status, kind) in [("disabled", "user.disabled"), ("active", "user.enabled")] {
        let body = json!({"status": status}).to_string();
        let json = operator.clone().with("content-type", "application/json");
        json.send(Method::PATCH, &user, &body).await.expect(200);
        assert_eq!(told(&server, &mut seen).await, [format!("{kind} success  operator")]);
    }
    operator.post("/v1/admin/apps", &json!({"name": "extra"})).await.expect(201);
    assert_eq!(told(&server, &mut seen).await, ["app.created success  operator"]);
    let made = operator.post("/v1/admin/apps/extra/keys", &json!({"kind": "secret"})).await.expect(201);
    assert_eq!(told(&server, &mut seen).await, ["api_key.created success secret operator"]);
    operator.post(&format!("/v1/admin/keys/{}/revoke", made.text("id")), &json!({})).await.expect(200);
    operator.post(&format!("/v1/admin/keys/{}/revoke", made.text("id")), &json!({})).await.expect(200);
    assert_eq!(told(&server, &mut seen).await, ["api_key.revoked success secret operator"]);
    operator.post("/v1/admin/apps/extra/disable", &json!({})).await.expect(200);
    assert_eq!(told(&server, &mut seen).await, ["app.disabled success  operator"]);
    operator.post("/v1/admin/revocations", &json!({"app": "club"})).await.expect(201);
    assert_eq!(told(&server, &mut seen).await, ["token.revoked success app operator"]);
    operator.send(Method::DELETE, &user, "").await.expect(200);
    assert_eq!(told(&server, &mut seen).await, ["user.erased success  operator"]);
    server.stop().await;
}

#[tokio::test]
async fn p40_what_people_do_with_their_accounts_is_told_once() {
    let server = TestServer::with(with_club).await;
    let (mut seen, mut cookies) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        cookies.push(cookie(&server, ANN).await);
    }
    let own = |cookie: &String| server.anybody().with("cookie", cookie).with("sec-fetch-site", "same-origin");
    let (ann, json) = (own(&cookies[0]), ("content-type", "application/json"));
    told(&server, &mut seen).await;
    ann.clone()
        .with(json.0, json.1)
        .send(Method::PATCH, "/v1/me", "{\"display_name\":\"Ann\"}")
        .await
        .expect(200);
    assert_eq!(told(&server, &mut seen).await, ["user.changed success  person"]);
    own(&cookies[1]).send(Method::DELETE, "/v1/session", "").await.expect(204);
    assert_eq!(told(&server, &mut seen).await, ["session.ended success  person"]);
    ann.send(Method::DELETE, "/v1/me/sessions?except=current", "").await.expect(204);
    assert_eq!(told(&server, &mut seen).await, ["session.all_ended success all_others person"]);
    // The cookie that comes along ends with the next sign-in.
    let page = server.calls(Caller::Publishable(publishable_key("club"), ISSUER)).with("cookie", &cookies[0]);
    let started = page.start(ANN).await.expect(201);
    page.verify(&started, &server.mail_to(ANN).await.code()).await.expect(200);
    let signed_in = [
        "challenge.passed success code api_key",
        "session.ended success sign_in api_key",
        "session.started success code api_key",
    ];
    assert_eq!(told(&server, &mut seen).await, signed_in);

    let linked = server.app("forum").start(ANN).await.expect(201);
    let link = server.mail_to(ANN).await.link();
    server.anybody().form(&link, "number=1").await.expect(200);
    assert_eq!(told(&server, &mut seen).await, ["challenge.failed failure link person"]);
    server.anybody().form(&link, &format!("number={}", linked.text("confirmation_number"))).await;
    assert!(told(&server, &mut seen).await.is_empty(), "approved, and not passed yet");
    server.app("forum").redeem(&linked).await.expect(200);
    assert_eq!(told(&server, &mut seen).await, ["challenge.passed success link api_key"]);

    let operator = operator(&server);
    let users = operator.get("/v1/admin/users").await.expect(200).json();
    let user = format!("/v1/admin/users/{}", users["items"][0]["id"].as_str().unwrap());
    let disabled = operator.with(json.0, json.1);
    disabled.send(Method::PATCH, &user, "{\"status\":\"disabled\"}").await.expect(200);
    told(&server, &mut seen).await;
    let started = server.app("club").start(ANN).await.expect(201);
    let code = server.mail_to(ANN).await.code();
    server.app("club").verify(&started, &code).await.refused(403, "user_disabled");
    let refused = ["challenge.passed success code api_key", "sign_in.refused failure code api_key"];
    assert_eq!(told(&server, &mut seen).await, refused);
}

pub(crate) async fn look(server: &TestServer) {
    server.advance(Span::from_minutes(3)).await;
    server.server.events.note_news();
    Sealer::default().look(&server.server).await.unwrap();
}

/// Goes along the whole chain as the command line does.
pub(crate) async fn verify(server: &TestServer) -> Result<Summary, Deviation> {
    let store = &server.server.store;
    let mut verifier = Verifier::new(server.server.keys.checkpoint_key().unwrap().public());
    let mut after = 0;
    while let Some(found) = segment(store, after).await.unwrap() {
        after = found.checkpoint.sequence;
        verifier.follow(found.checkpoint, &found.events)?;
    }
    let waiting = store.uncovered_events((FROM, TO), 1000).await.unwrap();
    verifier.finish(&waiting, Some(store.event_count(TO).await.unwrap()))
}

/// Three checkpoints, each over a wrong code and a sign-in.
pub(crate) async fn three_checkpoints(server: &TestServer) {
    for _ in 0..3 {
        server.advance(Span::from_seconds(10)).await;
        let club = server.app("club");
        let started = club.start(ANN).await.expect(201);
        club.verify(&started, "AAAAAAA").await.expect(401);
        server.advance(Span::from_seconds(10)).await;
        club.verify(&started, &server.mail_to(ANN).await.code()).await.expect(200);
        look(server).await;
    }
}

/// What somebody with the database may try, the last checkpoint first, so that each is the first that is found.
async fn p40_what_was_changed_removed_or_added_shows(world: World) {
    let server = world.node_with(with_club).await;
    three_checkpoints(&server).await;
    let good = verify(&server).await.unwrap();
    assert_eq!((good.checkpoints, good.waiting), (3, 0));
    let events = all(&server).await;
    assert_eq!(good.events, i64::try_from(events.len()).unwrap());

    server
        .spoil("DELETE FROM event WHERE id = (SELECT id FROM (SELECT id FROM event ORDER BY id DESC LIMIT 1) newest)")
        .await;
    assert!(matches!(verify(&server).await, Err(Deviation::Count { sequence: 3, .. })), "removed at the end");
    // The failures of the second checkpoint: one more of them, as if it had always been there.
    server
        .spoil(
            "INSERT INTO event (id, node, kind, outcome, realm, app, actor, person, is_user, target, method, request, \
             sealed, mac) SELECT request, node, kind, outcome, realm, app, actor, person, is_user, target, method, \
             request, sealed, mac FROM event WHERE kind = 'challenge.failed' AND id IN \
             (SELECT first_id FROM event_checkpoint WHERE sequence = 2)",
        )
        .await;
    assert!(matches!(verify(&server).await, Err(Deviation::Count { sequence: 2, .. })), "added");
    server.spoil("UPDATE event SET outcome = 'failure' WHERE kind = 'user.created'").await;
    let first = verify(&server).await;
    assert!(matches!(first, Err(Deviation::Events { sequence: 1, .. })), "changed: {first:?}");
    server.spoil("UPDATE event_checkpoint SET covered = covered + 1 WHERE sequence = 1").await;
    assert_eq!(verify(&server).await, Err(Deviation::Signature(1)));
    server.spoil("DELETE FROM event_checkpoint WHERE sequence = 1").await;
    assert!(verify(&server).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn p40_no_checkpoint_can_be_taken_out_with_its_events_or_changed() {
    const FIRST: &str =
        "DELETE FROM event WHERE id <= (SELECT last_id FROM event_checkpoint WHERE sequence = 1)";
    const SECOND: &str = "DELETE FROM event WHERE id <= (SELECT last_id FROM event_checkpoint WHERE sequence = 2) \
                          AND id > (SELECT last_id FROM event_checkpoint WHERE sequence = 1)";
    const NONE: &str = "DELETE FROM event WHERE id IS NULL";
    for (events, sql, expected) in [
        (
            FIRST,
            "DELETE FROM event_checkpoint WHERE sequence = 1",
            Deviation::Beginning { signed: 1, found: 2 },
        ),
        (
            SECOND,
            "DELETE FROM event_checkpoint WHERE sequence = 2",
            Deviation::Missing { expected: 2, found: 3 },
        ),
        (NONE, "UPDATE event_checkpoint SET sequence = 4 WHERE sequence = 3", Deviation::Signature(4)),
        (NONE, "UPDATE event_checkpoint SET previous = events WHERE sequence = 3", Deviation::Signature(3)),
        (NONE, "UPDATE event_checkpoint SET oldest = 2 WHERE sequence = 3", Deviation::Signature(3)),
    ] {
        let server = TestServer::with(with_club).await;
        three_checkpoints(&server).await;
        server.spoil_any(events).await;
        server.spoil(sql).await;
        assert_eq!(verify(&server).await, Err(expected), "{sql}");
    }
}

/// The first two checkpoints with their events are gone; the sealer goes on, and purges what is past its time.
#[tokio::test]
async fn p40_a_log_that_lost_its_beginning_never_becomes_whole() {
    const EVENTS: &str =
        "DELETE FROM event WHERE id <= (SELECT last_id FROM event_checkpoint WHERE sequence = 2)";
    let server = TestServer::with(|config: &mut Config| {
        with_club(config);
        config.events.retention_days = 1;
    })
    .await;
    three_checkpoints(&server).await;
    server.spoil_any(EVENTS).await;
    server.spoil_any("DELETE FROM event_checkpoint WHERE sequence <= 2").await;
    let lost = async || match verify(&server).await {
        Err(Deviation::Beginning { signed: 1, found }) => found,
        other => panic!("it shows as {other:?}"),
    };
    assert_eq!(lost().await, 3);
    for span in [Span::from_seconds(10), Span::from_hours(25), Span::from_hours(25)] {
        server.advance(span).await;
        sign_in(&server, "club", ANN).await;
        look(&server).await;
        lost().await;
    }
    let newest = server.server.store.newest_checkpoint().await.unwrap().unwrap();
    assert!(newest.sequence > 5, "it went on: {newest:?}");
    assert!(lost().await > 4, "what is past its time is forgotten all the same");
}

#[tokio::test]
async fn p40_nothing_is_signed_or_purged_after_a_checkpoint_of_somebody_else() {
    for sql in [
        // As if the log had begun here.
        "UPDATE event_checkpoint SET oldest = 3 WHERE sequence = 3",
        // As if it were past its time.
        "UPDATE event_checkpoint SET made_at = 1 WHERE sequence = 1",
    ] {
        let server = TestServer::with(with_club).await;
        three_checkpoints(&server).await;
        server.spoil(sql).await;
        sign_in(&server, "club", ANN).await;
        server.advance(Span::from_minutes(3)).await;
        server.server.events.note_news();
        let looked = Sealer::default().look(&server.server).await.map_err(|error| error.to_string());
        assert!(looked.is_err_and(|error| error.contains("not signed by this server")), "{sql}");
        let there = server.server.store.checkpoints(0, 9).await.unwrap();
        assert_eq!(there.iter().map(|found| found.sequence).collect::<Vec<_>>(), [1, 2, 3], "{sql}");
    }
}

#[tokio::test]
async fn p40_an_event_that_this_server_did_not_write_is_never_signed() {
    let server = TestServer::with(with_club).await;
    sign_in(&server, "club", ANN).await;
    server.spoil("UPDATE event SET target = 'ses_another' WHERE kind = 'session.started'").await;
    look(&server).await;
    assert!(matches!(verify(&server).await, Err(Deviation::Count { .. } | Deviation::Events { .. })));
}

async fn p40_what_a_dead_process_left_is_signed_by_the_next(world: World) {
    let dead = world.node_with(with_club).await;
    sign_in(&dead, "club", ANN).await;
    let left = all(&dead).await.len();
    let server = world.node_with(with_club).await;
    server.advance(Span::from_hours(2)).await;
    let mut sealer = Sealer::default();
    sealer.look(&server.server).await.unwrap();
    let found = verify(&server).await.unwrap();
    assert!(found.events >= i64::try_from(left).unwrap() && found.waiting == 0, "{found:?}");
    // Both go on at once, and none loses its place in the chain.
    sign_in(&server, "club", ANN).await;
    sign_in(&dead, "club", ANN).await;
    look(&dead).await;
    look(&server).await;
    let found = verify(&server).await.unwrap();
    assert_eq!(found.events, i64::try_from(all(&server).await.len()).unwrap());
    dead.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn p40_what_is_purged_ends_at_a_checkpoint_and_the_rest_is_whole() {
    let server = TestServer::with(|config: &mut Config| {
        with_club(config);
        config.events.retention_days = 1;
    })
    .await;
    three_checkpoints(&server).await;
    let before = all(&server).await;
    server.advance(Span::from_hours(25)).await;
    sign_in(&server, "club", ANN).await;
    look(&server).await;
    let found = verify(&server).await.unwrap();
    let kept = all(&server).await;
    assert!(kept.iter().all(|event| !before.iter().any(|old| old.id == event.id)), "purged");
    assert_eq!(found.events, i64::try_from(kept.len()).unwrap());
    assert!(found.checkpoints < 4, "the former end stays until the next look: {found:?}");
}

/// Signs in as a page of the club does: with a cookie.
pub(crate) async fn cookie(server: &TestServer, address: &str) -> String {
    let page = server.calls(Caller::Publishable(publishable_key("club"), ISSUER));
    let started = page.start(address).await.expect(201);
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let page = page.with("user-agent", agent);
    let passed = page.verify(&started, &server.mail_to(address).await.code()).await.expect(200);
    passed.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}
