//! Signing in where there are accounts: who becomes a user, what subject they keep, and what ends.

use super::*;
use crate::{
    app::SignUp,
    assurance::{Assurance, Method},
    id::InvitationId,
    testing::{Mixer, Seeded},
    time::Span,
    token::RevocationTarget,
};

const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct World {
    app: App,
    address: EmailAddress,
    random: Seeded,
    is_browser: bool,
}

impl World {
    fn new(sign_up: SignUp) -> Self {
        let mut app = App::new("forum".parse().unwrap());
        app.accounts = Some(AccountPolicy { sign_up, ..AccountPolicy::default() });
        let address = EmailAddress::parse("ada@example.org").unwrap();
        Self { app, address, random: Seeded::new(1), is_browser: false }
    }

    fn stranger(&mut self) -> Known {
        Known {
            user: None,
            id: UserId::new(START, &mut self.random),
            subject: None,
            subject_owner: None,
            sessions: Vec::new(),
            invitation: None,
            presented: Vec::new(),
        }
    }

    fn sign_in(&mut self, known: Known) -> Decision<Result<SignedIn, Refusal>> {
        let asked = SignIn {
            app: &self.app,
            accounts: self.app.accounts.as_ref().unwrap(),
            policy: &SessionPolicy::default(),
            assurance: Assurance::of(Method::Code, START),
            subject: Mixer.subject(&self.app.sector, &self.address),
            address: Some(&self.address),
            sealed_identifier: vec![1],
            wants: if self.is_browser { Wants::Cookie } else { Wants::RefreshToken },
            sealed_device: None,
            session: SessionId::new(START, &mut self.random),
            now: START,
        };
        sign_in(asked, known, &Mixer, &mut self.random.clone())
    }
}

fn user(id: UserId) -> User {
    User {
        id,
        realm: Default::default(),
        status: UserStatus::Active,
        sealed_profile: None,
        created_at: START,
        signed_in_at: START,
        version: 3,
    }
}

/// The names of the changes, to be compared.
fn names(changes: &Changes) -> Vec<String> {
    let name =
        |change: &Change| format!("{change:?}").split(['(', ' ']).next().unwrap_or_default().to_owned();
    changes.0.iter().map(name).collect()
}

#[test]
fn a_stranger_becomes_a_user_with_the_subject_that_the_address_always_had() {
    let mut world = World::new(SignUp::Open);
    let known = world.stranger();
    let id = known.id;
    let decision = world.sign_in(known);
    assert_eq!(names(&decision.changes), ["UserAdded", "IdentifierAdded", "SubjectAdded", "SessionStarted"]);
    let signed_in = decision.outcome.unwrap();
    assert!(signed_in.is_new && signed_in.secret.is_none());
    assert_eq!(signed_in.session.user, id);
    assert_eq!(signed_in.session.subject, Mixer.subject(&world.app.sector, &world.address));
    assert!(matches!(signed_in.session.holder, Holder::Refresh { generation: 1, .. }));
}

#[test]
fn a_known_person_keeps_the_subject_and_is_written() {
    let mut world = World::new(SignUp::Closed);
    let stranger = world.stranger();
    let kept = Subject::from_bytes([9; 24]);
    let known = Known { user: Some(user(stranger.id)), subject: Some(kept), ..stranger };
    let decision = world.sign_in(known);
    assert_eq!(
        names(&decision.changes),
        ["UserSignedIn", "SessionStarted"],
        "so that disabling sees the sign-in"
    );
    assert_eq!(decision.outcome.unwrap().session.subject, kept);
}

#[test]
fn an_address_that_was_somebody_elses_gives_another_subject() {
    let mut world = World::new(SignUp::Open);
    let other = UserId::new(START, &mut Seeded::new(99));
    let known = Known { subject_owner: Some(other), ..world.stranger() };
    let id = known.id;
    let subject = world.sign_in(known).outcome.unwrap().session.subject;
    assert_eq!(subject, Mixer.user_subject(&world.app.sector, id));
    assert_ne!(subject, Mixer.subject(&world.app.sector, &world.address));
}

