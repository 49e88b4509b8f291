//! A conversation with one SMTP server over a stream that is ready: who writes what when (RFC 5321, 2920, 3030, 4954).
//! Decides which failures are the server's, which the mail's; knows no pools, no names and no clock.

use countersign_domain::secret::Secret;
use data_encoding::BASE64;
use futures_util::future::FutureExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{
    Credentials,
    reply::{self, Reply},
    wire,
};
use crate::outbox::{
    mail::Mail,
    sender::{Reason, SendError},
};

/// What bytes go over: a socket, encrypted or not.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why a mail did not get through, by what is to be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The server has spoken about this mail.
    Refused(SendError),
    /// This connection or this server is of no use now; it does not have the mail.
    Unusable(Reason),
    /// The conversation broke after the message began, or after all of it was sent at once: the server may have it.
    Lost(Reason),
}

impl Failure {
    pub(super) const fn reason(self) -> Reason {
        match self {
            Self::Refused(error) => error.reason(),
            Self::Unusable(reason) | Self::Lost(reason) => reason,
        }
    }
}

/// What a server said it can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub(super) pipelining: bool,
    pub(super) chunking: bool,
    pub(super) starttls: bool,
    pub(super) plain: bool,
    pub(super) login: bool,
}

/// One connection, from its greeting on.
pub(super) struct Dialogue {
    stream: Box<dyn Stream>,
    extensions: Extensions,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
    /// Mails taken so far.
    sent: u32,
    /// A transaction was left open: the next one begins with `RSET`.
    open_transaction: bool,
    broken: bool,
}

impl Dialogue {
    pub(super) fn new(stream: Box<dyn Stream>) -> Self {
        let (incoming, outgoing) = (Vec::with_capacity(1024), Vec::with_capacity(8 * 1024));
        let extensions = Extensions::default();
        Self { stream, extensions, incoming, outgoing, sent: 0, open_transaction: false, broken: false }
    }

    /// Whether another mail can go this way: nothing broke, and nothing was said that nobody asked for.
    pub(super) fn is_usable(&self) -> bool {
        !self.broken && self.incoming.is_empty()
    }

