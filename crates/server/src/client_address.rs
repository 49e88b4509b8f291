//! Whom a request comes from: the peer, or whom trusted proxies name in the header that the operator chose. It knows
//! `X-Forwarded-For` and its like (addresses with commas between them) and `Forwarded` (RFC 7239), and no request's
//! meaning.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, request::Parts};
use ipnet::IpNet;

use crate::{config::ServerSettings, listener::Peer, state::Server};

/// The proxies that are believed, and the header in which they say who called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    trusted: Vec<IpNet>,
    header: String,
}

impl Proxies {
    /// What a configuration says.
    #[must_use]
    pub fn new(settings: &ServerSettings) -> Self {
        let trusted = settings.trusted_proxies.iter().filter_map(|net| net.parse().ok()).collect();
        Self { trusted, header: settings.client_address_header.clone() }
    }

    /// Whether what a peer says of a request that it passes on is believed. Who may connect to a Unix socket is decided
    /// by its mode, so it counts as a proxy wherever there are any.
    #[must_use]
    pub fn trusts(&self, peer: &Peer) -> bool {
        peer.address().map_or(!self.trusted.is_empty(), |address| self.has(&address))
    }

    /// Whom a proxy that is believed names: the last address that is not itself one of them, which no caller could have
    /// made up. Nobody where it names none, or in a way that does not read.
    #[must_use]
    pub fn named(&self, headers: &HeaderMap) -> Option<IpAddr> {
        let values = headers.get_all(&self.header).iter();
        let lines: Vec<&str> = values.map(|value| value.to_str().unwrap_or("?")).collect();
        let read = if self.header.eq_ignore_ascii_case("forwarded") { forwarded_for } else { address };
        named(&lines, read, |address| self.has(address))
    }

    fn has(&self, address: &IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(address))
    }
}

/// Who asks: the peer, or whom a trusted proxy names.
#[must_use]
pub fn client_address(server: &Server, parts: &Parts) -> Option<IpAddr> {
    let peer = peer_of(parts);
    let registry = server.registry.load();
    let named = registry.proxies().trusts(&peer).then(|| registry.proxies().named(&parts.headers));
    named.flatten().or(peer.address())
}

/// Who connected.
#[must_use]
pub fn peer_of(parts: &Parts) -> Peer {
    parts.extensions.get::<Peer>().copied().unwrap_or(Peer(None))
}

/// The last address in these lines that is not trusted. What does not read ends the search, and names nobody: whatever
/// stands further left was written further away.
fn named(
    lines: &[&str],
    read: fn(&str) -> Option<IpAddr>,
    is_trusted: impl Fn(&IpAddr) -> bool,
) -> Option<IpAddr> {
    // A comma within quotes would be somebody's who is no proxy of ours, and no quote of a caller's may swallow what a
    // proxy wrote behind it: so every comma counts.
    let entries = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for entry in entries {
        let address = read(entry.trim())?.to_canonical();
        if !is_trusted(&address) {
            return Some(address);
        }
    }
    None
}

/// `for` of one element of `Forwarded` (RFC 7239, section 4): pairs with semicolons between them.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.split_once('=')?;
        let value = match value.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"')?,
            None => value,
        };
        if value.contains('"') {
            return None;
        }
        if name.trim().eq_ignore_ascii_case("for") && found.replace(address(value)?).is_some() {
            return None;
        }
    }
    found
}

/// An address with or without a port, an IPv6 address with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().ok();
    bare.or_else(|| match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let address = address.parse::<Ipv6Addr>().ok()?;
            (port.is_empty() || is_port(port.strip_prefix(':')?)).then_some(address.into())
        }
        None => {
            let (address, port) = text.split_once(':')?;
            is_port(port).then_some(address.parse::<Ipv4Addr>().ok()?.into())
        }
    })
}

