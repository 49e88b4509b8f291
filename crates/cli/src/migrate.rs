//! `countersign migrate`: bring the database up to date, or say whether it is. Every start of a server does the same.

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Args;
use countersign_server::wiring;
use countersign_store::Store;
use serde_json::json;

use crate::{admin::Output, serve::read_config};

/// Bring the database's schema up to date.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign migrate
  countersign migrate --check         exit code 1 when there is something to do

A server does this by itself when it starts.")]
pub struct Migrate {
    /// Change nothing; fail when the database is not up to date.
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    output: Output,
}

impl Migrate {
    /// Does it.
    ///
    /// # Errors
    /// When the database does not open, is newer than this program, or is not up to date and only that was asked.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let config = read_config(config)?;
        let store = Store::new(wiring::open_engine(&config).await.map_err(|error| anyhow!(error))?);
        let done = self.migrate(&store).await;
        store.close().await;
        done
    }

    async fn migrate(&self, store: &Store) -> anyhow::Result<()> {
        let (found, newest) = store.version().await?;
        if found > newest {
            return Err(countersign_store::Error::Newer { found, known: newest }.into());
        }
        let now = if self.check { found } else { store.migrate().await? };
        let answer =
            json!({ "engine": store.engine_name(), "found": found, "version": now, "newest": newest });
        self.output.print(&answer, |_| match (now == found, now == newest) {
            (_, false) => format!("The schema is at version {found}; the newest is {newest}."),
            (true, true) => format!("The schema is up to date, at version {now}."),
            (false, true) => format!("The schema went from version {found} to {now}."),
        })?;
        if now < newest {
            bail!("the database is not up to date: run countersign migrate, or start the server");
        }
        Ok(())
    }
}
