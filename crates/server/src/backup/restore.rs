//! Putting a backup into an empty database. The whole file is read and checked before anything is written; then the
//! database is marked as half restored until everything is in it. What began before is over: sessions, challenges and
//! messages are in no backup, tokens that were issued up to the restore are refused, and the signing keys are ended.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use countersign_domain::{
    changes::Changes,
    event::EventKind,
    id::UserId,
    random::Random,
    sealing_key::StoredSealingKey,
    secret::{Digest, Secret},
    time::Timestamp,
    user,
};
use countersign_store::{
    Error as StoreError, Store,
    copy::{LEFT_OUT, Vacancy, copied_tables},
    engine::{Row, Value},
    layout::{Kind, Table},
    migration::MIGRATIONS,
};
use data_encoding::HEXLOWER;
use serde::Serialize;

use super::{
    Error,
    chunk::ChunkReader,
    header::{self, Envelope, Header},
    record::{KeysRecord, Record, TableHead},
};
use crate::{
    api::rfc3339,
    config::Config,
    envelope, erased, events, key_file,
    keys::{MasterKey, RootKey},
    maintenance,
    vault::Keys,
    wiring,
};

/// Rows that are written in one commit.
const BATCH: usize = 500;

/// What is to be restored, and how.
#[derive(Debug, Default)]
pub struct Asked {
    /// The backup.
    pub file: PathBuf,
    /// The file of the key that opens it; the server's master key where there is none.
    pub key: Option<PathBuf>,
    /// Lists of people who were erased, beside the one in the data folder.
    pub erased: Vec<PathBuf>,
    /// Whether what a restore that did not end has left may go.
    pub again: bool,
}

/// What was restored, and what cannot be known.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When the backup was made.
    pub made_at: String,
    /// The engine it was made on.
    pub from: String,
    /// The engine it was put on.
    pub to: &'static str,
    /// The version of the schema in the backup.
    pub schema: i64,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// Tables that no backup has, and why.
    pub left_out: BTreeMap<&'static str, &'static str>,
    /// People who had been erased after the backup was made, and were again.
    pub erased_again: u64,
    /// Tokens that were issued up to then are refused.
    pub refused_until: String,
    /// The master key that opens the database now.
    pub master_key: String,
    /// What cannot be known.
    pub not_known: Vec<&'static str>,
}

const NOT_KNOWN: [&str; 5] = [
    "people, apps and keys that were made or changed after the backup was made are as they were then, or gone",
    "API keys and admin keys that were revoked after the backup was made are good again: revoke them anew",
    "shared secrets of apps (HS256) that were replaced after the backup was made sign and are accepted again: replace \
     them anew (countersign key token-secret APP --accept-seconds 0)",
    "people who were erased by a node whose list (erased.list in its data folder) was not given are back",
    "whoever checks signatures alone accepts tokens from before the restore until they read the new key set: the \
     signing keys were ended, and new ones are made at the next start",
];

/// Restores a backup.
///
/// # Errors
/// What keeps it from being restored, and what to do about it. Unless it says otherwise, nothing was written.
pub async fn restore(
    config: &Config,
    asked: &Asked,
    now: Timestamp,
    random: &mut (dyn Random + Send),
) -> Result<Report, Error> {
    let backup = Backup::check(&asked.file, &keys_to_try(config, asked)?)?;
    let list = erased::read(&lists(config, asked))?;
    let engine = wiring::open_engine(config).await.map_err(|error| match error.downcast_ref() {
        Some(StoreError::InUse) => "a server has this database open: end it first".into(),
        _ => error,
    })?;
    let store = Store::new(engine);
    let done = backup.put_into(&store, config, (asked, &list), (now, random)).await;
    store.close().await;
    done
}

fn keys_to_try(config: &Config, asked: &Asked) -> Result<Vec<MasterKey>, Error> {
    if let Some(file) = &asked.key {
        return Ok(vec![MasterKey::new(&key_file::read(file)?)]);
    }
    let kept = key_file::kept_path(config);
    let key = match key_file::given(&config.keys)? {
        None if kept.exists() => Some(key_file::read(&kept)?),
        given => given,
    };
    Ok(key.iter().map(MasterKey::new).collect())
}

fn lists(config: &Config, asked: &Asked) -> Vec<PathBuf> {
    let own = erased::path(config);
    asked.erased.iter().cloned().chain(own.exists().then_some(own)).collect()
}

