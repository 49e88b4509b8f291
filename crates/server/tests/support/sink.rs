//! An SMTP server that keeps what it is given, for tests that look at mail as it arrives. It offers no extension,
//! not even 8BITMIME, and refuses recipients whose local part is `refused`.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// A mail as it came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mail {
    /// The envelope sender, without brackets.
    pub(crate) sender: String,
    /// The envelope recipients, without brackets.
    pub(crate) recipients: Vec<String>,
    /// Header and body, dots unstuffed, every line ended by CR LF.
    pub(crate) content: Vec<u8>,
}

/// A listening sink. Its thread ends with the process.
pub(crate) struct Sink {
    address: SocketAddr,
    mails: Receiver<Mail>,
}

impl Sink {
    /// Starts one on a free loopback port.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("its address");
        let (keep, mails) = channel();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let keep = keep.clone();
                thread::spawn(move || drop(converse(connection, &keep)));
            }
        });
        Self { address, mails }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next mail, or `None` when none comes within the time.
    pub(crate) fn next(&self, within: Duration) -> Option<Mail> {
        self.mails.recv_timeout(within).ok()
    }
}

fn converse(connection: TcpStream, keep: &Sender<Mail>) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut writer = connection;
    writer.write_all(b"220 sink.example ESMTP\r\n")?;
    let mut mail = Mail::default();
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        let command = line.trim_end().to_owned();
        line.clear();
        let verb = command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match verb.as_str() {
            "EHLO" | "HELO" | "NOOP" => "250 sink.example",
            "MAIL" => {
                mail = Mail { sender: path(&command), ..Mail::default() };
                "250 ok"
            }
            "RCPT" if path(&command).starts_with("refused@") => "550 5.1.1 nobody of that name",
            "RCPT" => {
                mail.recipients.push(path(&command));
                "250 ok"
            }
            "DATA" => {
                writer.write_all(b"354 go on\r\n")?;
                mail.content = content(&mut reader)?;
                drop(keep.send(std::mem::take(&mut mail)));
                "250 kept"
            }
            "RSET" => {
                mail = Mail::default();
                "250 ok"
            }
            "QUIT" => return writer.write_all(b"221 bye\r\n"),
            _ => "502 not here",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes())?;
    }
    Ok(())
}

/// What stands between the brackets.
fn path(command: &str) -> String {
    let inner = command.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map(|(path, _)| path.to_owned()).unwrap_or_default()
}

fn content(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let mut line = Vec::new();
        if reader.read_until(b'\n', &mut line)? == 0 || line == b".\r\n" {
            return Ok(content);
        }
        content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
    }
}
