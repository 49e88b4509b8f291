//! Random orders of everything that may happen to a person's challenges, against a model of what must hold.

use proptest::{collection::vec, prelude::*};

use super::world::{Handed, World, wrong_code};
use crate::{
    app::Delivery,
    challenge::{Approval, Challenge, Proof, Purpose, State},
    contact::Failure,
    refusal::Refusal,
    time::{Span, Timestamp},
    token::SecretToken,
};

#[derive(Clone, Copy, Debug)]
enum Event {
    Start { confirm: bool, former: bool },
    Right,
    Wrong,
    RightByAddress,
    WrongByAddress,
    ApproveHere,
    ApproveNumber,
    ApproveWrongNumber,
    Redeem,
    Stolen,
    Wait(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (any::<bool>(), any::<bool>())
            .prop_map(|(confirm, former)| Event::Start { confirm, former }),
        2 => Just(Event::Right),
        6 => Just(Event::Wrong),
        1 => Just(Event::RightByAddress),
        4 => Just(Event::WrongByAddress),
        1 => Just(Event::ApproveHere),
        1 => Just(Event::ApproveNumber),
        1 => Just(Event::ApproveWrongNumber),
        2 => Just(Event::Redeem),
        1 => Just(Event::Stolen),
        2 => prop_oneof![0..5_i64, 0..700_i64, 0..90_000_i64].prop_map(Event::Wait),
    ]
}

/// What the test remembers by itself, to hold the rules against.
#[derive(Default)]
struct Model {
    handed: Vec<Handed>,
    proven: Vec<Proof>,
    failures: Vec<Failure>,
    in_a_row: u32,
}

impl Model {
    fn failed(&mut self, charge: usize, now: Timestamp) {
        if self.failures.last().is_some_and(|last| last.at + Span::DAY <= now) {
            self.in_a_row = 0;
        }
        self.failures.push(Failure { at: now, charge: u32::try_from(charge).unwrap() });
        self.in_a_row += 1;
    }

    fn proof(&mut self, world: &World, proof: Proof) {
        let of = self.handed.iter().find(|handed| handed.id == proof.challenge).unwrap();
        assert!(world.now < of.expires_at, "proven after its end");
        assert!(proof.assurance.proven_at <= world.now);
        assert!(self.proven.iter().all(|earlier| earlier.challenge != proof.challenge), "proven twice");
        assert_eq!(world.challenge(proof.challenge).state, State::Spent);
        self.proven.push(proof);
    }

    /// A code was held against `charge` live challenges.
    fn tried(&mut self, world: &World, tried: Result<Proof, Refusal>, charge: usize, wipes: bool) {
        match tried {
            Ok(proof) => {
                self.in_a_row = 0;
                self.proof(world, proof);
            }
            Err(Refusal::InvalidCode { .. }) => {
                self.failed(charge, world.now);
                if wipes {
                    assert!(world.live().is_empty(), "a wipe leaves nothing");
                }
            }
            Err(_) => {}
        }
    }

    fn check(&self, world: &World) {
        let contact = world.contact();
        let recent = |failures: &[Failure]| {
            let recent = failures.iter().filter(|failure| failure.at + Span::DAY > world.now);
            recent.copied().collect::<Vec<_>>()
        };
        assert_eq!(recent(&contact.failures), recent(&self.failures), "failures are counted exactly");
        assert_eq!(contact.failures_in_a_row, self.in_a_row);
        for challenge in world.live() {
            assert!(contact.live.contains(&challenge.id), "what lives is listed");
        }
        for proof in &self.proven {
            assert_eq!(world.challenge(proof.challenge).state, State::Spent, "spent stays spent");
        }
    }
}

/// How many of these a code is held against: a call is one guess at least.
fn codes(candidates: &[Challenge]) -> usize {
    candidates.iter().filter(|challenge| challenge.code.is_some()).count().max(1)
}

/// Whether `handed`'s own code must be taken now.
fn must_pass(world: &World, handed: &Handed, candidates: &[Challenge]) -> bool {
    let charge = u32::try_from(codes(candidates)).unwrap();
    handed.code.is_some()
        && candidates.iter().any(|challenge| challenge.id == handed.id)
        && world.contact().admit(charge, world.now).is_ok()
}

