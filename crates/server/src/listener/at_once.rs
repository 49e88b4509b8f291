//! What can be answered from the head of a request alone, without waiting: the head as it was read, and the answer in the
//! making. What both mean is the service's.

use std::io::Write as _;
use std::mem::MaybeUninit;
use std::time::{Duration, UNIX_EPOCH};

use httparse::{Header, Request, Status};

use super::Peer;

/// Most fields of a head that is looked at here.
const MOST_FIELDS: usize = 64;

/// Who may have an answer at once.
pub trait AtOnce {
    /// Writes the whole answer and says so, or leaves the request to the service on its usual way. It does not wait.
    fn write_at_once(&self, head: &Head<'_>, peer: &Peer, answer: &mut Answer<'_>) -> bool;
}

/// The head of a plain question: a GET of HTTP/1.1 without a body, on a connection that stays.
#[derive(Clone, Copy, Debug)]
pub struct Head<'h> {
    /// What is asked for, without the query.
    pub path: &'h str,
    /// What follows `?`.
    pub query: Option<&'h str>,
    fields: &'h [Header<'h>],
}

/// What stands at the beginning of what came in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found<T> {
    /// A part of a head.
    Part,
    /// The whole head of a plain question, of so many bytes, and what was made of it.
    Plain(usize, T),
    /// Anything else: a body is announced, the connection is to become something else or to end, or it is no request.
    Other,
}

/// Looks for the head of a plain question.
pub(super) fn find<T>(bytes: &[u8], look: impl FnOnce(&Head<'_>) -> T) -> Found<T> {
    if bytes.first().is_some_and(|first| *first != b'G') {
        return Found::Other;
    }
    let mut room = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut request = Request::new(&mut []);
    match request.parse_with_uninit_headers(bytes, &mut room) {
        Ok(Status::Partial) => Found::Part,
        Ok(Status::Complete(length)) => match plain(&request) {
            Some(head) => Found::Plain(length, look(&head)),
            None => Found::Other,
        },
        Err(_) => Found::Other,
    }
}

fn plain<'h>(request: &'h Request<'_, '_>) -> Option<Head<'h>> {
    let target = request.path.filter(|target| target.starts_with('/') && !target.contains('#'))?;
    let is_plain = request.method == Some("GET")
        && request.version == Some(1)
        && !request.headers.iter().any(changes_the_connection);
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    is_plain.then_some(Head { path, query, fields: request.headers })
}

/// Whether a field says that more than the head belongs to the request, or that the connection does not simply go on.
fn changes_the_connection(field: &Header<'_>) -> bool {
    const THESE: [&str; 5] = ["content-length", "transfer-encoding", "upgrade", "expect", "trailer"];
    let is = |name: &str| field.name.eq_ignore_ascii_case(name);
    THESE.into_iter().any(is) || is("connection") && !field.value.eq_ignore_ascii_case(b"keep-alive")
}

/// The whole answer to a head that came alone, if it is given at once, as a connection would send it: for who looks what a
/// service does without one.
pub fn answer_to<S: AtOnce>(service: &S, head: &[u8], peer: &Peer) -> Option<Vec<u8>> {
    let (mut bytes, mut date) = (Vec::new(), Date::default());
    let found = find(head, |head| service.write_at_once(head, peer, &mut Answer::new(&mut bytes, &mut date)));
    (found == Found::Plain(head.len(), true)).then_some(bytes)
}

impl<'h> Head<'h> {
    /// The values of a field, as they came.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'h [u8]> {
        let named = move |field: &&Header<'h>| field.name.eq_ignore_ascii_case(name);
        self.fields.iter().filter(named).map(|field| field.value)
    }
}

/// The date of answers (RFC 9110, 6.6.1), written once a second.
#[derive(Debug, Default)]
pub(super) struct Date {
    second: i64,
    text: String,
}

impl Date {
    fn at(&mut self, second: i64) -> &str {
        if self.second != second || self.text.is_empty() {
            let since = Duration::from_secs(u64::try_from(second).unwrap_or_default());
            self.second = second;
            self.text = httpdate::fmt_http_date(UNIX_EPOCH + since);
        }
        &self.text
    }
}

