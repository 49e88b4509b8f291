//! A zone as a table, in place of the DNS.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctor::{Kind, Lookup, Record, Unanswered};

/// The records of each name and kind, and names about which nobody answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    records: BTreeMap<(String, Kind), Vec<Record>>,
    silent: BTreeSet<String>,
}

impl Table {
    pub(super) fn set(&mut self, name: &str, kind: Kind, records: impl IntoIterator<Item = Record>) {
        self.records.insert((name.to_owned(), kind), records.into_iter().collect());
    }

    pub(super) fn silence(&mut self, name: &str) {
        self.silent.insert(name.to_owned());
    }
}

impl Lookup for Table {
    async fn records(&self, name: &str, kind: Kind) -> Result<Vec<Record>, Unanswered> {
        if self.silent.contains(name) {
            return Err(Unanswered("silence".to_owned()));
        }
        Ok(self.records.get(&(name.to_owned(), kind)).cloned().unwrap_or_default())
    }
}

pub(super) fn text(value: &str) -> Record {
    Record::Text(value.to_owned())
}

pub(super) fn address(value: &str) -> Record {
    Record::Address(value.parse().expect("an address"))
}

pub(super) fn exchange(preference: u16, host: &str) -> Record {
    Record::Exchange { preference, host: host.to_owned() }
}

pub(super) fn name(value: &str) -> Record {
    Record::Name(value.to_owned())
}
