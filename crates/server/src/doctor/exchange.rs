//! Whether bounces and replies have somewhere to go (RFC 5321, section 5.1; RFC 7505). Connects to no mail server.

use super::MailCheck;
use super::finding::{Area, Finding};
use super::lookup::{Kind, Lookup, Record, Unanswered};

/// Hosts of one domain whose addresses are looked up.
const HOSTS: usize = 10;

pub(super) async fn check<L: Lookup>(lookup: &L, check: &MailCheck) -> Vec<Finding> {
    let mut findings = domain(lookup, &check.domain).await;
    if check.envelope_domain != check.domain {
        findings.extend(domain(lookup, &check.envelope_domain).await);
    }
    findings
}

async fn domain<L: Lookup>(lookup: &L, domain: &str) -> Vec<Finding> {
    inspect(lookup, domain).await.unwrap_or_else(|unanswered| {
        vec![Finding::problem(
            Area::Mx,
            format!("The mail servers of {domain} get no answer: {unanswered}."),
            "See that the zone loads, then run this again.",
        )]
    })
}

async fn inspect<L: Lookup>(lookup: &L, domain: &str) -> Result<Vec<Finding>, Unanswered> {
    let hosts = exchanges(lookup, domain).await?;
    if hosts.is_empty() {
        return Ok(vec![implicit(domain, has_address(lookup, domain).await?)]);
    }
    if hosts.iter().all(String::is_empty) {
        return Ok(vec![Finding::warning(
            Area::Mx,
            format!(
                "{domain} says that it takes no mail (a null MX); some receivers refuse mail from such domains."
            ),
            format!("Publish a server that takes bounces: {domain}. IN MX 10 mail.{domain}."),
        )]);
    }
    let mut findings = Vec::new();
    for host in hosts.iter().take(HOSTS) {
        if !has_address(lookup, host).await? {
            findings.push(Finding::problem(
                Area::Mx,
                format!("The mail server {host} of {domain} has no address."),
                format!("Publish an A or AAAA record for {host}, or take it out of the MX records."),
            ));
        }
    }
    if findings.is_empty() {
        findings.push(Finding::good(Area::Mx, format!("Bounces go to {}.", hosts.join(", "))));
    }
    Ok(findings)
}

fn implicit(domain: &str, has_address: bool) -> Finding {
    if has_address {
        return Finding::good(Area::Mx, format!("{domain} has no MX record; bounces go to its own address."));
    }
    Finding::problem(
        Area::Mx,
        format!("{domain} has neither MX nor address: receivers refuse mail from it, and bounces are lost."),
        format!("Publish: {domain}. IN MX 10 mail.{domain}. (with the name of your mail server)"),
    )
}

async fn exchanges<L: Lookup>(lookup: &L, domain: &str) -> Result<Vec<String>, Unanswered> {
    let mut hosts: Vec<(u16, String)> = lookup
        .records(domain, Kind::Exchange)
        .await?
        .into_iter()
        .filter_map(|record| match record {
            Record::Exchange { preference, host } => Some((preference, host)),
            _ => None,
        })
        .collect();
    hosts.sort();
    Ok(hosts.into_iter().map(|(_, host)| host).collect())
}

async fn has_address<L: Lookup>(lookup: &L, name: &str) -> Result<bool, Unanswered> {
    for kind in [Kind::Ipv4, Kind::Ipv6] {
        if !lookup.records(name, kind).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}
