//! A service behind a proxy: it tells whom it is asked by, what and how, and echoes one frame of a WebSocket. Standard
//! library only; it trusts everybody, as such services do.

use std::{
    io::{BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value, json};

use super::http::line;

/// The accept value for the key of RFC 6455, section 1.3, which the tests send.
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A listening service. Its threads end with the process.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) port: u16,
    asked: Arc<AtomicUsize>,
}

impl Service {
    /// Starts it.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let service = Self { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let asked = Arc::clone(&service.asked);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let asked = Arc::clone(&asked);
                // A proxy may go away at any time.
                thread::spawn(move || serve(connection, &asked));
            }
        });
        service
    }

    /// How many requests have reached it.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn serve(mut connection: TcpStream, asked: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    loop {
        let first = line(&mut reader)?;
        if first.is_empty() {
            return Ok(());
        }
        let words: Vec<String> = first.split_ascii_whitespace().map(str::to_owned).collect();
        let headers = headers(&mut reader)?;
        asked.fetch_add(1, Ordering::SeqCst);
        if value(&headers, "upgrade").eq_ignore_ascii_case("websocket") {
            return echo_frame(&mut reader, &mut connection);
        }
        let body = body(&mut reader, &headers)?;
        let told = json!({ "method": words[0], "path": words[1], "headers": headers, "body": body });
        let text = told.to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length:";
        connection.write_all(format!("{head} {}\r\n\r\n{text}", text.len()).as_bytes())?;
        if value(&headers, "connection").eq_ignore_ascii_case("close") {
            return Ok(());
        }
    }
}

fn headers(reader: &mut BufReader<TcpStream>) -> std::io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(reader)?;
        if line.trim().is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn value<'h>(headers: &'h [(String, String)], name: &str) -> &'h str {
    headers.iter().find(|(other, _)| other == name).map_or("", |(_, value)| value)
}

fn body(reader: &mut BufReader<TcpStream>, headers: &[(String, String)]) -> std::io::Result<String> {
    let mut body = Vec::new();
    if value(headers, "transfer-encoding").eq_ignore_ascii_case("chunked") {
        loop {
            let line = line(reader)?;
            let length = u64::from_str_radix(line.trim(), 16).unwrap_or_default();
            reader.take(length).read_to_end(&mut body)?;
            let _ = super::http::line(reader)?;
            if length == 0 {
                break;
            }
        }
    } else {
        reader.take(value(headers, "content-length").parse().unwrap_or_default()).read_to_end(&mut body)?;
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Answers 101, reads one masked text frame of less than 126 bytes, and sends it back.
fn echo_frame(reader: &mut BufReader<TcpStream>, connection: &mut TcpStream) -> std::io::Result<()> {
    let head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    connection.write_all(format!("{head}Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n").as_bytes())?;
    let mut start = [0; 6];
    reader.read_exact(&mut start)?;
    let length = start[1] & 0x7f;
    let mut payload = vec![0; usize::from(length)];
    reader.read_exact(&mut payload)?;
    let mut frame = vec![0x81, length];
    frame.extend(payload.iter().zip(start[2..].iter().cycle()).map(|(byte, mask)| byte ^ mask));
    connection.write_all(&frame)
}

/// What the service told of a request that reached it.
#[derive(Debug)]
pub(crate) struct Told(Value);

impl Told {
    /// Reads an answer's body.
    pub(crate) fn read(body: &str) -> Self {
        Self(
            serde_json::from_str(body)
                .unwrap_or_else(|error| panic!("{error}: not from the service: {body}")),
        )
    }

    /// A member that is text.
    pub(crate) fn text(&self, member: &str) -> &str {
        self.0[member].as_str().unwrap_or_default()
    }

    /// All values of a header. What is empty counts as absent: some proxies send it so, some leave it out.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers()
            .filter(|(other, value)| *other == name && !value.is_empty())
            .map(|(_, value)| value)
            .collect()
    }

    /// All headers, their names in lower case.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.0["headers"].as_array().into_iter().flatten();
        pairs.map(|pair| (pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default()))
    }

    /// The cookies, in no order.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        let all = self.header("cookie").into_iter().flat_map(|value| value.split(';'));
        let mut cookies: Vec<&str> = all.map(str::trim).filter(|cookie| !cookie.is_empty()).collect();
        cookies.sort_unstable();
        cookies
    }
}
