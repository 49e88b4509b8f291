//! `GET /verify/{app}` for registered devices, with 1,000,000 of them, 1,000 apps and 10,000,000 grants in the store, beside
//! a store with the devices that are asked about and nothing else.

use std::{path::Path, process::Command};

use anyhow::Context as _;
use rusqlite::Connection;

use super::{
    process::SERVER_CORE,
    report::{Report, Target, median},
    settings::Settings,
    tokens, verify,
    world::{SESSIONS, Server, World},
};
use crate::environment;

/// Devices that are asked about.
const ASKED: usize = 100_000;
/// Devices in the large store.
const MANY: u64 = 1_000_000;
/// Apps there, with the one that is asked about.
const APPS: usize = 1_000;
/// Grants of each person there.
const GRANTS: u64 = 10;
/// The memory that was given to who is remembered, and what the program itself takes.
const MOST_MEBIBYTES: f64 = 256.0 + 40.0;

/// Measures both.
///
/// # Errors
/// When a store cannot be filled or measured.
pub(crate) fn measure(settings: &Settings, world: &World, report: &mut Report) -> anyhow::Result<()> {
    report.part(
        "Registered devices, GET /verify/bench: 1,000,000 with 10,000,000 grants, beside 100,000 with one",
    );
    let asked = u64::try_from(ASKED)?;
    let few = filled(settings, world, ("devices-few", asked, 1), 1)?;
    let many = filled(settings, world, ("devices-many", MANY, GRANTS), APPS)?;
    let (mut first, mut again, mut rates) = (Vec::new(), Vec::new(), Vec::new());
    // Every tenth, so that they lie everywhere in the store.
    let step = many.1.len() / ASKED;
    let drawn: Vec<String> = many.1.iter().step_by(step).take(ASKED).cloned().collect();
    let servers = [(&few.0, &few.1), (&many.0, &drawn)];
    for (server, requests) in servers {
        let before = server.process.cpu()?;
        tokens::once_each((&server.process, server.verify), requests)?;
        first.push((server.process.cpu()? - before).as_secs_f64() * 1e6 / requests.len() as f64);
    }
    for round in 0..settings.rounds as u64 {
        let asked = servers.map(|(server, requests)| ((&server.process, server.verify), requests.as_slice()));
        let [few, many] = tokens::paired_load(settings, asked, 7 + round)?;
        again.push(many.0 / few.0);
        rates.push(many.0);
    }
    report.add("a device seen before, of 100,000, many in the store", median(&rates), "/s", Target::None);
    report.add("… to its rate with few", median(&again), "", Target::AtLeast(0.9));
    report.add("a device for the first time, CPU, few", first[0], "µs", Target::None);
    report.add("… many", first[1], "µs", Target::None);
    // All of them come by: more than there is room for.
    tokens::once_each((&many.0.process, many.0.verify), &many.1)?;
    let resident = many.0.process.mebibytes("VmRSS")?;
    report.add("resident after 1,000,000 devices came by", resident, "MiB", Target::AtMost(MOST_MEBIBYTES));
    few.0.process.stop()?;
    many.0.process.stop()
}

/// Takes the indexes of grants away, which take most of an hour to grow row by row; what makes them anew.
fn without_indexes(database: &Path) -> anyhow::Result<String> {
    let database = Connection::open(database)?;
    let mut found = database.prepare(
        "SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'access_grant' AND type = 'index' AND sql IS NOT NULL",
    )?;
    let found = found.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let found: Vec<(String, String)> = found.collect::<Result<_, _>>()?;
    let mut indexes = String::new();
    for (name, sql) in found {
        database.execute_batch(&format!("DROP INDEX {name}"))?;
        indexes += &format!("{sql};\n");
    }
    Ok(indexes)
}

/// A server on a store with so many people, a registered device each, and grants, and a question for each device.
fn filled(
    settings: &Settings,
    world: &World,
    (name, devices, grants): (&str, u64, u64),
    apps: usize,
) -> anyhow::Result<(Server, Vec<String>)> {
    let folder = settings.folder.join(name);
    let mut more = "accounts = \"realm\"\n".to_owned();
    for number in 1..apps {
        more += &format!("[[apps]]\nname = \"app-{}\"\naccounts = \"realm\"\n", number - 1);
    }
    let start = || Server::start_with_more(world.sink(), &folder, (SESSIONS, &more));
    start()?.process.stop()?;
    let cookies = folder.join("cookies");
    let mut fill = Command::new("taskset");
    fill.args(["-c", SERVER_CORE]).arg(environment::target()?.join("release/examples/fill_accounts"));
    fill.arg(folder.join("countersign.toml")).arg(devices.to_string()).arg(&cookies).arg(grants.to_string());
    let database = folder.join("countersign.db");
    let indexes = without_indexes(&database).context("the indexes of grants")?;
    environment::must_succeed(&mut fill)?;
    Connection::open(&database)?.execute_batch(&indexes)?;
    let request = |cookie: &str| verify::request(&format!("cookie: __Host-countersign-registered={cookie}"));
    let requests = std::fs::read_to_string(&cookies)?.lines().map(request).collect();
    Ok((start()?, requests))
}
