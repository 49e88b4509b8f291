//! Hands mails to SMTP servers (RFC 5321): several, in order, over connections that are kept, each try limited in
//! time. Knows pools and failover; the dialogue itself is [`dialogue`]'s, the way to it [`connect`]'s.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use countersign_domain::secret::Secret;
use futures_util::future::{BoxFuture, FutureExt as _};
use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout},
};

use self::{
    connect::Connector,
    dialogue::{Dialogue, Failure},
};
use super::{
    mail::Mail,
    sender::{Reason, SendError, Sender},
};

mod connect;
mod dialogue;
mod reply;
#[cfg(test)]
pub(crate) mod sink;
#[cfg(test)]
mod tests;
pub(crate) mod tls;
mod wire;

/// Which servers, and how long to wait for them.
#[derive(Clone, Debug)]
pub struct SmtpOptions {
    /// The servers, the preferred one first.
    pub servers: Vec<SmtpServer>,
    /// What to call ourselves in `EHLO`: a host's name. Without one, the address literal of the connection.
    pub hello_name: Option<String>,
    /// Most connections at once, to all servers together: 16 by default.
    pub max_connections: usize,
    /// Longest time to get a connection ready, encryption and authentication included: 10 seconds by default.
    pub connect_timeout: Duration,
    /// Longest time for one mail at one server: 30 seconds by default.
    pub timeout: Duration,
    /// How long a connection without work is kept: 30 seconds by default.
    pub idle_timeout: Duration,
    /// How long a server that failed is asked last: 60 seconds by default.
    pub cool_down: Duration,
}

impl Default for SmtpOptions {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            hello_name: None,
            max_connections: 16,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            cool_down: Duration::from_secs(60),
        }
    }
}

/// One server.
#[derive(Clone, Debug)]
pub struct SmtpServer {
    /// Its host name, which its certificate must have, or its address.
    pub host: String,
    /// Its port: 587 for submission, 465 for submission over TLS, 25 for relays.
    pub port: u16,
    /// Whether and when the connection is encrypted.
    pub encryption: Encryption,
    /// Who we are there, if it wants to know.
    pub credentials: Option<Credentials>,
    /// A PEM file of the only authorities to trust, in place of the public ones.
    pub authorities: Option<PathBuf>,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// In the clear at first, then `STARTTLS`, without which nothing is sent (RFC 3207).
    #[default]
    StartTls,
    /// From the first byte (RFC 8314).
    Implicit,
    /// Not at all, and only to a server on this machine.
    LoopbackOnly,
    /// Not at all, wherever the server is: codes, and the password if there is one, can be read on the way.
    Insecure,
}

/// A name and a password.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
}

/// Options that cannot work.
#[derive(Debug, thiserror::Error)]
pub enum SmtpSetupError {
    /// There is no server.
    #[error("no SMTP server is given")]
    NoServer,
    /// This is not a host's name or address.
    #[error("{0:?} is not a host name")]
    HostName(String),
    /// The file of authorities cannot be read, or has no certificate in it.
    #[error("no certificates could be read from {}", .0.display())]
    Authorities(PathBuf),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Sends through SMTP servers.
///
/// One `send` takes at most three times `timeout`: for a free connection, and for two servers that are slow. Those that
/// are quick to refuse are all asked.
pub struct SmtpSender {
    servers: Vec<Server>,
    connections: Semaphore,
    /// The server that took the last mail.
    last_good: AtomicUsize,
    timeout: Duration,
    cool_down: Duration,
}

impl SmtpSender {
    /// Prepares TLS for every server; connects to none.
    ///
    /// # Errors
    /// [`SmtpSetupError`] says which option cannot work.
    pub fn new(options: &SmtpOptions) -> Result<Self, SmtpSetupError> {
        let server = |server: &SmtpServer| -> Result<Server, SmtpSetupError> {
            let connector = Connector::new(options, server)?;
            let idle_timeout = options.idle_timeout;
            Ok(Server { connector, idle: Mutex::default(), cooling_until: Mutex::default(), idle_timeout })
        };
        if options.servers.is_empty() {
            return Err(SmtpSetupError::NoServer);
        }
        Ok(Self {
            servers: options.servers.iter().map(server).collect::<Result<_, _>>()?,
            connections: Semaphore::new(options.max_connections.clamp(1, Semaphore::MAX_PERMITS)),
            last_good: AtomicUsize::new(0),
            timeout: options.timeout,
            cool_down: options.cool_down,
        })
    }

