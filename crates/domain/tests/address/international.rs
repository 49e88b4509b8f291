//! International domains: what UTS #46 maps, what it keeps apart and what it refuses.

use countersign_domain::identifier::{AddressError, EmailAddress};

use super::check;

#[test]
fn p14_domains_become_lower_case_a_labels() {
    for (domain, ascii) in [
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("MÜNCHEN.DE", "xn--mnchen-3ya.de"),
        ("mu\u{308}nchen.de", "xn--mnchen-3ya.de"),
        ("XN--MNCHEN-3YA.de", "xn--mnchen-3ya.de"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
        ("אבג.example", "xn--4dbcd.example"),
        ("\u{1F4A9}.la", "xn--ls8h.la"),
        ("ｅｘａｍｐｌｅ．ｏｒｇ", "example.org"),
        ("example\u{3002}org", "example.org"),
        ("exam\u{AD}ple.org", "example.org"),
        ("\u{212A}aiser.example", "kaiser.example"),
        ("c--n.com", "c--n.com"),
        ("localhost", "localhost"),
    ] {
        check(&format!("Jane@{domain}"), Ok(&format!("jane@{ascii}")));
    }
}

#[test]
fn p14_domains_that_look_alike_stay_apart() {
    let domains = [
        "paypal.example",
        "p\u{430}ypal.example",                         // one Cyrillic a
        "\u{440}\u{430}\u{443}\u{440}\u{430}l.example", // Cyrillic but for the l
        "pаypаl.example",                               // two Cyrillic a
        "strasse.example",
        "straße.example", // kept, not ss: non-transitional
        "mail.example",
        "ma\u{131}l.example", // dotless i
        "βόλος.example",
        "βόλοσ.example",          // final and other sigma
        "نامه\u{200C}ای.example", // with a zero-width non-joiner, which tells Persian words apart
        "نامهای.example",
    ];
    let addresses: Vec<_> = domains
        .iter()
        .map(|domain| EmailAddress::parse(&format!("jane@{domain}")).expect("an address"))
        .collect();
    for (index, address) in addresses.iter().enumerate() {
        assert!(!addresses[..index].contains(address), "{}", domains[index]);
    }
}

#[test]
fn what_does_not_map_is_refused() {
    for domain in [
        "example.org.", // the root is not part of a mail domain
        "example.org。",
        "example..org",
        ".example.org",
        ".",
        "-example.org",
        "example-.org",
        "exa_mple.org",
        "exa mple.org",
        "iana/icann.org",
        "exam\u{2044}ple.org\u{2100}", // ℀ maps to a/c
        "xn--.org",
        "xn--example-.org",       // an A-label of plain ASCII
        "xn--0.pt",               // not Punycode
        "xn--a\u{FC}.org",        // an A-label that is not ASCII
        "xn--mnchen-99999999.de", // beyond the last code point
        "a\u{200D}b.org",         // a joiner where none belongs
        "\u{301}a.org",           // a mark first
        "א1a.example",            // right-to-left and left-to-right in one label
        "exa\u{202E}mple.org",
        "exa\u{FFFD}mple.org",
        "\u{E000}.org", // private use
    ] {
        check(&format!("jane@{domain}"), Err(AddressError::DomainInvalid));
    }
}

#[test]
fn network_addresses_are_refused() {
    for domain in [
        "[192.0.2.1]",
        "[IPv6:2001:db8::1]",
        "192.0.2.1",
        "１９２.０.２.１",
        "①②7.0.0.①",
        "2130706433",
        "0x7f000001",
        "0X7F.1",
        "example.123",
    ] {
        check(&format!("jane@{domain}"), Err(AddressError::DomainNumeric));
    }
}

#[test]
fn lengths_count_in_a_labels() {
    let longest = EmailAddress::parse(&format!("jane@{}.org", "ü".repeat(57)));
    assert_eq!(longest.map(|address| address.domain().len()), Ok(63 + ".org".len()));
    check(&format!("jane@{}.org", "ü".repeat(58)), Err(AddressError::DomainInvalid));
    check(&format!("jane@{}.org", "a".repeat(64)), Err(AddressError::DomainInvalid));
    check(&format!("jane@{}org", "a.".repeat(126)), Err(AddressError::DomainInvalid));
}
