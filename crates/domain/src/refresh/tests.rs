//! Families of refresh tokens: one branch lives, a copy ends it, and nothing usable follows from what is kept.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::changes::FlowChange;
use crate::{
    assurance::{Assurance, Method},
    id::UserId,
    realm::RealmName,
    subject::Subject,
    testing::{Mixer, Seeded},
    time::Span,
};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// A store of one session, and a policy.
struct World {
    session: Option<Session>,
    policy: SessionPolicy,
    app: AppName,
    now: Timestamp,
    revocations: usize,
}

impl World {
    fn new() -> Self {
        let mut random = Seeded::new(7);
        let policy = SessionPolicy::default();
        let app: AppName = "forum".parse().unwrap();
        let session = Session {
            id: SessionId::new(START, &mut random),
            realm: RealmName::default(),
            user: UserId::new(START, &mut random),
            app: app.clone(),
            subject: Subject::from_bytes([1; 24]),
            assurance: Assurance::of(Method::Code, START),
            holder: Holder::Refresh { generation: 1, rotated_at: START },
            sealed_device: None,
            created_at: START,
            used_at: START,
            idle_ends_at: START + policy.idle,
            expires_at: START + policy.absolute,
            version: 1,
        };
        Self { session: Some(session), policy, app, now: START, revocations: 0 }
    }

    fn token(&self, generation: u32) -> RefreshToken {
        let id = SessionId::new(START, &mut Seeded::new(7));
        RefreshToken::make(id, generation, &Mixer)
    }

    fn decide(&self, generation: u32) -> Decision<Result<Session, Refusal>> {
        let token = self.token(generation);
        assert!(token.is_genuine(&Mixer));
        refresh(&token, self.session.clone(), &self.app, &self.policy, self.now)
    }

    /// Applies all changes, or nothing when the session was written by somebody else.
    fn apply(&mut self, changes: Changes) -> bool {
        for change in changes.0 {
            match change {
                Change::Session(mut session) => {
                    if self.session.as_ref().is_none_or(|kept| kept.version != session.version) {
                        return false;
                    }
                    session.version += 1;
                    self.session = Some(session);
                }
                Change::SessionEnded(_) => self.session = None,
                Change::Revocation(_) => self.revocations += 1,
                Change::Flow(FlowChange::Dropped(_)) => {}
                other => panic!("a refresh never writes {other:?}"),
            }
        }
        true
    }

    /// The number of the token that is answered.
    fn refresh(&mut self, generation: u32) -> Result<u32, Refusal> {
        let decision = self.decide(generation);
        assert!(self.apply(decision.changes));
        decision.outcome.map(|session| newest(&session))
    }
}

fn newest(session: &Session) -> u32 {
    match session.holder {
        Holder::Refresh { generation, .. } => generation,
        other => panic!("no refresh token: {other:?}"),
    }
}

#[test]
fn p34_a_hundred_parallel_refreshes_leave_one_live_branch() {
    let mut world = World::new();
    let decisions: Vec<_> = (0..100).map(|_| world.decide(1)).collect();
    let mut answers = Vec::new();
    for decision in decisions {
        let mut decision = decision;
        while !world.apply(decision.changes) {
            decision = world.decide(1);
        }
        answers.push(decision.outcome.map(|session| newest(&session)));
    }
    assert_eq!(answers, vec![Ok(2); 100], "all have the same successor");
    assert_eq!(world.refresh(2), Ok(3), "and it is good");
}

#[test]
fn p34_a_spent_token_gives_the_same_successor_for_a_moment_and_then_ends_the_family() {
    let grace = SessionPolicy::default().refresh_grace;
    for (wait, expected) in [
        (Span::ZERO, Ok(2)),
        (grace - Span::from_millis(1), Ok(2)),
        (grace, Err(Refusal::SessionOver)),
        (Span::DAY, Err(Refusal::SessionOver)),
    ] {
        let mut world = World::new();
        world.now = world.now + Span::from_hours(1);
        assert_eq!(world.refresh(1), Ok(2));
        world.now = world.now + wait;
        assert_eq!(world.refresh(1), expected, "{wait:?}");
        assert_eq!(world.session.is_none(), expected.is_err());
        assert_eq!(world.revocations, usize::from(expected.is_err()), "its access tokens die with it");
        assert_eq!(world.refresh(2).is_ok(), expected.is_ok(), "the thief's and the owner's alike");
    }
}

#[test]
fn p34_the_one_before_the_last_ends_the_family_at_once() {
    let mut world = World::new();
    assert_eq!((world.refresh(1), world.refresh(2)), (Ok(2), Ok(3)));
    assert_eq!(world.refresh(1), Err(Refusal::SessionOver));
    assert_eq!(world.refresh(3), Err(Refusal::SessionOver));
}

