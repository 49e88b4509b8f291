//! The world's mailboxes: a sender that keeps what it is given, and what a person reads in a mail.

use std::sync::atomic::{AtomicBool, Ordering};

use countersign_server::outbox::{
    mail::Mail,
    sender::{Reason, SendError, Sender},
};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Keeps every mail until a test reads it.
#[derive(Default)]
pub(crate) struct Mailbox {
    mails: Mutex<Vec<Mail>>,
    came: Notify,
    /// While this is set nothing leaves.
    pub(crate) is_down: AtomicBool,
}

/// A mail as a person reads it.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) mail: Mail,
}

impl Mailbox {
    /// Waits for the next mail to an address.
    pub(crate) async fn next(&self, address: &str) -> Letter {
        loop {
            let came = self.came.notified();
            tokio::pin!(came);
            came.as_mut().enable();
            if let Some(letter) = self.take(address) {
                return letter;
            }
            came.await;
        }
    }

    /// The oldest unread mail to an address.
    pub(crate) fn take(&self, address: &str) -> Option<Letter> {
        let mut mails = self.mails.lock();
        let place = mails.iter().position(|mail| mail.envelope.to.as_str() == address)?;
        Some(Letter { mail: mails.remove(place) })
    }

    /// How many mails nobody has read.
    pub(crate) fn unread(&self) -> usize {
        self.mails.lock().len()
    }
}

impl Sender for Mailbox {
    fn name(&self) -> &'static str {
        "mailbox"
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        Box::pin(async {
            if self.is_down.load(Ordering::SeqCst) {
                return Err(SendError::Later(Reason::Connect));
            }
            self.mails.lock().push(mail.clone());
            self.came.notify_waiters();
            Ok(())
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SendError>> {
        Box::pin(async { Ok(()) })
    }
}

impl Letter {
    /// The code, if there is one: from the origin-bound last line.
    pub(crate) fn find_code(&self) -> Option<String> {
        let last = self.mail.rendered.text.lines().rev().find(|line| !line.trim().is_empty())?;
        let (_, code) = last.strip_prefix('@')?.split_once(" #")?;
        Some(code.trim().to_owned())
    }

    /// The code.
    pub(crate) fn code(&self) -> String {
        self.find_code().expect("the mail has a code")
    }

    /// The link, if there is one.
    pub(crate) fn find_link(&self) -> Option<String> {
        let text = &self.mail.rendered.text;
        text.split_whitespace()
            .find(|word| word.contains("/link/") || word.contains("/undo/"))
            .map(str::to_owned)
    }

    /// The path of the link.
    pub(crate) fn link(&self) -> String {
        let link = self.find_link().expect("the mail has a link");
        let path = link.strip_prefix(super::settings::ISSUER).expect("the link begins with the issuer");
        path.to_owned()
    }

    /// The message as it goes over the wire.
    pub(crate) fn wire(&self) -> String {
        String::from_utf8(self.mail.message.clone()).unwrap()
    }
}
