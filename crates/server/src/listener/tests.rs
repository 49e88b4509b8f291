//! Tests with real sockets and clients that misbehave. Times are short, and each test waits on events where it can.

mod front;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::Service;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::{Address, Answer, Arrived, AtOnce, Head, Limits, Listener, Peer};
use crate::shutdown::{Trigger, channel};

/// Long enough that only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(10);

fn limits() -> Limits {
    Limits { drain: Duration::from_secs(5), ..Limits::default() }
}

/// What the tests' service shares with them.
#[derive(Default)]
struct Signals {
    started: Notify,
    release: Notify,
}

/// The service of the tests.
#[derive(Clone)]
struct Handler(Arc<Signals>);

impl Service<Arrived> for Handler {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = futures_util::future::BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, Arrived { request, peer }: Arrived) -> Self::Future {
        // Outside the future, so that the call itself panics.
        assert!(request.uri().path() != "/early-panic", "as asked");
        Box::pin(handle(request, peer, Arc::clone(&self.0)))
    }
}

impl AtOnce for Handler {
    fn write_at_once(&self, head: &Head<'_>, peer: &Peer, answer: &mut Answer<'_>) -> bool {
        assert!(head.path != "/at-once-panic", "as asked");
        if head.path != "/at-once" {
            return false;
        }
        answer.begin(784_111_777);
        answer.end(format!("{}{:?}", peer.0.is_some(), head.query).as_bytes());
        true
    }
}

async fn handle(
    request: Request<Incoming>,
    peer: Peer,
    signals: Arc<Signals>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = match request.uri().path() {
        "/panic" => panic!("as asked"),
        "/wait" => {
            signals.started.notify_one();
            signals.release.notified().await;
            Bytes::from_static(b"waited")
        }
        "/late" => {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Bytes::from_static(b"hello")
        }
        "/late-panic" => {
            tokio::task::yield_now().await;
            panic!("as asked")
        }
        "/large" => Bytes::from(vec![b'x'; 64 << 20]),
        "/body" => request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default(),
        "/at-once" => {
            let text = format!("{}{:?}", peer.0.is_some(), request.uri().query());
            let _ = request.into_body().collect().await;
            Bytes::from(text)
        }
        "/peer" => Bytes::from(peer.0.map_or("none".to_owned(), |peer| peer.ip().to_string())),
        _ => Bytes::from_static(b"hello"),
    };
    Ok(Response::new(Full::new(body)))
}

struct Server {
    address: SocketAddr,
    trigger: Trigger,
    task: JoinHandle<()>,
    signals: Arc<Signals>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        Self::on(Address::Tcp(([127, 0, 0, 1], 0).into()), limits).await.expect("a free port")
    }

    async fn on(address: Address, limits: Limits) -> io::Result<Self> {
        let listener = Listener::bind(address).await?;
        let address = listener.local_addr().unwrap_or(([0, 0, 0, 0], 0).into());
        let (trigger, shutdown) = channel();
        let signals = Arc::new(Signals::default());
        let task = tokio::spawn(listener.serve(Handler(Arc::clone(&signals)), limits, shutdown));
        Ok(Self { address, trigger, task, signals })
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("accepted")
    }

    /// Stops and waits until `serve` has returned.
    async fn stop(self) {
        self.trigger.stop();
        within(self.task).await.expect("no panic");
    }
}

async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), path: &str) {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.expect("sent");
}

/// The next answer: head and body.
async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let count = within(stream.read(&mut bytes)).await.expect("an answer");
        assert_ne!(count, 0, "closed after {:?}", String::from_utf8_lossy(&text));
        text.extend_from_slice(&bytes[..count]);
        let answer = String::from_utf8_lossy(&text).into_owned();
        let Some((head, body)) = answer.split_once("\r\n\r\n") else { continue };
        let length = head.to_lowercase().split_once("content-length: ").expect("a length").1.to_owned();
        let length: usize = length.lines().next().unwrap_or_default().parse().expect("a number");
        if body.len() >= length {
            return answer;
        }
    }
}

