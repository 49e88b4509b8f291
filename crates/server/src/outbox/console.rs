//! Prints mails for somebody who develops, instead of sending them. Not a log: it is chosen by configuration, and
//! it shows codes.

use std::io::Write;

use futures_util::future::{self, BoxFuture, FutureExt as _};
use parking_lot::Mutex;

use super::{
    mail::Mail,
    sender::{Reason, SendError, Sender},
};

/// Writes the text of every mail to a terminal or whatever it is given.
pub struct ConsoleSender {
    output: Mutex<Box<dyn Write + Send>>,
}

impl ConsoleSender {
    /// A sender that writes there; it holds a lock while it does.
    #[must_use]
    pub fn new(output: Box<dyn Write + Send>) -> Self {
        Self { output: Mutex::new(output) }
    }

    fn print(&self, mail: &Mail) -> std::io::Result<()> {
        let mut output = self.output.lock();
        let (to, rendered) = (mail.envelope.to.as_str(), &mail.rendered);
        // Printing a control character would let a text move the terminal's cursor.
        let text = rendered.text.trim_end().replace(|c: char| c.is_control() && c != '\n', " ");
        write!(output, "──── mail to {to}\n{}\n\n{text}\n────\n", rendered.subject)?;
        output.flush()
    }
}

impl Sender for ConsoleSender {
    fn name(&self) -> &'static str {
        "console"
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        future::ready(self.print(mail).map_err(|_| SendError::Later(Reason::Local))).boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SendError>> {
        future::ready(Ok(())).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::outbox::smtp::sink;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn prints_text_without_control_characters() {
        let output = Shared::default();
        let mut mail = sink::mail();
        mail.rendered.text = "Hello\n\x1b[2J123456\n".to_owned();
        ConsoleSender::new(Box::new(output.clone())).send(&mail).await.unwrap();
        let printed = String::from_utf8(output.0.lock().clone()).unwrap();
        assert_eq!(printed, "──── mail to person@example.org\nSubject\n\nHello\n [2J123456\n────\n");
    }
}
