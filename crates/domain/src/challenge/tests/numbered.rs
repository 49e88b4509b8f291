//! The numbered properties of challenges, one by one.

use super::world::{Handed, World, wrong_code};
use crate::{
    app::Delivery,
    challenge::{Approval, Attempt, Purpose, State, Status, verify},
    changes::Change,
    contact::{GUESSES_IN_A_ROW, MOST_LIVE, SENDS_EVERYWHERE},
    refusal::Refusal,
    testing::Mixer,
    time::Span,
    vault::Vault,
};

const SECOND: Span = Span::from_seconds(1);

fn world(delivery: Delivery) -> World {
    let mut world = World::new(1);
    world.app.challenge.delivery = delivery;
    world
}

#[test]
fn p02_codes_and_links_work_until_their_life_is_over_and_not_after() {
    for (purpose, life) in
        [(Purpose::SignIn, Span::from_minutes(10)), (Purpose::ConfirmAddress, Span::from_hours(24))]
    {
        let started = || {
            let mut world = world(Delivery::Both);
            let handed = world.start(purpose, None).unwrap();
            (world, handed)
        };
        let (mut early, handed) = started();
        early.wait(life - SECOND);
        let code = handed.code.clone().unwrap();
        assert_eq!(early.clone().verify(&handed, &code).unwrap().purpose, purpose);
        assert!(early.clone().verify_by_address(&code).is_ok());
        assert_eq!(early.approve(handed.id, Approval::Number(handed.number)), Ok(()));
        assert_eq!(early.clone().redeem(&handed).unwrap().purpose, purpose);
        early.wait(Span::from_seconds(2));
        assert_eq!(early.redeem(&handed), Err(Refusal::ChallengeOver), "approved in time, fetched too late");

        let (mut late, handed) = started();
        late.wait(life);
        late.wait(SECOND);
        let code = handed.code.clone().unwrap();
        assert_eq!(late.verify(&handed, &code), Err(Refusal::ChallengeOver));
        assert_eq!(late.verify_by_address(&code), Err(Refusal::ChallengeOver));
        for approval in [Approval::Number(handed.number), Approval::Binding(&handed.binding)] {
            assert_eq!(late.approve(handed.id, approval), Err(Refusal::ChallengeOver));
        }
        assert_eq!(late.redeem(&handed), Err(Refusal::ChallengeOver));
        assert_eq!(late.challenge(handed.id).status(late.now), Status::Expired);
    }
}

#[test]
fn p03_of_many_decisions_from_the_same_read_one_commits() {
    let mut world = world(Delivery::Both);
    let handed = world.sign_in();
    let code = handed.code.clone().unwrap();
    let decisions = |world: &World, by_link: bool| {
        let each = (0..200).map(|turn| match (by_link, turn % 2) {
            (true, 0) => world.decide_redeem(&handed),
            (_, 1) => world.decide_by_address(&code),
            _ => world.decide_verify(&handed, &code, false),
        });
        each.collect::<Vec<_>>()
    };
    let mut approved = world.clone();
    approved.approve(handed.id, Approval::Binding(&handed.binding)).unwrap();
    for (mut world, by_link) in [(world, false), (approved, true)] {
        let mut committed = 0;
        for decision in decisions(&world, by_link) {
            assert!(decision.outcome.is_ok(), "each saw a live challenge");
            if world.apply(decision.changes).is_ok() {
                committed += 1;
            }
        }
        assert_eq!(committed, 1);
        assert_eq!(world.verify(&handed, &code), Err(Refusal::ChallengeOver));
        assert_eq!(world.verify_by_address(&code), Err(Refusal::ChallengeOver));
        assert_eq!(world.redeem(&handed), Err(Refusal::ChallengeOver));
        let spent = world.challenge(handed.id);
        assert_eq!((spent.state, spent.code), (State::Spent, None));
        assert_eq!((spent.sealed_address, spent.sealed_origin), (None, None));
    }
}

#[test]
fn p04_where_the_app_wipes_one_wrong_code_ends_all() {
    for (wipes, may_wipe, by_address, left) in [
        (true, true, false, 0),
        (true, true, true, 0),
        (true, false, false, MOST_LIVE),
        (false, true, false, MOST_LIVE),
        (false, true, true, MOST_LIVE),
    ] {
        let mut world = world(Delivery::Code);
        world.app.challenge.wipe_on_failure = wipes;
        let handed: Vec<Handed> = (0..MOST_LIVE).map(|_| world.sign_in()).collect();
        let decision = if by_address {
            world.decide_by_address(&wrong_code())
        } else {
            world.decide_verify(&handed[1], &wrong_code(), may_wipe)
        };
        assert!(matches!(decision.outcome, Err(Refusal::InvalidCode { .. })));
        world.apply(decision.changes).unwrap();
        assert_eq!(world.live().len(), left, "wipes {wipes}, may {may_wipe}, by address {by_address}");
        assert_eq!(world.listed().len(), left);
        assert_eq!(world.dropped.len(), MOST_LIVE - left, "mails that wait go with their challenges");
        assert_eq!(world.contact().failures_in_a_row, 1);
        for handed in &handed {
            let right = world.verify(handed, handed.code.as_ref().unwrap());
            assert_eq!(right.is_ok(), left > 0, "{right:?}");
        }
    }
}

