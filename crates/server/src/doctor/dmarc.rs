//! What receivers do with mail that neither SPF nor DKIM vouches for (RFC 7489), and whether our envelope and signing
//! domains count for the `From` domain. Sends and reads no reports.

use super::MailCheck;
use super::alignment::{aligned, ancestry};
use super::finding::{Area, Finding};
use super::lookup::{Kind, Lookup, Record, Unanswered};
use super::tags::Tags;
use super::zone::text_line;

/// The records at one `_dmarc` name.
struct Found {
    /// The domain they are for.
    domain: String,
    /// Records that are DMARC by their beginning.
    policies: Vec<String>,
}

pub(super) async fn check<L: Lookup>(lookup: &L, check: &MailCheck) -> Vec<Finding> {
    let found = match search(lookup, &check.domain).await {
        Ok(Some(found)) => found,
        Ok(None) => return vec![missing(&check.domain)],
        Err(unanswered) => {
            return vec![Finding::problem(
                Area::Dmarc,
                format!("The DMARC record of {} gets no answer: {unanswered}.", check.domain),
                "See that the zone loads, then run this again.",
            )];
        }
    };
    let [record] = found.policies.as_slice() else {
        return vec![broken(&found.domain, &format!("there are {} of them", found.policies.len()))];
    };
    match policy(record, found.domain != check.domain) {
        Ok((tags, policy)) => {
            let mut findings = vec![strength(&found.domain, record, &policy)];
            findings.extend(details(&found.domain, record, &tags));
            findings.extend(alignment(check, &found.domain, &tags));
            findings
        }
        Err(reason) => vec![broken(&found.domain, &reason)],
    }
}

/// The nearest DMARC records at the domain or above it.
async fn search<L: Lookup>(lookup: &L, domain: &str) -> Result<Option<Found>, Unanswered> {
    for domain in ancestry(domain) {
        let records = lookup.records(&format!("_dmarc.{domain}"), Kind::Text).await?;
        let policies: Vec<String> = records
            .into_iter()
            .filter_map(|record| match record {
                Record::Text(text) if is_policy(&text) => Some(text),
                _ => None,
            })
            .collect();
        if !policies.is_empty() {
            return Ok(Some(Found { domain: domain.to_owned(), policies }));
        }
    }
    Ok(None)
}

/// Records that do not begin so are ignored by receivers (RFC 7489, section 6.6.3).
fn is_policy(text: &str) -> bool {
    let first = text.split(';').next().unwrap_or_default();
    first.split_once('=').is_some_and(|(name, value)| name.trim() == "v" && value.trim() == "DMARC1")
}

/// The tags, and the policy that applies: `sp=` for a name below the record's domain.
///
/// # Errors
/// What is wrong, as the end of a sentence.
fn policy(record: &str, below: bool) -> Result<(Tags, String), String> {
    let tags = Tags::parse(record)?;
    for name in ["p", "sp"] {
        if let Some(value) = tags.value(name)
            && !["none", "quarantine", "reject"].contains(&value.to_ascii_lowercase().as_str())
        {
            return Err(format!("{name}={value} is no policy"));
        }
    }
    let own = tags.value("p").ok_or_else(|| "it has no policy (p=)".to_owned())?;
    let applies = tags.value("sp").filter(|_| below).unwrap_or(own).to_ascii_lowercase();
    Ok((tags, applies))
}

fn missing(domain: &str) -> Finding {
    Finding::problem(
        Area::Dmarc,
        format!("{domain} has no DMARC record: anybody's mail in its name is as good as ours."),
        format!("Publish: {}", suggestion(domain)),
    )
}

fn broken(domain: &str, reason: &str) -> Finding {
    Finding::problem(
        Area::Dmarc,
        format!("The DMARC record of {domain} is void: {reason}."),
        format!("Publish one record: {}", suggestion(domain)),
    )
}

fn suggestion(domain: &str) -> String {
    let record = format!("v=DMARC1; p=reject; rua=mailto:dmarc-reports@{domain}");
    text_line(&format!("_dmarc.{domain}"), &record)
}

fn strength(domain: &str, record: &str, policy: &str) -> Finding {
    if policy == "none" {
        return Finding::warning(
            Area::Dmarc,
            format!(
                "The DMARC policy of {domain} is none: forged sign-in mail is delivered. It says: {record}"
            ),
            format!("When the reports show only your own mail, publish: {}", suggestion(domain)),
        );
    }
    Finding::good(Area::Dmarc, format!("{domain} asks receivers to {policy} forged mail: {record}"))
}

fn details(domain: &str, record: &str, tags: &Tags) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(percent) = tags.value("pct").filter(|percent| *percent != "100") {
        findings.push(Finding::warning(
            Area::Dmarc,
            format!("The DMARC policy of {domain} covers only part of the mail (pct={percent})."),
            format!("Take pct= out of the record: {}", without_share(domain, record)),
        ));
    }
    if tags.value("rua").is_none_or(str::is_empty) {
        findings.push(Finding::warning(
            Area::Dmarc,
            format!(
                "The DMARC record of {domain} asks for no reports, so nobody sees it when our mail fails."
            ),
            format!("Publish: {}", with_reports(domain, record)),
        ));
    }
    findings
}

fn without_share(domain: &str, record: &str) -> String {
    let kept: Vec<&str> =
        record.split(';').map(str::trim).filter(|tag| !tag.starts_with("pct") && !tag.is_empty()).collect();
    text_line(&format!("_dmarc.{domain}"), &kept.join("; "))
}

fn with_reports(domain: &str, record: &str) -> String {
    let record = record.trim().trim_end_matches(';');
    text_line(&format!("_dmarc.{domain}"), &format!("{record}; rua=mailto:dmarc-reports@{domain}"))
}

/// One of the two is enough for DMARC; forwarding breaks SPF, so the signature matters more.
fn alignment(check: &MailCheck, organisation: &str, tags: &Tags) -> Vec<Finding> {
    let strict = |tag: &str| tags.value(tag).is_some_and(|mode| mode.eq_ignore_ascii_case("s"));
    let mut findings = Vec::new();
    if !check.selectors.is_empty()
        && !aligned(&check.domain, &check.signing_domain, organisation, strict("adkim"))
    {
        findings.push(Finding::problem(
            Area::Dmarc,
            format!("Signatures by {} do not count for mail from {}.", check.signing_domain, check.domain),
            format!("Sign with d={}, or relax adkim= in the DMARC record.", check.domain),
        ));
    }
    if !aligned(&check.domain, &check.envelope_domain, organisation, strict("aspf")) {
        findings.push(Finding::warning(
            Area::Dmarc,
            format!("SPF for {} does not count for mail from {}.", check.envelope_domain, check.domain),
            format!("Use an envelope sender at {}, or relax aspf= in the DMARC record.", check.domain),
        ));
    }
    findings
}
