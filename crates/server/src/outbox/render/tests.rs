//! Templates built in and overridden.

use countersign_domain::secret::Secret;

use super::*;
use crate::{outbox::caller_text::CallerText, texts::Locale};

fn letter() -> Letter {
    sample::letters(&[Locale::ENGLISH]).swap_remove(0)
}

fn with_file(name: &str, source: &str) -> (tempfile::TempDir, Result<Renderer, TemplateError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, source).unwrap();
    let renderer = Renderer::load(folder.path());
    (folder, renderer)
}

#[test]
fn prints_text_with_the_code_alone_on_its_line_and_the_origin_last() {
    let rendered = Renderer::built_in().unwrap().render(&letter()).unwrap();
    insta::assert_snapshot!(rendered.text, @"
    Sign in to App

    Enter this code to sign in:

    123456

    Or open this link to sign in:

    https://example.org/l/0

    It works once, and for 10 minutes.

    Please do not pass this on to anyone. App will never ask you for it by phone or mail.

    If you did not ask for this, you can simply ignore this mail. Nobody can sign in without it.

    @example.org #123456
    ");
    assert_eq!(rendered.subject, "Your sign-in code for App");
}

#[test]
fn prints_html_with_a_code_that_copies_as_one_word() {
    let html = Renderer::built_in().unwrap().render(&letter()).unwrap().html;
    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\" dir=\"ltr\""));
    assert!(html.contains("user-select:all\">123456</p>"));
    assert!(html.contains("<a href=\"https:&#x2f;&#x2f;example.org&#x2f;l&#x2f;0\""));
    for remote in ["<img", "<script", "<link", "url(", "src=", "@import", "http:"] {
        assert!(!html.contains(remote), "{remote}");
    }
}

#[test]
fn every_letter_is_printed_completely() {
    let renderer = Renderer::built_in().unwrap();
    for letter in sample::letters(&Locale::BUILT_IN) {
        let Rendered { subject, text, html } = renderer.render(&letter).unwrap();
        assert!(!subject.contains("123456") && !subject.is_empty());
        for part in [&text, &html] {
            assert_eq!(part.contains("123456"), letter.code.is_some(), "{part}");
            assert!(part.contains("example.org"));
            assert!(!part.contains('{') && !part.contains("  \n"), "{part}");
        }
        let preheader = html.split("opacity:0\">").nth(1).unwrap().split("</div>").next().unwrap();
        assert!(!preheader.contains("123456"));
        let last = text.trim_end().lines().last().unwrap();
        assert_eq!(last == "@example.org #123456", letter.code.is_some(), "{last}");
    }
}

#[test]
fn p10_escapes_whatever_comes_in() {
    let evil = "</p><script>\"'&\r\n";
    let mut letter = letter();
    letter.app_title = evil.to_owned();
    letter.requested_from = Some(evil.to_owned());
    letter.origin_host = evil.to_owned();
    letter.code = Some(Secret::new(evil.to_owned()));
    letter.link = Some(Secret::new(evil.to_owned()));
    letter.content = Some(CallerText::content("<script>\"%code%\"").unwrap());
    let html = Renderer::built_in().unwrap().render(&letter).unwrap().html;
    assert!(!html.contains("<script"), "{html}");
    assert!(!html.contains("=\"</p>") && !html.contains("href=\"\""));
}

#[test]
fn says_what_the_caller_says() {
    let renderer = Renderer::built_in().unwrap();
    let content = |text| Letter { content: Some(CallerText::content(text).unwrap()), ..letter() };
    let cases = [
        ("Hello\n\n%code%\n\nBye", "Hello\n\n123456\n\nBye\n\n"),
        ("Use %code% now", "Use 123456 now\n\n"),
        ("Hello", "Hello\n\nEnter this code to sign in:\n\n123456\n\n"),
    ];
    for (text, expected) in cases {
        let printed = renderer.render(&content(text)).unwrap().text;
        assert!(printed.starts_with(expected), "{printed}");
    }
    let subject = CallerText::subject("%code% for you").unwrap();
    let rendered = renderer.render(&Letter { subject: Some(subject), ..letter() }).unwrap();
    assert_eq!(rendered.subject, "123456 for you");
}

