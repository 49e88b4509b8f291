//! The pool: it has an end, it gives back what a large hash took, and it outlives a job that panics.

use std::sync::{Arc, mpsc};

use super::{CHEAP, Error, Verdict, password, passwords, peppers, settings};
use crate::passwords::{HashParameters, Passwords, Pool, argon::Memory};

#[tokio::test]
async fn p25_more_than_the_queue_holds_are_told_to_come_back() {
    let pool = Arc::new(Pool::start(settings(1, 2), CHEAP).unwrap());
    let (release, held) = mpsc::channel::<()>();
    let (began, beginning) = mpsc::channel::<()>();
    let first = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move {
            let work = move |_: &mut Memory| {
                let _ = began.send(());
                let _ = held.recv();
            };
            pool.run(work).await
        }
    });
    tokio::task::spawn_blocking(move || beginning.recv()).await.unwrap().unwrap();
    // The worker is busy, two may wait.
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let pool = Arc::clone(&pool);
        waiting.push(tokio::spawn(async move { pool.run(|_| ()).await }));
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        assert_eq!(pool.run(|_| ()).await, Err(Error::Busy));
    }
    release.send(()).unwrap();
    assert_eq!(first.await.unwrap(), Ok(()));
    for one in waiting {
        assert_eq!(one.await.unwrap(), Ok(()));
    }
    assert_eq!(pool.run(|_| ()).await, Ok(()));
}

#[tokio::test]
async fn p25_a_hash_that_nobody_waits_for_is_not_begun_and_a_panic_ends_one_job() {
    let pool = Arc::new(Pool::start(settings(1, 8), CHEAP).unwrap());
    let (release, held) = mpsc::channel::<()>();
    let blocker = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.run(move |_| held.recv().is_ok()).await }
    });
    tokio::task::yield_now().await;
    let (seen, ran) = mpsc::channel();
    let _ = futures_util::poll!(Box::pin(pool.run(move |_| seen.send(()))));
    let panicking = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.run(|_| assert!(std::hint::black_box(false), "on purpose")).await }
    });
    tokio::task::yield_now().await;
    release.send(()).unwrap();
    assert_eq!(blocker.await.unwrap(), Ok(true));
    assert_eq!(panicking.await.unwrap(), Err(Error::Failed));
    assert_eq!(pool.run(|_| ()).await, Ok(()));
    assert!(ran.try_recv().is_err(), "nobody waited for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn p25_many_at_once_stay_within_the_workers_memory() {
    let parameters = HashParameters::default();
    let passwords = Arc::new(Passwords::start(parameters, settings(2, 16), peppers(0, 1)).unwrap());
    let resident = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    };
    let before = resident();
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let passwords = Arc::clone(&passwords);
            tokio::spawn(async move {
                let decoy = passwords.decoy();
                passwords.verify(&password(&format!("password {number}")), &decoy).await
            })
        })
        .collect();
    let (mut checked, mut busy) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(Verdict::Wrong) => checked += 1,
            Err(Error::Busy) => busy += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(checked >= 16 && busy > 0, "{checked} {busy}");
    // Two workers of 19 MiB, and other tests of this process beside: far from the 1.1 GiB of sixty.
    let grown = resident().saturating_sub(before);
    assert!(grown < 400 * 1024, "{grown} KiB");
}

#[tokio::test]
async fn p25_what_a_large_hash_took_is_given_back() {
    let pool = passwords(CHEAP, 0, 1);
    let large =
        "$argon2id$v=19$m=19456,t=2,p=2$kOTih3YstCU4WZsWDEODsQ$/7GvMIRUQDwfdUY2TpzZgXf1MuXQfG1GWgkXPFv14rU";
    pool.verify(&password("correct horse battery"), large).await.unwrap();
    let held = pool.pool.run(|memory| memory.held()).await.unwrap();
    assert_eq!(held, 64);
}
