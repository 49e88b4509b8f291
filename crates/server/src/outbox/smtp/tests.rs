//! The client against servers that behave, and against those that do not.

use std::path::Path;

use super::{
    sink::{Action, Sink, Tls, mail},
    *,
};

mod chunking;

fn options(ports: &[u16], encryption: Encryption) -> SmtpOptions {
    let authorities = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/outbox/smtp/testdata/authority.pem");
    let server = |&port| SmtpServer {
        host: "localhost".to_owned(),
        port,
        encryption,
        credentials: None,
        authorities: Some(authorities.clone()),
    };
    SmtpOptions {
        servers: ports.iter().map(server).collect(),
        connect_timeout: Duration::from_millis(700),
        timeout: Duration::from_millis(900),
        ..SmtpOptions::default()
    }
}

fn plain(sinks: &[&Sink]) -> SmtpSender {
    let ports: Vec<u16> = sinks.iter().map(|sink| sink.port).collect();
    SmtpSender::new(&options(&ports, Encryption::LoopbackOnly)).unwrap()
}

fn say(text: &str) -> Option<Action> {
    Some(Action::Say(format!("{text}\r\n")))
}

#[tokio::test]
async fn sends_over_one_connection_with_one_recipient_each() {
    for extensions in ["PIPELINING\r\n", ""] {
        let sink = Sink::start(extensions, Tls::Never, |_, _| None).await;
        let sender = plain(&[&sink]);
        sender.check().await.unwrap();
        for _ in 0..3 {
            sender.send(&mail()).await.unwrap();
        }
        let lines = sink.lines.lock().concat();
        let once = "MAIL FROM:<login@shop.example>\r\nRCPT TO:<person@example.org>\r\nDATA\r\n\
                    Subject: Subject\r\n\r\nHello\r\n..\r\n...\r\n.\r\n";
        let checked = "EHLO [127.0.0.1]\r\nNOOP\r\nQUIT\r\n";
        assert_eq!(lines, format!("{checked}EHLO [127.0.0.1]\r\n{}", once.repeat(3)));
        assert_eq!(sink.connections.load(Ordering::Relaxed), 2);
    }
}

/// Sends one mail to a sink that answers one verb in its own way.
async fn answer(extensions: &str, verb: &'static str, action: Action) -> Result<(), SendError> {
    let refused = verb != "DATA";
    let sink = Sink::start(extensions, Tls::Never, move |asked, _| {
        (asked == verb || !refused && asked == "is DATA refused").then(|| action.clone())
    })
    .await;
    plain(&[&sink]).send(&mail()).await
}

#[tokio::test]
async fn understands_answers() {
    let later = SendError::Later;
    let cases = [
        ("CONNECT", "554 no", later(Reason::Rejected(554))),
        ("CONNECT", "421 no", later(Reason::Deferred(421))),
        ("CONNECT", "HTTP/1.1 400", later(Reason::Protocol)),
        ("EHLO", "502 what", later(Reason::Rejected(502))),
        ("MAIL", "451 no", later(Reason::Deferred(451))),
        ("MAIL", "550 no", later(Reason::Rejected(550))),
        ("MAIL", "530 who are you", later(Reason::Authentication)),
        ("MAIL", "354 go on", later(Reason::Protocol)),
        ("RCPT", "450 greylisted", later(Reason::Deferred(450))),
        ("RCPT", "550-no such\r\n550 user", SendError::Never(Reason::Rejected(550))),
        ("RCPT", "421 bye", later(Reason::Deferred(421))),
        ("DATA", "451 no", later(Reason::Deferred(451))),
        ("DATA", "554 no", SendError::Never(Reason::Rejected(554))),
        ("DATA", "250 ok", later(Reason::Protocol)),
        (".", "452 full", later(Reason::Deferred(452))),
        (".", "554 spam", SendError::Never(Reason::Rejected(554))),
        (".", "354 more", later(Reason::Protocol)),
        ("RCPT", "250-a\r\n251 b", later(Reason::Protocol)),
    ];
    for (verb, text, expected) in cases {
        for extensions in ["PIPELINING\r\n", ""] {
            let outcome = answer(extensions, verb, Action::Say(format!("{text}\r\n"))).await;
            assert_eq!(outcome, Err(expected), "{verb} {text}");
        }
    }
}

