//! A collector of traces (OTLP over HTTP, JSON) that keeps what it is given, or takes connections and says nothing.
//! Standard library only.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

/// A listening collector. Its threads end with the process.
#[derive(Clone)]
pub(crate) struct Collector {
    /// Where it listens.
    pub(crate) port: u16,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    /// One that takes everything.
    pub(crate) fn start() -> Self {
        let collector = Self::bind();
        let keeper = collector.0.clone();
        thread::spawn(move || {
            for connection in collector.1.incoming().flatten() {
                keeper.take(connection).unwrap();
            }
        });
        collector.0
    }

    /// One that takes connections and never answers.
    pub(crate) fn silent() -> Self {
        let (collector, listener) = Self::bind();
        thread::spawn(move || listener.incoming().collect::<Vec<_>>());
        collector
    }

    fn bind() -> (Self, TcpListener) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        (Self { port, bodies: Arc::default() }, listener)
    }

    /// The section of the configuration that sends traces here.
    pub(crate) fn settings(&self) -> String {
        format!("[telemetry]\nendpoint = 'http://127.0.0.1:{}/'\nservice_name = 'sign-in'\n", self.port)
    }

    /// Everything that came, as it came.
    pub(crate) fn text(&self) -> String {
        self.bodies.lock().unwrap().join("\n")
    }

    /// Every span that came.
    pub(crate) fn spans(&self) -> Vec<Value> {
        let bodies = self.bodies.lock().unwrap();
        bodies.iter().flat_map(|body| spans_of(&serde_json::from_str(body).unwrap())).collect()
    }

    fn take(&self, mut connection: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(connection.try_clone()?);
        let (mut length, mut line, mut first) = (0, String::new(), String::new());
        while reader.read_line(&mut line)? > 2 {
            if first.is_empty() {
                first.clone_from(&line);
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        assert_eq!(first.trim(), "POST /v1/traces HTTP/1.1");
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        self.bodies.lock().unwrap().push(String::from_utf8(body).unwrap());
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
    }
}

fn spans_of(body: &Value) -> Vec<Value> {
    let resource = &body["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "sign-in");
    resource["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}
