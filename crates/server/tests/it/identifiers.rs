//! What people are found by: addresses that count once they are proven, names that nobody else has, and the way back after
//! a theft.

use std::sync::Arc;

use countersign_domain::time::Span;
use http::Method;
use serde_json::{Value, json};

use crate::{
    accounts::with_club,
    sessions::{Browser, sign_in},
    support::{Answer, TestServer, World, backend::on_every_engine, settings::ISSUER},
};

on_every_engine! {
    one_of_many_has_a_username
    an_undo_works_once
}

const ANN: &str = "ann@mail.example";
const NEW: &str = "ann@new.example";
const BOB: &str = "bob@mail.example";

/// Begins to add an address; returns what the start answered.
async fn add(server: &TestServer, person: &Browser, address: &str) -> Answer {
    person.tell(server, Method::POST, "/v1/me/identifiers", &json!({"email": address})).await
}

/// Types the code that was mailed to a new address.
async fn confirm(
    server: &TestServer,
    person: &Browser,
    (started, address): (&Answer, &str),
    replaces: Option<&str>,
) -> Answer {
    let code = server.mail_to(address).await.code();
    let body = json!({"code": code, "binding": started.text("binding"), "replaces": replaces});
    let path = format!("/v1/me/identifiers/{}/verify", started.text("id"));
    person.tell(server, Method::POST, &path, &body).await
}

async fn identifiers(server: &TestServer, person: &Browser) -> Vec<Value> {
    let all = person.own(server, Method::GET, "/v1/me/identifiers").await.expect(200);
    all.json()["items"].as_array().unwrap().clone()
}

fn id_of(identifiers: &[Value], value: &str) -> String {
    let found = identifiers.iter().find(|known| known["value"] == value).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

/// Puts a new address in place of the only one; returns the path of the link that undoes it.
pub(crate) async fn change_address(server: &TestServer, person: &Browser) -> String {
    let old = id_of(&identifiers(server, person).await, ANN);
    let started = add(server, person, NEW).await.expect(202);
    confirm(server, person, (&started, NEW), Some(&old)).await.expect(200);
    let told = server.mail_to(ANN).await;
    assert!(told.mail.rendered.text.contains("a…@new.example takes the place"), "{told:?}");
    told.link()
}

async fn server() -> TestServer {
    TestServer::with(with_club).await
}

#[tokio::test]
async fn an_address_counts_once_it_is_proven_and_the_others_are_told() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let started = add(&server, &ann, NEW).await.expect(202);
    assert_eq!(identifiers(&server, &ann).await.len(), 1, "nothing is proven yet");
    let path = format!("/v1/me/identifiers/{}/verify", started.text("id"));
    let wrong = json!({"code": "000000", "binding": started.text("binding")});
    ann.tell(&server, Method::POST, &path, &wrong).await.refused(401, "invalid_code");
    let all = confirm(&server, &ann, (&started, NEW), None).await.expect(200);
    assert_eq!(all.json()["items"].as_array().unwrap().len(), 2);
    let told = server.mail_to(ANN).await;
    assert_eq!(told.find_code(), None);
    assert!(told.mail.rendered.text.contains("a…@new.example belongs to your account"), "{told:?}");
    server.no_mail_to(NEW).await;

    // Either of them signs in, as the same person.
    let second = sign_in(&server, ISSUER, NEW, "").await;
    assert_eq!(second.answer.text("subject"), ann.answer.text("subject"));
    let me = second.own(&server, Method::GET, "/v1/me").await.expect(200).json();
    assert_eq!(
        (me["emails"][0]["email"].as_str(), me["emails"][0]["primary"].as_bool()),
        (Some(ANN), Some(true))
    );
    let chosen = format!("/v1/me/identifiers/{}", id_of(&identifiers(&server, &ann).await, NEW));
    ann.tell(&server, Method::PATCH, &chosen, &json!({"primary": true})).await.expect(200);
    let me = second.own(&server, Method::GET, "/v1/me").await.expect(200).json();
    assert_eq!(me["emails"][0]["email"], NEW);
    assert_eq!(me["emails"].as_array().unwrap().iter().filter(|email| email["primary"] == true).count(), 1);
}

