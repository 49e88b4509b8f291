//! The relay of `deploy/postfix`, run by the real Postfix: mail passes unchanged, only from this machine, to one
//! recipient, and leaves nothing behind. A missing Postfix fails these tests, unless `COUNTERSIGN_TEST_SKIP` names
//! `postfix`.

#![expect(clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "support/postfix.rs"]
mod relay;
#[path = "support/sink.rs"]
mod sink;
#[path = "support/skip.rs"]
mod skip;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use relay::{DEPLOY, Postfix};
use sink::Sink;

const SENDER: &str = "no-reply@example.org";

/// A signed mail with all that a relay could be tempted to tidy up.
const MAIL: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=mail;\r\n\
    \th=from:to:subject:date; bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=;\r\n\
    \x20b=abc   def\r\n\
    from: =?utf-8?q?R=C3=A9ponse?= <no-reply@example.org>\r\n\
    To: somebody@example.net\r\n\
    Subject: Your   code\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\
    \r\n\
    Gr\u{fc}\u{df}e, 123456\r\n\
    .\r\n\
    ..two dots\r\n\
    blanks at the end  \r\n\
    @example.org #123456\r\n\
    \r\n\
    \r\n";

/// A conversation in SMTP.
struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(postfix: &Postfix) -> Self {
        let stream = TcpStream::connect(postfix.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time limit");
        let mut client = Self(BufReader::new(stream));
        assert_eq!(client.answer().0, 220);
        assert_eq!(client.say("EHLO countersign.example.org").0, 250);
        client
    }

    /// Says a line and hears the answer.
    fn say(&mut self, line: &str) -> (u16, String) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).expect("to speak");
        self.answer()
    }

    fn answer(&mut self) -> (u16, String) {
        let mut text = String::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("an answer");
            text.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                let code = line.get(..3).and_then(|code| code.parse().ok()).expect("a code");
                return (code, text);
            }
        }
    }

    fn send(&mut self, recipient: &str, content: &str) {
        assert_eq!(self.say(&format!("MAIL FROM:<{SENDER}>")).0, 250);
        assert_eq!(self.say(&format!("RCPT TO:<{recipient}>")).0, 250);
        assert_eq!(self.say("DATA").0, 354);
        let stuffed = content.replace("\r\n.", "\r\n..");
        assert_eq!(self.say(&format!("{stuffed}.")).0, 250);
    }
}

