//! Contacts: the counters of a person, in three small packed columns.

use countersign_domain::{
    contact::{Contact, ContactKey, Failure},
    id::ChallengeId,
    time::Timestamp,
};

use super::{one, read, row::Columns};
use crate::{
    Error,
    engine::{Row, Statement, Value, Write},
};

/// The app column of the contact that all apps share.
const EVERYWHERE: &str = "";

pub(crate) fn select_contact(key: &ContactKey) -> Statement {
    read(
        "SELECT digest, sends, failures, failures_in_a_row, live, expires_at, version FROM contact \
         WHERE app = ? AND digest = ?",
        vec![app(key), key.digest.into()],
    )
}

/// Two contacts in one question; the app stands last, to tell them apart.
pub(crate) fn select_contacts([one, other]: &[ContactKey; 2]) -> Statement {
    read(
        "SELECT digest, sends, failures, failures_in_a_row, live, expires_at, version, app FROM contact \
         WHERE app = ? AND digest = ? \
         UNION ALL \
         SELECT digest, sends, failures, failures_in_a_row, live, expires_at, version, app FROM contact \
         WHERE app = ? AND digest = ?",
        vec![app(one), one.digest.into(), app(other), other.digest.into()],
    )
}

/// The contact of `key` among the rows of [`select_contacts`]; a fresh one when it is not there.
pub(crate) fn read_contact_among(key: ContactKey, rows: &mut Vec<Row>) -> Result<Contact, Error> {
    let place = rows.iter().position(|row| row.last() == Some(&app(&key)));
    match place {
        Some(place) => read_contact(&key, rows.swap_remove(place)),
        None => Ok(Contact::fresh(key)),
    }
}

pub(crate) fn read_contact(key: &ContactKey, row: Row) -> Result<Contact, Error> {
    let mut columns = Columns::new("contact", row);
    columns.digest("digest")?;
    Ok(Contact {
        key: key.clone(),
        sends: columns.next("sends", |value| unpack(&value, |bytes: [u8; 8]| time(&bytes)))?,
        failures: columns.next("failures", |value| unpack(&value, failure))?,
        failures_in_a_row: columns.number("failures_in_a_row")?,
        live: columns.next("live", |value| unpack(&value, ChallengeId::from_bytes))?,
        expires_at: columns.time("expires_at")?,
        version: columns.integer("version")?,
    })
}

pub(super) fn save(contact: &Contact) -> Write {
    let sends: Vec<u8> = contact.sends.iter().flat_map(|sent| sent.millis().to_be_bytes()).collect();
    let failures: Vec<u8> = contact.failures.iter().flat_map(pack_failure).collect();
    let live: Vec<u8> = contact.live.iter().flat_map(|id| *id.bytes()).collect();
    let mut parameters = vec![
        sends.into(),
        failures.into(),
        i64::from(contact.failures_in_a_row).into(),
        live.into(),
        contact.expires_at.into(),
        (contact.version + 1).into(),
        app(&contact.key),
        contact.key.digest.into(),
    ];
    if contact.version == 0 {
        return one(
            "INSERT INTO contact (sends, failures, failures_in_a_row, live, expires_at, version, app, digest) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            parameters,
        );
    }
    parameters.push(contact.version.into());
    one(
        "UPDATE contact SET sends = ?, failures = ?, failures_in_a_row = ?, live = ?, expires_at = ?, version = ? \
         WHERE app = ? AND digest = ? AND version = ?",
        parameters,
    )
}

fn app(key: &ContactKey) -> Value {
    key.app.as_ref().map_or(EVERYWHERE, |app| app.as_str()).into()
}

fn time(bytes: &[u8; 8]) -> Timestamp {
    Timestamp::from_millis(i64::from_be_bytes(*bytes))
}

fn pack_failure(failure: &Failure) -> [u8; 12] {
    let mut packed = [0; 12];
    packed[..8].copy_from_slice(&failure.at.millis().to_be_bytes());
    packed[8..].copy_from_slice(&failure.charge.to_be_bytes());
    packed
}

fn failure(packed: [u8; 12]) -> Failure {
    let (mut at, mut charge) = ([0; 8], [0; 4]);
    at.copy_from_slice(&packed[..8]);
    charge.copy_from_slice(&packed[8..]);
    Failure { at: time(&at), charge: u32::from_be_bytes(charge) }
}

/// Entries of N bytes each, or nothing if the column does not divide into them.
fn unpack<const N: usize, T>(value: &Value, entry: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let Value::Bytes(bytes) = value else { return None };
    let (entries, rest) = bytes.as_chunks::<N>();
    rest.is_empty().then(|| entries.iter().map(|bytes| entry(*bytes)).collect())
}
