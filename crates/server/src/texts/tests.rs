//! How texts are read and said, and what is refused of them. Knows the files of no language.

use proptest::prelude::*;

use super::*;

fn read(source: &str) -> Result<Texts, String> {
    read_in("en", source)
}

fn read_in(tag: &str, source: &str) -> Result<Texts, String> {
    let problem = |(line, error): Problem| format!("{line}: {error}");
    Texts::parse(source, &Locale::parse(tag).unwrap())
        .map_err(|problems| problems.into_iter().map(problem).collect::<Vec<_>>().join("\n"))
}

fn assert_all(cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(read(source).unwrap_err(), *expected, "{source}");
    }
}

fn said(texts: &Texts, key: Key, arguments: &[(&str, Argument<'_>)]) -> String {
    texts.say(key, arguments).unwrap()
}

#[test]
fn fills_places_once_and_adds_nothing() {
    let texts = read("keep = Hello { $app }, {$app}{\" \"}{ { \"{\" } }{ 7 }\n").unwrap();
    assert_eq!(said(&texts, Key::Keep, &[("app", "{ $app }".into())]), "Hello { $app }, { $app } {7");
    assert_eq!(said(&texts, Key::Keep, &[]), "Hello ,  {7");
    let texts = read("recovery_used =\n    .text = { $count }").unwrap();
    let most = [("count", 1_234_567.into())];
    assert_eq!(said(&texts, Key::RecoveryUsedText, &most), "1234567", "a number is its digits alone");
}

#[test]
fn a_number_chooses_the_words() {
    const MINUTES: &str = "expiry =\n    .minutes =\n        { $count ->\n            [0] none\n";
    let of = |tag: &str, variants: &str, count: u64| {
        let texts = read_in(tag, &format!("{MINUTES}{variants}\n        }}.")).unwrap();
        said(&texts, Key::ExpiryMinutes, &[("count", count.into())])
    };
    let variants = "            [one] { $count } one\n           *[other] { $count } other";
    for (tag, count, expected) in [
        ("en", 0, "none."),
        ("en", 1, "1 one."),
        ("en", 2, "2 other."),
        ("pt-BR", 1, "1 one."),
        ("de-CH", 1, "1 one."),
        ("fr", 1_000_000, "1000000 other."),
    ] {
        assert_eq!(of(tag, variants, count), expected, "{tag} {count}");
    }
    let polish = "  [few] { $count } few\n  [many] { $count } many\n *[other] { $count } other";
    assert_eq!([2, 5, 22].map(|count| of("pl", polish, count)), ["2 few.", "5 many.", "22 few."]);
    let texts = read(&format!("{MINUTES}{variants}\n}}.")).unwrap();
    assert_eq!(said(&texts, Key::ExpiryMinutes, &[("count", "x".into())]), "x other.", "what is no number");
    assert_eq!(said(&texts, Key::ExpiryMinutes, &[]), " other.");
}

#[test]
fn a_message_may_stand_in_several_places() {
    let source = "\u{feff}# mine\r\nkeep={ $app }\r\n\r\nsign_in =\r\n    .button = In\r\n# x\r\nsign_in =\r\n .code = C";
    let texts = read(source).unwrap();
    assert_eq!(texts.texts.len(), 3);
    assert_eq!(said(&texts, Key::SignInButton, &[]), "In");
    assert_eq!(said(&texts, Key::SignInCode, &[]), "C");
    let texts = read("event =\n    .challenge-passed = Yes\nscope =\n    .user_role = Role").unwrap();
    assert_eq!(said(&texts, Key::of_name("event.challenge.passed").unwrap(), &[]), "Yes");
    assert_eq!(said(&texts, Key::of_name("scope.user_role").unwrap(), &[]), "Role");
}

#[test]
fn says_everything_that_is_wrong_with_its_line() {
    assert_all(&[
        ("nonsense", "1: expected `name = text`"),
        ("# a\n  nonsense\nkeep = x", "2: expected `name = text`"),
        ("keep =", "1: `keep` says nothing"),
        ("keep = { \"\" }", "1: `keep` says nothing"),
        ("sign_in =\n", "1: there is no text `sign_in`"),
        ("# a\n\nkeep = { $app", "3: `keep`: a brace is not closed"),
        ("keep = {", "1: `keep`: a brace has no partner, or no `$name` stands in it"),
        ("keep = $app}", "1: `keep`: a closing brace has no partner"),
        ("keep = x\n5 = y", "2: `keep`: a name begins with a letter"),
        (
            "sign_in =\n    .haeding = x",
            "2: there is no text `sign_in.haeding`: did you mean `sign_in.heading`?",
        ),
        ("banana = x", "1: there is no text `banana`"),
        (
            "# sign_in =\n    .button = x",
            "2: `.button` belongs to no message: the line `name =` is missing above it",
        ),
        (
            "sign_in.button = {app}",
            "1: `sign_in.button` is written on two lines: `sign_in =` and, below it, `    .button = text`",
        ),
        ("sign_in.buton = x", "1: there is no text `sign_in.buton`: did you mean `sign_in.button`?"),
        ("event.challenge =\n    .passed = x", "1: there is no text `event.challenge`"),
        (
            "-brand = x\n    .case = y\nkeep = { -brand }",
            "1: `-brand` is a term: there are none here, write its words where they are said\n\
             3: `keep` holds the term `-brand`, which texts here cannot: this one can hold `{ $app }`",
        ),
    ]);
}

#[test]
fn says_what_a_text_cannot_hold() {
    assert_all(&[
        ("keep = x\nkeep = y", "2: `keep` is there a second time"),
        (
            "sign_in =\n    .button = x\nsign_in =\n    .button = y",
            "4: `sign_in.button` is there a second time",
        ),
        ("keep = { $code }", "1: `keep`: nothing is put in `{ $code }`: this text can hold `{ $app }`"),
        (
            "link =\n    .over = { $app }",
            "2: `link.over`: nothing is put in `{ $app }`: this text can hold no place",
        ),
        (
            "keep = {app}",
            "1: `keep` holds a reference to `app`, which texts here cannot: this one can hold `{ $app }`",
        ),
        (
            "keep = { NUMBER($app) }",
            "1: `keep` holds the function `NUMBER`, which texts here cannot: this one can hold `{ $app }`",
        ),
        ("expiry =\n    .hours = soon", "2: `expiry.hours` must hold `{ $count }`, in each of its variants"),
        ("requested_from = { $app }", "1: `requested_from` must hold `{ $place }`, in each of its variants"),
        ("keep = a\tb", "1: `keep` has a control character"),
        ("sign_in =\n    .subject = a\u{202e}b", "2: `sign_in.subject` has a control character"),
        ("keep = a{ \"\\u202E\" }b", "1: `keep` has a control character"),
        ("keep = a{ { \"\\U002066\" } }b", "1: `keep` has a control character"),
        ("keep = a{ \"\\u000A\" }b", "1: `keep` is longer than one line"),
        ("keep = a\n    b", "1: `keep` is longer than one line"),
        ("keep = { \"\\u20é\" }", "1: `keep`: after `\\u` come four hexadecimal digits, after `\\U` six"),
        ("keep = { \"\\u20\" }", "1: `keep`: after `\\u` come four hexadecimal digits, after `\\U` six"),
        (
            "keep = {\nkepp = x",
            "1: `keep`: a brace has no partner, or no `$name` stands in it\n\
             2: there is no text `kepp`: did you mean `keep`?",
        ),
    ]);
}

#[test]
fn what_is_wrong_with_a_choice_is_said() {
    let of = |selector: &str, variants: &str| {
        read_in("de", &format!("expiry =\n    .hours = {{ {selector} ->\n{variants}\n }}")).unwrap_err()
    };
    const NUMBER: &str = "words are chosen by a number, such as `{ $count ->`, and by nothing else";
    for (selector, variants, expected) in [
        ("$app", "*[other] { $count }", NUMBER),
        ("NUMBER($count)", "*[other] { $count }", NUMBER),
        ("\"x\"", "*[other] { $count }", NUMBER),
        ("5", "*[other] { $count }", NUMBER),
        ("$banana", "*[other] { $count }", "nothing is put in `{ $banana }`"),
        ("$count", "[one] x\n *[other] { $count }", "must hold `{ $count }`, in each of its variants"),
        ("$count", "[one] { $count }\n *[1] x", "must hold `{ $count }`, in each of its variants"),
        ("$count", "[few] { $count }\n *[other] { $count }", "is for a whole number or one of one, other"),
        ("$count", "[banana] { $count }\n *[other] { $count }", "`[banana]` is never said"),
        ("$count", "[1.5] x\n *[other] { $count }", "`[1.5]` is never said"),
        ("$count", "[-1] x\n *[other] { $count }", "`[-1]` is never said"),
        ("$count", "[1] x\n [01] y\n *[other] { $count }", "`[01]` is there a second time"),
        ("app", "*[other] { $count }", NUMBER),
        ("$count", "[one]\n *[other] { $count }", "a variant says nothing"),
        ("$count", "[one] { $count }", "one of the variants begins with `*`"),
        ("$count", "[1] a\u{2066}b\n *[other] { $count }", "has a control character"),
        ("$count", "[1] { $banana }\n *[other] { $count }", "nothing is put in `{ $banana }`"),
        ("$count", "[1] a\n  b\n *[other] { $count }", "is longer than one line"),
    ] {
        let problem = of(selector, variants);
        assert!(problem.contains("`expiry.hours`") && problem.contains(expected), "{variants}: {problem}");
    }
    let good = "expiry =\n    .hours = { $count ->\n [1] x\n *[other] { $count ->\n [2] y\n *[other] { $count }\n }\n }";
    read(good).unwrap();
}

#[test]
fn what_is_too_long_or_too_deep_is_refused() {
    let longest = "é".repeat(500);
    read(&format!("keep = {longest}{{ $app }}")).unwrap();
    let too_long = "1: `keep` is longer than 500 characters";
    assert_eq!(read(&format!("keep = {longest}x")).unwrap_err(), too_long);
    assert_eq!(read(&format!("keep = {longest}{{ \"x\" }}")).unwrap_err(), too_long);
    let choice = |words: &str| {
        format!(
            "admin =\n .import_checked = a{{ $lines ->\n [one] x\n *[other] {}{words}\n }}",
            "é".repeat(498)
        )
    };
    read(&choice("x")).unwrap();
    assert!(read(&choice("xx")).unwrap_err().contains("longer than 500"));
    let nested = |depth: usize, open: &str, close: &str| {
        read(&format!("keep = {}$app{}", open.repeat(depth), close.repeat(depth)))
    };
    nested(64, "{", "}").unwrap();
    for (open, close) in [("{", "}"), ("{ F(", ") }"), ("{ $app ->\n", "}"), ("{\n", "}\n"), ("{", "")] {
        let problem = nested(100_000, open, close).unwrap_err();
        assert!(problem.starts_with("1: `keep` has more than 64 braces and parentheses"), "{problem:.300}");
    }
    // What seems to begin anew cannot go deeper either.
    for piece in ["{ F(\n", "{ F(\n.x = ", "{\nkeep = ", "{\n\"", "\" {"] {
        read(&format!("keep = {}", piece.repeat(50_000))).unwrap_err();
    }
    assert_eq!(read(&"x = y\n".repeat(40_000)).unwrap_err().lines().count(), 100);
}

/// Pieces of files, so that what is drawn is nearly Fluent.
fn pieces() -> impl Strategy<Value = String> {
    let names = ["keep", "link", "expiry", "sign_in", "x", "-x", "    .button", " .hours", ".minutes"];
    let marks =
        ["=", " = ", "{", "}", "{ ", " }", "$app", "$count", "$x", "\"", "\\u", "\\U", "\\", "0041", "é"];
    let more =
        ["->", "\n", "\r\n", "\r", " ", "    ", "[", "]", "*[", "one", "other", "(", ")", ".", "#", "5"];
    let piece = prop::sample::select([&names[..], &marks[..], &more[..]].concat());
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Choices that read: of a number in words, with anything in their variants.
fn choices() -> impl Strategy<Value = String> {
    let words = "[a-zé \\[*.(]{0,12}[a-zé]";
    let variant = prop_oneof![Just("one".to_owned()), (0..5_u64).prop_map(|number| number.to_string())];
    (prop::collection::btree_map(variant, words, 0..4), words).prop_map(|(variants, other)| {
        let variants: String = variants
            .iter()
            .map(|(variant, words)| format!("        [{variant}] {} {{ $count }}\n", words.trim()))
            .collect();
        format!("{{ $count ->\n{variants}       *[other] OTHER{other} {{ $count }}\n    }}")
    })
}

proptest! {
    #[test]
    fn whatever_it_reads_never_panics_and_says_one_line(
        source in prop_oneof![
            pieces(),
            pieces().prop_map(|pieces| format!("keep = {{ \"{pieces}")),
            pieces().prop_map(|pieces| format!("expiry =\n    .hours = {{ $count ->\n [one] {pieces}")),
            "(keep|link|    .button|.{0,8}) ?= ?[ {}$a-z\\PC]{0,40}\n?",
        ]
    ) {
        if let Ok(texts) = read(&source) {
            for (key, _) in &texts.texts {
                let said = said(&texts, *key, &[("app", "App".into()), ("count", 3.into())]);
                prop_assert!(!said.contains(['\n', '\r', '\u{2068}']) && !said.is_empty(), "{said:?}");
            }
        }
    }

    #[test]
    fn every_choice_says_its_number(choice in choices(), count in 0..20_u64) {
        let texts = read(&format!("expiry =\n    .hours = In {choice}.\n"));
        let said = said(&texts.map_err(TestCaseError::fail)?, Key::ExpiryHours, &[("count", count.into())]);
        let number = format!(" {count}.");
        prop_assert!(said.starts_with("In ") && said.ends_with(&number) && !said.contains('\n'), "{said:?}");
        let is_chosen = choice.contains(&format!("[{count}]")) || (count == 1 && choice.contains("[one]"));
        prop_assert_eq!(said.starts_with("In OTHER"), !is_chosen, "{}", said);
    }

    #[test]
    fn words_are_said_as_they_are(words in "[^\\p{C}\\p{Z}{}\\\\\"]{1,40}") {
        let literal: String = words.chars().map(|letter| format!("\\U{:06X}", u32::from(letter))).collect();
        for source in [format!("keep = {words}"), format!("keep = {{ \"{literal}\" }}")] {
            let texts = read(&source).map_err(TestCaseError::fail)?;
            prop_assert_eq!(said(&texts, Key::Keep, &[]), &*words);
        }
    }
}
