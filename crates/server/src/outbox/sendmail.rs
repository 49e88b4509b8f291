//! Hands mails to the machine's own mail server through its `sendmail` program, which every mail server for Unix
//! brings. Knows its arguments and exit codes (sysexits.h); knows no SMTP.

use std::{path::PathBuf, process::Stdio, time::Duration};

use futures_util::future::{BoxFuture, FutureExt as _};
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::{
    mail::Mail,
    sender::{Reason, SendError, Sender},
};

/// How to run the program.
#[derive(Clone, Debug)]
pub struct SendmailOptions {
    /// The program, `/usr/sbin/sendmail` by default.
    pub program: PathBuf,
    /// Longest time for one mail, 30 seconds by default; then the program is killed.
    pub timeout: Duration,
}

impl Default for SendmailOptions {
    fn default() -> Self {
        Self { program: "/usr/sbin/sendmail".into(), timeout: Duration::from_secs(30) }
    }
}

/// Runs `sendmail -i -f <from> -- <to>` with the message as its input.
pub struct SendmailSender {
    options: SendmailOptions,
}

/// `EX_DATAERR`, `EX_NOUSER`, `EX_NOHOST`: it will be the same next time.
const FOR_GOOD: [u16; 3] = [65, 67, 68];

impl SendmailSender {
    /// A sender that runs a program.
    #[must_use]
    pub const fn new(options: SendmailOptions) -> Self {
        Self { options }
    }

    async fn run(&self, mail: &Mail) -> Result<(), SendError> {
        let mut child = Command::new(&self.options.program)
            .args(["-i", "-f", mail.envelope.from.as_str(), "--", mail.envelope.to.as_str()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|_| SendError::Later(Reason::Local))?;
        // A program that does not read to the end still has an exit code, and that is what counts.
        if let Some(mut input) = child.stdin.take() {
            let _ = input.write_all(&local_lines(&mail.message)).await;
        }
        let status = child.wait().await.map_err(|_| SendError::Later(Reason::Local))?;
        let code = status.code().and_then(|code| u16::try_from(code).ok());
        match code.ok_or(SendError::Later(Reason::Local))? {
            0 => Ok(()),
            code if FOR_GOOD.contains(&code) => Err(SendError::Never(Reason::Rejected(code))),
            code => Err(SendError::Later(Reason::Deferred(code))),
        }
    }
}

impl Sender for SendmailSender {
    fn name(&self) -> &'static str {
        "sendmail"
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        async move {
            let sent = tokio::time::timeout(self.options.timeout, self.run(mail)).await;
            sent.unwrap_or(Err(SendError::Later(Reason::Timeout)))
        }
        .boxed()
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SendError>> {
        async move {
            match tokio::fs::metadata(&self.options.program).await {
                Ok(metadata) if metadata.is_file() => Ok(()),
                _ => Err(SendError::Later(Reason::Local)),
            }
        }
        .boxed()
    }
}

/// The message as programs of this machine expect text: lines that end with LF alone.
fn local_lines(message: &[u8]) -> Vec<u8> {
    message.iter().copied().filter(|byte| *byte != b'\r').collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::outbox::smtp::sink;

    fn program(folder: &tempfile::TempDir, script: &str) -> SendmailSender {
        let program = folder.path().join("sendmail");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        SendmailSender::new(SendmailOptions { program, timeout: Duration::from_millis(1500) })
    }

    // One test, for a program cannot be started while a child of another test still has it open.
    #[tokio::test]
    async fn passes_arguments_and_input_and_understands_exit_codes() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let sender = program(&folder, &format!("echo \"$@\" > {0}; cat >> {0}", out.display()));
        sender.check().await.unwrap();
        sender.send(&sink::mail()).await.unwrap();
        let expected = "-i -f login@shop.example -- person@example.org\nSubject: Subject\n\nHello\n.\n..\n";
        assert_eq!(std::fs::read_to_string(out).unwrap(), expected);

        let cases = [
            ("exit 75", SendError::Later(Reason::Deferred(75))),
            ("exit 64", SendError::Later(Reason::Deferred(64))),
            ("exit 67", SendError::Never(Reason::Rejected(67))),
            ("kill -9 $$", SendError::Later(Reason::Local)),
            ("exec sleep 60", SendError::Later(Reason::Timeout)),
        ];
        for (script, expected) in cases {
            assert_eq!(program(&folder, script).send(&sink::mail()).await, Err(expected), "{script}");
        }
        let missing =
            SendmailSender::new(SendmailOptions { program: "/nonexistent".into(), ..Default::default() });
        assert_eq!(missing.send(&sink::mail()).await, Err(SendError::Later(Reason::Local)));
        assert_eq!(missing.check().await, Err(SendError::Later(Reason::Local)));
    }
}
