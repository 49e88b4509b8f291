//! `countersign event`: the log of events, listed, checked and exported.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow, bail};
use axum::http::Method;
use clap::{Args, Subcommand};
use countersign_domain::{
    event::{Checkpoint, StoredEvent},
    id::UserId,
};
use countersign_server::events::{
    chain::{Deviation, Summary, Verifier, hash},
    log::{CheckpointLine, EventLine, Line},
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde_json::{Value, json};

use crate::admin::{Client, Output, member, rows};

/// How often the log is gone through: while it is read, it grows and is purged.
const TRIES: usize = 3;

/// What happened: list it, check that nobody changed it, take it along.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  countersign event list --kind challenge.failed --since 2027-01-31T12:00:00Z
  countersign event verify
  countersign event export events.jsonl
  countersign event verify --file events.jsonl --public-key KEY")]
pub struct Event {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List events, oldest first.
    List(List),
    /// Is every event there as it was signed? Says where not, and ends with 1.
    Verify(Verify),
    /// Write all events and checkpoints to a new file, as lines of JSON.
    Export(Export),
}

#[derive(Debug, Args)]
struct List {
    /// Only of this kind, such as `session.started`.
    #[arg(long)]
    kind: Option<String>,
    /// Only about this user.
    #[arg(long)]
    user: Option<UserId>,
    /// Only at this app.
    #[arg(long)]
    app: Option<String>,
    /// Only from this time on, such as 2027-01-31T12:00:00Z.
    #[arg(long)]
    since: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Verify {
    /// An exported file in place of the database.
    #[arg(long)]
    file: Option<PathBuf>,
    /// The public key that must have signed it: what an earlier check printed. Without it the server is asked.
    #[arg(long)]
    public_key: Option<String>,
    /// The newest checkpoint that an earlier check printed (NUMBER:HASH): it must still be there.
    #[arg(long)]
    known: Option<String>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Args)]
struct Export {
    /// The file; it must not exist.
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

impl Event {
    /// Does it.
    ///
    /// # Errors
    /// What the server refuses, or where the log is not as it was signed.
    pub async fn run(self, config: Option<&Path>) -> anyhow::Result<()> {
        if let What::Verify(Verify { file: Some(file), public_key: Some(key), .. }) = &self.what {
            let What::Verify(verify) = &self.what else { return Ok(()) };
            return verify.tell(key, verify_file(file, key, verify.known()?)?);
        }
        let client = Client::open(config).await?;
        let done = match self.what {
            What::List(command) => command.run(&client).await,
            What::Verify(command) => command.run(&client).await,
            What::Export(command) => command.run(&client).await,
        };
        client.close().await;
        done
    }
}

impl List {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let given = [
            ("kind", self.kind),
            ("user", self.user.map(|user| user.to_string())),
            ("app", self.app),
            ("since", self.since),
        ];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let query: Vec<String> = given.map(|(name, value)| format!("{name}={}", encoded(&value))).collect();
        let path = match query.is_empty() {
            true => "/v1/admin/events".to_owned(),
            false => format!("/v1/admin/events?{}", query.join("&")),
        };
        let events = client.list(&path).await?;
        self.output.print(&events, |events| {
            let names = ["TIME", "KIND", "OUTCOME", "APP", "ACTOR", "PERSON", "TARGET"];
            rows(events, "There are no events.", names, |event| {
                ["time", "kind", "outcome", "app", "actor", "person", "target"]
                    .map(|name| member(event, name))
            })
        })
    }
}

impl Verify {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let chain = client.request(Method::GET, "/v1/admin/events/chain", None).await?;
        let key = match &self.public_key {
            Some(key) => key.clone(),
            None => member(&chain, "public_key"),
        };
        let known = self.known()?;
        if let Some(file) = &self.file {
            return self.tell(&key, verify_file(file, &key, known)?);
        }
        let mut found = verify_database(client, &key, known).await?;
        for _ in 1..TRIES {
            if found.is_ok() {
                break;
            }
            found = verify_database(client, &key, known).await?;
        }
        self.tell(&key, found)
    }

    fn known(&self) -> anyhow::Result<Option<(i64, [u8; 32])>> {
        let read = |text: &String| -> Option<(i64, [u8; 32])> {
            let (sequence, hash) = text.split_once(':')?;
            Some((sequence.parse().ok()?, HEXLOWER.decode(hash.as_bytes()).ok()?.try_into().ok()?))
        };
        let wrong = || anyhow!("--known: expected NUMBER:HASH, as an earlier check printed it");
        self.known.as_ref().map(|text| read(text).ok_or_else(wrong)).transpose()
    }

    fn tell(&self, key: &str, found: Result<Summary, Deviation>) -> anyhow::Result<()> {
        let summary = found.map_err(|deviation| anyhow!("the log is not as it was signed: {deviation}"))?;
        let newest = summary.newest.map(|(sequence, hash)| format!("{sequence}:{}", HEXLOWER.encode(&hash)));
        let answer = json!({
            "checkpoints": summary.checkpoints, "events": summary.events, "waiting": summary.waiting,
            "newest": newest, "public_key": key,
        });
        self.output.print(&answer, |_| {
            let Summary { checkpoints, events, waiting, .. } = summary;
            let newest = newest.clone().unwrap_or_else(|| "none".to_owned());
            format!(
                "{events} events in {checkpoints} checkpoints are as they were signed; {waiting} wait for the next one.\n\
                 Newest checkpoint: {newest}\nPublic key: {key}"
            )
        })
    }
}

