//! Remembers the sessions whose cookies were found good, so that the next check of the same cookie costs a hash instead
//! of a read.
//!
//! What ends a session writes a revocation, which every node has in memory within a second and keeps for an hour; a
//! session is remembered for ten minutes. So whoever finds a session here and no revocation of it knows what the store
//! would say. The size is fixed: a new session takes the place of the one in its group that is forgotten first.

use std::collections::HashMap;

use countersign_domain::{
    app::AppName,
    assurance::{Assurance, Methods},
    id::SessionId,
    realm::RealmName,
    session::{Session, SessionPolicy},
    subject::Subject,
    time::{Span, Timestamp},
};
use parking_lot::RwLock;

use crate::fingerprint::{Fingerprint, Table};

/// For how long a session that was read is trusted: much less than a revocation is remembered.
const TRUSTED: Span = Span::from_minutes(10);

/// What is known of a session without asking the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSession {
    /// Names it.
    pub id: SessionId,
    /// The app that was signed in to.
    pub app: AppName,
    /// Where its user lives.
    pub realm: RealmName,
    /// The person, as that app knows them.
    pub subject: Subject,
    /// What the sign-in proved.
    pub assurance: Assurance,
    /// When it ends unless it is used.
    pub idle_ends_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

impl From<&Session> for LiveSession {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id,
            app: session.app.clone(),
            realm: session.realm.clone(),
            subject: session.subject,
            assurance: session.assurance,
            idle_ends_at: session.idle_ends_at,
            expires_at: session.expires_at,
        }
    }
}

/// Times are seconds since 1970.
#[derive(Clone, Copy)]
struct Entry {
    id: [u8; 16],
    subject: [u8; 24],
    app: u32,
    proven_at: u32,
    idle_ends_at: u32,
    expires_at: u32,
    /// Until when this is trusted, and no use needs to be noted.
    until: u32,
    methods: Methods,
}

/// Sessions by the fingerprint of their cookies.
pub struct SessionCache {
    table: Table<Entry>,
    apps: RwLock<Apps>,
}

/// Names that many sessions share, by number: an app, and the realm it was in.
#[derive(Default)]
struct Apps {
    names: Vec<(AppName, RealmName)>,
    numbers: HashMap<(AppName, RealmName), u32>,
}

impl SessionCache {
    /// One for about so many sessions; none are remembered where that is 0.
    #[must_use]
    pub fn new(sessions: usize) -> Self {
        // With half as many places again, few of that many find their group full.
        Self { table: Table::new(sessions.saturating_mul(3) / 2), apps: RwLock::default() }
    }

    /// The session that a cookie was good for. The caller looks whether it was ended since.
    #[must_use]
    pub fn get(&self, cookie: Fingerprint, now: Timestamp) -> Option<LiveSession> {
        let entry = self.table.with(cookie, |entry| *entry)?;
        let (app, realm) = self.apps.read().names.get(usize::try_from(entry.app).ok()?)?.clone();
        (now < time(entry.until)).then(|| LiveSession {
            id: SessionId::from_bytes(entry.id),
            app,
            realm,
            subject: Subject::from_bytes(entry.subject),
            assurance: Assurance { methods: entry.methods, proven_at: time(entry.proven_at) },
            idle_ends_at: time(entry.idle_ends_at),
            expires_at: time(entry.expires_at),
        })
    }

    /// Remembers a session that was read at `now` and found live, until its use is to be noted the next time.
    pub fn insert(&self, cookie: Fingerprint, session: &Session, policy: &SessionPolicy, now: Timestamp) {
        let until = session.use_is_noted_from(policy).min(session.idle_ends_at).min(now + TRUSTED);
        let entry = Entry {
            id: *session.id.bytes(),
            subject: *session.subject.bytes(),
            app: self.number((session.app.clone(), session.realm.clone())),
            proven_at: seconds(session.assurance.proven_at),
            idle_ends_at: seconds(session.idle_ends_at),
            expires_at: seconds(session.expires_at),
            until: seconds(until),
            methods: session.assurance.methods,
        };
        // The one that is forgotten first makes room.
        self.table.put(cookie, entry, |entry| entry.until);
    }