/// A backup that was read to its end and found good.
struct Backup<'a> {
    file: &'a Path,
    header: Header,
    envelope: Envelope,
    keys: KeysRecord,
    tables: Vec<Table>,
    counts: BTreeMap<String, u64>,
}

type Chunks = ChunkReader<BufReader<File>>;

impl<'a> Backup<'a> {
    fn check(file: &'a Path, keys: &[MasterKey]) -> Result<Self, Error> {
        let mut opened = open(file)?;
        let (header, written) = header::read(&mut opened)?;
        let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
        if header.schema > known {
            let found = header.schema;
            return Err(StoreError::Newer { found, known }.into());
        }
        let envelope = header::unlock(&header, &written, keys)?;
        let mut chunks = ChunkReader::new(opened, envelope.clone())?;
        let tables = copied_tables(header.schema);
        let Some(Record::Keys(json)) = Record::decode(&mut chunks)? else {
            return Err("this backup holds no keys".into());
        };
        let keys =
            serde_json::from_slice(json.expose()).map_err(|_| "the keys of this backup do not read")?;
        let mut counts = BTreeMap::new();
        walk(&mut chunks, &tables, |table, _| {
            *counts.entry(table.name.clone()).or_default() += 1;
            Ok(())
        })?;
        Ok(Self { file, header, envelope, keys, tables, counts })
    }

    /// The records after the keys, from the beginning.
    fn records(&self) -> Result<Chunks, Error> {
        let mut file = open(self.file)?;
        header::read(&mut file)?;
        let mut chunks = ChunkReader::new(file, self.envelope.clone())?;
        Record::decode(&mut chunks)?;
        Ok(chunks)
    }

    async fn put_into(
        &self,
        store: &Store,
        config: &Config,
        (asked, list): (&Asked, &HashSet<Digest>),
        (now, random): (Timestamp, &mut (dyn Random + Send)),
    ) -> Result<Report, Error> {
        match store.vacancy().await? {
            Vacancy::Empty => {}
            Vacancy::HalfRestored if asked.again => {}
            Vacancy::HalfRestored => {
                return Err(
                    "a restore into this database began and did not end: say --again to begin anew".into()
                );
            }
            Vacancy::Taken => {
                return Err("this database is not empty: a backup goes into an empty one only".into());
            }
        }
        store.begin_restore(self.header.schema).await.map_err(|error| match error {
            StoreError::Newer { .. } => {
                "the schema of this database is newer than the backup's: give it a new one".into()
            }
            error => Error::from(error),
        })?;
        let master = key_file::root_key(config, store, random).await?;
        let root = RootKey::parse(&self.keys.root)?;
        let keys = Keys::under(&root, MasterKey::new(&master));
        let people = self.insert_all(store, &keys, list).await?;
        self.insert_keys(store, &keys, random, now).await?;
        store.migrate().await?;
        let erased_again = erase(store, people, now).await?;
        let moment = maintenance::newest_time(store).await?.map_or(now, |newest| newest.max(now));
        if config.events.enabled {
            let told = events::told_by_operator(&keys, EventKind::BackupRestored, moment, random);
            store.commit(Changes(vec![told])).await?;
        }
        store.end_restore(moment).await?;
        Ok(Report {
            made_at: rfc3339(Timestamp::from_millis(self.header.made_at)),
            from: self.header.engine.clone(),
            to: store.engine_name(),
            schema: self.header.schema,
            rows: self.counts.clone(),
            left_out: LEFT_OUT.iter().filter(|(table, _)| *table != "sealing_key").copied().collect(),
            erased_again,
            refused_until: rfc3339(moment),
            master_key: keys.master().id().to_owned(),
            not_known: NOT_KNOWN.to_vec(),
        })
    }

    /// Writes all rows; returns the users among them who are on the list.
    async fn insert_all(
        &self,
        store: &Store,
        keys: &Keys,
        list: &HashSet<Digest>,
    ) -> Result<Vec<UserId>, Error> {
        let (mut chunks, mut place) = (self.records()?, 0);
        let (mut waiting, mut people) = (Vec::new(), Vec::new());
        loop {
            let record = Record::decode(&mut chunks)?;
            let row = match record {
                Some(Record::Row(row)) => row,
                other => {
                    if let Some(table) = self.tables.get(place) {
                        store.insert_rows(table, std::mem::take(&mut waiting)).await?;
                    }
                    match other {
                        Some(Record::Table(head)) => place = position(&self.tables, &head.name)?,
                        _ => return Ok(people),
                    }
                    continue;
                }
            };
            let table = self.tables.get(place).ok_or("a row of this backup is in no table")?;
            people.extend(user_of(table, &row).filter(|user| list.contains(&keys.erased(*user))));
            waiting.push(row);
            if waiting.len() == BATCH {
                store.insert_rows(table, std::mem::take(&mut waiting)).await?;
            }
        }
    }

