//! Apps with accounts: the check of a session's cookie beside bare hyper, and everything about a million users with two
//! million sessions beside a thousand users.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context as _;

use super::{
    flow::{self, Until},
    process::SERVER_CORE,
    report::{Report, Target, median},
    settings::Settings,
    tokens::{self, Hello},
    verify,
    world::{self, Server, World},
};
use crate::environment;

/// Users where nobody asks for many: each has two sessions.
const USERS: u64 = 50_000;
/// Users of the small store and the large one.
const FEW_AND_MANY: [u64; 2] = [1_000, 1_000_000];
/// Callers who sign in at once.
const MANY: usize = 64;
/// Searches and lists in a slice. CPU is told in hundredths of a second.
const SEARCHES: u64 = 1_000;
const LISTS: usize = 100;

/// Measures the check of a cookie.
///
/// # Errors
/// When a measurement could not be made.
pub(crate) fn measure(
    settings: &Settings,
    world: &World,
    hello: &Hello,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.part("Checking a session's cookie, GET /v1/session, 16 connections");
    let folder = settings.folder.join("accounts");
    let cache = usize::try_from(USERS * 4)?;
    let (server, requests) = filled(world, &folder, USERS, cache)?;
    let before = server.process.mebibytes("VmRSS")?;
    tokens::once_each((&server.process, server.port), &requests)?;
    let (mut rates, mut ratios, mut costs, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 0..settings.rounds as u64 {
        let contestants = [(&hello.process, hello.port), (&server.process, server.port)];
        let contestants = contestants.map(|contestant| (contestant, requests.as_slice()));
        let [floor, ours] = tokens::paired_load(settings, contestants, 7 + round)?;
        rates.push(ours.0);
        ratios.push(ours.0 / floor.0);
        costs.push(ours.1);
        bare.push(floor.1);
    }
    let hits = server.counter("countersign_session_cache_hits_total")?;
    report.add(&format!("a cookie seen before, of {}", requests.len()), median(&rates), "/s", Target::None);
    report.add("… CPU; bare hyper's", median(&costs), "µs", Target::None);
    report.add("bare hyper, CPU", median(&bare), "µs", Target::None);
    report.add("… answered from memory", hits, "", Target::None);
    report.add("… to bare hyper's rate", median(&ratios), "", Target::AtLeast(0.75));
    let grown = (server.process.mebibytes("VmRSS")? - before) * 1024.0 * 1024.0 / requests.len() as f64;
    report.add("memory that each session took", grown, "B", Target::None);
    verify::cookies(settings, (hello, &server), &requests, report)?;
    server.process.stop()?;
    refuse_damaged(world, &folder, &requests[0])
}

/// A cookie with another secret must be refused.
fn refuse_damaged(world: &World, folder: &Path, request: &str) -> anyhow::Result<()> {
    let server = Server::start_with_more(world.sink(), folder, (0, "accounts = \"realm\"\n"))?;
    let end = request.find("\r\n\r\n").context("the end of a request")?;
    let last = if request.as_bytes()[end - 2] == b'0' { "1" } else { "0" };
    let damaged = format!("{}{last}{}", &request[..end - 2], &request[end - 1..]);
    let answer = tokens::once_each((&server.process, server.port), &[damaged]);
    anyhow::ensure!(answer.is_err(), "a damaged cookie was accepted");
    server.process.stop()
}

/// Measures the same requests on a store with few users and on one with many.
///
/// # Errors
/// When a store cannot be filled or measured.
pub(crate) fn measure_many(settings: &Settings, world: &World, report: &mut Report) -> anyhow::Result<()> {
    report.part("1,000,000 users and 2,000,000 sessions in the store, beside 1,000 and 2,000");
    let mut servers = Vec::new();
    for users in FEW_AND_MANY {
        let folder = folder_of(settings, users);
        let cache = usize::try_from(users * 4)?;
        let (server, requests) = filled(world, &folder, users, cache)?;
        tokens::once_each((&server.process, server.port), &requests)?;
        servers.push((server, requests, users));
    }
    let (mut checks, mut flows) = (Vec::new(), Vec::new());
    let (mut searches, mut lists) = (Vec::new(), Vec::new());
    for round in 0..settings.rounds as u64 {
        warm(settings)?;
        let asked = [0, 1].map(|place: usize| {
            let (server, requests, _) = &servers[place];
            ((&server.process, server.port), requests.as_slice())
        });
        let [few, many] = tokens::paired_load(settings, asked, round)?;
        checks.push(many.1 / few.1);
        let mut people = people_of(round);
        warm(settings)?;
        searches.push(many_to_few(settings, &servers, |place| search(settings, &mut people[place]))?);
        lists.push(many_to_few(settings, &servers, |place| list(settings, &people[place]))?);
    }
    // Last, since among few each would have dozens of sessions by then.
    for round in 0..settings.rounds as u64 {
        let mut people = people_of(round);
        warm(settings)?;
        flows.push(many_to_few(settings, &servers, |place| {
            let (people, port) = (&mut people[place], servers[place].0.port);
            let until = Until::Elapsed(tokens::SLICE);
            let signed_in = flow::flows_of(world, port, MANY, (until, Duration::ZERO), people.ahead())?;
            people.next += (signed_in.tokens.len() + MANY) as u64;
            Ok(signed_in.tokens.len())
        })?);
    }
    report.add("CPU of the check of a cookie, many to few", median(&checks), "", Target::AtMost(1.3));
    report.add("CPU of a sign-in by code, many to few", median(&flows), "", Target::AtMost(1.3));
    report.add("CPU of an operator's exact search, many to few", median(&searches), "", Target::AtMost(1.3));
    report.add("CPU of an operator's list of 50, many to few", median(&lists), "", Target::AtMost(1.3));
    let resident = servers[1].0.process.mebibytes("VmRSS")?;
    report.add("resident, with 2,000,000 sessions remembered", resident, "MiB", Target::None);
    servers.into_iter().try_for_each(|(server, ..)| server.process.stop())
}

fn folder_of(settings: &Settings, users: u64) -> PathBuf {
    settings.folder.join(format!("accounts-{users}"))
}

/// Reads both stores' files once before each turn, so that the system has them in memory, as where people come all day: a
/// virtual machine may be made to give back what lies in memory and is not asked for, a quarter of a large file in twenty seconds.
fn warm(settings: &Settings) -> anyhow::Result<()> {
    for users in FEW_AND_MANY {
        let file = folder_of(settings, users).join("countersign.db");
        std::io::copy(&mut File::open(file)?, &mut std::io::sink())?;
    }
    Ok(())
}

/// Who comes next: people who are there already, far from each other.
struct People {
    next: u64,
    users: u64,
}

impl People {
    /// The person of each number from here on.
    fn ahead(&self) -> impl Fn(u64) -> u64 + 'static {
        let (next, users) = (self.next, self.users);
        move |number| (next + number) * 7_919 % users
    }
}

