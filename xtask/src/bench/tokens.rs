//! `GET /v1/token` beside bare hyper: tokens never seen, tokens seen before, and latency at half load.

use std::time::Duration;

use super::{
    clients::token_request,
    process::Process,
    report::{Report, Target, median, micros, percentile},
    settings::Settings,
    spin::{self, Load},
    world::Server,
};

/// The bare server and what it took for a request.
pub(crate) struct Hello {
    /// Its process.
    pub(crate) process: Process,
    /// Where it listens.
    pub(crate) port: u16,
}

/// What is asked, and what is wanted of the answers.
pub(crate) struct Asked<'a> {
    /// What is shown, as the table has it.
    pub(crate) shown: &'a str,
    /// The server's counts of answers from memory, and of those that are none or of all of them.
    pub(crate) counters: [&'static str; 2],
    /// Whether the second count holds the first.
    pub(crate) counts_all: bool,
    /// Least share of bare hyper's rate.
    pub(crate) rate: f64,
    /// Most times bare hyper's p99 at half load.
    pub(crate) tail: f64,
}

const TOKEN: Asked<'_> = Asked {
    shown: "token",
    counters: ["countersign_token_cache_hits_total", "countersign_token_cache_misses_total"],
    counts_all: false,
    rate: 0.75,
    tail: 2.0,
};

/// A server, where it listens, and what it is asked.
pub(crate) type Contestant<'a> = ((&'a Process, u16), &'a [String]);

/// How long a contestant is asked before the other has its turn: many clock ticks, and shorter than a neighbour's job.
pub(crate) const SLICE: Duration = Duration::from_millis(250);

/// Parts of a round in which what cannot be asked twice takes turns with its floor: what the machine's neighbours do falls
/// upon both.
pub(crate) const PARTS: usize = 4;

/// One turn of one contestant.
struct Turn {
    load: Load,
    /// Microseconds of the server for each answer.
    cpu: f64,
}

/// Draws requests uniformly (xorshift64).
fn drawn<'a>(requests: &'a [String], seed: u64) -> impl FnMut() -> Option<&'a [u8]> {
    let mut state = seed | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let place = (state % requests.len().max(1) as u64) as usize;
        requests.get(place).map(String::as_bytes)
    }
}

fn turn<'a>(
    (process, port): (&Process, u16),
    mut requests: impl FnMut() -> Option<&'a [u8]> + 'a,
    long: Duration,
    rate: Option<f64>,
) -> anyhow::Result<Turn> {
    let before = process.cpu()?;
    let load = spin::load(port, &mut requests, long, rate)?;
    let cpu = (process.cpu()? - before).as_secs_f64() * 1e6 / load.good.max(1) as f64;
    anyhow::ensure!(load.bad == 0, "{} of {} requests were refused", load.bad, load.bad + load.good);
    Ok(Turn { load, cpu })
}

