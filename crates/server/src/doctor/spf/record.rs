//! The text of an SPF record (RFC 7208, section 4.6 and 5), parsed. Asks nobody and knows no address but those in
//! the text.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// A whole record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    /// The mechanisms in their order.
    pub(super) terms: Vec<Term>,
    /// Where to go on when none matched.
    pub(super) redirect: Option<DomainSpec>,
}

/// One mechanism and what a match means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// What a match means.
    pub(super) verdict: Verdict,
    /// What is matched.
    pub(super) mechanism: Mechanism,
}

/// What a record says about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// `+`: may send.
    Pass,
    /// `-`: may not.
    Fail,
    /// `~`: probably may not.
    SoftFail,
    /// `?`: expressly nothing.
    Neutral,
    /// No mechanism matched, so nothing is said.
    Unsaid,
}

/// What is matched against the sending address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    /// Every address.
    All,
    /// What another domain's record passes.
    Include(DomainSpec),
    /// The addresses of a host.
    Address(Hosts),
    /// The addresses of a domain's mail servers.
    Exchange(Hosts),
    /// `ptr`, which nobody should use.
    Pointer,
    /// A network in the text.
    Network(IpNet),
    /// Whether a name has an address.
    Exists(DomainSpec),
}

/// A domain in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DomainSpec {
    /// The record's own domain, by saying nothing.
    Own,
    /// A name, in lower case without a final dot.
    Name(String),
    /// A name made of what the receiver knows about the message, such as `%{i}`.
    Macro(String),
}

/// Hosts whose addresses, widened to networks, are matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hosts {
    /// Whose.
    pub(super) domain: DomainSpec,
    /// Bits of an IPv4 address that count.
    pub(super) ipv4_prefix: u8,
    /// Bits of an IPv6 address that count.
    pub(super) ipv6_prefix: u8,
}

/// Whether a TXT record is an SPF record at all (RFC 7208, section 4.5).
pub(super) fn is_policy(text: &str) -> bool {
    let mut words = text.split(' ');
    words.next().is_some_and(|version| version.eq_ignore_ascii_case("v=spf1"))
}

impl Policy {
    /// Parses a record.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if !is_policy(text) {
            return Err("it does not begin with v=spf1".to_owned());
        }
        let mut policy = Self { terms: Vec::new(), redirect: None };
        let mut explained = false;
        for word in text.split(' ').skip(1).filter(|word| !word.is_empty()) {
            match modifier(word) {
                Some((name, value)) if name.eq_ignore_ascii_case("redirect") => {
                    let before = policy.redirect.replace(domain_spec(value)?);
                    once(before.is_none(), "redirect=")?;
                }
                Some((name, value)) if name.eq_ignore_ascii_case("exp") => {
                    domain_spec(value)?;
                    once(!std::mem::replace(&mut explained, true), "exp=")?;
                }
                Some(_) => {}
                None => policy.terms.push(term(word)?),
            }
        }
        Ok(policy)
    }
}

fn once(first: bool, name: &str) -> Result<(), String> {
    if first { Ok(()) } else { Err(format!("{name} stands twice")) }
}

/// `name=value`, when the name comes before anything a mechanism could hold.
fn modifier(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    let well_formed = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    well_formed.then_some((name, value))
}

fn term(word: &str) -> Result<Term, String> {
    let (verdict, rest) = match word.as_bytes().first() {
        Some(b'+') => (Verdict::Pass, &word[1..]),
        Some(b'-') => (Verdict::Fail, &word[1..]),
        Some(b'~') => (Verdict::SoftFail, &word[1..]),
        Some(b'?') => (Verdict::Neutral, &word[1..]),
        _ => (Verdict::Pass, word),
    };
    let mechanism = mechanism(rest).map_err(|reason| format!("\u{201c}{word}\u{201d} {reason}"))?;
    Ok(Term { verdict, mechanism })
}

