//! What was taken back, in memory: asked at every check of a token. Filled from the store at the start, by this
//! node's own revocations at once, and by those of other nodes within a second.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicI64, Ordering},
};

use countersign_domain::{
    app::AppName,
    id::{SessionId, TokenId},
    secret::Digest,
    subject::Subject,
    time::{Span, Timestamp},
    token::{Revocation, RevocationTarget},
};
use parking_lot::RwLock;

use crate::signature_cache::Epoch;

/// Before every token.
const NEVER: Timestamp = Timestamp::from_millis(i64::MIN);

/// All revocations that still concern a token.
#[derive(Debug, Default)]
pub struct Revocations {
    rows: RwLock<HashMap<AppName, OfApp>>,
    /// When the store was last asked successfully for those of other nodes.
    asked_at: AtomicI64,
    /// What was issued up to then is refused: what a restore brought back cannot know what was ended meanwhile.
    refused_until: AtomicI64,
    /// In which epoch it became known that what a holder of grants may reach has changed, and until when it is kept.
    access: RwLock<HashMap<Digest, (u32, Timestamp)>>,
    /// The last moment that was given to such a change here.
    access_told_at: AtomicI64,
}

#[derive(Debug, Default)]
struct OfApp {
    targets: HashMap<RevocationTarget, (Timestamp, Timestamp)>,
}

impl Revocations {
    /// Takes note of revocations, and ends the epoch if any was not known.
    pub fn add(&self, revocations: impl IntoIterator<Item = Revocation>, epoch: &Epoch) {
        let mut rows = self.rows.write();
        let (mut news, mut changed) = (false, Vec::new());
        for revocation in revocations {
            let holder = match &revocation.target {
                RevocationTarget::Access(holder) => Some((*holder, revocation.expires_at)),
                _ => None,
            };
            let targets = &mut rows.entry(revocation.app).or_default().targets;
            let row = targets.entry(revocation.target).or_insert((NEVER, NEVER));
            let later = (row.0.max(revocation.before), row.1.max(revocation.expires_at));
            if *row != later {
                *row = later;
                news = true;
                changed.extend(holder);
            }
        }
        drop(rows);
        if news {
            // Whoever sees the new epoch waits here for what came with it.
            let mut access = self.access.write();
            epoch.advance();
            let now = epoch.now();
            access.extend(changed.into_iter().map(|(holder, until)| (holder, (now, until))));
        }
    }

    /// The moment at which what a holder of grants may reach is said to change: later than every one that is known, so
    /// that each change is news, two within a millisecond and one by a node whose clock is behind as well.
    #[must_use]
    pub fn moment_of_access(&self, holder: Digest, now: Timestamp) -> Timestamp {
        let rows = self.rows.read();
        let target = RevocationTarget::Access(holder);
        let known = rows.get(&AppName::any()).and_then(|of_any| of_any.targets.get(&target));
        let least = known.map_or(now, |(before, _)| now.max(*before + Span::from_millis(1))).millis();
        let next = |last: i64| Some(least.max(last.saturating_add(1)));
        let last = self.access_told_at.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        Timestamp::from_millis(last.map_or(least, |last| least.max(last.saturating_add(1))))
    }

