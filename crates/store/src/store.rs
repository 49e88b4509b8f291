//! The store as the server sees it: reads named by intent, one commit, and the verbs of the outbox.

mod accounts;
mod administration;
mod events;
mod facts;
mod grants;
mod people;
mod sealing_keys;
mod sweep;

pub use self::{
    administration::UserFilter,
    events::EventFilter,
    grants::GrantList,
    sealing_keys::{FactUpdate, KeyChanges},
};

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use countersign_domain::{
    api_key::ApiKey,
    challenge::Challenge,
    changes::{Change, Changes, Idempotency},
    contact::{Contact, ContactKey, MOST_LIVE},
    id::{ChallengeId, MessageId},
    message::Message,
    secret::Digest,
    signing_key::StoredKey,
    stored_app::StoredApp,
    time::{Span, Timestamp},
    token::Revocation,
};

use crate::{
    Error,
    engine::{Engine, Row, Statement},
    migration::MIGRATIONS,
    sql,
};

/// A store on some engine. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) engine: Arc<dyn Engine>,
    /// Whether somebody was erased since the files were last scrubbed. Nobody knows at the start.
    unscrubbed: Arc<AtomicBool>,
}

impl Store {
    /// A store on `engine`.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine, unscrubbed: Arc::new(AtomicBool::new(true)) }
    }

    /// The engine's name: `sqlite`, `postgres` or `mariadb`.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        self.engine.name()
    }

    /// True when no other node can write to this database.
    #[must_use]
    pub fn is_exclusive(&self) -> bool {
        self.engine.is_exclusive()
    }

    /// Brings the schema up to date; returns its version.
    ///
    /// # Errors
    /// [`Error::Newer`] when the database is ahead of this program, [`Error::Unavailable`] otherwise.
    pub async fn migrate(&self) -> Result<i64, Error> {
        self.engine.migrate(MIGRATIONS).await
    }

    /// The version of the schema in the database, and the newest this program knows.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn version(&self) -> Result<(i64, i64), Error> {
        Ok((self.engine.version().await?, MIGRATIONS.last().map_or(0, |migration| migration.version)))
    }

    /// Asks the database a trivial question: the readiness check.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not answer.
    pub async fn check(&self) -> Result<(), Error> {
        self.engine.query(sql::select_fact("check")).await.map(drop)
    }

    /// Finishes what is under way and closes the database.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Carries out all changes, durably, or none of them.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else wrote first, [`Error::Unavailable`] when the outcome is no or unknown.
    pub async fn commit(&self, changes: Changes) -> Result<(), Error> {
        if changes.is_empty() {
            return Ok(());
        }
        if changes.tell_events() {
            // It must not get lost: who is meant is to be named first, by keys that are not here.
            return Err(Error::Unavailable("an event is told that nobody has written".to_owned()));
        }
        let mut writes = Vec::with_capacity(changes.0.len() + 2);
        let mut erases = false;
        for change in changes.0 {
            erases |= matches!(change, Change::UserErased(..));
            sql::write(change, &mut writes);
        }
        self.engine.commit(writes).await?;
        if erases {
            self.unscrubbed.store(true, Ordering::SeqCst);
        }
        Ok(())
    }

    /// A challenge by its id.
    ///
    /// # Errors
    /// As for every read: [`Error::Corrupt`] or [`Error::Unavailable`].
    pub async fn challenge(&self, id: ChallengeId) -> Result<Option<Challenge>, Error> {
        self.first(sql::select_challenge(id)).await?.map(sql::read_challenge).transpose()
    }

    /// A challenge by the digest of its link's token.
    ///
    /// # Errors
    /// As for every read.
    pub async fn challenge_by_link(&self, link: Digest) -> Result<Option<Challenge>, Error> {
        self.first(sql::select_challenge_by_link(link)).await?.map(sql::read_challenge).transpose()
    }

    /// When the newest challenge was started: time never runs behind that.
    ///
    /// # Errors
    /// As for every read.
    pub async fn newest_challenge(&self) -> Result<Option<Timestamp>, Error> {
        self.first(sql::select_newest_challenge()).await?.map(sql::read_newest_challenge).transpose()
    }

    /// The counters of a person; fresh ones when there are none.
    ///
    /// # Errors
    /// As for every read.
    pub async fn contact(&self, key: ContactKey) -> Result<Contact, Error> {
        match self.first(sql::select_contact(&key)).await? {
            Some(row) => sql::read_contact(&key, row),
            None => Ok(Contact::fresh(key)),
        }
    }

    /// Two persons' counters at once; fresh ones where there are none. The keys name different apps.
    ///
    /// # Errors
    /// As for every read.
    pub async fn contacts(&self, keys: [ContactKey; 2]) -> Result<[Contact; 2], Error> {
        let mut rows = self.engine.query(sql::select_contacts(&keys)).await?;
        let [one, other] = keys;
        Ok([sql::read_contact_among(one, &mut rows)?, sql::read_contact_among(other, &mut rows)?])
    }

    /// A challenge by its id, with the counters of the person whom it asks.
    ///
    /// # Errors
    /// As for every read.
    pub async fn challenge_and_contact(
        &self,
        id: ChallengeId,
    ) -> Result<Option<(Challenge, Contact)>, Error> {
        let row = self.first(sql::select_challenge_and_contact(id)).await?;
        row.map(sql::read_challenge_and_contact).transpose()
    }

    /// The challenges that a contact lists, as far as they still exist. One read, whether it lists any or none: how
    /// long it takes does not tell.
    ///
    /// # Errors
    /// As for every read.
    pub async fn listed_challenges(&self, contact: &Contact) -> Result<Vec<Challenge>, Error> {
        let mut ids = [ChallengeId::from_bytes([0; 16]); MOST_LIVE];
        for (place, id) in ids.iter_mut().zip(&contact.live) {
            *place = *id;
        }
        let mut found = self.all(sql::select_challenges(ids), sql::read_challenge).await?;
        found.sort_by_key(|challenge| ids.iter().position(|id| *id == challenge.id));
        Ok(found)
    }

    /// What an `Idempotency-Key` was used for.
    ///
    /// # Errors
    /// As for every read.
    pub async fn idempotency(&self, id: Digest) -> Result<Option<Idempotency>, Error> {
        self.first(sql::select_idempotency(id)).await?.map(sql::read_idempotency).transpose()
    }

    /// All apps that were made through the API.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; a row that does not read is no error for the others.
    pub async fn apps(&self) -> Result<Rows<StoredApp>, Error> {
        self.rows(sql::select_apps(), sql::read_app).await
    }

    /// All API keys, ended ones too.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; a row that does not read is no error for the others.
    pub async fn api_keys(&self) -> Result<Rows<ApiKey>, Error> {
        self.rows(sql::select_api_keys(), sql::read_api_key).await
    }

    /// All signing keys that are kept.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; a row that does not read is no error for the others.
    pub async fn signing_keys(&self) -> Result<Rows<StoredKey>, Error> {
        self.rows(sql::select_signing_keys(), sql::read_signing_key).await
    }

    /// Revocations asked for at or after `since`.
    ///
    /// # Errors
    /// As for every read.
    pub async fn revocations(&self, since: Timestamp) -> Result<Vec<Revocation>, Error> {
        self.all_reserved(sql::select_revocations(since), sql::read_revocation).await
    }

    /// Takes up to `most` messages that are due, for as long as `lease`; nobody else gets them meanwhile.
    ///
    /// # Errors
    /// As for every read and commit.
    pub async fn claim_messages(
        &self,
        now: Timestamp,
        lease: Span,
        most: i64,
    ) -> Result<Vec<Message>, Error> {
        let due = self.all(sql::select_due_messages(now, most), sql::read_message).await?;
        if due.is_empty() {
            return Ok(due);
        }
        let writes = due.iter().map(|message| sql::lease_message(message, now + lease)).collect();
        let taken = self.engine.commit(writes).await?;
        Ok(due.into_iter().zip(taken).filter(|(_, rows)| *rows == 1).map(|(message, _)| message).collect())
    }

    /// The first `most` messages that wait, for an operator's list.
    ///
    /// # Errors
    /// As for every read.
    pub async fn messages(&self, most: i64) -> Result<Vec<Message>, Error> {
        self.all(sql::select_messages(most), sql::read_message).await
    }

    /// The first `most` messages whose ids follow `after`, in the order of their ids.
    ///
    /// # Errors
    /// As for every read.
    pub async fn messages_after(&self, after: MessageId, most: i64) -> Result<Vec<Message>, Error> {
        self.all(sql::select_messages_after(after, most), sql::read_message).await
    }

    /// How many messages wait, and since when the oldest does.
    ///
    /// # Errors
    /// As for every read.
    pub async fn message_count(&self) -> Result<(i64, Option<Timestamp>), Error> {
        match self.first(sql::count_messages()).await? {
            Some(row) => sql::read_message_count(row),
            None => Ok((0, None)),
        }
    }

    /// Forgets messages: they were sent, or are of no use any more.
    ///
    /// # Errors
    /// As for every commit; the messages may then be sent once more.
    pub async fn messages_done(&self, messages: &[MessageId]) -> Result<(), Error> {
        self.engine.commit(messages.iter().map(|id| sql::delete_message(*id)).collect()).await.map(drop)
    }

    /// Puts a message back until `due_at`.
    ///
    /// # Errors
    /// As for every commit; the lease then ends by itself.
    pub async fn message_later(&self, id: MessageId, attempts: u32, due_at: Timestamp) -> Result<(), Error> {
        self.engine.commit(vec![sql::delay_message(id, attempts, due_at)]).await.map(drop)
    }

    /// Makes messages due that a former life of this process had leased. Only for an exclusive engine.
    ///
    /// # Errors
    /// As for every commit.
    pub async fn release_messages(&self, now: Timestamp) -> Result<(), Error> {
        self.engine.commit(vec![sql::release_messages(now)]).await.map(drop)
    }

    /// Takes `block` from a shared counter. `false` when `limit` would be exceeded.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn take_quota(&self, quota: &Quota<'_>) -> Result<bool, Error> {
        let Quota { name, period, block, limit, expires_at } = *quota;
        for _ in 0..8 {
            let made = self.engine.commit(vec![sql::ensure_quota(name, period, expires_at)]).await;
            match made {
                Ok(_) | Err(Error::Conflict) => {}
                Err(error) => return Err(error),
            }
            let taken = self.engine.commit(vec![sql::take_quota(name, period, block, limit)]).await;
            match taken {
                Ok(rows) => return Ok(rows == [1]),
                Err(Error::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::Conflict)
    }

    pub(crate) async fn first(&self, statement: Statement) -> Result<Option<Row>, Error> {
        Ok(self.engine.query(statement).await?.into_iter().next())
    }

    /// How many rows of a table a statement counts.
    pub(crate) async fn count(&self, table: &'static str, statement: Statement) -> Result<i64, Error> {
        self.first(statement).await?.map_or(Ok(0), |row| sql::read_count(table, row))
    }

    pub(crate) async fn all<T>(
        &self,
        statement: Statement,
        read: fn(Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.engine.query(statement).await?.into_iter().map(read).collect()
    }

    /// What every node must know in time, and what waits for nobody else's reads.
    async fn all_reserved<T>(
        &self,
        statement: Statement,
        read: fn(Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.engine.query_reserved(statement).await?.into_iter().map(read).collect()
    }

    /// The same for rows that have nothing to do with each other.
    async fn rows<T>(
        &self,
        statement: Statement,
        read: fn(Row) -> Result<T, Error>,
    ) -> Result<Rows<T>, Error> {
        let mut rows = Rows { good: Vec::new(), corrupt: Vec::new() };
        for row in self.engine.query_reserved(statement).await? {
            match read(row) {
                Ok(good) => rows.good.push(good),
                Err(corrupt) => rows.corrupt.push(corrupt),
            }
        }
        Ok(rows)
    }
}

/// All rows of a table of which one must not take the others with it.
#[derive(Debug)]
pub struct Rows<T> {
    /// Those that read.
    pub good: Vec<T>,
    /// What is wrong with the others: [`Error::Corrupt`], which names the row.
    pub corrupt: Vec<Error>,
}

/// A share of a counter that many nodes use.
#[derive(Clone, Copy, Debug)]
pub struct Quota<'a> {
    /// Which counter.
    pub name: &'a str,
    /// Which period of it, for instance a day's number.
    pub period: i64,
    /// How much to take at once.
    pub block: i64,
    /// How much there is.
    pub limit: i64,
    /// When the counter may be forgotten.
    pub expires_at: Timestamp,
}
