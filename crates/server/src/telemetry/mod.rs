//! Traces for operators: which request took how long, and what of it was the store's and the mail server's part.
//!
//! A span holds a route, a status, an outcome and times, and nothing else: its types have no room for an address, a
//! code, a token or a network address. It knows neither who collects traces nor how they travel: that is
//! [`exporter`]'s and [`otlp`]'s business. Where no collector is configured, nothing is drawn, timed or kept.

pub mod exporter;
pub mod otlp;
#[cfg(test)]
mod tests;
mod trace_context;

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::extract::MatchedPath;
use http::{HeaderMap, Method};
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::mpsc;

use self::{exporter::Exporter, trace_context::TraceContext};
use crate::{
    config::{ConfigError, TelemetrySettings},
    metrics::Metrics,
    system::{Clock, Entropy},
};

/// Spans that wait to be collected; beyond, they are dropped and counted.
const WAITING: usize = 4096;

tokio::task_local! {
    /// The request that this task answers, where it is traced.
    static CURRENT: Trace;
}

/// Notes spans, where a collector is configured.
#[derive(Default)]
pub struct Telemetry(Option<Recorder>);

struct Recorder {
    offers: mpsc::Sender<Span>,
    exporter: Mutex<Option<Exporter>>,
    one_in: u64,
    continues: bool,
    dropped: Counter,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// A span that has begun: its place in a trace and its start.
#[derive(Clone, Copy, Debug)]
pub struct Trace {
    trace: [u8; 16],
    span: [u8; 8],
    parent: Option<[u8; 8]>,
    /// When it began, since 1970.
    start: Duration,
    anchor: Anchor,
}

/// Two clocks read at once, so that the spans of a trace lie in each other to the microsecond.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    since_1970: Duration,
    instant: Instant,
}

impl Anchor {
    fn now(&self) -> Duration {
        self.since_1970 + self.instant.elapsed()
    }
}

/// A span that is over.
#[derive(Clone, Debug)]
pub struct Span {
    trace: Trace,
    end: Duration,
    what: What,
}

/// What happened in a span. Everything here is a number, a word of ours, or the route as we wrote it.
#[derive(Clone, Debug)]
pub enum What {
    /// A request was answered.
    Request {
        /// The method; `_OTHER` for one that HTTP does not name.
        method: &'static str,
        /// The route that was taken, as it is written in the code.
        route: Route,
        /// The status code.
        status: u16,
        /// The code of the problem; empty when there was none.
        code: &'static str,
    },
    /// Changes were written, or not.
    Commit {
        /// `committed`, `conflict` or `failed`.
        outcome: &'static str,
    },
    /// A mail was handed to a mail server, or not.
    Delivery {
        /// `sent`, `later` or `refused`.
        outcome: &'static str,
        /// How often it was tried before.
        attempts: u32,
    },
}

/// A route as it is written in the code: never the path of a request.
#[derive(Clone, Debug)]
pub enum Route {
    /// None was taken.
    Unknown,
    /// One of the router's.
    Matched(MatchedPath),
    /// `/v1/token`, which goes round the router.
    Token,
    /// `/v1/session`, where it does.
    Session,
    /// `/verify/{app}`, where it does.
    Verify,
}

impl Route {
    /// As text; empty when none was taken.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown => "",
            Self::Matched(path) => path.as_str(),
            Self::Token => "/v1/token",
            Self::Session => "/v1/session",
            Self::Verify => "/verify/{app}",
        }
    }
}

impl From<Option<&MatchedPath>> for Route {
    fn from(path: Option<&MatchedPath>) -> Self {
        path.map_or(Self::Unknown, |path| Self::Matched(path.clone()))
    }
}

/// A method by a name of ours: what a caller invents is not repeated.
#[must_use]
pub fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