#[test]
fn an_invitation_lets_a_stranger_in_and_is_spent_by_it() {
    for (ends_at, is_new) in [(START, false), (START + Span::from_millis(1), true)] {
        let mut world = World::new(SignUp::Invitation);
        let invitation = Invitation {
            id: InvitationId::new(START, &mut Seeded::new(5)),
            realm: world.app.realm.clone(),
            app: world.app.name.clone(),
            digest: Mixer.identifier(&world.app.realm, &world.address),
            created_at: START,
            expires_at: ends_at,
        };
        let id = invitation.id;
        let known = Known { invitation: Some(invitation), ..world.stranger() };
        let decision = world.sign_in(known);
        let spent = decision
            .changes
            .0
            .iter()
            .any(|change| matches!(change, Change::InvitationSpent(one) if *one == id));
        assert_eq!((decision.outcome.is_ok_and(|signed_in| signed_in.is_new), spent), (is_new, is_new));
    }
}

#[test]
fn who_was_brought_proves_the_address_at_the_first_sign_in_alone() {
    for (signed_in_at, expected) in
        [(NEVER, &["IdentifierVerified", "UserSignedIn"][..]), (START, &["UserSignedIn"][..])]
    {
        let mut world = World::new(SignUp::Closed);
        let stranger = world.stranger();
        let brought = User { signed_in_at, ..user(stranger.id) };
        let known = Known { user: Some(brought), subject: Some(Subject::from_bytes([9; 24])), ..stranger };
        let decision = world.sign_in(known);
        assert_eq!(names(&decision.changes)[..expected.len()], *expected);
    }
}

#[test]
fn who_may_not_come_changes_nothing() {
    for (sign_up, expected) in [
        (SignUp::Open, Ok(())),
        (SignUp::Closed, Err(Refusal::SignUpClosed)),
        (SignUp::Invitation, Err(Refusal::SignUpClosed)),
        (SignUp::Domains(vec!["example.org".to_owned()]), Ok(())),
        (SignUp::Domains(vec!["org".to_owned(), "sub.example.org".to_owned()]), Err(Refusal::SignUpClosed)),
    ] {
        let mut world = World::new(sign_up);
        let known = world.stranger();
        let decision = world.sign_in(known);
        assert_eq!(decision.changes.is_empty(), expected.is_err());
        assert_eq!(decision.outcome.map(drop), expected);
    }
    let mut world = World::new(SignUp::Open);
    let stranger = world.stranger();
    let disabled = User { status: UserStatus::Disabled, ..user(stranger.id) };
    let decision = world.sign_in(Known { user: Some(disabled), ..stranger });
    assert!(decision.changes.is_empty());
    assert_eq!(decision.outcome.map(drop), Err(Refusal::UserDisabled));
}

#[test]
fn p26_the_session_that_the_browser_came_with_ends_and_the_new_one_has_a_secret_of_its_own() {
    let mut world = World::new(SignUp::Open);
    world.is_browser = true;
    let known = world.stranger();
    let former = world.sign_in(known).outcome.unwrap().session;
    let known = Known { user: Some(user(former.user)), presented: vec![former.clone()], ..world.stranger() };
    let decision = world.sign_in(known);
    let ended = |change: &Change| matches!(change, Change::SessionEnded(id) if *id == former.id);
    let revoked = |change: &Change| matches!(change, Change::Revocation(row) if row.target == RevocationTarget::Session(former.id));
    assert!(decision.changes.0.iter().any(ended) && decision.changes.0.iter().any(revoked));
    let signed_in = decision.outcome.unwrap();
    let secret = signed_in.secret.unwrap();
    assert!(signed_in.session.is_held_by(&secret, &Mixer));
    assert!(!former.is_held_by(&secret, &Mixer), "bound to its session");
}

#[test]
fn p27_too_many_sessions_end_the_one_unused_for_longest() {
    let mut world = World::new(SignUp::Open);
    let known = world.stranger();
    let first = world.sign_in(known).outcome.unwrap().session;
    let session = |index: i64| Session {
        id: SessionId::new(START + Span::from_seconds(index), &mut Seeded::new(5)),
        used_at: START + Span::from_seconds((index * 7) % 50),
        ..first.clone()
    };
    let sessions: Vec<_> = (0..50).map(session).collect();
    let oldest = sessions.iter().min_by_key(|session| session.used_at).unwrap().id;
    let known = Known { user: Some(user(first.user)), sessions, ..world.stranger() };
    let ended: Vec<_> = world
        .sign_in(known)
        .changes
        .0
        .into_iter()
        .filter_map(|change| if let Change::SessionEnded(id) = change { Some(id) } else { None })
        .collect();
    assert_eq!(ended, [oldest]);
}
