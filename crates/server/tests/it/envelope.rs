//! The master key is replaced while people sign in: everything opens before, between and after, nothing stays sealed with
//! former keys, and who was not given the new key is told so.

use std::{sync::Arc, time::Duration};

use countersign_domain::{
    algorithm::Algorithm,
    changes::{Change, Changes},
    id::UserId,
    realm::RealmName,
    signing_key::Owner,
    time::Span,
    user::User,
};
use countersign_server::{
    accounts::{Profile, open_identifier, open_profile, seal_profile},
    envelope::{
        reseal::{Progress, look},
        rotate::rotate_master,
        status::{EnvelopeStatus, status},
    },
    keys::{Context, MasterKey, RootKey},
    wiring,
};

use crate::{
    accounts::with_club,
    flow::sign_in,
    support::{
        TestServer, World,
        backend::{OTHER_ROOT, on_every_engine},
        fixed, settings, wait_until,
    },
};

on_every_engine! {
    p33_the_master_key_is_replaced_while_people_sign_in
    p33_sealing_anew_goes_on_wherever_it_was_ended
    p33_what_a_sleeper_sealed_with_a_former_key_is_found_before_that_goes
}

fn other() -> RootKey {
    RootKey::parse(OTHER_ROOT).unwrap()
}

/// Users with a name each.
async fn people(server: &TestServer, count: usize) {
    for number in 0..count {
        sign_in(server, "club", &format!("person{number}@mail.example")).await;
    }
    for mut user in everybody(server).await {
        let profile = Profile { display_name: Some(user.id.to_string()), ..Profile::default() };
        user.sealed_profile = seal_profile(&server.server, &user, &profile).unwrap();
        server.server.store.commit(Changes(vec![Change::User(user)])).await.unwrap();
    }
}

async fn everybody(server: &TestServer) -> Vec<User> {
    let first = UserId::from_bytes([0; 16]);
    server.server.store.users_after(&RealmName::default(), first, 1000).await.unwrap()
}

/// Asserts that everything that is sealed opens at this node.
async fn everything_opens(server: &TestServer, count: usize) {
    let users = everybody(server).await;
    assert_eq!(users.len(), count);
    for user in users {
        let name = open_profile(&server.server, &user).unwrap().display_name;
        assert!(name.is_none_or(|name| name == user.id.to_string()));
        for identifier in server.server.store.identifiers_of(user.id).await.unwrap() {
            assert!(open_identifier(&server.server, &identifier).unwrap().ends_with("@mail.example"));
        }
    }
    assert!(server.server.key_ring.load().corrupt().is_empty());
}

async fn stands(server: &TestServer) -> EnvelopeStatus {
    status(&server.server).await.unwrap()
}

/// Whether no former key is kept.
fn has_no_former(status: &EnvelopeStatus) -> bool {
    status.sealing_keys.iter().all(|key| key.seals || key.number == 1)
}

/// Lets time pass and seals anew until nothing is left that former keys sealed; they are kept for a day.
async fn seal_anew(server: &TestServer, progress: &Progress) {
    let is_noted = || async {
        let (value, _) = server.server.store.fact("resealed").await.unwrap();
        let noted: serde_json::Value = serde_json::from_slice(&value.unwrap_or_default()).unwrap_or_default();
        noted["sealing"] == serde_json::json!(server.server.keys.sealing().sealing())
    };
    wait_until("everything is sealed anew", || async {
        server.advance(Span::from_minutes(2)).await;
        look(&server.server, progress).await.unwrap();
        stands(server).await.to_reseal == 0 && is_noted().await
    })
    .await;
    assert!(!has_no_former(&stands(server).await), "former keys stay for a day");
}

/// The same, and the day after it, until former keys are gone.
async fn seal_anew_and_forget(server: &TestServer) {
    let progress = Progress::default();
    seal_anew(server, &progress).await;
    server.advance(Span::DAY).await;
    wait_until("former keys are gone", || async {
        look(&server.server, &progress).await.unwrap();
        server.advance(Span::from_minutes(2)).await;
        has_no_former(&stands(server).await)
    })
    .await;
    assert_eq!(stands(server).await.to_reseal, 0);
}

