//! What is known of somebody who may use a service: the headers that it is told, and until when, and what would end it.

use std::sync::atomic::{AtomicU32, Ordering};

use countersign_domain::app::AppName;
use countersign_domain::{
    app::App,
    assurance::{Assurance, Level},
    id::{SessionId, TokenId},
    scope::Scopes,
    secret::Digest,
    session::Session,
    subject::Subject,
    time::{Span, Timestamp},
};
use parking_lot::RwLock;

use super::{
    assertion,
    identity::{Identity, Told},
};
use crate::{error::ApiError, state::Server};

/// For how long an assertion is told again: half its life.
const ASSERTION_TOLD: i64 = assertion::LIFE.seconds() / 2;

/// What a credential was, and what ends it before its time.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The session, the app that was signed in to, and the person as that app knows them.
    pub session: Option<(SessionId, AppName, Subject)>,
    /// The access token, its app, the person and the session it came from.
    pub token: Option<(TokenId, AppName, Subject, Option<SessionId>)>,
    /// Holders of grants, a change of whose access concerns this.
    pub holders: Vec<Digest>,
}

impl Origin {
    /// That of a session, for a user with these holders.
    #[must_use]
    pub fn of_session(session: &Session) -> Self {
        let named = (session.id, session.app.clone(), session.subject);
        Self { session: Some(named), token: None, holders: Vec::new() }
    }

    /// Whether it may have ended, or what it gives may have changed, since something was read in `epoch`.
    fn may_have_changed(&self, server: &Server, epoch: u32) -> bool {
        let rows = &server.revocations;
        let session_ended =
            self.session.as_ref().is_some_and(|(id, app, subject)| rows.may_have_ended(app, *id, *subject));
        let token_ended = self
            .token
            .as_ref()
            .is_some_and(|(id, app, subject, session)| rows.is_revoked(app, *id, *subject, *session));
        session_ended || token_ended || rows.access_changed(&self.holders, epoch)
    }
}

/// Since when and until when something is known.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// The epoch before it was read.
    pub epoch: u32,
    /// The registry's generation before it was read.
    pub generation: u32,
    /// The key ring's generation before it was read.
    pub key_ring: u32,
    /// When it must be read again.
    pub until: Timestamp,
    /// When it ends in any case.
    pub ends_at: Timestamp,
    /// When the registered device that it is known from is to get another secret.
    pub renewal_due_at: Option<Timestamp>,
}

/// What is known of somebody who may use a service. First, and so side by side in memory, what every look needs.
#[derive(Debug)]
#[repr(C)]
pub struct Known {
    times: Times,
    epoch: AtomicU32,
    /// What was proven.
    pub assurance: Assurance,
    /// What the app is told, since when in seconds, and the epoch before it was made.
    told: RwLock<Option<(i64, u32, Told)>>,
    /// Who it is, for that app.
    pub identity: Identity,
    /// What it is known from.
    origin: Origin,
}

/// Whether what is known may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usable {
    /// Yes.
    Yes,
    /// It was right a while ago and is to be read again; if that cannot be done it may be used for now.
    Stale,
    /// It is to be read again.
    No,
}

impl Known {
    /// What was found.
    #[must_use]
    pub fn new(identity: Identity, assurance: Assurance, origin: Origin, times: Times) -> Self {
        let epoch = AtomicU32::new(times.epoch);
        Self { times, epoch, assurance, told: RwLock::default(), identity, origin }
    }

    /// Whether it holds at `now`. `stale` is how long what cannot be read again is used.
    #[must_use]
    pub fn usable(&self, server: &Server, generation: u32, stale: Span, now: Timestamp) -> Usable {
        if now >= self.times.ends_at || self.times.generation != generation {
            return Usable::No;
        }
        let is_cut_off = !server.knows_revocations(now);
        if is_cut_off && now.since(server.last_knew()) > stale {
            return Usable::No;
        }
        // Read first: what comes after it is looked at the next time.
        let epoch = server.epoch.now();
        let seen = self.epoch.load(Ordering::Acquire);
        if seen != epoch {
            // The key of the token may be accepted no longer.
            let is_unsigned =
                self.origin.token.is_some() && server.key_ring.load().generation() != self.times.key_ring;
            if is_unsigned || self.origin.may_have_changed(server, seen) {
                return Usable::No;
            }
            // The key of the assertion may have been replaced.
            *self.told.write() = None;
            self.epoch.store(epoch, Ordering::Release);
        }
        match now < self.times.until {
            true => Usable::Yes,
            false if now < self.times.until + stale => Usable::Stale,
            false => Usable::No,
        }
    }

    /// Whether the registered device that it is known from is to get another secret.
    #[must_use]
    pub fn is_renewal_due(&self, now: Timestamp) -> bool {
        self.times.renewal_due_at.is_some_and(|due| now >= due)
    }

    /// How strongly the person is known.
    #[must_use]
    pub fn level(&self) -> Level {
        self.assurance.methods.level()
    }

    /// What the app may know and do.
    #[must_use]
    pub const fn scopes(&self) -> &Scopes {
        &self.identity.scopes
    }

    /// What the app is told: anew, with a fresh assertion, where it was not told a moment ago.
    ///
    /// # Errors
    /// As [`assertion::sign`].
    pub fn tell<T>(
        &self,
        server: &Server,
        (app, now): (&App, Timestamp),
        write: impl FnOnce(&Told) -> T,
    ) -> Result<T, ApiError> {
        let epoch = self.epoch.load(Ordering::Acquire);
        if let Some((since, of, told)) = &*self.told.read()
            // One that was made while its key went is of the epoch before.
            && *of == epoch
            && (0..ASSERTION_TOLD).contains(&(now.seconds() - since))
        {
            return Ok(write(told));
        }
        let assertion = assertion::sign(server, app, (&self.identity, &self.assurance), self.times.ends_at)?;
        let told = self.identity.told(&assertion);
        let written = write(&told);
        *self.told.write() = Some((now.seconds(), epoch, told));
        Ok(written)
    }

    /// What it takes of memory, in bytes, with an assertion of usual length.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let fixed = size_of::<Self>() + size_of::<[usize; 2]>();
        let holders = self.origin.holders.len() * size_of::<Digest>();
        u64::try_from(fixed + holders + self.identity.bytes()).unwrap_or(u64::MAX)
    }
}
