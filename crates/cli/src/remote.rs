//! The way to a server over a network: an address, an admin key, and TLS where the address is not this machine. It
//! knows no command.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, anyhow, bail, ensure};
use axum::{
    body::Body,
    http::{HeaderValue, Request, Response, Uri, header},
};
use clap::Args;
use countersign_domain::admin_key::AdminKeyText;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

/// Where commands go, if not to the server of the configuration on this machine.
#[derive(Clone, Debug, Default, Args)]
pub struct Remote {
    /// A server elsewhere, for commands that administer one: https://HOST[:PORT], or http:// on this machine.
    #[arg(long, global = true, env = "COUNTERSIGN_URL", value_name = "URL", help_heading = "Another server")]
    url: Option<String>,
    /// The file with the admin key for --url.
    #[arg(
        long,
        global = true,
        env = "COUNTERSIGN_ADMIN_KEY_FILE",
        value_name = "FILE",
        help_heading = "Another server"
    )]
    key_file: Option<PathBuf>,
    /// Trust only the authorities of this PEM file for --url.
    #[arg(
        long,
        global = true,
        env = "COUNTERSIGN_CA_FILE",
        value_name = "FILE",
        help_heading = "Another server"
    )]
    ca_file: Option<PathBuf>,
}

/// What the command line said, once, for every command alike.
static REMOTE: OnceLock<Remote> = OnceLock::new();

impl Remote {
    /// Takes note of it, before any command runs.
    pub fn note(self) {
        // The first is the command line's, and there is no second.
        let _ = REMOTE.set(self);
    }
}

/// A server elsewhere.
pub struct Elsewhere {
    host: String,
    port: u16,
    tls: Option<TlsConnector>,
    authorization: HeaderValue,
}

impl Elsewhere {
    /// The server that the command line names, if it names one.
    ///
    /// # Errors
    /// When the address or the key cannot be used.
    pub fn named() -> anyhow::Result<Option<Self>> {
        let Some((remote, url)) = REMOTE.get().and_then(|remote| Some((remote, remote.url.as_deref()?)))
        else {
            return Ok(None);
        };
        Self::new(url, remote.key_file.as_deref(), remote.ca_file.as_deref()).map(Some)
    }

    fn new(url: &str, key: Option<&Path>, authorities: Option<&Path>) -> anyhow::Result<Self> {
        let expected = || anyhow!("--url: expected https://HOST[:PORT], or http:// on this machine");
        let uri: Uri = url.parse().map_err(|_| expected())?;
        let host = uri.host().ok_or_else(expected)?.to_owned();
        ensure!(uri.path() == "/" && uri.query().is_none() && !url.contains('@'), expected());
        let is_here = ["localhost", "127.0.0.1", "[::1]"].contains(&host.as_str());
        let (tls, usual) = match uri.scheme_str() {
            Some("https") => (Some(connector(authorities)?), 443),
            Some("http") if is_here => (None, 80),
            _ => bail!(expected()),
        };
        let path = key.context("--url takes an admin key: name its file with --key-file")?;
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let text = AdminKeyText::parse(text.trim()).with_context(|| path.display().to_string())?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", text.expose()))?;
        authorization.set_sensitive(true);
        Ok(Self { host, port: uri.port_u16().unwrap_or(usual), tls, authorization })
    }

    /// Sends one request. Redirections are not followed: the key goes where it was sent.
    ///
    /// # Errors
    /// What kept it from being answered.
    pub async fn ask(&self, mut request: Request<Body>) -> anyhow::Result<Response<Body>> {
        let place = format!("{}:{}", self.host, self.port);
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        headers.insert(header::HOST, HeaderValue::try_from(&place)?);
        let bare = self.host.trim_matches(['[', ']']);
        let stream = TcpStream::connect((bare, self.port)).await.with_context(|| place.clone())?;
        match &self.tls {
            None => exchange(stream, request).await,
            Some(tls) => {
                let name = ServerName::try_from(bare.to_owned())?;
                let stream = tls.connect(name, stream).await.with_context(|| place.clone())?;
                exchange(stream, request).await
            }
        }
    }
}

async fn exchange<S>(stream: S, request: Request<Body>) -> anyhow::Result<Response<Body>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let answered = sender.send_request(request).await.context("the server did not answer")?;
    Ok(answered.map(Body::new))
}

fn connector(authorities: Option<&Path>) -> anyhow::Result<TlsConnector> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = authorities {
        roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(path).with_context(|| path.display().to_string())? {
            roots.add(certificate.with_context(|| path.display().to_string())?)?;
        }
        ensure!(!roots.is_empty(), "{}: there is no certificate in it", path.display());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_keeps_the_key_secret_is_taken() {
        let key = tempfile::NamedTempFile::new().unwrap();
        let text = AdminKeyText::draw(&mut Fixed);
        std::fs::write(key.path(), format!("{}\n", text.expose())).unwrap();
        for (url, is_good) in [
            ("https://id.example.org", true),
            ("https://id.example.org:8443/", true),
            ("http://localhost:8081", true),
            ("http://127.0.0.1:8081", true),
            ("http://[::1]:8081", true),
            ("http://id.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("https://id.example.org/v1", false),
            ("https://somebody@id.example.org", false),
            ("ftp://id.example.org", false),
            ("id.example.org", false),
        ] {
            assert_eq!(Elsewhere::new(url, Some(key.path()), None).is_ok(), is_good, "{url}");
        }
        assert!(Elsewhere::new("https://id.example.org", None, None).is_err());
        std::fs::write(key.path(), "cs_sk_1").unwrap();
        assert!(Elsewhere::new("https://id.example.org", Some(key.path()), None).is_err());
    }

    struct Fixed;

    impl countersign_domain::random::Random for Fixed {
        fn fill(&mut self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }
}
