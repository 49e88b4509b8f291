//! `countersign restore`: a backup into an empty database, while no server runs on it.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use countersign_server::{
    backup::restore::{Asked, restore},
    system::{Clock as _, Entropy as _, SystemClock, SystemEntropy},
};
use serde_json::Value;

use crate::{
    admin::{Output, member},
    serve::read_config,
};

/// Put a backup into an empty database.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign restore countersign.backup
  countersign restore countersign.backup --key /media/safe/recovery.key
  countersign --config postgres.toml restore countersign.backup     into another engine

Nobody is signed in afterwards: sessions, challenges and mails are in no backup, and tokens from before are refused.")]
pub struct Restore {
    /// The backup.
    file: PathBuf,
    /// The file of the key that opens it: a former master key, or the recovery key. The server's own where absent.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The erased.list of another node: people on it do not come back. That in the data folder is read by itself.
    #[arg(long, value_name = "FILE")]
    erased: Vec<PathBuf>,
    /// Begin anew where a restore did not end.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    output: Output,
}

impl Restore {
    /// Does it.
    ///
    /// # Errors
    /// What keeps the backup from being restored, and what to do about it.
    pub async fn run(self, path: Option<&Path>) -> anyhow::Result<()> {
        let config = read_config(path)?;
        let Self { file, key, erased, again, output } = self;
        let asked = Asked { file, key, erased, again };
        let now = SystemClock::default().now();
        let report = restore(&config, &asked, now, &mut *SystemEntropy.random()).await;
        let report = serde_json::to_value(report.map_err(|error| anyhow!(error))?)?;
        output.print(&report, in_words)
    }
}

fn in_words(report: &Value) -> String {
    let rows = report["rows"].as_object().into_iter().flatten();
    let rows = rows.filter(|(_, count)| count.as_u64() != Some(0));
    let rows: Vec<String> = rows.map(|(table, count)| format!("  {table}: {count}")).collect();
    let unknown = report["not_known"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let unknown: Vec<String> = unknown.map(|text| format!("  - {text}")).collect();
    format!(
        "Restored the backup of {} ({}) on {}:\n{}\n\nSessions, challenges and mails of before are over; tokens from up to {} \
         are refused.\nPeople who were erased again: {}.\nThe master key {} opens this database.\n\nWhat cannot be known:\n{}",
        member(report, "made_at"),
        member(report, "from"),
        member(report, "to"),
        rows.join("\n"),
        member(report, "refused_until"),
        member(report, "erased_again"),
        member(report, "master_key"),
        unknown.join("\n")
    )
}
