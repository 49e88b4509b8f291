//! A connection that loses patience: with a head that does not end, a pause that is too long, an answer not taken.
//!
//! This stands in for hyper's header timeout, which makes and unmakes a timer for every request and cannot tell a
//! connection kept open between requests from a head that dribbles in. Here one timer serves the whole connection and
//! is moved only when it fires or must fire earlier. It sees bytes come and go, and is told by the service when a
//! request is being answered; it does not read HTTP.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use super::Limits;

/// A connection of either kind.
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Where a connection is between two requests. Shared by its two halves, which run in one task and take turns; it is
/// atomic only because a task may move between threads.
#[derive(Debug)]
pub(super) struct Phase(AtomicU64);

/// The last two bits of a [`Phase`]; the rest counts the changes, so that a phase left and entered again is new.
const IDLE: u64 = 0;
const HEAD: u64 = 1;
const BUSY: u64 = 2;
const MASK: u64 = 3;

impl Phase {
    /// A new connection: the first head is due at once.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(HEAD)))
    }

    /// A request has come in whole, but for its body.
    pub(super) fn request_begins(&self) {
        self.enter(BUSY);
    }

    /// Its answer is there.
    pub(super) fn answer_begins(&self) {
        self.enter(IDLE);
    }

    fn bytes_came(&self) {
        if self.0.load(Relaxed) & MASK == IDLE {
            self.enter(HEAD);
        }
    }

    fn bytes_went(&self) {
        if self.0.load(Relaxed) & MASK == IDLE {
            self.enter(IDLE);
        }
    }

    fn enter(&self, phase: u64) {
        let changes = self.0.load(Relaxed) | MASK;
        self.0.store(changes.wrapping_add(1) | phase, Relaxed);
    }
}

/// The connection as hyper gets it.
pub(super) struct Guarded {
    stream: Stream,
    phase: Arc<Phase>,
    reading: Patience,
    stall: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    pub(super) fn new(stream: Stream, phase: Arc<Phase>, limits: &Limits) -> Self {
        let deadline = Instant::now() + limits.head;
        let reading = Patience {
            head: limits.head,
            idle: limits.idle,
            seen: phase.0.load(Relaxed),
            deadline,
            timer: Box::pin(sleep_until(deadline)),
        };
        Self { stream, phase, reading, stall: limits.stall, stalled: None }
    }

    /// Passes the outcome of a write on, unless nothing could be written for too long.
    fn written<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            self.phase.bytes_went();
            return outcome;
        }
        let stall = self.stall;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(stall))).as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// How long to wait for bytes.
struct Patience {
    head: Duration,
    idle: Duration,
    /// The phase that `deadline` belongs to.
    seen: u64,
    deadline: Instant,
    /// Fires at the deadline or before it, never later.
    timer: Pin<Box<Sleep>>,
}

impl Patience {
    /// Ready with an error when the phase has lasted too long, otherwise sure to wake the task then. A request being answered has its own limit.
    fn poll_overdue<T>(&mut self, phase: u64, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if phase & MASK == BUSY {
            return Poll::Pending;
        }
        if phase != self.seen {
            self.seen = phase;
            self.deadline = Instant::now() + if phase & MASK == HEAD { self.head } else { self.idle };
            if self.timer.deadline() > self.deadline {
                self.timer.as_mut().reset(self.deadline);
            }
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if Instant::now() >= self.deadline {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.timer.as_mut().reset(self.deadline);
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let outcome = match &mut this.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        };
        if outcome.is_pending() {
            return this.reading.poll_overdue(this.phase.0.load(Relaxed), cx);
        }
        if buffer.filled().len() > before {
            this.phase.bytes_came();
        }
        outcome
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = match &mut this.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        };
        this.written(cx, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = match &mut this.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        };
        this.written(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Flushing ends every answer, so the wait for the next request begins here: hyper does not try to read again
    /// when it has found nothing to read while the answer was made.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = match &mut this.stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
        };
        match this.reading.poll_overdue(this.phase.0.load(Relaxed), cx) {
            Poll::Ready(overdue) => Poll::Ready(overdue),
            Poll::Pending => outcome,
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