/// A turn of each of two contestants, in short slices one after the other: what the machine's neighbours do falls upon both.
fn paired(
    settings: &Settings,
    contestants: [Contestant<'_>; 2],
    seed: u64,
    rate: Option<f64>,
) -> anyhow::Result<[Turn; 2]> {
    let slices = slices(settings)?;
    let mut turns = [const { Turn { load: Load::none(), cpu: 0.0 } }; 2];
    for slice in 0..u64::from(slices) {
        for (whole, (server, requests)) in turns.iter_mut().zip(contestants) {
            let drawn = drawn(requests, seed * 1_000 + slice);
            let part = turn(server, drawn, settings.turn / slices, rate)?;
            whole.cpu += part.cpu * part.load.good as f64;
            whole.load.extend(part.load);
        }
    }
    Ok(turns.map(|Turn { load, cpu }| Turn { cpu: cpu / load.good.max(1) as f64, load }))
}

/// How many slices are in a turn.
///
/// # Errors
/// For a turn of years.
pub(crate) fn slices(settings: &Settings) -> anyhow::Result<u32> {
    Ok(u32::try_from(settings.turn.as_millis() / SLICE.as_millis())?.max(1))
}

/// Two servers asked in turns: for each, answers a second and microseconds for each answer.
///
/// # Errors
/// When one does not answer, or not with 200.
pub(crate) fn paired_load(
    settings: &Settings,
    contestants: [Contestant<'_>; 2],
    seed: u64,
) -> anyhow::Result<[(f64, f64); 2]> {
    let turns = paired(settings, contestants, seed, None)?;
    Ok(turns.map(|turn| (turn.load.per_second(), turn.cpu)))
}

/// Microseconds of a server for one request, as many as it can answer being sent.
///
/// # Errors
/// When it does not answer, or not with 200.
pub(crate) fn cpu(server: (&Process, u16), token: &str, long: Duration) -> anyhow::Result<f64> {
    let request = [token_request(token)];
    Ok(turn(server, drawn(&request, 1), long, None)?.cpu)
}

/// Requests drawn uniformly: answers a second, and microseconds of the server for each.
///
/// # Errors
/// When it does not answer, or not with 200.
pub(crate) fn drawn_load(
    server: (&Process, u16),
    requests: &[String],
    seed: u64,
    long: Duration,
) -> anyhow::Result<(f64, f64)> {
    let turn = turn(server, drawn(requests, seed), long, None)?;
    Ok((turn.load.per_second(), turn.cpu))
}

/// Each request once.
///
/// # Errors
/// When any is not answered 200.
pub(crate) fn once_each(server: (&Process, u16), requests: &[String]) -> anyhow::Result<()> {
    let mut each = requests.iter();
    let next = move || each.next().map(String::as_bytes);
    turn(server, next, Duration::from_secs(600), None).map(drop)
}

/// Measures everything about checking tokens; `tokens` were never shown to this server.
///
/// # Errors
/// When a measurement could not be made, or a damaged token was accepted.
pub(crate) fn measure(
    settings: &Settings,
    (hello, server): (&Hello, &Server),
    tokens: &[String],
    report: &mut Report,
    verify: &dyn Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<()> {
    let requests: Vec<String> = tokens.iter().map(|token| token_request(token)).collect();
    report.part("Checking a token, GET /v1/token, 16 connections");
    let at = (&server.process, server.port);
    never_seen(settings, (hello, at), &requests, report, verify)?;
    let most = seen_before(settings, (hello, server, at), (&TOKEN, &requests), report)?;
    half_load(settings, (hello, at), (&TOKEN, &requests), report, most / 2.0)?;
    refuse_damaged(server, &tokens[0])
}

/// Tokens that are shown for the first time.
///
/// # Errors
/// When one is not answered 200.
pub(crate) fn never_seen(
    settings: &Settings,
    (hello, server): (&Hello, (&Process, u16)),
    requests: &[String],
    report: &mut Report,
    verify: &dyn Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<()> {
    let (mut rates, mut ratios, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    for part in requests.chunks(requests.len().div_ceil(settings.rounds * PARTS)) {
        let bare = turn((&hello.process, hello.port), drawn(part, 1), settings.turn / PARTS as u32, None)?;
        let check = verify()?;
        let mut each = part.iter();
        let next = move || each.next().map(String::as_bytes);
        let ours = turn(server, next, Duration::from_secs(60), None)?;
        let floor = 1e6 / (1e6 / bare.load.per_second() + check);
        rates.push(ours.load.per_second());
        ratios.push(ours.load.per_second() / floor);
        checks.push(check);
    }
    report.add("one Ed25519 check (aws-lc-rs)", median(&checks), "µs", Target::None);
    report.add("a new token each time", median(&rates), "/s", Target::None);
    report.add("… to 1/(hyper + check)", median(&ratios), "", Target::AtLeast(0.85));
    Ok(())
}

/// What was shown before; the rate that was reached.
///
/// # Errors
/// When a request is not answered 200.
pub(crate) fn seen_before(
    settings: &Settings,
    (hello, server, at): (&Hello, &Server, (&Process, u16)),
    (asked, requests): (&Asked<'_>, &[String]),
    report: &mut Report,
) -> anyhow::Result<f64> {
    // Once more through all of them, so that those which lost their place have it again.
    let mut each = requests.iter();
    turn(at, move || each.next().map(String::as_bytes), Duration::from_secs(60), None)?;
    let [hits, others] = asked.counters.map(|name| server.counter(name));
    let (hits, others) = (hits?, others?);
    let (mut bare, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..settings.rounds {
        let contestants = [((&hello.process, hello.port), requests), (at, requests)];
        let [floor, turn] = paired(settings, contestants, 7 + round as u64, None)?;
        ratios.push(turn.load.per_second() / floor.load.per_second());
        bare.push(floor);
        ours.push(turn);
    }
    let [all_hits, all_others] = asked.counters.map(|name| server.counter(name));
    let (hits, others) = (all_hits? - hits, all_others? - others);
    let all = if asked.counts_all { others } else { hits + others };
    let rates = |turns: &[Turn]| median(&turns.iter().map(|turn| turn.load.per_second()).collect::<Vec<_>>());
    let cost = |turns: &[Turn]| median(&turns.iter().map(|turn| turn.cpu).collect::<Vec<_>>());
    report.add("bare hyper", rates(&bare), "/s", Target::None);
    report.add("bare hyper, CPU", cost(&bare), "µs", Target::None);
    report.add(
        &format!("a {} seen before, of {}", asked.shown, requests.len()),
        rates(&ours),
        "/s",
        Target::None,
    );
    report.add("… CPU", cost(&ours), "µs", Target::None);
    report.add("… hit rate", hits / all, "", Target::None);
    report.add("… CPU to bare hyper's", cost(&ours) / cost(&bare), "", Target::None);
    report.add("… to bare hyper's rate", median(&ratios), "", Target::AtLeast(asked.rate));
    Ok(rates(&ours))
}

/// Latencies at a rate.
///
/// # Errors
/// When a request is not answered 200.
pub(crate) fn half_load(
    settings: &Settings,
    (hello, server): (&Hello, (&Process, u16)),
    (asked, requests): (&Asked<'_>, &[String]),
    report: &mut Report,
    rate: f64,
) -> anyhow::Result<()> {
    let mut figures = [const { Vec::new() }; 4];
    let mut ratios = Vec::new();
    for round in 0..settings.rounds {
        let contestants = [((&hello.process, hello.port), requests), (server, requests)];
        let turns = paired(settings, contestants, 9 + round as u64, Some(rate))?;
        let [bare, ours] = turns.map(|turn| micros(&turn.load.latencies));
        let found = [
            percentile(&bare, 0.5),
            percentile(&bare, 0.99),
            percentile(&ours, 0.5),
            percentile(&ours, 0.99),
        ];
        ratios.push(found[3] / found[1]);
        for (all, one) in figures.iter_mut().zip(found) {
            all.push(one);
        }
    }
    let [bare_half, bare_most, half, most] = figures.map(|all| median(&all));
    report.add(&format!("at {rate:.0}/s: bare hyper's p50"), bare_half, "µs", Target::None);
    report.add("… bare hyper's p99", bare_most, "µs", Target::None);
    report.add("… p50", half, "µs", Target::None);
    report.add("… p99", most, "µs", Target::None);
    report.add("… p99 to bare hyper's", median(&ratios), "", Target::AtMost(asked.tail));
    Ok(())
}

/// The negative control: a token with another signature is refused, right after the good one was accepted.
fn refuse_damaged(server: &Server, token: &str) -> anyhow::Result<()> {
    let (signed, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    let first = if signature.starts_with('A') { "B" } else { "A" };
    let damaged = token_request(&format!("{signed}.{first}{}", signature.get(1..).unwrap_or_default()));
    let good = token_request(token);
    for (request, expected) in [(&good, (1, 0)), (&damaged, (0, 1))] {
        let mut once = Some(request.as_bytes());
        let load = spin::load(server.port, &mut || once.take(), Duration::from_secs(1), None)?;
        anyhow::ensure!((load.good, load.bad) == expected, "a damaged token must be refused, a good one not");
    }
    Ok(())
}
