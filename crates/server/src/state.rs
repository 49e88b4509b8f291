//! What every request may need, put together once. Who may change which part is said at each field.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use countersign_domain::{
    changes::{Change, Changes},
    random::Random,
    time::{Span, Timestamp},
    token::Revocation,
};
use countersign_store::Store;
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    config::Config,
    erased::{self, Sign},
    error::ApiError,
    events::{self, Events},
    fingerprint::Fingerprints,
    flood::Flood,
    forward_auth::KnownCache,
    freshness::Freshness,
    grants,
    hashing::Hashing,
    key_ring::KeyRing,
    key_use::KeyUse,
    maintenance,
    metrics::Metrics,
    outbox::{Outbox, render::Renderer},
    quota::Quotas,
    registry::Registry,
    revocations::Revocations,
    security_log::SecurityLog,
    session_cache::SessionCache,
    signature_cache::{Epoch, SignatureCache},
    system::{Clock, Entropy},
    telemetry::{Telemetry, What},
    vault::Keys,
    webhooks::Webhooks,
};

/// How often a decision is made anew after somebody else wrote first.
const DECISIONS: usize = 16;
/// Decisions about different people that may be under way at once on this node.
const LANES: usize = 1024;
/// For how long revocations that were read are trusted to be all.
const REVOCATIONS_TRUSTED: Span = Span::from_seconds(1);
/// For how long apps and keys that were read are trusted to be what the store has.
const REGISTRY_TRUSTED: Span = Span::from_seconds(5);

/// What every request may need. Shared by all tasks of a server.
pub struct Server {
    /// Where everything is kept.
    pub store: Store,
    /// Digests and seals.
    pub keys: Keys,
    /// The configuration; replaced as a whole by a reload.
    pub config: ArcSwap<Config>,
    /// Templates and texts; replaced when their files change.
    pub renderer: ArcSwap<Renderer>,
    /// Apps and API keys; replaced by a reload and by administration.
    pub registry: ArcSwap<Registry>,
    /// Signing keys; replaced by rotation.
    pub key_ring: ArcSwap<KeyRing>,
    /// How fresh those are.
    pub freshness: Freshness,
    /// What was taken back.
    pub revocations: Arc<Revocations>,
    /// How what is shown is known to the caches.
    pub fingerprints: Fingerprints,
    /// Tokens whose signature was checked before.
    pub signatures: SignatureCache,
    /// Sessions whose cookie was found good before.
    pub sessions: SessionCache,
    /// Who may use services behind proxies, by what they showed before.
    pub known: KnownCache,
    /// Ends whenever a good token could have become a bad one.
    pub epoch: Arc<Epoch>,
    /// Requests by network, in memory.
    pub flood: Flood,
    /// When API keys were last used.
    pub key_use: KeyUse,
    /// Messages by app and in total, leased from the store in blocks.
    pub quotas: Quotas,
    /// The way to the outbox worker.
    pub outbox: Outbox,
    /// Counters for operators.
    pub metrics: Metrics,
    /// Traces for operators.
    pub telemetry: Telemetry,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The generator.
    pub entropy: Arc<dyn Entropy>,
    /// Held while apps and keys are read and taken over.
    pub reloading: Mutex<()>,
    /// The log of events as this node writes it.
    pub events: Arc<Events>,
    /// Failed authentications, for programs that keep attackers out.
    pub security_log: SecurityLog,
    /// Addresses that are told what happens.
    pub webhooks: Webhooks,
    /// One for each group of people: decisions about one person queue here instead of failing in the store.
    pub lanes: Lanes,

    /// Workers for passwords, where a realm has them; replaced by a reload.
    pub hashing: ArcSwapOption<Hashing>,
}

impl Server {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// A generator for one task.
    #[must_use]
    pub fn random(&self) -> Box<dyn Random + Send> {
        self.entropy.random()
    }

