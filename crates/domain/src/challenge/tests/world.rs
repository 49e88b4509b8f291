//! A store reduced to maps, which applies changes as the real one does, and the verbs on top of it.

use std::collections::BTreeMap;

use crate::{
    app::{App, AppName},
    challenge::{
        Approval, Attempt, Challenge, Person, Proof, Purpose, Start, State, approve, redeem, start, verify,
        verify_by_address,
    },
    changes::{Change, Changes, Decision},
    code::Code,
    contact::{Contact, ContactKey, MOST_LIVE},
    id::{ChallengeId, MessageId},
    identifier::EmailAddress,
    random::Random as _,
    refusal::Refusal,
    testing::{Mixer, Seeded},
    time::{Span, Timestamp},
    token::SecretToken,
    vault::Vault,
};

pub(super) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// What a start hands out.
#[derive(Clone, Debug)]
pub(super) struct Handed {
    pub(super) id: ChallengeId,
    pub(super) code: Option<Code>,
    pub(super) link: Option<SecretToken>,
    pub(super) binding: SecretToken,
    pub(super) number: u8,
    pub(super) deliver: bool,
    pub(super) expires_at: Timestamp,
}

/// Somebody else wrote first.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Conflict;

/// One app, one person, everything that is kept of them.
#[derive(Clone)]
pub(super) struct World {
    pub(super) app: App,
    pub(super) address: EmailAddress,
    pub(super) now: Timestamp,
    random: Seeded,
    challenges: BTreeMap<ChallengeId, Challenge>,
    contacts: BTreeMap<Option<AppName>, Contact>,
    /// Waiting mails that were dropped.
    pub(super) dropped: Vec<MessageId>,
    /// How many changes were applied.
    pub(super) writes: usize,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut app = App::new("forum".parse().unwrap());
        app.challenge.resend_pause = Span::ZERO;
        app.challenge.sends_per_hour = 60;
        app.challenge.sends_per_day = 60;
        Self {
            app,
            address: EmailAddress::parse("ada@example.org").unwrap(),
            now: START,
            random: Seeded::new(seed),
            challenges: BTreeMap::new(),
            contacts: BTreeMap::new(),
            dropped: Vec::new(),
            writes: 0,
        }
    }

    pub(super) fn wait(&mut self, span: Span) {
        self.now = self.now + span;
    }

    pub(super) fn challenge(&self, id: ChallengeId) -> Challenge {
        self.challenges[&id].clone()
    }

    pub(super) fn contact(&self) -> Contact {
        self.contact_at(Some(self.app.name.clone()))
    }

    fn contact_at(&self, app: Option<AppName>) -> Contact {
        let digest = Mixer.contact(app.as_ref(), &self.address);
        self.contacts.get(&app).cloned().unwrap_or_else(|| Contact::fresh(ContactKey { app, digest }))
    }

    /// The challenges that the contact lists.
    pub(super) fn listed(&self) -> Vec<Challenge> {
        self.contact().live.iter().map(|id| self.challenge(*id)).collect()
    }

    /// The challenges that could still give a proof, listed or not.
    pub(super) fn live(&self) -> Vec<Challenge> {
        self.challenges.values().filter(|challenge| challenge.is_live(self.now)).cloned().collect()
    }

    /// Applies all changes or none, as a store does; what no store could notice is asserted.
    pub(super) fn apply(&mut self, changes: Changes) -> Result<(), Conflict> {
        let contact = changes.0.iter().position(|change| matches!(change, Change::Contact(_)));
        assert!(contact.is_none_or(|place| place == 0), "the contact comes first: {changes:?}");
        let mut next = self.clone();
        for change in changes.0 {
            next.apply_one(change)?;
            next.writes += 1;
        }
        assert!(next.live().len() <= MOST_LIVE, "more than three live");
        *self = next;
        Ok(())
    }

    fn apply_one(&mut self, change: Change) -> Result<(), Conflict> {
        match change {
            Change::Contact(mut contact) => {
                let kept = self.contact_at(contact.key.app.clone());
                assert_eq!(contact.key, kept.key);
                if kept.version != contact.version {
                    return Err(Conflict);
                }
                contact.version += 1;
                self.contacts.insert(contact.key.app.clone(), contact);
            }
            Change::ChallengeStarted(challenge) => {
                assert_eq!(challenge.version, 1);
                assert!(self.challenges.insert(challenge.id, challenge).is_none());
            }
            Change::Challenge(mut challenge) => {
                let kept = &self.challenges[&challenge.id];
                if kept.version != challenge.version {
                    return Err(Conflict);
                }
                assert!(
                    !matches!(kept.state, State::Spent | State::Failed),
                    "what ended is written again: {challenge:?}"
                );
                challenge.version += 1;
                self.challenges.insert(challenge.id, challenge);
            }
            Change::MessageDropped(id) => self.dropped.push(id),
            other => panic!("a challenge never writes {other:?}"),
        }
        Ok(())
    }

    /// Applies what was decided against the newest state, which cannot conflict.
    fn settle<T>(&mut self, decision: Decision<T>) -> T {
        assert_eq!(self.apply(decision.changes), Ok(()));
        decision.outcome
    }

    pub(super) fn start(
        &mut self,
        purpose: Purpose,
        former: Option<&SecretToken>,
    ) -> Result<Handed, Refusal> {
        let id = ChallengeId::new(self.now, &mut self.random);
        let person =
            Person { contact: self.contact(), everywhere: self.contact_at(None), live: self.listed() };
        let asked = Start {
            app: &self.app,
            id,
            address: &self.address,
            purpose,
            former_binding: former,
            sealed_address: Some(b"sealed address".to_vec()),
            sealed_origin: Some(b"sealed origin".to_vec()),
            now: self.now,
        };
        let mut random = Seeded::new(u64::from_be_bytes(self.random.bytes()));
        let started = self.settle(start(asked, person, &Mixer, &mut random))?;
        Ok(Handed {
            id,
            code: started.code,
            link: started.link,
            binding: started.binding,
            number: started.challenge.confirmation,
            deliver: started.deliver,
            expires_at: started.challenge.expires_at,
        })
    }

    pub(super) fn sign_in(&mut self) -> Handed {
        self.start(Purpose::SignIn, None).unwrap()
    }

    pub(super) fn decide_verify(
        &self,
        handed: &Handed,
        code: &Code,
        may_wipe: bool,
    ) -> Decision<Result<Proof, Refusal>> {
        let attempt = Attempt { app: &self.app, code, may_wipe, shared: false, now: self.now };
        let presented: (_, &dyn Vault) = (&handed.binding, &Mixer);
        verify(&attempt, self.challenge(handed.id), self.listed(), self.contact(), presented)
    }

    pub(super) fn verify(&mut self, handed: &Handed, code: &Code) -> Result<Proof, Refusal> {
        let decision = self.decide_verify(handed, code, true);
        self.settle(decision)
    }

    pub(super) fn decide_by_address(&self, code: &Code) -> Decision<Result<Proof, Refusal>> {
        let attempt = Attempt { app: &self.app, code, may_wipe: true, shared: false, now: self.now };
        verify_by_address(&attempt, self.listed(), self.contact(), &Mixer)
    }

    pub(super) fn verify_by_address(&mut self, code: &Code) -> Result<Proof, Refusal> {
        let decision = self.decide_by_address(code);
        self.settle(decision)
    }

    pub(super) fn approve(&mut self, id: ChallengeId, approval: Approval<'_>) -> Result<(), Refusal> {
        let decision = approve(self.challenge(id), self.contact(), approval, &Mixer, self.now);
        self.settle(decision)
    }

    pub(super) fn decide_redeem(&self, handed: &Handed) -> Decision<Result<Proof, Refusal>> {
        let presented: (_, &dyn Vault) = (&handed.binding, &Mixer);
        redeem(&self.app, self.challenge(handed.id), presented, self.now)
    }

    pub(super) fn redeem(&mut self, handed: &Handed) -> Result<Proof, Refusal> {
        let decision = self.decide_redeem(handed);
        self.settle(decision)
    }
}

/// A code that nobody was ever sent: codes have six digits.
pub(super) fn wrong_code() -> Code {
    Code::parse("AAAAAAA").unwrap()
}