#[tokio::test]
async fn survives_whatever_a_server_does() {
    let endless = "250-x\r\n".repeat(5000);
    let long = format!("250 {}", "x".repeat(5000));
    let cases = [
        ("CONNECT", Action::Close, Reason::Lost),
        ("CONNECT", Action::Silence, Reason::Timeout),
        ("EHLO", Action::Say(endless), Reason::Protocol),
        ("EHLO", Action::Say(long), Reason::Protocol),
        ("EHLO", Action::Say("\0\r\n".to_owned()), Reason::Protocol),
        ("MAIL", Action::Close, Reason::Lost),
        ("RCPT", Action::SayAndClose("250-half".to_owned()), Reason::Lost),
        ("DATA", Action::Silence, Reason::Timeout),
        (".", Action::Close, Reason::Lost),
        (".", Action::Silence, Reason::Timeout),
    ];
    for (verb, action, reason) in cases {
        let outcome = answer("PIPELINING\r\n", verb, action.clone()).await;
        assert_eq!(outcome, Err(SendError::Later(reason)), "{verb}");
    }
}

#[tokio::test]
async fn understands_replies_that_come_in_pieces() {
    for (verb, text) in
        [("EHLO", "250-sink\r\n250 PIPELINING\r\n"), ("MAIL", "250-a\r\n250 b\r\n"), (".", "250 ok\r\n")]
    {
        assert_eq!(answer("", verb, Action::SaySlowly(text.to_owned())).await, Ok(()), "{verb}");
    }
}

