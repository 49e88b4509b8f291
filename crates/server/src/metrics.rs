//! Counters for operators, without a person in them, in the words of Prometheus.

use countersign_domain::{app::App, assurance::Methods};
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::activity::Activity;

/// The label of an app.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AppLabel {
    app: String,
}

/// The labels of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ProofLabel {
    app: String,
    method: &'static str,
}

/// The labels of an answered request.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AnswerLabel {
    status: u16,
    code: &'static str,
}

/// All counters.
#[derive(Default)]
pub struct Metrics {
    registry: Registry,
    decisions: std::sync::atomic::AtomicU64,
    /// What happened of late.
    pub activity: Activity,
    answers: Family<AnswerLabel, Counter>,
    /// Answers of the path that goes round the router.
    pub token_checks: Counter,
    /// Tokens whose signature was known to be right.
    pub token_cache_hits: Counter,
    /// Tokens whose signature had to be checked.
    pub token_cache_misses: Counter,
    /// Questions about sessions that needed no read.
    pub session_cache_hits: Counter,
    /// Questions of proxies.
    pub verify_checks: Counter,
    /// Those answered from memory.
    pub verify_cache_hits: Counter,
    /// Those answered with no.
    pub verify_refused: Counter,
    challenges_started: Family<AppLabel, Counter>,
    proofs: Family<ProofLabel, Counter>,
    proofs_refused: Family<AppLabel, Counter>,
    revocations: Family<AppLabel, Counter>,
    /// Mails that left.
    pub messages_sent: Counter,
    /// Tries that failed for now.
    pub messages_delayed: Counter,
    /// Mails that a server refused for good.
    pub messages_refused: Counter,
    /// Mails that did not leave before their challenge ended.
    pub messages_expired: Counter,
    /// Messages that wait.
    pub messages_waiting: Gauge,
    /// For how many seconds the oldest has waited.
    pub messages_oldest_seconds: Gauge,
    /// Stored apps and API keys that do not read.
    pub corrupt_rows: Gauge,
    /// Spans that a collector took.
    pub spans_exported: Counter,
    /// Spans that found no room, or that no collector took.
    pub spans_dropped: Counter,
}

impl Metrics {
    /// All counters at zero, registered under their names.
    #[must_use]
    pub fn new() -> Self {
        let metrics = Self::default();
        let mut registry = Registry::with_prefix("countersign");
        macro_rules! register {
            ($($field:ident: $help:literal;)*) => {$(
                registry.register(stringify!($field), $help, metrics.$field.clone());
            )*};
        }
        register! {
            answers: "Answered requests by status and problem code";
            token_checks: "Requests to GET /v1/token";
            token_cache_hits: "Tokens whose signature was known";
            token_cache_misses: "Tokens whose signature was checked";
            session_cache_hits: "Requests to GET /v1/session answered from memory";
            verify_checks: "Requests to GET /verify/{app}";
            verify_cache_hits: "Requests to GET /verify/{app} answered from memory";
            verify_refused: "Requests to GET /verify/{app} answered with no";
            challenges_started: "Challenges started";
            proofs: "Challenges that gave a proof";
            proofs_refused: "Codes and redemptions refused";
            revocations: "Tokens, subjects and apps taken back";
            messages_sent: "Mails that left";
            messages_delayed: "Tries that failed for now";
            messages_refused: "Mails refused for good";
            messages_expired: "Mails that did not leave before their challenge ended";
            messages_waiting: "Messages that wait in the outbox";
            messages_oldest_seconds: "Age of the oldest message that waits";
            corrupt_rows: "Stored apps and API keys that do not read and are left out";
            spans_exported: "Spans of traces that the collector took";
            spans_dropped: "Spans of traces that found no room, or that the collector did not take";
        }
        Self { registry, ..metrics }
    }

    /// Counts a challenge.
    pub fn started(&self, app: &App) {
        self.challenges_started.get_or_create(&label(app)).inc();
    }

    /// Counts a proof.
    pub fn proved(&self, app: &App, methods: Methods) {
        self.activity.signed_in();
        for method in methods.iter() {
            self.proofs.get_or_create(&ProofLabel { app: app.name.to_string(), method: method.name() }).inc();
        }
    }

    /// Counts a refused code or redemption.
    pub fn refused_proof(&self, app: &App) {
        self.activity.refused();
        self.proofs_refused.get_or_create(&label(app)).inc();
    }

    /// Counts a revocation.
    pub fn revoked(&self, app: &App) {
        self.revocations.get_or_create(&label(app)).inc();
    }

    /// Counts an answer; `code` is empty for one that is no problem.
    pub fn answered(&self, status: u16, code: &'static str) {
        self.answers.get_or_create(&AnswerLabel { status, code }).inc();
    }

    /// How many decisions were written since this was last asked.
    #[must_use]
    pub fn acted(&self) -> u64 {
        self.decisions.swap(0, std::sync::atomic::Ordering::Relaxed)
    }

    /// Notes that a decision was written.
    pub fn note_decision(&self) {
        self.decisions.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    /// Everything as text (OpenMetrics 1.0).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

fn label(app: &App) -> AppLabel {
    AppLabel { app: app.name.to_string() }
}
