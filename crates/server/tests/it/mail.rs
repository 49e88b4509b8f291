//! What callers may put into mails, and what they cannot.

use serde_json::{Value, json};

use crate::support::{Letter, TestServer};

const ANN: &str = "ann@mail.example";

/// The names of a mail's headers, and how many parts its body has.
fn skeleton(letter: &Letter) -> (Vec<String>, usize) {
    let wire = letter.wire();
    assert_eq!(wire.matches('\n').count(), wire.matches("\r\n").count(), "no bare line feed");
    assert_eq!(wire.matches('\r').count(), wire.matches("\r\n").count(), "no bare carriage return");
    assert!(!wire.contains('\0') && wire.is_ascii());
    assert!(wire.split("\r\n").all(|line| line.len() <= 998));
    let (head, body) = wire.split_once("\r\n\r\n").unwrap();
    let names = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
    let names = names.map(|line| line.split_once(':').unwrap().0.to_lowercase()).collect();
    (names, body.lines().filter(|line| line.starts_with("--=_countersign")).count())
}

/// Strings that have added recipients, headers or parts elsewhere.
const HOSTILE: [&str; 16] = [
    "x\r\nBcc: eve@evil.example",
    "x\nBcc: eve@evil.example",
    "x\rBcc: eve@evil.example",
    "x\r\n\r\n<b>body</b>",
    "x\r\n\t folded",
    "x\0y",
    "x\u{85}Bcc: eve@evil.example",
    "x\u{2028}Bcc: eve@evil.example",
    "x, eve@evil.example",
    "x\" <eve@evil.example>, \"y",
    "x>\r\nRCPT TO:<eve@evil.example",
    "--=_countersign\r\nContent-Type: text/html",
    "x%0d%0aBcc: eve@evil.example",
    "=?utf-8?q?x=0D=0ABcc:_eve=40evil.example?=",
    "x\u{b}y\u{c}z",
    "x\r\n.\r\nMAIL FROM:<eve@evil.example>",
];

async fn ask(server: &TestServer, body: &Value, header: Option<(&str, &str)>) -> u16 {
    let app = server.app("forum");
    let app = match header {
        Some((name, value)) => app.with(name, value),
        None => app,
    };
    app.post("/v1/challenges", body).await.status.as_u16()
}

#[tokio::test]
async fn p10_no_field_adds_a_recipient_a_header_or_a_part() {
    let server = TestServer::new().await;
    server.app("forum").start(ANN).await.expect(201);
    let usual = skeleton(&server.mail_to(ANN).await);
    assert_eq!(usual.1, 3, "two parts and the end");
    let mut sent = 0;
    for hostile in HOSTILE {
        let to = json!({"email": ANN});
        let bodies = [
            json!({"to": to, "subject": hostile}),
            json!({"to": to, "content": format!("{hostile} %code%")}),
            json!({"to": to, "locale": hostile}),
            json!({"to": to, "end_user": {"user_agent": hostile}}),
            json!({"to": to, "end_user": {"user_agent": format!("Firefox/1 {hostile}"), "ip": "192.0.2.1"}}),
            json!({"to": to, "binding": hostile}),
            json!({"to": {"email": hostile}}),
            json!({"to": {"email": format!("ann@mail.example{hostile}")}}),
            json!({"to": {"email": format!("{hostile}ann@mail.example")}}),
            json!({"to": {"email": format!("\"{hostile}\"@mail.example")}}),
            json!({"to": {"email": format!("ann@{hostile}.example")}}),
        ];
        for body in bodies {
            server.clock.advance(countersign_domain::time::Span::from_hours(1));
            let before = server.everything().await;
            if ask(&server, &body, None).await == 201 {
                let letter = server.mail_to(ANN).await;
                assert_eq!(skeleton(&letter), usual, "{body}");
                assert_eq!(letter.mail.envelope.to.as_str(), ANN);
                sent += 1;
            } else {
                server.outbox_is_empty().await;
                assert_eq!(server.everything().await, before, "a refusal changes nothing: {body}");
            }
        }
        for name in ["accept-language", "idempotency-key", "user-agent"] {
            if http::HeaderValue::from_str(hostile).is_ok() {
                server.clock.advance(countersign_domain::time::Span::from_hours(1));
                let asked = ask(&server, &json!({"to": {"email": ANN}}), Some((name, hostile))).await;
                if (asked, name) == (400, "idempotency-key") && !hostile.is_ascii() {
                    continue;
                }
                assert_eq!(skeleton(&server.mail_to(ANN).await), usual, "{name}");
            }
        }
    }
    assert!(sent > 20, "{sent} mails were looked at");
    server.outbox_is_empty().await;
    assert_eq!(server.mailbox.unread(), 0, "nobody else was written to");
}

#[tokio::test]
async fn a_secret_key_may_give_subject_and_text() {
    let server = TestServer::new().await;
    let body =
        json!({"to": {"email": ANN}, "subject": "%code% für dich", "content": "Hallo!\n\nDein Code: %code%"});
    server.app("shop").post("/v1/challenges", &body).await.expect(201);
    let letter = server.mail_to(ANN).await;
    let code = letter.code();
    assert_eq!(letter.mail.rendered.subject, format!("{code} für dich"));
    assert!(letter.mail.rendered.text.contains(&format!("Dein Code: {code}")));
    for (member, value) in [
        ("subject", "see https://evil.example"),
        ("subject", ""),
        ("content", "no place for it"),
        ("content", "%code% at www.evil.example"),
        ("content", "%code% <a href=\"javascript:1\">"),
    ] {
        let answer =
            server.app("shop").post("/v1/challenges", &json!({"to": {"email": ANN}, member: value})).await;
        assert_eq!(answer.refused(422, "text_not_allowed").text("member"), member);
    }
}

#[tokio::test]
async fn a_person_reads_their_own_language() {
    let server = TestServer::new().await;
    for (locale, tag) in [("de-AT,en;q=0.5", "de"), ("ja", "ja"), ("tlh", "en"), ("fr-CA", "fr"), ("", "en")]
    {
        let body = json!({"to": {"email": ANN}, "locale": locale});
        server.app("shop").post("/v1/challenges", &body).await.expect(201);
        let wire = server.mail_to(ANN).await.wire();
        assert!(wire.contains(&format!("Content-Language: {tag}\r\n")), "{locale}");
    }
}
