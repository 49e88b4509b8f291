//! Sockets that listen: made, accepted from, removed. It knows addresses and files, no HTTP.

use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener};

use super::Peer;
use super::guard::Stream;

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    /// The file goes before the listener does: the other way round, a successor that found it stale and made its own
    /// would lose that.
    Unix {
        _file: SocketFile,
        listener: UnixListener,
    },
}

/// The file of a Unix socket, removed with the listener.
#[derive(Debug)]
pub(super) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // At worst it stays, and the next start replaces it.
        let _ = std::fs::remove_file(&self.0);
    }
}

pub(super) async fn tcp(address: SocketAddr) -> io::Result<Socket> {
    TcpListener::bind(address).await.map(Socket::Tcp)
}

pub(super) fn unix(path: PathBuf, mode: Option<u32>) -> io::Result<Socket> {
    remove_stale(&path)?;
    let listener = UnixListener::bind(&path)?;
    let file = SocketFile(path);
    if let Some(mode) = mode {
        std::fs::set_permissions(&file.0, Permissions::from_mode(mode))?;
    }
    Ok(Socket::Unix { _file: file, listener })
}

/// Removes a socket that nobody answers on. Only a refusal proves that; any other failure leaves it alone.
fn remove_stale(path: &Path) -> io::Result<()> {
    let kind = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let in_use =
        |why: &str| Err(io::Error::new(io::ErrorKind::AddrInUse, format!("{}: {why}", path.display())));
    if !kind.is_socket() {
        return in_use("is there and is not a socket");
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => in_use("another process answers on it"),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
    }
}

impl Socket {
    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix { .. } => None,
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Answers are written whole; waiting for more to send would only delay them.
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), Peer(Some(peer))))
            }
            Self::Unix { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Stream::Unix(stream), Peer(None)))
            }
        }
    }
}
