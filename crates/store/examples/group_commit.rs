//! How near the engine for SQLite comes to a bare loop over SQLite: pairs of an insert and a conditional update, each
//! durable. `cargo xtask bench` runs it.
//!
//! `group_commit FOLDER ROUNDS SECONDS` prints a line for each round: pairs a second of the loop and of the engine with 64
//! callers, then the CPU time of a pair of each, callers included, in microseconds. The loop puts 64 statements into each transaction, as many as there are callers, on a thread that
//! does nothing else; it has nobody to answer.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::{
    error::Error,
    path::Path,
    time::{Duration, Instant},
};

use countersign_store::{
    engine::{Engine as _, Expect, Statement, Value, Write},
    migration::Migration,
    sqlite::Sqlite,
};
use futures_util::future::try_join_all;
use rusqlite::{Connection, params};

/// Callers at once, and statements in a transaction of the loop.
const MANY: usize = 64;
const INSERT: &str = "INSERT INTO pair (id, digest, state, version) VALUES (?, ?, ?, ?)";
const UPDATE: &str = "UPDATE pair SET state = ?, version = ? WHERE id = ? AND version = ?";
const TABLE: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE pair (\n  id {key} NOT NULL PRIMARY KEY,\n  digest {key} NOT NULL,\n  state {name} NOT NULL,\n  \
          version {integer} NOT NULL\n) {table};\n",
}];

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, rounds, seconds] = &arguments[..] else {
        return Err("usage: group_commit FOLDER ROUNDS SECONDS".into());
    };
    let (rounds, turn): (u32, _) = (rounds.parse()?, Duration::try_from_secs_f64(seconds.parse()?)?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let folder = Path::new(folder);
    let engine = Sqlite::open(&folder.join("engine.db"))?;
    runtime.block_on(engine.migrate(TABLE))?;
    let raw = raw(&folder.join("raw.db"))?;
    let mut next = 0;
    // The first round fills caches and files.
    for round in 0..=rounds {
        let bare = measured(|| repeat(turn, || in_a_loop(&raw, &mut next)))?;
        let grouped = measured(|| runtime.block_on(by_callers(&engine, &mut next, turn)))?;
        if round > 0 {
            println!("{} {} {} {}", bare.0, grouped.0, bare.1, grouped.1);
        }
    }
    runtime.block_on(engine.close());
    Ok(())
}

/// A database with the same table, opened as the engine opens its own.
fn raw(path: &Path) -> Result<Connection> {
    let engine = Sqlite::open(path)?;
    tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
        engine.migrate(TABLE).await?;
        engine.close().await;
        Ok::<_, countersign_store::Error>(())
    })?;
    drop(engine);
    let connection = Connection::open(path)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Pairs a second, and microseconds of CPU for each.
fn measured(work: impl FnOnce() -> Result<usize>) -> Result<(f64, f64)> {
    let (begun, before) = (Instant::now(), cpu()?);
    let pairs = work()? as f64;
    let took = begun.elapsed().as_secs_f64();
    Ok((pairs / took, (cpu()? - before) as f64 / 1e3 / pairs))
}

/// Nanoseconds that this process's threads have had so far.
fn cpu() -> Result<u64> {
    let mut sum = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        sum += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(sum)
}

fn repeat(turn: Duration, mut work: impl FnMut() -> Result<usize>) -> Result<usize> {
    let (begun, mut done) = (Instant::now(), 0);
    while begun.elapsed() < turn {
        done += work()?;
    }
    Ok(done)
}

/// As many pairs as there are callers: their inserts in one transaction, their updates in the next.
fn in_a_loop(connection: &Connection, next: &mut u64) -> Result<usize> {
    let ids: Vec<_> = (0..MANY).map(|_| id(next)).collect();
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for id in &ids {
        connection.prepare_cached(INSERT)?.execute(params![&id[..], &[7_u8; 32][..], "pending", 1])?;
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for id in &ids {
        let touched = connection.prepare_cached(UPDATE)?.execute(params!["spent", 2, &id[..], 1])?;
        if touched != 1 {
            return Err("the update hit nothing".into());
        }
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(MANY)
}

/// The same by callers of the engine, each of whom waits for its answers.
async fn by_callers(engine: &Sqlite, next: &mut u64, turn: Duration) -> Result<usize> {
    let begun = Instant::now();
    let next = std::cell::RefCell::new(next);
    let caller = async || {
        let mut pairs = 0;
        while begun.elapsed() < turn {
            let id = Value::Bytes(id(&mut next.borrow_mut()).to_vec());
            let digest = Value::Bytes(vec![7; 32]);
            let version = |number| Value::Integer(number);
            let state = |name: &str| Value::Text(name.to_owned());
            engine.commit(one(INSERT, vec![id.clone(), digest, state("pending"), version(1)])).await?;
            engine.commit(one(UPDATE, vec![state("spent"), version(2), id, version(1)])).await?;
            pairs += 1;
        }
        Ok::<_, countersign_store::Error>(pairs)
    };
    Ok(try_join_all((0..MANY).map(|_| caller())).await?.into_iter().sum())
}

fn one(sql: &'static str, parameters: Vec<Value>) -> Vec<Write> {
    vec![Write { statement: Statement { sql, parameters }, expect: Expect::One }]
}

/// A new id; later ones are greater, as the server's are.
fn id(next: &mut u64) -> [u8; 16] {
    *next += 1;
    let mut id = [0x5a; 16];
    id[..8].copy_from_slice(&next.to_be_bytes());
    id
}
