//! `countersign key rotate-master` and `key status`: the master key, and what it wraps.

use std::path::PathBuf;

use axum::http::Method;
use clap::Args;
use serde_json::{Map, Value};

use crate::admin::{Client, Output, member, rows};

/// Another master key in the place of the present one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign key rotate-master                            the server keeps its key in its data folder
  countersign key rotate-master --new-file /etc/countersign/master-2.key

Everything is sealed anew in the background: countersign key status shows how far it got.")]
pub struct RotateMaster {
    /// The new key: read where the file is there, made where it is not. Needed where the configuration names the present
    /// one.
    #[arg(long, value_name = "FILE")]
    new_file: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

impl RotateMaster {
    /// Does it.
    ///
    /// # Errors
    /// As for every request.
    pub async fn run(self, client: &Client) -> anyhow::Result<()> {
        let mut wanted = Map::new();
        if let Some(file) = &self.new_file {
            let absolute = std::path::absolute(file)?;
            wanted.insert("new_file".to_owned(), absolute.display().to_string().into());
        }
        let done = client.request(Method::POST, "/v1/admin/master-key/rotate", Some(&wanted.into())).await?;
        self.output.print(&done, |done| {
            let former = match &done["former_kept_in"] {
                Value::String(path) => format!(" (it stays in {path})"),
                _ => String::new(),
            };
            format!(
                "The master key {} is in force, {} no longer{former}.\nNow {}.",
                member(done, "id"),
                member(done, "former_id"),
                member(done, "to_do")
            )
        })
    }
}

/// Shows how the master key and the keys below it stand.
///
/// # Errors
/// As for every request.
pub async fn status(client: &Client, output: Output) -> anyhow::Result<()> {
    let status = client.request(Method::GET, "/v1/admin/master-key", None).await?;
    output.print(&status, |status| {
        let names = ["KEY", "REALM", "GENERATION", "MADE", "SEALS", "VALUES"];
        let keys = rows(&status["sealing_keys"], "There are no sealing keys yet.", names, |key| {
            ["number", "realm", "generation", "created_at", "seals", "values"].map(|name| member(key, name))
        });
        let here = if status["has_it"] == true { "" } else { " (this server was given another one: see its log)" };
        format!(
            "The master key {} is in force since {}{here}.\n\n{keys}\n\nTo be sealed anew: {}. Unreadable: {}.",
            member(status, "id"),
            member(status, "since"),
            member(status, "to_reseal"),
            member(status, "unreadable")
        )
    })
}