    fn number(&self, names: (AppName, RealmName)) -> u32 {
        if let Some(number) = self.apps.read().numbers.get(&names) {
            return *number;
        }
        let mut apps = self.apps.write();
        let next = u32::try_from(apps.names.len()).unwrap_or(u32::MAX);
        let number = *apps.numbers.entry(names.clone()).or_insert(next);
        if number == next {
            apps.names.push(names);
        }
        number
    }
}

fn seconds(moment: Timestamp) -> u32 {
    u32::try_from(moment.seconds()).unwrap_or_default()
}

fn time(seconds: u32) -> Timestamp {
    Timestamp::from_millis(i64::from(seconds) * 1000)
}

#[cfg(test)]
mod tests {
    use countersign_domain::{
        assurance::Method, id::UserId, random::Random, secret::Digest, session::Holder, testing::Seeded,
    };

    use super::*;
    use crate::fingerprint::Fingerprints;

    const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn session(random: &mut dyn Random, app: &str) -> Session {
        Session {
            id: SessionId::new(START, random),
            realm: RealmName::default(),
            user: UserId::new(START, random),
            app: app.parse().unwrap(),
            subject: Subject::from_bytes([7; 24]),
            assurance: Assurance::of(Method::Link, START),
            holder: Holder::Cookie(Digest::new([1; 32])),
            sealed_device: None,
            created_at: START,
            used_at: START,
            idle_ends_at: START + Span::from_hours(1),
            expires_at: START + Span::DAY,
            version: 1,
        }
    }

    #[test]
    fn a_session_is_known_until_its_use_is_to_be_noted_and_ten_minutes_at_most() {
        let (mut random, cache) = (Seeded::new(1), SessionCache::new(1000));
        let prints = Fingerprints::new(&mut random);
        let (cookie, other) = (prints.of("a"), prints.of("b"));
        let kept = session(&mut random, "forum");
        let hour = SessionPolicy { idle: Span::from_hours(1), ..SessionPolicy::default() };
        assert_eq!(cache.get(cookie, START), None);
        cache.insert(cookie, &kept, &hour, START);
        assert_eq!(cache.get(cookie, START), Some(LiveSession::from(&kept)));
        assert_eq!(cache.get(other, START), None);
        // A tenth of the idle limit.
        assert!(cache.get(cookie, START + Span::from_seconds(359)).is_some());
        assert_eq!(cache.get(cookie, START + Span::from_minutes(6)), None);
        let week = SessionPolicy::default();
        cache.insert(other, &kept, &week, START);
        assert!(cache.get(other, START + Span::from_seconds(599)).is_some());
        assert_eq!(cache.get(other, START + Span::from_minutes(10)), None);
        let short = Session { idle_ends_at: START + Span::from_seconds(5), ..kept };
        cache.insert(cookie, &short, &week, START);
        assert_eq!(cache.get(cookie, START + Span::from_seconds(5)), None);
    }

    #[test]
    fn most_sessions_fit_and_more_do_not_grow_it() {
        let (mut random, cache) = (Seeded::new(1), SessionCache::new(40_000));
        let prints = Fingerprints::new(&mut random);
        let policy = SessionPolicy::default();
        let sessions: Vec<_> = (0..30_000_u32)
            .map(|number| {
                let app = if number % 2 == 0 { "forum" } else { "shop" };
                (prints.of(&number.to_string()), session(&mut random, app))
            })
            .collect();
        for (cookie, session) in &sessions {
            cache.insert(*cookie, session, &policy, START);
        }
        let known = sessions
            .iter()
            .filter(|(cookie, kept)| cache.get(*cookie, START).is_some_and(|found| found == kept.into()))
            .count();
        assert!(known > 29_700, "{known} of 30,000 are known");
        assert_eq!(cache.apps.read().names.len(), 2);
        const { assert!(Table::<Entry>::PLACE_BYTES <= 104) };
        let none = SessionCache::new(0);
        none.insert(sessions[0].0, &sessions[0].1, &policy, START);
        assert_eq!(none.get(sessions[0].0, START), None);
    }
}
