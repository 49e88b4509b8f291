//! The cases, asked through a proxy, and what became of them. Which proxy it is makes no difference.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::{
    cases::{self, Becomes, Case, PASSED},
    world::World,
};
use crate::support::{
    http::{self, Answer, Request},
    proxy::{Maker, Places, Proxy},
    service::Told,
};

/// Runs everything through one proxy.
pub(super) fn run(maker: Maker) {
    let mut world = World::start();
    let Some(proxy) = Proxy::start(maker, &world.places()) else { return };
    let mut failures = Vec::new();
    let cases = cases::all(&world);
    for case in &cases {
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check((&world, &proxy), case)));
        if let Err(panic) = outcome {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            failures.push(format!("{}: {text}", case.name));
        }
    }
    assert!(failures.is_empty(), "{maker:?}:\n{}\n{}", failures.join("\n"), proxy.log());
    verify_is_inside(&world, &proxy);
    websocket(&world, &proxy);
    slow_caller(&world, &proxy);
    if world.let_time_pass() {
        let expired = || Case::new("expired", "wiki", Becomes::Refused(404));
        check((&world, &proxy), &expired().with("Cookie", &world.good));
        check((&world, &proxy), &expired().with("Authorization", &format!("Bearer {}", world.token)));
    }
    world.stop();
    for app in ["wiki", "api", "desk"] {
        let case = Case::new("countersign is down", app, Becomes::RefusedSomehow).with("Cookie", &world.good);
        check((&world, &proxy), &case);
        check((&world, &proxy), &case.at("/health"));
    }
}

fn ask(proxy: &Proxy, case: &Case) -> std::io::Result<Answer> {
    let host = format!("{}.example.org", case.app);
    let mut headers = vec![("Host", host.as_str())];
    headers.extend(case.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let request = Request { method: case.method, path: &case.path, headers: &headers };
    http::ask(proxy.port, request, case.body)
}

fn check((world, proxy): (&World, &Proxy), case: &Case) {
    let before = world.service.asked();
    let answer = ask(proxy, case);
    let reached = world.service.asked() - before;
    let passed = matches!(case.becomes, Becomes::Passed { .. });
    assert_eq!(reached, usize::from(passed), "reached the service: {answer:?}");
    match &case.becomes {
        Becomes::Passed { known } => {
            let answer = answer.unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            passed_clean((world, case), &Told::read(&answer.body), *known, proxy.maker);
        }
        Becomes::Refused(status) => assert_eq!(answer.unwrap().status, *status),
        // A connection that is just closed is a refusal too.
        Becomes::RefusedSomehow => {
            let status = answer.as_ref().map_or(400, |answer| answer.status);
            assert!((400..600).contains(&status), "{answer:?}");
        }
        Becomes::AsCountersignSays => {
            let (answer, own) = (answer.unwrap(), world.own_answer(case.app, &case.path));
            assert_eq!(
                (answer.status, location(&answer)),
                (own.status, location(&own)),
                "{answer:?} {own:?}"
            );
            assert!(!location(&answer).contains("evil"), "{answer:?}");
        }
    }
}

fn location(answer: &Answer) -> String {
    let lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(name, _)| name.eq_ignore_ascii_case("location")).map(|(_, value)| value).collect()
}

