//! Notices in words.

use super::*;
use crate::{
    outbox::{
        address::Address,
        letter::{Letter, Mailbox, Purpose},
        render::Renderer,
    },
    texts::Locale,
};

fn letter(notice: Notice, locale: Locale) -> Letter {
    let address = Address::parse("person@example.org").unwrap();
    Letter {
        id: "0".to_owned(),
        app_name: "app".to_owned(),
        app_title: "App".to_owned(),
        from: Mailbox { name: "App".to_owned(), address: address.clone() },
        to: address,
        link: notice.secret(),
        purpose: Purpose::Tell(notice),
        code: None,
        locale,
        minutes: 0,
        requested_from: None,
        subject: None,
        content: None,
        origin_host: "example.org".to_owned(),
        date: Timestamp::from_millis(1_785_542_400_000),
    }
}

#[test]
fn says_what_happened_and_what_to_do() {
    let undo = Link {
        url: Zeroizing::new("https://id.example/undo/0".to_owned()),
        until: 1_785_542_400_000 + 7 * 86_400_000,
    };
    let notice = Notice::AddressChanged { address: masked("new.me@example.net"), undo };
    let rendered = Renderer::built_in().unwrap().render(&letter(notice, Locale::ENGLISH)).unwrap();
    insta::assert_snapshot!(rendered.text, @"
    Your email address at App was changed

    n…@example.net takes the place of this address. If this was not you, undo it before 2026-08-08 00:00 UTC: this address comes back, the new one is removed, and everybody is signed out.

    https://id.example/undo/0

    Please do not pass this mail on: whoever has the link can use it.
    ");
    assert_eq!(rendered.subject, "Your email address at App was changed");
    assert!(rendered.html.contains("<a href=\"https:&#x2f;&#x2f;id.example&#x2f;undo&#x2f;0\""));
}

#[test]
fn every_notice_is_complete_in_every_language() {
    let renderer = Renderer::built_in().unwrap();
    for locale in Locale::BUILT_IN {
        let mut subjects = std::collections::BTreeSet::new();
        for notice in Notice::samples() {
            let (words, value) = (notice.words(), notice.value().to_owned());
            let linked = notice.link().is_some();
            assert_eq!(linked, words.button.is_some());
            let rendered = renderer.render(&letter(notice.clone(), locale.clone())).unwrap();
            subjects.insert(rendered.subject.clone());
            assert!(rendered.subject.contains("App"), "{}", rendered.subject);
            for part in [&rendered.text, &rendered.html] {
                assert!(part.contains(&value) && !part.contains(['{', '}']), "{part}");
                assert_eq!(part.contains("l/0") || part.contains("l&#x2f;0"), linked, "{part}");
            }
            // Every place is filled: an empty one leaves a space before a full stop or at the end.
            assert!(!rendered.text.contains(" \n") && !rendered.text.contains(" ."), "{}", rendered.text);
        }
        assert_eq!(subjects.len(), 18, "one for each kind: {locale:?}");
    }
}

#[test]
fn p40_a_notice_shows_neither_address_nor_link_in_a_log() {
    for notice in Notice::samples() {
        let shown = format!("{notice:?}");
        assert!(!shown.contains("example.org") && !shown.contains("l/0"), "{shown}");
    }
    assert_eq!(masked("zebedee.quill@example.org"), "z…@example.org");
    assert_eq!(masked("名前@example.org"), "名…@example.org");
}

#[test]
fn p10_what_a_person_is_called_is_escaped() {
    let end = Link { url: Zeroizing::new("https://id.example/undo/0".to_owned()), until: 0 };
    let notice = Notice::NewDevice { device: "</p><script>\r\nBcc: x".to_owned(), end };
    let rendered = Renderer::built_in().unwrap().render(&letter(notice, Locale::ENGLISH)).unwrap();
    assert!(!rendered.html.contains("<script") && !rendered.text.contains("\r\n"), "{}", rendered.text);
}
