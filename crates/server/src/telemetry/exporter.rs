//! Carries spans to a collector: OTLP over HTTP, in batches, one connection each. A collector that is slow or gone
//! costs spans, which are counted, and never a request. It does not know what spans are about.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header, uri::Scheme};
use http_body_util::Full;
use hyper_util::rt::TokioIo;
use prometheus_client::metrics::counter::Counter;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

use super::{Span, otlp};
use crate::{
    config::{ConfigError, TelemetrySettings},
    metrics::Metrics,
    outbox::smtp::tls,
    shutdown::Shutdown,
};

/// Spans that travel together.
const BATCH: usize = 512;
/// How long the first of a batch waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// How long a collector may take for one batch.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before a batch is tried again.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// Where spans go.
#[derive(Clone)]
struct Collector {
    uri: Uri,
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// The one that carries them.
pub struct Exporter {
    collector: Collector,
    service: String,
    spans: mpsc::Receiver<Span>,
    exported: Counter,
    dropped: Counter,
    is_failing: bool,
}

/// Why a batch did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Failure {
    #[error("the collector cannot be reached")]
    Unreachable,
    #[error("the collector does not answer in time")]
    Slow,
    #[error("the collector answered {0}")]
    Refused(StatusCode),
}

impl Failure {
    /// Whether it may be different in a moment (OTLP, "Retryable Response Codes").
    fn may_pass(self) -> bool {
        match self {
            Self::Unreachable | Self::Slow => true,
            Self::Refused(status) => [429, 502, 503, 504].contains(&status.as_u16()),
        }
    }
}

impl Exporter {
    /// One for the configured endpoint; `None` when there is none.
    ///
    /// # Errors
    /// When the endpoint or its authorities do not read.
    pub fn new(
        settings: &TelemetrySettings,
        spans: mpsc::Receiver<Span>,
        metrics: &Metrics,
    ) -> Result<Option<Self>, ConfigError> {
        let Some(endpoint) = &settings.endpoint else { return Ok(None) };
        let wrong = |why: String| ConfigError(format!("telemetry.endpoint: {why}"));
        let uri = traces_uri(endpoint).map_err(|why| wrong(why.to_owned()))?;
        let host = uri.host().unwrap_or_default().to_owned();
        let is_https = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        let tls = if is_https {
            let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
            let name = name.map_err(|_| wrong(format!("{host} is no name of a host")))?;
            let connector = tls::connector(settings.ca_file.as_deref());
            let connector = connector.map_err(|why| ConfigError(format!("telemetry.ca_file: {why}")))?;
            Some((connector, name))
        } else {
            None
        };
        Ok(Some(Self {
            collector: Collector { uri, host, port, tls },
            service: settings.service_name.clone(),
            spans,
            exported: metrics.spans_exported.clone(),
            dropped: metrics.spans_dropped.clone(),
            is_failing: false,
        }))
    }

    /// Runs until `shutdown`, then sends what waits and returns.
    pub async fn run(mut self, mut shutdown: Shutdown) {
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                biased;
                taken = self.spans.recv_many(&mut batch, BATCH) => if taken == 0 { return },
                () = shutdown.requested() => return,
            }
            pause(GATHER, &mut shutdown).await;
            while batch.len() < BATCH
                && let Ok(span) = self.spans.try_recv()
            {
                batch.push(span);
            }
            self.export(&batch, &mut shutdown).await;
        }
    }

    async fn export(&mut self, batch: &[Span], shutdown: &mut Shutdown) {
        let body = Bytes::from(otlp::encode(&self.service, batch));
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let mut pauses = PAUSES.into_iter();
        loop {
            let failure = match self.collector.post(body.clone()).await {
                Ok(()) => {
                    self.exported.inc_by(count);
                    if std::mem::take(&mut self.is_failing) {
                        tracing::info!("traces are collected again");
                    }
                    return;
                }
                Err(failure) => failure,
            };
            if !std::mem::replace(&mut self.is_failing, true) {
                tracing::warn!(%failure, "traces are not collected; those that find no room are dropped");
            }
            let Some(wait) = pauses.next().filter(|_| failure.may_pass()) else {
                self.dropped.inc_by(count);
                return;
            };
            pause(wait, shutdown).await;
        }
    }
}

/// Waits, but not when the server is to stop.
async fn pause(wait: Duration, shutdown: &mut Shutdown) {
    tokio::select! {
        () = sleep(wait) => {}
        () = shutdown.requested() => {}
    }
}

impl Collector {
    async fn post(&self, body: Bytes) -> Result<(), Failure> {
        let status = timeout(PATIENCE, self.ask(body)).await.map_err(|_| Failure::Slow)??;
        if status.is_success() { Ok(()) } else { Err(Failure::Refused(status)) }
    }

    async fn ask(&self, body: Bytes) -> Result<StatusCode, Failure> {
        let host = self.host.trim_matches(['[', ']']);
        let socket = TcpStream::connect((host, self.port)).await.map_err(|_| Failure::Unreachable)?;
        match &self.tls {
            None => self.exchange(socket, body).await,
            Some((connector, name)) => {
                let encrypted = connector.connect(name.clone(), socket).await;
                self.exchange(encrypted.map_err(|_| Failure::Unreachable)?, body).await
            }
        }
    }

    /// One request on one connection. An answer that sends us elsewhere is a refusal.
    async fn exchange<S>(&self, stream: S, body: Bytes) -> Result<StatusCode, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let made = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut requests, connection) = made.map_err(|_| Failure::Unreachable)?;
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let request = Request::post(self.uri.path())
            .header(header::HOST, authority)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close")
            .body(Full::new(body))
            .map_err(|_| Failure::Unreachable)?;
        // The connection ends when nobody holds the way to it or the body of its answer any more.
        let ask = async move { requests.send_request(request).await.map(|answer| answer.status()) };
        let (status, _) = tokio::join!(ask, connection);
        status.map_err(|_| Failure::Unreachable)
    }
}

/// The address that traces are sent to: the endpoint's with `/v1/traces` behind it.
///
/// # Errors
/// What is wrong with the endpoint.
pub(crate) fn traces_uri(endpoint: &str) -> Result<Uri, &'static str> {
    const EXPECTED: &str =
        "expected https:// and the address of a collector, such as https://otel.example.org:4318";
    let uri: Uri = format!("{}/v1/traces", endpoint.trim_end_matches('/')).parse().map_err(|_| EXPECTED)?;
    let is_web = [Some(&Scheme::HTTPS), Some(&Scheme::HTTP)].contains(&uri.scheme());
    if !is_web || uri.host().is_none_or(str::is_empty) {
        return Err(EXPECTED);
    }
    if endpoint.contains(['@', '?', '#']) {
        return Err("expected an address without a name, a password or a query in it");
    }
    Ok(uri)
}
