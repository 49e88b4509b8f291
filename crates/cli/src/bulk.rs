//! `countersign user import` and `export`: people as lines of JSON. A file is looked at as a whole before anything of
//! it is taken; the server takes it in batches.

use std::{collections::HashMap, io::BufReader, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use countersign_domain::{identifier::EmailAddress, realm::RealmName};
use countersign_server::admin::bulk::{LONGEST_BATCH, MOST_LINES};
use serde_json::{Value, json};

use crate::{
    admin::{Client, Output},
    log::say,
};

/// Import users.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign user import people.jsonl --dry-run
  countersign user import people.jsonl --realm staff --partial --json

A line for each person:
  {\"emails\": [{\"address\": \"jane@example.org\", \"verified\": true}], \"display_name\": \"Jane\", \"locale\": \"en\",
   \"created_at\": \"2020-01-31T12:00:00Z\", \"password_hash\": \"$2b$12$…\",
   \"metadata\": {\"shop\": {\"public\": {\"plan\": \"gold\"}, \"private\": {}}}}

Every line is looked at first. Where one is bad, it is told by its number and nothing is imported, unless --partial is
given. An address that is not verified must be the person's only one.")]
pub struct Import {
    /// The file; - for what comes in.
    file: PathBuf,
    /// Into this realm; the key's own, or default.
    #[arg(long)]
    realm: Option<RealmName>,
    /// Import the good lines of a file that has bad ones.
    #[arg(long)]
    partial: bool,
    /// Look at every line and import none.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: Output,
}

/// Export users.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign user export --realm staff > people.jsonl

Whoever is exported can see in their account that an administrator looked.")]
pub struct Export {
    /// Of this realm; the key's own, or default.
    #[arg(long)]
    realm: Option<RealmName>,
    /// All of it as one JSON list, not as lines.
    #[arg(long)]
    json: bool,
}

/// Some lines of the file, and the number of each.
#[derive(Default)]
struct Batch {
    text: String,
    numbers: Vec<usize>,
}

/// What became of all batches together.
#[derive(Default)]
struct Report {
    lines: usize,
    imported: u64,
    problems: Vec<Value>,
}

impl Import {
    /// Does it.
    ///
    /// # Errors
    /// When the file does not read, the server refuses, or a line is bad.
    pub async fn run(self, client: &Client) -> anyhow::Result<()> {
        let reader: Box<dyn std::io::Read> = if self.file.as_os_str() == "-" {
            Box::new(std::io::stdin())
        } else {
            Box::new(std::fs::File::open(&self.file).with_context(|| self.file.display().to_string())?)
        };
        let (batches, mut duplicates) = batches(BufReader::new(reader))?;
        // A bad line at the end must not leave the beginning imported: all of them are looked at first.
        let mut report = self.send(client, &batches, true).await?;
        let found_twice = duplicates.len();
        report.problems.append(&mut duplicates);
        let is_refused = !self.partial && !report.problems.is_empty();
        if !self.dry_run && !is_refused {
            let problems = std::mem::take(&mut report.problems);
            report = self.send(client, &batches, false).await?;
            // Duplicates of another batch are not bad for the server before the first of them is there.
            let told: Vec<Value> = report.problems.iter().map(|problem| problem["line"].clone()).collect();
            report.problems.extend(problems.into_iter().filter(|problem| !told.contains(&problem["line"])));
        }
        report.lines += found_twice;
        report.problems.sort_by_key(|problem| problem["line"].as_u64());
        self.tell(report, is_refused)
    }

    async fn send(&self, client: &Client, batches: &[Batch], dry_run: bool) -> anyhow::Result<Report> {
        let realm = self.realm.as_ref().map(|realm| format!("&realm={realm}")).unwrap_or_default();
        let path =
            format!("/v1/admin/users/import?partial={}&dry_run={dry_run}{realm}", self.partial || dry_run);
        let mut report = Report::default();
        for batch in batches {
            let answer = client.send_lines(&path, batch.text.clone()).await?;
            report.lines += batch.numbers.len();
            report.imported += answer["imported"].as_u64().unwrap_or_default();
            for problem in answer["problems"].as_array().into_iter().flatten() {
                let place = problem["line"].as_u64().and_then(|line| usize::try_from(line).ok());
                let number = place.and_then(|place| batch.numbers.get(place.checked_sub(1)?));
                let mut problem = problem.clone();
                problem["line"] = json!(number);
                report.problems.push(problem);
            }
        }
        Ok(report)
    }

    fn tell(&self, report: Report, is_refused: bool) -> anyhow::Result<()> {
        let outcome = match (self.dry_run, is_refused) {
            (true, _) => "checked",
            (false, true) => "refused",
            (false, false) => "imported",
        };
        let Report { lines, imported, problems } = report;
        let is_good = problems.is_empty();
        let answer = json!({"outcome": outcome, "lines": lines, "imported": imported, "problems": problems});
        self.output.print(&answer, |answer| {
            let problems = answer["problems"].as_array().into_iter().flatten();
            let mut told: Vec<_> = problems
                .map(|problem| {
                    let detail = problem["detail"].as_str().unwrap_or_default();
                    format!("line {}: {detail}", problem["line"])
                })
                .collect();
            told.push(format!("{lines} lines looked at, {imported} people imported."));
            told.join("\n")
        })?;
        if is_good {
            return Ok(());
        }
        match outcome {
            "imported" => bail!("some lines were left out"),
            "checked" => bail!("some lines are bad"),
            _ => bail!("some lines are bad, so nothing was imported; --partial imports the others"),
        }
    }
}

/// The file in parts that the server takes, and what is found twice in it.
fn batches(reader: impl std::io::BufRead) -> anyhow::Result<(Vec<Batch>, Vec<Value>)> {
    let mut batches: Vec<Batch> = Vec::new();
    let (mut duplicates, mut seen) = (Vec::new(), HashMap::new());
    for (place, line) in reader.lines().enumerate() {
        let (number, line) = (place + 1, line?);
        if line.trim().is_empty() {
            continue;
        }
        if let Some(first) = note(&mut seen, &line, number) {
            let detail = format!("line {first} has an address of these");
            duplicates
                .push(json!({"line": number, "code": "duplicate", "member": "emails", "detail": detail}));
            continue;
        }
        let has_room = |batch: &&mut Batch| {
            batch.numbers.len() < MOST_LINES && batch.text.len() + line.len() < LONGEST_BATCH
        };
        let batch = match batches.last_mut().filter(has_room) {
            Some(batch) => batch,
            None => {
                batches.push(Batch::default());
                batches.last_mut().context("there is one now")?
            }
        };
        batch.text.push_str(&line);
        batch.text.push('\n');
        batch.numbers.push(number);
    }
    Ok((batches, duplicates))
}

/// The earlier line with an address of this one; else its addresses are remembered.
fn note(seen: &mut HashMap<String, usize>, line: &str, number: usize) -> Option<usize> {
    let person: Value = serde_json::from_str(line).unwrap_or_default();
    let emails = person["emails"].as_array().into_iter().flatten();
    let read = |email: &Value| EmailAddress::parse(email["address"].as_str().unwrap_or_default()).ok();
    let addresses: Vec<String> =
        emails.filter_map(read).map(|address| address.canonical().to_owned()).collect();
    if let Some(first) = addresses.iter().find_map(|address| seen.get(address)) {
        return Some(*first);
    }
    seen.extend(addresses.into_iter().map(|address| (address, number)));
    None
}

impl Export {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses.
    pub async fn run(self, client: &Client) -> anyhow::Result<()> {
        let realm = self.realm.map(|realm| format!("?realm={realm}")).unwrap_or_default();
        let people = client.list(&format!("/v1/admin/users/export{realm}")).await?;
        if self.json {
            say(&serde_json::to_string_pretty(&people)?);
            return Ok(());
        }
        for person in people.as_array().into_iter().flatten() {
            say(&person.to_string());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_cut_into_batches_and_keeps_its_numbers() {
        let person = |name: usize| format!("{{\"emails\": [{{\"address\": \"n{name}@b.example\"}}]}}\n");
        let mut text: String = (0..MOST_LINES).map(person).collect();
        text.push('\n');
        text.push_str(&person(MOST_LINES));
        text.push_str(&person(3).to_uppercase().replace("EMAILS", "emails").replace("ADDRESS", "address"));
        let (batches, duplicates) = batches(text.as_bytes()).unwrap();
        let sizes: Vec<_> = batches.iter().map(|batch| batch.numbers.len()).collect();
        assert_eq!(sizes, [MOST_LINES, 1]);
        assert_eq!(batches[1].numbers, [MOST_LINES + 2]);
        assert_eq!(duplicates[0]["line"], json!(MOST_LINES + 3));
        assert_eq!(duplicates[0]["detail"], "line 4 has an address of these");
    }
}
