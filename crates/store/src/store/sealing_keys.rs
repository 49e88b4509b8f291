//! The sealing keys and the facts about them, written together.

use countersign_domain::sealing_key::StoredSealingKey;

use super::{Rows, Store};
use crate::{Error, sql};

/// A fact with the version it was read at, as it is to be from now on.
#[derive(Clone, Debug)]
pub struct FactUpdate {
    /// Which fact.
    pub name: &'static str,
    /// What it is from now on.
    pub value: Vec<u8>,
    /// The version that was read; 0 where there was none.
    pub version: i64,
}

/// A change of the sealing keys, all or nothing.
#[derive(Clone, Debug, Default)]
pub struct KeyChanges {
    /// Facts that go with it: somebody else's write to one of them undoes all of it.
    pub facts: Vec<FactUpdate>,
    /// Numbers of keys, and what they are wrapped as from now on.
    pub rewrapped: Vec<(u32, Vec<u8>)>,
    /// New keys.
    pub added: Vec<StoredSealingKey>,
    /// Numbers of keys that nothing is sealed with any more.
    pub removed: Vec<u32>,
    /// Whether what was handed over to nodes with a former master key is to go.
    pub ends_handovers: bool,
}

impl Store {
    /// All sealing keys, by owner and generation.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; a row that does not read is no error for the others.
    pub async fn sealing_keys(&self) -> Result<Rows<StoredSealingKey>, Error> {
        self.rows(sql::select_sealing_keys(), sql::read_sealing_key).await
    }

    /// Carries out a change of the sealing keys.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody else wrote first, [`Error::Unavailable`] when the outcome is no or unknown.
    pub async fn change_sealing_keys(&self, changes: KeyChanges) -> Result<(), Error> {
        let facts = changes.facts.into_iter().map(|fact| sql::save_fact(fact.name, fact.value, fact.version));
        let mut writes: Vec<_> = facts.collect();
        let rewrapped = changes.rewrapped.into_iter();
        writes.extend(rewrapped.map(|(number, wrapped)| sql::rewrap_sealing_key(number, wrapped)));
        writes.extend(changes.added.into_iter().map(sql::insert_sealing_key));
        writes.extend(changes.removed.into_iter().map(sql::delete_sealing_key));
        if changes.ends_handovers {
            writes.push(sql::end_handovers());
        }
        self.engine.commit(writes).await.map(drop)
    }
}
