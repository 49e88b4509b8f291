//! The envelope: what the master key wraps. The root secret of digests and subjects, which never changes, and sealing
//! keys by realm and generation, kept in the store and held open in memory. Until the master key is replaced for the
//! first time it is the root secret itself. Where the master key comes from is not known here.

pub mod reseal;
pub mod rotate;
pub mod status;

use std::collections::{BTreeMap, BTreeSet};

use countersign_domain::{
    random::Random,
    realm::RealmName,
    sealing_key::StoredSealingKey,
    secret::Secret,
    time::{Span, Timestamp},
};
use countersign_store::{Error as StoreError, FactUpdate, KeyChanges, Store};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::{
    api::rfc3339,
    keys::{Context, KeySet, MasterKey, RootKey, SealingKey},
    state::Server,
    vault::Keys,
};

/// What went wrong, and what to do about it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// The fact by which a database knows its root secret.
pub const ROOT_CHECK: &str = "root_check";
/// The fact that tells the master key in force and holds the root secret, wrapped.
const MASTER_KEY: &str = "master_key";
/// Where the root secret lies, wrapped.
const ROOT_PLACE: Context<'static> = Context { table: "fact", column: "value", id: b"root" };
/// Before a new sealing key seals, every node has read it: they read every half second, and serve nothing that rests on
/// what they read more than five seconds ago.
const LEARNING: Span = Span::from_seconds(10);
/// How often a change is tried anew after another node wrote first.
const TRIES: usize = 16;

/// What a database says about its master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterRecord {
    /// Which one is in force.
    pub id: String,
    /// The root secret, wrapped, in base64; none while it is the master key itself.
    pub root: Option<String>,
    /// The number of the next sealing key.
    pub next: u32,
    /// Since when this master key is in force, in milliseconds.
    pub since: i64,
    /// Where it was put when it was made.
    pub kept_in: Option<String>,
}

impl MasterRecord {
    fn update(&self, version: i64) -> Result<FactUpdate, Error> {
        Ok(FactUpdate { name: MASTER_KEY, value: serde_json::to_vec(self)?, version })
    }

    fn root(&self, given: &RootKey, master: &MasterKey) -> Result<RootKey, Error> {
        let Some(wrapped) = &self.root else { return Ok(given.clone()) };
        Ok(RootKey::from_secret(master.unwrap(&ROOT_PLACE, &BASE64.decode(wrapped.as_bytes())?)?))
    }

    fn refusal(&self, given: &MasterKey) -> Error {
        if self.root.is_none() {
            return "this database was made with another root key: give it the one it was made with".into();
        }
        let since = rfc3339(Timestamp::from_millis(self.since));
        let place = self.kept_in.as_deref().map(|place| format!(", which was put in {place}"));
        format!(
            "the master key of this database was replaced at {since}: it needs the key {}{}; this server was given the \
             key {}",
            self.id,
            place.unwrap_or_default(),
            given.id()
        )
        .into()
    }
}

/// What the database says about its master key, and the version of that.
///
/// # Errors
/// The store's, or when it does not read.
pub async fn master_record(store: &Store) -> Result<(Option<MasterRecord>, i64), Error> {
    let (value, version) = store.fact(MASTER_KEY).await?;
    let record = value.map(|json| serde_json::from_slice(&json)).transpose();
    Ok((record.map_err(|_| "what the database says about its master key does not read")?, version))
}

