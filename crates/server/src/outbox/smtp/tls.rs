//! TLS for connections that this server makes: which authorities are trusted. Knows no SMTP.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio_rustls::TlsConnector;

use super::SmtpSetupError;

/// A connector that trusts the public authorities, or only those of a PEM file.
pub(crate) fn connector(authorities: Option<&Path>) -> Result<TlsConnector, SmtpSetupError> {
    let roots = match authorities {
        Some(path) => from_file(path)?,
        None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
    };
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn from_file(path: &Path) -> Result<RootCertStore, SmtpSetupError> {
    let unreadable = || SmtpSetupError::Authorities(path.to_owned());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|_| unreadable())? {
        roots.add(certificate.map_err(|_| unreadable())?).map_err(|_| unreadable())?;
    }
    if roots.is_empty() { Err(unreadable()) } else { Ok(roots) }
}
