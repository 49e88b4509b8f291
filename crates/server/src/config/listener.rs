//! The address of a listener, read. It opens nothing.

use std::path::PathBuf;

use super::ListenerSettings;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// Host (a name or an address, without brackets) and port.
    Tcp(String, u16),
    /// A Unix socket and its mode.
    Unix(PathBuf, u32),
}

/// The mode of a Unix socket where none is given: the owner and the group.
const DEFAULT_MODE: u32 = 0o660;

impl ListenerSettings {
    /// Where to listen.
    ///
    /// # Errors
    /// The name of the key that does not read, `address` or `mode`, and what is expected.
    pub fn read(&self) -> Result<ListenAddress, (&'static str, &'static str)> {
        if let Some(path) = self.address.strip_prefix("unix:") {
            if !path.starts_with('/') {
                return Err((
                    "address",
                    "expected unix: and a path from the root, as unix:/run/countersign.sock",
                ));
            }
            let mode = match &self.mode {
                None => DEFAULT_MODE,
                Some(mode) => read_mode(mode).ok_or(("mode", "expected three octal digits such as 660"))?,
            };
            return Ok(ListenAddress::Unix(path.into(), mode));
        }
        if self.mode.is_some() {
            return Err(("mode", "only a Unix socket has a mode"));
        }
        let wrong = ("address", "expected host:port, [address]:port or unix:/path");
        let (host, port) = self.address.rsplit_once(':').ok_or(wrong)?;
        let host = match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').filter(|host| host.parse::<std::net::Ipv6Addr>().is_ok()),
            None => Some(host).filter(|host| is_host(host)),
        };
        let port = port.parse().map_err(|_| wrong)?;
        Ok(ListenAddress::Tcp(host.ok_or(wrong)?.to_owned(), port))
    }
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}

fn read_mode(text: &str) -> Option<u32> {
    let digits = (3..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    u32::from_str_radix(text, 8).ok().filter(|mode| digits && *mode <= 0o777)
}
