//! The test data of isemail, with this project's verdict on every case.

use countersign_domain::identifier::{AddressError, EmailAddress};

/// One line of the data.
struct Case {
    id: &'static str,
    category: &'static str,
    verdict: &'static str,
    address: String,
}

fn cases() -> Vec<Case> {
    let lines = include_str!("../data/addresses.tsv").lines();
    lines.filter(|line| !line.starts_with('#') && !line.is_empty()).map(case).collect()
}

fn case(line: &'static str) -> Case {
    let fields: Vec<_> = line.split('\t').collect();
    let [id, address, category, verdict] = fields[..] else { panic!("not four fields: {line:?}") };
    Case { id, category, verdict, address: unescape(address) }
}

/// Undoes `\\` and `\u{hex}`, the only escapes of the data.
fn unescape(escaped: &str) -> String {
    let mut out = String::new();
    let mut rest = escaped;
    while let Some((before, escape)) = rest.split_once('\\') {
        out.push_str(before);
        let Some((character, after)) = escaped_character(escape) else { panic!("an escape in {escaped:?}") };
        out.push(character);
        rest = after;
    }
    out + rest
}

/// The character that an escape stands for (without its first backslash), and what follows it.
fn escaped_character(escape: &str) -> Option<(char, &str)> {
    if let Some(after) = escape.strip_prefix('\\') {
        return Some(('\\', after));
    }
    let (hex, after) = escape.strip_prefix("u{")?.split_once('}')?;
    Some((char::from_u32(u32::from_str_radix(hex, 16).ok()?)?, after))
}

fn verdict(address: &str) -> &'static str {
    EmailAddress::parse(address).map_or_else(AddressError::code, |_| "accept")
}

#[test]
fn every_case_has_its_recorded_verdict() {
    for case in cases() {
        assert_eq!(verdict(&case.address), case.verdict, "case {}: {:?}", case.id, case.address);
    }
}

#[test]
fn every_case_is_there() {
    let mut counts = std::collections::BTreeMap::new();
    for case in cases() {
        *counts.entry(case.category).or_insert(0) += 1;
    }
    let expected = [
        ("CFWS", 10),
        ("DEPREC", 20),
        ("DNSWARN", 8),
        ("ERR", 66),
        ("RFC5321", 16),
        ("RFC5322", 30),
        ("VALID_CATEGORY", 14),
    ];
    assert_eq!(counts, expected.into());
}

/// Asserted apart from the recorded verdicts, so that no edit of the data can loosen it.
#[test]
fn p10_no_erroneous_address_is_taken_and_every_valid_one_is() {
    for case in cases() {
        let accepted = verdict(&case.address) == "accept";
        match case.category {
            "ERR" => assert!(!accepted, "case {}: {:?}", case.id, case.address),
            "VALID_CATEGORY" | "DNSWARN" => assert!(accepted, "case {}: {:?}", case.id, case.address),
            _ => {}
        }
    }
}

#[test]
fn p14_what_is_taken_is_changed_in_ascii_case_and_outer_spaces_only() {
    for case in cases() {
        if let Ok(address) = EmailAddress::parse(&case.address) {
            assert_eq!(address.canonical(), case.address.trim_matches(' ').to_ascii_lowercase());
        }
    }
}