/// A number, or a made-up name of RFC 7239, section 6.3.
fn is_port(text: &str) -> bool {
    let made_up = text.strip_prefix('_').is_some_and(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    });
    made_up || text.parse::<u16>().is_ok() && !text.starts_with('+')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_ours(address: &IpAddr) -> bool {
        let net: ipnet::IpNet = if address.is_ipv4() { "10.0.0.0/8" } else { "fd00::/8" }.parse().unwrap();
        net.contains(address)
    }

    fn read(lines: &[&str], read: fn(&str) -> Option<IpAddr>) -> String {
        named(lines, read, is_ours).map_or_else(|| "-".to_owned(), |address| address.to_string())
    }

    #[test]
    fn addresses_are_read_from_the_right_up_to_the_first_that_is_no_proxy() {
        for (lines, expected) in [
            (&["192.0.2.1"][..], "192.0.2.1"),
            (&["198.51.100.9, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
            (&["198.51.100.9", "192.0.2.1,10.0.0.2"], "192.0.2.1"),
            (&["192.0.2.1:4711"], "192.0.2.1"),
            (&["2001:db8::1"], "2001:db8::1"),
            (&["[2001:db8::1]:4711"], "2001:db8::1"),
            (&["[2001:db8::1]"], "2001:db8::1"),
            (&["::ffff:192.0.2.1"], "192.0.2.1"),
            (&["192.0.2.1, unknown"], "-"),
            (&["192.0.2.1, "], "-"),
            (&["192.0.2.1, ?"], "-"),
            (&["10.0.0.1, 10.0.0.2"], "-"),
            (&["[2001:db8::1"], "-"),
            (&["192.0.2.1:port"], "-"),
            (&["192.0.2.1:+1"], "-"),
            (&[], "-"),
        ] {
            assert_eq!(read(lines, address), expected, "{lines:?}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        for (lines, expected) in [
            (&["for=192.0.2.60;proto=http;by=203.0.113.43"][..], "192.0.2.60"),
            (&["For=\"[2001:db8:cafe::17]:4711\""], "2001:db8:cafe::17"),
            (&["for=192.0.2.43, for=198.51.100.17"], "198.51.100.17"),
            (&["for=192.0.2.43, for=10.0.0.1;by=10.0.0.2"], "192.0.2.43"),
            (&["for=192.0.2.43", "for=\"[fd00::1]\""], "192.0.2.43"),
            (&["proto=https;FOR=\"192.0.2.1:_hidden\""], "192.0.2.1"),
            (&["for=\"_gazonk\""], "-"),
            (&["for=unknown"], "-"),
            (&["for=192.0.2.43, for=unknown"], "-"),
            (&["by=192.0.2.43"], "-"),
            (&["for=192.0.2.43;for=198.51.100.17"], "-"),
            (&["for=\"192.0.2.43"], "-"),
            (&["192.0.2.43"], "-"),
            // A quote that a caller leaves open.
            (&["for=\"1.1.1.1, for=192.0.2.7"], "192.0.2.7"),
            (&["for=\"1.1.1.1", "for=192.0.2.7"], "192.0.2.7"),
        ] {
            assert_eq!(read(lines, forwarded_for), expected, "{lines:?}");
        }
    }

    fn any_address() -> impl Strategy<Value = IpAddr> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(|octets| IpAddr::from(octets).to_canonical()),
            any::<[u8; 16]>().prop_map(|octets| IpAddr::from(octets).to_canonical()),
        ]
        .prop_filter("of somebody else", |address| !is_ours(address))
    }

    fn element(address: IpAddr, port: Option<u16>) -> String {
        let host = if address.is_ipv4() { address.to_string() } else { format!("[{address}]") };
        let node = port.map_or(host.clone(), |port| format!("{host}:{port}"));
        format!("for=\"{node}\";proto=https")
    }

    proptest! {
        /// Whatever a caller wrote, what our own proxies wrote behind it counts.
        #[test]
        fn no_caller_changes_what_a_proxy_says(
            theirs in "[\"\\\\,;= a-z0-9.:\\[\\]_-]{0,40}",
            caller in any_address(),
            port in proptest::option::of(any::<u16>()),
            hops in 0_usize..3,
        ) {
            let through = ", for=10.0.0.1".repeat(hops);
            let line = format!("{theirs}, {}{through}", element(caller, port));
            prop_assert_eq!(named(&[&line], forwarded_for, is_ours), Some(caller));
            let lines = [theirs.as_str(), &element(caller, port), "for=\"[fd00::7]:1\""];
            prop_assert_eq!(named(&lines, forwarded_for, is_ours), Some(caller));
            let plain = format!("{theirs}, {caller}{}", ", 10.0.0.1".repeat(hops));
            prop_assert_eq!(named(&[&plain], address, is_ours), Some(caller));
        }

        /// Nothing that comes over the wire ends the server, or names one of its proxies as a caller.
        #[test]
        fn anything_is_read_or_not(line in ".{0,60}|(for=)?[\"0-9.:\\[\\],;=a-f]{0,40}") {
            for read in [forwarded_for, address] {
                prop_assert!(!named(&[&line], read, is_ours).is_some_and(|address| is_ours(&address)));
            }
        }
    }
}
