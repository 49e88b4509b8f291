//! STAND-IN
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, atomic::{AtomicU8, Ordering}};
use countersign_domain::forward_auth::Path;
use crate::support::{proxy::Places, service::Service};

pub(super) struct World {
    pub(super) service: Service,
    pub(super) issuer: String,
    pub(super) good: String,
    pub(super) bad: String,
    pub(super) ended: String,
    pub(super) token: String,
    pub(super) email: String,
    pub(super) drops_cookies: bool,
    verify: u16,
    mode: Arc<AtomicU8>,
}

impl World {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let verify = listener.local_addr().unwrap().port();
        let mode: Arc<AtomicU8> = Arc::default();
        let m = mode.clone();
        std::thread::spawn(move || {
            for c in listener.incoming().flatten() {
                let m = m.clone();
                std::thread::spawn(move || serve(c, &m));
            }
        });
        Self { service: Service::start(), issuer: "https://auth.example.org".into(), good: "__Secure-countersign=good".into(),
            bad: "__Secure-countersign=baad".into(), ended: "__Secure-countersign=ended".into(), token: "eyJgood".into(),
            email: "jane@example.net".into(), drops_cookies: true, verify, mode }
    }
    pub(super) fn places(&self) -> Places {
        Places { apps: vec!["wiki", "notes", "desk", "api", "vault", "nowhere"], public: self.verify, verify: self.verify, service: self.service.port }
    }
    pub(super) fn let_time_pass(&mut self) { self.mode.store(1, Ordering::SeqCst); }
    pub(super) fn stop(&mut self) { self.mode.store(2, Ordering::SeqCst); }
}

fn serve(mut c: std::net::TcpStream, m: &AtomicU8) -> std::io::Result<()> {
    let mut r = BufReader::new(c.try_clone()?);
    loop {
        let mut l = String::new();
        if r.read_line(&mut l)? == 0 { return Ok(()); }
        let target = l.split(' ').nth(1).unwrap_or("").to_owned();
        let mut h: Vec<(String, String)> = vec![];
        let mut total = 0;
        loop {
            let mut l = String::new();
            if r.read_line(&mut l)? <= 2 { break; }
            total += l.len();
            let (n, v) = l.split_once(':').unwrap();
            h.push((n.to_ascii_lowercase(), v.trim().to_owned()));
        }
        if m.load(Ordering::SeqCst) == 2 { return Ok(()); }
        let get = |n: &str| h.iter().find(|x| x.0 == n).map(|x| x.1.clone()).unwrap_or_default();
        let count = |n: &str| h.iter().filter(|x| x.0 == n).count();
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let Some(app) = path.strip_prefix("/verify/") else { c.write_all(b"HTTP/1.1 404 .\r\ncontent-length: 0\r\n\r\n")?; return Ok(()) };
        let cookies = get("cookie");
        let good = cookies.split(';').any(|x| x.trim() == "__Secure-countersign=good") || (get("authorization") == "Bearer eyJgood" && app == "wiki");
        let good = good && m.load(Ordering::SeqCst) == 0;
        assert!(count("x-forwarded-uri") == 1 && count("x-forwarded-method") == 1 && count("x-forwarded-for") == 1 && count("x-forwarded-proto") == 1 && count("x-forwarded-host") == 1, "{h:?}");
        assert_eq!(get("x-forwarded-for"), "127.0.0.1");
        let uri = Path::parse(&get("x-forwarded-uri"));
        let below = |p: &str| match &uri { Path::Plain(x) => { let x = x.to_ascii_lowercase(); x == p || x.starts_with(&format!("{p}/")) }, Path::Ambiguous => false };
        let id = |known: bool| -> String {
            ["remote-subject", "remote-user", "remote-email", "remote-groups", "remote-name", "remote-role", "remote-assertion"].iter().map(|n| format!("{n}: {}\r\n",
                if !known { "" } else { match *n { "remote-email" => "jane@example.net", "remote-subject" => "sub_1", "remote-assertion" => "eyJassert", _ => "" } })).collect() };
        let (status, extra, body) = if total > 16384 { (431, String::new(), "") }
            else if app == "wiki" && uri == Path::Plain("/health".into()) { (200, id(false), "") }
            else if !good { match app { "api" => (401, String::new(), ""), "desk" => (302, format!("location: https://auth.example.org/sign-in?app=desk&return_to=https%3A%2F%2F{}{}\r\n", get("x-forwarded-host"), get("x-forwarded-uri")), ""), _ => (404, String::new(), "") } }
            else if app == "nowhere" { (404, String::new(), "Service Not Found!") }
            else if app == "vault" { (401, String::new(), "User does not have access to this service") }
            else if app == "wiki" && (below("/internal") || below("/lan") || uri == Path::Ambiguous) { (401, String::new(), "User does not have access to this service") }
            else { (200, id(true), "") };
        let (shown, extra) = if status != 200 && query == "refuse=401" { (401, format!("countersign-status: {status}\r\n{extra}")) } else { (status, extra) };
        c.write_all(format!("HTTP/1.1 {shown} .\r\ncache-control: no-store\r\n{extra}content-length: {}\r\n\r\n{body}", body.len()).as_bytes())?;
        if get("connection") == "close" { return Ok(()); }
    }
}
