//! A load of `GET` requests from one core: it never sleeps, so that it is faster than what it measures, and a request
//! has its time from when it was due, not from when a connection was free for it.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

/// Connections at once.
const CONNECTIONS: usize = 16;
/// An answer that takes longer will not come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where requests come from, one after the other; `None` ends the load early.
pub(crate) type Requests<'a> = dyn FnMut() -> Option<&'a [u8]> + 'a;

/// What a load saw.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Answers with status 200.
    pub(crate) good: usize,
    /// Other answers.
    pub(crate) bad: usize,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// From when a request was due to its answer.
    pub(crate) latencies: Vec<Duration>,
}

impl Load {
    /// Before anything was asked.
    pub(crate) const fn none() -> Self {
        Self { good: 0, bad: 0, elapsed: Duration::ZERO, latencies: Vec::new() }
    }

    /// Takes in a later part of the same load.
    pub(crate) fn extend(&mut self, part: Self) {
        self.good += part.good;
        self.bad += part.bad;
        self.elapsed += part.elapsed;
        self.latencies.extend(part.latencies);
    }

    /// Answers in a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.good as f64 / self.elapsed.as_secs_f64()
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
    due: Option<Instant>,
}

/// Sends requests for `long`, as many as are answered, or `rate` of them a second.
///
/// # Errors
/// When the server closes a connection or does not answer.
pub(crate) fn load(
    port: u16,
    requests: &mut Requests<'_>,
    long: Duration,
    rate: Option<f64>,
) -> anyhow::Result<Load> {
    let mut connections = (0..CONNECTIONS).map(|_| connect(port)).collect::<anyhow::Result<Vec<_>>>()?;
    let pause = rate.map(|rate| Duration::from_secs_f64(1.0 / rate));
    let mut load = Load::none();
    let began = Instant::now();
    let mut due = began;
    let (mut ended, mut waiting) = (false, 0);
    while !(ended && waiting == 0) {
        for connection in &mut connections {
            if let Some(since) = connection.due {
                let Some(good) = connection.receive()? else { continue };
                if good {
                    load.good += 1;
                } else {
                    load.bad += 1;
                }
                if pause.is_some() {
                    load.latencies.push(since.elapsed());
                }
                connection.due = None;
                waiting -= 1;
            }
            let now = Instant::now();
            ended |= now.duration_since(began) >= long;
            if ended || pause.is_some() && now < due {
                continue;
            }
            let Some(request) = requests() else {
                ended = true;
                continue;
            };
            connection.send(request, if pause.is_some() { due } else { now })?;
            due += pause.unwrap_or_default();
            waiting += 1;
        }
        let late = Instant::now().duration_since(began).saturating_sub(long);
        anyhow::ensure!(late < PATIENCE, "{waiting} requests were not answered");
    }
    load.elapsed = began.elapsed();
    Ok(load)
}

fn connect(port: u16) -> anyhow::Result<Connection> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    Ok(Connection { stream, buffer: vec![0; 4096], filled: 0, due: None })
}

impl Connection {
    fn send(&mut self, request: &[u8], due: Instant) -> anyhow::Result<()> {
        self.due = Some(due);
        self.filled = 0;
        // One request is far smaller than the socket's buffer, which is empty.
        self.stream.write_all(request).context("a request could not be sent")
    }

    /// Whether the answer was a 200, once it is there as a whole.
    fn receive(&mut self) -> anyhow::Result<Option<bool>> {
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(read) => self.filled += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let answer = &self.buffer[..self.filled];
        Ok(is_whole(answer).then(|| answer.starts_with(b"HTTP/1.1 200")))
    }
}

/// Whether `answer` holds a head and as many bytes after it as it says. Line by line: a search for the end of a long head
/// at every place of it would take longer than the server's answer.
fn is_whole(answer: &[u8]) -> bool {
    const LENGTH: &[u8] = b"content-length: ";
    let (mut head, mut length) = (0, 0);
    for line in answer.split_inclusive(|byte| *byte == b'\n') {
        head += line.len();
        if line == b"\r\n" {
            return answer.len() >= head + length;
        }
        if let Some((name, digits)) = line.split_at_checked(LENGTH.len())
            && name.eq_ignore_ascii_case(LENGTH)
        {
            let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
            length = digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
        }
    }
    false
}
