//! The cases: who asks, how, and what becomes of it. Nothing here knows which proxy is asked.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::world::World;
use crate::support::{
    http::{self, Answer, Request},
    proxy::{Maker, Places, Proxy},
    service::Told,
};

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Becomes {
    /// It reaches the service, from this person; from nobody where the path is everybody's.
    Passed { known: bool },
    /// It does not reach the service; the status is this.
    Refused(u16),
    /// It does not reach the service; whoever refuses it first says how.
    RefusedSomehow,
    /// It does not reach the service; the browser is told what Countersign says itself: to sign in, and to come back to
    /// this page of the app.
    AsCountersignSays,
}

const PASSED: Becomes = Becomes::Passed { known: true };

/// One request and what becomes of it.
struct Case {
    name: String,
    app: &'static str,
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: &'static str,
    becomes: Becomes,
}

impl Case {
    fn new(name: impl Into<String>, app: &'static str, becomes: Becomes) -> Self {
        let (name, path) = (name.into(), "/page?x=1".to_owned());
        Self { name, app, method: "GET", path, headers: Vec::new(), body: "", becomes }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    fn post(mut self, body: &'static str) -> Self {
        (self.method, self.body) = ("POST", body);
        self
    }
}

/// Runs everything through one proxy.
pub(super) fn run(maker: Maker) {
    let mut world = World::start();
    let Some(proxy) = Proxy::start(maker, &world.places()) else { return };
    let mut failures = Vec::new();
    let cases = [who(&world), spoofed(&world), odd_paths(&world), large(&world)].concat_all();
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

trait ConcatAll {
    fn concat_all(self) -> Vec<Case>;
}

impl<const N: usize> ConcatAll for [Vec<Case>; N] {
    fn concat_all(self) -> Vec<Case> {
        self.into_iter().flatten().collect()
    }
}

fn who(world: &World) -> Vec<Case> {
    let good = &world.good;
    let case = Case::new;
    let (bearer, ended) = (format!("Bearer {}", world.token), format!("Bearer {}", world.ended_token));
    let refused = Becomes::Refused;
    vec![
        case("a good cookie", "wiki", PASSED).with("Cookie", good),
        case("beside others", "wiki", PASSED).with("Cookie", &format!("own=1; {good}; other=2")),
        case("before others", "wiki", PASSED).with("Cookie", &format!("{good}; own=1; other=2")),
        case("a good token", "wiki", PASSED).with("Authorization", &bearer),
        case("a registered device", "wiki", PASSED)
            .with("Cookie", &format!("own=1; {}; {good}", world.device)),
        case("a registered device alone", "notes", PASSED).with("Cookie", &world.device),
        case("an app password", "wiki", PASSED).with("Authorization", &world.app_password),
        case("an app password elsewhere", "notes", refused(404)).with("Authorization", &world.app_password),
        case("a form", "wiki", PASSED).with("Cookie", good).post("a=b&c=d"),
        case("another method", "wiki", PASSED).with("Cookie", good).with("X-HTTP-Method-Override", "DELETE"),
        case("what is everybody's", "wiki", Becomes::Passed { known: false }).at("/health"),
        case("nothing", "wiki", refused(404)),
        case("nothing, with a form", "wiki", refused(404)).post("a=b"),
        case("nothing, where clients are no browsers", "api", refused(401)),
        case("nothing, where browsers are sent to sign in", "desk", Becomes::AsCountersignSays)
            .with("Accept", "text/html"),
        case("a bad cookie", "wiki", refused(404)).with("Cookie", &world.bad),
        case("a cut cookie", "wiki", refused(404)).with("Cookie", &good[..good.len() - 1]),
        case("a bad token", "wiki", refused(404)).with("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),
        case("a token of another app", "notes", refused(404)).with("Authorization", &bearer),
        case("revoked", "wiki", refused(404)).with("Cookie", &world.ended),
        case("a revoked token", "wiki", refused(404)).with("Authorization", &ended),
        case("an unknown app", "nowhere", refused(404)).with("Cookie", good),
        case("an unknown app and nobody", "nowhere", refused(404)),
        case("no grant", "vault", refused(401)).with("Cookie", good),
        case("no grant, and what is said is", "vault", refused(401))
            .with("Cookie", good)
            .with("X-Forwarded-Uri", "/health"),
        case("a path for who is known more strongly", "wiki", refused(401))
            .with("Cookie", good)
            .at("/secure"),
        case("nobody's path", "wiki", refused(401)).with("Cookie", good).at("/internal/x"),
    ]
}

/// Everything that a caller may claim of itself.
fn spoofed(world: &World) -> Vec<Case> {
    let names = ["Remote-User", "remote-user", "REMOTE-USER", "Remote_User", "remote_user", "ReMoTe_UsEr"];
    let others =
        ["Remote-Subject", "Remote-Email", "Remote-Groups", "Remote-Name", "Remote-Role", "Remote-Assertion"];
    let mut cases = Vec::new();
    for name in names.into_iter().chain(others) {
        let case = Case::new(format!("a spoofed {name}"), "wiki", PASSED);
        cases.push(case.with("Cookie", &world.good).with(name, "root"));
        let case = Case::new(format!("a spoofed {name} of nobody"), "wiki", Becomes::Passed { known: false });
        cases.push(case.at("/health").with(name, "root"));
        cases.push(
            Case::new(format!("a spoofed {name} alone"), "wiki", Becomes::Refused(404)).with(name, "root"),
        );
    }
    let twice = Case::new("spoofed in two spellings", "wiki", PASSED).with("Cookie", &world.good);
    cases.push(twice.with("Remote-User", "root").with("Remote-User", "admin").with("remote_user", "root"));
    for (name, value) in [
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Uri", "/health"),
        ("X-Forwarded-Method", "OPTIONS"),
        ("X_Forwarded_For", "10.0.0.1"),
        ("X-Real-IP", "10.0.0.1"),
        ("Forwarded", "for=10.0.0.1;host=evil.example"),
    ] {
        let spoof = |what: &str, becomes| Case::new(format!("{what} and a spoofed {name}"), "wiki", becomes);
        cases.push(spoof("a good cookie", PASSED).with("Cookie", &world.good).with(name, value));
        cases.push(spoof("nothing", Becomes::Refused(404)).with(name, value));
        let inside = spoof("a path from inside alone", Becomes::Refused(401)).at("/lan/x");
        cases.push(inside.with("Cookie", &world.good).with(name, value));
    }
    let desk = Case::new("a spoofed host in the way back", "desk", Becomes::AsCountersignSays);
    let desk = desk.with("Accept", "text/html");
    cases.push(desk.with("X-Forwarded-Host", "evil.example").with("X-Forwarded-Uri", "//evil.example"));
    cases
}

/// Paths that lead to `/internal` for a program that decodes, joins or walks them, and some that only look so.
fn odd_paths(world: &World) -> Vec<Case> {
    let hostile = [
        "/x/../internal/x",
        "//internal/x",
        "/./internal/x",
        "/x/%2e%2e/internal/x",
        "/%2e/internal/x",
        "/x%2f..%2finternal/x",
        "/%2finternal/x",
        "/internal%2fx",
        "/x%5c..%5cinternal/x",
        "/x\\..\\internal/x",
        "/internal;a=b/x",
        "/internal%3ba/x",
        "/%69nternal/x",
        "/%2569nternal/x",
        "/INTERNAL/x",
        "/internal./x",
        "/health/../internal/x",
        "/health/%2e%2e/internal/x",
        "/health;/../internal/x",
        "/health%2f..%2finternal/x",
        "/.countersign/../internal/x",
        "/.countersign/%2e%2e/internal/x",
        "/.countersign/..%2finternal/x",
        "/.countersign;/../internal/x",
        "/.countersign//../internal/x",
        "/%2ecountersign/../internal/x",
        "http://wiki.example.org/internal/x",
        "http://vault.example.org/page",
    ];
    let reachable =
        ["/page//x", "/page/../y", "/a/./b", "/a%2fb", "/a%5cb", "/a;b=c", "/caf%C3%A9?%2e%2e//;"];
    let mut cases = Vec::new();
    for path in hostile {
        for cookie in [world.good.as_str(), "own=1"] {
            let case = Case::new(format!("{path} with {}", &cookie[..5]), "wiki", Becomes::RefusedSomehow);
            cases.push(case.at(path).with("Cookie", cookie));
        }
    }
    for path in reachable {
        // Without rules a path opens nothing; what nobody is let in with stays outside all the same.
        cases.push(Case::new(format!("{path} of nobody"), "notes", Becomes::RefusedSomehow).at(path));
        let hidden = Case::new(format!("{path} beside rules"), "wiki", Becomes::RefusedSomehow).at(path);
        cases.extend((!path.starts_with("/caf")).then(|| hidden.with("Cookie", &world.good)));
    }
    for path in
        ["/verify/wiki", "/countersign-verify", "/.countersign/../verify/wiki", "/verify/wiki?refuse=401"]
    {
        cases.push(Case::new(format!("{path} from outside"), "wiki", Becomes::RefusedSomehow).at(path));
    }
    let known = Case::new("/caf%C3%A9?%2e%2e//; is one thing", "wiki", PASSED).at("/caf%C3%A9?%2e%2e//;");
    cases.push(known.with("Cookie", &world.good));
    cases
}

/// Browsers with many cookies.
fn large(world: &World) -> Vec<Case> {
    let cookies = |bytes: usize| format!("big={}; {}", "x".repeat(bytes), world.good);
    vec![
        Case::new("8 KiB of cookies", "wiki", PASSED).with("Cookie", &cookies(8 * 1024)),
        Case::new("12 KiB of cookies", "wiki", PASSED).with("Cookie", &cookies(12 * 1024)),
        Case::new("more than is taken", "wiki", Becomes::RefusedSomehow).with("Cookie", &cookies(300 * 1024)),
        Case::new("16 KiB of nothing", "wiki", Becomes::RefusedSomehow)
            .with("Cookie", &"x".repeat(16 * 1024)),
    ]
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
            passed_clean((world, case), &Told::read(&answer.body), *known, proxy.maker == Maker::Traefik);
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
fn passed_clean((world, case): (&World, &Case), told: &Told, known: bool, drops_cookies: bool) {
    assert_eq!(
        (told.text("method"), told.text("path"), told.text("body")),
        (case.method, &*case.path, case.body)
    );
    let identity = |name: &str| told.header(name).join("|");
    if known {
        assert_eq!(identity("remote-email"), world.email);
        assert!(!identity("remote-subject").is_empty() && identity("remote-assertion").starts_with("eyJ"));
    }
    for (name, value) in told.headers() {
        let spoofed = ["root", "admin", "evil.example", "10.0.0.1"];
        assert!(!spoofed.iter().any(|spoof| value.contains(spoof)), "{name}: {value}");
        let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        assert!(plain || !(name.contains("remote") || name.contains("forwarded")), "{name}: {value}");
        assert!(!value.contains("http.reverse_proxy"), "{name}: {value}");
        assert!(known || !name.starts_with("remote") || value.is_empty(), "{name}: {value}");
    }
    assert_eq!(told.header("authorization"), [""; 0]);
    let own: Vec<&str> = sent_cookies(case).filter(|cookie| !cookie.contains("countersign")).collect();
    assert!(told.cookies() == own || told.cookies().is_empty() && drops_cookies, "{:?}", told.cookies());
    assert_eq!(told.header("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(told.header("x-forwarded-proto"), ["https"]);
    assert_eq!(told.header("x-forwarded-host"), [format!("{}.example.org", case.app)]);
    assert_eq!((told.header("x-forwarded-uri"), told.header("forwarded")), (vec![], vec![]));
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
