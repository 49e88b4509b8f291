//! `countersign backup`: everything that is kept, in one sealed file, while the server runs or without it.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};
use clap::Args;
use countersign_server::key_file;
use serde_json::{Map, json};

use crate::admin::{Client, Output};

/// Write everything that is kept into one sealed file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign backup /var/backups/countersign-$(date +%F)
  countersign backup countersign.backup --recovery-key /media/safe/recovery.key

The master key opens the file: keep the key elsewhere. A recovery key, made with
  (umask 077; openssl rand -hex 32 > recovery.key)
opens it too, should the master key be lost.")]
pub struct Backup {
    /// The file to write; one that is there is replaced once the new one is complete.
    file: PathBuf,
    /// The file of a key that opens the backup beside the master key.
    #[arg(long, value_name = "FILE")]
    recovery_key: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl Backup {
    /// Does it.
    ///
    /// # Errors
    /// When the file cannot be written or the backup not finished; then there is no file.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let mut wanted = Map::new();
        if let Some(file) = &self.recovery_key {
            let key = key_file::read(file).map_err(|error| anyhow!(error))?;
            wanted.insert("recovery_key".to_owned(), key.to_text().expose().as_str().into());
        }
        let client = Client::open(config).await?;
        let temporary = self.temporary();
        let done = self.write(&client, &temporary, &wanted.into()).await;
        client.close().await;
        if done.is_err() {
            // What is there of it is of no use.
            let _ = fs::remove_file(&temporary);
        }
        let bytes = done?;
        let answer = json!({ "file": self.file.display().to_string(), "bytes": bytes });
        self.output.print(&answer, |_| {
            format!(
                "Wrote {} ({bytes} bytes). Keep the master key elsewhere: it opens this file.",
                self.file.display()
            )
        })
    }

    fn temporary(&self) -> PathBuf {
        let mut name = self.file.as_os_str().to_owned();
        name.push(format!(".part-{}", std::process::id()));
        PathBuf::from(name)
    }

    async fn write(
        &self,
        client: &Client,
        temporary: &Path,
        wanted: &serde_json::Value,
    ) -> anyhow::Result<u64> {
        let place = || temporary.display().to_string();
        let options = File::options().write(true).create_new(true).mode(0o600).open(temporary);
        let mut file = options.with_context(place)?;
        let mut bytes = 0;
        let take = |piece: &[u8]| {
            bytes += piece.len() as u64;
            file.write_all(piece)
        };
        client.download("/v1/admin/backup", wanted, take).await?;
        file.sync_all().with_context(place)?;
        fs::rename(temporary, &self.file).with_context(|| self.file.display().to_string())?;
        key_file::sync(key_file::parent(&self.file))?;
        Ok(bytes)
    }
}
