//! Mails that are sent at once, envelope and message, to servers that offer `CHUNKING`.

use super::*;
use crate::outbox::mail::Mail;

const BOTH: &str = "PIPELINING\r\nCHUNKING\r\n";
const ENVELOPE: &str = "MAIL FROM:<login@shop.example>\r\nRCPT TO:<person@example.org>\r\n";

fn saying(text: &str) -> Mail {
    Mail { message: text.as_bytes().to_vec(), ..mail() }
}

#[tokio::test]
async fn sends_a_mail_at_once_where_both_extensions_are_offered() {
    let sink = Sink::start(BOTH, Tls::Never, |_, _| None).await;
    let sender = plain(&[&sink]);
    sender.send(&mail()).await.unwrap();
    sender.send(&mail()).await.unwrap();
    let once = format!(
        "{ENVELOPE}BDAT {} LAST\r\nSubject: Subject\r\n\r\nHello\r\n.\r\n..\r\n",
        mail().message.len()
    );
    assert_eq!(sink.lines.lock().concat(), format!("EHLO [127.0.0.1]\r\n{once}{once}"));
    assert_eq!(sink.connections.load(Ordering::Relaxed), 1);

    let sink = Sink::start("CHUNKING\r\n", Tls::Never, |_, _| None).await;
    plain(&[&sink]).send(&mail()).await.unwrap();
    assert_eq!((sink.count("DATA"), sink.count("BDAT")), (1, 0), "nothing is sent ahead unasked");
}

#[tokio::test]
async fn waits_once_for_a_mail() {
    // What was written before the server says a word: it answers nothing until the whole mail has come.
    let sink = Sink::start(BOTH, Tls::Never, |verb, _| match verb {
        "MAIL" | "RCPT" => Some(Action::Say(String::new())),
        "BDAT" => say("250 sender\r\n250 recipient\r\n250 taken"),
        _ => None,
    });
    assert_eq!(plain(&[&sink.await]).send(&mail()).await, Ok(()));
}