/// An answer in the making: 200, in three steps.
#[derive(Debug)]
pub struct Answer<'o> {
    bytes: &'o mut Vec<u8>,
    date: &'o mut Date,
}

impl<'o> Answer<'o> {
    pub(super) const fn new(bytes: &'o mut Vec<u8>, date: &'o mut Date) -> Self {
        Self { bytes, date }
    }

    /// The first line, and the date: so many seconds since 1970.
    pub fn begin(&mut self, second: i64) {
        self.fields("HTTP/1.1 200 OK\r\ndate: ");
        self.bytes.extend_from_slice(self.date.at(second).as_bytes());
        self.fields("\r\n");
    }

    /// Fields as lines: each `name: value` and a line's end.
    pub fn fields(&mut self, lines: &str) {
        self.bytes.extend_from_slice(lines.as_bytes());
    }

    /// The last field and the body.
    pub fn end(&mut self, body: &[u8]) {
        // Into memory, which takes everything.
        let _ = write!(self.bytes, "content-length: {}\r\n\r\n", body.len());
        self.bytes.extend_from_slice(body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Found<(String, Option<String>, Vec<Vec<u8>>)> {
        find(text.as_bytes(), |head| {
            let cookies = head.values("cookie").map(<[u8]>::to_vec).collect();
            (head.path.to_owned(), head.query.map(str::to_owned), cookies)
        })
    }

    #[test]
    fn p37_only_a_plain_question_is_read_here() {
        let plain = "GET /verify/a?refuse=401 HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\ncookie: b=2\r\n\r\n";
        let made =
            ("/verify/a".to_owned(), Some("refuse=401".to_owned()), vec![b"a=1".to_vec(), b"b=2".to_vec()]);
        assert_eq!(found(&format!("{plain}GET /next")), Found::Plain(plain.len(), made));
        for length in 0..plain.len() {
            assert_eq!(found(&plain[..length]), Found::Part, "{length}");
        }
        for (line, field, is_plain) in [
            ("GET / HTTP/1.1", "Connection: Keep-Alive", true),
            ("GET / HTTP/1.1", "Connection: close", false),
            ("GET / HTTP/1.1", "Connection: keep-alive, upgrade", false),
            ("GET / HTTP/1.1", "Upgrade: websocket", false),
            ("GET / HTTP/1.1", "Content-Length: 0", false),
            ("GET / HTTP/1.1", "TRANSFER-ENCODING: chunked", false),
            ("GET / HTTP/1.1", "Expect: 100-continue", false),
            ("GET / HTTP/1.1", "Trailer: x", false),
            ("GET / HTTP/1.1", "Content-Length : 5", false),
            ("GET / HTTP/1.1", "A: b\r\n c", false),
            ("GET / HTTP/1.0", "A: b", false),
            ("HEAD / HTTP/1.1", "A: b", false),
            ("POST / HTTP/1.1", "A: b", false),
            ("GET http://x/ HTTP/1.1", "A: b", false),
            ("GET * HTTP/1.1", "A: b", false),
            ("GET /#a HTTP/1.1", "A: b", false),
            ("GET / a HTTP/1.1", "A: b", false),
            ("\r\nGET / HTTP/1.1", "A: b", false),
            ("PRI * HTTP/2.0", "A: b", false),
        ] {
            let head = format!("{line}\r\n{field}\r\n\r\n");
            assert_eq!(matches!(found(&head), Found::Plain(..)), is_plain, "{head:?}");
        }
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(MOST_FIELDS + 1));
        assert_eq!(found(&many), Found::Other);
    }

    #[test]
    fn an_answer_has_its_date_its_length_and_nothing_else_of_its_own() {
        let (mut bytes, mut date) = (Vec::new(), Date::default());
        for (second, expected) in
            [(784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT")]
        {
            bytes.clear();
            let mut answer = Answer::new(&mut bytes, &mut date);
            answer.begin(second);
            answer.fields("a: b\r\n");
            answer.end(b"{}");
            let text =
                format!("HTTP/1.1 200 OK\r\ndate: {expected}\r\na: b\r\ncontent-length: 2\r\n\r\n{{}}");
            assert_eq!(std::str::from_utf8(&bytes), Ok(text.as_str()));
        }
    }
}
