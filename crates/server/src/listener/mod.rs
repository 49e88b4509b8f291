//! The door: accepts connections on TCP or a Unix socket and serves HTTP/1.1 on them, within limits.
//!
//! Every connection, head, request, pause and unread answer has a bound, so that slow or many clients cost the others
//! nothing; a panic costs its own request only; a stop lets what is under way end. What a request means, and who may
//! make it, is not known here.

mod at_once;
mod bind;
mod connection;
mod front;
mod guard;
mod passing;
mod shield;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::{Body, Incoming};
use hyper::service::Service;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};

use crate::shutdown::Shutdown;
pub use at_once::{Answer, AtOnce, Head, answer_to};
use bind::Socket;
use guard::Stream;

/// Pause after the system had no room for another connection (no file descriptors, no memory).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// An address and a port; port 0 lets the system choose.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix {
        /// Its path. A socket left there by a process that is gone is replaced; anything else is an error.
        path: PathBuf,
        /// Permission bits, such as `0o660`; without them the process's umask decides, as it does in any case for
        /// the instant between making the socket and setting its mode.
        mode: Option<u32>,
    },
}

/// Who is on the other end of the connection: none on a Unix socket. Behind a proxy this is the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub Option<SocketAddr>);

impl Peer {
    /// The address, in its plain form.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.0.map(|address| address.ip().to_canonical())
    }
}

/// A request as it came in.
#[derive(Debug)]
pub struct Arrived {
    /// The request.
    pub request: Request<Incoming>,
    /// Who made it.
    pub peer: Peer,
}

/// The bounds of what clients can take. All of them hold for each listener.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time; more wait in the system's queue.
    pub connections: usize,
    /// Time for the head of a request, from its first byte (of the first request: from the connection) to its end.
    pub head: Duration,
    /// Bytes of the head of a request, request line included; more are answered 431.
    pub head_bytes: usize,
    /// Time between two requests on one connection. Above the 60 seconds that proxies commonly keep theirs, so that
    /// it is they who close, and no request meets a connection that is just being closed.
    pub idle: Duration,
    /// Time for a request from the end of its head until its answer begins, reading the body included; then 503.
    pub request: Duration,
    /// Time for a client to take some more of an answer.
    pub stall: Duration,
    /// Time for requests under way to end after a stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            head: Duration::from_secs(10),
            head_bytes: 32 * 1024,
            idle: Duration::from_secs(75),
            request: Duration::from_secs(30),
            stall: Duration::from_secs(10),
            drain: Duration::from_secs(20),
        }
    }
}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
}

impl Listener {
    /// Starts to listen. Clients can connect from now on and wait until [`Self::serve`].
    ///
    /// # Errors
    /// What the system says; for a Unix socket [`io::ErrorKind::AddrInUse`] when somebody answers on it or the path
    /// holds something else than a socket.
    pub async fn bind(address: Address) -> io::Result<Self> {
        let socket = match address {
            Address::Tcp(address) => bind::tcp(address).await?,
            Address::Unix { path, mode } => bind::unix(path, mode)?,
        };
        Ok(Self { socket })
    }

    /// The address it listens on, with the port the system chose; none for a Unix socket.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr()
    }

    /// Serves connections until `shutdown` is requested, then stops accepting, lets requests under way end for as
    /// long as [`Limits::drain`], and cuts off the rest. No task is left when it returns, or when it is dropped.
    pub async fn serve<S, B>(self, service: S, limits: Limits, mut shutdown: Shutdown)
    where
        S: Service<Arrived, Response = Response<B>, Error = Infallible>
            + AtOnce
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let permits = Arc::new(Semaphore::new(limits.connections));
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.requested() => break,
                Some(ended) = connections.join_next() => report(ended),
                Some((permit, stream, peer)) = self.accept(&permits) => {
                    let run = connection::run(stream, service.clone(), peer, limits.clone(), shutdown.clone());
                    connections.spawn(async move {
                        run.await;
                        drop(permit);
                    });
                }
            }
        }
        // From here on the system refuses new connections.
        drop(self);
        drain(connections, limits.drain).await;
    }

    /// The next connection, once there is room for it. Safe to be dropped and called again.
    async fn accept(&self, permits: &Arc<Semaphore>) -> Option<(OwnedSemaphorePermit, Stream, Peer)> {
        // Fails only when the semaphore is closed, which nobody does.
        let permit = Arc::clone(permits).acquire_owned().await.ok()?;
        loop {
            match self.socket.accept().await {
                Ok((stream, peer)) => return Some((permit, stream, peer)),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether the error is about the connection that was to be accepted, so that the next may be fine.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

async fn drain(mut connections: JoinSet<()>, limit: Duration) {
    let ended = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(limit, ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off connections that did not end in time");
        connections.shutdown().await;
    }
}

/// A panic outside a handler (in an answer's body) ends its connection, and is noted here.
fn report(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a connection panicked");
    }
}