async fn get(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str) -> String {
    send(stream, path).await;
    receive(stream).await
}

/// Waits until the other side closes; a reset counts.
async fn closed(stream: &mut (impl AsyncRead + Unpin)) -> Duration {
    let start = Instant::now();
    let mut rest = Vec::new();
    let _ = within(stream.read_to_end(&mut rest)).await;
    start.elapsed()
}

#[tokio::test]
async fn p39_a_head_that_does_not_end_is_cut() {
    let server = Server::start(Limits { head: Duration::from_millis(200), ..limits() }).await;
    let mut silent = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n").await.expect("sent");
    assert!(get(&mut server.connect().await, "/").await.starts_with("HTTP/1.1 200"), "others are served");
    assert!(closed(&mut silent).await < Duration::from_secs(2));
    assert!(closed(&mut slow).await < Duration::from_secs(2));
    server.stop().await;
}

#[tokio::test]
async fn p39_dribbling_buys_no_time() {
    let server = Server::start(Limits { head: Duration::from_millis(300), ..limits() }).await;
    let mut client = server.connect().await;
    // A good request first: the second head has the limit too, though the pause before it may be long.
    get(&mut client, "/").await;
    let start = Instant::now();
    while client.write_all(b"G").await.is_ok() && start.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    server.stop().await;
}

