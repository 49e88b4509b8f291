//! Whether receivers find the public keys of our signatures (RFC 6376, section 3.6.1; RFC 8463). Compares what is
//! published with what it is given; knows no private key and verifies no signature.

use super::MailCheck;
use super::finding::{Area, Finding};
use super::lookup::{Kind, Lookup, Record};
use super::public_key::{KeyType, SelectorKey, decode, rsa_bits};
use super::tags::Tags;
use super::zone::text_line;

/// Bits an RSA key should have at least (RFC 8301, section 3.2).
const RSA_BITS: usize = 2048;

pub(super) async fn check<L: Lookup>(lookup: &L, check: &MailCheck) -> Vec<Finding> {
    if check.selectors.is_empty() {
        return vec![Finding::problem(
            Area::Dkim,
            format!("Mail from {} is not signed: no DKIM key is configured.", check.domain),
            "Configure a DKIM key; this check then prints the record to publish. Large receivers refuse or hide \
             mail without a signature.",
        )];
    }
    let mut findings = Vec::new();
    for key in &check.selectors {
        findings.extend(selector(lookup, &check.signing_domain, key).await);
    }
    if check.selectors.iter().all(|key| key.key_type == KeyType::Ed25519) {
        findings.push(Finding::warning(
            Area::Dkim,
            "Mail is signed with Ed25519 only, which many receivers do not verify.",
            "Configure an RSA key of 2048 bits beside it; each mail then carries both signatures.",
        ));
    }
    findings
}

async fn selector<L: Lookup>(lookup: &L, domain: &str, key: &SelectorKey) -> Vec<Finding> {
    let name = format!("{}._domainkey.{domain}", key.selector);
    let publish = format!("Publish: {}", text_line(&name, &key.record()));
    let problem = |summary: String| vec![Finding::problem(Area::Dkim, summary, publish.clone())];
    let records = match lookup.records(&name, Kind::Text).await {
        Ok(records) => records,
        Err(unanswered) => {
            return problem(format!("The DKIM record at {name} gets no answer: {unanswered}."));
        }
    };
    let texts: Vec<&str> = records
        .iter()
        .filter_map(|record| match record {
            Record::Text(text) => Some(text.as_str()),
            _ => None,
        })
        .collect();
    match texts.as_slice() {
        [] => problem(format!("There is no DKIM record at {name}.")),
        [text] => match published(text, key) {
            Ok(tags) => usable(&name, key, &tags),
            Err(wrong) => problem(format!("The DKIM record at {name} {wrong}.")),
        },
        several => problem(format!(
            "There are {} TXT records at {name}; receivers may take any of them.",
            several.len()
        )),
    }
}

/// Reads a record and holds it against our key.
///
/// # Errors
/// Why our signatures fail with it, as the end of a sentence.
fn published(text: &str, key: &SelectorKey) -> Result<Tags, String> {
    let tags = Tags::parse(text).map_err(|reason| format!("cannot be read: {reason}"))?;
    if tags.value("v").is_some() && tags.first() != Some(("v", "DKIM1")) {
        return Err("is of another version: it must begin with v=DKIM1".to_owned());
    }
    let key_type = tags.value("k").unwrap_or("rsa");
    if key_type != key.key_type.to_string() {
        return Err(format!("is for keys of type {key_type}, but we sign with {}", key.key_type));
    }
    match tags.value("p") {
        None => return Err("has no public key (p=)".to_owned()),
        Some("") => return Err("says that the key is revoked (p= is empty)".to_owned()),
        Some(value) if decode(value).is_none() => {
            return Err("has a public key that is not base64".to_owned());
        }
        Some(value) if decode(value) != decode(&key.public_key) => {
            return Err("holds another public key than the one we sign with".to_owned());
        }
        Some(_) => {}
    }
    if tags.value("h").is_some() && !tags.lists("h", "sha256") {
        return Err("does not allow SHA-256 (h=)".to_owned());
    }
    if tags.value("s").is_some() && !tags.lists("s", "*") && !tags.lists("s", "email") {
        return Err("is not for mail (s=)".to_owned());
    }
    Ok(tags)
}

fn usable(name: &str, key: &SelectorKey, tags: &Tags) -> Vec<Finding> {
    let mut findings = vec![Finding::good(Area::Dkim, format!("{name} holds our {} key.", key.key_type))];
    if tags.lists("t", "y") {
        findings.push(Finding::warning(
            Area::Dkim,
            format!(
                "The DKIM record at {name} says that this is a test (t=y); receivers may ignore signatures."
            ),
            format!("Publish it without t=y: {}", text_line(name, &key.record())),
        ));
    }
    let bits = decode(&key.public_key).and_then(|der| rsa_bits(&der));
    if let (KeyType::Rsa, Some(bits)) = (key.key_type, bits)
        && bits < RSA_BITS
    {
        findings.push(Finding::warning(
            Area::Dkim,
            format!("The RSA key at {name} has {bits} bits; receivers begin to distrust keys below {RSA_BITS}."),
            "Make a new RSA key of 2048 bits under a new selector, and publish its record before signing with it.",
        ));
    }
    findings
}
