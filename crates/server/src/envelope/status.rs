//! How the envelope stands: the master key in force, the sealing keys, and how much is still sealed with former ones.

use std::collections::BTreeMap;

use countersign_domain::time::Timestamp;
use countersign_store::sealed::SEALED;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Error, master_record};
use crate::{api::rfc3339, keys::number_of, state::Server};

/// How the envelope stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnvelopeStatus {
    /// The master key in force.
    pub id: String,
    /// Since when.
    pub since: String,
    /// Where it was put when it was made; absent for the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<String>,
    /// Whether this node was given the key in force. One that was not goes on until it ends.
    pub has_it: bool,
    /// The sealing keys, by number.
    pub sealing_keys: Vec<SealingKeyStatus>,
    /// Values that are to be sealed anew.
    pub to_reseal: i64,
    /// Values that are sealed with a key that is not here, or that are no sealed values.
    pub unreadable: i64,
}

/// One sealing key.
#[derive(Debug, Serialize, ToSchema)]
pub struct SealingKeyStatus {
    /// What sealed values know it by.
    pub number: u32,
    /// Whose it is; absent for the server's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// Counts the keys of one owner.
    pub generation: i64,
    /// When it was made; absent for number 1, which is derived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// Whether it seals now.
    pub seals: bool,
    /// How many values are sealed with it.
    pub values: i64,
}

/// Asks how the envelope stands. It reads everything that is sealed.
///
/// # Errors
/// The store's.
pub async fn status(server: &Server) -> Result<EnvelopeStatus, Error> {
    let (record, _) = master_record(&server.store).await?;
    let record = record.ok_or("the database does not name its master key")?;
    let (set, mut counts, mut unreadable) = (server.keys.sealing(), BTreeMap::<u32, i64>::new(), 0);
    for column in SEALED {
        for (head, count) in server.store.sealed_heads(column).await? {
            match number_of(&head) {
                Ok(number) if set.get(number).is_some() => *counts.entry(number).or_default() += count,
                _ => unreadable += count,
            }
        }
    }
    let rows = server.store.sealing_keys().await?.good;
    let sealing = set.sealing();
    let mut keys: Vec<_> = rows
        .iter()
        .map(|row| SealingKeyStatus {
            number: row.number,
            realm: row.realm.as_ref().map(ToString::to_string),
            generation: row.generation,
            created_at: Some(rfc3339(row.created_at)),
            seals: sealing.contains(&row.number),
            values: counts.remove(&row.number).unwrap_or(0),
        })
        .collect();
    keys.extend(counts.into_iter().map(|(number, values)| SealingKeyStatus {
        number,
        realm: None,
        generation: 0,
        created_at: None,
        seals: sealing.contains(&number),
        values,
    }));
    keys.sort_by_key(|key| key.number);
    Ok(EnvelopeStatus {
        has_it: record.id == server.keys.master().id(),
        id: record.id,
        since: rfc3339(Timestamp::from_millis(record.since)),
        kept_in: record.kept_in,
        to_reseal: keys.iter().filter(|key| !key.seals).map(|key| key.values).sum(),
        sealing_keys: keys,
        unreadable,
    })
}