    /// Wraps the keys of the backup with the master key of this server, and writes them.
    async fn insert_keys(
        &self,
        store: &Store,
        keys: &Keys,
        random: &mut (dyn Random + Send),
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut sealing = Vec::new();
        for key in &self.keys.sealing {
            let bytes = Secret::new(HEXLOWER.decode(key.key.as_bytes())?);
            let bytes: [u8; 32] = bytes.expose().as_slice().try_into()?;
            let realm = if key.realm.is_empty() { None } else { Some(key.realm.parse()?) };
            let stored = StoredSealingKey {
                number: key.number,
                realm,
                generation: key.generation,
                wrapped: Vec::new(),
                handover: None,
                created_at: Timestamp::from_millis(key.created_at),
                active_at: Timestamp::from_millis(key.active_at),
            };
            sealing.push((stored, Secret::new(bytes)));
        }
        envelope::put_into(store, keys, (self.keys.next, sealing), (random, now)).await
    }
}

fn open(file: &Path) -> Result<BufReader<File>, Error> {
    File::open(file).map(BufReader::new).map_err(|error| format!("{}: {error}", file.display()).into())
}

fn position(tables: &[Table], name: &str) -> Result<usize, Error> {
    let found = tables.iter().position(|table| table.name == name);
    found.ok_or_else(|| format!("this backup holds the table {name}, which its schema does not have").into())
}

/// Reads everything to the end: every table as its schema has it, every row as its table wants it, and as many as were
/// counted when it was written.
fn walk(
    chunks: &mut Chunks,
    tables: &[Table],
    mut each: impl FnMut(&Table, &Row) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut current, mut counts) = (None, vec![0_u64; tables.len()]);
    loop {
        match Record::decode(chunks)?.ok_or("this backup has no end")? {
            Record::Table(head) => current = Some(expected(tables, &head)?),
            Record::Row(row) => {
                let place = current.ok_or("a row of this backup is in no table")?;
                fits(&tables[place], &row)?;
                each(&tables[place], &row)?;
                counts[place] += 1;
            }
            Record::End(told) => {
                let found = tables.iter().map(|table| table.name.clone()).zip(counts);
                if !told.into_iter().eq(found) || chunks.take(1)?.is_some() {
                    return Err("this backup does not hold what it says at its end".into());
                }
                return Ok(());
            }
            Record::Keys(_) => return Err("this backup holds keys twice".into()),
        }
    }
}

fn expected(tables: &[Table], head: &TableHead) -> Result<usize, Error> {
    let place = position(tables, &head.name)?;
    let columns = tables[place].columns.iter().map(|column| &column.name);
    if columns.eq(&head.columns) {
        return Ok(place);
    }
    Err(format!("the table {} of this backup has other columns than its schema", head.name).into())
}

fn fits(table: &Table, row: &Row) -> Result<(), Error> {
    let is_right = row.len() == table.columns.len()
        && row.iter().zip(&table.columns).all(|(value, column)| match value {
            Value::Null => column.nullable,
            Value::Integer(_) => column.kind == Kind::Integer,
            Value::Text(_) => column.kind == Kind::Text,
            Value::Bytes(_) => column.kind == Kind::Bytes,
        });
    if is_right {
        Ok(())
    } else {
        Err(format!("a row of {} in this backup does not fit its table", table.name).into())
    }
}

fn user_of(table: &Table, row: &Row) -> Option<UserId> {
    if table.name != "realm_user" {
        return None;
    }
    let place = table.columns.iter().position(|column| column.name == "id")?;
    match row.get(place)? {
        Value::Bytes(bytes) => Some(UserId::from_bytes(bytes.as_slice().try_into().ok()?)),
        _ => None,
    }
}

async fn erase(store: &Store, people: Vec<UserId>, now: Timestamp) -> Result<u64, Error> {
    let mut erased = 0;
    for id in people {
        if let Some(user) = store.user(id).await? {
            store.commit(user::erase(&user, &[], now)).await?;
            erased += 1;
        }
    }
    Ok(erased)
}
