//! Making a backup: everything as it is at one moment, read part by part while the server goes on, and sealed on its way
//! out. No more than a few chunks are in memory.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use countersign_domain::{random::Random, sealing_key::StoredSealingKey, secret::Secret};
use countersign_store::copy::Dump;
use data_encoding::HEXLOWER;
use tokio::sync::mpsc::Sender;
use zeroize::Zeroizing;

use super::{
    Error,
    chunk::ChunkWriter,
    header::{FORMAT, Header, begin},
    record::{KeysRecord, Record, SealingKeyRecord, TableHead},
};
use crate::{
    envelope::{self, master_record},
    keys::{KeySet, MasterKey, RootKey},
    state::Server,
};

/// Rows that are read at a time.
const PART: i64 = 256;

/// Where the bytes of a file go.
pub type Sink = Sender<std::io::Result<Bytes>>;

/// Writes a backup into `sink`. One that cannot be finished ends with an error there, and is not to be kept.
pub async fn write(server: Arc<Server>, recovery: Option<RootKey>, sink: Sink) {
    let done = Writing::begin(&server, recovery, &sink).await;
    let done = match done {
        Ok(writing) => writing.run().await,
        Err(error) => Err(error),
    };
    match done {
        Ok(rows) => tracing::info!(rows, "a backup was made"),
        Err(error) => {
            tracing::error!(%error, "a backup could not be finished");
            // Whoever waits for it learns of it; nobody does where the connection is gone.
            let _ = sink.send(Err(std::io::Error::other(error.to_string()))).await;
        }
    }
}

struct Writing<'a> {
    dump: Dump,
    chunks: ChunkWriter,
    random: Box<dyn Random + Send>,
    sink: &'a Sink,
}

impl<'a> Writing<'a> {
    async fn begin(server: &Server, recovery: Option<RootKey>, sink: &'a Sink) -> Result<Self, Error> {
        // Keys that came or went while the moment was taken: all that a row may hang on is in one of the two.
        let before = known_keys(server).await?;
        let dump = server.store.dump().await?;
        envelope::reload(server).await?;
        let keys = keys_record(server, [before, known_keys(server).await?]).await?;
        let header = Header {
            format: FORMAT,
            schema: server.store.version().await?.0,
            engine: server.store.engine_name().to_owned(),
            made_at: server.now().millis(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            keys: Vec::new(),
        };
        let mut random = server.random();
        let (master, recovery) = (server.keys.master(), recovery.as_ref().map(MasterKey::new));
        let (head, envelope) = begin(&mut *random, header, (&master, recovery.as_ref()))?;
        let mut writing = Self { dump, chunks: ChunkWriter::new(envelope), random, sink };
        writing.send(head).await?;
        writing.put(&Record::Keys(Secret::new(serde_json::to_vec(&keys)?))).await?;
        Ok(writing)
    }

    async fn run(mut self) -> Result<u64, Error> {
        let (mut counts, mut all) = (Vec::new(), 0);
        for table in self.dump.tables().to_vec() {
            let columns = table.columns.iter().map(|column| column.name.clone()).collect();
            self.put(&Record::Table(TableHead { name: table.name.clone(), columns })).await?;
            let (mut last, mut count) = (None, 0);
            loop {
                let rows = self.dump.rows(&table, last.as_ref(), PART).await?;
                count += rows.len() as u64;
                let Some(newest) = rows.last() else { break };
                last = Some(newest.clone());
                for row in rows {
                    self.put(&Record::Row(row)).await?;
                }
                tokio::task::yield_now().await;
            }
            all += count;
            counts.push((table.name, count));
        }
        self.put(&Record::End(counts)).await?;
        let last = self.chunks.finish(&mut *self.random)?;
        self.sink.send(Ok(last.into())).await.map_err(|_| "nobody takes it any more")?;
        Ok(all)
    }

    async fn put(&mut self, record: &Record) -> Result<(), Error> {
        let mut plain = Zeroizing::new(Vec::new());
        record.encode(&mut plain)?;
        let sealed = self.chunks.write(&mut *self.random, &plain)?;
        if sealed.is_empty() { Ok(()) } else { self.send(sealed).await }
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        self.sink.send(Ok(bytes.into())).await.map_err(|_| "nobody takes it any more".into())
    }
}

type Known = (Arc<KeySet>, Vec<StoredSealingKey>);

async fn known_keys(server: &Server) -> Result<Known, Error> {
    let rows = server.store.sealing_keys().await?.good;
    Ok((server.keys.sealing(), rows))
}

async fn keys_record(server: &Server, known: [Known; 2]) -> Result<KeysRecord, Error> {
    let (record, _) = master_record(&server.store).await?;
    let next = record.ok_or("the database does not name its master key")?.next;
    let mut sealing = BTreeMap::new();
    for (set, rows) in &known {
        for row in rows {
            let Some(key) = set.get(row.number) else { continue };
            let record = SealingKeyRecord {
                number: row.number,
                realm: row.realm.as_ref().map(ToString::to_string).unwrap_or_default(),
                generation: row.generation,
                created_at: row.created_at.millis(),
                active_at: row.active_at.millis(),
                key: Zeroizing::new(HEXLOWER.encode(key.bytes().expose())),
            };
            sealing.insert(row.number, record);
        }
    }
    let root = Zeroizing::new(server.keys.root().to_text().expose().clone());
    Ok(KeysRecord { root, next, sealing: sealing.into_values().collect() })
}