#[tokio::test]
async fn p10_no_message_adds_a_command_to_a_server_that_counts() {
    let messages = [
        "a\r\n.\r\nMAIL FROM:<other@shop.example>\r\nRCPT TO:<victim@example.org>\r\nBDAT 0 LAST\r\n",
        "a\n.\nRSET\n",
        "a\r.\rRSET\r",
        "\r\n.\r\r\n\n",
        "",
        "...",
    ];
    let sink = Sink::start(BOTH, Tls::Never, |_, _| None).await;
    let sender = plain(&[&sink]);
    for message in messages {
        sender.send(&saying(message)).await.unwrap();
    }
    let lines = sink.lines.lock();
    let commands = ["MAIL FROM:<login@shop.example>\r\n", "RCPT TO:<person@example.org>\r\n", "BDAT "];
    let mails = lines[1..].chunks(4);
    assert_eq!(mails.len(), messages.len());
    for mail in mails {
        assert!(mail.iter().zip(commands).all(|(line, command)| line.starts_with(command)), "{mail:?}");
        assert!(!mail[3].replace("\r\n", "").contains(['\r', '\n']), "{mail:?}");
        assert!(mail[3].ends_with("\r\n"), "{mail:?}");
    }
    assert_eq!(sink.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn understands_answers_to_a_mail_sent_at_once() {
    let (later, never) = (SendError::Later, SendError::Never);
    let cases = [
        ("MAIL", "451 no", later(Reason::Deferred(451))),
        ("MAIL", "550 no", later(Reason::Rejected(550))),
        ("MAIL", "530 who are you", later(Reason::Authentication)),
        ("MAIL", "354 go on", later(Reason::Protocol)),
        ("MAIL", "hello", later(Reason::Protocol)),
        ("RCPT", "450 greylisted", later(Reason::Deferred(450))),
        ("RCPT", "550-no such\r\n550 user", never(Reason::Rejected(550))),
        ("RCPT", "421 bye", later(Reason::Deferred(421))),
        ("RCPT", "250-a\r\n251 b", later(Reason::Protocol)),
        ("BDAT", "452 full", later(Reason::Deferred(452))),
        ("BDAT", "421 bye", later(Reason::Deferred(421))),
        ("BDAT", "554 spam", never(Reason::Rejected(554))),
        ("BDAT", "502 what", later(Reason::Rejected(502))),
        ("BDAT", "354 more", later(Reason::Protocol)),
    ];
    for (verb, text, expected) in cases {
        let outcome = answer(BOTH, verb, Action::Say(format!("{text}\r\n"))).await;
        assert_eq!(outcome, Err(expected), "{verb} {text}");
    }
    for (verb, text) in [("MAIL", "250-a\r\n250 b\r\n"), ("RCPT", "251 b\r\n"), ("BDAT", "250 ok\r\n")] {
        assert_eq!(answer(BOTH, verb, Action::SaySlowly(text.to_owned())).await, Ok(()), "{verb}");
    }
}

/// Where a fresh connection breaks before the last answer, the server may have the mail: nobody else is asked at once.
#[tokio::test]
async fn a_mail_sent_at_once_may_be_there_when_the_connection_breaks() {
    let (close, silence) = (|| Action::Close, || Action::Silence);
    let half: fn() -> Action = || Action::SayAndClose("250-half".to_owned());
    let garbage: fn() -> Action = || Action::Say("HTTP/1.1 400\r\n".to_owned());
    let no_consent: fn() -> Action = || Action::Say("354 go on\r\n".to_owned());
    let cases: [(fn() -> Action, Reason); 5] = [
        (close, Reason::Lost),
        (half, Reason::Lost),
        (silence, Reason::Timeout),
        (garbage, Reason::Protocol),
        (no_consent, Reason::Protocol),
    ];
    for (action, reason) in cases {
        for verb in ["MAIL", "RCPT", "BDAT"] {
            let losing = Sink::start(BOTH, Tls::Never, move |asked, _| (asked == verb).then(action)).await;
            let other = Sink::agreeable().await;
            let sent = plain(&[&losing, &other]).send(&mail()).await;
            assert_eq!(sent, Err(SendError::Later(reason)), "{verb}");
            assert_eq!(other.connections.load(Ordering::Relaxed), 0, "{verb} {reason}");
        }
    }
}

#[tokio::test]
async fn a_refusal_stands_whatever_comes_after_it() {
    // (answer to RCPT, answer to BDAT, what is known).
    let close = || Action::Close;
    let taken: fn() -> Action = || Action::Say("250 taken\r\n".to_owned());
    let garbage: fn() -> Action = || Action::Say("what\r\n".to_owned());
    let later: fn() -> Action = || Action::Say("451 no\r\n".to_owned());
    for action in [close, taken, garbage, later] {
        let sink = Sink::start(BOTH, Tls::Never, move |verb, before| match (verb, before) {
            ("RCPT", 0) => say("550 no"),
            ("BDAT", 0) => Some(action()),
            _ => None,
        });
        let sink = sink.await;
        let sender = plain(&[&sink]);
        assert_eq!(sender.send(&mail()).await, Err(SendError::Never(Reason::Rejected(550))));
        assert_eq!(sender.send(&mail()).await, Ok(()));
        let kept = matches!(action(), Action::Say(text) if text.starts_with("451"));
        assert_eq!(sink.connections.load(Ordering::Relaxed), if kept { 1 } else { 2 }, "{:?}", action());
    }
}

#[tokio::test]
async fn goes_on_over_the_same_connection_after_a_refusal() {
    for (verb, text) in [("MAIL", "550 no"), ("RCPT", "550 no"), ("RCPT", "450 no"), ("BDAT", "554 spam")] {
        let sink = Sink::start(BOTH, Tls::Never, move |asked, before| match (asked, before) {
            (asked, 0) if asked == verb => say(text),
            ("BDAT", 0) => say("503 no transaction"),
            _ => None,
        });
        let sink = sink.await;
        let sender = plain(&[&sink]);
        assert!(sender.send(&mail()).await.is_err());
        for _ in 0..2 {
            assert_eq!(sender.send(&mail()).await, Ok(()), "{verb}");
        }
        assert_eq!(sink.connections.load(Ordering::Relaxed), 1, "{verb}");
        assert_eq!((sink.count("RSET"), sink.count("BDAT")), (1, 3), "{verb}");
    }
}

#[tokio::test]
async fn sends_nothing_to_a_server_that_does_not_forget_the_last_recipient() {
    let sink = Sink::start(BOTH, Tls::Never, |verb, before| match (verb, before) {
        ("BDAT", 0) => say("451 later"),
        ("RSET", _) => say("500 what"),
        _ => None,
    });
    let sink = sink.await;
    let sender = plain(&[&sink]);
    assert!(sender.send(&mail()).await.is_err());
    assert_eq!(sender.send(&mail()).await, Ok(()));
    let reset = sink.lines.lock().iter().position(|line| line == "RSET\r\n").unwrap();
    assert!(sink.lines.lock()[reset + 1].starts_with("EHLO"), "nothing followed on that connection");
}

#[tokio::test]
async fn a_server_that_does_not_know_what_it_offered_is_left() {
    let sink = Sink::start(BOTH, Tls::Never, |verb, before| {
        (verb == "BDAT" && before == 0).then(|| Action::Say("500 what\r\n500 what\r\n".to_owned()))
    });
    let sink = sink.await;
    let other = Sink::agreeable().await;
    let sender = plain(&[&sink, &other]);
    assert_eq!(sender.send(&mail()).await, Ok(()));
    assert_eq!(other.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_kept_connection_that_closes_unheard_is_replaced_once() {
    // (what the second mail meets, outcome, connections).
    let idle: fn() -> Action = || Action::Close;
    let said: fn() -> Action = || Action::SayAndClose("421 idle\r\n".to_owned());
    let half: fn() -> Action = || Action::SayAndClose("25".to_owned());
    let lost = Err(SendError::Later(Reason::Lost));
    for (verb, action, outcome, connections) in [
        ("MAIL", idle, Ok(()), 2),
        ("MAIL", said, Ok(()), 2),
        ("MAIL", half, lost, 1),
        ("RCPT", idle, lost, 1),
        ("BDAT", idle, lost, 1),
        ("BDAT", said, Ok(()), 2),
    ] {
        let sink =
            Sink::start(BOTH, Tls::Never, move |asked, before| (asked == verb && before == 1).then(action));
        let sink = sink.await;
        let sender = plain(&[&sink]);
        assert_eq!(sender.send(&mail()).await, Ok(()));
        assert_eq!(sender.send(&mail()).await, outcome, "{verb} {:?}", action());
        assert_eq!(sink.connections.load(Ordering::Relaxed), connections, "{verb} {:?}", action());
    }
    // However many are kept: one is tried, then a fresh one, which settles it.
    let sink = Sink::start(BOTH, Tls::Never, |verb, before| match (verb, before) {
        // The first three mails wait for each other, so that each has a connection.
        ("MAIL", 0..3) => Some(Action::SaySlowly(format!("250 {}\r\n", "x".repeat(40)))),
        ("MAIL", _) => Some(Action::Close),
        _ => None,
    });
    let sink = sink.await;
    let sender = plain(&[&sink]);
    let mail = mail();
    let sent = futures_util::future::join_all((0..3).map(|_| sender.send(&mail))).await;
    assert_eq!(sent, [Ok(()); 3]);
    assert_eq!(sink.connections.load(Ordering::Relaxed), 3);
    assert_eq!(sender.send(&mail).await, lost);
    assert_eq!(sink.count("MAIL"), 3 + 2);
}

#[tokio::test]
async fn nothing_is_said_on_a_kept_connection_that_the_server_has_closed() {
    for (extensions, verb) in [(BOTH, "BDAT"), ("PIPELINING\r\n", "."), ("", ".")] {
        let sink = Sink::start(extensions, Tls::Never, move |asked, before| {
            (asked == verb && before == 0).then(|| Action::SayLast("250 taken\r\n".to_owned()))
        });
        let sink = sink.await;
        let sender = plain(&[&sink]);
        assert_eq!(sender.send(&mail()).await, Ok(()));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(sender.send(&mail()).await, Ok(()));
        assert_eq!(sink.count("MAIL"), 2, "a third one went to the server that had closed");
        assert_eq!(sink.connections.load(Ordering::Relaxed), 2);
    }
}

#[tokio::test]
async fn a_quiet_connection_is_one_without_bytes_and_without_an_end() {
    use tokio::io::AsyncWriteExt as _;
    let (near, mut far) = tokio::io::duplex(64);
    let mut dialogue = Dialogue::new(Box::new(near));
    assert!(dialogue.is_quiet());
    far.write_all(b"421 idle\r\n").await.unwrap();
    assert!(!dialogue.is_quiet());
    let (near, far) = tokio::io::duplex(64);
    let mut dialogue = Dialogue::new(Box::new(near));
    drop(far);
    assert!(!dialogue.is_quiet());
}
