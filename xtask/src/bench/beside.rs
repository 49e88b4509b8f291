//! Questions about tokens while people sign in. Those who sign in are a process of their own, less urgent than the one
//! that asks: a question must not wait for the load's own work, which has the same core.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;

use super::{
    clients::token_request,
    flow::{self, Until},
    report::{Report, Target, median, micros, percentile},
    settings::Settings,
    world::{Server, World},
};

/// People who sign in at once, each beginning again after a pause.
const WRITERS: usize = 16;
/// Tokens that are asked about.
const TOKENS: usize = 1024;

/// The process of those who sign in.
struct Writers {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Writers {
    fn start(log: &Path) -> anyhow::Result<Self> {
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        let mut child = Command::new("chrt")
            .args(["--idle", "0"])
            .arg(std::env::current_exe()?)
            .args(["bench-part", "writers"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("chrt")?;
        let orders = child.stdin.take().context("its input")?;
        let answers = BufReader::new(child.stdout.take().context("its output")?);
        Ok(Self { child, orders, answers })
    }

    fn order(&mut self, order: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.orders, "{order}")?)
    }

    fn answer(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        anyhow::ensure!(!line.is_empty(), "those who sign in ended: see their log");
        Ok(line.trim().to_owned())
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        // Nothing to do about one that has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Measures the questions, alone and beside flows at half of `most` a second.
///
/// # Errors
/// When a measurement could not be made.
pub(crate) fn measure(
    settings: &Settings,
    world: &World,
    most: f64,
    report: &mut Report,
) -> anyhow::Result<()> {
    let folder = settings.folder.join("beside");
    std::fs::create_dir_all(&folder)?;
    let mut writers = Writers::start(&folder.join("writers.log"))?;
    let sink = writers.answer()?.parse()?;
    let server = Server::start_with(sink, &folder)?;
    let pause = Duration::from_secs_f64(WRITERS as f64 / (most / 2.0));
    writers.order(&format!("{} {}", server.port, pause.as_micros()))?;
    let tokens = (0..TOKENS).map(|_| writers.answer()).collect::<anyhow::Result<Vec<_>>>()?;
    let requests = std::rc::Rc::new(tokens.iter().map(|token| token_request(token)).collect());
    let (mut alone, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let p99 = || -> anyhow::Result<f64> {
        Ok(percentile(&micros(&flow::reads(world, server.port, &requests, settings.turn)?), 0.99))
    };
    for _ in 0..settings.rounds {
        let without = p99()?;
        // A little longer than the questions, so that somebody signs in until the last of them.
        writers.order(&(settings.turn + Duration::from_millis(300)).as_micros().to_string())?;
        std::thread::sleep(Duration::from_millis(100));
        let with = p99()?;
        writers.answer()?;
        ratios.push(with / without);
        alone.push(without);
        beside.push(with);
    }
    report.add("GET /v1/token, p99, nobody signs in", median(&alone), "µs", Target::None);
    report.add("… while people sign in at half load", median(&beside), "µs", Target::None);
    report.add("… ratio", median(&ratios), "", Target::AtMost(2.0));
    server.process.stop()
}

/// The other process: says where its mail server is, hears where to sign in and how often, shows tokens, then signs in
/// for as long as each order says.
///
/// # Errors
/// When a flow fails or an order does not read.
#[expect(clippy::print_stdout, reason = "it answers the process that started it")]
pub(crate) fn writers() -> anyhow::Result<()> {
    let world = World::new()?;
    println!("{}", world.sink());
    let mut orders = std::io::stdin().lines();
    let order = orders.next().context("nobody says where to sign in")??;
    let (port, pause) = order.split_once(' ').context("a port and a pause")?;
    let (port, pause) = (port.parse()?, Duration::from_micros(pause.parse()?));
    let flows = flow::flows(&world, port, WRITERS, Until::Count(TOKENS), Duration::ZERO)?;
    for token in flows.tokens {
        println!("{token}");
    }
    for order in orders {
        let until = Until::Elapsed(Duration::from_micros(order?.parse()?));
        flow::flows(&world, port, WRITERS, until, pause)?;
        println!("done");
    }
    Ok(())
}
