//! What a backup consists of: keys, tables, rows, and a count of them at the end. It knows how they are written, and not
//! where to.

use std::io::Read;

use countersign_domain::secret::Secret;
use countersign_store::engine::{Row, Value};
use serde::{Deserialize, Serialize};

use super::{Error, chunk::ChunkReader};

/// No record of ours is longer: a value has at most a mebibyte.
const LONGEST: u32 = 64 * 1024 * 1024;

/// One entry.
#[derive(Debug)]
pub enum Record {
    /// The keys that rows hang on. The first record.
    Keys(Secret<Vec<u8>>),
    /// A table begins.
    Table(TableHead),
    /// A row of the table that began last.
    Row(Row),
    /// The end, with the number of rows of each table.
    End(Vec<(String, u64)>),
}

/// A table and its columns, in the order in which rows have them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableHead {
    /// Its name.
    pub name: String,
    /// Its columns.
    pub columns: Vec<String>,
}

/// The keys that rows hang on, in the clear: for inside a sealed file.
#[derive(Serialize, Deserialize)]
pub struct KeysRecord {
    /// The root secret, as text.
    pub root: SecretText,
    /// The number of the next sealing key.
    pub next: u32,
    /// The sealing keys.
    pub sealing: Vec<SealingKeyRecord>,
}

/// One sealing key.
#[derive(Serialize, Deserialize)]
pub struct SealingKeyRecord {
    /// What sealed values know it by.
    pub number: u32,
    /// Whose it is; empty for the server's own.
    pub realm: String,
    /// Counts the keys of one owner.
    pub generation: i64,
    /// When it was made, in milliseconds.
    pub created_at: i64,
    /// From when it seals.
    pub active_at: i64,
    /// The key, as text.
    pub key: SecretText,
}

/// Text that is wiped when it is dropped.
pub type SecretText = zeroize::Zeroizing<String>;

const KEYS: u8 = b'K';
const TABLE: u8 = b'T';
const ROW: u8 = b'R';
const END: u8 = b'E';

impl Record {
    /// The record as it is written: what it is, its length (32 bits, big-endian), itself.
    ///
    /// # Errors
    /// When it is longer than a record may be.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let (kind, body) = match self {
            Self::Keys(json) => (KEYS, json.expose().clone()),
            Self::Table(head) => (TABLE, serde_json::to_vec(head)?),
            Self::Row(row) => (ROW, encode_row(row)?),
            Self::End(counts) => (END, serde_json::to_vec(counts)?),
        };
        out.push(kind);
        out.extend(length(body.len())?);
        out.extend(body);
        Ok(())
    }

    /// The next record; none at the end of the file.
    ///
    /// # Errors
    /// When it does not read.
    pub fn decode<R: Read>(file: &mut ChunkReader<R>) -> Result<Option<Self>, Error> {
        let Some(head) = file.take(5)? else { return Ok(None) };
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        if length > LONGEST {
            return Err("a record of this backup is too long".into());
        }
        let body = match length {
            0 => Vec::new(),
            length => {
                file.take(usize::try_from(length)?)?.ok_or("this backup ends in the middle of a record")?
            }
        };
        Ok(Some(match head[0] {
            KEYS => Self::Keys(Secret::new(body)),
            TABLE => Self::Table(serde_json::from_slice(&body)?),
            ROW => Self::Row(decode_row(&body).ok_or("a row of this backup does not read")?),
            END => Self::End(serde_json::from_slice(&body)?),
            _ => return Err("a record of this backup is of no known kind".into()),
        }))
    }
}

fn length(bytes: usize) -> Result<[u8; 4], Error> {
    let length = u32::try_from(bytes).ok().filter(|length| *length <= LONGEST);
    Ok(length.ok_or("a row is too long for a backup")?.to_be_bytes())
}

fn encode_row(row: &Row) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    for value in row {
        match value {
            Value::Null => out.push(b'-'),
            Value::Integer(number) => {
                out.push(b'i');
                out.extend(number.to_be_bytes());
            }
            Value::Text(text) => {
                out.push(b't');
                out.extend(length(text.len())?);
                out.extend(text.as_bytes());
            }
            Value::Bytes(bytes) => {
                out.push(b'b');
                out.extend(length(bytes.len())?);
                out.extend(bytes);
            }
        }
    }
    Ok(out)
}

fn decode_row(mut rest: &[u8]) -> Option<Row> {
    let mut row = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        rest = after;
        row.push(match kind {
            b'-' => Value::Null,
            b'i' => Value::Integer(i64::from_be_bytes(*take(&mut rest)?)),
            b't' => Value::Text(str::from_utf8(counted(&mut rest)?).ok()?.to_owned()),
            b'b' => Value::Bytes(counted(&mut rest)?.to_vec()),
            _ => return None,
        });
    }
    Some(row)
}

fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(taken)
}

fn counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(u32::from_be_bytes(*take(rest)?)).ok()?;
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{
        Just, ProptestConfig, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest,
    };

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Integer),
            any::<String>().prop_map(Value::Text),
            any::<Vec<u8>>().prop_map(Value::Bytes),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn rows_come_back_as_they_were(row in prop::collection::vec(value(), 0..8)) {
            prop_assert_eq!(decode_row(&encode_row(&row).unwrap()), Some(row));
        }

        #[test]
        fn arbitrary_bytes_are_a_row_or_none(bytes: Vec<u8>) {
            if let Some(row) = decode_row(&bytes) {
                prop_assert_eq!(encode_row(&row).unwrap(), bytes);
            }
        }
    }
}
