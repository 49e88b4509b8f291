//! The way to a server that is ready for mails: connect, greet, encrypt, authenticate, within a time limit. Knows
//! nothing of mails.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::{
    Encryption, SmtpOptions, SmtpServer, SmtpSetupError,
    dialogue::{Dialogue, Failure, Stream},
    tls,
};
use crate::outbox::sender::Reason;

/// Makes connections to one server.
pub(super) struct Connector {
    server: SmtpServer,
    name: ServerName<'static>,
    tls: TlsConnector,
    hello_name: Option<String>,
    limit: Duration,
}

impl Connector {
    pub(super) fn new(options: &SmtpOptions, server: &SmtpServer) -> Result<Self, SmtpSetupError> {
        let host_name = |name: &String| SmtpSetupError::HostName(name.clone());
        if let Some(name) = options.hello_name.as_ref().filter(|name| !is_host_name(name)) {
            return Err(host_name(name));
        }
        Ok(Self {
            name: ServerName::try_from(server.host.clone()).map_err(|_| host_name(&server.host))?,
            tls: tls::connector(server.authorities.as_deref())?,
            hello_name: options.hello_name.clone(),
            limit: options.connect_timeout,
            server: server.clone(),
        })
    }

    /// A connection over which the next thing to say is `MAIL`.
    pub(super) async fn connect(&self) -> Result<Dialogue, Failure> {
        timeout(self.limit, self.prepare()).await.unwrap_or(Err(Failure::Unusable(Reason::Timeout)))
    }

    async fn prepare(&self) -> Result<Dialogue, Failure> {
        let unreachable = |_| Failure::Unusable(Reason::Connect);
        let socket =
            TcpStream::connect((self.server.host.as_str(), self.server.port)).await.map_err(unreachable)?;
        // Commands are small and each waits for its answer: gathering them would cost 40 ms a time.
        socket.set_nodelay(true).map_err(unreachable)?;
        let name = match &self.hello_name {
            Some(name) => name.clone(),
            None => address_literal(socket.local_addr().map_err(unreachable)?),
        };
        let peer = socket.peer_addr().map_err(unreachable)?;
        let mut dialogue = match self.server.encryption {
            Encryption::Implicit => greeted(self.encrypted(Box::new(socket)).await?, &name).await?,
            Encryption::StartTls => {
                let stream = greeted(Box::new(socket), &name).await?.start_tls().await?;
                // What was said in the clear no longer counts (RFC 3207, 4.2); no greeting comes again.
                let mut dialogue = Dialogue::new(self.encrypted(stream).await?);
                dialogue.hello(&name).await?;
                dialogue
            }
            Encryption::LoopbackOnly if !peer.ip().to_canonical().is_loopback() => {
                return Err(Failure::Unusable(Reason::Tls));
            }
            Encryption::LoopbackOnly | Encryption::Insecure => greeted(Box::new(socket), &name).await?,
        };
        if !peer.ip().to_canonical().is_loopback() {
            dialogue.forgo_chunking();
        }
        if let Some(credentials) = &self.server.credentials {
            dialogue.authenticate(credentials).await?;
        }
        Ok(dialogue)
    }

    async fn encrypted(&self, stream: Box<dyn Stream>) -> Result<Box<dyn Stream>, Failure> {
        let encrypted = self.tls.connect(self.name.clone(), stream).await;
        encrypted
            .map(|stream| Box::new(stream) as Box<dyn Stream>)
            .map_err(|_| Failure::Unusable(Reason::Tls))
    }
}

async fn greeted(stream: Box<dyn Stream>, name: &str) -> Result<Dialogue, Failure> {
    let mut dialogue = Dialogue::new(stream);
    dialogue.greeting().await?;
    dialogue.hello(name).await?;
    Ok(dialogue)
}

fn is_host_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.[]:".contains(&byte);
    !name.is_empty() && name.len() <= 255 && name.bytes().all(plain)
}

/// An address as a host's name in `EHLO` (RFC 5321, 4.1.3).
fn address_literal(address: SocketAddr) -> String {
    match address.ip().to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    }
}
