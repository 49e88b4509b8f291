//! CBOR (RFC 8949) as authenticators write it: definite lengths, shortest forms, no tags, little nesting (the canonical
//! form of CTAP 2, 8). What comes is hostile: nothing is taken on trust, and no more memory is used than the input has
//! bytes for. It knows no key and no member.

/// How deep lists and maps may lie in each other.
const DEEPEST: usize = 4;

/// A value, which borrows its texts and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A whole number.
    Integer(i128),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Text.
    Text(&'a str),
    /// Values in order.
    List(Vec<Value<'a>>),
    /// Values by keys, each of which comes once.
    Map(Vec<(Value<'a>, Value<'a>)>),
    /// Yes or no.
    Bool(bool),
    /// Nothing.
    Null,
}

/// What is not the CBOR of an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl<'a> Value<'a> {
    /// The bytes, if that is what it is.
    #[must_use]
    pub const fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text, if that is what it is.
    #[must_use]
    pub const fn text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The members, if it is a map.
    #[must_use]
    pub fn map(&self) -> Option<&[(Self, Self)]> {
        match self {
            Self::Map(members) => Some(members),
            _ => None,
        }
    }

    /// The member of a map whose key is this number.
    #[must_use]
    pub fn numbered(&self, number: i128) -> Option<&Self> {
        self.member(&Value::Integer(number))
    }

    /// The member of a map whose key is this text.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Self> {
        self.member(&Value::Text(name))
    }

    fn member(&self, wanted: &Value<'_>) -> Option<&Self> {
        self.map()?.iter().find(|(key, _)| key == wanted).map(|(_, value)| value)
    }
}

/// Reads one value and gives what comes after it.
///
/// # Errors
/// [`Malformed`] when there is none, or it is written in another way than the one right way.
pub fn first(bytes: &[u8]) -> Result<(Value<'_>, &[u8]), Malformed> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(DEEPEST)?;
    Ok((value, reader.rest))
}

