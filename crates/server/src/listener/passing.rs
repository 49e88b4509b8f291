//! A request that the front passes on: the library that speaks the whole of HTTP gets the connection with what has come,
//! and gives it back after the answer where it was exactly one request without a body. Where that is not certain the
//! connection stays there until it ends.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1::{self, Parts};
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::guard::{Guarded, Phase};
use super::{Arrived, Limits, Peer, shield};
use crate::shutdown::Order;

/// Most bytes that are read ahead or gathered to be written, for each connection.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves what `bytes` begin with. The connection comes back, with what else came, if nothing but one request `is_alone` in
/// them, it was answered whole, and the connection is to go on.
pub(super) async fn pass<S, B>(
    (stream, phase): (Guarded, &Arc<Phase>),
    (bytes, is_alone): (Vec<u8>, bool),
    (service, peer, limits): (&S, Peer, &Limits),
    order: &mut Order,
) -> Option<(Guarded, Vec<u8>)>
where
    S: Service<Arrived, Response = Response<B>, Error = Infallible>,
    S::Future: Send,
    B: Body<Data = Bytes> + Unpin + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let turn = Arc::new(Turn::default());
    let request_limit = limits.request;
    let service = service_fn(|request: Request<Incoming>| {
        phase.request_begins();
        let noted = turn.begins();
        let started = shield::start(|| service.call(Arrived { request, peer }));
        Box::pin(async move {
            let answer = shield::answer(started, request_limit).await;
            phase.answer_begins();
            Ok::<_, Infallible>(answer.map(|body| Noted { body, _noted: noted }))
        })
    });
    let stream = Passed { begun: bytes, given: 0, stream, turn: Arc::clone(&turn) };
    let mut library = library(limits);
    // After the order to stop, an answer says that it is the last.
    let connection = library.keep_alive(!order.is_given()).serve_connection(TokioIo::new(stream), service);
    drive(connection, (&turn, is_alone), order).await
}

/// Lets the library work until the connection has ended, or can be given back.
async fn drive<S, B>(
    mut connection: http1::Connection<TokioIo<Passed>, S>,
    (turn, is_alone): (&Turn, bool),
    order: &mut Order,
) -> Option<(Guarded, Vec<u8>)>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Unpin,
    S::Future: Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let (mut may_come_back, mut is_ordered) = (is_alone, false);
    let ended = loop {
        let answered = poll_fn(|cx| {
            // Without an orderly end, which it may not need, the library may leave a part of an answer behind.
            let ended = match is_alone {
                true => connection.poll_without_shutdown(cx),
                false => Pin::new(&mut connection).poll(cx),
            };
            let is_answered = ended.is_pending() && may_come_back && turn.is_over();
            if is_answered { Poll::Ready(None) } else { ended.map(Some) }
        });
        tokio::select! {
            biased;
            answered = answered => match answered {
                Some(ended) => break ended,
                None => {
                    // It is idle, so this closes it in its own books, here and now; if not, it stays there.
                    may_come_back = false;
                    Pin::new(&mut connection).graceful_shutdown();
                    let closed = poll_fn(|cx| connection.poll_without_shutdown(cx)).now_or_never();
                    match closed {
                        Some(Ok(())) => return Some(given_back(connection.into_parts())),
                        Some(ended) => break ended,
                        None => {}
                    }
                }
            },
            () = order.given(), if !is_ordered => {
                is_ordered = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    // What was left behind goes out now.
    let ended = if is_alone && ended.is_ok() { connection.await } else { ended };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    None
}

fn given_back<S>(parts: Parts<TokioIo<Passed>, S>) -> (Guarded, Vec<u8>) {
    (parts.io.into_inner().stream, parts.read_buf.to_vec())
}

/// The library, within limits. It counts no time: the guard does.
fn library(limits: &Limits) -> http1::Builder {
    let mut library = http1::Builder::new();
    library
        .header_read_timeout(None)
        // What is answered is short: one piece of memory goes out by a cheaper call than two.
        .writev(false)
        .max_header_size(limits.head_bytes)
        .max_buf_size(BUFFER_BYTES.max(limits.head_bytes));
    library
}

/// How far the first request of a connection that was passed on has come.
#[derive(Debug, Default)]
struct Turn {
    requests: AtomicUsize,
    /// Whether the body of an answer was written to its end, or dropped.
    is_written: AtomicBool,
    /// Whether all that was written has gone out since.
    is_out: AtomicBool,
}

impl Turn {
    fn begins(self: &Arc<Self>) -> Written {
        self.requests.fetch_add(1, Relaxed);
        Written(Arc::clone(self))
    }

    /// Whether one request came, and its answer is out.
    fn is_over(&self) -> bool {
        self.is_out.load(Relaxed) && self.requests.load(Relaxed) == 1
    }
}

/// Notes the end of an answer when it is dropped.
struct Written(Arc<Turn>);

impl Drop for Written {
    fn drop(&mut self) {
        self.0.is_written.store(true, Relaxed);
    }
}

/// The body of an answer whose end is noted.
struct Noted<B> {
    body: B,
    _noted: Written,
}

impl<B: Body + Unpin> Body for Noted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The connection with what was read of it already.
struct Passed {
    begun: Vec<u8>,
    /// How much of it was given.
    given: usize,
    stream: Guarded,
    turn: Arc<Turn>,
}

impl AsyncRead for Passed {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let rest = &this.begun[this.given..];
        if rest.is_empty() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        let length = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..length]);
        this.given += length;
        if this.given == this.begun.len() {
            (this.begun, this.given) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Passed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    /// Asked for when all that was written has gone out.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        if this.turn.is_written.load(Relaxed) {
            this.turn.is_out.store(true, Relaxed);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
