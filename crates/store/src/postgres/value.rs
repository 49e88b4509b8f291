//! Values to PostgreSQL and back, by the type of the column and never by guessing.

use sqlx::{
    Arguments as _, Row as _, ValueRef as _,
    postgres::{PgArguments, PgRow, PgValueRef},
};

use super::NAME;
use crate::{
    engine::{Row, Value},
    network::driver::{Failure, refused, unreadable},
};

/// The parameters that are not NULL, each bound with the type of its value.
pub(super) fn bound(parameters: &[Value]) -> Result<PgArguments, Failure> {
    let mut arguments = PgArguments::default();
    for parameter in parameters {
        let added = match parameter {
            Value::Null => Ok(()),
            Value::Integer(integer) => arguments.add(*integer),
            Value::Text(text) => arguments.add(text.as_str()),
            Value::Bytes(bytes) => arguments.add(bytes.as_slice()),
        };
        added.map_err(|_| refused(format!("a parameter is too large for {NAME}")))?;
    }
    Ok(arguments)
}

/// All values of a row.
pub(super) fn row(row: &PgRow) -> Result<Row, Failure> {
    (0..row.len())
        .map(|index| {
            let raw = row.try_get_raw(index).map_err(|_| unreadable(NAME))?;
            value(&raw).ok_or_else(|| unreadable(NAME))
        })
        .collect()
}

fn value(raw: &PgValueRef<'_>) -> Option<Value> {
    if raw.is_null() {
        return Some(Value::Null);
    }
    let bytes = raw.as_bytes().ok()?;
    // Object ids of built-in types never change.
    match raw.type_info().oid()?.0 {
        // boolean
        16 => Some(Value::Integer(i64::from(bytes.first()? & 1))),
        // bytea
        17 => Some(Value::Bytes(bytes.to_vec())),
        // bigint, smallint, integer
        20 => bytes.try_into().ok().map(|bytes| Value::Integer(i64::from_be_bytes(bytes))),
        21 => bytes.try_into().ok().map(|bytes| Value::Integer(i16::from_be_bytes(bytes).into())),
        23 => bytes.try_into().ok().map(|bytes| Value::Integer(i32::from_be_bytes(bytes).into())),
        // name, text, character varying
        19 | 25 | 1043 => str::from_utf8(bytes).ok().map(|text| Value::Text(text.to_owned())),
        // numeric, which is what SUM of bigint is
        1700 => numeric(bytes).map(Value::Integer),
        _ => None,
    }
}

/// A whole number in the binary format of `numeric`: count of digits, exponent, sign and scale, each 16 bits,
/// then digits to the base 10,000.
fn numeric(bytes: &[u8]) -> Option<i64> {
    let mut words = bytes.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let (count, weight, sign, _scale) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let negative = match sign {
        0x0000 => false,
        0x4000 => true,
        _ => return None,
    };
    let mut total = 0_i128;
    let mut digits = words.take(usize::try_from(count).ok()?);
    for _ in 0..=weight {
        let digit = digits.next().unwrap_or(0);
        total = total.checked_mul(10_000)?.checked_add(digit.into())?;
    }
    if digits.any(|digit| digit != 0) {
        return None;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[i16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn whole_numerics_are_read_and_others_refused() {
        let cases: [(&[i16], Option<i64>); 10] = [
            (&[0, 0, 0, 0], Some(0)),
            (&[1, 0, 0, 0, 7], Some(7)),
            (&[1, 1, 0, 0, 3], Some(30_000)),
            (&[2, 1, 0x4000, 0, 3, 5], Some(-30_005)),
            (&[5, 4, 0x4000, 0, 922, 3372, 368, 5477, 5808], Some(i64::MIN)),
            (&[5, 4, 0, 0, 922, 3372, 368, 5477, 5808], None),
            (&[2, 0, 0, 4, 1, 5000], None),
            (&[0, 0, -0x4000, 0], None),
            (&[1, i16::MAX, 0, 0, 1], None),
            (&[1, 0], None),
        ];
        for (input, expected) in cases {
            assert_eq!(numeric(&words(input)), expected, "{input:?}");
        }
    }
}