/// Reads one value, after which nothing comes.
///
/// # Errors
/// [`Malformed`], as for [`first`].
pub fn whole(bytes: &[u8]) -> Result<Value<'_>, Malformed> {
    match first(bytes)? {
        (value, []) => Ok(value),
        _ => Err(Malformed),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: usize) -> Result<Value<'a>, Malformed> {
        let [head] = *self.take(1)? else { return Err(Malformed) };
        let (kind, small) = (head >> 5, head & 0x1f);
        if kind == 7 {
            return match small {
                20 | 21 => Ok(Value::Bool(small == 21)),
                22 => Ok(Value::Null),
                _ => Err(Malformed),
            };
        }
        let number = self.number(small)?;
        match kind {
            0 => Ok(Value::Integer(i128::from(number))),
            1 => Ok(Value::Integer(-1 - i128::from(number))),
            2 => Ok(Value::Bytes(self.take(number)?)),
            3 => std::str::from_utf8(self.take(number)?).map(Value::Text).map_err(|_| Malformed),
            4 => self.list(number, depth),
            5 => self.map(number, depth),
            _ => Err(Malformed),
        }
    }

    /// The number that a head holds, or that follows it; one that fits a shorter form is refused.
    fn number(&mut self, small: u8) -> Result<u64, Malformed> {
        let (length, least) = match small {
            0..24 => return Ok(u64::from(small)),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return Err(Malformed),
        };
        let number = self.take(length)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        if number < least { Err(Malformed) } else { Ok(number) }
    }

    fn list(&mut self, length: u64, depth: usize) -> Result<Value<'a>, Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        // Nothing is reserved by what a length claims.
        let mut values = Vec::new();
        for _ in 0..length {
            values.push(self.value(depth)?);
        }
        Ok(Value::List(values))
    }

    fn map(&mut self, length: u64, depth: usize) -> Result<Value<'a>, Malformed> {
        let depth = depth.checked_sub(1).ok_or(Malformed)?;
        // So that looking for repeated keys stays cheap: no map of an authenticator is near this.
        if length > 64 {
            return Err(Malformed);
        }
        let mut members: Vec<(Value<'a>, Value<'a>)> = Vec::new();
        for _ in 0..length {
            let key = self.value(0)?;
            let is_new = members.iter().all(|(other, _)| *other != key);
            if !is_new || !matches!(key, Value::Integer(_) | Value::Text(_)) {
                return Err(Malformed);
            }
            members.push((key, self.value(depth)?));
        }
        Ok(Value::Map(members))
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_are_those_of_rfc_8949() {
        let cases: [(&[u8], Value<'_>); 12] = [
            (&[0x00], Value::Integer(0)),
            (&[0x17], Value::Integer(23)),
            (&[0x18, 0x18], Value::Integer(24)),
            (&[0x19, 0x03, 0xe8], Value::Integer(1000)),
            (&[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], Value::Integer(u64::MAX.into())),
            (&[0x20], Value::Integer(-1)),
            (&[0x39, 0x01, 0x00], Value::Integer(-257)),
            (&[0x44, 1, 2, 3, 4], Value::Bytes(&[1, 2, 3, 4])),
            (&[0x62, 0xc3, 0xbc], Value::Text("\u{fc}")),
            (&[0x82, 0xf4, 0xf6], Value::List(vec![Value::Bool(false), Value::Null])),
            (&[0xa1, 0x61, b'a', 0xf5], Value::Map(vec![(Value::Text("a"), Value::Bool(true))])),
            (&[0xa0], Value::Map(vec![])),
        ];
        for (bytes, value) in cases {
            assert_eq!(whole(bytes), Ok(value), "{bytes:x?}");
        }
    }

    #[test]
    fn p15_nothing_is_written_in_two_ways_and_nothing_is_endless() {
        let cases: [(&[u8], &str); 17] = [
            (&[], "nothing"),
            (&[0x18, 0x17], "a long form of a small number"),
            (&[0x19, 0x00, 0xff], "a longer one"),
            (&[0x1a, 0, 0, 0xff, 0xff], "and a longer one"),
            (&[0x1c], "a reserved length"),
            (&[0x5f, 0x41, 0, 0xff], "bytes without an end"),
            (&[0x9f, 0xff], "a list without an end"),
            (&[0xbf, 0xff], "a map without an end"),
            (&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "bytes that are not there"),
            (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "values that are not there"),
            (&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "members that are not there"),
            (&[0xa2, 1, 1, 1, 2], "a key that comes twice"),
            (&[0xa1, 0x41, 0, 1], "a key of bytes"),
            (&[0xc0, 0x00], "a tag"),
            (&[0xf9, 0, 0], "a float"),
            (&[0x61, 0xff], "no UTF-8"),
            (&[0x81, 0x81, 0x81, 0x81, 0x81, 0], "too deep"),
        ];
        for (bytes, what) in cases {
            assert_eq!(whole(bytes), Err(Malformed), "{what}");
        }
        assert_eq!(whole(&[0, 0]), Err(Malformed), "something after it");
        assert_eq!(first(&[0, 9]), Ok((Value::Integer(0), &[9][..])));
    }

    fn written(value: &Value<'_>, out: &mut Vec<u8>) {
        let head = |kind: u8, number: u64, out: &mut Vec<u8>| {
            let bytes = number.to_be_bytes();
            match number {
                0..24 => out.push(kind << 5 | bytes[7]),
                24..=0xff => out.extend([kind << 5 | 24, bytes[7]]),
                0x100..=0xffff => {
                    out.push(kind << 5 | 25);
                    out.extend(&bytes[6..]);
                }
                0x1_0000..=0xffff_ffff => {
                    out.push(kind << 5 | 26);
                    out.extend(&bytes[4..]);
                }
                _ => {
                    out.push(kind << 5 | 27);
                    out.extend(bytes);
                }
            }
        };
        match value {
            Value::Integer(number) if *number < 0 => head(1, u64::try_from(-1 - number).unwrap(), out),
            Value::Integer(number) => head(0, u64::try_from(*number).unwrap(), out),
            Value::Bytes(bytes) => {
                head(2, bytes.len() as u64, out);
                out.extend(*bytes);
            }
            Value::Text(text) => {
                head(3, text.len() as u64, out);
                out.extend(text.as_bytes());
            }
            Value::List(values) => {
                head(4, values.len() as u64, out);
                values.iter().for_each(|value| written(value, out));
            }
            Value::Map(members) => {
                head(5, members.len() as u64, out);
                for (key, value) in members {
                    written(key, out);
                    written(value, out);
                }
            }
            Value::Bool(yes) => out.push(0xf4 + u8::from(*yes)),
            Value::Null => out.push(0xf6),
        }
    }

    proptest! {
        #[test]
        fn p15_whatever_reads_is_written_in_that_way_alone(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((value, rest)) = first(&bytes) {
                let mut again = Vec::new();
                written(&value, &mut again);
                prop_assert_eq!(&again[..], &bytes[..bytes.len() - rest.len()]);
            }
        }

        #[test]
        fn p15_a_beginning_is_not_the_whole(text in "[a-z]{0,40}", number in any::<u64>(), cut in 0_usize..60) {
            let value = Value::Map(vec![
                (Value::Text("a"), Value::Text(&text)),
                (Value::Integer(3), Value::List(vec![Value::Integer(number.into()), Value::Bytes(&[7; 30])])),
            ]);
            let mut bytes = Vec::new();
            written(&value, &mut bytes);
            prop_assert_eq!(whole(&bytes), Ok(value));
            let cut = cut.min(bytes.len() - 1);
            prop_assert_eq!(whole(&bytes[..cut]), Err(Malformed));
        }
    }
}
