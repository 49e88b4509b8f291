//! Sealing anew in the background: every value that is not sealed with the key that seals now is opened and sealed with
//! it, in small commits that touch only what nobody else has written meanwhile. Where it got to is told by the values
//! themselves, so that it may be ended at any moment. A day after nothing was left it is looked at once more, and when
//! nothing is left then, former keys go.

use std::{collections::BTreeSet, time::Instant};

use countersign_domain::{
    sealing_key::StoredSealingKey,
    time::{Span, Timestamp},
};
use countersign_store::{
    Error as StoreError, FactUpdate, KeyChanges,
    sealed::{SEALED, SealedColumn, SealedRow},
};
use serde::{Deserialize, Serialize};

use super::{Error, newest, reload};
use crate::{
    keys::{Context, KeySet, number_of},
    maintenance,
    state::Server,
};

/// Values that are looked at, and at most replaced in one commit, at a time.
const BATCH: i64 = 200;
/// The fact that says for which keys everything is sealed.
const RESEALED: &str = "resealed";
/// After the last change, and after a key began to seal, it is looked at once more: what somebody had read before and
/// wrote later is found then. Decisions take no longer than this.
const SETTLING_ALONE: Span = Span::from_seconds(10);
/// The same where other nodes write.
const SETTLING: Span = Span::from_minutes(1);

/// For how long former keys are kept after everything was sealed anew: a process that slept meanwhile may write what it
/// had sealed with one of them before.
const KEPT: Span = Span::DAY;

/// How far it got.
#[derive(Debug, Default)]
pub struct Progress(tokio::sync::Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The keys that everything is known to be sealed with, and until when there is nothing to do; without an end where
    /// former keys are gone too.
    done: Option<(Vec<u32>, Option<Timestamp>)>,
    /// When something was found the last time.
    changed_at: Option<Timestamp>,
    /// The keys that it was looked at with, and then nothing was left for the time being.
    clean: Option<Vec<u32>>,
}

#[derive(Serialize, Deserialize)]
struct Resealed {
    /// The keys that everything is sealed with.
    sealing: Vec<u32>,
    /// Until when former keys are kept, in milliseconds since 1970; none when they are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept_until: Option<i64>,
}

/// What one pass found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Values that were sealed anew, or that somebody else wrote meanwhile.
    pub found: u64,
    /// Values that do not open.
    pub unreadable: u64,
    /// The keys that those name.
    pub needed: BTreeSet<u32>,
}

/// Does what there is to do now. Nothing, as long as no key has come since everything was sealed, and former keys are to
/// be kept or are gone.
///
/// # Errors
/// The store's; what was done stays done.
pub async fn look(server: &Server, progress: &Progress) -> Result<(), Error> {
    let mut state = progress.0.lock().await;
    let set = server.keys.sealing();
    let (sealing, now) = (set.sealing(), server.now());
    let rests = |until: Option<Timestamp>| until.is_none_or(|until| now < until);
    if state.done.as_ref().is_some_and(|(done, until)| *done == sealing && rests(*until)) {
        return Ok(());
    }
    let (value, version) = server.store.fact(RESEALED).await?;
    let resealed = value.and_then(|json| serde_json::from_slice::<Resealed>(&json).ok());
    let resealed = resealed.filter(|resealed| resealed.sealing == sealing);
    let kept_until = resealed.as_ref().map(|resealed| resealed.kept_until.map(Timestamp::from_millis));
    if let Some(until) = kept_until
        && rests(until)
    {
        state.done = Some((sealing, until));
        return Ok(());
    }
    let rows = server.store.sealing_keys().await?.good;
    let active_at = rows.iter().filter(|row| sealing.contains(&row.number)).map(|row| row.active_at).max();
    let settling = if server.is_shared() { SETTLING } else { SETTLING_ALONE };
    let ready_at = state.changed_at.max(active_at).map(|moment| moment + settling);
    let is_ready = ready_at.is_none_or(|ready_at| ready_at <= now);
    if !is_ready && state.clean.as_ref() == Some(&sealing) {
        return Ok(());
    }
    let tally = pass(server, &set).await?;
    state.clean = Some(sealing.clone());
    if tally.found > 0 {
        state.changed_at = Some(server.now());
        maintenance::reload(server).await?;
    } else if is_ready {
        let kept_until = if kept_until.is_some() { None } else { Some(now + KEPT) };
        finish(server, (&sealing, kept_until), &tally, version).await?;
        state.done = Some((sealing, kept_until));
    }
    Ok(())
}

