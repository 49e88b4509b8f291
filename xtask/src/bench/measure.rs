//! The order of a run: first the flows, which make the tokens, then the checks of tokens, then memory and size.
#![expect(clippy::print_stdout, reason = "the table is what the command is for")]

use std::{path::Path, time::Duration};

use super::{
    accounts, beside, devices, factors, fill,
    flow::{self, Until},
    group_commit, passwords,
    process::Process,
    report::{Report, Target, machine, median, micros, percentile},
    settings::{Alone, Settings},
    tokens::{self, Hello, PARTS},
    verify as forward_auth,
    world::{Server, World},
};

/// Callers at once, where the issue says many.
const MANY: usize = 64;
/// Durable commits of one flow: the challenge with its message, the message forgotten, the challenge verified.
const COMMITS: f64 = 3.0;

/// Measures everything and prints it.
///
/// # Errors
/// When a measurement could not be made.
pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    let machine = machine();
    println!("{machine}");
    if settings.folder.exists() {
        std::fs::remove_dir_all(&settings.folder)?;
    }
    std::fs::create_dir_all(&settings.folder)?;
    let (world, mut report) = (World::new()?, Report::default());
    let alone = match settings.alone {
        Some(Alone::Factors) => Some(factors::measure(settings, &world, &mut report)),
        Some(Alone::Passwords) => Some(passwords::measure(settings, &world, &mut report)),
        Some(Alone::People) => Some(accounts::measure_many(settings, &world, &mut report)),
        Some(Alone::Devices) => Some(devices::measure(settings, &world, &mut report)),
        Some(Alone::Verify | Alone::Flow) | None => None,
    };
    if let Some(measured) = alone {
        measured?;
        return report.write(&machine, &settings.json);
    }
    let hello = hello(&settings.folder)?;
    if settings.alone == Some(Alone::Verify) {
        verify_alone(settings, &world, &hello, &mut report)?;
        return report.write(&machine, &settings.json);
    }
    let folder = settings.folder.join("main");
    start_and_stop(settings, &world, &folder, &mut report)?;
    let server = Server::start(&world, &folder)?;
    // The first minute's work is not idling.
    std::thread::sleep(Duration::from_secs(2));
    report.add("resident, idle", server.process.mebibytes("VmRSS")?, "MiB", Target::AtMost(12.0));
    let tokens = whole_flow(settings, &world, (&hello, &server), &mut report)?;
    if settings.alone == Some(Alone::Flow) {
        server.process.stop()?;
        return report.write(&machine, &settings.json);
    }
    let verify = || floor(&settings.folder, &["bench-part", "floor", "verify"]);
    tokens::measure(settings, (&hello, &server), &tokens, &mut report, &verify)?;
    report.part("After all of this");
    report.add("resident at most", server.process.mebibytes("VmHWM")?, "MiB", Target::AtMost(40.0));
    server.process.stop()?;
    // One that has seen none of these tokens.
    let server = Server::start(&world, &folder)?;
    forward_auth::tokens(settings, (&hello, &server), &tokens, &mut report, &verify)?;
    server.process.stop()?;
    group_commit::measure(settings, &mut report)?;
    accounts::measure(settings, &world, &hello, &mut report)?;
    passwords::measure(settings, &world, &mut report)?;
    factors::measure(settings, &world, &mut report)?;
    if settings.large {
        fill::measure(settings, &world, &mut report)?;
        accounts::measure_many(settings, &world, &mut report)?;
        devices::measure(settings, &world, &mut report)?;
    }
    report.write(&machine, &settings.json)?;
    std::fs::remove_dir_all(&settings.folder)?;
    Ok(())
}

/// Cookies and tokens, the latter made by flows that are not measured.
fn verify_alone(
    settings: &Settings,
    world: &World,
    hello: &Hello,
    report: &mut Report,
) -> anyhow::Result<()> {
    accounts::measure(settings, world, hello, report)?;
    let folder = settings.folder.join("main");
    let server = Server::start(world, &folder)?;
    let tokens = flow::flows(world, server.port, MANY, Until::Count(settings.tokens), Duration::ZERO)?.tokens;
    server.process.stop()?;
    let server = Server::start(world, &folder)?;
    let verify = || floor(&settings.folder, &["bench-part", "floor", "verify"]);
    forward_auth::tokens(settings, (hello, &server), &tokens, report, &verify)?;
    server.process.stop()
}

