//! One connection, from its first byte to its last.

use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;

use super::guard::{Guarded, Phase, Stream};
use super::{Arrived, Limits, Peer, shield};
use crate::shutdown::Shutdown;

/// Most bytes that are read ahead or gathered to be written, for each connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves one connection until it ends; after a stop, until the request under way is answered.
pub(super) async fn run<S, B>(stream: Stream, service: S, peer: Peer, limits: Limits, mut shutdown: Shutdown)
where
    S: Service<Arrived, Response = Response<B>, Error = Infallible>,
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let phase = Phase::new();
    let guarded = Guarded::new(stream, Arc::clone(&phase), &limits);
    let (phase, request_limit) = (&*phase, limits.request);
    let service = service_fn(move |request: Request<Incoming>| {
        phase.request_begins();
        let started = shield::start(|| service.call(Arrived { request, peer }));
        async move {
            let answer = shield::answer(started, request_limit).await;
            phase.answer_begins();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .writev(false)
        .max_header_size(limits.head_bytes)
        .max_buf_size(BUFFER_BYTES.max(limits.head_bytes))
        .serve_connection(TokioIo::new(guarded), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = shutdown.requested() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