/// Eight people more sign in while everything is sealed anew, which then comes to its end.
async fn sign_in_meanwhile(one: &TestServer) {
    let between = stands(one).await;
    assert!(between.to_reseal > 0, "{between:?}");
    everything_opens(one, 8).await;
    let signing = async {
        for number in 8..16 {
            sign_in(one, "club", &format!("person{number}@mail.example")).await;
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
    };
    let sealing = async {
        for _ in 0..10 {
            look(&one.server, &Progress::default()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::join!(signing, sealing);
    seal_anew_and_forget(one).await;
}

async fn p33_the_master_key_is_replaced_while_people_sign_in(world: World) {
    let one = world.node_with(with_club).await;
    let two = world.node_with(with_club).await;
    people(&one, 7).await;
    // Where a node has a database in memory to itself, the other one is told nothing.
    let beside = if one.server.is_shared() { &two } else { &one };
    let signing_key = || {
        one.server
            .key_ring
            .load()
            .newest(&Owner::Realm(RealmName::default()), Algorithm::EdDsa)
            .unwrap()
            .id
            .clone()
    };
    let signed_with = signing_key();
    let before = stands(&one).await;
    let rotated = rotate_master(&one.server, &other(), "/safe/master.key").await.unwrap();
    assert_eq!(rotated.id, MasterKey::new(&other()).id());
    assert!(rotate_master(&one.server, &other(), "again").await.is_err(), "in force already");
    everything_opens(&one, 7).await;
    everything_opens(beside, 7).await;
    // The other node was not given the new key, and learns the new sealing keys all the same.
    world.clock.advance(Span::from_seconds(11));
    wait_until("the other node seals with the new keys", || async {
        let (ours, theirs) = (one.server.keys.sealing(), beside.server.keys.sealing());
        ours.sealing() == theirs.sealing() && theirs.sealing() != vec![1]
    })
    .await;
    sign_in(beside, "club", "person7@mail.example").await;
    sign_in_meanwhile(&one).await;
    let after = stands(&one).await;
    assert_eq!(after.unreadable, 0);
    let former: Vec<u32> = before.sealing_keys.iter().map(|key| key.number).collect();
    assert!(
        after.sealing_keys.iter().all(|key| key.values == 0 || !former.contains(&key.number)),
        "{after:?}"
    );
    assert!(after.sealing_keys.iter().any(|key| key.realm.as_deref() == Some("default") && key.values > 0));
    everything_opens(&one, 16).await;
    everything_opens(beside, 16).await;
    // What was signed and who is who does not hang on it.
    assert_eq!(signing_key(), signed_with);
    let subject = sign_in(&one, "club", "person3@mail.example").await.text("subject");
    let refused =
        if one.server.is_shared() { rotate_master(&two.server, &other(), "").await.err() } else { None };
    assert!(refused.is_none_or(|error| error.to_string().contains(&rotated.id)));
    // A start with the former key says which one is needed; with that one it goes on.
    let system = (Arc::clone(&world.clock) as _, Arc::new(fixed::SeededEntropy::new(9)) as _);
    let store = one.server.store.clone();
    let told =
        wiring::assemble(settings::config(), store, &world.root(), system).await.err().unwrap().to_string();
    assert!(told.contains(&rotated.id) && told.contains("/safe/master.key"), "{told}");
    let world = world.with_root(OTHER_ROOT);
    let three = world.node_with(with_club).await;
    everything_opens(&three, 16).await;
    assert_eq!(sign_in(&three, "club", "person3@mail.example").await.text("subject"), subject);
}

async fn p33_sealing_anew_goes_on_wherever_it_was_ended(world: World) {
    let server = world.node_with(with_club).await;
    people(&server, 24).await;
    for (round, root) in [OTHER_ROOT, &OTHER_ROOT.replace("ff01", "fe01")].into_iter().enumerate() {
        rotate_master(&server.server, &RootKey::parse(root).unwrap(), "").await.unwrap();
        // No key goes while somebody may hold what it sealed.
        for _ in 0..2 {
            look(&server.server, &Progress::default()).await.unwrap();
        }
        let keys = stands(&server).await.sealing_keys;
        assert_eq!(keys.iter().filter(|key| key.number != 1).count(), 4, "{keys:?}");
        // Ended again and again, each time a little later.
        for micros in (0..40).map(|step| step * 400) {
            server.clock.advance(Span::from_seconds(11));
            let progress = Progress::default();
            let passing = look(&server.server, &progress);
            let _ended = tokio::time::timeout(Duration::from_micros(micros), passing).await;
        }
        everything_opens(&server, 24).await;
        seal_anew_and_forget(&server).await;
        everything_opens(&server, 24).await;
        let after = stands(&server).await;
        let generations: Vec<i64> =
            after.sealing_keys.iter().filter(|key| key.number != 1).map(|key| key.generation).collect();
        assert!(generations.iter().all(|generation| *generation == round as i64 + 2), "{after:?}");
    }
    // Signing keys too: a new one is made and the old one still signs.
    let ring = server.server.key_ring.load();
    assert!(ring.newest(&Owner::Realm(RealmName::default()), Algorithm::EdDsa).is_some());
    sign_in(&server, "forum", "ann@mail.example").await;
}

/// A process that slept writes what it had sealed before: hours after everything was sealed anew.
async fn p33_what_a_sleeper_sealed_with_a_former_key_is_found_before_that_goes(world: World) {
    let server = world.node_with(with_club).await;
    people(&server, 3).await;
    let asleep = world.node_with(with_club).await;
    let former = asleep.server.keys.sealing();
    rotate_master(&server.server, &other(), "").await.unwrap();
    let progress = Progress::default();
    seal_anew(&server, &progress).await;
    server.advance(Span::from_hours(23)).await;
    look(&server.server, &progress).await.unwrap();
    assert!(!has_no_former(&stands(&server).await), "not before a day is over");
    let user = everybody(&server).await.swap_remove(0);
    let place = Context { table: "realm_user", column: "sealed_profile", id: user.id.bytes() };
    let opened = server.server.keys.open(&place, user.sealed_profile.as_deref().unwrap()).unwrap();
    let key = former.current(Some("default"));
    let sealed = key.seal(&mut *server.server.random(), &place, opened.expose()).unwrap();
    let late = User { sealed_profile: Some(sealed), ..user };
    server.server.store.commit(Changes(vec![Change::User(late)])).await.unwrap();
    assert_eq!(stands(&server).await.to_reseal, 1);
    // By whoever looks next: what is known of it is in the database.
    server.advance(Span::from_hours(2)).await;
    let progress = Progress::default();
    look(&server.server, &progress).await.unwrap();
    // Where nodes share a database another one may have come to the end already.
    let between = stands(&server).await;
    assert!(between.to_reseal == 0 && between.unreadable == 0, "sealed anew first: {between:?}");
    wait_until("former keys are gone", || async {
        server.advance(Span::from_minutes(2)).await;
        look(&server.server, &progress).await.unwrap();
        has_no_former(&stands(&server).await)
    })
    .await;
    assert_eq!(stands(&server).await.unreadable, 0);
    everything_opens(&server, 3).await;
}
