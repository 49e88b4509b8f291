//! What the log of events tells about a person, to whom, and for how long.

use countersign_domain::time::Span;
use http::Method;

use crate::{
    accounts::with_club,
    events::{ANN, all, cookie, look, verify},
    flow::sign_in,
    support::TestServer,
};

#[tokio::test]
async fn p40_people_read_their_own_events_and_nobody_elses() {
    let server = TestServer::with(with_club).await;
    let (ann, bob) = (cookie(&server, ANN).await, cookie(&server, "bob@mail.example").await);
    let mine = |cookie: &str| server.anybody().with("cookie", cookie).with("sec-fetch-site", "same-origin");
    let events = mine(&ann).get("/v1/me/events").await.expect(200).json();
    let items = events["items"].as_array().unwrap();
    let mut kinds: Vec<_> = items.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["challenge.passed", "session.started", "user.created"]);
    let started = items.iter().find(|event| event["kind"] == "session.started").unwrap();
    assert_eq!(started["details"]["device"], "Firefox on Linux", "{started}");
    let others = mine(&bob).get("/v1/me/events").await.expect(200).json();
    for event in others["items"].as_array().unwrap() {
        assert!(items.iter().all(|own| own["id"] != event["id"]), "{event}");
    }
    let newest = mine(&ann).get("/v1/me/events?limit=1").await.expect(200).json();
    assert_eq!(newest["items"][0]["id"], items[0]["id"]);
    let next = format!("/v1/me/events?limit=1&before={}", newest["next"].as_str().unwrap());
    assert_eq!(mine(&ann).get(&next).await.expect(200).json()["items"][0]["id"], items[1]["id"]);
    server.anybody().get("/v1/me/events").await.refused(401, "session_over");
    let page = mine(&ann).with("origin", "https://club.example");
    page.get("/v1/me/events").await.refused(403, "origin_not_allowed");
    for bad in ["limit=0", "limit=201", "limit=x", "before=x", "x=y"] {
        mine(&ann).get(&format!("/v1/me/events?{bad}")).await.expect(422);
    }
}

#[tokio::test]
async fn p40_an_erased_person_cannot_be_found_in_the_log_and_the_chain_is_whole() {
    let server = TestServer::with(with_club).await;
    let ann = cookie(&server, ANN).await;
    let erased = server.anybody().with("cookie", &ann).with("sec-fetch-site", "same-origin");
    erased.send(Method::DELETE, "/v1/me", "").await.expect(204);
    assert!(server.query("SELECT user_id FROM event_key").await.is_empty());
    let events = all(&server).await;
    let about: Vec<_> = events.iter().filter(|event| event.person.starts_with("user:")).collect();
    assert_eq!(about.len(), 4, "{about:?}");
    assert!(about.iter().all(|event| event.person == about[0].person), "one person, nobody knows who");
    look(&server).await;
    assert_eq!(verify(&server).await.unwrap().events, i64::try_from(events.len()).unwrap());
    // The same address is another person now.
    cookie(&server, ANN).await;
    let again = all(&server).await.pop().unwrap();
    assert_ne!(again.person, about[0].person);
}

#[tokio::test]
async fn p40_without_accounts_nobody_is_the_same_the_next_day() {
    let server = TestServer::new().await;
    let mut people = Vec::new();
    for (app, days) in [("shop", 0), ("shop", 0), ("shop", 1), ("forum", 0)] {
        // Events of one moment have no order.
        server.advance(Span::from_seconds(86_400 * days + 1)).await;
        sign_in(&server, app, ANN).await;
        let event = all(&server).await.pop().unwrap();
        assert_eq!((event.kind.as_str(), event.sealed.as_str()), ("challenge.passed", ""));
        people.push(event.person);
    }
    assert_eq!(people[0], people[1], "within a day");
    assert_ne!(people[1], people[2], "the next day");
    assert_ne!(people[2], people[3], "at another app");
    assert!(server.query("SELECT person FROM event_person").await.is_empty());
}