impl Export {
    async fn run(self, client: &Client) -> anyhow::Result<()> {
        let file = File::create_new(&self.file).with_context(|| self.file.display().to_string())?;
        let mut file = BufWriter::new(file);
        let (mut after, mut events) = (0, 0);
        while let Some((checkpoint, covered)) = segment(client, after).await? {
            after = checkpoint.sequence;
            events += covered.len();
            for event in covered {
                writeln!(file, "{}", serde_json::to_string(&Line::Event(event))?)?;
            }
            writeln!(file, "{}", serde_json::to_string(&Line::Checkpoint(checkpoint))?)?;
        }
        for event in waiting(client).await? {
            events += 1;
            writeln!(file, "{}", serde_json::to_string(&Line::Event(event))?)?;
        }
        file.into_inner().map_err(|error| anyhow!("{}", error.error()))?.sync_all()?;
        let answer = json!({"events": events, "checkpoints": after});
        self.output.print(&answer, |_| format!("{events} events are in {}.", self.file.display()))
    }
}

type Found = Result<Summary, Deviation>;
type Known = Option<(i64, [u8; 32])>;

/// The checkpoint that an earlier check printed must be there, unless it was purged.
struct Memory {
    known: Known,
    first: Option<i64>,
    is_found: bool,
}

impl Memory {
    const fn new(known: Known) -> Self {
        Self { known, first: None, is_found: false }
    }

    fn look(&mut self, checkpoint: &Checkpoint) {
        self.first.get_or_insert(checkpoint.sequence);
        let this = Some((checkpoint.sequence, hash(checkpoint)));
        self.is_found |= self.known == this;
    }

    fn check(&self, found: Found) -> Found {
        let summary = found?;
        let end = summary.newest.map_or(0, |(sequence, _)| sequence);
        match self.known {
            Some((known, _)) if known > end => Err(Deviation::End { known, found: end }),
            Some((known, _)) if !self.is_found && self.first.is_some_and(|first| known >= first) => {
                Err(Deviation::Chain(known))
            }
            _ => Ok(summary),
        }
    }
}

async fn verify_database(client: &Client, key: &str, known: Known) -> anyhow::Result<Found> {
    let mut verifier = Verifier::new(public(key)?);
    let mut memory = Memory::new(known);
    let (mut after, mut last) = (0, None);
    while let Some((line, events)) = segment(client, after).await? {
        last = events.last().map(|event| event.id.clone()).max(last);
        let checkpoint = Checkpoint::try_from(&line)?;
        after = checkpoint.sequence;
        memory.look(&checkpoint);
        if let Err(deviation) = verifier.follow(checkpoint, &stored(&events)?) {
            return Ok(Err(deviation));
        }
    }
    let waiting = waiting(client).await?;
    let last = waiting.last().map(|event| event.id.clone()).into_iter().chain(last).max();
    let until = last.map(|last| format!("?until={last}")).unwrap_or_default();
    let chain = client.request(Method::GET, &format!("/v1/admin/events/chain{until}"), None).await?;
    Ok(memory.check(verifier.finish(&stored(&waiting)?, chain["events"].as_i64())))
}

fn verify_file(file: &Path, key: &str, known: Known) -> anyhow::Result<Found> {
    let mut verifier = Verifier::new(public(key)?);
    let mut memory = Memory::new(known);
    let mut events = Vec::new();
    let lines = BufReader::new(File::open(file).with_context(|| file.display().to_string())?).lines();
    for (number, line) in (1..).zip(lines) {
        let place = || format!("{}, line {number}", file.display());
        match serde_json::from_str(&line?).with_context(place)? {
            Line::Event(event) => events.push(StoredEvent::try_from(&event).with_context(place)?),
            Line::Checkpoint(line) => {
                let checkpoint = Checkpoint::try_from(&line).with_context(place)?;
                memory.look(&checkpoint);
                if let Err(deviation) = verifier.follow(checkpoint, &events) {
                    return Ok(Err(deviation));
                }
                events.clear();
            }
        }
    }
    Ok(memory.check(verifier.finish(&events, None)))
}

/// The checkpoint that follows a sequence number, and what is there for it.
async fn segment(client: &Client, after: i64) -> anyhow::Result<Option<(CheckpointLine, Vec<EventLine>)>> {
    let path = format!("/v1/admin/events/segment?after={after}");
    let mut answer = client.request(Method::GET, &path, None).await?;
    if answer["checkpoint"].is_null() {
        return Ok(None);
    }
    let checkpoint = serde_json::from_value(answer["checkpoint"].take())?;
    Ok(Some((checkpoint, serde_json::from_value(answer["events"].take())?)))
}

async fn waiting(client: &Client) -> anyhow::Result<Vec<EventLine>> {
    let events: Value = client.list("/v1/admin/events/waiting").await?;
    Ok(serde_json::from_value(events)?)
}

fn stored(lines: &[EventLine]) -> anyhow::Result<Vec<StoredEvent>> {
    Ok(lines.iter().map(StoredEvent::try_from).collect::<Result<_, _>>()?)
}

fn public(key: &str) -> anyhow::Result<Vec<u8>> {
    match BASE64URL_NOPAD.decode(key.as_bytes()) {
        Ok(bytes) if bytes.len() == 32 => Ok(bytes),
        _ => bail!("a public key is 43 characters of base64url"),
    }
}

/// Text as it may stand in a query.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
