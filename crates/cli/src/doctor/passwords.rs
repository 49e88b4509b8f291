//! `countersign doctor passwords`: what a hash takes on this machine, what it may cost, and whether stolen passwords are
//! looked for.

use anyhow::anyhow;
use clap::Args;
use countersign_server::{
    config::Config,
    hashing::is_wanted,
    passwords::measure::{LONGEST, Measured, WORTH, measure, propose},
};
use serde_json::json;

use crate::log::say;

/// A hash never takes more than this part of the memory that is free.
const PART_OF_MEMORY: u64 = 4;

/// How dear may a hash be?
#[derive(Debug, Args)]
pub struct Passwords {
    /// What was measured as JSON.
    #[arg(long)]
    json: bool,
}

impl Passwords {
    /// Measures, and says what it found.
    ///
    /// # Errors
    /// When the settings cannot be used.
    pub async fn run(self, config: &Config) -> anyhow::Result<()> {
        let found = look(config).await?;
        if self.json {
            let of = |measured: &Measured| {
                json!({
                    "memory_kib": measured.parameters.memory_kib(), "passes": measured.parameters.passes(),
                    "milliseconds": milliseconds(measured),
                })
            };
            say(&serde_json::to_string_pretty(&json!({
                "passwords": is_wanted(config), "workers": found.workers, "now": of(&found.now),
                "proposed": of(&found.proposed), "sign_ins_per_second": found.per_second(&found.now),
                "breached": found.breached,
            }))?);
            return Ok(());
        }
        found.lines().iter().for_each(|line| say(line));
        Ok(())
    }
}

/// What there is to say.
pub struct Found {
    workers: usize,
    now: Measured,
    proposed: Measured,
    breached: bool,
}

/// Measures.
///
/// # Errors
/// When the settings cannot be used.
pub async fn look(config: &Config) -> anyhow::Result<Found> {
    let settings = config.passwords.clone();
    let workers = settings.pool().workers;
    let breached = settings.breached.range_url.is_some() || settings.breached.filter.is_some();
    let measuring = tokio::task::spawn_blocking(move || -> anyhow::Result<Found> {
        let parameters = settings.parameters().map_err(|error| anyhow!("passwords: {error}"))?;
        let now = measure(parameters)?;
        let proposed = propose(LONGEST, most_kib(workers))?;
        Ok(Found { workers, now, proposed, breached })
    });
    measuring.await?
}

/// What one hash may take, so that all workers together leave most of what is free to others.
fn most_kib(workers: usize) -> u32 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let free: u64 =
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(512 * 1024);
    let workers = u64::try_from(workers.max(1)).unwrap_or(u64::MAX);
    u32::try_from(free / PART_OF_MEMORY / workers).unwrap_or(u32::MAX)
}

fn milliseconds(measured: &Measured) -> u64 {
    u64::try_from(measured.time.as_millis()).unwrap_or(u64::MAX)
}

impl Found {
    fn per_second(&self, measured: &Measured) -> u64 {
        let workers = u64::try_from(self.workers).unwrap_or(u64::MAX);
        let micros = u64::try_from(measured.time.as_micros()).unwrap_or(u64::MAX).max(1);
        workers.saturating_mul(1_000_000) / micros
    }

    /// The findings, a line each.
    pub fn lines(&self) -> Vec<String> {
        let (now, proposed) = (&self.now, &self.proposed);
        let mut lines = vec![format!(
            "good     passwords: one hash takes {} ms; {} workers check {} a second at most and hold {} MiB",
            milliseconds(now),
            self.workers,
            self.per_second(now),
            self.workers * usize::try_from(now.parameters.memory_kib()).unwrap_or(0) / 1024,
        )];
        if proposed.parameters != now.parameters && (now.time < WORTH || now.time > LONGEST) {
            lines.push(format!(
                "advice   passwords: memory_kib = {}, passes = {}, lanes = 1 takes {} ms here, {} a second: dearer to \
                 guess at, and no person waits longer than {} ms",
                proposed.parameters.memory_kib(),
                proposed.parameters.passes(),
                milliseconds(proposed),
                self.per_second(proposed),
                LONGEST.as_millis(),
            ));
        }
        if !self.breached {
            lines.push(
                "warning  passwords: those that were stolen elsewhere are not looked for: set \
                 passwords.breached.range_url, or passwords.breached.filter after `countersign passwords build-filter`"
                    .to_owned(),
            );
        }
        lines
    }
}