/// What a service learns of a request that passed: who it is from, by nobody's word but Countersign's, and nothing that
/// would open another service.
fn passed_clean((world, case): (&World, &Case), told: &Told, known: bool, maker: Maker) {
    let path = if maker == Maker::Caddy { encoded(&case.path) } else { case.path.clone() };
    assert_eq!((told.text("method"), told.text("path"), told.text("body")), (case.method, &*path, case.body));
    let identity = |name: &str| told.header(name).join("|");
    if known {
        assert_eq!(identity("remote-email"), world.email);
        assert!(!identity("remote-subject").is_empty() && identity("remote-assertion").starts_with("eyJ"));
    }
    for (name, value) in told.headers() {
        let spoofed = ["root", "admin", "evil.example", "10.0.0.1"];
        assert!(!spoofed.iter().any(|spoof| value.contains(spoof)), "{name}: {value}");
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let lower = name.to_ascii_lowercase();
        let looks = ["remote", "forwarded", "real"].iter().any(|part| lower.contains(part));
        assert!(plain || !looks, "{name}: {value}");
        let instead = ["x-original-", "x-rewrite-", "x-http-method", "x-method-"];
        assert!(value.is_empty() || !instead.iter().any(|start| lower.starts_with(start)), "{name}: {value}");
        let words = ["", "close", "keep-alive", "upgrade"];
        let is_ours =
            || value.split(',').all(|word| words.contains(&word.trim().to_ascii_lowercase().as_str()));
        assert!(lower != "connection" || is_ours(), "{name}: {value}");
        assert!(!value.contains("http.reverse_proxy"), "{name}: {value}");
        assert!(known || !name.starts_with("remote") || value.is_empty(), "{name}: {value}");
    }
    assert_eq!(told.header("authorization"), [""; 0]);
    let own: Vec<&str> = sent_cookies(case).filter(|cookie| !cookie.contains("countersign")).collect();
    let drops_cookies = maker == Maker::Traefik;
    assert!(told.cookies() == own || told.cookies().is_empty() && drops_cookies, "{:?}", told.cookies());
    assert_eq!(told.header("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(told.header("x-forwarded-proto"), ["https"]);
    assert_eq!(told.header("x-forwarded-host"), [format!("{}.example.org", case.app)]);
    assert_eq!((told.header("x-forwarded-uri"), told.header("forwarded")), (vec![], vec![]));
}

/// The same path with what RFC 3986 has encoded: Caddy does it, and browsers do not.
fn encoded(path: &str) -> String {
    let encode = |path: String, letter: char| path.replace(letter, &format!("%{:02X}", u32::from(letter)));
    "[]|^".chars().fold(path.to_owned(), encode)
}

fn sent_cookies(case: &Case) -> impl Iterator<Item = &str> {
    let mut cookies: Vec<&str> = case
        .headers
        .iter()
        .filter(|(name, _)| name == "Cookie")
        .flat_map(|(_, value)| value.split(';'))
        .map(str::trim)
        .collect();
    cookies.sort_unstable();
    cookies.into_iter()
}

/// Nobody outside is told what a cookie is good for.
fn verify_is_inside(world: &World, proxy: &Proxy) {
    for path in [
        "/countersign-verify",
        "/verify/notes",
        "/.countersign/../verify/notes",
        "/.countersign/verify/notes",
    ] {
        let case =
            Case::new("from outside", "wiki", Becomes::RefusedSomehow).at(path).with("Cookie", &world.good);
        let answer = ask(proxy, &case).unwrap();
        assert!(!answer.head.to_ascii_lowercase().contains("\nremote-"), "{path}: {answer:?}");
    }
}

/// A script that fails lets nobody in.
pub(super) fn run_broken(maker: Maker) {
    let world = World::start();
    let Some(proxy) = Proxy::start(maker, &Places { broken: true, ..world.places() }) else { return };
    for case in [
        Case::new("a mistake", "wiki", Becomes::RefusedSomehow),
        Case::new("", "notes", Becomes::RefusedSomehow),
    ] {
        check((&world, &proxy), &case.with("Cookie", &world.good));
    }
}

/// Begins a WebSocket; what came first.
fn begin_websocket(proxy: &Proxy, cookie: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "GET /live HTTP/1.1\r\nHost: wiki.example.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nCookie: {cookie}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|length| length > 0) {
        text.push(byte[0]);
    }
    (stream, String::from_utf8_lossy(&text).into_owned())
}

fn websocket(world: &World, proxy: &Proxy) {
    let before = world.service.asked();
    let (_, head) = begin_websocket(proxy, &world.bad);
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    assert_eq!(world.service.asked(), before, "an upgrade goes round the check");
    let (mut stream, head) = begin_websocket(proxy, &world.good);
    assert!(head.starts_with("HTTP/1.1 101"), "{head}\n{}", proxy.log());
    stream.write_all(&[0x81, 0x82, 1, 2, 3, 4, b'h' ^ 1, b'i' ^ 2]).unwrap();
    let mut frame = [0; 4];
    stream.read_exact(&mut frame).unwrap();
    assert_eq!(&frame, b"\x81\x02hi");
}

/// A caller that takes its time gets its answer, and others do not wait for it.
fn slow_caller(world: &World, proxy: &Proxy) {
    let mut slow = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!(
        "POST /page HTTP/1.1\r\nHost: wiki.example.org\r\nConnection: close\r\nCookie: {}\r\n",
        world.good
    );
    let text = format!("{head}Content-Length: 10\r\n\r\n0123456789");
    for piece in text.as_bytes().chunks(text.len() / 10 + 1) {
        slow.write_all(piece).unwrap();
        let begun = Instant::now();
        let beside = ask(proxy, &Case::new("beside a slow one", "wiki", PASSED).with("Cookie", &world.good));
        assert_eq!(beside.unwrap().status, 200);
        assert!(begun.elapsed() < Duration::from_secs(10), "others wait: {:?}", begun.elapsed());
        thread::sleep(Duration::from_millis(100));
    }
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("0123456789"), "{answer}");
}
