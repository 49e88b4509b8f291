//! A small HTTP client: one request, one connection. Knows nothing of what is asked.

use std::{
    io::{BufRead, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request without its body.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// The method.
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) path: &'a str,
    /// Header lines; `Host` is added when it is not here.
    pub(crate) headers: &'a [(&'a str, &'a str)],
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The header, as it came.
    pub(crate) head: String,
    /// The body as text.
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON; `null` when it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// A text member of the body.
    pub(crate) fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member} in {self:?}")).to_owned()
    }
}

/// Asks, and reads the whole answer.
///
/// # Errors
/// When the connection fails or ends before the answer does.
pub(crate) fn ask(port: u16, request: Request<'_>, body: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", request.method, request.path);
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head += &format!("Host: localhost:{port}\r\n");
    }
    for (name, value) in request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[&latin(&head), body.as_bytes()].concat())?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    read(&String::from_utf8_lossy(&bytes)).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

/// The bytes of a head: a letter for each, up to U+00FF, so that a test can send any.
pub(crate) fn latin(head: &str) -> Vec<u8> {
    head.chars().map(|letter| u8::try_from(letter).expect("a head has letters below U+0100")).collect()
}

/// A line of a head, a letter for each byte: what is no text is passed on and told as well.
pub(crate) fn line(reader: &mut impl BufRead) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    reader.read_until(b'\n', &mut bytes)?;
    Ok(bytes.into_iter().map(char::from).collect())
}

/// `None` when the answer is not whole.
fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    if length.is_some_and(|length| body.len() < length) {
        return None;
    }
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}
