//! Property 13: how much of a guess is right does not show in the time of its refusal.

use std::{hint::black_box, time::Duration};

use countersign_domain::{
    api_key::{ApiKeyKind, ApiKeyText},
    app::App,
    assurance::{Assurance, Method},
    challenge::{self, Approval, Attempt, Challenge, Purpose},
    changes::Change,
    code::Code,
    contact::Contact,
    random::{Random, below},
    refusal::Refusal,
    secret::Digest,
    testing::Seeded,
    token::SecretToken,
    vault::Vault as _,
};
use countersign_server::tokens::{self, Grant};
use data_encoding::BASE64URL_NOPAD;

use crate::{
    measure::{Bound, Class, assert_equal, measure},
    settings,
    world::{APP, MAC_APP, World, binding, request},
};

/// For a whole request in memory.
const REQUEST_BOUND: Bound = Bound::Time(Duration::from_micros(5));
/// For a decision without any waiting.
const DECISION_BOUND: Bound = Bound::Time(Duration::from_nanos(500));
/// For [`TIMES`] comparisons: a nanosecond each.
const COMPARISON_BOUND: Bound = Bound::Time(Duration::from_nanos(100));
/// A single comparison is too short for a clock.
const TIMES: usize = 100;

/// A digest that is wrong in its first byte, or right up to its last.
fn wrong(digest: Digest, class: Class) -> Digest {
    let mut bytes = *digest.bytes();
    bytes[if class == Class::One { 0 } else { 31 }] ^= 1;
    Digest::new(bytes)
}

#[tokio::test]
async fn p13_digests_are_compared_in_a_time_that_does_not_depend_on_their_first_difference() {
    let secret = Digest::new(Seeded::new(1).bytes());
    let prepare = async |class, count| vec![wrong(secret, class); count];
    let compare = async |guess| (0..TIMES).filter(|_| black_box(&secret) == black_box(&guess)).count();
    assert_equal("100 comparisons of digests", COMPARISON_BOUND, 0, prepare, compare).await;

    // What the same measurement says of a comparison that stops where it knows.
    let stops = |one: &Digest, other: &Digest| one.bytes().iter().zip(other.bytes()).all(|(a, b)| a == b);
    let hasty = async |guess| (0..TIMES).filter(|_| stops(black_box(&secret), black_box(&guess))).count();
    let found = measure(COMPARISON_BOUND, 0, prepare, hasty).await;
    assert!(found.tells(), "a hasty comparison is not found: {found:?}");
}

/// Somebody's challenge, for decisions without a store.
struct Asked {
    app: std::sync::Arc<App>,
    challenge: Challenge,
    contact: Contact,
}

fn asked(world: &World) -> Asked {
    let address = world.stranger();
    let contact = world.contact(Some(APP), &address);
    let challenge = world.challenge(APP, contact.key.digest, &address);
    Asked { app: world.server.app(APP).unwrap(), challenge, contact }
}

#[tokio::test]
async fn p13_a_wrong_code_is_refused_equally_fast_however_much_of_it_fits() {
    let world = &World::new().await;
    let Asked { app, challenge, contact } = &asked(world);
    let (code, binding, keys) = (&Code::parse("123456").unwrap(), &binding(), &world.server.keys);
    let prepare = async |class, count| {
        let mut challenge = challenge.clone();
        challenge.code = Some(wrong(keys.code(challenge.id, code), class));
        vec![(challenge, contact.clone()); count]
    };
    let attempt = &Attempt { app, code, may_wipe: false, shared: false, now: world.now() };
    let decide = async |(challenge, contact)| {
        challenge::verify(attempt, challenge, Vec::new(), contact, (binding, keys)).outcome
    };
    let expected = Err(Refusal::InvalidCode { tries_left: 4 });
    assert_equal("a code", DECISION_BOUND, expected, prepare, decide).await;
}

#[tokio::test]
async fn p13_a_wrong_binding_is_refused_equally_fast_however_much_of_it_fits() {
    let world = &World::new().await;
    let Asked { app, challenge, contact } = &asked(world);
    let (code, binding, keys) = (&Code::parse("123456").unwrap(), &binding(), &world.server.keys);
    let prepare = async |class, count| {
        let mut challenge = challenge.clone();
        challenge.binding = wrong(keys.binding(binding), class);
        vec![(challenge, contact.clone()); count]
    };
    let now = world.now();
    let attempt = &Attempt { app, code, may_wipe: false, shared: false, now };
    let verify = async |(challenge, contact)| {
        challenge::verify(attempt, challenge, Vec::new(), contact, (binding, keys)).outcome.err()
    };
    let redeem = async |(challenge, _)| challenge::redeem(app, challenge, (binding, keys), now).outcome.err();
    let approve = async |(challenge, contact)| {
        challenge::approve(challenge, contact, Approval::Binding(binding), keys, now).outcome.err()
    };
    let expected = Some(Refusal::InvalidBinding);
    assert_equal("a binding beside a code", DECISION_BOUND, expected, prepare, verify).await;
    assert_equal("a binding that redeems", DECISION_BOUND, expected, prepare, redeem).await;
    assert_equal("a binding that approves", DECISION_BOUND, expected, prepare, approve).await;
}

