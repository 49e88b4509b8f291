//! What `countersign doctor mail` finds in the DNS: would a receiver believe mail from this domain?
//!
//! It reads the records a receiving server reads (SPF, DKIM, DMARC, MX, reverse names) and says what is, and which
//! record to publish. It sends no mail, changes nothing, and knows neither the configuration nor any private key:
//! the caller hands over public keys and names in a [`MailCheck`].

mod alignment;
mod dkim;
mod dmarc;
mod exchange;
mod finding;
mod lookup;
mod public_key;
mod reverse;
mod spf;
mod tags;
#[cfg(test)]
mod tests;
mod zone;

use std::net::{IpAddr, SocketAddr};

pub use finding::{Area, Finding, Level};
pub use lookup::{Kind, Lookup, Record, Resolver, Unanswered};
pub use public_key::{KeyType, SelectorKey};

/// Addresses of senders that are looked at; more are not, so that one run stays bounded.
const SENDING_ADDRESSES: usize = 32;
/// Selectors that are looked at, for the same reason.
const SELECTORS: usize = 16;

/// What to check: one sender domain, seen the way a receiving server sees it.
///
/// Domain names are ASCII (A-labels for international names), with or without a final dot.
#[derive(Clone, Debug)]
pub struct MailCheck {
    /// The domain in the `From` header, which is what people and DMARC look at.
    pub domain: String,
    /// The domain of the envelope sender, which SPF is about and bounces go to. Usually the same.
    pub envelope_domain: String,
    /// The domain our DKIM signatures name in `d=`. Usually the same.
    pub signing_domain: String,
    /// The keys we sign with; at most 16 are looked at.
    pub selectors: Vec<SelectorKey>,
    /// The public addresses from which mail leaves (ours, or our relay's); at most 32 are looked at. When empty,
    /// nothing that depends on an address is checked.
    pub sending_addresses: Vec<IpAddr>,
    /// The name server to ask; `None` asks the ones the system is configured with.
    pub nameserver: Option<SocketAddr>,
}

impl MailCheck {
    /// A check of one domain which is `From`, envelope and signing domain in one, with the system's name servers.
    #[must_use]
    pub fn of(domain: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            envelope_domain: domain.to_owned(),
            signing_domain: domain.to_owned(),
            selectors: Vec::new(),
            sending_addresses: Vec::new(),
            nameserver: None,
        }
    }

    /// The same check with names in one form and lists cut to their limits.
    fn normalized(&self) -> Self {
        let name = |name: &str| name.trim().trim_end_matches('.').to_ascii_lowercase();
        Self {
            domain: name(&self.domain),
            envelope_domain: name(&self.envelope_domain),
            signing_domain: name(&self.signing_domain),
            selectors: self.selectors.iter().take(SELECTORS).cloned().collect(),
            sending_addresses: self
                .sending_addresses
                .iter()
                .take(SENDING_ADDRESSES)
                .map(IpAddr::to_canonical)
                .collect(),
            nameserver: self.nameserver,
        }
    }
}

/// Asks the DNS and reports. Takes seconds at most when the name server is dead: the first question that gets no
/// answer ends the check with one finding.
pub async fn check_mail(check: &MailCheck) -> Vec<Finding> {
    match Resolver::open(check.nameserver) {
        Ok(resolver) => check_mail_with(&resolver, check).await,
        Err(unanswered) => vec![no_answer(&check.domain, &unanswered)],
    }
}

/// The same with any source of records.
pub async fn check_mail_with<L: Lookup>(lookup: &L, check: &MailCheck) -> Vec<Finding> {
    let check = check.normalized();
    if let Err(unanswered) = lookup.records(&check.domain, Kind::Text).await {
        return vec![no_answer(&check.domain, &unanswered)];
    }
    let (spf, dkim, dmarc, exchange, reverse) = futures_util::join!(
        spf::check(lookup, &check),
        dkim::check(lookup, &check),
        dmarc::check(lookup, &check),
        exchange::check(lookup, &check),
        reverse::check(lookup, &check),
    );
    [spf, dkim, dmarc, exchange, reverse].concat()
}

fn no_answer(domain: &str, unanswered: &Unanswered) -> Finding {
    Finding::problem(
        Area::Resolver,
        format!("The name server gives no answer about {domain}: {unanswered}."),
        "Check that this machine can reach its name server (UDP and TCP port 53), that the domain is spelled \
         right and that its zone loads; then run this again.",
    )
}
