//! What Traefik's documentation says of `forwardAuth`, done by a small proxy, since no Debian has Traefik: the question
//! with `X-Forwarded-*`, the answer's headers in place of the caller's, every other answer handed on. It reads which
//! headers from the recipe.

use std::{
    io::{BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use super::{
    http::{latin, line},
    proxy::Places,
};

type Headers = Vec<(String, String)>;

struct Traefik {
    places: Places,
    /// `authResponseHeaders`.
    copied: Vec<String>,
    /// Headers that the middleware before it takes away.
    removed: Vec<String>,
    /// What follows the app in `address`.
    query: String,
}

/// Listens, until the process ends.
pub(crate) fn start(port: u16, places: &Places, recipe: &str) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let after = |mark: &str| {
        recipe.split(mark).nth(1).unwrap_or_else(|| panic!("no {mark} in the recipe")).to_owned()
    };
    let copied = after("authResponseHeaders:");
    let is_item =
        |line: &&str| line.trim().starts_with("- ") || line.trim().starts_with('#') || line.trim().is_empty();
    let items = copied.lines().take_while(is_item).filter_map(|line| line.trim().strip_prefix("- "));
    let removed = after("customRequestHeaders:");
    let removed = removed.lines().filter_map(|line| line.trim().strip_suffix(": \"\""));
    let traefik = Arc::new(Traefik {
        places: places.clone(),
        copied: items.map(str::to_ascii_lowercase).collect(),
        removed: removed.map(str::to_ascii_lowercase).collect(),
        query: after("/verify/wiki").split('"').next().unwrap_or_default().to_owned(),
    });
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let traefik = Arc::clone(&traefik);
            // A caller may go away at any time.
            thread::spawn(move || traefik.serve(connection));
        }
    });
}

impl Traefik {
    fn serve(&self, mut caller: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(caller.try_clone()?);
        let line = line(&mut reader)?;
        let mut headers = headers(&mut reader)?;
        let (method, rest) = line.split_once(' ').unwrap_or_default();
        let uri = rest.split(' ').next().unwrap_or_default();
        if uri.contains(|letter: char| letter.is_ascii_control()) {
            return caller.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
        let mut host = value(&headers, "host");
        // In absolute form the request line names the host (RFC 9112, 3.2.2).
        let uri = match uri
            .split_once("://")
            .and_then(|(_, rest)| rest.split_once('/').map(|(host, _)| (host, rest)))
        {
            Some((authority, rest)) => {
                authority.clone_into(&mut host);
                headers.retain(|(name, _)| name != "host");
                headers.push(("host".to_owned(), host.clone()));
                &rest[authority.len()..]
            }
            None => uri,
        };
        let app = host.split('.').next().unwrap_or_default().to_owned();
        if !self.places.apps.contains(&app.as_str()) {
            return caller.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        }
        // The entry point: what belongs to the caller's connection ends here, and nothing that it says of its way is
        // believed.
        let named = values(&headers, "connection");
        let is_upgrade = named.iter().any(|name| name == "upgrade");
        headers.retain(|(name, _)| name != "connection" && (name == "upgrade" || !named.contains(name)));
        // One request a connection, but for WebSockets.
        headers.push(("connection".to_owned(), if is_upgrade { "upgrade" } else { "close" }.to_owned()));
        headers.retain(|(name, _)| !name.starts_with("x-forwarded-") && name != "x-real-ip");
        for (name, value) in [("for", "127.0.0.1"), ("proto", "https"), ("host", &host)] {
            headers.push((format!("x-forwarded-{name}"), value.to_owned()));
        }
        let mut through = Through { method, uri, headers, reader: &mut reader, caller: &mut caller };
        if uri.starts_with("/.countersign/") {
            return through.pass(self.places.public);
        }
        through.headers.retain(|(name, _)| !self.removed.contains(name));
        match self.ask(&app, &through) {
            Ok((200, answer, _)) => {
                through.headers.retain(|(name, _)| !self.copied.contains(name));
                through.headers.extend(answer.into_iter().filter(|(name, _)| self.copied.contains(name)));
                through.pass(self.places.service)
            }
            Ok((status, answer, body)) => {
                let location = value(&answer, "location");
                let location =
                    if location.is_empty() { location } else { format!("Location: {location}\r\n") };
                let length = body.len();
                let head = format!("HTTP/1.1 {status} .\r\n{location}Content-Length: {length}\r\n\r\n");
                caller.write_all(&[head.as_bytes(), &body].concat())
            }
            Err(_) => caller.write_all(b"HTTP/1.1 500 .\r\nContent-Length: 0\r\n\r\n"),
        }
    }

    fn ask(&self, app: &str, through: &Through<'_>) -> std::io::Result<(u16, Headers, Vec<u8>)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.places.verify))?;
        let mut head = format!("GET /verify/{app}{} HTTP/1.1\r\nConnection: close\r\n", self.query);
        head += &format!("Host: 127.0.0.1:{}\r\n", self.places.verify);
        head += &format!("X-Forwarded-Method: {}\r\nX-Forwarded-Uri: {}\r\n", through.method, through.uri);
        let hop = ["host", "connection", "upgrade", "content-length", "transfer-encoding", "te", "trailer"];
        for (name, value) in through.headers.iter().filter(|(name, _)| !hop.contains(&name.as_str())) {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(&latin(&format!("{head}\r\n")))?;
        let mut reader = BufReader::new(stream);
        let line = line(&mut reader)?;
        let status = line.split(' ').nth(1).and_then(|word| word.parse().ok());
        let headers = headers(&mut reader)?;
        let mut body = Vec::new();
        reader.read_to_end(&mut body)?;
        Ok((status.ok_or(std::io::ErrorKind::UnexpectedEof)?, headers, body))
    }
}

/// A request on its way.
struct Through<'a> {
    method: &'a str,
    uri: &'a str,
    headers: Headers,
    reader: &'a mut BufReader<TcpStream>,
    caller: &'a mut TcpStream,
}

impl Through<'_> {
    /// Hands the request on, then everything in both directions until one side ends.
    fn pass(&mut self, port: u16) -> std::io::Result<()> {
        let mut target = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.uri);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        target.write_all(&latin(&format!("{head}\r\n")))?;
        target.write_all(self.reader.buffer())?;
        let (mut from, mut to) = (self.caller.try_clone()?, target.try_clone()?);
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        std::io::copy(&mut target, self.caller)?;
        self.caller.shutdown(std::net::Shutdown::Both)
    }
}

fn headers(reader: &mut BufReader<TcpStream>) -> std::io::Result<Headers> {
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

/// The words of all headers of a name, in lower case.
fn values(headers: &Headers, name: &str) -> Vec<String> {
    let all = headers.iter().filter(|(other, _)| other == name).flat_map(|(_, value)| value.split(','));
    all.map(|word| word.trim().to_ascii_lowercase()).collect()
}

fn value(headers: &Headers, name: &str) -> String {
    headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone()).unwrap_or_default()
}
