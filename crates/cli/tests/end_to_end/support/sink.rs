//! A mail server that keeps what it is given, or misbehaves as it is told. Standard library only.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// How the sink behaves from the next command on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Takes everything.
    Agreeable,
    /// Puts every mail off.
    Later,
    /// Refuses every recipient for good.
    Never,
    /// Takes connections and says nothing; hangs up when the mood changes.
    Silent,
    /// Takes everything, a tenth of a second late.
    Slow,
}

/// A mail as it came.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// Its one recipient.
    pub(crate) to: String,
    /// Header and body.
    pub(crate) content: String,
}

/// A listening sink. Its threads end with the process.
#[derive(Clone)]
pub(crate) struct Sink {
    /// Where it listens.
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    mood: Mutex<Mood>,
    mails: Mutex<Vec<Mail>>,
    folder: Mutex<Option<PathBuf>>,
    news: Condvar,
}

impl Sink {
    /// An agreeable one.
    pub(crate) fn start() -> Self {
        Self::start_on(super::free_port(), Mood::Agreeable)
    }

    /// One in some mood, on a port that was kept for it.
    pub(crate) fn start_on(port: u16, mood: Mood) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let shared = Arc::new(Shared {
            mood: Mutex::new(mood),
            mails: Mutex::default(),
            folder: Mutex::default(),
            news: Condvar::new(),
        });
        let sink = Self { port, shared };
        let session = sink.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let session = session.clone();
                thread::spawn(move || drop(session.converse(connection)));
            }
        });
        sink
    }

    /// Changes its behaviour.
    pub(crate) fn become_of(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// Puts every mail from here on into a file of this folder too, for scripts to read.
    pub(crate) fn keep_in(&self, folder: &Path) {
        fs::create_dir_all(folder).unwrap();
        *self.shared.folder.lock().unwrap() = Some(folder.to_owned());
    }

    fn keep(&self, mail: Mail) -> std::io::Result<()> {
        let mut mails = self.shared.mails.lock().unwrap();
        if let Some(folder) = &*self.shared.folder.lock().unwrap() {
            // Whole, or not there yet.
            let part = folder.join("part");
            fs::write(&part, &mail.content)?;
            fs::rename(part, folder.join(format!("{:06}.eml", mails.len())))?;
        }
        mails.push(mail);
        self.shared.news.notify_all();
        Ok(())
    }

    /// Every mail so far.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.shared.mails.lock().unwrap().clone()
    }

    /// The newest mail to somebody, waiting for it.
    pub(crate) fn mail_to(&self, address: &str, patience: Duration) -> Option<Mail> {
        self.mail_beyond(0, address, patience)
    }

    /// How many mails there are to somebody.
    pub(crate) fn count_to(&self, address: &str) -> usize {
        self.shared.mails.lock().unwrap().iter().filter(|mail| mail.to == address).count()
    }

    /// The newest mail to somebody, waiting until there are more than `known`.
    pub(crate) fn mail_beyond(&self, known: usize, address: &str, patience: Duration) -> Option<Mail> {
        let end = Instant::now() + patience;
        let mut mails = self.shared.mails.lock().unwrap();
        loop {
            if let Some(mail) = mails.iter().filter(|mail| mail.to == address).skip(known).last() {
                return Some(mail.clone());
            }
            let left = end.checked_duration_since(Instant::now())?;
            mails = self.shared.news.wait_timeout(mails, left).unwrap().0;
        }
    }

    fn mood(&self) -> Mood {
        *self.shared.mood.lock().unwrap()
    }

    fn converse(&self, connection: TcpStream) -> std::io::Result<()> {
        if self.mood() == Mood::Silent {
            while self.mood() == Mood::Silent {
                thread::sleep(Duration::from_millis(20));
            }
            return Ok(());
        }
        let mut reader = BufReader::new(connection.try_clone()?);
        let mut writer = connection;
        writer.write_all(b"220 sink.example ESMTP\r\n")?;
        let (mut to, mut line) = (String::new(), String::new());
        while reader.read_line(&mut line)? > 0 {
            let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            let answer = match (verb.as_str(), self.mood()) {
                ("MAIL", Mood::Later) => "451 4.3.0 come back",
                ("RCPT", Mood::Never) => "550 5.1.1 nobody of that name",
                ("RCPT", _) => {
                    to = line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    "250 ok"
                }
                ("DATA", mood) => {
                    writer.write_all(b"354 go on\r\n")?;
                    let content = content(&mut reader)?;
                    if mood == Mood::Slow {
                        thread::sleep(Duration::from_millis(100));
                    }
                    self.keep(Mail { to: to.clone(), content })?;
                    "250 kept"
                }
                ("QUIT", _) => return writer.write_all(b"221 bye\r\n"),
                _ => "250 ok",
            };
            writer.write_all(format!("{answer}\r\n").as_bytes())?;
            line.clear();
        }
        Ok(())
    }
}

fn content(reader: &mut impl std::io::BufRead) -> std::io::Result<String> {
    let mut content = String::new();
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        if line == ".\r\n" {
            return Ok(content);
        }
        content += line.strip_prefix('.').unwrap_or(&line);
        line.clear();
    }
    Err(std::io::ErrorKind::UnexpectedEof.into())
}

impl Mail {
    /// The text for people, decoded.
    pub(crate) fn text(&self) -> String {
        let part = self.content.split("quoted-printable\r\n\r\n").nth(1).unwrap_or_default();
        let part = part.split("--=_").next().unwrap_or_default().replace("=\r\n", "");
        let mut pieces = part.split('=');
        let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
        for piece in pieces {
            let (hex, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
            bytes.extend(u8::from_str_radix(hex, 16).ok());
            bytes.extend_from_slice(rest.as_bytes());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The code, from the line that ties it to the server's host.
    pub(crate) fn code(&self) -> String {
        let text = self.text();
        let line = text.lines().rev().find(|line| line.starts_with('@') && line.contains(" #"));
        let line = line.unwrap_or_else(|| panic!("no line with a code in {text}"));
        line.rsplit('#').next().unwrap_or_default().trim().to_owned()
    }

    /// The path of the link.
    pub(crate) fn link(&self) -> String {
        let text = self.text();
        let start = text.find("/link/").unwrap_or_else(|| panic!("no link in {text}"));
        text[start..].split_whitespace().next().unwrap_or_default().to_owned()
    }
}