/// The keys of a database, opened with the master key that was given. A new database takes it as its own.
///
/// # Errors
/// When it is another one, with what the database needs; when the store does not answer.
pub async fn open(store: &Store, given: &RootKey, now: Timestamp) -> Result<Keys, Error> {
    let master = MasterKey::new(given);
    for _ in 0..TRIES {
        let (record, version) = master_record(store).await?;
        if let Some(record) = record {
            if record.id != master.id() {
                return Err(record.refusal(&master));
            }
            let keys = Keys::under(&record.root(given, &master)?, master);
            check_root(store, &keys).await?;
            let (set, unknown) = key_set(&keys, &store.sealing_keys().await?.good, now);
            report_unknown(&unknown);
            keys.set_sealing(set);
            return Ok(keys);
        }
        check_root(store, &Keys::new(given)).await?;
        let id = master.id().to_owned();
        let first = MasterRecord { id, root: None, next: 2, since: now.millis(), kept_in: None };
        let update = KeyChanges { facts: vec![first.update(version)?], ..KeyChanges::default() };
        match store.change_sealing_keys(update).await {
            // Another node was first, or we were: it is read anew either way.
            Ok(()) | Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

async fn check_root(store: &Store, keys: &Keys) -> Result<(), Error> {
    let check = keys.check().bytes().to_vec();
    match store.fact(ROOT_CHECK).await? {
        (Some(kept), _) if kept == check => Ok(()),
        (Some(_), _) => {
            Err("this database was made with another root key: give it the one it was made with".into())
        }
        (None, version) => match store.save_fact(ROOT_CHECK, check, version).await {
            // Another node was first: it must have the same key.
            Err(StoreError::Conflict) => Box::pin(check_root(store, keys)).await,
            other => Ok(other?),
        },
    }
}

/// Where a sealing key lies, wrapped.
pub(crate) fn place_id(number: u32, realm: Option<&RealmName>) -> Vec<u8> {
    let mut id = number.to_be_bytes().to_vec();
    id.extend(realm.map_or("", |realm| realm.as_str()).as_bytes());
    id
}

pub(crate) fn wrapped_place(id: &[u8]) -> Context<'_> {
    Context { table: "sealing_key", column: "wrapped", id }
}

fn handover_place(id: &[u8]) -> Context<'_> {
    Context { table: "sealing_key", column: "handover", id }
}

/// The sealing keys of these rows, the ones that are known already as they are; and the numbers of those that do not
/// open. The server's own come first: they open what is handed over.
fn key_set(keys: &Keys, rows: &[StoredSealingKey], now: Timestamp) -> (KeySet, Vec<u32>) {
    let (known, master) = (keys.sealing(), keys.master());
    let (mut set, mut unknown) = (KeySet::new(keys.first_sealing_key()), Vec::new());
    for row in rows {
        let id = place_id(row.number, row.realm.as_ref());
        let unwrap = || master.unwrap(&wrapped_place(&id), &row.wrapped).ok();
        let take_over = |set: &KeySet| {
            let opened = set.open(&handover_place(&id), row.handover.as_deref()?).ok()?;
            opened.expose().as_slice().try_into().map(Secret::new).ok()
        };
        let fresh = |key| std::sync::Arc::new(SealingKey::new(row.number, key));
        let found =
            known.get(row.number).cloned().or_else(|| unwrap().or_else(|| take_over(&set)).map(fresh));
        match found {
            Some(key) => {
                set.add(key);
                if row.active_at <= now {
                    set.appoint(row.realm.clone(), row.number);
                }
            }
            None => unknown.push(row.number),
        }
    }
    (set, unknown)
}

fn report_unknown(unknown: &[u32]) {
    if !unknown.is_empty() {
        tracing::error!(keys = ?unknown, "sealing keys do not open: is this the master key of this database?");
    }
}

/// Takes over the sealing keys as the store has them now.
///
/// # Errors
/// The store's.
pub async fn reload(server: &Server) -> Result<(), Error> {
    let rows = server.store.sealing_keys().await?.good;
    let known = server.keys.sealing();
    let (set, unknown) = key_set(&server.keys, &rows, server.now());
    if set.numbers() != known.numbers() || set.sealing() != known.sealing() {
        report_unknown(&unknown);
        server.keys.set_sealing(set);
    }
    Ok(())
}

/// From when a key that is made now seals.
fn active_at(server: &Server) -> Timestamp {
    if server.is_shared() { server.now() + LEARNING } else { server.now() }
}

/// The owners of sealing keys: the server, and every realm that is configured, that was made or that an app is in.
fn owners(server: &Server) -> BTreeSet<Option<RealmName>> {
    let mut owners = BTreeSet::from([None, Some(RealmName::default())]);
    let registry = server.registry.load();
    owners.extend(registry.apps().into_iter().map(|app| Some(app.realm.clone())));
    owners.extend(registry.realm_names().cloned().map(Some));
    owners
}

/// Makes the sealing keys that are missing: one for the server, and one for each realm.
///
/// # Errors
/// The store's, or when memory fails.
pub async fn ensure(server: &Server) -> Result<(), Error> {
    for _ in 0..TRIES {
        let rows = server.store.sealing_keys().await?.good;
        let mut missing = owners(server);
        missing.retain(|owner| !rows.iter().any(|row| row.realm == *owner));
        let (record, version) = master_record(&server.store).await?;
        let Some(mut record) = record else { return Ok(()) };
        if missing.is_empty() || record.id != server.keys.master().id() {
            // A node that was not given the new master key yet leaves it to those that were.
            return Ok(());
        }
        let maker = Maker { master: &server.keys.master(), handing_over: None, now: server.now() };
        let mut added = Vec::new();
        for owner in missing {
            let number = take_number(&mut record);
            added.push(maker.make(&mut *server.random(), (owner, number, 1), active_at(server))?);
        }
        let changes = KeyChanges { facts: vec![record.update(version)?], added, ..KeyChanges::default() };
        match server.store.change_sealing_keys(changes).await {
            Ok(()) => return reload(server).await,
            Err(StoreError::Conflict) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Conflict.into())
}

fn take_number(record: &mut MasterRecord) -> u32 {
    let number = record.next;
    record.next = record.next.saturating_add(1);
    number
}

/// Makes sealing keys.
struct Maker<'a> {
    master: &'a MasterKey,
    /// The key that nodes without the master key have.
    handing_over: Option<&'a SealingKey>,
    now: Timestamp,
}

impl Maker<'_> {
    fn make(
        &self,
        random: &mut dyn Random,
        (realm, number, generation): (Option<RealmName>, u32, i64),
        active_at: Timestamp,
    ) -> Result<StoredSealingKey, Error> {
        let key = RootKey::generate(random);
        let id = place_id(number, realm.as_ref());
        let handover =
            self.handing_over.map(|former| former.seal(random, &handover_place(&id), key.bytes().expose()));
        Ok(StoredSealingKey {
            wrapped: self.master.wrap(random, &wrapped_place(&id), key.bytes())?,
            handover: handover.transpose()?,
            number,
            realm,
            generation,
            created_at: self.now,
            active_at,
        })
    }
}

