//! Records to store, each made from a seed: equal seeds give equal records.

#![expect(clippy::unwrap_used, reason = "a suite of tests, though no test module")]

use std::collections::HashSet;

use countersign_domain::{
    app::AppName,
    assurance::{Assurance, Method},
    challenge::{Challenge, Purpose, State},
    changes::{Change, Changes},
    contact::{Contact, ContactKey},
    id::{ChallengeId, InvitationId, MessageId, SessionId, UserId},
    invitation::Invitation,
    message::Message,
    random::Random as _,
    realm::RealmName,
    secret::Digest,
    session::{Holder, Session},
    subject::Subject,
    testing::Seeded,
    time::Timestamp,
    user::{IdentifierKind, User, UserIdentifier, UserStatus, UserSubject},
};

use crate::{Error, Store};

/// When everything in this suite happens.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

/// So many seconds after [`NOW`]; before it, if negative.
pub(super) fn after(seconds: i64) -> Timestamp {
    Timestamp::from_millis(NOW.millis() + 1_000 * seconds)
}

pub(super) fn digest(seed: u64) -> Digest {
    Digest::new(Seeded::new(seed).bytes())
}

pub(super) fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

pub(super) fn challenge(seed: u64) -> Challenge {
    let mut random = Seeded::new(seed);
    Challenge {
        id: ChallengeId::new(NOW, &mut random),
        app: app("forum"),
        contact: Digest::new(random.bytes()),
        purpose: Purpose::SignIn,
        state: State::Pending { tries: 5, link_tries: 2 },
        subject: Subject::from_bytes(random.bytes()),
        code: Some(Digest::new(random.bytes())),
        link: Some(Digest::new(random.bytes())),
        binding: Digest::new(random.bytes()),
        confirmation: 10,
        sealed_address: Some(vec![0, 255, 39]),
        sealed_origin: Some(Vec::new()),
        created_at: NOW,
        expires_at: after(600),
        keep_until: after(4_200),
        version: 1,
    }
}

pub(super) fn contact(seed: u64) -> Contact {
    Contact {
        sends: vec![NOW],
        expires_at: after(86_400),
        ..Contact::fresh(ContactKey { app: Some(app("forum")), digest: digest(seed) })
    }
}

pub(super) fn message(seed: u64) -> Message {
    let mut random = Seeded::new(seed);
    Message {
        id: MessageId::new(NOW, &mut random),
        app: app("forum"),
        deliver: true,
        sealed: vec![7; 3],
        attempts: 0,
        due_at: NOW,
        created_at: NOW,
        expires_at: after(600),
    }
}

pub(super) fn user(seed: u64) -> User {
    User {
        id: UserId::new(NOW, &mut Seeded::new(seed)),
        realm: RealmName::default(),
        status: UserStatus::Active,
        sealed_profile: Some(vec![0, 255, 39]),
        created_at: NOW,
        signed_in_at: NOW,
        version: 1,
    }
}

/// An identifier of the user of the same seed.
pub(super) fn identifier(seed: u64) -> UserIdentifier {
    UserIdentifier {
        realm: RealmName::default(),
        kind: IdentifierKind::Email,
        digest: digest(seed),
        user: user(seed).id,
        sealed: vec![seed as u8, 0],
        primary: true,
        verified_at: Some(NOW),
        created_at: NOW,
    }
}

/// A subject of the user of the same seed.
pub(super) fn user_subject(seed: u64) -> UserSubject {
    let subject = Subject::from_bytes(Seeded::new(seed).bytes());
    UserSubject { user: user(seed).id, sector: digest(1_000), subject }
}

/// A session of the user of the same seed.
pub(super) fn session(seed: u64) -> Session {
    Session {
        id: SessionId::new(NOW, &mut Seeded::new(seed)),
        realm: RealmName::default(),
        user: user(seed).id,
        app: app("forum"),
        subject: user_subject(seed).subject,
        assurance: Assurance::of(Method::Link, after(-60)),
        holder: Holder::Refresh { generation: 1, rotated_at: NOW },
        sealed_device: Some(vec![1]),
        created_at: NOW,
        used_at: after(1),
        idle_ends_at: after(600),
        expires_at: after(3_600),
        version: 1,
    }
}

/// An invitation to the forum, in the realm `staff`.
pub(super) fn invitation(seed: u64) -> Invitation {
    Invitation {
        id: InvitationId::new(after(seed as i64), &mut Seeded::new(seed)),
        realm: "staff".parse().unwrap(),
        app: app("forum"),
        digest: digest(seed),
        created_at: NOW,
        expires_at: after(60),
    }
}

/// Commits what must succeed.
pub(super) async fn save(store: &Store, changes: Vec<Change>) {
    let saved = store.commit(Changes(changes)).await;
    assert!(saved.is_ok(), "{saved:?}");
}

/// Commits what must be refused because of another write.
pub(super) async fn conflict(store: &Store, changes: Vec<Change>) {
    let refused = store.commit(Changes(changes)).await;
    assert!(matches!(refused, Err(Error::Conflict)), "{refused:?}");
}

/// Asserts that no two are equal; returns how many there are.
pub(super) fn distinct<T: std::hash::Hash + Eq>(all: Vec<T>) -> usize {
    let count = all.len();
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), count, "the same twice");
    count
}
