//! What engines promise to many callers at once, on one node and on several.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;

use super::scratch::{
    assert_conflict, bytes, count, increment, insert, migrations, number, prepare, query, single, update,
};
use crate::{
    Error,
    engine::{Engine, Statement, Value, Write},
};

/// Commits that have nothing to do with each other all succeed, and each is seen as soon as it is acknowledged.
pub async fn parallel_commits_all_succeed(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let outcomes = in_parallel(256, |index| {
        let engine = Arc::clone(&engine);
        async move {
            let id = format!("row {index}");
            let written = engine.commit(vec![insert(&id, index), update(&id, index + 1, 0)]).await;
            (written, number(&engine, &id).await)
        }
    })
    .await;
    for (index, (written, read)) in (0..).zip(outcomes) {
        assert_eq!(written.ok(), Some(vec![1, 1]));
        assert_eq!(read, Some(Value::Integer(index + 1)));
    }
    assert_eq!(count(&engine).await, 256);
}

/// Of fifty who change the same version of a row, one does; nothing of the others is left.
pub async fn one_of_many_racing_updates_wins(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    assert!(engine.commit(vec![insert("row", 0)]).await.is_ok());
    for round in 0..5 {
        let outcomes = in_parallel(50, |index| {
            let engine = Arc::clone(&engine);
            let trace = format!("{round} {index}");
            async move { engine.commit(vec![insert(&trace, index), update("row", index, round)]).await }
        })
        .await;
        let winners: Vec<_> = (0..).zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        for loser in outcomes.iter().filter(|outcome| outcome.is_err()) {
            assert_conflict(loser);
        }
        let winner: Option<i64> = winners.first().map(|(index, _)| *index);
        assert_eq!(number(&engine, "row").await, winner.map(Value::Integer));
        assert_eq!(count(&engine).await, 2 + round);
    }
}

/// A failing commit in the company of others undoes itself and none of them.
pub async fn a_conflict_undoes_only_itself(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let outcomes = in_parallel(200, |index| {
        let engine = Arc::clone(&engine);
        async move {
            let (id, extra) = (format!("row {index}"), format!("extra {index}"));
            let last = if index % 4 == 0 { update("missing", 1, 1) } else { insert(&extra, 1) };
            engine.commit(vec![insert(&id, index), last]).await
        }
    })
    .await;
    for (index, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_ok(), index % 4 != 0, "{index}: {outcome:?}");
    }
    assert_eq!(count(&engine).await, 300);
}

/// Several nodes that change the same rows in different order: each commit happens once or not at all.
pub async fn increments_of_many_nodes_add_up(engines: Vec<Arc<dyn Engine>>) {
    let Some(first) = engines.first() else { return };
    prepare(first).await;
    let rows = ["a", "b", "c", "d"];
    assert!(first.commit(rows.map(|row| insert(row, 0)).to_vec()).await.is_ok());
    let outcomes = in_parallel(200, |index| {
        let place = usize::try_from(index).unwrap_or(0);
        let engine = Arc::clone(&engines[place % engines.len()]);
        // In one order inside a commit, so that only sharing a transaction can make a deadlock; a few are reversed.
        let (low, high) = [(0, 1), (2, 3), (0, 2), (1, 3), (0, 3), (1, 2)][place % 6];
        let (one, other) = if place % 32 == 31 { (high, low) } else { (low, high) };
        let (one, other) = (rows[one], rows[other]);
        async move {
            for _ in 0..1000 {
                match engine.commit(vec![increment(one), increment(other)]).await {
                    Err(Error::Conflict) => {}
                    outcome => return outcome,
                }
            }
            Err(Error::Conflict)
        }
    })
    .await;
    for outcome in outcomes {
        assert_eq!(outcome.ok(), Some(vec![1, 1]));
    }
    let total = query(first, "SELECT SUM(version) FROM scratch", Vec::new()).await;
    assert_eq!(single(&total), 400);
}

