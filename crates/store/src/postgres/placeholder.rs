//! From `?` to `$1`: PostgreSQL's spelling of a statement, made once for each text.
//!
//! A NULL is spelled out instead of bound. A bound NULL needs a type, and the type of a parameter is fixed when a
//! statement is prepared; spelled out, it fits every column, and every other parameter keeps the type of its value.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use crate::engine::{Statement, Value};

/// The texts made so far.
#[derive(Default)]
pub(super) struct Placeholders {
    texts: RwLock<HashMap<Key, Arc<str>>>,
}

/// A static text is known by where it lies; which of its parameters are NULL makes it another statement.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    address: usize,
    length: usize,
    nulls: Vec<usize>,
}

impl Placeholders {
    /// The statement's text with a numbered placeholder for each parameter that is not NULL.
    pub(super) fn rewritten(&self, statement: &Statement) -> Arc<str> {
        let null = |(index, value): (usize, &Value)| (*value == Value::Null).then_some(index);
        let key = Key {
            address: statement.sql.as_ptr().addr(),
            length: statement.sql.len(),
            nulls: statement.parameters.iter().enumerate().filter_map(null).collect(),
        };
        if let Some(text) = self.texts.read().get(&key) {
            return Arc::clone(text);
        }
        let text: Arc<str> = rewrite(statement.sql, &key.nulls).into();
        self.texts.write().insert(key, Arc::clone(&text));
        text
    }
}

fn rewrite(sql: &str, nulls: &[usize]) -> String {
    let mut text = String::with_capacity(sql.len() + 16);
    let (mut parameter, mut bound, mut quoted) = (0, 0, false);
    for character in sql.chars() {
        quoted ^= character == '\'';
        if character != '?' || quoted {
            text.push(character);
            continue;
        }
        if nulls.contains(&parameter) {
            text.push_str("NULL");
        } else {
            bound += 1;
            text.push_str(&format!("${bound}"));
        }
        parameter += 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_and_nulls_spelled_out() {
        let cases: [(&str, &[usize], &str); 5] = [
            ("SELECT 1", &[], "SELECT 1"),
            ("SELECT a FROM t WHERE b = ? AND c = ?", &[], "SELECT a FROM t WHERE b = $1 AND c = $2"),
            ("INSERT INTO t VALUES (?, ?, ?)", &[1], "INSERT INTO t VALUES ($1, NULL, $2)"),
            ("INSERT INTO t VALUES (?, ?)", &[0, 1], "INSERT INTO t VALUES (NULL, NULL)"),
            ("SELECT '?', 'it''s ?' WHERE a = ?", &[], "SELECT '?', 'it''s ?' WHERE a = $1"),
        ];
        for (sql, nulls, expected) in cases {
            assert_eq!(rewrite(sql, nulls), expected, "{sql}");
        }
    }

    #[test]
    fn the_same_text_with_other_nulls_is_another_statement() {
        let placeholders = Placeholders::default();
        let text = |parameters| placeholders.rewritten(&Statement { sql: "VALUES (?, ?)", parameters });
        assert_eq!(&*text(vec![Value::Integer(1), Value::Null]), "VALUES ($1, NULL)");
        assert_eq!(&*text(vec![Value::Null, Value::Integer(1)]), "VALUES (NULL, $1)");
        assert_eq!(&*text(vec![Value::Integer(1), Value::Integer(1)]), "VALUES ($1, $2)");
    }
}
