//! Whether each sending address has a name that leads back to it, which large receivers insist on. Does not know
//! what the server calls itself in SMTP.

use std::net::IpAddr;

use super::MailCheck;
use super::finding::{Area, Finding};
use super::lookup::{Kind, Lookup, Record, Unanswered};

/// Names of one address that are followed.
const NAMES: usize = 10;

pub(super) async fn check<L: Lookup>(lookup: &L, check: &MailCheck) -> Vec<Finding> {
    let mut findings = Vec::new();
    for address in &check.sending_addresses {
        let finding = inspect(lookup, *address).await.unwrap_or_else(|unanswered| {
            Finding::warning(
                Area::ReverseDns,
                format!("The name of {address} gets no answer: {unanswered}."),
                "Run this again; if it stays so, ask whoever provides the address.",
            )
        });
        findings.push(finding);
    }
    findings
}

async fn inspect<L: Lookup>(lookup: &L, address: IpAddr) -> Result<Finding, Unanswered> {
    if is_private(address) {
        return Ok(Finding::warning(
            Area::ReverseDns,
            format!("{address} is not a public address; receivers see another one."),
            "Give the public address from which mail leaves.",
        ));
    }
    let zone = reverse_name(address);
    let names: Vec<String> = lookup
        .records(&zone, Kind::Pointer)
        .await?
        .into_iter()
        .filter_map(|record| match record {
            Record::Name(name) => Some(name),
            _ => None,
        })
        .take(NAMES)
        .collect();
    for name in &names {
        if leads_back(lookup, name, address).await? {
            return Ok(Finding::good(
                Area::ReverseDns,
                format!("{address} is {name}, and {name} is {address}."),
            ));
        }
    }
    Ok(unnamed(address, &zone, &names))
}

fn unnamed(address: IpAddr, zone: &str, names: &[String]) -> Finding {
    let ask = "Ask whoever provides the address to publish";
    let host = "the name of the sending host, whose A or AAAA record must hold this address";
    match names.first() {
        None => Finding::problem(
            Area::ReverseDns,
            format!("{address} has no name in the reverse DNS; large receivers refuse its mail."),
            format!("{ask}: {zone}. IN PTR <{host}>"),
        ),
        Some(name) => Finding::problem(
            Area::ReverseDns,
            format!("{address} is called {name}, but {name} does not lead back to it."),
            format!("Publish an address record: {name}. IN {} {address}", kind(address)),
        ),
    }
}

async fn leads_back<L: Lookup>(lookup: &L, name: &str, address: IpAddr) -> Result<bool, Unanswered> {
    let kind = if address.is_ipv4() { Kind::Ipv4 } else { Kind::Ipv6 };
    Ok(lookup.records(name, kind).await?.contains(&Record::Address(address)))
}

fn kind(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "A" } else { "AAAA" }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.is_unspecified()
        }
    }
}

/// The name under which an address is looked up (RFC 1035, section 3.5; RFC 3596, section 2.5).
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let nibbles = address.octets().into_iter().rev();
            let labels: Vec<String> =
                nibbles.map(|byte| format!("{:x}.{:x}", byte & 0x0f, byte >> 4)).collect();
            format!("{}.ip6.arpa", labels.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::reverse_name;

    #[test]
    fn addresses_are_turned_around() {
        let name = |text: &str| reverse_name(text.parse().expect("an address"));
        assert_eq!(name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
        assert_eq!(
            name("2001:db8::567:89ab"),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }
}
