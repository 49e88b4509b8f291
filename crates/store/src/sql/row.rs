//! Rows are input too: an impossible one is an error that names its place, never a panic.

use countersign_domain::{secret::Digest, time::Timestamp};

use crate::{
    Error,
    engine::{Row, Value},
};

/// Reads what counts rows of a table.
pub(crate) fn read_count(table: &'static str, row: Row) -> Result<i64, Error> {
    Columns::new(table, row).integer("count")
}

/// A row being read, column by column, in the order of the statement.
pub(crate) struct Columns {
    table: &'static str,
    key: Option<Value>,
    values: std::vec::IntoIter<Value>,
}

impl Columns {
    /// Begins to read a row of `table`; its first column is its key.
    pub(crate) fn new(table: &'static str, row: Row) -> Self {
        Self { table, key: row.first().cloned(), values: row.into_iter() }
    }

    /// The error that names a column of this row. The key is spelled out here alone: a row that is there must not
    /// take longer to read than one that is not.
    pub(crate) fn corrupt(&self, column: &'static str) -> Error {
        let id = match &self.key {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Bytes(bytes)) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Null) | None => String::new(),
        };
        Error::Corrupt { table: self.table, column, id }
    }

    /// The next column through `read`, which says `None` to what cannot be.
    pub(crate) fn next<T>(
        &mut self,
        column: &'static str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<T, Error> {
        self.values.next().and_then(read).ok_or_else(|| self.corrupt(column))
    }

    pub(crate) fn integer(&mut self, column: &'static str) -> Result<i64, Error> {
        self.next(column, integer)
    }

    /// A number of a smaller type.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self, column: &'static str) -> Result<T, Error> {
        self.next(column, |value| integer(value)?.try_into().ok())
    }

    pub(crate) fn flag(&mut self, column: &'static str) -> Result<bool, Error> {
        self.next(column, |value| match integer(value)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        })
    }

    pub(crate) fn time(&mut self, column: &'static str) -> Result<Timestamp, Error> {
        self.integer(column).map(Timestamp::from_millis)
    }

    pub(crate) fn optional_time(&mut self, column: &'static str) -> Result<Option<Timestamp>, Error> {
        self.next(column, |value| match value {
            Value::Null => Some(None),
            value => integer(value).map(|millis| Some(Timestamp::from_millis(millis))),
        })
    }

    pub(crate) fn text(&mut self, column: &'static str) -> Result<String, Error> {
        self.next(column, text)
    }

    /// Text that parses.
    pub(crate) fn parsed<T: std::str::FromStr>(&mut self, column: &'static str) -> Result<T, Error> {
        self.next(column, |value| text(value)?.parse().ok())
    }

    pub(crate) fn bytes(&mut self, column: &'static str) -> Result<Vec<u8>, Error> {
        self.next(column, bytes)
    }

    pub(crate) fn optional_bytes(&mut self, column: &'static str) -> Result<Option<Vec<u8>>, Error> {
        self.next(column, |value| match value {
            Value::Null => Some(None),
            value => bytes(value).map(Some),
        })
    }

    pub(crate) fn array<const N: usize>(&mut self, column: &'static str) -> Result<[u8; N], Error> {
        self.next(column, |value| bytes(value)?.try_into().ok())
    }

    pub(crate) fn optional_array<const N: usize>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<[u8; N]>, Error> {
        self.next(column, |value| match value {
            Value::Null => Some(None),
            value => Some(Some(bytes(value)?.try_into().ok()?)),
        })
    }

    pub(crate) fn digest(&mut self, column: &'static str) -> Result<Digest, Error> {
        self.array(column).map(Digest::new)
    }

    pub(crate) fn optional_digest(&mut self, column: &'static str) -> Result<Option<Digest>, Error> {
        Ok(self.optional_array(column)?.map(Digest::new))
    }
}

fn integer(value: Value) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(number),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Integer(time.millis())
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(time: Option<Timestamp>) -> Self {
        time.map_or(Self::Null, Self::from)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Integer(flag.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        bytes.map_or(Self::Null, Self::Bytes)
    }
}

impl From<Digest> for Value {
    fn from(digest: Digest) -> Self {
        Self::Bytes(digest.bytes().to_vec())
    }
}

impl From<Option<Digest>> for Value {
    fn from(digest: Option<Digest>) -> Self {
        digest.map_or(Self::Null, Self::from)
    }
}