/// Twenty nodes that start at once on an empty database: one of them makes the schema, all find it made.
pub async fn one_of_many_nodes_migrates(engines: Vec<Arc<dyn Engine>>) {
    let migrations = Arc::new(migrations());
    let last = migrations.last().map(|migration| migration.version);
    let outcomes = join_all(engines.iter().map(|engine| {
        let (engine, migrations) = (Arc::clone(engine), Arc::clone(&migrations));
        tokio::spawn(async move { engine.migrate(&migrations).await })
    }))
    .await;
    for outcome in outcomes {
        let outcome = outcome.unwrap_or_else(|panic| panic!("{panic}"));
        assert!(outcome.as_ref().ok() == last.as_ref(), "{outcome:?}");
    }
    let Some(first) = engines.first() else { return };
    assert_eq!(single(&query(first, "SELECT COUNT(*) FROM scratch_step", Vec::new()).await), 1);
}

/// When every connection is killed in the middle of the work, commits are whole or absent, what was acknowledged
/// is there, what was a conflict is not, and the engine goes on by itself.
pub async fn killed_connections_are_replaced<F, K>(engine: Arc<dyn Engine>, kill: F)
where
    F: Fn() -> K,
    K: Future<Output = ()>,
{
    prepare(&engine).await;
    for round in 0..4 {
        let pairs = |index: i64| -> Vec<Write> {
            ["left", "right"].map(|side| insert(&format!("{round} {index} {side}"), index)).to_vec()
        };
        let work = in_parallel(300, |index| {
            let engine = Arc::clone(&engine);
            let writes = pairs(index);
            async move { engine.commit(writes).await }
        });
        let (outcomes, ()) = tokio::join!(work, kill());
        for (index, outcome) in outcomes.iter().enumerate() {
            let both = ["left", "right"].map(|side| format!("{round} {index} {side}"));
            let sql = "SELECT COUNT(*) FROM scratch WHERE id = ? OR id = ?";
            let found = single(&query(&engine, sql, both.map(|id| bytes(&id)).to_vec()).await);
            match outcome {
                Ok(_) => assert_eq!(found, 2, "acknowledged and lost"),
                Err(Error::Unavailable(_)) => assert_ne!(found, 1, "half a commit"),
                // The session that was killed may hold its locks a little longer.
                Err(Error::Conflict) => assert_eq!(found, 0, "refused and done"),
                Err(error) => panic!("{error}"),
            }
        }
        kill().await;
        // Idle connections were killed as well: a read goes on at once, and so does a commit that is a transaction.
        assert!(count(&engine).await > 0, "nothing was committed");
        kill().await;
        let after = format!("{round} after");
        let again = format!("{round} again");
        let outcome = engine.commit(vec![insert(&after, 1), insert(&again, 1)]).await;
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

async fn in_parallel<T, F, K>(count: i64, task: F) -> Vec<T>
where
    T: Send + 'static,
    F: Fn(i64) -> K,
    K: Future<Output = T> + Send + 'static,
{
    let tasks: Vec<_> = (0..count).map(|index| tokio::spawn(task(index))).collect();
    join_all(tasks)
        .await
        .into_iter()
        .map(|outcome| outcome.unwrap_or_else(|panic| panic!("{panic}")))
        .collect()
}

/// While slow reads hold every connection, a reserved read is answered at once.
pub async fn a_reserved_read_waits_for_no_other(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let read = |sql| Statement { sql, parameters: Vec::new() };
    let slow = if engine.name() == "postgres" { "SELECT pg_sleep(3)" } else { "SELECT SLEEP(3)" };
    let reads = (0..32).map(|_| {
        let engine = Arc::clone(&engine);
        // Whether such an answer can be read is nobody's matter.
        tokio::spawn(async move { drop(engine.query(read(slow)).await) })
    });
    let reads: Vec<_> = reads.collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let count = || read("SELECT COUNT(*) FROM scratch");
    let asked = Instant::now();
    for _ in 0..10 {
        assert!(engine.query_reserved(count()).await.is_ok());
    }
    let reserved = asked.elapsed();
    assert!(engine.query(count()).await.is_ok() || asked.elapsed() > Duration::from_secs(2));
    let ordinary = asked.elapsed();
    assert!(reserved < Duration::from_secs(1), "reserved: {reserved:?}");
    assert!(ordinary > Duration::from_secs(2), "every connection was taken: {ordinary:?}");
    reads.iter().for_each(tokio::task::JoinHandle::abort);
}