#[test]
fn tells_minutes_from_hours() {
    let renderer = Renderer::built_in().unwrap();
    for (minutes, expected) in [
        (1, "for 1 minute."),
        (10, "for 10 minutes."),
        (60, "for 1 hour."),
        (1440, "for 24 hours."),
        (90, "for 90 minutes."),
    ] {
        let text = renderer.render(&Letter { minutes, ..letter() }).unwrap().text;
        assert!(text.contains(expected), "{text}");
    }
}

#[test]
fn looks_for_the_most_particular_template() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["app/en/mail.txt", "app/mail.txt", "en/mail.txt", "mail.txt"];
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    for name in names {
        let rendered = Renderer::load(folder.path()).unwrap().render(&letter()).unwrap();
        assert_eq!(rendered.text, name);
        assert!(rendered.html.contains("123456"));
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert!(Renderer::load(folder.path()).unwrap().render(&letter()).unwrap().text.contains("123456"));
}

#[test]
fn an_override_is_tried_before_it_is_used() {
    let cases = [
        ("mail.txt", "{% if %}", "mail.txt"),
        ("de/mail.html", "{{ cdoe }}", "de/mail.html"),
        ("app/de/mail.html", "{% if link %}{{ code.x.y }}{% endif %}", "app/de/mail.html"),
    ];
    for (name, source, expected) in cases {
        let (_folder, renderer) = with_file(name, source);
        match renderer {
            Err(TemplateError::Broken { name, reason }) => {
                assert_eq!(name, expected);
                assert!(reason.contains("line 1"), "{reason}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(matches!(Renderer::load(Path::new("/nonexistent")), Err(TemplateError::Unreadable(..))));
    let (_folder, renderer) =
        with_file("app/mail.html", "<p>{{ title }} {{ code }}{% if link %}{{ link }}{% endif %}");
    let mut letter = letter();
    letter.app_title = "<App>".to_owned();
    let html = renderer.unwrap().render(&letter).unwrap().html;
    assert_eq!(html, "<p>&lt;App&gt; 123456https:&#x2f;&#x2f;example.org&#x2f;l&#x2f;0");
}

#[test]
#[ignore = "prints how long it takes; run it by name"]
fn rendering_takes_microseconds() {
    let renderer = Renderer::built_in().unwrap();
    let letter = letter();
    let start = std::time::Instant::now();
    for _ in 0..10_000 {
        std::hint::black_box(renderer.render(&letter).unwrap());
    }
    let nanoseconds = start.elapsed().as_nanos() / 10_000;
    assert!(nanoseconds < 300_000, "{nanoseconds} ns");
    std::fs::write("/dev/stderr", format!("{nanoseconds} ns\n")).unwrap();
}

#[test]
fn says_an_operators_sentences_and_escapes_them() {
    let (_folder, renderer) =
        with_file("it/texts.ftl", "sign_in =\n .subject = <b>{ $app }</b>\nkeep = <script>\"'&\n");
    let renderer = renderer.unwrap();
    let locale = renderer.catalog().negotiate("app", "it-IT");
    let rendered = renderer.render(&Letter { locale, ..letter() }).unwrap();
    assert_eq!(rendered.subject, "<b>App</b>");
    assert!(rendered.text.contains("\n<script>\"'&\n"), "{}", rendered.text);
    assert!(rendered.html.contains("lang=\"it\""), "{}", rendered.html);
    assert!(!rendered.html.contains("<script") && !rendered.html.contains("<b>"), "{}", rendered.html);
    assert!(rendered.text.contains("Enter this code to sign in:"), "what is missing is said in English");
}

#[test]
fn a_template_of_a_language_serves_its_places_too() {
    let (_folder, renderer) = with_file("pt/mail.txt", "{{ lang }}");
    let letter = Letter { locale: Locale::parse("pt-BR").unwrap(), ..letter() };
    assert_eq!(renderer.unwrap().render(&letter).unwrap().text, "pt-BR");
}

#[test]
fn texts_that_cannot_be_used_are_named() {
    let (_folder, renderer) = with_file("app/de/texts.ftl", "keep = { $code }\nbanana = x");
    assert_eq!(
        renderer.unwrap_err().to_string(),
        "app/de/texts.ftl, line 1: `keep`: nothing is put in `{ $code }`: this text can hold `{ $app }`\n\
         app/de/texts.ftl, line 2: there is no text `banana`"
    );
}