    /// Whether what one of these holders may reach has changed since something was read in `epoch`.
    #[must_use]
    pub fn access_changed<'h>(&self, holders: impl IntoIterator<Item = &'h Digest>, epoch: u32) -> bool {
        let access = self.access.read();
        holders.into_iter().any(|holder| access.get(holder).is_some_and(|(since, _)| *since > epoch))
    }

    /// Whether word of this holder is out, whatever it says: for what is told of once, such as a visit that is over.
    #[must_use]
    pub fn is_told_of(&self, holder: Digest) -> bool {
        let rows = self.rows.read();
        let target = RevocationTarget::Access(holder);
        rows.get(&AppName::any()).is_some_and(|of_any| of_any.targets.contains_key(&target))
    }

    /// Whether what was issued at `moment` is refused, whoever's it is.
    #[must_use]
    pub fn refuse_all_of(&self, moment: Timestamp) -> bool {
        moment.millis() <= self.refused_until.load(Ordering::Relaxed)
    }

    /// Whether a token is dead. `id` tells when it was made, to the millisecond.
    #[must_use]
    pub fn is_revoked(
        &self,
        app: &AppName,
        id: TokenId,
        subject: Subject,
        session: Option<SessionId>,
    ) -> bool {
        let targets =
            [RevocationTarget::Token(id), RevocationTarget::Subject(subject), RevocationTarget::App]
                .into_iter()
                .chain(session.map(RevocationTarget::Session));
        self.is_any_revoked(app, targets, id.made_at())
    }

    /// Whether a session may have been ended, or all of its app's or its person's were.
    #[must_use]
    pub fn may_have_ended(&self, app: &AppName, session: SessionId, subject: Subject) -> bool {
        let targets =
            [RevocationTarget::Session(session), RevocationTarget::Subject(subject), RevocationTarget::App];
        self.is_any_revoked(app, targets, session.made_at())
    }

    fn is_any_revoked(
        &self,
        app: &AppName,
        targets: impl IntoIterator<Item = RevocationTarget>,
        made_at: Timestamp,
    ) -> bool {
        if self.refuse_all_of(made_at) {
            return true;
        }
        let rows = self.rows.read();
        let Some(of_app) = rows.get(app) else { return false };
        targets
            .into_iter()
            .any(|target| of_app.targets.get(&target).is_some_and(|(before, _)| made_at <= *before))
    }

    /// Forgets those whose tokens are all over.
    pub fn sweep(&self, now: Timestamp) {
        let mut rows = self.rows.write();
        for of_app in rows.values_mut() {
            of_app.targets.retain(|_, (_, expires_at)| *expires_at > now);
        }
        rows.retain(|_, of_app| !of_app.targets.is_empty());
        self.access.write().retain(|_, (_, until)| *until > now);
    }

    /// Refuses everything that was issued up to `moment`, whoever's it is.
    pub fn refuse_all_until(&self, moment: Timestamp) {
        self.refused_until.fetch_max(moment.millis(), Ordering::Relaxed);
    }

    /// Notes that the store was asked at `now` and answered.
    pub fn note_asked(&self, now: Timestamp) {
        self.asked_at.fetch_max(now.millis(), Ordering::Relaxed);
    }

    /// When the store last answered.
    #[must_use]
    pub fn asked_at(&self) -> Timestamp {
        Timestamp::from_millis(self.asked_at.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use countersign_domain::testing::Seeded;

    use super::*;

    #[test]
    fn only_what_was_taken_back_is_dead() {
        let (forum, shop): (AppName, AppName) = ("forum".parse().unwrap(), "shop".parse().unwrap());
        let start = Timestamp::from_millis(1_800_000_000_000);
        let mut random = Seeded::new(1);
        let mut token = |millis| TokenId::new(start + Span::from_millis(millis), &mut random);
        let (early, late, other) = (token(0), token(11), token(0));
        let (one, two) = (Subject::from_bytes([1; 24]), Subject::from_bytes([2; 24]));
        let revoke = |target| Revocation {
            app: forum.clone(),
            target,
            before: start + Span::from_millis(10),
            revoked_at: start + Span::from_millis(10),
            expires_at: start + Span::DAY,
        };
        let rows = Revocations::default();
        assert!(!rows.is_revoked(&forum, early, one, None));
        let epoch = Epoch::default();
        let first = epoch.now();
        rows.add([revoke(RevocationTarget::Token(early))], &epoch);
        assert_ne!(epoch.now(), first);
        let second = epoch.now();
        rows.add([revoke(RevocationTarget::Token(early))], &epoch);
        assert_eq!(epoch.now(), second, "what is known is no news");
        assert!(rows.is_revoked(&forum, early, one, None) && !rows.is_revoked(&forum, other, one, None));
        assert!(!rows.is_revoked(&shop, early, one, None));
        rows.add([revoke(RevocationTarget::Subject(one))], &epoch);
        assert!(rows.is_revoked(&forum, other, one, None) && !rows.is_revoked(&forum, late, one, None));
        assert!(!rows.is_revoked(&forum, other, two, None));
        let (session, another) =
            (SessionId::new(start, &mut Seeded::new(2)), SessionId::new(start, &mut Seeded::new(3)));
        rows.add([revoke(RevocationTarget::Session(session))], &epoch);
        assert!(rows.is_revoked(&forum, other, two, Some(session)));
        assert!(!rows.is_revoked(&forum, other, two, Some(another)));
        assert!(!rows.is_revoked(&shop, other, two, Some(session)));
        rows.add([revoke(RevocationTarget::App)], &epoch);
        assert!(rows.is_revoked(&forum, other, two, None) && !rows.is_revoked(&forum, late, two, None));
        rows.sweep(start + Span::DAY);
        assert!(!rows.is_revoked(&forum, early, one, None));
        let (holder, stranger) = (Digest::new([8; 32]), Digest::new([9; 32]));
        let before = epoch.now();
        rows.add([Revocation::of_access(holder, start)], &epoch);
        assert!(
            rows.access_changed([&stranger, &holder], before),
            "what was read before is to be read again"
        );
        assert!(rows.is_told_of(holder) && !rows.is_told_of(stranger));
        assert!(!rows.access_changed([&holder], epoch.now()) && !rows.access_changed([&stranger], before));
        rows.sweep(start + Span::DAY);
        assert!(!rows.access_changed([&holder], before));
        rows.refuse_all_until(start + Span::from_millis(10));
        assert!(rows.is_revoked(&shop, early, two, None) && !rows.is_revoked(&forum, late, two, None));
    }
}
