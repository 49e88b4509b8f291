//! What is before the `@`, the limits, and what an address shows of itself.

use std::collections::HashSet;

use countersign_domain::identifier::{AddressError, EmailAddress};

use super::check;

#[test]
fn p14_local_parts_are_lower_cased_in_ascii_and_otherwise_left_alone() {
    for (input, canonical) in [
        ("Jane.Doe@Example.ORG", "jane.doe@example.org"),
        ("janedoe@example.org", "janedoe@example.org"),
        ("Jane+Tag@example.org", "jane+tag@example.org"),
        ("jane-list=x@example.org", "jane-list=x@example.org"),
        ("O'Brien@example.org", "o'brien@example.org"),
        ("-jane@example.org", "-jane@example.org"),
        ("jane%example.net@example.org", "jane%example.net@example.org"),
        ("xn--jos-dma@example.org", "xn--jos-dma@example.org"),
        ("  jane@example.org   ", "jane@example.org"),
    ] {
        check(input, Ok(canonical));
    }
}

#[test]
fn p14_local_parts_beyond_ascii_are_refused_not_folded() {
    for local in [
        "josé",         // é as one character
        "jose\u{301}",  // and as two
        "adm\u{131}n",  // dotless i, whose upper case is I
        "\u{130}nes",   // I with a dot, whose lower case is i and a mark
        "mi\u{212A}e",  // the Kelvin sign, whose lower case is k
        "\u{17F}am",    // the long s, whose upper case is S
        "\u{FF4A}ane",  // full-width j
        "j\u{430}ne",   // Cyrillic a
        "ja\u{AD}ne",   // soft hyphen
        "ja\u{200B}ne", // zero-width space
        "\u{202E}enaj", // right-to-left override
        "\u{A0}jane",   // no-break space
        "用户",
        "\u{1F600}",
    ] {
        check(&format!("{local}@example.org"), Err(AddressError::LocalNotAscii));
    }
}

#[test]
fn p10_nothing_that_means_something_to_smtp_or_a_header_is_taken() {
    for (input, error) in [
        ("jane@example.org\r\nRCPT TO:<eve@example.net>", AddressError::ControlCharacter),
        ("jane\r\n@example.org", AddressError::ControlCharacter),
        ("jane@example.org\n", AddressError::ControlCharacter),
        ("\tjane@example.org", AddressError::ControlCharacter),
        ("jane\0@example.org", AddressError::ControlCharacter),
        ("jane@example.org\0", AddressError::ControlCharacter),
        ("jane@example.org\u{85}", AddressError::ControlCharacter),
        ("jane@example.org\u{2028}", AddressError::DomainInvalid),
        ("jane@example.org\u{2029}", AddressError::DomainInvalid),
        ("jane@example.org,eve@example.net", AddressError::AtRepeated),
        ("jane@example.org,eve", AddressError::DomainInvalid),
        ("jane@example.org;eve", AddressError::DomainInvalid),
        ("eve,jane@example.org", AddressError::LocalCharacter),
        ("eve;jane@example.org", AddressError::LocalCharacter),
        ("Jane <jane@example.org>", AddressError::LocalCharacter),
        ("<jane@example.org>", AddressError::LocalCharacter),
        ("jane@example.org>", AddressError::DomainInvalid),
        ("jane@example.org> SIZE=1", AddressError::DomainInvalid),
        ("@example.net:jane@example.org", AddressError::AtRepeated),
        ("group:jane@example.org", AddressError::LocalCharacter),
        ("\"jane\"@example.org", AddressError::LocalQuoted),
        ("\"jane eve\"@example.org", AddressError::LocalQuoted),
        ("\"jane@example.net\"@example.org", AddressError::AtRepeated),
        ("jane(eve)@example.org", AddressError::LocalCharacter),
        ("jane\\eve@example.org", AddressError::LocalCharacter),
        ("jane eve@example.org", AddressError::LocalCharacter),
        ("jane @example.org", AddressError::LocalCharacter),
        ("jane@ example.org", AddressError::DomainInvalid),
        ("jane@example.org (eve)", AddressError::DomainInvalid),
        ("jane\u{FF20}example.org", AddressError::AtMissing),
        ("jane@eve\u{FF20}example.org", AddressError::DomainInvalid),
        ("jane@example.org\u{FF0C}eve", AddressError::DomainInvalid),
    ] {
        check(input, Err(error));
    }
}

#[test]
fn dots_are_single_and_inside() {
    for local in [".jane", "jane.", "ja..ne", ".", ".."] {
        check(&format!("{local}@example.org"), Err(AddressError::LocalDots));
    }
}

#[test]
fn both_sides_must_be_there() {
    for (input, error) in [
        ("", AddressError::Empty),
        ("   ", AddressError::Empty),
        ("jane", AddressError::AtMissing),
        ("@", AddressError::LocalEmpty),
        ("@example.org", AddressError::LocalEmpty),
        ("jane@", AddressError::DomainEmpty),
    ] {
        check(input, Err(error));
    }
}

#[test]
fn local_parts_have_up_to_64_octets() {
    let longest = format!("{}@example.org", "a".repeat(64));
    check(&longest, Ok(&longest));
    check(&format!("a{longest}"), Err(AddressError::LocalTooLong));
}

#[test]
fn addresses_have_up_to_254_octets_in_canonical_form() {
    let label = "a".repeat(62);
    let domain = format!("{label}.{label}.{label}.org");
    let longest = format!("{}@{domain}", "j".repeat(61));
    assert_eq!(longest.len(), 254);
    check(&longest, Ok(&longest));
    check(&format!("j{longest}"), Err(AddressError::TooLong));
    check(&format!("   {longest}   "), Ok(&longest));
}

#[test]
fn inputs_have_up_to_1024_bytes() {
    let address = "jane@example.org";
    let spaces = " ".repeat(1024 - address.len());
    check(&format!("{address}{spaces}"), Ok(address));
    check(&format!("{address}{spaces} "), Err(AddressError::TooLong));
    check(&" ".repeat(1025), Err(AddressError::TooLong));
}

#[test]
fn an_address_has_two_parts_and_a_hint() {
    for (input, local, domain, masked) in [
        ("Jane@Example.org", "jane", "example.org", "j…@example.org"),
        ("j@example.org", "j", "example.org", "j…@example.org"),
        ("jane@MÜNCHEN.de", "jane", "xn--mnchen-3ya.de", "j…@xn--mnchen-3ya.de"),
    ] {
        let address = EmailAddress::parse(input).expect("an address");
        assert_eq!((address.local(), address.domain()), (local, domain));
        assert_eq!(address.masked(), masked);
    }
}

#[test]
fn debug_output_tells_nothing() {
    let address = EmailAddress::parse("jane@example.org").expect("an address");
    assert_eq!(format!("{address:?}"), "EmailAddress(…)");
    assert_eq!(format!("{:#?}", Some(address.clone())), "Some(\n    EmailAddress(…),\n)");
    assert_eq!(address, address.clone());
}

#[test]
fn every_error_has_a_code_of_its_own_and_says_what_to_do() {
    let codes: HashSet<_> = AddressError::ALL.iter().map(|error| error.code()).collect();
    assert_eq!(codes.len(), AddressError::ALL.len());
    for error in AddressError::ALL {
        assert!(error.code().bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase()), "{error:?}");
        let (what, advice) =
            error.to_string().split_once(": ").map(|(a, b)| (a.len(), b.len())).expect("advice");
        assert!(what > 10 && advice > 8, "{error:?}");
    }
}
