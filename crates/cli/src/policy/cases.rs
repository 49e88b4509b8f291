//! `countersign policy test`: a file of cases against the policy, without a server and without a database.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use countersign_server::config::{Config, PolicyCase, PolicyCases};
use serde_json::{Value, json};

use super::words::wrapped;
use crate::{admin::Output, serve::read_config};

#[derive(Debug, Args)]
#[command(after_help = "\
Example of a file:
  [[cases]]
  name = \"a mail alone is not enough for who has an authenticator app\"
  app = \"forum\"                      # or: policy = { least = \"aal1\" }
  has = [\"totp\"]
  proven = [\"mail\"]
  more = [\"totp\"]                    # or: enough = true, enrol = [\"passkey\"]

Apps are those of the configuration file. Nothing is opened and nobody is asked, so it fits where a configuration is
checked before it is used. docs/policy.md says more.")]
pub(super) struct Test {
    /// The file of cases.
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Test {
    /// Does it.
    ///
    /// # Errors
    /// When the file does not read, or a case fails.
    pub(super) fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        let name = self.file.display().to_string();
        let text = std::fs::read_to_string(&self.file).with_context(|| name.clone())?;
        let read = || -> anyhow::Result<Vec<PolicyCase>> {
            let cases = PolicyCases::read(&text).context("it does not read")?;
            let config = if cases.name_apps() { read_config(config)? } else { Config::default() };
            Ok(cases.within(&config)?)
        };
        let cases = read().with_context(|| name.clone())?;
        let failed: Vec<_> = cases.iter().filter(|case| !case.is_good()).collect();
        let answer = json!({
            "cases": cases.len(),
            "failed": failed.iter().map(|case| failure(case)).collect::<Vec<_>>(),
        });
        self.output.print(&answer, |_| report(&name, cases.len(), &failed))?;
        ensure!(failed.is_empty(), "{} of {} cases failed", failed.len(), cases.len());
        Ok(())
    }
}

fn failure(case: &PolicyCase) -> Value {
    let (found, why) = case.outcome();
    json!({
        "name": case.name,
        "line": case.line,
        "expected": case.expected.to_string(),
        "found": found.to_string(),
        "why": why,
    })
}

fn report(file: &str, all: usize, failed: &[&PolicyCase]) -> String {
    if failed.is_empty() {
        return if all == 1 { "The case is good.".to_owned() } else { format!("All {all} cases are good.") };
    }
    let told = failed.iter().map(|case| {
        let (found, why) = case.outcome();
        let lines = [
            wrapped("FAILED  ", &format!("{} ({file}, line {})", case.name, case.line)),
            wrapped("  expected ", &case.expected.to_string()),
            wrapped("  found    ", &found.to_string()),
            wrapped("  because  ", &why),
        ];
        lines.join("\n")
    });
    told.collect::<Vec<_>>().join("\n\n")
}
