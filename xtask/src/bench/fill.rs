//! The same load on a store with 1,000 challenges and on one with 1,000,000 and 10,000 apps, side by side.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, anyhow};
use rusqlite::{Connection, Statement, params};

use super::{
    flow::{self, Until},
    report::{Report, Target, median},
    settings::Settings,
    tokens,
    world::{Server, World},
};

/// Callers at once.
const MANY: usize = 64;
/// For how long what is filled in lasts, in milliseconds: a sweep must not take it away while it is measured.
const LIFE: i64 = 86_400_000;

/// Measures flows and checks of tokens on both.
///
/// # Errors
/// When a store cannot be filled or measured.
pub(crate) fn measure(settings: &Settings, world: &World, report: &mut Report) -> anyhow::Result<()> {
    report.part("1,000,000 challenges and 10,000 apps in the store, beside 1,000 challenges");
    let filled = |name: &str, challenges, apps| {
        let folder = settings.folder.join(name);
        Server::start(world, &folder)?.process.stop()?;
        fill(&folder.join("countersign.db"), challenges, apps).context("the store could not be filled")?;
        let server = Server::start(world, &folder)?;
        flow::flows(world, server.port, MANY, Until::Count(500), Duration::ZERO)?;
        anyhow::Ok(server)
    };
    let servers = [filled("small", 1_000, 1)?, filled("large", 1_000_000, 10_000)?];
    let (mut times, mut costs, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..settings.rounds {
        let mut found = Vec::new();
        for Server { process, port, .. } in &servers {
            let before = process.cpu()?;
            let flows = flow::flows(world, *port, MANY, Until::Elapsed(settings.turn), Duration::ZERO)?;
            let cost = (process.cpu()? - before).as_secs_f64() / flows.tokens.len() as f64;
            let check = tokens::cpu((process, *port), &flows.tokens[0], settings.turn)?;
            found.push((1.0 / flows.per_second(), cost, check));
        }
        times.push(found[1].0 / found[0].0);
        costs.push(found[1].1 / found[0].1);
        checks.push(found[1].2 / found[0].2);
    }
    report.add("time of a flow, many to few", median(&times), "", Target::AtMost(1.2));
    report.add("CPU of a flow, many to few", median(&costs), "", Target::AtMost(1.2));
    report.add("CPU of GET /v1/token, many to few", median(&checks), "", Target::AtMost(1.2));
    let resident = servers[1].process.mebibytes("VmRSS")?;
    report.add("resident, with many", resident, "MiB", Target::None);
    Ok(())
}

/// Adds rows as the server would have written them, each challenge another person's.
fn fill(path: &Path, challenges: i64, apps: i64) -> anyhow::Result<()> {
    let mut connection = Connection::open(path)?;
    let writing = connection.transaction()?;
    let now: i64 = writing.query_row("SELECT unixepoch() * 1000", [], |row| row.get(0))?;
    {
        let mut contact = writing.prepare(
            "INSERT INTO contact (app, digest, sends, failures, failures_in_a_row, live, expires_at, version) \
             VALUES ('bench', ?, ?, x'', 0, ?, ?, 1)",
        )?;
        let mut challenge = writing.prepare(
            "INSERT INTO challenge (id, app, contact, purpose, state, subject, code_digest, binding_digest, \
             confirmation, tries, link_tries, created_at, expires_at, keep_until, version) \
             VALUES (?, 'bench', ?, 'sign_in', 'pending', ?, ?, ?, 42, 5, 5, ?, ?, ?, 1)",
        )?;
        for number in 0..challenges {
            person(&mut contact, &mut challenge, now - 1_000_000 + number % 1_000_000)?;
        }
        let mut app = writing.prepare(
            "INSERT INTO app (name, settings, disabled, created_at, version) VALUES (?, ?, 0, ?, 1)",
        )?;
        for number in 0..apps {
            let name = format!("app-{number}");
            app.execute(params![name, format!(r#"{{"name":"{name}"}}"#), now])?;
        }
    }
    Ok(writing.commit()?)
}

fn person(contact: &mut Statement<'_>, challenge: &mut Statement<'_>, made: i64) -> anyhow::Result<()> {
    let digest = random::<32>()?;
    let mut id = random::<16>()?;
    // Ids begin with their time, so that rows of one time lie together.
    id[..6].copy_from_slice(&made.to_be_bytes()[2..]);
    let ends = made + LIFE;
    contact.execute(params![digest, made.to_be_bytes(), id, ends])?;
    let [subject, code, binding] = [random::<32>()?, random::<32>()?, random::<32>()?];
    challenge.execute(params![id, digest, subject, code, binding, made, ends, ends])?;
    Ok(())
}

fn random<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow!("there is no randomness"))?;
    Ok(bytes)
}
