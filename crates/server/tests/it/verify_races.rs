//! What `GET /verify/{app}` remembers is never older than what was acknowledged: revocations, erasures, names and
//! settings in any order beside checks.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use countersign_domain::{random::Random as _, testing::Seeded, time::Span};
use countersign_server::registry::{Registry, Stored};
use countersign_store::sqlite::Sqlite;
use http::Method;
use serde_json::json;

use crate::{
    accounts::CLUB,
    admin::local,
    sessions::{self, Browser},
    support::{TestServer, World, backend::on_every_engine, faulty::Faulty, wait_until},
    verify::{proxy, services},
};

on_every_engine! {
    p28_no_check_that_begins_after_a_sign_out_says_yes
    p28_checks_agree_with_a_model_whatever_happens_between_them
}

async fn status(server: &TestServer, cookie: &str) -> u16 {
    proxy(server).racing().with("cookie", cookie).get("/verify/notes").await.status.as_u16()
}

async fn p28_no_check_that_begins_after_a_sign_out_says_yes(world: World) {
    let server = Arc::new(world.node_with(services).await);
    for round in 0..10 {
        let person = sessions::sign_in(&server, CLUB, "ann@mail.example", "").await;
        assert_eq!(status(&server, &person.cookie).await, 200);
        let over = Arc::new(AtomicBool::new(false));
        let checks: Vec<_> = (0..4)
            .map(|_| {
                let (server, over, cookie) = (Arc::clone(&server), Arc::clone(&over), person.cookie.clone());
                tokio::spawn(async move {
                    let mut seen = Vec::new();
                    while !over.load(Ordering::SeqCst) {
                        let begun = Instant::now();
                        seen.push((begun, status(&server, &cookie).await));
                        tokio::task::yield_now().await;
                    }
                    seen
                })
            })
            .collect();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        person.from(&server, CLUB, Method::DELETE, "/v1/session").await.expect(204);
        let ended = Instant::now();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        over.store(true, Ordering::SeqCst);
        for check in checks {
            for (begun, status) in check.await.unwrap() {
                assert!(status == 200 || status == 404, "{status}");
                assert!(status == 404 || begun <= ended, "a yes that began after the end: round {round}");
            }
        }
        assert_eq!(status(&server, &person.cookie).await, 404);
    }
    let Ok(server) = Arc::try_unwrap(server) else { panic!("nobody asks any more") };
    server.stop().await;
}

/// An app is closed while somebody is looked for there who shows two things, of which the first is read for long.
#[tokio::test]
async fn p28_what_was_found_before_an_app_changed_is_not_remembered_after_it() {
    let engine = Faulty::new(Arc::new(Sqlite::memory().unwrap()));
    let server = Arc::new(World::on(Arc::clone(&engine) as _).node_with(services).await);
    let token = crate::flow::sign_in(&server, "notes", "ann@mail.example").await.text("access_token");
    let stored = Stored::read(&server.server.store).await.unwrap();
    let cookie = format!("__Host-countersign={}.{}", "0".repeat(26), "0".repeat(32));
    let asks = || {
        let client = proxy(&server).with("cookie", &cookie);
        client.with("authorization", &format!("Bearer {token}"))
    };
    let before = engine.counts()[0];
    engine.is_stalled.store(true, Ordering::SeqCst);
    let client = asks();
    let asked = tokio::spawn(async move { client.get("/verify/notes").await });
    wait_until("the session is looked for", || async { engine.counts()[0] > before }).await;
    let mut config = server.server.config.load().as_ref().clone();
    let notes = config.apps.iter_mut().find(|app| app.name == "notes").unwrap();
    notes.forward_auth.open = false;
    let node = &server.server;
    let registry = Registry::build(&config, stored, &node.keys).unwrap().after(&node.registry.load());
    node.registry.store(Arc::new(registry));
    node.epoch.advance();
    engine.is_stalled.store(false, Ordering::SeqCst);
    asked.await.unwrap();
    assert_eq!(asks().get("/verify/notes").await.status, 401, "nobody has a grant there any more");
}

/// Somebody, as they must be seen.
struct Model {
    address: String,
    id: String,
    is_active: bool,
    name: String,
    browsers: Vec<(Browser, bool)>,
}

async fn check(server: &TestServer, person: &Model, browser: usize) {
    let (browser, is_in) = &person.browsers[browser];
    let answer = proxy(server).with("cookie", &browser.cookie).get("/verify/notes").await;
    let expected = if *is_in && person.is_active { 200 } else { 404 };
    assert_eq!(answer.status, expected, "{}", person.address);
    if expected == 200 {
        assert_eq!(answer.header("remote-name"), person.name, "{}", person.address);
        assert_eq!(answer.header("remote-email"), person.address);
    }
}

async fn three_people(server: &TestServer) -> Vec<Model> {
    let mut people = Vec::new();
    for address in ["ann@mail.example", "bob@mail.example", "cat@mail.example"] {
        let browser = sessions::sign_in(server, CLUB, address, "").await;
        let me = browser.own(server, Method::GET, "/v1/me").await.expect(200);
        let (address, id) = (address.to_owned(), me.text("id"));
        let browsers = vec![(browser, true)];
        people.push(Model { address, id, is_active: true, name: String::new(), browsers });
    }
    people
}

async fn p28_checks_agree_with_a_model_whatever_happens_between_them(world: World) {
    let server = world.node_with(services).await;
    let mut random = Seeded::new(28);
    let mut draw = move |below: usize| usize::from(random.bytes::<1>()[0]) % below;
    let mut people = three_people(&server).await;
    for step in 0..150 {
        let person = draw(people.len());
        let person = &mut people[person];
        let browser = draw(person.browsers.len());
        let user = format!("/v1/admin/users/{}", person.id);
        let change = |body: serde_json::Value| {
            let client = local(&server).with("content-type", "application/json");
            let path = user.clone();
            async move { client.send(Method::PATCH, &path, &body.to_string()).await.expect(200) }
        };
        match draw(16) {
            0 if person.browsers[browser].1 && person.is_active => {
                person.browsers[browser]
                    .0
                    .from(&server, CLUB, Method::DELETE, "/v1/session")
                    .await
                    .expect(204);
                person.browsers[browser].1 = false;
            }
            1 if person.is_active && person.browsers.len() < 12 => {
                server.advance(Span::from_minutes(1)).await;
                // What they were told meanwhile.
                server.outbox_is_empty().await;
                while server.mailbox.take(&person.address).is_some() {}
                let fresh = sessions::sign_in(&server, CLUB, &person.address, "").await;
                person.browsers.push((fresh, true));
            }
            2 => {
                // Who is switched off is signed out for good.
                change(json!({"status": "disabled"})).await;
                person.is_active = false;
                person.browsers.iter_mut().for_each(|(_, is_in)| *is_in = false);
            }
            3 | 4 => {
                change(json!({"status": "active"})).await;
                person.is_active = true;
            }
            5 => {
                person.name = format!("name {step}");
                change(json!({"display_name": person.name})).await;
            }
            6 => countersign_server::maintenance::reload(&server.server).await.unwrap(),
            7 => server.advance(Span::from_minutes(4)).await,
            _ => {}
        }
        check(&server, person, browser).await;
        let (other, of) = (draw(people.len()), draw(64));
        check(&server, &people[other], of % people[other].browsers.len()).await;
    }
    server.stop().await;
}