#[test]
fn p04_failures_outlive_codes_and_lock_codes_but_not_links() {
    let mut world = world(Delivery::Code);
    // Not a divisor of the limit: the last challenge still lives when codes are locked.
    let tries = 7;
    world.app.challenge.tries = tries;
    let mut handed = world.sign_in();
    for guess in 0..GUESSES_IN_A_ROW {
        if guess > 0 && guess % tries == 0 {
            handed = world.sign_in();
        }
        let refused = world.verify(&handed, &wrong_code());
        assert_eq!(refused, Err(Refusal::InvalidCode { tries_left: tries - 1 - guess % tries }));
        assert_eq!(world.contact().failures_in_a_row, guess + 1, "new codes forgive nothing");
    }
    let code = handed.code.clone().unwrap();
    let newer = world.sign_in();
    assert!(newer.code.is_none() && newer.link.is_some(), "only links are mailed now");
    for refused in [world.verify(&handed, &code), world.verify_by_address(&code)] {
        assert_eq!(refused, Err(Refusal::TooManyAttempts { retry_after: Span::DAY }));
    }
    world.approve(newer.id, Approval::Binding(&newer.binding)).unwrap();
    assert!(world.redeem(&newer).is_ok());
    assert!(world.sign_in().code.is_some(), "a success gives codes back");
}

#[test]
fn p04_a_guess_at_all_codes_costs_the_chance_of_all() {
    let mut world = world(Delivery::Code);
    world.app.challenge.tries = 100;
    for _ in 0..MOST_LIVE {
        world.sign_in();
    }
    for _ in 0..33 {
        assert!(matches!(world.verify_by_address(&wrong_code()), Err(Refusal::InvalidCode { .. })));
    }
    assert!(matches!(world.verify_by_address(&wrong_code()), Err(Refusal::TooManyAttempts { .. })));
    assert_eq!(world.contact().failures.len(), 33);
}

#[test]
fn p04_among_nodes_a_right_code_fails_where_the_budget_was_used_up_meanwhile() {
    let mut world = world(Delivery::Code);
    let handed = world.sign_in();
    let attempt = |shared| Attempt {
        app: &world.app,
        code: handed.code.as_ref().unwrap(),
        may_wipe: false,
        shared,
        now: world.now,
    };
    let presented: (_, &dyn Vault) = (&handed.binding, &Mixer);
    for shared in [false, true] {
        let (challenge, contact) = (world.challenge(handed.id), world.contact());
        let decision = verify(&attempt(shared), challenge, Vec::new(), contact.clone(), presented);
        assert!(decision.outcome.is_ok());
        // The contact's version is what fails where another node has written it since.
        let written =
            decision.changes.0.iter().any(
                |change| matches!(change, Change::Contact(written) if written.version == contact.version),
            );
        assert_eq!(written, shared);
    }
}

#[test]
fn p04_a_challenge_survives_exactly_its_tries() {
    let mut world = world(Delivery::Code);
    let handed = world.sign_in();
    for left in (0..world.app.challenge.tries).rev() {
        assert_eq!(world.verify(&handed, &wrong_code()), Err(Refusal::InvalidCode { tries_left: left }));
    }
    assert_eq!(world.challenge(handed.id).state, State::Failed);
    assert_eq!(world.verify(&handed, handed.code.as_ref().unwrap()), Err(Refusal::ChallengeOver));
    assert!(world.listed().is_empty());
}

#[test]
fn p05_a_code_is_of_use_at_its_own_challenge_and_to_its_own_browser_only() {
    let mut world = world(Delivery::Both);
    let (one, other) = (world.sign_in(), world.sign_in());
    let code = one.code.clone().unwrap();
    assert!(matches!(world.verify(&other, &code), Err(Refusal::InvalidCode { .. })));

    let stolen = Handed { binding: other.binding.clone(), ..one.clone() };
    let before = world.writes;
    assert_eq!(world.verify(&stolen, &code), Err(Refusal::InvalidBinding));
    assert_eq!(world.approve(one.id, Approval::Binding(&other.binding)), Err(Refusal::InvalidBinding));
    world.approve(one.id, Approval::Number(one.number)).unwrap();
    let approved = world.writes;
    assert_eq!(world.redeem(&stolen), Err(Refusal::InvalidBinding));
    assert_eq!((world.writes, approved - before), (approved, 2), "a wrong binding writes nothing");

    let mut elsewhere = world.clone();
    elsewhere.app.name = "shop".parse().unwrap();
    let code = other.code.clone().unwrap();
    assert_eq!(elsewhere.decide_redeem(&other).outcome, Err(Refusal::ChallengeNotFound));
    let attempt =
        Attempt { app: &elsewhere.app, code: &code, may_wipe: true, shared: false, now: elsewhere.now };
    let presented: (_, &dyn Vault) = (&other.binding, &Mixer);
    let contact = world.contact();
    let refused = verify(&attempt, world.challenge(other.id), world.listed(), contact, presented);
    assert_eq!(refused.outcome, Err(Refusal::ChallengeNotFound), "another app's key opens nothing");
    assert!(refused.changes.is_empty());
    assert!(world.verify(&other, &code).is_ok());
    assert!(world.redeem(&one).is_ok());
}