    async fn permit(&self) -> Result<SemaphorePermit<'_>, SendError> {
        match timeout(self.timeout, self.connections.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(SendError::Later(Reason::Busy)),
        }
    }

    /// The servers to try: the last good one first, then in order, those that failed lately at the end.
    fn order(&self) -> Vec<usize> {
        let (now, last_good) = (Instant::now(), self.last_good.load(Ordering::Relaxed));
        let mut order: Vec<usize> = (0..self.servers.len()).collect();
        order.sort_by_key(|&index| (self.servers[index].is_cooling(now), index != last_good, index));
        order
    }

    /// Asks one server after the other until one takes the mail. A refusal is one server's: for good it is when every
    /// server has spoken so, and as long as one of them may take the mail later, it is tried again.
    async fn deliver(&self, mail: &Mail) -> Result<(), SendError> {
        let begun = Instant::now();
        let _permit = self.permit().await?;
        let mut verdict = None;
        for index in self.order() {
            // The caller counts on an answer in time; whoever was slow is cooling, and will be asked last.
            if begun.elapsed() > self.timeout * 2 {
                verdict = verdict.map(|error: SendError| SendError::Later(error.reason()));
                break;
            }
            let server = &self.servers[index];
            let delivered = timeout(self.timeout, server.deliver(mail)).await;
            let refused = match delivered.unwrap_or(Err(Failure::Lost(Reason::Timeout))) {
                Ok(()) => {
                    self.last_good.store(index, Ordering::Relaxed);
                    return Ok(());
                }
                Err(Failure::Refused(error)) => error,
                // The server may have the mail: trying another one at once would often send it twice.
                Err(Failure::Lost(reason)) => {
                    server.cool(self.cool_down);
                    return Err(SendError::Later(reason));
                }
                Err(Failure::Unusable(reason)) => {
                    server.cool(self.cool_down);
                    SendError::Later(reason)
                }
            };
            verdict = Some(verdict.map_or(refused, |former| milder(former, refused)));
        }
        Err(verdict.unwrap_or(SendError::Later(Reason::Connect)))
    }

    async fn check_servers(&self) -> Result<(), SendError> {
        let _permit = self.permit().await?;
        let mut reason = Reason::Connect;
        for server in &self.servers {
            match timeout(self.timeout, server.greet()).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(failure)) => reason = failure.reason(),
                Err(_) => reason = Reason::Timeout,
            }
        }
        Err(SendError::Later(reason))
    }
}

impl Sender for SmtpSender {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        self.deliver(mail).boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SendError>> {
        self.check_servers().boxed()
    }
}

/// What two servers have said together: later, unless both say never.
const fn milder(former: SendError, latter: SendError) -> SendError {
    match (former, latter) {
        (SendError::Later(_), SendError::Never(_)) => former,
        _ => latter,
    }
}

/// One server and the connections to it that wait for work.
struct Server {
    connector: Connector,
    idle: Mutex<Vec<(Dialogue, Instant)>>,
    cooling_until: Mutex<Option<Instant>>,
    idle_timeout: Duration,
}

impl Server {
    /// Sends over a kept connection, and over a fresh one, once, when that turns out to be gone.
    async fn deliver(&self, mail: &Mail) -> Result<(), Failure> {
        if let Some(kept) = self.take() {
            match self.send(kept, mail).await {
                Err(Failure::Unusable(_)) => {}
                other => return other,
            }
        }
        self.send(self.connector.connect().await?, mail).await
    }

    async fn send(&self, mut dialogue: Dialogue, mail: &Mail) -> Result<(), Failure> {
        let sent = dialogue.send(mail).await;
        if dialogue.is_usable() {
            self.idle.lock().push((dialogue, Instant::now()));
        }
        sent
    }

    async fn greet(&self) -> Result<(), Failure> {
        self.connector.connect().await?.quit().await
    }

    /// A kept connection, the one used last; those that were kept for too long, or that the server has closed, are
    /// thrown away.
    fn take(&self) -> Option<Dialogue> {
        let now = Instant::now();
        let mut idle = self.idle.lock();
        idle.retain(|(_, since)| now.duration_since(*since) < self.idle_timeout);
        while let Some((mut dialogue, _)) = idle.pop() {
            if dialogue.is_quiet() {
                return Some(dialogue);
            }
        }
        None
    }

    fn is_cooling(&self, now: Instant) -> bool {
        self.cooling_until.lock().is_some_and(|until| now < until)
    }

    fn cool(&self, span: Duration) {
        *self.cooling_until.lock() = Instant::now().checked_add(span);
    }
}