/// Those who come in a round, to few and to many.
fn people_of(round: u64) -> [People; 2] {
    FEW_AND_MANY.map(|users| People { next: round * 499_979, users })
}

/// The CPU of what both servers do, many to few: they take turns, so that a neighbour slows both alike. `act` has a server
/// do something, and says how often.
fn many_to_few(
    settings: &Settings,
    servers: &[(Server, Vec<String>, u64)],
    mut act: impl FnMut(usize) -> anyhow::Result<usize>,
) -> anyhow::Result<f64> {
    let cpu = |place: usize| -> anyhow::Result<f64> { Ok(servers[place].0.process.cpu()?.as_secs_f64()) };
    let (before, mut done) = ([cpu(0)?, cpu(1)?], [0, 0]);
    for _ in 0..tokens::slices(settings)? {
        for (place, done) in done.iter_mut().enumerate() {
            *done += act(place)?;
        }
    }
    let cost = |place: usize| Ok::<_, anyhow::Error>((cpu(place)? - before[place]) / done[place] as f64);
    Ok(cost(1)? / cost(0)?)
}

/// An operator asks at the socket for people by their addresses, one after the other.
fn search(settings: &Settings, people: &mut People) -> anyhow::Result<usize> {
    let (folder, person) = (folder_of(settings, people.users), people.ahead());
    for number in 0..SEARCHES {
        let path = format!("/v1/admin/users?email=person-{}@example.org", person(number));
        ask(&folder, &path, 1)?;
    }
    people.next += SEARCHES;
    Ok(SEARCHES as usize)
}

/// An operator asks at the socket for the newest fifty.
fn list(settings: &Settings, people: &People) -> anyhow::Result<usize> {
    let folder = folder_of(settings, people.users);
    for _ in 0..LISTS {
        ask(&folder, "/v1/admin/users?limit=50", 50)?;
    }
    Ok(LISTS)
}

fn ask(folder: &Path, path: &str, expected: usize) -> anyhow::Result<()> {
    let found = world::ask_as_operator(folder, path)?.matches("\"id\":\"usr_").count();
    anyhow::ensure!(found == expected, "{path} found {found}, not {expected}");
    Ok(())
}

/// A server on a store with so many users, and a request for each of their cookies.
fn filled(world: &World, folder: &Path, users: u64, cache: usize) -> anyhow::Result<(Server, Vec<String>)> {
    let accounts = "accounts = \"realm\"\n";
    Server::start_with_more(world.sink(), folder, (cache, accounts))?.process.stop()?;
    let cookies = folder.join("cookies");
    let mut fill = Command::new("taskset");
    fill.args(["-c", SERVER_CORE]).arg(environment::target()?.join("release/examples/fill_accounts"));
    fill.arg(folder.join("countersign.toml")).arg(users.to_string()).arg(&cookies);
    environment::must_succeed(&mut fill)?;
    let request = |cookie: &str| {
        format!("GET /v1/session HTTP/1.1\r\nhost: localhost\r\ncookie: __Host-countersign={cookie}\r\n\r\n")
    };
    let requests = std::fs::read_to_string(&cookies)?.lines().map(request).collect();
    Ok((Server::start_with_more(world.sink(), folder, (cache, accounts))?, requests))
}
