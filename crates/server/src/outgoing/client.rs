//! One request to a guarded address: resolved once, looked at, asked, and nobody is followed elsewhere.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
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
}

/// A connector that trusts the public authorities.
///
/// # Errors
/// [`SendError::Address`] when the library has no protocol in common with anybody.
pub fn public_tls() -> Result<TlsConnector, SendError> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| SendError::Address)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Posts to configured addresses.
#[derive(Clone)]
pub struct Poster {
    tls: TlsConnector,
    patience: Duration,
}

impl Poster {
    /// One that waits so long for an answer.
    ///
    /// # Errors
    /// Those of [`public_tls`].
    pub fn new(patience: Duration) -> Result<Self, SendError> {
        Ok(Self { tls: public_tls()?, patience })
    }

    /// Posts a body of JSON; the status of the answer, whatever it is. Its body is not read.
    ///
    /// # Errors
    /// [`SendError`] when the address may not be asked or does not answer in time.
    pub async fn post(
        &self,
        (guard, target): (Guard, &Target),
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<StatusCode, SendError> {
        let asked = self.ask(guard, target, headers, body);
        tokio::time::timeout(self.patience, asked).await.map_err(|_| SendError::TooSlow)?
    }

    async fn ask(
        &self,
        guard: Guard,
        target: &Target,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<StatusCode, SendError> {
        let addresses = tokio::net::lookup_host((target.host.as_str(), target.port)).await?;
        // What was looked at is what is asked: the name is not resolved again.
        let address = guard.choose(addresses).ok_or(SendError::Address)?;
        let stream = TcpStream::connect(address).await?;
        let request = request(target, headers, body)?;
        if target.is_encrypted {
            let name = ServerName::try_from(target.host.clone()).map_err(|_| SendError::Address)?;
            exchange(self.tls.connect(name, stream).await?, request).await
        } else {
            exchange(stream, request).await
        }
    }
}

fn request(target: &Target, headers: HeaderMap, body: Bytes) -> Result<Request<Full<Bytes>>, SendError> {
    let Target { host, port, path, .. } = target;
    let host = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = http::Method::POST;
    let path = if path.is_empty() { "/" } else { path };
    *request.uri_mut() = path.parse().map_err(|_| SendError::Address)?;
    *request.headers_mut() = headers;
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_str(&host).map_err(|_| SendError::Address)?);
    headers.insert(header::USER_AGENT, HeaderValue::from_static("countersign"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(request)
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<StatusCode, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = std::pin::pin!(connection);
    let mut sent = std::pin::pin!(sender.send_request(request));
    // The connection is driven here, and goes with this: nothing is left behind when it takes too long.
    tokio::select! {
        response = &mut sent => Ok(response?.status()),
        ended = &mut connection => {
            ended?;
            Ok(sent.await?.status())
        }
    }
}
