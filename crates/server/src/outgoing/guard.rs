//! Where this server may be sent by an address that somebody configured: not into the network around it, and not
//! unencrypted, unless that was allowed. It opens nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;

/// What is allowed beyond public addresses over TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// `http:` too.
    pub allow_http: bool,
    /// Addresses of this machine and of private networks too.
    pub allow_private: bool,
}

/// A place that may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it is named: for TLS and the `Host` header.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Whether it is asked over TLS.
    pub is_encrypted: bool,
    /// The path, without a slash at the end.
    pub path: String,
}

impl Guard {
    /// Reads an address; nothing when it may not be asked.
    pub fn read(self, url: &str) -> Option<Target> {
        let uri: Uri = url.parse().ok()?;
        let is_encrypted = match uri.scheme_str()? {
            "https" => true,
            "http" if self.allow_http => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return None;
        }
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        Some(Target { host, port, is_encrypted, path: uri.path().trim_end_matches('/').to_owned() })
    }

    /// The first of the addresses that a name stands for, if all of them may be asked: a name that points inside as
    /// well is not one to trust.
    pub fn choose(self, addresses: impl IntoIterator<Item = SocketAddr>) -> Option<SocketAddr> {
        let addresses: Vec<SocketAddr> = addresses.into_iter().collect();
        let may_be_asked = |address: &SocketAddr| self.allow_private || is_public(address.ip());
        addresses.iter().all(may_be_asked).then(|| addresses.first().copied()).flatten()
    }
}

/// Whether an address belongs to the internet at large (the registries of RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || a == 0
        || a >= 224
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && b & 0xfe == 18);
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    match segments {
        // Addresses of the other kind within: they lead where the inner one does.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // 2001::/23 are protocols, 2001:db8::/32 are examples; only 2000::/3 is given out.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::{Guard, is_public};

    #[test]
    fn nothing_around_the_server_is_public() {
        let inside = "127.0.0.1 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 \
            198.18.0.1 224.0.0.1 255.255.255.255 192.0.0.8 192.0.2.1 ::1 :: fe80::1 fc00::1 fd12::1 ff02::1 \
            ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 2002:a00:1:: 2001:db8::1 2001::1 ::7f00:1";
        for address in inside.split_whitespace() {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2001:4860::8888", "64:ff9b::101:101"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn only_what_is_allowed_is_asked() {
        let strict = Guard::default();
        for refused in [
            "http://a.example/",
            "ftp://a.example",
            "https://user@a.example/",
            "/range",
            "",
            "https://a.example/?x",
        ] {
            assert_eq!(strict.read(refused), None, "{refused}");
        }
        let read = strict.read("https://a.example/range/").unwrap();
        assert_eq!((read.host.as_str(), read.port, read.path.as_str()), ("a.example", 443, "/range"));
        assert!(Guard { allow_http: true, ..strict }.read("http://[::1]:8000").is_some());
        let (outside, inside) = ("1.1.1.1:443".parse().unwrap(), "10.0.0.1:443".parse().unwrap());
        assert_eq!(strict.choose([outside]), Some(outside));
        for refused in [vec![], vec![inside], vec![outside, inside]] {
            assert_eq!(strict.choose(refused), None);
        }
        assert_eq!(Guard { allow_private: true, ..strict }.choose([inside]), Some(inside));
    }
}