#[test]
fn p05_asking_again_ends_the_older_and_no_other() {
    let mut world = world(Delivery::Code);
    let (first, second, third) = (world.sign_in(), world.sign_in(), world.sign_in());
    let again = world.start(Purpose::SignIn, Some(&third.binding)).unwrap();
    let listed: Vec<_> = world.contact().live;
    assert_eq!(listed, [first.id, second.id, again.id]);
    assert_eq!(world.dropped, [crate::id::MessageId::of(third.id)]);
    assert_eq!(world.verify(&third, third.code.as_ref().unwrap()), Err(Refusal::ChallengeOver));
    assert!(world.verify(&again, again.code.as_ref().unwrap()).is_ok());
}

#[test]
fn p05_at_most_three_live_and_the_oldest_goes() {
    let mut world = world(Delivery::Code);
    let mut handed = Vec::new();
    for count in 1..=10 {
        handed.push(world.sign_in());
        world.wait(SECOND);
        assert_eq!(world.live().len(), count.min(MOST_LIVE));
        let newest: Vec<_> = handed.iter().rev().take(MOST_LIVE).rev().map(|handed| handed.id).collect();
        assert_eq!(world.contact().live, newest);
    }
    world.wait(Span::from_minutes(10));
    world.sign_in();
    assert_eq!(world.contact().live.len(), 1, "what expired is listed no more");
}

#[test]
fn p07_another_browser_needs_the_number_and_gets_no_proof() {
    let mut world = world(Delivery::Link);
    let (handed, stranger) = (world.sign_in(), world.sign_in());
    assert!(handed.code.is_none() && handed.link.is_some());
    assert!((10..=99).contains(&handed.number));
    assert_eq!(world.redeem(&handed), Err(Refusal::NotApproved));
    let wrong = 10 + (handed.number - 10 + 1) % 90;
    let refused = world.approve(handed.id, Approval::Number(wrong));
    assert_eq!(refused, Err(Refusal::InvalidNumber { tries_left: 1 }));
    assert_eq!(world.redeem(&handed), Err(Refusal::NotApproved));

    let mut ended = world.clone();
    let refused = ended.approve(handed.id, Approval::Number(wrong));
    assert_eq!(refused, Err(Refusal::InvalidNumber { tries_left: 0 }));
    assert_eq!(ended.challenge(handed.id).state, State::Failed);
    assert_eq!(ended.approve(handed.id, Approval::Number(handed.number)), Err(Refusal::ChallengeOver));
    assert_eq!(ended.redeem(&handed), Err(Refusal::ChallengeOver));

    world.approve(handed.id, Approval::Number(handed.number)).unwrap();
    assert_eq!(world.challenge(handed.id).status(world.now), Status::Passed);
    let theft = Handed { binding: stranger.binding, ..handed.clone() };
    assert_eq!(world.redeem(&theft), Err(Refusal::InvalidBinding), "the approving browser gets nothing");
    assert_eq!(world.approve(handed.id, Approval::Number(handed.number)), Err(Refusal::ChallengeOver));
    let approved_at = world.now;
    world.wait(SECOND);
    let proof = world.redeem(&handed).unwrap();
    assert_eq!(proof.assurance.proven_at, approved_at);
}

#[test]
fn p11_beyond_the_limit_of_all_apps_nothing_is_sent_and_nothing_tells() {
    let mut world = world(Delivery::Both);
    let mut shapes = Vec::new();
    for sent in 0..=SENDS_EVERYWHERE {
        let handed = world.sign_in();
        assert_eq!(handed.deliver, sent < SENDS_EVERYWHERE, "mail {sent}");
        let kept = world.challenge(handed.id);
        shapes.push((
            handed.code.map(|code| code.expose().len()),
            handed.link.map(|link| link.expose().len()),
            (handed.expires_at, kept.state, kept.purpose, kept.subject, kept.version),
            world.listed().len().min(1),
        ));
    }
    assert_eq!(shapes.first(), shapes.last());
}

#[test]
fn p11_a_start_that_is_refused_writes_nothing() {
    let mut world = world(Delivery::Both);
    world.app.challenge.resend_pause = Span::from_seconds(30);
    world.sign_in();
    let before = world.writes;
    let refused = world.start(Purpose::SignIn, None).unwrap_err();
    assert_eq!(refused, Refusal::ResendTooSoon { retry_after: Span::from_seconds(30) });
    assert_eq!(world.writes, before);
}

#[test]
fn p11_every_start_writes_the_same_changes() {
    // The contact first, then what all apps share, then the challenge: the order that both commits wait in.
    let mut world = world(Delivery::Code);
    for _ in 0..MOST_LIVE {
        let before = world.writes;
        world.sign_in();
        assert_eq!(world.writes - before, 3);
    }
    let decision = world.decide_by_address(&wrong_code());
    assert!(matches!(decision.changes.0.first(), Some(Change::Contact(_))));
}