#[tokio::test]
async fn p12_adding_an_address_answers_the_same_for_a_user_s_and_a_stranger_s() {
    let server = TestServer::with(|config| {
        with_club(config);
        let club = config.apps.iter_mut().find(|app| app.name == "club").unwrap();
        club.sign_up = countersign_server::config::SignUpSetting::Open;
    })
    .await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    sign_in(&server, ISSUER, BOB, "").await;
    let mut answers = Vec::new();
    for address in [BOB, NEW] {
        let answer = add(&server, &ann, address).await.expect(202).json();
        let members: Vec<String> = answer.as_object().unwrap().keys().cloned().collect();
        answers.push((members, answer["expires_at"].clone(), answer["resend_after"].clone()));
        assert!(server.mail_to(address).await.find_code().is_some(), "both are asked");
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn p20_what_cannot_be_added_or_removed_is_refused() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    sign_in(&server, ISSUER, BOB, "").await;
    for body in [
        json!({}),
        json!({"email": NEW, "phone": "+4930901820"}),
        json!({"email": "ann@"}),
        json!({"phone": "030 901820"}),
        json!({"phone": "+49 30 901820 ext. 1"}),
    ] {
        assert_eq!(ann.tell(&server, Method::POST, "/v1/me/identifiers", &body).await.status, 422, "{body}");
    }
    // Whoever reads bob's mail may know that he is here, and nobody else: the start is the same for everybody.
    let started = add(&server, &ann, BOB).await.expect(202);
    confirm(&server, &ann, (&started, BOB), None).await.refused(409, "identifier_taken");
    let only = format!("/v1/me/identifiers/{}", id_of(&identifiers(&server, &ann).await, ANN));
    ann.own(&server, Method::DELETE, &only).await.refused(409, "last_way_in");

    let phone = json!({"phone": "+49 (30) 901-820"});
    let added = ann.tell(&server, Method::POST, "/v1/me/identifiers", &phone).await.expect(201);
    assert_eq!(added.text("value"), "+4930901820");
    assert!(added.json().get("verified_at").is_none(), "nothing was sent to it");
    ann.own(&server, Method::DELETE, &only).await.refused(409, "last_way_in");
    let bob = sign_in(&server, ISSUER, BOB, "").await;
    bob.tell(&server, Method::POST, "/v1/me/identifiers", &phone).await.expect(201);
    // Somebody else's identifier is nobody's here.
    ann.own(
        &server,
        Method::DELETE,
        &format!("/v1/me/identifiers/{}", id_of(&identifiers(&server, &bob).await, BOB)),
    )
    .await
    .refused(404, "not_found");
    server.advance(Span::from_minutes(11)).await;
    for answer in [
        add(&server, &ann, NEW).await,
        ann.own(&server, Method::DELETE, &only).await,
        ann.tell(&server, Method::PATCH, &only, &json!({"primary": true})).await,
        ann.own(&server, Method::GET, "/v1/me/export").await,
    ] {
        answer.refused(403, "fresh_sign_in_needed");
    }
}

#[tokio::test]
async fn p20_a_changed_address_is_told_and_can_bring_itself_back() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let undo = change_address(&server, &ann).await;
    assert!(ann.is_in(&server).await);
    let thief = sign_in(&server, ISSUER, NEW, "").await;
    assert_eq!(thief.answer.text("subject"), ann.answer.text("subject"));
    // The new address may not undo the repair: it gets no such link when it goes.
    server.advance(Span::from_hours(24)).await;
    for _ in 0..2 {
        let page = server.anybody().get(&undo).await.expect(200);
        assert!(String::from_utf8_lossy(&page.body).contains("Bring it back"));
    }
    assert!(thief.is_in(&server).await, "opening the link changes nothing");
    let done = server.anybody().form(&undo, "").await.expect(200);
    assert!(String::from_utf8_lossy(&done.body).contains("Your address is back"));
    for person in [&ann, &thief] {
        assert!(!person.is_in(&server).await, "all sessions ended");
    }
    for body in
        [server.anybody().form(&undo, "").await.expect(200), server.anybody().get(&undo).await.expect(200)]
    {
        assert!(String::from_utf8_lossy(&body.body).contains("This link is over"), "it works once");
    }
    let back = sign_in(&server, ISSUER, ANN, "").await;
    assert_eq!(back.answer.text("subject"), ann.answer.text("subject"));
    assert_eq!(identifiers(&server, &back).await.len(), 1);
    let stranger = sign_in(&server, ISSUER, NEW, "").await;
    assert_ne!(stranger.answer.text("subject"), ann.answer.text("subject"));
}

