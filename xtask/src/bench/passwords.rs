//! Signing in with passwords: how many a second beside the bare hash on the same core, and what a question about a token
//! waits for while the hashing threads are saturated.

use std::{
    cell::Cell,
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    clients::{Caller, token_request},
    flow,
    process::Process,
    report::{Report, Target, median, micros, percentile},
    settings::Settings,
    tokens::PARTS,
    verify,
    world::{SESSIONS, Server, World},
};
use crate::environment;

/// People who sign in: so many that each has few sessions, as people have.
const PEOPLE: u64 = 1024;
/// Sign-ins at once: the one thread that hashes never waits for one.
const CALLERS: usize = 4;
/// What turns accounts and passwords on for the app, which comes last.
const SETTINGS: &str = "accounts = \"realm\"
[[realms]]
name = \"default\"
passwords = \"on\"
[passwords]
workers = 1
wrong_after_milliseconds = 0
";

/// Measures both.
///
/// # Errors
/// When a measurement could not be made.
pub(crate) fn measure(settings: &Settings, world: &World, report: &mut Report) -> anyhow::Result<()> {
    report.part("Passwords: Argon2id, 19 MiB, two passes, one thread");
    let folder = settings.folder.join("passwords");
    let server = Server::start_with_more(world.sink(), &folder, (SESSIONS, SETTINGS))?;
    let first = world.person() << 32;
    let tokens = register(world, server.port, first)?;
    let people = Rc::new(People { first, taken: Cell::new(0) });
    let program = environment::target()?.join("floor/examples/raw_argon2");
    let (mut rates, mut raws, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let token = Rc::new(tokens.iter().map(|token| token_request(token)).collect::<Vec<_>>());
    let bearer = |token: &String| verify::request(&format!("authorization: Bearer {token}"));
    let verify = Rc::new(tokens.iter().map(bearer).collect::<Vec<_>>());
    let mut asked = [(server.port, token, Vec::new()), (server.verify, verify, Vec::new())];
    let p99 = |times: &[Duration]| percentile(&micros(times), 0.99);
    for _ in 0..settings.rounds {
        let (mut raw, mut rate) = (0.0, 0.0);
        for _ in 0..PARTS {
            let slice = settings.turn / PARTS as u32;
            let long = [slice.as_millis().to_string()];
            raw += Process::start(&program, &long, &folder.join("raw.log"))?.line()?.parse::<f64>()?;
            // Questions take from the same core: the rate is measured without them.
            rate += saturated(world, server.port, &people, (None, slice))?.0;
        }
        rates.push(rate / PARTS as f64);
        raws.push(raw / PARTS as f64);
        ratios.push(rate / raw);
        for (port, requests, times) in &mut asked {
            let idle = p99(&flow::reads(world, *port, requests, settings.turn)?);
            let questions = Some((*port, &*requests));
            let (_, busy) = saturated(world, server.port, &people, (questions, settings.turn))?;
            let busy = p99(&busy);
            times.push([idle, busy, busy / idle]);
        }
    }
    report.add("bare Argon2id, built for speed", median(&raws), "/s", Target::None);
    report.add("sign-ins", median(&rates), "/s", Target::None);
    report.add("… ratio", median(&ratios), "", Target::AtLeast(0.95));
    for ((_, _, times), (name, most)) in
        asked.iter().zip([("GET /v1/token", 2.0), ("GET /verify/bench", 1.5)])
    {
        let all = |which: usize| median(&times.iter().map(|found| found[which]).collect::<Vec<_>>());
        report.add(&format!("{name}, p99, nobody signs in"), all(0), "µs", Target::None);
        report.add("… while hashing is saturated", all(1), "µs", Target::None);
        report.add("… ratio", all(2), "", Target::AtMost(most));
    }
    report.add("resident then", server.process.mebibytes("VmRSS")?, "MiB", Target::None);
    server.process.stop()
}

/// Registers everybody; the tokens that it was worth.
fn register(world: &World, port: u16, first: u64) -> anyhow::Result<Vec<String>> {
    world.run(async {
        let mut caller = Caller::connect(port, world.mailboxes.clone()).await?;
        let mut tokens = Vec::new();
        for person in first..first + PEOPLE {
            tokens.push(caller.register(person).await?);
        }
        Ok(tokens)
    })
}

/// Who signs in: everybody in turn, whichever slice it is.
struct People {
    first: u64,
    taken: Cell<u64>,
}

impl People {
    fn next(&self) -> u64 {
        self.first + self.taken.replace(self.taken.get() + 1) % PEOPLE
    }
}

/// Where questions are asked, and which.
type Questions<'a> = (u16, &'a Rc<Vec<String>>);

/// Sign-ins a second, and the times of questions asked meanwhile.
fn saturated(
    world: &World,
    port: u16,
    people: &Rc<People>,
    (questions, long): (Option<Questions<'_>>, Duration),
) -> anyhow::Result<(f64, Vec<Duration>)> {
    let (count, began) = (Rc::new(Cell::new(0_u32)), Instant::now());
    let mut signing_in = world.rest(async {
        let mut tasks = JoinSet::new();
        for _ in 0..CALLERS {
            let mut caller = Caller::connect(port, world.mailboxes.clone()).await?;
            let (count, people) = (Rc::clone(&count), Rc::clone(people));
            tasks.spawn_local(async move {
                while began.elapsed() < long {
                    caller.sign_in_with_password(people.next()).await?;
                    count.set(count.get() + 1);
                }
                anyhow::Ok(())
            });
        }
        anyhow::Ok(tasks)
    })?;
    let times = match questions {
        Some((port, requests)) => flow::reads(world, port, requests, long)?,
        None => Vec::new(),
    };
    world.rest(async {
        while let Some(ended) = signing_in.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    })?;
    Ok((f64::from(count.get()) / began.elapsed().as_secs_f64(), times))
}