fn carry_out(event: Event, pick: usize, world: &mut World, model: &mut Model) {
    if let Event::Wait(seconds) = event {
        return world.wait(Span::from_seconds(seconds));
    }
    let picked = model.handed.len().checked_sub(1).map(|last| model.handed[last - pick % (last + 1)].clone());
    if let Event::Start { confirm, former } = event {
        let purpose = if confirm { Purpose::ConfirmAddress } else { Purpose::SignIn };
        let former = picked.filter(|_| former).map(|handed| handed.binding);
        model.handed.extend(world.start(purpose, former.as_ref()));
        return;
    }
    let Some(handed) = picked else { return };
    let live = world.live();
    let wipes = world.app.challenge.wipe_on_failure;
    let code = handed.code.clone().unwrap_or_else(wrong_code);
    match event {
        Event::Right | Event::Wrong => {
            let code = if matches!(event, Event::Right) { code } else { wrong_code() };
            let own: Vec<_> = live.iter().filter(|challenge| challenge.id == handed.id).cloned().collect();
            let must = matches!(event, Event::Right) && must_pass(world, &handed, &own);
            let tried = world.verify(&handed, &code);
            assert!(!must || tried.is_ok(), "{tried:?}");
            model.tried(world, tried, 1, wipes);
        }
        Event::RightByAddress | Event::WrongByAddress => {
            let right = matches!(event, Event::RightByAddress);
            let must = right && must_pass(world, &handed, &live);
            let tried = world.verify_by_address(&if right { code } else { wrong_code() });
            assert!(!must || tried.is_ok(), "{tried:?}");
            model.tried(world, tried, codes(&live), wipes);
        }
        Event::ApproveHere => approve(world, model, &handed, Approval::Binding(&handed.binding)),
        Event::ApproveNumber => approve(world, model, &handed, Approval::Number(handed.number)),
        Event::ApproveWrongNumber => approve(world, model, &handed, Approval::Number(handed.number ^ 1)),
        Event::Redeem => {
            if let Ok(proof) = world.redeem(&handed) {
                model.proof(world, proof);
            }
        }
        Event::Stolen => steal(world, &handed),
        Event::Start { .. } | Event::Wait(_) => {}
    }
}

fn approve(world: &mut World, model: &mut Model, handed: &Handed, approval: Approval<'_>) {
    let wrong = matches!(approval, Approval::Number(number) if number != handed.number);
    let approved = world.approve(handed.id, approval);
    assert!(!(wrong && approved.is_ok()), "a wrong number approves nothing");
    if approved.is_ok() {
        model.in_a_row = 0;
    }
}

/// Everything one can try without the binding: no answer but no, no change at all.
fn steal(world: &mut World, handed: &Handed) {
    let binding = SecretToken::parse(&"v".repeat(32)).unwrap();
    let thief = Handed { binding: binding.clone(), ..handed.clone() };
    let before = world.writes;
    let code = handed.code.clone().unwrap_or_else(wrong_code);
    assert_eq!(world.verify(&thief, &code), Err(Refusal::InvalidBinding));
    assert_eq!(world.redeem(&thief), Err(Refusal::InvalidBinding));
    let approved = world.approve(handed.id, Approval::Binding(&binding));
    assert!(matches!(approved, Err(Refusal::InvalidBinding | Refusal::ChallengeOver)));
    assert_eq!(world.writes, before, "a wrong binding changes nothing");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p03_p04_p05_hold_in_any_order(
        seed in any::<u64>(),
        delivery in prop_oneof![Just(Delivery::Code), Just(Delivery::Link), Just(Delivery::Both)],
        wipe in any::<bool>(),
        events in vec((event(), 0..4_usize), 1..160),
    ) {
        let (mut world, mut model) = (World::new(seed), Model::default());
        world.app.challenge.delivery = delivery;
        world.app.challenge.wipe_on_failure = wipe;
        for (event, pick) in events {
            carry_out(event, pick, &mut world, &mut model);
            model.check(&world);
        }
    }
}
