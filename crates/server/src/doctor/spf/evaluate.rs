//! What an SPF record says about an address: check_host of RFC 7208, section 4, with its limits. Macros and `ptr` are
//! not computed but noted as unclear, because they depend on a message that does not exist yet.

use std::net::IpAddr;

use futures_util::future::{BoxFuture, FutureExt};
use ipnet::IpNet;

use super::record::{DomainSpec, Hosts, Mechanism, Policy, Term, Verdict, is_policy};
use crate::doctor::lookup::{Kind, Lookup, Record, Unanswered};

/// Terms that may ask the DNS (RFC 7208, section 4.6.4).
const LOOKUPS: usize = 10;
/// Questions that may find nothing (same section).
const VOID: usize = 2;
/// Hosts one `mx` may have (same section).
const EXCHANGES: usize = 10;

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The domain has no SPF record.
    Missing,
    /// It has this many, which is as good as a broken one.
    Several(usize),
    /// `permerror`: receivers ignore the record or refuse the mail. Says why.
    Permanent(String),
    /// `temperror`: nobody answered.
    Temporary(Unanswered),
}

/// One run over a domain's record and all that it includes.
pub(super) struct Evaluation<'a, L> {
    lookup: &'a L,
    address: Option<IpAddr>,
    lookups: usize,
    /// Names that were asked for and have nothing.
    pub(super) void: Vec<String>,
    /// Terms whose outcome only a message decides.
    pub(super) unclear: Vec<String>,
    /// Whether one of those could also take the permission away.
    pub(super) may_deny: bool,
}

impl<'a, L: Lookup> Evaluation<'a, L> {
    /// An evaluation for one sending address; with `None` for a stranger whom no address or network matches, so that
    /// everything up to `all` is looked at.
    pub(super) fn of(lookup: &'a L, address: Option<IpAddr>) -> Self {
        Self { lookup, address, lookups: 0, void: Vec::new(), unclear: Vec::new(), may_deny: false }
    }

