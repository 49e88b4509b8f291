//! Mails as they are written: nothing a caller says adds a recipient, a header or a part.

use countersign_domain::{secret::Secret, time::Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{
    outbox::{caller_text::CallerText, letter::Purpose, render::Renderer},
    texts::Locale,
};

/// The headers that every mail has, in order.
const NAMES: [&str; 10] = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "Content-Language",
    "MIME-Version",
    "Content-Type",
];

fn letter() -> Letter {
    Letter {
        id: "0198f0a1".to_owned(),
        app_name: "shop".to_owned(),
        app_title: "Shop".to_owned(),
        from: Mailbox { name: "The shop".to_owned(), address: Address::parse("login@shop.example").unwrap() },
        to: Address::parse("person@example.org").unwrap(),
        purpose: Purpose::SignIn,
        code: Some(Secret::new("123456".to_owned())),
        link: None,
        locale: Locale::ENGLISH,
        minutes: 10,
        requested_from: None,
        subject: None,
        content: None,
        origin_host: "shop.example".to_owned(),
        date: Timestamp::from_millis(1_785_542_400_000),
    }
}

fn sent(letter: &Letter) -> String {
    let rendered = Renderer::built_in().unwrap().render(letter).unwrap();
    String::from_utf8(compose(letter, rendered).message).unwrap()
}

/// Splits headers from a body as RFC 5322 says, with folded lines joined.
fn parse(message: &str) -> (Vec<(String, String)>, &str) {
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    let unfolded = head.replace("\r\n ", " ");
    let headers = unfolded.split("\r\n").map(|line| {
        let (name, value) = line.split_once(": ").unwrap();
        (name.to_owned(), value.to_owned())
    });
    (headers.collect(), body)
}

/// Reads encoded words back.
fn decode_words(value: &str) -> String {
    let word = |word: &str| {
        let inner = word.strip_prefix("=?UTF-8?B?").unwrap().strip_suffix("?=").unwrap();
        data_encoding::BASE64.decode(inner.as_bytes()).unwrap()
    };
    if !value.starts_with("=?") {
        return value.to_owned();
    }
    String::from_utf8(value.split(' ').flat_map(word).collect()).unwrap()
}

#[test]
fn writes_the_headers_that_a_mail_needs() {
    let message = sent(&letter());
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    insta::assert_snapshot!(head.replace("\r\n", "\n"), @r#"
    From: "The shop" <login@shop.example>
    To: <person@example.org>
    Subject: Your sign-in code for Shop
    Date: Sat, 01 Aug 2026 00:00:00 +0000
    Message-ID: <0198f0a1@shop.example>
    Auto-Submitted: auto-generated
    X-Auto-Response-Suppress: All
    Content-Language: en
    MIME-Version: 1.0
    Content-Type: multipart/alternative; boundary="=_countersign"
    "#);
}

#[test]
fn every_try_sends_the_same_bytes() {
    assert_eq!(sent(&letter()), sent(&letter()));
}

#[test]
fn writes_every_language() {
    for locale in Locale::BUILT_IN {
        let letter =
            Letter { locale: locale.clone(), app_title: "Bücher & Käse 本".to_owned(), ..letter() };
        let rendered = Renderer::built_in().unwrap().render(&letter).unwrap();
        let message = sent(&letter);
        let (headers, _) = parse(&message);
        assert_eq!(decode_words(&headers[2].1), rendered.subject);
        assert_eq!(headers[7].1, locale.tag());
    }
}

/// `subject` goes into the mail as it is: what makes one of a letter already leaves little that could do harm.
fn check(letter: &Letter, subject: &str) -> Result<(), TestCaseError> {
    let rendered = Renderer::built_in().unwrap().render(letter).unwrap();
    let rendered = Rendered { subject: subject.to_owned(), ..rendered };
    let mail = compose(letter, rendered);
    let message = String::from_utf8(mail.message).unwrap();
    prop_assert_eq!(mail.envelope.to.as_str(), "person@example.org");
    prop_assert!(message.split("\r\n").all(|line| !line.contains(['\r', '\n', '\0']) && line.len() <= 998));
    prop_assert!(message.is_ascii());
    let (headers, body) = parse(&message);
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    prop_assert_eq!(names, NAMES);
    prop_assert_eq!(&headers[1].1, "<person@example.org>");
    let (name, address) = headers[0].1.rsplit_once('<').unwrap_or_default();
    prop_assert_eq!(address, "login@shop.example>");
    prop_assert!(!name.trim_matches([' ', '"']).contains([',', '<', '>', '"', '@', ':', ';', '(', '\\']));
    let decoded = decode_words(&headers[2].1);
    let expected = one_line(subject);
    prop_assert_eq!(decoded.trim(), expected.trim());
    let parts: Vec<_> = body.split("--=_countersign").collect();
    prop_assert_eq!(parts.len(), 4);
    prop_assert_eq!((parts[0], parts[3]), ("", "--\r\n"));
    for (part, kind) in [(parts[1], "text/plain"), (parts[2], "text/html")] {
        let (headers, _) = parse(part.strip_prefix("\r\n").unwrap());
        prop_assert_eq!(headers.len(), 2);
        prop_assert_eq!(&headers[0].1, &format!("{kind}; charset=utf-8"));
    }
    Ok(())
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\r\n\0,\"<>@:;=?.()\\[\\]\\\\ a-z%é本-]{0,90}",
        "(?s).{0,90}",
        Just("x\r\nBcc: evil@example.net\r\n\r\n--=_countersign\r\n".to_owned()),
        Just("\", <evil@example.net>, \"".to_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn p10_no_field_adds_a_recipient_a_header_or_a_part(
        texts in prop::collection::vec(hostile(), 9),
        locale in prop::sample::select(Locale::BUILT_IN.to_vec()),
    ) {
        let mut letter = Letter { locale, ..letter() };
        [&mut letter.id, &mut letter.app_name, &mut letter.app_title, &mut letter.from.name, &mut letter.origin_host]
            .into_iter().zip(&texts).for_each(|(field, text)| field.clone_from(text));
        letter.code = Some(Secret::new(texts[5].clone()));
        letter.link = Some(Secret::new(texts[6].clone()));
        letter.requested_from = Some(texts[7].clone());
        letter.subject = CallerText::subject(&texts[2]).ok();
        letter.content = CallerText::content(&texts[3]).ok();
        check(&letter, &texts[8])?;
    }

    #[test]
    fn p10_one_recipient_or_none(text in hostile()) {
        if let Ok(address) = Address::parse(&text) {
            prop_assert_eq!(address.as_str().matches('@').count(), 1);
            prop_assert!(!address.as_str().contains([',', ' ', '\r', '\n', '\0', '"', '<', '>', ';']));
        }
    }
}

#[test]
#[ignore = "prints how long it takes; run it by name"]
fn composing_takes_microseconds() {
    let (letter, renderer) = (letter(), Renderer::built_in().unwrap());
    let start = std::time::Instant::now();
    for _ in 0..10_000 {
        std::hint::black_box(compose(&letter, renderer.render(&letter).unwrap()));
    }
    let nanoseconds = start.elapsed().as_nanos() / 10_000;
    std::fs::write("/dev/stderr", format!("{nanoseconds} ns to render and compose\n")).unwrap();
}