/// Looks at everything that is sealed once.
async fn pass(server: &Server, set: &KeySet) -> Result<Tally, Error> {
    let mut tally = Tally::default();
    for column in SEALED {
        let mut cursor = None;
        loop {
            let began = Instant::now();
            let rows = server.store.sealed_rows(column, cursor.as_deref(), BATCH).await?;
            let Some(last) = rows.last() else { break };
            cursor = Some(last.key.clone());
            let anew = seal_anew(server, set, (column, rows), &mut tally)?;
            if !anew.is_empty() {
                tally.found += anew.len() as u64;
                match server.store.reseal(column, anew).await {
                    // Found again by the next pass.
                    Ok(_) | Err(StoreError::Conflict) => {}
                    Err(error) => return Err(error.into()),
                }
                // Half of the time at most is taken from those who wait.
                tokio::time::sleep(began.elapsed()).await;
            }
            tokio::task::yield_now().await;
        }
    }
    Ok(tally)
}

fn seal_anew(
    server: &Server,
    set: &KeySet,
    (column, rows): (&SealedColumn, Vec<SealedRow>),
    tally: &mut Tally,
) -> Result<Vec<(SealedRow, Vec<u8>)>, Error> {
    let (mut random, mut anew) = (server.random(), Vec::new());
    for row in rows {
        let key = set.current(row.realm.as_ref().map(|realm| realm.as_str()));
        let number = number_of(&row.sealed).unwrap_or_default();
        if number == key.number() {
            continue;
        }
        let place = Context { table: column.table, column: column.column, id: &row.id };
        // A key that came meanwhile is not in the set of this pass.
        match set.open(&place, &row.sealed).or_else(|_| server.keys.open(&place, &row.sealed)) {
            Ok(plain) => {
                let sealed = key.seal(&mut *random, &place, plain.expose())?;
                anew.push((row, sealed));
            }
            Err(_) => {
                tally.unreadable += 1;
                tally.needed.insert(number);
            }
        }
    }
    Ok(anew)
}

/// Notes that everything is sealed with these keys. Former ones are kept for a while, or removed where nothing needs them
/// any more.
async fn finish(
    server: &Server,
    (sealing, kept_until): (&[u32], Option<Timestamp>),
    tally: &Tally,
    version: i64,
) -> Result<(), Error> {
    let removed = if kept_until.is_none() { spent(server, sealing, tally).await? } else { Vec::new() };
    if tally.unreadable > 0 {
        tracing::error!(values = tally.unreadable, keys = ?tally.needed, "sealed values do not open; their keys stay");
    }
    let noted = Resealed { sealing: sealing.to_vec(), kept_until: kept_until.map(Timestamp::millis) };
    let facts = vec![FactUpdate { name: RESEALED, value: serde_json::to_vec(&noted)?, version }];
    let changes =
        KeyChanges { facts, removed: removed.clone(), ends_handovers: true, ..KeyChanges::default() };
    match server.store.change_sealing_keys(changes).await {
        Ok(()) => tracing::info!(keys = ?sealing, ?removed, "everything is sealed with the keys of now"),
        // Another node has come to the same end.
        Err(StoreError::Conflict) => {}
        Err(error) => return Err(error.into()),
    }
    reload(server).await
}

/// The former keys that nothing is sealed with.
async fn spent(server: &Server, sealing: &[u32], tally: &Tally) -> Result<Vec<u32>, Error> {
    let rows = server.store.sealing_keys().await?.good;
    let newest = newest(&rows);
    let is_former = |row: &StoredSealingKey| {
        newest.get(&row.realm).is_some_and(|newest| row.generation < *newest)
            && !sealing.contains(&row.number)
            && !tally.needed.contains(&row.number)
    };
    Ok(rows.iter().filter(|row| is_former(row)).map(|row| row.number).collect())
}