fn until(what: &str, happens: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !happens() {
        assert!(Instant::now() < end, "it never came to pass: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn log(postfix: &Postfix) -> String {
    fs::read_to_string(postfix.log()).unwrap_or_default()
}

#[test]
fn mail_passes_unchanged_and_nothing_stays() {
    if skip::asked_for("postfix") {
        return;
    }
    let sink = Sink::start();
    let postfix = Postfix::start(sink.address());
    Client::connect(&postfix).send("somebody@example.net", MAIL);
    let mail = sink.next(Duration::from_secs(30)).expect("the mail");
    assert_eq!(mail.sender, SENDER);
    assert_eq!(mail.recipients, ["somebody@example.net"]);
    assert_eq!(String::from_utf8_lossy(&mail.content), MAIL);
    until("an empty queue", || postfix.queue_is_empty());

    Client::connect(&postfix).send("refused@example.net", MAIL);
    until("a discarded bounce", || log(&postfix).contains("status=sent (bounce)"));
    until("an empty queue", || postfix.queue_is_empty());
    assert_eq!(sink.next(Duration::from_millis(500)), None);
}

#[test]
fn only_this_machine_sends_and_only_to_elsewhere() {
    if skip::asked_for("postfix") {
        return;
    }
    let sink = Sink::start();
    let postfix = Postfix::start(sink.address());
    let mut client = Client::connect(&postfix);
    assert_eq!(client.say("VRFY root").0, 502);
    assert_eq!(client.say(&format!("MAIL FROM:<{SENDER}>")).0, 250);
    for recipient in ["root", "root@localhost", "root@mail.example.org", "root@[127.0.0.1]"] {
        let (code, text) = client.say(&format!("RCPT TO:<{recipient}>"));
        assert!((500..600).contains(&code), "{recipient}: {text}");
    }
    assert_eq!(client.say("RCPT TO:<somebody@example.net>").0, 250);
    let (code, text) = client.say("RCPT TO:<another@example.net>");
    assert_eq!(code, 452, "a second recipient: {text}");

    let mut outside = Client::connect(&postfix);
    assert_eq!(outside.say("XCLIENT NAME=outside.example ADDR=192.0.2.77").0, 220);
    assert_eq!(outside.say("EHLO outside.example").0, 250);
    outside.say(&format!("MAIL FROM:<{SENDER}>"));
    let (code, text) = outside.say("RCPT TO:<somebody@example.net>");
    assert_eq!(code, 554, "from outside: {text}");
    assert_eq!(sink.next(Duration::from_millis(500)), None);
}

#[test]
fn the_log_names_people_and_its_rotation_deletes_it() {
    if skip::asked_for("postfix") {
        return;
    }
    let sink = Sink::start();
    let postfix = Postfix::start(sink.address());
    Client::connect(&postfix).send("first@example.net", MAIL);
    until("a line about the first", || log(&postfix).contains("to=<first@example.net>"));
    for line in log(&postfix).lines() {
        let rest = line.get("Jan 01 00:00:00 ".len()..).expect("a time");
        let program = rest.split(' ').nth(1).expect("a program");
        assert!(program.starts_with("postfix/") && program.ends_with("]:"), "{line}");
    }

    // What logrotate does with `rotate 0`: rename, tell, delete.
    let yesterday = postfix.log().with_extension("log.1");
    fs::rename(postfix.log(), &yesterday).expect("to rename the log");
    postfix.reload();
    fs::remove_file(&yesterday).expect("to delete the log");
    Client::connect(&postfix).send("second@example.net", MAIL);
    until("a line about the second", || log(&postfix).contains("to=<second@example.net>"));
    assert!(!log(&postfix).contains("first@example.net"));
}

#[test]
fn the_rotation_is_about_the_file_that_is_written() {
    let main = fs::read_to_string(Path::new(DEPLOY).join("main.cf")).expect("main.cf");
    let rotation = fs::read_to_string(Path::new(DEPLOY).join("logrotate")).expect("logrotate");
    let file = main.lines().find_map(|line| line.strip_prefix("maillog_file = ")).expect("a log file");
    assert!(rotation.contains(&format!("{file} {{")), "{file}");
    for line in ["daily", "rotate 0"] {
        assert!(rotation.lines().any(|found| found.trim() == line), "{line}");
    }
    assert!(rotation.contains("postfix reload"));
}

/// Our own client at the relay: `CHUNKING` is offered, so every mail goes in one write; a recipient that is refused
/// leaves the connection fit for the next mail.
#[tokio::test(flavor = "multi_thread")]
async fn our_client_hands_over_mails_at_once() {
    use countersign_server::outbox::{
        address::Address,
        mail::{Envelope, Mail},
        render::Rendered,
        sender::{Reason, SendError, Sender as _},
        smtp::{Encryption, SmtpOptions, SmtpSender, SmtpServer},
    };

    if skip::asked_for("postfix") {
        return;
    }
    let sink = Sink::start();
    let postfix = Postfix::start(sink.address());
    let address = postfix.address();
    let server = SmtpServer {
        host: address.ip().to_string(),
        port: address.port(),
        encryption: Encryption::LoopbackOnly,
        credentials: None,
        authorities: None,
    };
    let options = SmtpOptions { servers: vec![server], ..SmtpOptions::default() };
    let sender = SmtpSender::new(&options).expect("a client");
    let mail = |to: &str, message: &str| Mail {
        id: "1".to_owned(),
        envelope: Envelope {
            from: Address::parse(SENDER).expect("an address"),
            to: Address::parse(to).expect("an address"),
        },
        message: message.as_bytes().to_vec(),
        rendered: Rendered { subject: String::new(), text: String::new(), html: String::new() },
    };
    let injection = "a\n.\nMAIL FROM:<a@example.org>\nRCPT TO:<b@example.org>\rBDAT 0 LAST\n";
    let bare = format!("{MAIL}{injection}");
    let cleaned = format!("{MAIL}{}", injection.replace('\r', " ").replace('\n', "\r\n"));
    for (message, expected) in [(MAIL, MAIL), (bare.as_str(), cleaned.as_str()), (MAIL, MAIL)] {
        let refused = sender.send(&mail("nobody@mail.example.org", message)).await;
        assert_eq!(refused, Err(SendError::Never(Reason::Rejected(554))));
        assert_eq!(sender.send(&mail("somebody@example.net", message)).await, Ok(()));
        let arrived = sink.next(Duration::from_secs(30)).expect("the mail");
        assert_eq!(arrived.recipients, ["somebody@example.net"]);
        assert_eq!(String::from_utf8_lossy(&arrived.content), expected);
    }
    assert_eq!(sink.next(Duration::from_millis(500)), None);
    drop(sender);
    let session = "ehlo=1 mail=6 rcpt=3/6 bdat=3/6 rset=3 commands=16/22";
    until("the end of the only session", || log(&postfix).contains(session));
}
