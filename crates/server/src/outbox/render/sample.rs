//! Letters of every kind, to try templates with before a person gets one.

use countersign_domain::{secret::Secret, time::Timestamp};

use crate::{
    outbox::{
        address::Address,
        caller_text::CallerText,
        letter::{Letter, Mailbox, Purpose},
        notice::Notice,
    },
    texts::Locale,
};

/// Every kind of letter that there can be.
pub(super) fn all(locales: &[Locale]) -> Vec<Letter> {
    let mut all = letters(locales);
    all.extend(notices(locales));
    all
}

/// One letter for each language and notice.
pub(super) fn notices(locales: &[Locale]) -> Vec<Letter> {
    let Ok(address) = Address::parse("person@example.org") else { return Vec::new() };
    let of = |locale: &Locale, notice: Notice| Letter {
        locale: locale.clone(),
        link: notice.secret(),
        purpose: Purpose::Tell(notice),
        minutes: 0,
        ..letter(&address, false, false)
    };
    let each = |locale| Notice::samples().into_iter().map(move |notice| of(locale, notice));
    locales.iter().flat_map(each).collect()
}

/// One letter for each language, question, and way to answer it.
pub(super) fn letters(locales: &[Locale]) -> Vec<Letter> {
    let Ok(address) = Address::parse("person@example.org") else { return Vec::new() };
    let mut letters = Vec::new();
    for locale in locales {
        for purpose in [Purpose::SignIn, Purpose::ConfirmAddress, Purpose::ResetPassword] {
            for (code, link) in [(true, true), (true, false), (false, true)] {
                letters.push(Letter {
                    locale: locale.clone(),
                    purpose: purpose.clone(),
                    ..letter(&address, code, link)
                });
            }
        }
    }
    letters.extend(CallerText::content("A text").ok().map(|content| Letter {
        content: Some(content),
        requested_from: Some("Firefox".to_owned()),
        ..letter(&address, true, true)
    }));
    letters
}

fn letter(address: &Address, code: bool, link: bool) -> Letter {
    Letter {
        id: "0".to_owned(),
        app_name: "app".to_owned(),
        app_title: "App".to_owned(),
        from: Mailbox { name: "App".to_owned(), address: address.clone() },
        to: address.clone(),
        purpose: Purpose::SignIn,
        code: code.then(|| Secret::new("123456".to_owned())),
        link: link.then(|| Secret::new("https://example.org/l/0".to_owned())),
        locale: Locale::ENGLISH,
        minutes: 10,
        requested_from: None,
        subject: None,
        content: None,
        origin_host: "example.org".to_owned(),
        date: Timestamp::from_millis(0),
    }
}