#[test]
fn p27_idle_and_absolute_ends_are_kept() {
    let step = SessionPolicy::default().idle - Span::from_millis(1);
    let mut world = World::new();
    let (mut generation, end) = (1, START + world.policy.absolute);
    while world.now + step < end {
        world.now = world.now + step;
        assert_eq!(world.refresh(generation), Ok(generation + 1), "used in time");
        generation += 1;
    }
    world.now = end - Span::from_millis(1);
    assert!(world.refresh(generation).is_ok());
    world.now = end;
    assert_eq!(world.refresh(generation + 1), Err(Refusal::SessionOver), "too old, however much it was used");

    let mut idle = World::new();
    idle.now = START + idle.policy.idle;
    assert_eq!(idle.refresh(1), Err(Refusal::SessionOver));
}

#[test]
fn p32_another_app_another_kind_and_a_number_of_the_future_change_nothing() {
    let mut world = World::new();
    assert_eq!(world.refresh(2), Err(Refusal::SessionOver));
    let other: AppName = "shop".parse().unwrap();
    let refused = refresh(&world.token(1), world.session.clone(), &other, &world.policy, world.now);
    assert!(refused.outcome.is_err() && refused.changes.is_empty());
    let cookie = Session { holder: Holder::Cookie(Digest::new([0; 32])), ..world.session.clone().unwrap() };
    let refused = refresh(&world.token(1), Some(cookie), &world.app, &world.policy, world.now);
    assert!(refused.outcome.is_err() && refused.changes.is_empty());
    assert_eq!(world.refresh(1), Ok(2));
}

#[test]
fn p32_a_token_reads_as_it_was_written_and_no_byte_can_be_changed() {
    let token = World::new().token(1);
    let text = token.text();
    assert_eq!(RefreshToken::parse(&text), Ok(token));
    assert_eq!(text.len(), 90);
    for place in RefreshToken::PREFIX.len()..text.len() {
        let mut changed = text.clone();
        let other = if &text[place..=place] == "0" { "1" } else { "0" };
        changed.replace_range(place..=place, other);
        assert!(
            RefreshToken::parse(&changed).is_ok_and(|token| !token.is_genuine(&Mixer)) || changed != text
        );
        assert!(!RefreshToken::parse(&changed).is_ok_and(|token| token.is_genuine(&Mixer)), "place {place}");
    }
    for bad in ["", "cs_rt_", &text[1..], &text[..89], &format!("{text}0"), &text.replace("cs_rt_", "cs_sk_")]
    {
        assert!(RefreshToken::parse(bad).is_err(), "{bad}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Event {
    /// Somebody presents the token that is so many before the newest.
    Present(u32),
    /// Two present it at the same moment.
    Race(u32),
    Wait(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Present(0)),
        2 => (0..4_u32).prop_map(Event::Present),
        2 => (0..3_u32).prop_map(Event::Race),
        3 => prop_oneof![0..40_i64, 0..90_000_i64, 0..800_000_i64].prop_map(Event::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p34_at_most_one_branch_lives_in_any_order(events in vec(event(), 1..80)) {
        let mut world = World::new();
        let mut issued = 1;
        for event in events {
            let back = match event {
                Event::Wait(seconds) => {
                    world.now = world.now + Span::from_seconds(seconds);
                    continue;
                }
                Event::Present(back) | Event::Race(back) => back,
            };
            let presented = issued - back.min(issued - 1);
            let was_live = world.session.as_ref().is_some_and(|session| session.is_live(world.now));
            let late = matches!(event, Event::Race(_)).then(|| world.decide(presented));
            let answer = world.refresh(presented);
            if let Some(late) = late && !world.apply(late.changes) {
                let again = world.refresh(presented);
                prop_assert_eq!(again, answer, "who lost the race gets the same");
            }
            match answer {
                Ok(next) => {
                    prop_assert!(was_live);
                    prop_assert!(next == presented + 1, "the successor of what was presented");
                    prop_assert!(next == issued || next == issued + 1, "no second branch");
                    issued = next;
                }
                Err(_) if presented < issued && was_live => {
                    prop_assert!(world.session.is_none(), "a copy ends the family");
                }
                Err(_) => prop_assert!(!was_live, "the newest is refused only when all is over"),
            }
            if world.session.is_none() {
                for generation in 1..=issued {
                    prop_assert!(world.refresh(generation).is_err(), "what ended stays ended");
                }
            }
        }
    }
}