    /// The public address of this server.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.config.load().server.issuer.clone()
    }

    /// Reads, decides, commits, and decides again when somebody else wrote first. What is decided leaves only after
    /// it was committed, a refusal too.
    ///
    /// # Errors
    /// [`ApiError::Unavailable`] when the store does not answer or every try lost its race: nothing is said then
    /// about what would have been decided.
    pub async fn decide<T, D, F>(self: &Arc<Self>, mut decide: D) -> Result<T, ApiError>
    where
        D: FnMut() -> F + Send,
        F: Future<Output = Result<(T, Changes), ApiError>> + Send,
        T: Send,
    {
        for _ in 0..DECISIONS {
            let (outcome, changes) = decide().await?;
            let span = self.telemetry.begin_within();
            let written = self.commit(changes).await;
            self.telemetry.end(span, || What::Commit { outcome: commit_outcome(&written) });
            match written {
                Ok(()) => {
                    self.metrics.note_decision();
                    return Ok(outcome);
                }
                Err(countersign_store::Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(countersign_store::Error::Conflict.into())
    }

    /// Commits, with the [events](crate::events) that are told among the changes, and makes what was taken back, and
    /// changed of apps, keys and names, known here at once. On a task of its own
    /// where there is any: a caller who hangs up must not leave unknown here what was committed. Apps and keys that
    /// could not be read are [behind](Freshness::is_behind).
    ///
    /// # Errors
    /// The store's, for the commit alone.
    pub async fn commit(self: &Arc<Self>, mut changes: Changes) -> Result<(), countersign_store::Error> {
        for user in changes.known_otherwise() {
            let revocation = Revocation::of_access(self.keys.access_of_user(user), self.now());
            changes.push(Change::Revocation(revocation));
        }
        grants::put_along(self, &mut changes);
        let people: Vec<_> = changes.erased().collect();
        // On the list first: somebody who is erased must not come back by a restore.
        erased::note(self, &people, Sign::Erased).await?;
        let committed = self.commit_known(changes).await;
        if matches!(committed, Err(countersign_store::Error::Conflict)) {
            erased::note(self, &people, Sign::Kept).await?;
        }
        committed
    }

    async fn commit_known(self: &Arc<Self>, changes: Changes) -> Result<(), countersign_store::Error> {
        let (changes, in_flight) = if changes.tell_events() {
            let (changes, in_flight) = events::write_down(self, changes).await?;
            (changes, Some(in_flight))
        } else {
            (changes, None)
        };
        let revoked: Vec<_> = changes.revocations().cloned().collect();
        let concerns_registry = changes.concern_registry();
        if revoked.is_empty() && !concerns_registry {
            return self.store.commit(changes).await;
        }
        let server = Arc::clone(self);
        let task = tokio::spawn(async move {
            let committed = server.store.commit(changes).await;
            drop(in_flight);
            committed?;
            server.revocations.add(revoked, &server.epoch);
            if concerns_registry && let Err(error) = maintenance::reload(&server).await {
                tracing::warn!(%error, "changed apps and keys cannot be read; within a second again");
            }
            Ok(())
        });
        let ended = |_| Err(countersign_store::Error::Unavailable("the commit panicked".to_owned()));
        task.await.unwrap_or_else(ended)
    }

    /// Whether other nodes decide about the same people.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        !self.store.is_exclusive()
    }

    /// Whether this node can know what other nodes took back: it asked the store within the last second, and for apps
    /// and keys not much longer ago.
    ///
    /// Between two readings of the [`Clock`] lies never less time than has run, so that old knowledge does not look fresh
    /// when the system's clock is set back; and unlike a stopwatch it counts the time that a machine has slept.
    #[must_use]
    pub fn knows_revocations(&self, now: Timestamp) -> bool {
        self.store.is_exclusive()
            || now.since(self.revocations.asked_at()) <= REVOCATIONS_TRUSTED && self.knows_registry(now)
    }

    /// Whether this node can know which apps and keys other nodes changed: it read them within the last seconds.
    #[must_use]
    pub fn knows_registry(&self, now: Timestamp) -> bool {
        self.store.is_exclusive() || now.since(self.freshness.read_at()) <= REGISTRY_TRUSTED
    }

    /// Up to when this node knows what other nodes took back and changed.
    #[must_use]
    pub fn last_knew(&self) -> Timestamp {
        self.revocations.asked_at().min(self.freshness.read_at())
    }

    /// An app by its name, as it is now.
    #[must_use]
    pub fn app(&self, name: &str) -> Option<Arc<countersign_domain::app::App>> {
        self.registry.load().app(name).cloned()
    }
}

fn commit_outcome(written: &Result<(), countersign_store::Error>) -> &'static str {
    match written {
        Ok(()) => "committed",
        Err(countersign_store::Error::Conflict) => "conflict",
        Err(_) => "failed",
    }
}

/// Queues for decisions: a person's digest chooses one.
pub struct Lanes {
    queues: Vec<Mutex<()>>,
    failures: AtomicU64,
}

impl Default for Lanes {
    fn default() -> Self {
        Self { queues: (0..LANES).map(|_| Mutex::new(())).collect(), failures: AtomicU64::new(0) }
    }
}

impl Lanes {
    /// How many turns ended in a failure so far. A number that has not changed says that nobody's budget has.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    /// Counts one more, before the turn ends.
    pub fn note_failure(&self) {
        self.failures.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until nobody else on this node decides about the same person.
    pub async fn enter(&self, person: &countersign_domain::secret::Digest) -> Turn<'_> {
        let [first, second, ..] = *person.bytes();
        let lane = &self.queues[usize::from(u16::from_be_bytes([first, second])) % LANES];
        match lane.try_lock() {
            Ok(guard) => Turn { waited: false, _guard: guard },
            Err(_) => Turn { waited: true, _guard: lane.lock().await },
        }
    }
}

/// The turn to decide about a person, until it is dropped.
pub struct Turn<'a> {
    /// Whether somebody else decided meanwhile, so that what was read before may be old.
    pub waited: bool,
    _guard: MutexGuard<'a, ()>,
}