    /// Whether nothing happened while the connection was kept: a server that hung up or spoke meanwhile is done with
    /// it. Asks the socket only, and waits for nothing.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.stream.read_buf(&mut self.incoming).now_or_never().is_none()
    }

    /// Waits for the greeting.
    pub(super) async fn greeting(&mut self) -> Result<(), Failure> {
        let reply = self.reply().await?;
        self.forget(reply);
        self.require(reply, 220)
    }

    /// Says who we are and hears what the server can do.
    pub(super) async fn hello(&mut self, name: &str) -> Result<(), Failure> {
        self.write(&["EHLO ", name, "\r\n"]).await?;
        let reply = self.reply().await?;
        let words = self.incoming.get(..reply.length).unwrap_or_default();
        self.extensions = extensions(words);
        self.forget(reply);
        self.require(reply, 250)
    }

    /// Asks to go on encrypted, and gives back the bare stream. Whatever the server said beyond its consent was
    /// perhaps put there by somebody on the way, to be taken for an encrypted answer: it ends the conversation.
    pub(super) async fn start_tls(mut self) -> Result<Box<dyn Stream>, Failure> {
        if !self.extensions.starttls || self.command(&["STARTTLS\r\n"]).await?.code != 220 {
            return Err(Failure::Unusable(Reason::Tls));
        }
        if self.incoming.is_empty() { Ok(self.stream) } else { Err(Failure::Unusable(Reason::Protocol)) }
    }

    /// Proves who we are (RFC 4954): PLAIN if it is offered, else LOGIN.
    pub(super) async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), Failure> {
        let (username, password) = (&credentials.username, credentials.password.expose());
        let encode = |text: &str| Secret::new(BASE64.encode(text.as_bytes()));
        let reply = if self.extensions.plain {
            let both = Secret::new(format!("\0{username}\0{password}"));
            self.command(&["AUTH PLAIN ", encode(both.expose()).expose(), "\r\n"]).await?
        } else if self.extensions.login {
            let mut reply = self.command(&["AUTH LOGIN\r\n"]).await?;
            for answer in [encode(username), encode(password)] {
                if reply.code == 334 {
                    reply = self.command(&[answer.expose(), "\r\n"]).await?;
                }
            }
            reply
        } else {
            return Err(Failure::Unusable(Reason::Authentication));
        };
        match reply.code {
            235 => Ok(()),
            code @ 400..=499 => Err(Failure::Unusable(Reason::Deferred(code))),
            _ => Err(Failure::Unusable(Reason::Authentication)),
        }
    }

    /// Hands over one mail to one recipient.
    pub(super) async fn send(&mut self, mail: &Mail) -> Result<(), Failure> {
        if self.extensions.pipelining && self.extensions.chunking {
            return self.send_at_once(mail).await;
        }
        self.envelope(mail).await?;
        let handed = self.message(&mail.message).await;
        if let Err(Failure::Unusable(reason)) = handed {
            return Err(Failure::Lost(reason));
        }
        handed
    }

    /// Takes leave, having made sure that the server still answers.
    pub(super) async fn quit(mut self) -> Result<(), Failure> {
        let reply = self.command(&["NOOP\r\n"]).await?;
        self.require(reply, 250)?;
        // Nothing depends on how the server says goodbye.
        let _ = self.write(&["QUIT\r\n"]).await;
        Ok(())
    }

    /// Envelope and message in one write (RFC 3030): one round trip a mail.
    async fn send_at_once(&mut self, mail: &Mail) -> Result<(), Failure> {
        let was_idle = self.sent > 0 && !self.open_transaction;
        if self.open_transaction {
            // Heard before anything else is sent: were it refused, the last recipient might get this mail too.
            let reply = self.command(&["RSET\r\n"]).await?;
            self.judge(Step::Reset, reply.code)?;
        }
        self.open_transaction = true;
        self.outgoing.clear();
        let (from, to) = (mail.envelope.from.as_str(), mail.envelope.to.as_str());
        for part in ["MAIL FROM:<", from, ">\r\nRCPT TO:<", to, ">\r\n"] {
            self.outgoing.extend_from_slice(part.as_bytes());
        }
        wire::chunk(&mail.message, &mut self.outgoing);
        // Of what could not be written the server has no end, so it does not have the mail.
        self.flush().await?;
        self.replies_at_once(was_idle).await
    }

    /// The answers to a mail sent at once: the first refusal counts, but all are heard that a connection has to be
    /// kept for. When one does not come, or is none, the server may have the mail.
    async fn replies_at_once(&mut self, was_idle: bool) -> Result<(), Failure> {
        let mut verdict = Ok(());
        for step in [Step::Mail, Step::Recipient, Step::Chunk] {
            let reply = match self.reply().await {
                Ok(reply) => reply,
                // Not one byte came: the server hung up while we wrote, and nobody read it (decision 0002).
                Err(gone) if was_idle && step == Step::Mail && self.incoming.is_empty() => return Err(gone),
                Err(failure) => return verdict.and(Err(Failure::Lost(failure.reason()))),
            };
            self.forget(reply);
            let judged = self.judge(step, reply.code);
            // It took a message for somebody it had refused: who knows what else it does.
            self.broken |= verdict.is_err() && judged.is_ok() && step == Step::Chunk;
            verdict = match judged {
                // No refusal, no consent: the message after it may still be taken.
                Err(Failure::Unusable(Reason::Protocol)) => verdict.and(Err(Failure::Lost(Reason::Protocol))),
                _ => verdict.and(judged),
            };
            if verdict.is_err() && self.broken {
                return verdict;
            }
        }
        if verdict.is_ok() {
            self.taken();
        }
        verdict
    }

    /// `MAIL`, `RCPT` and `DATA`, in one write where the server allows it.
    async fn envelope(&mut self, mail: &Mail) -> Result<(), Failure> {
        let (from, to) = (mail.envelope.from.as_str(), mail.envelope.to.as_str());
        let commands: [(Step, &[&str]); 4] = [
            (Step::Reset, &["RSET\r\n"]),
            (Step::Mail, &["MAIL FROM:<", from, ">\r\n"]),
            (Step::Recipient, &["RCPT TO:<", to, ">\r\n"]),
            (Step::Data, &["DATA\r\n"]),
        ];
        let needed = commands.get(usize::from(!self.open_transaction)..).unwrap_or_default();
        self.open_transaction = true;
        if !self.extensions.pipelining {
            for (step, command) in needed {
                let reply = self.command(command).await?;
                self.judge(*step, reply.code)?;
            }
            return Ok(());
        }
        let together: Vec<&str> = needed.iter().flat_map(|(_, command)| command.iter().copied()).collect();
        self.write(&together).await?;
        self.envelope_replies(needed.iter().map(|(step, _)| *step)).await
    }

    /// The answers to commands sent together: the first refusal counts, but all are heard.
    async fn envelope_replies(&mut self, steps: impl Iterator<Item = Step>) -> Result<(), Failure> {
        let mut verdict = Ok(());
        for step in steps {
            let reply = match self.reply().await {
                Ok(reply) => reply,
                Err(failure) => return verdict.and(Err(failure)),
            };
            self.forget(reply);
            if verdict.is_ok() {
                verdict = self.judge(step, reply.code);
            } else if reply.code == 354 {
                // It waits for a message that it will not get; an empty one might be delivered.
                self.broken = true;
            }
        }
        verdict
    }

    /// What an answer means.
    fn judge(&mut self, step: Step, code: u16) -> Result<(), Failure> {
        let busy_with_us = step == Step::Mail && self.sent > 0;
        let (failure, breaks) = match (step, code) {
            (Step::Data, 354) => return Ok(()),
            (Step::Reset | Step::Mail | Step::Recipient | Step::Chunk, 250..=259) => return Ok(()),
            // It does not know what it offered, and now takes the message for commands.
            (Step::Chunk, 500..=502 | 504) => (Failure::Unusable(Reason::Rejected(code)), true),
            (_, 421) => (Failure::Unusable(Reason::Deferred(421)), true),
            (_, 530 | 535 | 538) => (Failure::Unusable(Reason::Authentication), true),
            // Some servers count mails per connection; a fresh one may do.
            (_, 400..=499) if busy_with_us => (Failure::Unusable(Reason::Deferred(code)), true),
            (Step::Reset, _) | (_, 200..=399) => (Failure::Unusable(Reason::Protocol), true),
            (_, 400..=499) => (Failure::Refused(SendError::Later(Reason::Deferred(code))), false),
            // It is our own address that is refused: somebody can mend that.
            (Step::Mail, _) => (Failure::Refused(SendError::Later(Reason::Rejected(code))), false),
            _ => (Failure::Refused(SendError::Never(Reason::Rejected(code))), false),
        };
        self.broken |= breaks;
        Err(failure)
    }

    /// The message and its end; the server's answer settles the matter.
    async fn message(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.outgoing.clear();
        wire::stuff_dots(message, &mut self.outgoing);
        self.flush().await?;
        let reply = self.reply().await?;
        self.forget(reply);
        self.open_transaction = false;
        self.broken |= reply.code == 421;
        match reply.code {
            250..=259 => {
                self.taken();
                Ok(())
            }
            code @ 400..=499 => Err(Failure::Refused(SendError::Later(Reason::Deferred(code)))),
            code @ 500..=599 => Err(Failure::Refused(SendError::Never(Reason::Rejected(code)))),
            _ => Err(self.unusable(Reason::Protocol)),
        }
    }

    const fn taken(&mut self) {
        self.sent = self.sent.saturating_add(1);
        self.open_transaction = false;
    }

    async fn command(&mut self, parts: &[&str]) -> Result<Reply, Failure> {
        self.write(parts).await?;
        let reply = self.reply().await?;
        self.forget(reply);
        Ok(reply)
    }

    async fn write(&mut self, parts: &[&str]) -> Result<(), Failure> {
        self.outgoing.clear();
        parts.iter().for_each(|part| self.outgoing.extend_from_slice(part.as_bytes()));
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Failure> {
        let written = match self.stream.write_all(&self.outgoing).await {
            Ok(()) => self.stream.flush().await,
            error => error,
        };
        written.map_err(|_| self.unusable(Reason::Lost))
    }

    /// The next reply; its bytes stay at the start of the buffer until it is [forgotten](Self::forget).
    async fn reply(&mut self) -> Result<Reply, Failure> {
        loop {
            match reply::parse(&self.incoming) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(reply::Garbage) => return Err(self.unusable(Reason::Protocol)),
            }
            match self.stream.read_buf(&mut self.incoming).await {
                Ok(1..) => {}
                _ => return Err(self.unusable(Reason::Lost)),
            }
        }
    }

    fn forget(&mut self, reply: Reply) {
        self.incoming.drain(..reply.length);
    }

    /// A reply that must have one code: others make the server unusable for now.
    fn require(&mut self, reply: Reply, code: u16) -> Result<(), Failure> {
        match reply.code {
            good if good == code => Ok(()),
            code @ 400..=499 => Err(self.unusable(Reason::Deferred(code))),
            code @ 500..=599 => Err(self.unusable(Reason::Rejected(code))),
            _ => Err(self.unusable(Reason::Protocol)),
        }
    }

    fn unusable(&mut self, reason: Reason) -> Failure {
        self.broken = true;
        Failure::Unusable(reason)
    }
}

/// The commands of a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Reset,
    Mail,
    Recipient,
    Data,
    Chunk,
}

fn extensions(reply: &[u8]) -> Extensions {
    let mut found = Extensions::default();
    // The first line is the server's name.
    for line in reply::lines(reply).skip(1) {
        let mut words = line.split([' ', '=']).map(str::to_ascii_uppercase);
        match words.next().as_deref() {
            Some("PIPELINING") => found.pipelining = true,
            Some("CHUNKING") => found.chunking = true,
            Some("STARTTLS") => found.starttls = true,
            Some("AUTH") => words.for_each(|mechanism| {
                found.plain |= mechanism == "PLAIN";
                found.login |= mechanism == "LOGIN";
            }),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hears_what_a_server_can_do() {
        let said = b"250-sink\r\n250-pipelining\r\n250-CHUNKING\r\n250-STARTTLS\r\n250 AUTH=LOGIN plain\r\n";
        let all = Extensions { pipelining: true, chunking: true, starttls: true, plain: true, login: true };
        assert_eq!(extensions(said), all);
        assert_eq!(extensions(b"250 PIPELINING\r\n"), Extensions::default());
    }
}
