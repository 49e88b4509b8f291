//! Copying everything: out of a database, all tables as they were at one moment; into an empty one, table by table.
//! What the copy is kept in is not known here.

use countersign_domain::time::Timestamp;

use crate::{
    Error, Store,
    engine::{Row, Snapshot, Value},
    layout::{Table, tables},
    migration::{MIGRATIONS, Migration},
    sql::{self, after_key, any, fixed, one, read},
};

/// Tables that no copy carries, and why. A migration that adds a table of what a restore must end adds a line here.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("app_password", "one that was ended since would be good again"),
    ("ceremony", "what was asked before a restore is over"),
    ("challenge", "what was asked before a restore is over"),
    ("idempotency", "answers to repeat belong to challenges"),
    ("invitation", "one that was spent since would let somebody in again"),
    ("message", "a mail must not go out twice"),
    ("password_wish", "it goes with its challenge"),
    ("pending_sign_in", "what began before a restore is over"),
    ("sealing_key", "keys travel by themselves"),
    ("session", "what began before a restore is over"),
    ("webhook_delivery", "a webhook must not be told twice"),
];
/// Facts that hold for one database alone.
const OWN_FACTS: [&str; 3] = ["master_key", RESTORING, RESTORED_AT];
/// The fact that says that a restore has begun and not ended.
const RESTORING: &str = "restoring";
/// The fact that says when the last restore was: what was issued up to then is refused.
const RESTORED_AT: &str = "restored_at";

/// Everything that was in a database at one moment.
pub struct Dump {
    snapshot: Box<dyn Snapshot>,
    tables: Vec<Table>,
    compares_rows: bool,
}

impl Dump {
    /// What it carries, in the order of the schema.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The first `most` rows of a table that follow the row `after`, in the order of their keys.
    ///
    /// # Errors
    /// As for every read.
    pub async fn rows(&mut self, table: &Table, after: Option<&Row>, most: i64) -> Result<Vec<Row>, Error> {
        let cursor: Option<Vec<Value>> = after.map(|row| key_of(table, row));
        let (condition, mut parameters) = after_key(&table.key, cursor.as_deref(), self.compares_rows);
        let own = if table.name == "fact" {
            parameters.extend(OWN_FACTS.map(Value::from));
            " AND name NOT IN (?, ?, ?)"
        } else {
            ""
        };
        let sql = format!(
            "SELECT {} FROM {} WHERE {condition}{own} ORDER BY {} LIMIT ?",
            table.column_list(),
            table.name,
            table.key.join(", ")
        );
        parameters.push(most.into());
        self.snapshot.query(read(fixed(sql), parameters)).await
    }
}

fn key_of(table: &Table, row: &Row) -> Vec<Value> {
    let columns = table.key.iter().filter_map(|name| table.position(name));
    columns.filter_map(|place| row.get(place).cloned()).collect()
}

/// The tables that a copy of a schema carries.
#[must_use]
pub fn copied_tables(version: i64) -> Vec<Table> {
    let left_out = |table: &Table| LEFT_OUT.iter().any(|(name, _)| *name == table.name);
    tables(steps(version)).into_iter().filter(|table| !left_out(table)).collect()
}

fn steps(version: i64) -> &'static [Migration] {
    let known = MIGRATIONS.iter().take_while(|migration| migration.version <= version).count();
    &MIGRATIONS[..known]
}

/// Whether a database can take a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vacancy {
    /// There is nothing in it.
    Empty,
    /// A restore into it began and did not end.
    HalfRestored,
    /// It holds something else.
    Taken,
}

impl Store {
    /// Everything as it is now, to be read bit by bit while others write.
    ///
    /// # Errors
    /// As for every read; [`Error::Unavailable`] too where a database keeps nothing.
    pub async fn dump(&self) -> Result<Dump, Error> {
        let snapshot = self.engine.snapshot().await?;
        let version = self.engine.version().await?;
        Ok(Dump { snapshot, tables: copied_tables(version), compares_rows: self.engine.compares_rows() })
    }

    /// Whether a copy can be put here.
    ///
    /// # Errors
    /// As for every read.
    pub async fn vacancy(&self) -> Result<Vacancy, Error> {
        let version = self.engine.version().await?;
        if version > 0 && self.is_half_restored().await? {
            return Ok(Vacancy::HalfRestored);
        }
        for table in tables(steps(version)) {
            let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name);
            if !self.engine.query(read(fixed(sql), Vec::new())).await?.is_empty() {
                return Ok(Vacancy::Taken);
            }
        }
        Ok(Vacancy::Empty)
    }

    /// Whether a restore into this database began and did not end.
    ///
    /// # Errors
    /// As for every read.
    pub async fn is_half_restored(&self) -> Result<bool, Error> {
        Ok(self.fact(RESTORING).await?.0.is_some())
    }

    /// When the last restore into this database was.
    ///
    /// # Errors
    /// As for every read.
    pub async fn restored_at(&self) -> Result<Option<Timestamp>, Error> {
        let (value, _) = self.fact(RESTORED_AT).await?;
        Ok(value.and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes).map(Timestamp::from_millis))
    }

    /// Begins to take a copy of a schema of this version: from here on nobody serves this database until
    /// [`end_restore`](Self::end_restore). What a restore that did not end has left goes.
    ///
    /// # Errors
    /// [`Error::Newer`] when the database is ahead of the copy, otherwise as for every commit.
    pub async fn begin_restore(&self, version: i64) -> Result<(), Error> {
        self.engine.migrate(steps(version)).await?;
        if self.is_half_restored().await? {
            for table in tables(steps(version)) {
                let marker = if table.name == "fact" { " WHERE name <> 'restoring'" } else { "" };
                let sql = format!("DELETE FROM {}{marker}", table.name);
                self.engine.commit(vec![any(fixed(sql), Vec::new())]).await?;
            }
            return Ok(());
        }
        self.save_fact(RESTORING, vec![1], 0).await
    }

    /// Puts rows into a table as they are.
    ///
    /// # Errors
    /// As for every commit.
    pub async fn insert_rows(&self, table: &Table, rows: Vec<Row>) -> Result<(), Error> {
        let places = vec!["?"; table.columns.len()].join(", ");
        let sql = fixed(format!("INSERT INTO {} ({}) VALUES ({places})", table.name, table.column_list()));
        let writes = rows.into_iter().map(|row| one(sql, row)).collect();
        self.engine.commit(writes).await.map(drop)
    }

    /// Lets a copy that is complete be served. What was issued up to `moment` is refused. Signing keys are over, but the
    /// shared secrets of apps: one that was ended after the copy was made, perhaps because it leaked, must not come back.
    ///
    /// # Errors
    /// As for every commit.
    pub async fn end_restore(&self, moment: Timestamp) -> Result<(), Error> {
        let forget = any("DELETE FROM fact WHERE name = ?", vec![RESTORING.into()]);
        let note = sql::save_fact(RESTORED_AT, moment.millis().to_be_bytes().to_vec(), 0);
        self.engine.commit(vec![note, sql::end_signing_keys(), forget]).await.map(drop)
    }
}