/// The newest generation of each owner.
fn newest(rows: &[StoredSealingKey]) -> BTreeMap<Option<RealmName>, i64> {
    let mut newest = BTreeMap::new();
    for row in rows {
        let entry = newest.entry(row.realm.clone()).or_insert(row.generation);
        *entry = row.generation.max(*entry);
    }
    newest
}

/// Sealing keys as they are to be kept, not wrapped yet, each with the key itself.
pub type OpenKeys = Vec<(StoredSealingKey, Secret<[u8; 32]>)>;

/// Writes the keys of a backup into a database that has none, wrapped by the master key of `keys`. `next` is the number
/// of the next sealing key.
///
/// # Errors
/// The store's; when the root secret is not the one that the database knows; when memory fails.
pub async fn put_into(
    store: &Store,
    keys: &Keys,
    (next, sealing): (u32, OpenKeys),
    (random, now): (&mut (dyn Random + Send), Timestamp),
) -> Result<(), Error> {
    check_root(store, keys).await?;
    let master = keys.master();
    let root = master.wrap(random, &ROOT_PLACE, keys.root().bytes())?;
    let record = MasterRecord {
        id: master.id().to_owned(),
        root: Some(BASE64.encode(&root)),
        next,
        since: now.millis(),
        kept_in: None,
    };
    let mut added = Vec::new();
    for (stored, key) in sealing {
        let id = place_id(stored.number, stored.realm.as_ref());
        added.push(StoredSealingKey { wrapped: master.wrap(random, &wrapped_place(&id), &key)?, ..stored });
    }
    let changes = KeyChanges { facts: vec![record.update(0)?], added, ..KeyChanges::default() };
    Ok(store.change_sealing_keys(changes).await?)
}
