//! Property 12: who is known, and what happened to them, does not show in the time of an answer.

use std::time::Duration;

use countersign_domain::{
    challenge::{Challenge, State},
    changes::Change,
    contact::{Contact, MOST_LIVE, SENDS_EVERYWHERE},
    identifier::EmailAddress,
};
use serde_json::json;

use crate::{
    measure::{Bound, Class, assert_equal},
    world::{APP, World, binding, post},
};

/// Medians may differ by so much. Requests differ by far more from one to the next.
const BOUND: Bound = Bound::Share(Duration::from_micros(15), 13);

/// Where some of what is read is there to be parsed and some is not.
const UNDER_WAY_BOUND: Bound = Bound::Share(Duration::from_micros(25), 18);

/// Somebody new, or somebody with a past that `remember` writes.
async fn people(
    world: &World,
    class: Class,
    count: usize,
    remember: impl Fn(&EmailAddress) -> Vec<Change>,
) -> Vec<EmailAddress> {
    let people: Vec<_> = (0..count).map(|_| world.stranger()).collect();
    if class == Class::Other {
        world.keep(people.iter().flat_map(remember).collect()).await;
    }
    people
}

/// A past of one sign-in.
fn signed_in(world: &World, address: &EmailAddress) -> Vec<Change> {
    let mut contact = world.contact(Some(APP), address);
    let mut challenge = world.challenge(APP, contact.key.digest, address);
    (challenge.state, challenge.code) = (State::Spent, None);
    contact.live = vec![challenge.id];
    let contacts = [contact, world.contact(None, address)].map(Change::Contact);
    contacts.into_iter().chain([Change::ChallengeStarted(challenge)]).collect()
}

fn start(address: &EmailAddress) -> http::Request<axum::body::Body> {
    post("/v1/challenges", &json!({"to": {"email": address.canonical()}}))
}

#[tokio::test]
async fn p12_starting_takes_equally_long_for_people_known_and_unknown() {
    let world = &World::new().await;
    let known = |address: &EmailAddress| signed_in(world, address);
    let prepare =
        async |class, count| people(world, class, count, known).await.iter().map(start).collect::<Vec<_>>();
    let call = async |request| world.answer(request).await.0;
    assert_equal("start, known against unknown", BOUND, 201, prepare, call).await;
}

#[tokio::test]
async fn p12_starting_takes_equally_long_within_and_beyond_the_limit_of_all_apps() {
    let world = &World::new().await;
    let beyond = |address: &EmailAddress| {
        let mut everywhere = world.contact(None, address);
        everywhere.sends = vec![everywhere.sends[0]; SENDS_EVERYWHERE];
        vec![Change::Contact(everywhere)]
    };
    let prepare =
        async |class, count| people(world, class, count, beyond).await.iter().map(start).collect::<Vec<_>>();
    let call = async |request| world.answer(request).await.0;
    assert_equal("start, silenced against new", BOUND, 201, prepare, call).await;
}

/// One less than may live: the next ends none. One that ends the oldest writes two rows more, in all about 25 µs; that is
/// no news to whoever asks, since the limits of sending tell anybody how often an address was asked for of late.
#[tokio::test]
async fn p12_starting_takes_equally_long_with_and_without_challenges_under_way() {
    let world = &World::new().await;
    let waiting = |address: &EmailAddress| {
        let mut contact = world.contact(Some(APP), address);
        let challenges = (1..MOST_LIVE).map(|_| world.challenge(APP, contact.key.digest, address));
        let challenges: Vec<Challenge> = challenges.collect();
        contact.live = challenges.iter().map(|challenge| challenge.id).collect();
        let contacts = [contact, world.contact(None, address)].map(Change::Contact);
        contacts.into_iter().chain(challenges.into_iter().map(Change::ChallengeStarted)).collect()
    };
    let prepare =
        async |class, count| people(world, class, count, waiting).await.iter().map(start).collect::<Vec<_>>();
    let call = async |request| world.answer(request).await.0;
    assert_equal("start, two under way against new", UNDER_WAY_BOUND, 201, prepare, call).await;
}

#[tokio::test]
async fn p12_a_code_by_address_is_refused_equally_fast_for_people_asked_and_never_asked() {
    let world = &World::new().await;
    let asked = |address: &EmailAddress| signed_in(world, address);
    let prepare = async |class, count| {
        let people = people(world, class, count, asked).await;
        let body = |address: &EmailAddress| json!({"email": address.canonical(), "code": "123456"});
        people.iter().map(|address| post("/v1/verify", &body(address))).collect::<Vec<_>>()
    };
    let call = async |request| world.answer(request).await.0;
    assert_equal("verify by address, asked against never asked", BOUND, 410, prepare, call).await;
}

#[tokio::test]
async fn p12_a_wrong_code_is_refused_equally_fast_whatever_happened_to_the_person() {
    let world = &World::new().await;
    let body = &json!({"code": "654321", "binding": binding().expose()});
    let prepare = async |class, count| {
        let (mut requests, mut changes) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let address = world.stranger();
            let mut contact: Contact = world.contact(Some(APP), &address);
            if class == Class::Other {
                contact.sends = vec![contact.sends[0]; 8];
                (0..20).for_each(|_| contact.note_failure(1, contact.sends[0]));
            }
            let challenge = world.challenge(APP, contact.key.digest, &address);
            contact.live = vec![challenge.id];
            requests.push(post(&format!("/v1/challenges/{}/verify", challenge.id), body));
            changes.extend([Change::Contact(contact), Change::ChallengeStarted(challenge)]);
        }
        world.keep(changes).await;
        requests
    };
    let call = async |request| world.answer(request).await.0;
    assert_equal("wrong code, a long past against none", BOUND, 401, prepare, call).await;
}

#[tokio::test]
async fn p12_another_app_s_challenge_is_refused_as_fast_as_one_that_never_was() {
    let world = &World::new().await;
    let body = &json!({"code": "123456", "binding": binding().expose()});
    let prepare = async |class, count| {
        let address = world.stranger();
        let person = world.contact(Some("forum"), &address).key.digest;
        let foreign: Vec<_> = (0..count).map(|_| world.challenge("forum", person, &address)).collect();
        let ids: Vec<_> = match class {
            Class::One => (0..count).map(|_| world.unused_id()).collect(),
            Class::Other => foreign.iter().map(|challenge| challenge.id).collect(),
        };
        world.keep(foreign.into_iter().map(Change::ChallengeStarted).collect()).await;
        ids.iter().map(|id| post(&format!("/v1/challenges/{id}/verify"), body)).collect::<Vec<_>>()
    };
    let call = async |request| world.answer(request).await.0;
    assert_equal("verify, another app's against unknown", BOUND, 404, prepare, call).await;
}