fn hello(folder: &Path) -> anyhow::Result<Hello> {
    let program = std::env::current_exe()?;
    let mut process = Process::start(&program, &["bench-part", "hello"], &folder.join("hello.log"))?;
    let port = process.line()?.parse()?;
    Ok(Hello { process, port })
}

/// A figure that a process of its own measures on the server's core.
fn floor(folder: &Path, arguments: &[&str]) -> anyhow::Result<f64> {
    let program = std::env::current_exe()?;
    Ok(Process::start(&program, arguments, &folder.join("floor.log"))?.line()?.parse()?)
}

fn start_and_stop(
    settings: &Settings,
    world: &World,
    folder: &Path,
    report: &mut Report,
) -> anyhow::Result<()> {
    report.part("Size and start");
    let size = std::fs::metadata(Server::program()?)?.len() as f64 / 1024.0 / 1024.0;
    report.add("the program", size, "MiB", Target::AtMost(25.0));
    // The first start makes the database and the keys.
    Server::start(world, folder)?.process.stop()?;
    let mut times = Vec::new();
    for _ in 0..settings.rounds {
        let server = Server::start(world, folder)?;
        times.push(server.started_in.as_secs_f64() * 1e3);
        server.process.stop()?;
    }
    report.add("from exec to the first 200", median(&times), "ms", Target::AtMost(30.0));
    Ok(())
}

/// The flows by many callers, by one, and beside questions about tokens; the tokens of the first.
fn whole_flow(
    settings: &Settings,
    world: &World,
    (hello, server): (&Hello, &Server),
    report: &mut Report,
) -> anyhow::Result<Vec<String>> {
    report.part("The whole flow: ask, mail over SMTP, verify, token; durable");
    let warm = flow::flows(world, server.port, MANY, Until::Count(1_000), Duration::ZERO)?;
    let (mut rates, mut costs, mut ratios, mut bare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut tokens = Vec::new();
    let each = Until::Count(settings.tokens.div_ceil(settings.rounds * PARTS));
    for _ in 0..settings.rounds {
        let (mut floor, mut cost, mut long, mut count) = (0.0, 0.0, 0.0, 0);
        for _ in 0..PARTS {
            let slice = settings.turn / PARTS as u32;
            floor += tokens::cpu((&hello.process, hello.port), &warm.tokens[0], slice)? / PARTS as f64;
            let before = server.process.cpu()?;
            let flows = flow::flows(world, server.port, MANY, each, Duration::ZERO)?;
            cost += (server.process.cpu()? - before).as_secs_f64() * 1e6;
            long += flows.elapsed.as_secs_f64();
            count += flows.tokens.len();
            tokens.extend(flows.tokens);
        }
        rates.push(count as f64 / long);
        ratios.push(cost / 1e6 / long);
        bare.push(cost / count as f64 / floor);
        costs.push(cost / count as f64);
    }
    report.add(&format!("{MANY} callers"), median(&rates), "/s", Target::None);
    report.add("… CPU of a flow", median(&costs), "µs", Target::None);
    report.add("… CPU to one request of bare hyper", median(&bare), "", Target::AtMost(25.0));
    report.add("… rate to 1/CPU", median(&ratios), "", Target::AtLeast(0.85));
    report.add("resident under this load", server.process.mebibytes("VmRSS")?, "MiB", Target::AtMost(40.0));
    one_caller(settings, world, server, report)?;
    beside::measure(settings, world, median(&rates), report)?;
    Ok(tokens)
}

fn one_caller(
    settings: &Settings,
    world: &World,
    server: &Server,
    report: &mut Report,
) -> anyhow::Result<()> {
    let (mut syncs, mut times) = (Vec::new(), Vec::new());
    let folder = settings.folder.display().to_string();
    for _ in 0..settings.rounds {
        let sync = floor(&settings.folder, &["bench-part", "floor", "fsync", &folder])?;
        let flows = flow::flows(world, server.port, 1, Until::Elapsed(settings.turn), Duration::ZERO)?;
        times.push(median(&micros(&flows.latencies)) / 1e3);
        syncs.push(sync / 1e3);
    }
    // The quickest of the rounds: on a busy machine the others show how long the probe waited for its core, and
    // taking that from the flow's time would excuse anything.
    let sync = percentile(&syncs, 0.0);
    let over = median(&times) - COMMITS * sync;
    report.add("append and fdatasync (probe), quickest round", sync, "ms", Target::None);
    report.add("one caller's flow, p50", median(&times), "ms", Target::None);
    report.add(&format!("… less {COMMITS} times the probe"), over, "ms", Target::AtMost(1.0));
    Ok(())
}
