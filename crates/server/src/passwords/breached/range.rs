//! The range protocol of Have I Been Pwned: five of forty digits of a hash are sent, the endings of all stolen
//! passwords that begin so come back, among padding. Whom it is about is not known here, and the server learns neither
//! the password nor whether it is one of its own.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::Sha1;
use crate::outgoing::{Guard, Target};

/// Digits of the hash that are sent.
const PREFIX: usize = 5;
/// Most bytes of an answer. A padded one has some 40,000.
const LONGEST_ANSWER: usize = 2 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// The address does not read or may not be asked.
    #[error("the address must be https and public, unless more was allowed")]
    Address,
    /// The network.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It took too long.
    #[error("no answer in time")]
    TooSlow,
    /// HTTP.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// An answer of another status. Nobody is followed elsewhere.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// An answer that is too long or of another form.
    #[error("the answer does not read")]
    Form,
}

/// A server that is asked.
#[derive(Clone)]
pub struct RangeServer {
    target: Target,
    guard: Guard,
    patience: Duration,
    tls: TlsConnector,
}

impl std::fmt::Debug for RangeServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RangeServer").field("target", &self.target).finish_non_exhaustive()
    }
}

impl RangeServer {
    /// A server at an address such as `https://api.pwnedpasswords.com/range`; the five digits are added to its path.
    ///
    /// # Errors
    /// [`RangeError::Address`] when the address does not read or may not be asked.
    pub fn new(url: &str, guard: Guard, patience: Duration) -> Result<Self, RangeError> {
        let target = guard.read(url).ok_or(RangeError::Address)?;
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|_| RangeError::Address)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { target, guard, patience, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Whether the server has a hash.
    ///
    /// # Errors
    /// [`RangeError`] when it cannot be asked or does not answer as it should, in time.
    pub(super) async fn contains(&self, hash: &Sha1) -> Result<bool, RangeError> {
        let digits = data_encoding::HEXUPPER.encode(hash);
        let (prefix, ending) = digits.split_at(PREFIX);
        let answer = tokio::time::timeout(self.patience, self.ask(prefix)).await;
        find(&answer.map_err(|_| RangeError::TooSlow)??, ending)
    }

    async fn ask(&self, prefix: &str) -> Result<Bytes, RangeError> {
        let Target { host, port, is_encrypted, .. } = &self.target;
        let addresses = tokio::net::lookup_host((host.as_str(), *port)).await?;
        // What was looked at is what is asked: the name is not resolved again.
        let address = self.guard.choose(addresses).ok_or(RangeError::Address)?;
        let stream = TcpStream::connect(address).await?;
        if *is_encrypted {
            let name = ServerName::try_from(host.clone()).map_err(|_| RangeError::Address)?;
            self.exchange(self.tls.connect(name, stream).await?, prefix).await
        } else {
            self.exchange(stream, prefix).await
        }
    }

    async fn exchange<S>(&self, stream: S, prefix: &str) -> Result<Bytes, RangeError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let answered = async {
            let response = sender.send_request(self.request(prefix)?).await?;
            if response.status() != StatusCode::OK {
                return Err(RangeError::Status(response.status()));
            }
            let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
            Ok(body.map_err(|_| RangeError::Form)?.to_bytes())
        };
        let answer = answered.await;
        connection.abort();
        answer
    }

    fn request(&self, prefix: &str) -> Result<Request<Empty<Bytes>>, RangeError> {
        let Target { host, port, path, .. } = &self.target;
        let host = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = format!("{path}/{prefix}").parse().map_err(|_| RangeError::Address)?;
        let headers = request.headers_mut();
        headers.insert(header::HOST, HeaderValue::from_str(&host).map_err(|_| RangeError::Address)?);
        headers.insert(header::USER_AGENT, HeaderValue::from_static("countersign"));
        headers.insert("add-padding", HeaderValue::from_static("true"));
        Ok(request)
    }
}

/// Whether an ending is among the lines `ENDING:COUNT`. A count of 0 is padding.
fn find(answer: &[u8], ending: &str) -> Result<bool, RangeError> {
    let text = std::str::from_utf8(answer).map_err(|_| RangeError::Form)?;
    let mut found = false;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (listed, count) = line.split_once(':').ok_or(RangeError::Form)?;
        let count: u64 = count.trim().parse().map_err(|_| RangeError::Form)?;
        if listed.len() != ending.len() {
            return Err(RangeError::Form);
        }
        found |= count > 0 && listed.eq_ignore_ascii_case(ending);
    }
    Ok(found)
}
