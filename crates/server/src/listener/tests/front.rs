//! What is answered at the front and what is passed on, on one connection: every request has its own answer, in its turn,
//! however its bytes come.

use countersign_domain::{random::Random, testing::Seeded};

use super::*;

/// What the front says of itself; the library tells the time of now.
const AT_THE_FRONT: &str = "date: Sun, 06 Nov 1994";

#[tokio::test]
async fn a_connection_comes_back_after_what_is_passed_on() {
    let server = Server::start(limits()).await;
    let mut client = server.connect().await;
    for (path, body, is_front) in [
        ("/at-once?1", "trueSome(\"1\")", true),
        ("/at-once?2", "trueSome(\"2\")", true),
        ("/", "hello", false),
        ("/at-once", "trueNone", true),
        ("/late", "hello", false),
        ("/peer", "127.0.0.1", false),
        ("/at-once", "trueNone", true),
        ("/at-once-panic", "hello", false),
        ("/at-once", "trueNone", true),
    ] {
        let answer = get(&mut client, path).await;
        assert!(answer.ends_with(body) && !answer.contains("connection: close"), "{path}: {answer}");
        assert_eq!(answer.contains(AT_THE_FRONT), is_front, "{path}: {answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn p39_a_panic_and_a_wish_to_close_end_the_connection_behind_the_front() {
    let server = Server::start(limits()).await;
    for head in ["GET /panic HTTP/1.1\r\n", "GET /at-once HTTP/1.1\r\nConnection: close\r\n"] {
        let mut client = server.connect().await;
        get(&mut client, "/at-once").await;
        client.write_all(format!("{head}\r\n").as_bytes()).await.expect("sent");
        let answer = receive(&mut client).await;
        assert!(answer.contains("connection: close") && !answer.contains(AT_THE_FRONT), "{answer}");
        assert!(closed(&mut client).await < Duration::from_secs(2));
    }
    server.stop().await;
}

/// A request, and what is answered to it.
fn request(random: &mut dyn Random, number: usize) -> (String, String) {
    let mut dice = [0];
    random.fill(&mut dice);
    let at_once = format!("trueSome(\"{number}\")");
    let inner = format!("GET /at-once?inner-{number} HTTP/1.1\r\n\r\n");
    let length = inner.len();
    match dice[0] % 9 {
        0..=2 => (format!("GET /at-once?{number} HTTP/1.1\r\nhost: x\r\n\r\n"), at_once),
        3 => ("GET / HTTP/1.1\r\n\r\n".to_owned(), "hello".to_owned()),
        4 => ("GET /late HTTP/1.1\r\nA: b\r\n\r\n".to_owned(), "hello".to_owned()),
        5 => (format!("POST /body HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{inner}"), inner),
        6 => {
            let chunks = format!("{length:x}\r\n{inner}\r\n0\r\n\r\n");
            (format!("POST /body HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"), inner)
        }
        7 => (format!("GET /body HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{inner}"), inner),
        _ => (format!("GET /at-once?{number} HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{inner}"), at_once),
    }
}

/// Splits answers into their bodies.
fn bodies(mut text: &str) -> Vec<String> {
    let mut found = Vec::new();
    while let Some((head, rest)) = text.split_once("\r\n\r\n") {
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length = length.and_then(|length| length.parse().ok()).expect("a length");
        found.push(rest[..length].to_owned());
        text = &rest[length..];
    }
    assert_eq!(text, "");
    found
}

#[tokio::test]
async fn p37_every_request_has_its_own_answer_in_its_turn_however_its_bytes_come() {
    let server = Server::start(limits()).await;
    let mut random = Seeded::new(7);
    for _ in 0..300 {
        let (requests, expected): (Vec<_>, Vec<_>) =
            (0..8).map(|number| request(&mut random, number)).unzip();
        let bytes = requests.concat() + "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
        let (mut reader, mut writer) = server.connect().await.into_split();
        let writing = tokio::spawn({
            let mut pieces = Vec::new();
            let mut rest = bytes.clone().into_bytes();
            while !rest.is_empty() {
                let mut dice = [0; 2];
                random.fill(&mut dice);
                let length =
                    if dice[0] < 128 { usize::from(dice[1]) % 16 + 1 } else { usize::from(dice[1]) * 4 + 1 };
                let tail = rest.split_off(length.min(rest.len()));
                pieces.push((std::mem::replace(&mut rest, tail), dice[0] % 4));
            }
            async move {
                for (piece, pause) in pieces {
                    writer.write_all(&piece).await.expect("sent");
                    // Time to answer what has come, or none.
                    match pause {
                        0 => tokio::time::sleep(Duration::from_micros(300)).await,
                        1 => tokio::task::yield_now().await,
                        _ => {}
                    }
                }
                writer
            }
        });
        let mut answers = Vec::new();
        within(reader.read_to_end(&mut answers)).await.expect("answers to the end");
        within(writing).await.expect("sent");
        let found = bodies(std::str::from_utf8(&answers).expect("text"));
        assert_eq!(found, [expected, vec!["hello".to_owned()]].concat(), "{bytes:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_order_to_stop_ends_who_rests_at_the_front() {
    let server = Server::start(limits()).await;
    let (mut rested, mut fresh) = (server.connect().await, server.connect().await);
    get(&mut rested, "/at-once").await;
    // Answered after both were taken in.
    get(&mut server.connect().await, "/").await;
    server.trigger.stop();
    for client in [&mut rested, &mut fresh] {
        assert!(closed(client).await < Duration::from_secs(2));
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_asked_while_the_order_comes_is_answered_as_the_last() {
    let server = Server::start(limits()).await;
    let mut client = server.connect().await;
    client.write_all(b"GET /at-once HTTP/1.1\r\n").await.expect("sent");
    get(&mut server.connect().await, "/").await;
    server.trigger.stop();
    client.write_all(b"\r\n").await.expect("sent");
    let answer = receive(&mut client).await;
    assert!(answer.ends_with("trueNone") && answer.contains("connection: close"), "{answer}");
    assert!(closed(&mut client).await < Duration::from_secs(2));
    server.stop().await;
}

#[tokio::test]
async fn a_large_answer_comes_whole_though_what_was_announced_does_not() {
    let server = Server::start(limits()).await;
    for fields in ["Content-Length: 10\r\n", "Connection: close\r\n"] {
        let mut client = server.connect().await;
        client.write_all(format!("GET /large HTTP/1.1\r\n{fields}\r\n").as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        within(client.read_to_end(&mut answer)).await.expect("an answer");
        assert!(answer.len() > 64 << 20, "{fields} {}", answer.len());
    }
    server.stop().await;
}

#[tokio::test]
async fn p39_who_asks_and_does_not_take_the_answers_is_cut() {
    let server = Server::start(Limits { stall: Duration::from_millis(200), ..limits() }).await;
    let mut client = server.connect().await;
    let many = "GET /at-once HTTP/1.1\r\n\r\n".repeat(1_000);
    let start = Instant::now();
    let asking = async { while client.write_all(many.as_bytes()).await.is_ok() {} };
    within(asking).await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert!(get(&mut server.connect().await, "/at-once").await.ends_with("trueNone"));
    server.stop().await;
}

#[tokio::test]
async fn p39_a_rest_at_the_front_has_an_end_and_so_has_a_head() {
    let limits = Limits { head: Duration::from_millis(100), idle: Duration::from_millis(600), ..limits() };
    let server = Server::start(limits).await;
    let mut client = server.connect().await;
    for _ in 0..3 {
        get(&mut client, "/at-once").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(closed(&mut client).await < Duration::from_secs(2));
    let mut client = server.connect().await;
    get(&mut client, "/at-once").await;
    client.write_all(b"GET /at-once HTTP/1.1\r\nA").await.expect("sent");
    let start = Instant::now();
    while client.write_all(b"a").await.is_ok() && start.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    server.stop().await;
}
