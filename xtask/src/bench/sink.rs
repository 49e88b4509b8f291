//! A mail server that takes everything and hands each code to whoever waits for that address. It keeps nothing.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use anyhow::Context as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

/// Who waits for a code, by address.
#[derive(Clone, Default)]
pub(crate) struct Mailboxes(Rc<RefCell<HashMap<String, oneshot::Sender<String>>>>);

impl Mailboxes {
    /// The code that will be mailed to `address`.
    pub(crate) fn expect(&self, address: &str) -> oneshot::Receiver<String> {
        let (sender, receiver) = oneshot::channel();
        self.0.borrow_mut().insert(address.to_owned(), sender);
        receiver
    }

    fn deliver(&self, address: &str, code: &str) {
        if let Some(waiting) = self.0.borrow_mut().remove(address) {
            // Whoever gave up waiting needs no code.
            let _ = waiting.send(code.to_owned());
        }
    }
}

/// Listens and takes mail on tasks of this thread.
///
/// # Errors
/// When it cannot listen.
pub(crate) async fn start(mailboxes: Mailboxes) -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    tokio::task::spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mailboxes = mailboxes.clone();
            // A connection that breaks shows as a code that never comes.
            tokio::task::spawn_local(async move { converse(stream, &mailboxes).await });
        }
    });
    Ok(port)
}

async fn converse(stream: TcpStream, mailboxes: &Mailboxes) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(b"220 sink\r\n").await?;
    let (mut line, mut address, mut replies) = (String::new(), String::new(), Vec::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" => replies.extend_from_slice(b"250-sink\r\n250-PIPELINING\r\n250 CHUNKING\r\n"),
            "RCPT" => {
                address = inside_brackets(&line).context("RCPT names nobody")?.to_owned();
                replies.extend_from_slice(b"250 ok\r\n");
            }
            "BDAT" => {
                let code = code_in_chunk(&mut stream, &line).await?;
                mailboxes.deliver(&address, &code);
                replies.extend_from_slice(b"250 taken\r\n");
            }
            "DATA" => {
                replies.extend_from_slice(b"354 go on\r\n");
                stream.get_mut().write_all(&replies).await?;
                let code = read_code(&mut stream).await?;
                mailboxes.deliver(&address, &code);
                replies.clear();
                replies.extend_from_slice(b"250 taken\r\n");
            }
            "QUIT" => return Ok(stream.get_mut().write_all(b"221 bye\r\n").await?),
            _ => replies.extend_from_slice(b"250 ok\r\n"),
        }
        // Commands that came together are answered together.
        if stream.buffer().is_empty() {
            stream.get_mut().write_all(&replies).await?;
            replies.clear();
        }
    }
}

fn inside_brackets(line: &str) -> Option<&str> {
    line.split_once('<')?.1.split_once('>').map(|(inside, _)| inside)
}

/// Reads a mail to its end; the code stands alone on a line.
async fn read_code(stream: &mut BufReader<TcpStream>) -> anyhow::Result<String> {
    let (mut line, mut code) = (String::new(), String::new());
    loop {
        line.clear();
        anyhow::ensure!(stream.read_line(&mut line).await? > 0, "the mail broke off");
        let text = line.trim_end();
        if text == "." {
            return Ok(code);
        }
        if code.is_empty() && is_code(text) {
            text.clone_into(&mut code);
        }
    }
}

/// Reads a mail that comes as one chunk (RFC 3030).
async fn code_in_chunk(stream: &mut BufReader<TcpStream>, command: &str) -> anyhow::Result<String> {
    let length = command.strip_prefix("BDAT ").and_then(|rest| rest.strip_suffix(" LAST\r\n"));
    let mut mail = vec![0; length.context("not the last chunk")?.parse()?];
    stream.read_exact(&mut mail).await?;
    let mail = String::from_utf8(mail)?;
    Ok(mail.lines().find(|text| is_code(text)).unwrap_or_default().to_owned())
}

fn is_code(line: &str) -> bool {
    line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit())
}