#[tokio::test]
async fn a_connection_may_rest_longer_than_a_head_may_last() {
    let limits = Limits { head: Duration::from_millis(100), idle: Duration::from_millis(600), ..limits() };
    let server = Server::start(limits).await;
    let mut client = server.connect().await;
    for path in ["/", "/late", "/late"] {
        assert!(get(&mut client, path).await.ends_with("hello"));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert!(closed(&mut client).await < Duration::from_secs(2));
    server.stop().await;
}

#[tokio::test]
async fn p39_connections_beyond_the_limit_wait() {
    let server = Server::start(Limits { connections: 2, ..limits() }).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    get(&mut first, "/").await;
    get(&mut second, "/").await;
    let mut third = server.connect().await;
    send(&mut third, "/").await;
    let early = tokio::time::timeout(Duration::from_millis(200), receive(&mut third)).await;
    assert!(early.is_err(), "answered beyond the limit");
    drop(first);
    assert!(receive(&mut third).await.ends_with("hello"));
    server.stop().await;
}

#[tokio::test]
async fn a_stop_lets_the_request_under_way_end() {
    let server = Server::start(limits()).await;
    let mut idle = server.connect().await;
    get(&mut idle, "/").await;
    let mut client = server.connect().await;
    send(&mut client, "/wait").await;
    within(server.signals.started.notified()).await;
    server.trigger.stop();
    closed(&mut idle).await;
    let refused = within(async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    refused.await;
    assert!(!server.task.is_finished(), "a request is still under way");
    server.signals.release.notify_one();
    let answer = receive(&mut client).await;
    assert!(answer.ends_with("waited") && answer.contains("connection: close"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let server = Server::start(Limits { drain: Duration::from_millis(100), ..limits() }).await;
    let mut client = server.connect().await;
    send(&mut client, "/wait").await;
    within(server.signals.started.notified()).await;
    let handler_holds = Arc::downgrade(&server.signals);
    server.stop().await;
    closed(&mut client).await;
    assert_eq!(handler_holds.strong_count(), 0, "no task is left");
}

#[tokio::test]
async fn p39_a_panic_costs_its_own_request_only() {
    let server = Server::start(limits()).await;
    for path in ["/panic", "/late-panic", "/early-panic"] {
        let answer = get(&mut server.connect().await, path).await;
        assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
        assert!(answer.contains("content-type: application/problem+json"), "{answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        assert_eq!(
            body,
            r#"{"type":"about:blank","title":"Internal error","status":500,"code":"internal_error"}"#
        );
    }
    assert!(get(&mut server.connect().await, "/").await.ends_with("hello"));
    server.stop().await;
}

#[tokio::test]
async fn p39_a_body_that_does_not_come_is_refused() {
    let server = Server::start(Limits { request: Duration::from_millis(200), ..limits() }).await;
    let mut client = server.connect().await;
    let head = b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc";
    client.write_all(head).await.expect("sent");
    let answer = receive(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains(r#""code":"timed_out""#), "{answer}");
    closed(&mut client).await;
    server.stop().await;
}

#[tokio::test]
async fn p39_an_answer_that_is_not_taken_is_dropped() {
    let limits = Limits { connections: 1, stall: Duration::from_millis(200), ..limits() };
    let server = Server::start(limits).await;
    let mut greedy = server.connect().await;
    send(&mut greedy, "/large").await;
    let mut other = server.connect().await;
    assert!(get(&mut other, "/").await.ends_with("hello"), "the only place is free again");
    drop(greedy);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_taken_slowly_is_not_dropped() {
    let server = Server::start(Limits { stall: Duration::from_millis(400), ..limits() }).await;
    let mut client = server.connect().await;
    send(&mut client, "/large").await;
    let (mut taken, mut buffer) = (0, vec![0; 8 << 20]);
    while taken < 64 << 20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let count = within(client.read(&mut buffer)).await.expect("more");
        assert_ne!(count, 0, "closed after {taken} bytes");
        taken += count;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_large_head_is_answered_431() {
    let server = Server::start(limits()).await;
    for path in ["/", "/at-once"] {
        let mut client = server.connect().await;
        for (kibibytes, expected) in [(31, b"HTTP/1.1 200"), (33, b"HTTP/1.1 431")] {
            let header = "a".repeat(kibibytes * 1024);
            let head = format!("GET {path} HTTP/1.1\r\nX: {header}\r\n\r\n");
            client.write_all(head.as_bytes()).await.expect("sent");
            let mut answer = [0; 4096];
            let read = within(client.read(&mut answer)).await.expect("an answer");
            assert_eq!(&answer[..12.min(read)], expected, "{path}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn the_peer_is_told() {
    let server = Server::start(limits()).await;
    assert!(get(&mut server.connect().await, "/peer").await.ends_with("127.0.0.1"));
    server.stop().await;
}

#[tokio::test]
async fn a_unix_socket_has_its_mode_and_goes_with_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    for mode in [0o600, 0o660] {
        let address = Address::Unix { path: path.clone(), mode: Some(mode) };
        let server = Server::on(address, limits()).await.expect("bound");
        let found = std::fs::metadata(&path).expect("a socket").permissions().mode() & 0o777;
        assert_eq!(found, mode, "{found:o}");
        let mut client = UnixStream::connect(&path).await.expect("accepted");
        assert!(get(&mut client, "/peer").await.ends_with("none"));
        server.stop().await;
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn only_a_socket_that_nobody_answers_on_is_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let address = Address::Unix { path: path.clone(), mode: None };

    // A process that died leaves its file behind, as this listener of the standard library does.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    assert!(path.exists());
    let server = Server::on(address.clone(), limits()).await.expect("replaced");

    let second = Server::on(address.clone(), limits()).await.map(|_| ());
    assert_eq!(second.map_err(|error| error.kind()), Err(io::ErrorKind::AddrInUse));
    let mut client = UnixStream::connect(&path).await.expect("still the first");
    assert!(get(&mut client, "/").await.ends_with("hello"));
    server.stop().await;

    std::fs::write(&path, "precious").expect("written");
    let refused = Server::on(address, limits()).await.map(|_| ());
    assert_eq!(refused.map_err(|error| error.kind()), Err(io::ErrorKind::AddrInUse));
    assert_eq!(std::fs::read_to_string(&path).expect("kept"), "precious");
}