#[tokio::test]
async fn p20_bringing_an_address_back_leaves_a_thief_nothing_and_can_be_done_again() {
    let server = TestServer::with(crate::passwords::with_passwords).await;
    let thief = sign_in(&server, ISSUER, ANN, "").await;
    let chosen = json!({"password": crate::passwords::GOOD});
    thief.tell(&server, Method::PUT, "/v1/me/password", &chosen).await.expect(204);
    server.mail_to(ANN).await;
    // Whoever has a password types it before an address is changed.
    add(&server, &thief, NEW).await.refused(403, "stronger_sign_in_needed");
    crate::second_factors::step_up(
        &server,
        &[countersign_domain::assurance::Method::Code, countersign_domain::assurance::Method::Password],
    )
    .await;
    let undo = change_address(&server, &thief).await;
    server.anybody().form(&undo, "").await.expect(200);
    server.mail_to(NEW).await;
    for address in [ANN, NEW] {
        let tried = crate::passwords::sign_in(&server, address, crate::passwords::GOOD).await;
        tried.refused(401, "invalid_password");
    }
    // Stolen again, it has a way back again.
    let again = sign_in(&server, ISSUER, ANN, "").await;
    server.advance(Span::from_minutes(2)).await;
    let undo = change_address(&server, &again).await;
    server.anybody().form(&undo, "").await.expect(200);
    assert_eq!(identifiers(&server, &sign_in(&server, ISSUER, ANN, "").await).await.len(), 1);
}

#[tokio::test]
async fn an_undo_is_over_after_seven_days_and_nobody_else_s() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let undo = change_address(&server, &ann).await;
    let other = format!("{}0", &undo[..undo.len() - 1]);
    if other != undo {
        server.anybody().form(&other, "").await.expect(200);
    }
    assert!(ann.is_in(&server).await);
    server.advance(Span::from_hours(7 * 24)).await;
    server.anybody().form(&undo, "").await.expect(200);
    let back = sign_in(&server, ISSUER, ANN, "").await;
    assert_ne!(back.answer.text("subject"), ann.answer.text("subject"), "the address is free by now");
}

/// Of many who press the link at once one takes the change back.
async fn an_undo_works_once(world: World) {
    let server = Arc::new(world.node_with(with_club).await);
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let undo = change_address(&server, &ann).await;
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let (server, undo) = (Arc::clone(&server), undo.clone());
            tokio::spawn(async move { server.anybody().form(&undo, "").await.expect(200) })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done +=
            usize::from(String::from_utf8_lossy(&task.await.unwrap().body).contains("Your address is back"));
    }
    assert_eq!(done, 1);
    let back = sign_in(&server, ISSUER, ANN, "").await;
    assert_eq!(identifiers(&server, &back).await.len(), 1);
    Arc::into_inner(server).unwrap().stop().await;
}

/// Of many who take one name at once, in all its spellings, one has it.
async fn one_of_many_has_a_username(world: World) {
    let server = Arc::new(world.node_with(with_club).await);
    let mut people = Vec::new();
    for number in 0..12 {
        // As many as a network may ask for in a minute.
        server.advance(Span::from_seconds(10)).await;
        people.push(Arc::new(sign_in(&server, ISSUER, &format!("p{number}@mail.example"), "").await));
    }
    let spellings = ["Bobby", "bobby", "b0bby", "BOBBY"];
    let tasks: Vec<_> = people
        .iter()
        .zip(spellings.into_iter().cycle())
        .map(|(person, name)| {
            let (server, person) = (Arc::clone(&server), Arc::clone(person));
            let body = json!({ "username": name });
            tokio::spawn(async move { person.tell(&server, Method::PATCH, "/v1/me", &body).await })
        })
        .collect();
    let mut winners = 0;
    for task in tasks {
        match task.await.unwrap() {
            answer if answer.status == 200 => winners += 1,
            answer => assert_eq!(answer.outcome(), (409, "identifier_taken".to_owned())),
        }
    }
    assert_eq!(winners, 1);
    drop(people);
    Arc::into_inner(server).unwrap().stop().await;
}

#[tokio::test]
async fn a_name_is_given_changed_and_taken_away() {
    let server = server().await;
    let ann = sign_in(&server, ISSUER, ANN, "").await;
    let bob = sign_in(&server, ISSUER, BOB, "").await;
    let name = |name: Value| json!({ "username": name });
    for (person, wanted, status, shown) in [
        (&ann, json!("Ann-Lee"), 200, json!("ann-lee")),
        (&ann, json!("ANN-LEE"), 200, json!("ann-lee")),
        (&bob, json!("ann-1ee"), 409, json!(null)),
        (&bob, json!("not a name"), 422, json!(null)),
        (&ann, json!("ann"), 200, json!("ann")),
        (&bob, json!("ann-lee"), 200, json!("ann-lee")),
        (&bob, json!(null), 200, json!(null)),
    ] {
        let answer =
            person.tell(&server, Method::PATCH, "/v1/me", &name(wanted.clone())).await.expect(status);
        assert_eq!(answer.json()["username"], shown, "{wanted}");
    }
    let me = ann.tell(&server, Method::PATCH, "/v1/me", &json!({"display_name": "Ann"})).await.expect(200);
    assert_eq!(me.text("username"), "ann", "it stays where nothing is said of it");
}
