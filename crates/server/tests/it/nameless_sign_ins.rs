//! Sign-ins that begin without a name: nothing of them is kept before a first proof, and yet each question is answered once,
//! where it was asked, in time.

use countersign_domain::{
    assurance::Level,
    id::{CeremonyId, SignInId},
    testing::Seeded,
    time::Span,
};
use countersign_server::config::Config;
use data_encoding::BASE64URL_NOPAD;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    passkeys::with_passkey,
    second_factors::with_much,
    sign_ins::{Walk, begin, sessions},
    support::{Answer, TestServer, World, authenticator::Device, backend::on_every_engine, settings::ISSUER},
};

const ANN: &str = "ann@mail.example";

on_every_engine! {
    p16_what_was_asked_at_one_node_is_answered_once_at_any
    p16_of_many_simultaneous_answers_to_what_is_not_kept_one_begins_a_session
}

/// Two apps that share their people.
fn with_two(config: &mut Config) {
    with_much(config);
    let mut other = config.apps.last().unwrap().clone();
    (other.name, other.keys) = ("choir".to_owned(), crate::support::settings::app("choir").keys);
    config.apps.push(other);
}

async fn options(walk: &Walk<'_>) -> Value {
    walk.step(json!({"method": "passkey_options"})).await.expect(202).json()["passkey"].clone()
}

async fn answer(walk: &Walk<'_>, credential: &Value) -> Answer {
    walk.step(json!({"method": "passkey", "credential": credential})).await
}

async fn rows(server: &TestServer) -> [usize; 2] {
    let ceremonies = server.query("SELECT id FROM ceremony").await.len();
    [server.query("SELECT id FROM pending_sign_in").await.len(), ceremonies]
}

async fn p16_what_was_asked_at_one_node_is_answered_once_at_any(world: World) {
    let (one, other) = (world.node_with(with_two).await, world.node_with(with_two).await);
    let (_, mut device) = with_passkey(&one, ANN).await;
    let before = rows(&one).await;
    let (walk, _) = begin(&one, &json!({})).await;
    let there = Walk { server: &other, id: walk.id.clone(), binding: walk.binding.clone() };
    let asked = options(&there).await;
    assert_eq!(rows(&one).await, before, "whoever only looks leaves nothing");
    let signed = device.get(ISSUER, &asked).await.unwrap();
    answer(&walk, &signed).await.expect(200);
    for walk in [&walk, &there] {
        answer(walk, &signed).await.refused(410, "ceremony_over");
    }
    // A wrong answer ends its question too.
    let asked = options(&walk).await;
    let right = device.get(ISSUER, &asked).await.unwrap();
    let mut wrong = right.clone();
    wrong["response"]["signature"] = json!("AAAA");
    answer(&there, &wrong).await.refused(401, "invalid_passkey");
    answer(&walk, &right).await.refused(410, "ceremony_over");
    assert_eq!(rows(&one).await, [before[0], before[1] + 2], "each answer is remembered");
    // Longer than it could come again at a node whose clock is behind, and not much longer.
    one.server.store.sweep(one.server.now() + Span::from_minutes(5)).await.unwrap();
    answer(&walk, &signed).await.refused(410, "ceremony_over");
    one.advance(Span::from_minutes(6)).await;
    one.server.store.sweep(one.server.now()).await.unwrap();
    assert_eq!(rows(&one).await, [0, 0]);
    answer(&walk, &signed).await.refused(410, "ceremony_over");
}

async fn p16_of_many_simultaneous_answers_to_what_is_not_kept_one_begins_a_session(world: World) {
    let server = world.node_with(with_two).await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let before = sessions(&server).await;
    let (walk, _) = begin(&server, &json!({})).await;
    let signed = device.get(ISSUER, &options(&walk).await).await.unwrap();
    let answers = join_all((0..20).map(|_| answer(&walk, &signed))).await;
    let taken = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((taken, sessions(&server).await), (1, before + 1));
}

