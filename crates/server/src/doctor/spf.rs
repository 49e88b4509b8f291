//! Which addresses may send for the envelope domain (RFC 7208), and whether ours are among them. Knows the record,
//! not the mail: what depends on a message is reported as something that cannot be told.

mod evaluate;
mod record;

use std::net::IpAddr;

use self::evaluate::{Evaluation, Failure, record_at};
use self::record::Verdict;
use super::MailCheck;
use super::finding::{Area, Finding};
use super::lookup::Lookup;
use super::zone::text_line;

pub(super) async fn check<L: Lookup>(lookup: &L, check: &MailCheck) -> Vec<Finding> {
    let domain = &check.envelope_domain;
    let mut stranger = Evaluation::of(lookup, None);
    let verdict = match (record_at(lookup, domain).await, stranger.run(domain.clone()).await) {
        (Err(failure), _) => return vec![unusable(check, "", &failure)],
        (Ok(record), Err(failure)) => return vec![unusable(check, &record, &failure)],
        (Ok(record), Ok(verdict)) => (record, verdict),
    };
    let (record, verdict) = verdict;
    let mut findings = vec![strangers(domain, &record, verdict)];
    findings.extend(oddities(domain, &stranger));
    for address in &check.sending_addresses {
        findings.push(sender(lookup, domain, &record, *address).await);
    }
    findings
}

/// A record that a receiver cannot use at all.
fn unusable(check: &MailCheck, record: &str, failure: &Failure) -> Finding {
    let domain = &check.envelope_domain;
    let line = text_line(domain, &suggestion(&check.sending_addresses));
    let (summary, advice) = match failure {
        Failure::Missing => (format!("{domain} has no SPF record."), format!("Publish: {line}")),
        Failure::Several(count) => (
            format!("{domain} has {count} SPF records; receivers then use none of them."),
            format!("Join them into one record that begins with v=spf1 and ends with -all, such as: {line}"),
        ),
        Failure::Permanent(reason) => (
            format!("The SPF record of {domain} is broken: {reason}. It says: {record}"),
            format!("Correct it; a record that is enough for mail from here: {line}"),
        ),
        Failure::Temporary(unanswered) => (
            format!("The SPF record of {domain} could not be followed to its end: {unanswered}."),
            "See that the names in it resolve, then run this again.".to_owned(),
        ),
    };
    Finding::problem(Area::Spf, summary, advice)
}

/// What the record says about addresses that it does not name.
fn strangers(domain: &str, record: &str, verdict: Verdict) -> Finding {
    let advice = || format!("Publish: {}", text_line(domain, &closed(record)));
    match verdict {
        Verdict::Fail | Verdict::SoftFail => {
            Finding::good(Area::Spf, format!("{domain} has an SPF record that shuts out strangers: {record}"))
        }
        Verdict::Pass => Finding::problem(
            Area::Spf,
            format!("The SPF record of {domain} lets everybody send in its name: {record}"),
            advice(),
        ),
        Verdict::Neutral | Verdict::Unsaid => Finding::warning(
            Area::Spf,
            format!("The SPF record of {domain} does not say that others may not send: {record}"),
            advice(),
        ),
    }
}

/// What works today and should not stay.
fn oddities<L>(domain: &str, stranger: &Evaluation<'_, L>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !stranger.void.is_empty() {
        let names = stranger.void.join(", ");
        findings.push(Finding::warning(
            Area::Spf,
            format!("The SPF record of {domain} names what has no records: {names}."),
            "Take these names out of it; with more than two of them receivers ignore the whole record.",
        ));
    }
    if stranger.unclear.iter().any(|term| term == "ptr") {
        findings.push(Finding::warning(
            Area::Spf,
            format!("The SPF record of {domain} uses ptr, which is slow and which many receivers skip."),
            "Replace ptr by ip4: and ip6: with the addresses that send.",
        ));
    }
    findings
}

async fn sender<L: Lookup>(lookup: &L, domain: &str, record: &str, address: IpAddr) -> Finding {
    let mut evaluation = Evaluation::of(lookup, Some(address));
    let outcome = evaluation.run(domain.to_owned()).await;
    let with_address = text_line(domain, &including(record, address));
    match outcome {
        Ok(Verdict::Pass) if !evaluation.may_deny => {
            Finding::good(Area::Spf, format!("{address} may send for {domain}."))
        }
        Ok(_) if !evaluation.unclear.is_empty() => Finding::warning(
            Area::Spf,
            format!(
                "Whether {address} may send for {domain} cannot be told from here: it depends on the message ({}).",
                evaluation.unclear.join(", ")
            ),
            format!("To be sure, name the address in the record: {with_address}"),
        ),
        Ok(_) => Finding::problem(
            Area::Spf,
            format!("{address} sends our mail, and the SPF record of {domain} does not allow it."),
            format!("Publish: {with_address}"),
        ),
        Err(failure) => Finding::problem(
            Area::Spf,
            format!("A receiver cannot tell whether {address} may send for {domain}: {}.", reason(&failure)),
            format!("Name the address at the beginning of the record: {with_address}"),
        ),
    }
}

fn reason(failure: &Failure) -> String {
    match failure {
        Failure::Missing => "there is no record".to_owned(),
        Failure::Several(count) => format!("there are {count} records"),
        Failure::Permanent(reason) => reason.clone(),
        Failure::Temporary(unanswered) => unanswered.to_string(),
    }
}

/// A record for somebody who has none.
fn suggestion(addresses: &[IpAddr]) -> String {
    if addresses.is_empty() {
        return "v=spf1 mx -all".to_owned();
    }
    let terms: Vec<String> = addresses.iter().map(|address| network_term(*address)).collect();
    format!("v=spf1 {} -all", terms.join(" "))
}

/// The record with an address let in first, where nothing comes before it.
fn including(record: &str, address: IpAddr) -> String {
    let rest = record.get("v=spf1".len()..).unwrap_or_default().trim();
    format!("v=spf1 {} {rest}", network_term(address)).trim_end().to_owned()
}

/// The record with a closed end: without the other `all`s, which would come before it.
fn closed(record: &str) -> String {
    let kept = record.split(' ').filter(|word| {
        let mechanism = word.trim_start_matches(['+', '-', '~', '?']);
        !word.is_empty() && !mechanism.eq_ignore_ascii_case("all")
    });
    let kept: Vec<&str> = kept.collect();
    format!("{} -all", kept.join(" "))
}

fn network_term(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("ip4:{address}"),
        IpAddr::V6(address) => format!("ip6:{address}"),
    }
}
