//! `countersign passwords`: what passwords need besides the server. It reads no configuration and opens no database.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use countersign_server::passwords::breached::build_filter;
use serde_json::json;

use crate::admin::Output;

/// Prepare what passwords are checked against.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign passwords build-filter pwned-passwords-sha1-ordered-by-hash.txt
  countersign passwords build-filter our-own-list.txt --output stolen.filter --bits 20")]
pub struct Passwords {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Turn a list of stolen passwords into a compact filter.
    ///
    /// The list has a line for each: SHA-1 in hexadecimal, with `:COUNT` behind or without, as Have I Been Pwned gives
    /// them out, or the password itself. A list in order of its hashes needs no memory, any other eight bytes a line.
    BuildFilter(BuildFilter),
}

#[derive(Debug, Args)]
struct BuildFilter {
    /// The list.
    list: PathBuf,
    /// The filter; by default beside the list, with `.filter` in place of its ending.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// One of 2^BITS other passwords is taken for a stolen one, and each line takes BITS + 2 bits.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(4..=32))]
    bits: u32,
    #[command(flatten)]
    format: Output,
}

impl Passwords {
    /// Does it.
    ///
    /// # Errors
    /// When the list does not read or the filter cannot be written.
    pub async fn run(self) -> anyhow::Result<()> {
        let What::BuildFilter(command) = self.what;
        tokio::task::spawn_blocking(move || command.run()).await?
    }
}

impl BuildFilter {
    fn run(self) -> anyhow::Result<()> {
        let target = self.output.unwrap_or_else(|| self.list.with_extension("filter"));
        let built = build_filter(&self.list, &target, self.bits)
            .with_context(|| format!("{} to {}", self.list.display(), target.display()))?;
        let wrongly = 1_u64 << self.bits;
        let answer = json!({
            "filter": target, "passwords": built.count, "bytes": built.bytes, "one_wrong_in": wrongly,
        });
        self.format.print(&answer, |_| {
            let (path, count, bytes) = (target.display(), built.count, built.bytes);
            format!(
                "{path}: {count} passwords in {bytes} bytes; one of {wrongly} others is taken for stolen."
            )
        })
    }
}