impl Telemetry {
    /// What the configuration asks for; nothing without an endpoint.
    ///
    /// # Errors
    /// When the endpoint or its authorities do not read.
    pub fn new(
        settings: &TelemetrySettings,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
        metrics: &Metrics,
    ) -> Result<Self, ConfigError> {
        let (offers, spans) = mpsc::channel(WAITING);
        let Some(exporter) = Exporter::new(settings, spans, metrics)? else { return Ok(Self(None)) };
        Ok(Self(Some(Recorder {
            offers,
            exporter: Mutex::new(Some(exporter)),
            one_in: u64::from(settings.sample_one_in.max(1)),
            continues: settings.continue_traces,
            dropped: metrics.spans_dropped.clone(),
            clock: Arc::clone(clock),
            entropy: Arc::clone(entropy),
        })))
    }

    /// Who carries spans to the collector; given once, to whoever runs it.
    pub fn take_exporter(&self) -> Option<Exporter> {
        self.0.as_ref()?.exporter.lock().take()
    }

    /// Whether anything is traced.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins the span of a request; `None` when it is not traced. The caller's trace is continued only where that
    /// is configured.
    #[must_use]
    pub fn begin(&self, headers: &HeaderMap) -> Option<Trace> {
        let recorder = self.0.as_ref()?;
        let given = if recorder.continues { TraceContext::read(headers) } else { None };
        match given {
            Some(TraceContext { sampled: false, .. }) => None,
            Some(context) => Some(recorder.begin(context.trace, Some(context.span))),
            None => recorder.sample(),
        }
    }

    /// Begins the span of a mail: in the trace of the request that promised it, or in a trace of its own.
    #[must_use]
    pub fn begin_delivery(&self, promised_in: Option<Trace>) -> Option<Trace> {
        let recorder = self.0.as_ref()?;
        promised_in.map(|parent| recorder.child(&parent)).or_else(|| recorder.sample())
    }

    /// Begins a span within the request that this task answers; `None` when that is not traced.
    #[must_use]
    pub fn begin_within(&self) -> Option<Trace> {
        let recorder = self.0.as_ref()?;
        Some(recorder.child(&current()?))
    }

    /// Ends a span. Never waits: when too many wait already, it is dropped and counted.
    pub fn end(&self, span: Option<Trace>, what: impl FnOnce() -> What) {
        let (Some(recorder), Some(trace)) = (&self.0, span) else { return };
        let span = Span { trace, end: trace.anchor.now(), what: what() };
        if recorder.offers.try_send(span).is_err() {
            recorder.dropped.inc();
        }
    }
}

/// The span of the request that this task answers.
#[must_use]
pub fn current() -> Option<Trace> {
    CURRENT.try_with(|trace| *trace).ok()
}

/// Answers a request within its span.
pub async fn within<F: Future>(span: Option<Trace>, answer: F) -> F::Output {
    match span {
        Some(trace) => CURRENT.scope(trace, answer).await,
        None => answer.await,
    }
}

impl Recorder {
    /// A new trace, for one in so many.
    fn sample(&self) -> Option<Trace> {
        let mut trace = [0; 16];
        self.entropy.random().fill(&mut trace);
        // An id of zeros is none (W3C Trace Context, 3.2.2.3).
        trace[0] |= 1;
        let drawn = trace.last_chunk().map_or(0, |last| u64::from_be_bytes(*last));
        drawn.is_multiple_of(self.one_in).then(|| self.begin(trace, None))
    }

    fn begin(&self, trace: [u8; 16], parent: Option<[u8; 8]>) -> Trace {
        let now = u64::try_from(self.clock.now().millis()).unwrap_or(0);
        let anchor = Anchor { since_1970: Duration::from_millis(now), instant: Instant::now() };
        Trace { trace, span: self.span_id(), parent, start: anchor.since_1970, anchor }
    }

    fn child(&self, parent: &Trace) -> Trace {
        Trace { span: self.span_id(), parent: Some(parent.span), start: parent.anchor.now(), ..*parent }
    }

    fn span_id(&self) -> [u8; 8] {
        let mut id = [0; 8];
        self.entropy.random().fill(&mut id);
        id[0] |= 1;
        id
    }
}
