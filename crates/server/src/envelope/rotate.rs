//! Replacing the master key: what it wrapped is wrapped by the new one, and new sealing keys are made, in one commit.
//! Before it only the former key opens the database, after it only the new one; so the new one must be safe on a disk
//! before this is called. Nodes that have only the former one are handed the new sealing keys through the keys that they
//! hold in memory, and go on until they end.

use countersign_domain::sealing_key::StoredSealingKey;
use countersign_store::{Error as StoreError, KeyChanges};
use data_encoding::BASE64;

use super::{
    Error, Maker, MasterRecord, ROOT_PLACE, TRIES, active_at, master_record, newest, owners, place_id,
    reload, take_number, wrapped_place,
};
use crate::{
    keys::{MasterKey, RootKey},
    state::Server,
};

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The master key that was in force.
    pub former: String,
    /// The one that is now.
    pub id: String,
}

/// Puts another master key in force, which lies at `kept_in`.
///
/// # Errors
/// When it is in force already, when this node does not have the one in force, when a sealing key does not open, or
/// when the store does not answer: then the outcome is unknown, and the database says at the next start which key it
/// needs.
pub async fn rotate_master(server: &Server, new: &RootKey, kept_in: &str) -> Result<Rotated, Error> {
    let master = MasterKey::new(new);
    for _ in 0..TRIES {
        let (record, version) = master_record(&server.store).await?;
        let former = server.keys.master();
        let record = record.ok_or("the database does not name its master key")?;
        if record.id != former.id() {
            return Err(record.refusal(&former));
        }
        if record.id == master.id() {
            return Err("this master key is in force already".into());
        }
        let rows = server.store.sealing_keys().await?.good;
        let (record, changes) = plan(server, &master, (record, kept_in), &rows)?;
        let changes = KeyChanges { facts: vec![record.update(version)?], ..changes };
        match server.store.change_sealing_keys(changes).await {
            Ok(()) => {
                let id = master.id().to_owned();
                server.keys.set_master(master);
                reload(server).await?;
                return Ok(Rotated { former: former.id().to_owned(), id });
            }
            // Another node made a key or removed one meanwhile.
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

fn plan(
    server: &Server,
    master: &MasterKey,
    (mut record, kept_in): (MasterRecord, &str),
    rows: &[StoredSealingKey],
) -> Result<(MasterRecord, KeyChanges), Error> {
    let (former, mut random) = (server.keys.master(), server.random());
    let root = master.wrap(&mut *random, &ROOT_PLACE, server.keys.root().bytes())?;
    record.id = master.id().to_owned();
    record.root = Some(BASE64.encode(&root));
    record.since = server.now().millis();
    record.kept_in = Some(kept_in.to_owned());
    let mut rewrapped = Vec::new();
    for row in rows {
        let id = place_id(row.number, row.realm.as_ref());
        let key = former.unwrap(&wrapped_place(&id), &row.wrapped)?;
        rewrapped.push((row.number, master.wrap(&mut *random, &wrapped_place(&id), &key)?));
    }
    let sealing = server.keys.sealing();
    let handing_over = server.is_shared().then(|| &**sealing.current(None));
    let maker = Maker { master, handing_over, now: server.now() };
    let mut newest = newest(rows);
    newest.extend(
        owners(server)
            .into_iter()
            .filter(|owner| !rows.iter().any(|row| row.realm == *owner))
            .map(|owner| (owner, 0)),
    );
    let mut added = Vec::new();
    for (owner, generation) in newest {
        let number = take_number(&mut record);
        added.push(maker.make(&mut *random, (owner, number, generation + 1), active_at(server))?);
    }
    Ok((record, KeyChanges { rewrapped, added, ..KeyChanges::default() }))
}