fn mechanism(text: &str) -> Result<Mechanism, String> {
    let end = text.find([':', '/']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let argument = rest.strip_prefix(':');
    match (name.to_ascii_lowercase().as_str(), argument) {
        ("all", None) if rest.is_empty() => Ok(Mechanism::All),
        ("ptr", None) if rest.is_empty() => Ok(Mechanism::Pointer),
        ("ptr", Some(domain)) => domain_spec(domain).map(|_| Mechanism::Pointer),
        ("include", Some(domain)) => domain_spec(domain).map(Mechanism::Include),
        ("exists", Some(domain)) => domain_spec(domain).map(Mechanism::Exists),
        ("ip4", Some(network)) => ipv4(network).map(Mechanism::Network),
        ("ip6", Some(network)) => ipv6(network).map(Mechanism::Network),
        ("a", _) => hosts(rest).map(Mechanism::Address),
        ("mx", _) => hosts(rest).map(Mechanism::Exchange),
        ("all" | "ptr" | "include" | "exists" | "ip4" | "ip6", _) => {
            Err("has the wrong kind of argument".to_owned())
        }
        _ => Err("is no mechanism of SPF".to_owned()),
    }
}

/// The rest of `a` or `mx`: `[:domain][/bits][//bits]`.
fn hosts(rest: &str) -> Result<Hosts, String> {
    let (domain, lengths) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let domain = match domain.strip_prefix(':') {
        Some(domain) => domain_spec(domain)?,
        None => DomainSpec::Own,
    };
    let (ipv4, ipv6) = match lengths.split_once("//") {
        Some((ipv4, ipv6)) => (ipv4, Some(ipv6)),
        None => (lengths, None),
    };
    let ipv4_prefix = match ipv4.strip_prefix('/') {
        Some(bits) => prefix(bits, 32)?,
        None => 32,
    };
    let ipv6_prefix = ipv6.map_or(Ok(128), |bits| prefix(bits, 128))?;
    Ok(Hosts { domain, ipv4_prefix, ipv6_prefix })
}

fn prefix(bits: &str, most: u8) -> Result<u8, String> {
    let plain = bits == "0" || !bits.starts_with(['0', '+']);
    match bits.parse::<u8>() {
        Ok(number) if plain && number <= most => Ok(number),
        _ => Err(format!("has a prefix length that is not 0 to {most}")),
    }
}

fn ipv4(text: &str) -> Result<IpNet, String> {
    let (address, bits) = text.split_once('/').unwrap_or((text, "32"));
    let address: Ipv4Addr = address.parse().map_err(|_| "holds no IPv4 address".to_owned())?;
    Ipv4Net::new(address, prefix(bits, 32)?).map(IpNet::V4).map_err(|error| error.to_string())
}

fn ipv6(text: &str) -> Result<IpNet, String> {
    let (address, bits) = text.split_once('/').unwrap_or((text, "128"));
    let address: Ipv6Addr = address.parse().map_err(|_| "holds no IPv6 address".to_owned())?;
    Ipv6Net::new(address, prefix(bits, 128)?).map(IpNet::V6).map_err(|error| error.to_string())
}

fn domain_spec(text: &str) -> Result<DomainSpec, String> {
    if !text.chars().all(|letter| letter.is_ascii_graphic()) {
        return Err("holds characters that are not printable ASCII".to_owned());
    }
    if text.contains('%') {
        return Ok(DomainSpec::Macro(text.to_owned()));
    }
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let labels_fit = name.split('.').all(|label| (1..=63).contains(&label.len()));
    let top = name.rsplit('.').next().unwrap_or_default();
    let named = !top.bytes().all(|letter| letter.is_ascii_digit()) && !name.contains(['/', ':', '=']);
    if labels_fit && named && name.contains('.') && name.len() <= 253 {
        Ok(DomainSpec::Name(name))
    } else {
        Err("names no domain".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{DomainSpec, Hosts, Mechanism, Policy, Term, Verdict};

    fn parsed(text: &str, verdict: Verdict, mechanism: Mechanism) {
        let policy = Policy::parse(&format!("v=spf1 {text}"));
        assert_eq!(policy, Ok(Policy { terms: vec![Term { verdict, mechanism }], redirect: None }), "{text}");
    }

    #[test]
    fn mechanisms_are_parsed() {
        let name = |name: &str| DomainSpec::Name(name.to_owned());
        let hosts = |domain, ipv4_prefix, ipv6_prefix| Hosts { domain, ipv4_prefix, ipv6_prefix };
        let network = |text: &str| Mechanism::Network(text.parse().expect("a network"));
        parsed("-all", Verdict::Fail, Mechanism::All);
        parsed("~ALL", Verdict::SoftFail, Mechanism::All);
        parsed("a", Verdict::Pass, Mechanism::Address(hosts(DomainSpec::Own, 32, 128)));
        parsed("a/24", Verdict::Pass, Mechanism::Address(hosts(DomainSpec::Own, 24, 128)));
        parsed("a//64", Verdict::Pass, Mechanism::Address(hosts(DomainSpec::Own, 32, 64)));
        parsed(
            "?mx:B.example/24//64",
            Verdict::Neutral,
            Mechanism::Exchange(hosts(name("b.example"), 24, 64)),
        );
        parsed("include:_spf.b.example.", Verdict::Pass, Mechanism::Include(name("_spf.b.example")));
        parsed(
            "exists:%{i}.b.example",
            Verdict::Pass,
            Mechanism::Exists(DomainSpec::Macro("%{i}.b.example".into())),
        );
        parsed("ip4:192.0.2.0/24", Verdict::Pass, network("192.0.2.0/24"));
        parsed("+ip4:192.0.2.1", Verdict::Pass, network("192.0.2.1/32"));
        parsed("ip6:2001:db8::/32", Verdict::Pass, network("2001:db8::/32"));
        parsed("ptr", Verdict::Pass, Mechanism::Pointer);
    }

    #[test]
    fn modifiers_are_parsed() {
        let policy = Policy::parse("V=SPF1  redirect=b.example new=x exp=why.b.example").expect("a record");
        assert_eq!(policy.redirect, Some(DomainSpec::Name("b.example".into())));
        assert_eq!(policy.terms, []);
    }

    #[test]
    fn mistakes_are_refused() {
        let mistakes = [
            "all:x",
            "all/8",
            "include",
            "include:",
            "include:b",
            "ip4",
            "ip4:2001:db8::1",
            "ip4:192.0.2.256",
            "ip4:192.0.2.0/33",
            "ip4:192.0.2.0/024",
            "ip6:192.0.2.1",
            "ip6:2001:db8::/129",
            "a:",
            "a/",
            "a/33",
            "a//129",
            "mx:b..example",
            "ipv4:192.0.2.1",
            "192.0.2.1",
            "-",
            "--all",
            "a:b.example/24/64",
            "redirect=b.example redirect=c.example",
            "exp=b.example exp=b.example",
            "include:bä.example",
        ];
        for text in mistakes {
            assert!(Policy::parse(&format!("v=spf1 {text} -all")).is_err(), "{text}");
        }
        assert!(Policy::parse("v=spf10 -all").is_err());
        assert!(Policy::parse("spf1 -all").is_err());
    }

    proptest! {
        #[test]
        fn whatever_comes_is_parsed_or_refused(text in "(v=spf1 )?[a-z0-9:/%.+~?=\\-ä ]{0,60}") {
            if let Ok(policy) = Policy::parse(&text) {
                assert!(policy.terms.len() <= text.len());
            }
        }
    }
}