/// Draws a guess at `text`: wrong in its first character, or right up to its last.
struct Guess<'a> {
    text: &'a str,
    class: Class,
    random: Seeded,
}

impl Random for Guess<'_> {
    fn fill(&mut self, bytes: &mut [u8]) {
        let value = |character: u8| if character < b'a' { character - b'0' } else { character - b'a' + 10 };
        for (byte, character) in bytes.iter_mut().zip(self.text.bytes()) {
            *byte = value(character);
        }
        let place = if self.class == Class::One { 0 } else { bytes.len() - 1 };
        bytes[place] ^= 1 + u8::try_from(below(&mut self.random, 31)).unwrap();
    }
}

fn guess(text: &str, class: Class) -> Guess<'_> {
    Guess { text, class, random: Seeded::new(78) }
}

#[tokio::test]
async fn p13_a_wrong_api_key_is_refused_equally_fast_however_much_of_it_fits() {
    let world = &World::new().await;
    let key = settings::secret_key(APP);
    let secret = &key[ApiKeyKind::Secret.prefix().len()..][..32];
    let path = &format!("/v1/challenges/{}", world.unused_id());
    let prepare = async |class, count| {
        let mut guess = guess(secret, class);
        let mut draw = || ApiKeyText::draw(ApiKeyKind::Secret, &mut guess);
        (0..count)
            .map(|_| request(http::Method::GET, path, draw().expose(), String::new()))
            .collect::<Vec<_>>()
    };
    let call = async |request| world.answer(request).await.0;
    assert_equal("an API key", REQUEST_BOUND, 401, prepare, call).await;
}

#[tokio::test]
async fn p13_a_wrong_link_is_refused_equally_fast_however_much_of_it_fits() {
    let world = &World::new().await;
    let (address, secret) = (world.stranger(), &binding());
    let contact = world.contact(Some(APP), &address);
    let mut challenge = world.challenge(APP, contact.key.digest, &address);
    challenge.link = Some(world.server.keys.link(secret));
    world.keep(vec![Change::Contact(contact), Change::ChallengeStarted(challenge)]).await;
    let prepare = async |class, count| {
        let mut guess = guess(secret.expose(), class);
        let mut path = || format!("/link/{}", SecretToken::draw(&mut guess).expose());
        (0..count).map(|_| request(http::Method::GET, &path(), "", String::new())).collect::<Vec<_>>()
    };
    let call = async |request| world.answer(request).await.0;
    let right = request(http::Method::GET, &format!("/link/{}", secret.expose()), "", String::new());
    let wrong = request(http::Method::GET, "/link/0", "", String::new());
    assert_ne!(world.answer(right).await, world.answer(wrong).await, "the link leads somewhere");
    assert_equal("a link", REQUEST_BOUND, 200, prepare, call).await;
}

#[tokio::test]
async fn p13_a_wrong_signature_is_refused_equally_fast_however_much_of_it_fits() {
    let world = &World::new().await;
    let app = world.server.app(MAC_APP).unwrap();
    let grant = Grant {
        purpose: Purpose::SignIn,
        subject: world.server.keys.subject(&app.sector, &world.stranger()),
        assurance: Assurance::of(Method::Code, world.now()),
        address: None,
        session: None,
    };
    let token = tokens::issue(&world.server, &app, &grant).unwrap().token;
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    assert_eq!(signature.len(), 32, "a MAC");
    let ask = |token: &str| request(http::Method::GET, "/v1/token", token, String::new());
    assert_eq!(world.answer(ask(&token)).await.0, 200);
    let prepare = async |class, count| {
        let mut random = Seeded::new(90);
        let mut forge = || {
            let mut signature = signature.clone();
            signature[if class == Class::One { 0 } else { 31 }] ^= 1 << below(&mut random, 8);
            format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
        };
        (0..count).map(|_| ask(&forge())).collect::<Vec<_>>()
    };
    let call = async |request| world.answer(request).await.0;
    assert_equal("a shared secret's signature", REQUEST_BOUND, 401, prepare, call).await;
}