#[tokio::test]
async fn p16_what_was_never_asked_there_is_no_question_and_leaves_nothing() {
    let server = TestServer::with(with_two).await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let (walk, _) = begin(&server, &json!({})).await;
    let (elsewhere, _) = begin(&server, &json!({})).await;
    let before = rows(&server).await;
    let asked = options(&walk).await;
    let challenge = BASE64URL_NOPAD.decode(asked["challenge"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(challenge.len(), 48, "16 that name the question, 32 that nobody can make");
    // Of another moment, of another question, cut, and longer.
    for place in [5, 15, 16, 47] {
        let mut made = challenge.clone();
        made[place] ^= 1;
        refused(&walk, &mut device, (&asked, &made)).await;
    }
    refused(&walk, &mut device, (&asked, &challenge[..47])).await;
    refused(&walk, &mut device, (&asked, &[challenge.as_slice(), &[0]].concat())).await;
    refused(&elsewhere, &mut device, (&asked, &challenge)).await;
    assert_eq!(rows(&server).await, before);
    let signed = device.get(ISSUER, &asked).await.unwrap();
    answer(&walk, &signed).await.expect(200);
}

async fn refused(walk: &Walk<'_>, device: &mut Device, (asked, challenge): (&Value, &[u8])) {
    let mut asked = asked.clone();
    asked["challenge"] = json!(BASE64URL_NOPAD.encode(challenge));
    let signed = device.get(ISSUER, &asked).await.unwrap();
    let refused = answer(walk, &signed).await;
    assert_eq!((refused.status.as_u16(), refused.text("code")), (410, "ceremony_over".to_owned()));
}

#[tokio::test]
async fn p16_it_is_answered_at_its_app_within_five_minutes_and_over_after_fifteen() {
    let server = TestServer::with(with_two).await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let (walk, _) = begin(&server, &json!({})).await;
    let signed = device.get(ISSUER, &options(&walk).await).await.unwrap();
    let step = json!({"method": "passkey", "credential": signed, "binding": walk.binding});
    let path = format!("/v1/sign-in/{}", walk.id);
    server.app("choir").post(&path, &step).await.refused(410, "sign_in_over");
    let (other, _) = begin(&server, &json!({})).await;
    let step = json!({"method": "passkey", "credential": signed, "binding": other.binding});
    server.app("club").post(&path, &step).await.refused(410, "sign_in_over");
    server.advance(Span::from_seconds(301)).await;
    answer(&walk, &signed).await.refused(410, "ceremony_over");
    let signed = device.get(ISSUER, &options(&walk).await).await.unwrap();
    server.advance(Span::from_seconds(299)).await;
    answer(&walk, &signed).await.expect(200);
    server.advance(Span::from_seconds(301)).await;
    walk.step(json!({"method": "passkey_options"})).await.refused(410, "sign_in_over");
}

#[tokio::test]
async fn p16_what_names_a_time_to_come_was_not_begun_and_not_asked_here() {
    let server = TestServer::with(with_two).await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    let (keys, app) = (&server.server.keys, server.server.app("club").unwrap());
    for (ahead, is_good) in [(0, true), (4, true), (6, false)] {
        let (at, random) = (server.now() + Span::from_seconds(ahead), &mut Seeded::new(9));
        let id = SignInId::new(at, random);
        let binding = keys.nameless_binding(id, &app, Level::Mailbox).expose().to_owned();
        let walk = Walk { server: &server, id: id.to_string(), binding };
        let begun = walk.step(json!({"method": "passkey_options"})).await;
        assert_eq!(begun.status, if is_good { 202 } else { 410 }, "{ahead}");
        let (walk, _) = begin(&server, &json!({})).await;
        let mut asked = options(&walk).await;
        let id = CeremonyId::new(at, random);
        let within: SignInId = walk.id.parse().unwrap();
        let rest = keys.nameless_challenge(id, (&app.realm, within.bytes()), "auth.example");
        let challenge = [id.bytes().as_slice(), rest.bytes()].concat();
        asked["challenge"] = json!(BASE64URL_NOPAD.encode(&challenge));
        let signed = device.get(ISSUER, &asked).await.unwrap();
        assert_eq!(answer(&walk, &signed).await.status, if is_good { 200 } else { 410 }, "{ahead}");
    }
}

#[tokio::test]
async fn p15_what_the_app_asked_for_stays_asked_for() {
    let server = TestServer::with(with_two).await;
    let (_, mut device) = with_passkey(&server, ANN).await;
    server.advance(Span::from_minutes(2)).await;
    // A session from a mailbox is not what was asked for: with a passkey it is.
    for acr in ["aal1", "aal2"] {
        let (walk, _) = begin(&server, &json!({"acr_values": [acr]})).await;
        walk.step(json!({"method": "mail"})).await.refused(422, "invalid_member");
        let signed = device.get(ISSUER, &options(&walk).await).await.unwrap();
        assert_eq!(answer(&walk, &signed).await.expect(200).text("acr"), "aal2");
    }
}
