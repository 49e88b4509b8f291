//! A mail server for tests: it takes what comes, or misbehaves as it is told.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::dialogue::Stream;
use crate::outbox::{
    address::Address,
    mail::{Envelope, Mail},
    render::Rendered,
};

/// A small mail with dots in it.
pub(crate) fn mail() -> Mail {
    Mail {
        id: "1".to_owned(),
        envelope: Envelope {
            from: Address::parse("login@shop.example").unwrap(),
            to: Address::parse("person@example.org").unwrap(),
        },
        message: b"Subject: Subject\r\n\r\nHello\r\n.\r\n..\r\n".to_vec(),
        rendered: Rendered { subject: "Subject".to_owned(), text: "Hello".to_owned(), html: String::new() },
    }
}

/// What the sink does instead of agreeing.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Says this.
    Say(String),
    /// Says this, a byte at a time.
    SaySlowly(String),
    /// Says this and hangs up.
    SayAndClose(String),
    /// Says this and nothing more, but goes on listening: half of the connection is closed.
    SayLast(String),
    /// Hangs up.
    Close,
    /// Says nothing at all.
    Silence,
}

/// `(verb, how often it came before) -> what to do`; the verbs are those of SMTP, `CONNECT` and `.`.
type Script = Arc<dyn Fn(&str, usize) -> Option<Action> + Send + Sync>;

/// When the sink speaks TLS.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Never,
    OnRequest,
    Always,
}

pub(crate) struct Sink {
    pub(crate) port: u16,
    pub(crate) connections: Arc<AtomicUsize>,
    /// Every line that came, messages included, with dots as they came.
    pub(crate) lines: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sink {
    /// A sink that agrees to everything and offers pipelining.
    pub(crate) async fn agreeable() -> Self {
        Self::start("PIPELINING\r\n", Tls::Never, |_, _| None).await
    }

    pub(crate) async fn start(
        extensions: &str,
        tls: Tls,
        script: impl Fn(&str, usize) -> Option<Action> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (lines, connections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
        let extensions =
            extensions.lines().fold("250-sink\r\n".to_owned(), |all, line| all + "250-" + line + "\r\n");
        let session = Session {
            extensions: extensions + "250 SIZE 1000000\r\n",
            tls,
            script: Arc::new(script),
            counts: Arc::default(),
            lines: lines.clone(),
        };
        let counted = connections.clone();
        let task = tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(session.clone().run(socket));
            }
        });
        Self { port, connections, lines, task }
    }

    /// How many lines begin with this.
    pub(crate) fn count(&self, start: &str) -> usize {
        self.lines.lock().iter().filter(|line| line.starts_with(start)).count()
    }
}

#[derive(Clone)]
struct Session {
    extensions: String,
    tls: Tls,
    script: Script,
    counts: Arc<Mutex<HashMap<String, usize>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

fn acceptor() -> TlsAcceptor {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("testdata/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("testdata/server.key")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

impl Session {
    async fn run(self, socket: TcpStream) {
        socket.set_nodelay(true).unwrap();
        let mut stream: BufStream<Box<dyn Stream>> = match self.tls {
            Tls::Always => match acceptor().accept(socket).await {
                Ok(encrypted) => BufStream::new(Box::new(encrypted)),
                Err(_) => return,
            },
            _ => BufStream::new(Box::new(socket)),
        };
        if !self.answer(&mut stream, "CONNECT", "220 sink\r\n").await {
            return;
        }
        while let Some(line) = self.line(&mut stream).await {
            let verb = line.split([' ', '\r']).next().unwrap_or_default().to_ascii_uppercase();
            // What comes after this command is read before it is answered, whatever the answer.
            if verb == "BDAT" && !self.chunk(&mut stream, &line).await {
                return;
            }
            let usual = match verb.as_str() {
                "EHLO" => self.extensions.as_str(),
                "DATA" => "354 go on\r\n",
                "AUTH" => "235 welcome\r\n",
                "STARTTLS" => "220 go on\r\n",
                "QUIT" => return,
                _ => "250 ok\r\n",
            };
            if !self.answer(&mut stream, &verb, usual).await {
                return;
            }
            if verb == "DATA"
                && self.action("is DATA refused", false).is_none()
                && !self.message(&mut stream).await
            {
                return;
            }
            if verb == "STARTTLS" && self.tls == Tls::OnRequest {
                match acceptor().accept(stream.into_inner()).await {
                    Ok(encrypted) => stream = BufStream::new(Box::new(encrypted)),
                    Err(_) => return,
                }
            }
        }
    }

    /// Takes lines until the one that is a dot.
    async fn message(&self, stream: &mut BufStream<Box<dyn Stream>>) -> bool {
        loop {
            match self.line(stream).await {
                Some(line) if line == ".\r\n" => return self.answer(stream, ".", "250 taken\r\n").await,
                Some(_) => {}
                None => return false,
            }
        }
    }

    /// Takes as many bytes as the command says, as one line.
    async fn chunk(&self, stream: &mut BufStream<Box<dyn Stream>>, command: &str) -> bool {
        let count = command.strip_suffix(" LAST\r\n").and_then(|command| command.strip_prefix("BDAT "));
        let mut content = vec![0; count.unwrap().parse().unwrap()];
        let came = stream.read_exact(&mut content).await.is_ok();
        self.lines.lock().push(String::from_utf8(content).unwrap());
        came
    }

    async fn line(&self, stream: &mut BufStream<Box<dyn Stream>>) -> Option<String> {
        let mut line = String::new();
        match stream.read_line(&mut line).await {
            Ok(1..) => {
                self.lines.lock().push(line.clone());
                Some(line)
            }
            _ => None,
        }
    }

    fn action(&self, verb: &str, count: bool) -> Option<Action> {
        let mut counts = self.counts.lock();
        let before = counts.entry(verb.to_owned()).or_default();
        let action = (self.script)(verb, *before);
        *before += usize::from(count);
        action
    }

    /// Whether the conversation goes on.
    async fn answer(&self, stream: &mut BufStream<Box<dyn Stream>>, verb: &str, usual: &str) -> bool {
        let action = self.action(verb, true).unwrap_or_else(|| Action::Say(usual.to_owned()));
        match action {
            Action::Say(text) => {
                stream.write_all(text.as_bytes()).await.is_ok() && stream.flush().await.is_ok()
            }
            Action::SaySlowly(text) => {
                for byte in text.bytes() {
                    stream.write_all(&[byte]).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                true
            }
            Action::SayAndClose(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                let _ = stream.flush().await;
                false
            }
            Action::SayLast(text) => {
                let _ = stream.write_all(text.as_bytes()).await;
                stream.shutdown().await.is_ok()
            }
            Action::Close => false,
            Action::Silence => {
                // Until the other side gives up.
                let _ = stream.read_to_end(&mut Vec::new()).await;
                false
            }
        }
    }
}
