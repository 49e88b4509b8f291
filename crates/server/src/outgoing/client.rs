//! One request to a guarded address: resolved once, looked at, asked, and nobody is followed elsewhere.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{Guard, Target};

/// Why nothing was delivered.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
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
    /// An answer that is too long, or was cut.
    #[error("the answer does not read")]
    Unreadable,
}

/// A connector that trusts the public authorities.
fn public_tls() -> Result<TlsConnector, SendError> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| SendError::Address)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Asks configured addresses.
#[derive(Clone)]
pub struct Client {
    tls: TlsConnector,
    patience: Duration,
}

impl Client {
    /// One that waits so long for an answer.
    ///
    /// # Errors
    /// [`SendError::Address`] when the library has no protocol in common with anybody.
    pub fn new(patience: Duration) -> Result<Self, SendError> {
        Ok(Self { tls: public_tls()?, patience })
    }

    /// Posts a body of JSON; the status of the answer, whatever it is. Its body is not read.
    ///
    /// # Errors
    /// [`SendError`] when the address may not be asked or does not answer in time.
    pub async fn post(
        &self,
        to: (Guard, &Target),
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<StatusCode, SendError> {
        let path = if to.1.path.is_empty() { "/" } else { &to.1.path };
        let mut request = Request::post(path).body(Full::new(body)).map_err(|_| SendError::Address)?;
        *request.headers_mut() = headers;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self.send(to, request, 0).await?.0)
    }

    /// Gets a path below the target's; the status, and where that is 200 the body, which may have `longest` bytes.
    ///
    /// # Errors
    /// [`SendError`] when the address may not be asked or does not answer in time, or with too much.
    pub async fn get(
        &self,
        to: (Guard, &Target),
        (below, headers): (&str, HeaderMap),
        longest: usize,
    ) -> Result<(StatusCode, Bytes), SendError> {
        let path = format!("{}/{below}", to.1.path);
        let mut request = Request::get(path).body(Full::default()).map_err(|_| SendError::Address)?;
        *request.headers_mut() = headers;
        self.send(to, request, longest).await
    }

    async fn send(
        &self,
        (guard, target): (Guard, &Target),
        mut request: Request<Full<Bytes>>,
        longest: usize,
    ) -> Result<(StatusCode, Bytes), SendError> {
        let Target { host, port, .. } = target;
        let host = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let host = HeaderValue::from_str(&host).map_err(|_| SendError::Address)?;
        request.headers_mut().insert(header::HOST, host);
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static("countersign"));
        let asked = self.ask(guard, target, request, longest);
        tokio::time::timeout(self.patience, asked).await.map_err(|_| SendError::TooSlow)?
    }

    async fn ask(
        &self,
        guard: Guard,
        target: &Target,
        request: Request<Full<Bytes>>,
        longest: usize,
    ) -> Result<(StatusCode, Bytes), SendError> {
        let addresses = tokio::net::lookup_host((target.host.as_str(), target.port)).await?;
        // What was looked at is what is asked: the name is not resolved again.
        let address = guard.choose(addresses).ok_or(SendError::Address)?;
        let stream = TcpStream::connect(address).await?;
        if target.is_encrypted {
            let name = ServerName::try_from(target.host.clone()).map_err(|_| SendError::Address)?;
            exchange(self.tls.connect(name, stream).await?, request, longest).await
        } else {
            exchange(stream, request, longest).await
        }
    }
}

async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    longest: usize,
) -> Result<(StatusCode, Bytes), SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let answered = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        if longest == 0 || status != StatusCode::OK {
            return Ok((status, Bytes::new()));
        }
        let body = Limited::new(response.into_body(), longest).collect().await;
        Ok((status, body.map_err(|_| SendError::Unreadable)?.to_bytes()))
    };
    let (mut connection, mut answered) = (std::pin::pin!(connection), std::pin::pin!(answered));
    // The connection is driven here, and goes with this: nothing is left behind when it takes too long.
    tokio::select! {
        answer = &mut answered => answer,
        ended = &mut connection => {
            ended?;
            answered.await
        }
    }
}