    /// The verdict of the record at `domain`. Recursion ends because every step down spends one of ten lookups.
    pub(super) fn run(&mut self, domain: String) -> BoxFuture<'_, Result<Verdict, Failure>> {
        async move {
            let text = record_at(self.lookup, &domain).await?;
            let policy = Policy::parse(&text)
                .map_err(|reason| Failure::Permanent(format!("in the record of {domain}, {reason}")))?;
            for term in &policy.terms {
                if self.matches(term, &domain).await? {
                    return Ok(term.verdict);
                }
            }
            match policy.redirect {
                Some(target) => self.redirect(&target).await,
                None => Ok(Verdict::Unsaid),
            }
        }
        .boxed()
    }

    async fn redirect(&mut self, target: &DomainSpec) -> Result<Verdict, Failure> {
        self.spend()?;
        let DomainSpec::Name(target) = target else {
            self.note("redirect", target, true);
            return Ok(Verdict::Unsaid);
        };
        self.run(target.clone()).await.map_err(|failure| referred("redirect=", target, failure))
    }

    async fn matches(&mut self, term: &Term, own: &str) -> Result<bool, Failure> {
        let denies = term.verdict != Verdict::Pass;
        match &term.mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Network(network) => Ok(self.address.is_some_and(|address| network.contains(&address))),
            Mechanism::Include(domain) => self.include(domain, denies).await,
            Mechanism::Address(hosts) => self.address(hosts, own, denies).await,
            Mechanism::Exchange(hosts) => self.exchange(hosts, own, denies).await,
            Mechanism::Exists(domain) => self.exists(domain, denies).await,
            Mechanism::Pointer => {
                self.spend()?;
                self.note("ptr", &DomainSpec::Own, denies);
                Ok(false)
            }
        }
    }

    async fn include(&mut self, domain: &DomainSpec, denies: bool) -> Result<bool, Failure> {
        self.spend()?;
        let DomainSpec::Name(target) = domain else {
            self.note("include", domain, denies);
            return Ok(false);
        };
        let verdict =
            self.run(target.clone()).await.map_err(|failure| referred("include:", target, failure))?;
        Ok(verdict == Verdict::Pass)
    }

    async fn address(&mut self, hosts: &Hosts, own: &str, denies: bool) -> Result<bool, Failure> {
        self.spend()?;
        match &hosts.domain {
            DomainSpec::Own => self.host_matches(own, hosts).await,
            DomainSpec::Name(name) => self.host_matches(name, hosts).await,
            DomainSpec::Macro(_) => {
                self.note("a", &hosts.domain, denies);
                Ok(false)
            }
        }
    }

    async fn exchange(&mut self, hosts: &Hosts, own: &str, denies: bool) -> Result<bool, Failure> {
        self.spend()?;
        let domain = match &hosts.domain {
            DomainSpec::Own => own,
            DomainSpec::Name(name) => name,
            DomainSpec::Macro(_) => {
                self.note("mx", &hosts.domain, denies);
                return Ok(false);
            }
        };
        let exchanges = self.ask(domain, Kind::Exchange).await?;
        if exchanges.is_empty() {
            self.found_nothing(domain)?;
        }
        if exchanges.len() > EXCHANGES {
            return Err(Failure::Permanent(format!("{domain} has more than ten MX records")));
        }
        for exchange in exchanges {
            if let Record::Exchange { host, .. } = exchange
                && !host.is_empty()
                && self.host_matches(&host, hosts).await?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn exists(&mut self, domain: &DomainSpec, denies: bool) -> Result<bool, Failure> {
        self.spend()?;
        let DomainSpec::Name(name) = domain else {
            self.note("exists", domain, denies);
            return Ok(false);
        };
        let found = !self.ask(name, Kind::Ipv4).await?.is_empty();
        if !found {
            self.found_nothing(name)?;
        }
        Ok(found)
    }

    /// Asks for the addresses of the sender's family, as a receiver does; for a stranger, for any.
    async fn host_matches(&mut self, host: &str, hosts: &Hosts) -> Result<bool, Failure> {
        let mut addresses = Vec::new();
        if self.address.is_none_or(|address| address.is_ipv4()) {
            addresses.extend(self.ask(host, Kind::Ipv4).await?);
        }
        let no_ipv4_for_a_stranger = self.address.is_none() && addresses.is_empty();
        if no_ipv4_for_a_stranger || self.address.is_some_and(|address| address.is_ipv6()) {
            addresses.extend(self.ask(host, Kind::Ipv6).await?);
        }
        if addresses.is_empty() {
            self.found_nothing(host)?;
        }
        let networks = addresses.iter().filter_map(|record| match record {
            Record::Address(address) => widened(*address, hosts),
            _ => None,
        });
        Ok(self.address.is_some_and(|sender| networks.into_iter().any(|network| network.contains(&sender))))
    }

    async fn ask(&self, name: &str, kind: Kind) -> Result<Vec<Record>, Failure> {
        self.lookup.records(name, kind).await.map_err(Failure::Temporary)
    }

    fn spend(&mut self) -> Result<(), Failure> {
        self.lookups += 1;
        if self.lookups > LOOKUPS {
            return Err(Failure::Permanent("it takes more than ten DNS lookups".to_owned()));
        }
        Ok(())
    }

    fn found_nothing(&mut self, name: &str) -> Result<(), Failure> {
        self.void.push(name.to_owned());
        if self.void.len() > VOID {
            let names = self.void.join(", ");
            return Err(Failure::Permanent(format!("more than two names in it have no records: {names}")));
        }
        Ok(())
    }

    fn note(&mut self, term: &str, domain: &DomainSpec, denies: bool) {
        self.may_deny |= denies;
        self.unclear.push(match domain {
            DomainSpec::Macro(text) => format!("{term}:{text}"),
            DomainSpec::Name(_) | DomainSpec::Own => term.to_owned(),
        });
    }
}

/// The one SPF record of a domain.
pub(super) async fn record_at<L: Lookup>(lookup: &L, domain: &str) -> Result<String, Failure> {
    let records = lookup.records(domain, Kind::Text).await.map_err(Failure::Temporary)?;
    let mut policies: Vec<String> = records
        .into_iter()
        .filter_map(|record| match record {
            Record::Text(text) if is_policy(&text) => Some(text),
            _ => None,
        })
        .collect();
    match (policies.pop(), policies.len()) {
        (None, _) => Err(Failure::Missing),
        (Some(text), 0) => Ok(text),
        (Some(_), others) => Err(Failure::Several(others + 1)),
    }
}

/// A missing or doubled record elsewhere breaks the record that points there.
fn referred(term: &str, target: &str, failure: Failure) -> Failure {
    match failure {
        Failure::Missing => Failure::Permanent(format!("{term}{target} leads to no SPF record")),
        Failure::Several(count) => Failure::Permanent(format!("{term}{target} leads to {count} SPF records")),
        other => other,
    }
}

fn widened(address: IpAddr, hosts: &Hosts) -> Option<IpNet> {
    let bits = if address.is_ipv4() { hosts.ipv4_prefix } else { hosts.ipv6_prefix };
    IpNet::new(address, bits).ok()
}