#[tokio::test]
async fn goes_on_after_a_refusal() {
    for extensions in ["PIPELINING\r\n", ""] {
        let sink = Sink::start(extensions, Tls::Never, |verb, before| match (verb, before) {
            ("RCPT", 0) => say("550 no"),
            ("DATA" | "is DATA refused", 0) => say("554 no recipients"),
            _ => None,
        });
        let sink = sink.await;
        let sender = plain(&[&sink]);
        assert_eq!(sender.send(&mail()).await, Err(SendError::Never(Reason::Rejected(550))));
        let second = sender.send(&mail()).await;
        if extensions.is_empty() {
            assert_eq!(second, Err(SendError::Never(Reason::Rejected(554))));
        } else {
            assert_eq!(second, Ok(()));
        }
        assert_eq!(sink.count("RSET"), 1);
        assert_eq!(sink.connections.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn never_gives_an_empty_message_to_a_server_that_waits_for_one() {
    let sink = Sink::start("PIPELINING\r\n", Tls::Never, |verb, before| match (verb, before) {
        ("RCPT", 0) => say("550 no"),
        _ => None,
    });
    let sink = sink.await;
    let sender = plain(&[&sink]);
    assert_eq!(sender.send(&mail()).await, Err(SendError::Never(Reason::Rejected(550))));
    assert_eq!(sender.send(&mail()).await, Ok(()));
    assert_eq!(sink.count(".\r\n"), 1);
    assert_eq!(sink.connections.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_kept_connection_that_is_gone_is_replaced_without_a_word() {
    let cases: [fn() -> Action; 3] = [
        || Action::Close,
        || Action::SayAndClose("421 idle\r\n".to_owned()),
        || Action::Say("452 enough\r\n".to_owned()),
    ];
    for action in cases {
        let sink = Sink::start("PIPELINING\r\n", Tls::Never, move |verb, before| {
            (verb == "MAIL" && before == 1).then(action)
        });
        let sink = sink.await;
        let sender = plain(&[&sink]);
        for _ in 0..2 {
            assert_eq!(sender.send(&mail()).await, Ok(()));
        }
        assert_eq!(sink.connections.load(Ordering::Relaxed), 2);
        assert_eq!(sink.count(".\r\n"), 2);
    }
}

#[tokio::test]
async fn fails_over_and_remembers() {
    let bad =
        Sink::start("", Tls::Never, |verb, _| (verb == "CONNECT").then(|| say("554 no")).flatten()).await;
    let good = Sink::agreeable().await;
    let sender = plain(&[&bad, &good]);
    for _ in 0..3 {
        sender.send(&mail()).await.unwrap();
    }
    assert_eq!(bad.connections.load(Ordering::Relaxed), 1);
    assert_eq!(good.connections.load(Ordering::Relaxed), 1);
    sender.check().await.unwrap();
    // Nobody else is asked when the first one may have the mail.
    let losing = Sink::start("", Tls::Never, |verb, _| (verb == ".").then_some(Action::Close)).await;
    let sender = plain(&[&losing, &good]);
    assert_eq!(sender.send(&mail()).await, Err(SendError::Later(Reason::Lost)));
    assert_eq!(sender.send(&mail()).await, Ok(()));
}

#[tokio::test]
async fn a_refusal_of_one_server_is_not_yet_final() {
    let (later, never) = (SendError::Later, SendError::Never);
    // (verb, first server, second server, outcome); an empty answer agrees.
    let cases = [
        ("MAIL", "550 no", "", Ok(())),
        ("RCPT", "550 no", "", Ok(())),
        ("RCPT", "450 greylisted", "", Ok(())),
        (".", "554 spam", "", Ok(())),
        (".", "452 full", "", Ok(())),
        ("MAIL", "550 no", "553 no", Err(later(Reason::Rejected(553)))),
        ("RCPT", "550 no", "553 no", Err(never(Reason::Rejected(553)))),
        (".", "554 spam", "550 no", Err(never(Reason::Rejected(550)))),
        ("RCPT", "450 greylisted", "550 no", Err(later(Reason::Deferred(450)))),
        ("RCPT", "550 no", "450 greylisted", Err(later(Reason::Deferred(450)))),
        ("RCPT", "550 no", "421 bye", Err(later(Reason::Deferred(421)))),
    ];
    for (verb, first, second, outcome) in cases {
        let server = |text: &'static str| {
            let script = move |asked: &str, _| say(text).filter(|_| asked == verb && !text.is_empty());
            Sink::start("", Tls::Never, script)
        };
        let (one, two) = (server(first).await, server(second).await);
        let sent = plain(&[&one, &two]).send(&mail()).await;
        assert_eq!(sent, outcome, "{verb}: {first}, {second}");
        let asked = [&one, &two].map(|sink| sink.connections.load(Ordering::Relaxed));
        assert_eq!(asked, [1, 1], "each is asked once: {verb}: {first}, {second}");
    }
}

#[tokio::test]
async fn no_more_connections_than_allowed() {
    let sink = Sink::start("", Tls::Never, |verb, _| (verb == "CONNECT").then_some(Action::Silence)).await;
    let options = SmtpOptions {
        max_connections: 1,
        connect_timeout: Duration::from_secs(5),
        ..options(&[sink.port], Encryption::LoopbackOnly)
    };
    let sender = SmtpSender::new(&SmtpOptions { timeout: Duration::from_millis(300), ..options }).unwrap();
    let (first, second) = (mail(), mail());
    let (first, second) = tokio::join!(sender.send(&first), sender.send(&second));
    assert_eq!(first, Err(SendError::Later(Reason::Timeout)));
    assert!(matches!(second, Err(SendError::Later(Reason::Busy | Reason::Timeout))), "{second:?}");
    assert!(sink.connections.load(Ordering::Relaxed) <= 2);
}

async fn over_tls(
    encryption: Encryption,
    tls: Tls,
    change: impl FnOnce(&mut SmtpServer),
) -> Result<(), SendError> {
    let sink = Sink::start("PIPELINING\r\nSTARTTLS\r\n", tls, |_, _| None).await;
    let mut options = options(&[sink.port], encryption);
    change(&mut options.servers[0]);
    let sender = SmtpSender::new(&options).unwrap();
    sender.send(&mail()).await?;
    sender.send(&mail()).await?;
    assert_eq!(sink.connections.load(Ordering::Relaxed), 1);
    Ok(())
}

#[tokio::test]
async fn encrypts_and_checks_certificates() {
    let failed = Err(SendError::Later(Reason::Tls));
    assert_eq!(over_tls(Encryption::StartTls, Tls::OnRequest, |_| {}).await, Ok(()));
    assert_eq!(over_tls(Encryption::Implicit, Tls::Always, |_| {}).await, Ok(()));
    let public = |server: &mut SmtpServer| server.authorities = None;
    assert_eq!(over_tls(Encryption::StartTls, Tls::OnRequest, public).await, failed);
    assert_eq!(over_tls(Encryption::Implicit, Tls::Always, public).await, failed);
    let other_name = |server: &mut SmtpServer| server.host = "127.0.0.1".to_owned();
    assert_eq!(over_tls(Encryption::StartTls, Tls::OnRequest, other_name).await, failed);
}

#[tokio::test]
async fn sends_nothing_in_the_clear_where_encryption_is_required() {
    let injected = "220 go on\r\n250 AUTH PLAIN\r\n";
    let cases = [
        ("", "220 go on\r\n", Reason::Tls),
        ("STARTTLS\r\n", "454 no\r\n", Reason::Tls),
        ("STARTTLS\r\n", injected, Reason::Protocol),
    ];
    for (extensions, text, reason) in cases {
        let sink = Sink::start(extensions, Tls::OnRequest, move |verb, _| {
            (verb == "STARTTLS").then(|| Action::Say(text.to_owned()))
        });
        let sink = sink.await;
        let mut options = options(&[sink.port], Encryption::StartTls);
        options.servers[0].credentials = Some(credentials());
        let sender = SmtpSender::new(&options).unwrap();
        assert_eq!(sender.send(&mail()).await, Err(SendError::Later(reason)), "{text}");
        assert_eq!((sink.count("MAIL"), sink.count("AUTH")), (0, 0));
    }
}

fn credentials() -> Credentials {
    Credentials { username: "shop".to_owned(), password: Secret::new("pass word".to_owned()) }
}

#[tokio::test]
async fn authenticates() {
    let challenge: fn(&str, usize) -> Option<Action> = |verb, _| match verb {
        "AUTH" => say("334 VXNlcm5hbWU6"),
        "C2HVCA==" | "C2HVCA" => say("334 UGFzc3dvcmQ6"),
        "CGFZCYB3B3JK" => say("235 welcome"),
        _ => None,
    };
    let accept: fn(&str, usize) -> Option<Action> = |_, _| None;
    let refuse: fn(&str, usize) -> Option<Action> =
        |verb, _| (verb == "AUTH").then(|| say("535 no")).flatten();
    let refused = Err(SendError::Later(Reason::Authentication));
    let cases = [
        ("AUTH LOGIN PLAIN\r\n", accept, "AUTH PLAIN AHNob3AAcGFzcyB3b3Jk\r\n", Ok(())),
        ("AUTH LOGIN\r\n", challenge, "AUTH LOGIN\r\nc2hvcA==\r\ncGFzcyB3b3Jk\r\n", Ok(())),
        ("AUTH PLAIN\r\n", refuse, "AUTH PLAIN", refused),
        ("AUTH GSSAPI\r\n", accept, "", refused),
    ];
    for (extensions, script, expected, outcome) in cases {
        let sink = Sink::start(extensions, Tls::Never, script).await;
        let mut options = options(&[sink.port], Encryption::LoopbackOnly);
        options.servers[0].credentials = Some(credentials());
        let sender = SmtpSender::new(&options).unwrap();
        assert_eq!(sender.send(&mail()).await, outcome, "{extensions}");
        assert!(sink.lines.lock().concat().contains(expected), "{extensions}");
    }
}

#[test]
fn refuses_options_that_cannot_work() {
    let good = options(&[25], Encryption::StartTls);
    assert!(SmtpSender::new(&good).is_ok());
    let none = SmtpOptions { servers: Vec::new(), ..good.clone() };
    assert!(matches!(SmtpSender::new(&none), Err(SmtpSetupError::NoServer)));
    for name in ["", "a b", "a\r\nMAIL", "é"] {
        let hello = SmtpOptions { hello_name: Some(name.to_owned()), ..good.clone() };
        assert!(matches!(SmtpSender::new(&hello), Err(SmtpSetupError::HostName(_))), "{name:?}");
        let mut host = good.clone();
        host.servers[0].host = name.to_owned();
        assert!(matches!(SmtpSender::new(&host), Err(SmtpSetupError::HostName(_))), "{name:?}");
    }
    let mut missing = good;
    missing.servers[0].authorities = Some("/nonexistent".into());
    assert!(matches!(SmtpSender::new(&missing), Err(SmtpSetupError::Authorities(_))));
}

#[test]
#[ignore = "prints how long it takes; run it by name"]
fn sending_takes_microseconds() {
    // The sink on a thread of its own, so that the figure is the client's alone.
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let both = Sink::start("PIPELINING\r\nCHUNKING\r\n", Tls::Never, |_, _| None).await;
            tell.send([("DATA", Sink::agreeable().await), ("BDAT", both)]).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let sinks = told.recv().unwrap();
    let cpu = || -> u64 {
        let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        line.split(' ').next().unwrap().parse().unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut mail = mail();
        mail.message = "some text of a mail line that is long enough\r\n".repeat(100).into_bytes();
        let mail = &mail;
        for (way, sink, callers) in
            sinks.iter().flat_map(|(way, sink)| [1, 8].map(|callers| (way, sink, callers)))
        {
            let sender = plain(&[sink]);
            let sender = &sender;
            let (before, start) = (cpu(), std::time::Instant::now());
            let work = (0..callers).map(|_| async {
                for _ in 0..8_000 / callers {
                    sender.send(mail).await.unwrap();
                }
            });
            futures_util::future::join_all(work).await;
            let (busy, whole) = ((cpu() - before) / 8_000_000, start.elapsed().as_micros() / 8_000);
            let line = format!("{way}, {callers} callers: {busy} us CPU, {whole} us a mail\n");
            std::fs::write("/dev/stderr", line).unwrap();
        }
    });
}
