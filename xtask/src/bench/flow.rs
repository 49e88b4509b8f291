//! The whole flow, by many callers at once and by one; and questions about a token while others sign in.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{clients::Caller, world::World};

/// Callers that ask about a token while others sign in.
const READERS: usize = 4;

/// When a load of flows ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After so many flows.
    Count(usize),
    /// After this time.
    Elapsed(Duration),
}

/// What a load of flows saw.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    /// From the first request to the last token.
    pub(crate) elapsed: Duration,
    /// Of each flow.
    pub(crate) latencies: Vec<Duration>,
    /// Of each flow.
    pub(crate) tokens: Vec<String>,
}

impl Flows {
    /// Flows in a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.tokens.len() as f64 / self.elapsed.as_secs_f64()
    }
}

/// Flows by `callers` at once, each beginning the next when one has ended; with `pause` not before that has passed.
///
/// # Errors
/// When any flow fails.
pub(crate) fn flows(
    world: &World,
    port: u16,
    callers: usize,
    until: Until,
    pause: Duration,
) -> anyhow::Result<Flows> {
    // People are numbered ahead, since tasks may not borrow the world.
    let first = world.person() << 32;
    flows_of(world, port, callers, (until, pause), move |number| first + number)
}

/// The same, with the person of each flow, by its number.
///
/// # Errors
/// When any flow fails.
pub(crate) fn flows_of(
    world: &World,
    port: u16,
    callers: usize,
    (until, pause): (Until, Duration),
    person: impl Fn(u64) -> u64 + 'static,
) -> anyhow::Result<Flows> {
    let person = Rc::new(person);
    let result = Rc::new(RefCell::new(Flows::default()));
    let begun = Rc::new(Cell::new(0));
    let began = Instant::now();
    world.run(async {
        let mut tasks = JoinSet::new();
        let mut connected = Vec::new();
        for _ in 0..callers {
            connected.push(Caller::connect(port, world.mailboxes.clone()).await?);
        }
        let people = Rc::new(move || begun.replace(begun.get() + 1));
        for mut caller in connected {
            let (result, people, person) = (Rc::clone(&result), Rc::clone(&people), Rc::clone(&person));
            tasks.spawn_local(async move {
                loop {
                    let number = people();
                    let ended = match until {
                        Until::Count(count) => number >= count,
                        Until::Elapsed(long) => began.elapsed() >= long,
                    };
                    if ended {
                        return anyhow::Ok(());
                    }
                    let before = Instant::now();
                    let token = caller.flow(person(number as u64)).await?;
                    result.borrow_mut().latencies.push(before.elapsed());
                    result.borrow_mut().tokens.push(token);
                    tokio::time::sleep(pause.saturating_sub(before.elapsed())).await;
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    })?;
    let mut result = result.take();
    result.elapsed = began.elapsed();
    Ok(result)
}

/// Times of questions, each caller one a millisecond.
///
/// # Errors
/// When any request fails.
pub(crate) fn reads(
    world: &World,
    port: u16,
    requests: &Rc<Vec<String>>,
    long: Duration,
) -> anyhow::Result<Vec<Duration>> {
    world.rest(async {
        let mut reading = JoinSet::new();
        for reader in 0..READERS {
            let caller = Caller::connect(port, world.mailboxes.clone()).await?;
            reading.spawn_local(read(caller, Rc::clone(requests), reader * 256, long));
        }
        let mut times = Vec::new();
        while let Some(ended) = reading.join_next().await {
            times.extend(ended??);
        }
        Ok(times)
    })
}

async fn read(
    mut caller: Caller,
    requests: Rc<Vec<String>>,
    mut place: usize,
    long: Duration,
) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let began = Instant::now();
    while began.elapsed() < long {
        tick.tick().await;
        place += 1;
        let before = Instant::now();
        caller.exchange(&requests[place % requests.len()]).await?;
        times.push(before.elapsed());
    }
    Ok(times)
}
