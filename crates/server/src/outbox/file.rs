//! Puts every mail into a folder as an `.eml` file, for tests and for whatever picks them up from there. A file is
//! there whole or not at all, and only its owner can read it.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use futures_util::future::{BoxFuture, FutureExt as _};

use super::{
    mail::Mail,
    sender::{Reason, SendError, Sender},
};

/// Writes `<id>.eml` files. The same mail sent again replaces its file.
pub struct FileSender {
    folder: PathBuf,
}

impl FileSender {
    /// A sender that writes into a folder, which it makes (mode 0700) when it is missing.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }
}

impl Sender for FileSender {
    fn name(&self) -> &'static str {
        "file"
    }

    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), SendError>> {
        let (folder, name, message) = (self.folder.clone(), file_name(&mail.id), mail.message.clone());
        blocking(move || write(&folder, &name, &message))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), SendError>> {
        let folder = self.folder.clone();
        blocking(move || {
            write(&folder, "check", b"").and_then(|()| fs::remove_file(folder.join("check.eml")))
        })
    }
}

fn blocking(
    work: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> BoxFuture<'static, Result<(), SendError>> {
    async move {
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(SendError::Later(Reason::Local)),
        }
    }
    .boxed()
}

/// An id as a file's name: nothing but letters, digits, dashes and underscores.
fn file_name(id: &str) -> String {
    id.chars().take(128).map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

fn write(folder: &Path, name: &str, message: &[u8]) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let temporary = folder.join(format!(".{name}.tmp"));
    // What an earlier try left behind is not ours to trust: a fresh file has the right mode.
    if let Err(error) = fs::remove_file(&temporary)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(message)?;
    file.sync_all()?;
    fs::rename(&temporary, folder.join(format!("{name}.eml")))?;
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::outbox::smtp::sink;

    #[tokio::test]
    async fn writes_a_private_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("below/mail");
        let sender = FileSender::new(folder.clone());
        let mut mail = sink::mail();
        mail.id = "../a/b".to_owned();
        sender.check().await.unwrap();
        for _ in 0..2 {
            sender.send(&mail).await.unwrap();
        }
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(names, [folder.join("---a-b.eml")]);
        assert_eq!(fs::read(&names[0]).unwrap(), mail.message);
        assert_eq!(fs::metadata(&names[0]).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_a_matter_of_later() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let sender = FileSender::new(file.path().join("mail"));
        assert_eq!(sender.send(&sink::mail()).await, Err(SendError::Later(Reason::Local)));
        assert_eq!(sender.check().await, Err(SendError::Later(Reason::Local)));
    }
}
