//! What one engine promises to one caller: values, all or nothing, the schema.
//!
//! Every function takes an engine on an empty or freshly migrated database of its own.

use std::sync::Arc;

use super::scratch::{
    assert_conflict, bytes, count, increment, insert, insert_all, interrupted_migrations, migrations, number,
    prepare, query, single, update, write,
};
use crate::{
    Error,
    engine::{Engine, Expect, Value},
    migration::MIGRATIONS,
};

/// What is written is read: limits of integers, empty and large values, every kind of text, NULL in every type.
pub async fn values_come_back_as_they_were(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let large = "é🔑".repeat(150_000);
    let all_bytes: Vec<u8> = (0..=u8::MAX).collect();
    let rows = [
        [Value::Null, Value::Null, Value::Null, Value::Null, Value::Null],
        [
            Value::Integer(i64::MIN),
            Value::Text(String::new()),
            Value::Text(String::new()),
            Value::Bytes(Vec::new()),
            Value::Bytes(Vec::new()),
        ],
        [
            Value::Integer(i64::MAX),
            Value::Text("a".repeat(190)),
            Value::Text(large),
            Value::Bytes(all_bytes[..64].to_vec()),
            Value::Bytes(all_bytes.repeat(4096)),
        ],
        [
            Value::Integer(0),
            Value::Text("a 'quoted' \"name\" \\n ? $1 %".to_owned()),
            Value::Text("'; DROP TABLE scratch; -- \\' \u{1F511} \u{202E} ß\r\n\t?".to_owned()),
            Value::Bytes(vec![0]),
            Value::Bytes(vec![0, 0xFF, b'\'', b'\\', 0]),
        ],
        [Value::Null, Value::Null, Value::Text("only words".to_owned()), Value::Null, Value::Bytes(vec![1])],
        [Value::Integer(-1), Value::Null, Value::Null, Value::Bytes(vec![1; 64]), Value::Null],
    ];
    for (index, columns) in rows.iter().enumerate() {
        let written = engine.commit(vec![insert_all(&index.to_string(), columns.clone())]).await;
        assert_eq!(written.ok(), Some(vec![1]), "row {index}");
    }
    for (index, columns) in rows.iter().enumerate() {
        let sql = "SELECT number, name, words, digest, content FROM scratch WHERE id = ?";
        let read = query(&engine, sql, vec![bytes(&index.to_string())]).await;
        assert!(read == [columns.to_vec()], "row {index} reads otherwise");
    }
}

/// Counts and sums are integers, whatever the database calls their type; of no rows, a sum is NULL.
pub async fn counts_and_sums_are_integers(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let sql = "SELECT COUNT(*), SUM(number), MIN(number), MAX(number), COALESCE(SUM(number), 0) FROM scratch";
    let none = query(&engine, sql, Vec::new()).await;
    let zero = Value::Integer(0);
    assert_eq!(none, [vec![zero.clone(), Value::Null, Value::Null, Value::Null, zero]]);
    for (id, value) in [("a", 1_700_000_000_123), ("b", -5), ("c", 10_000)] {
        assert!(engine.commit(vec![insert(id, value)]).await.is_ok());
    }
    let total = Value::Integer(1_700_000_000_123 - 5 + 10_000);
    let (least, most) = (Value::Integer(-5), Value::Integer(1_700_000_000_123));
    let some = query(&engine, sql, Vec::new()).await;
    assert_eq!(some, [vec![Value::Integer(3), total.clone(), least, most, total]]);
}

/// Names are compared and ordered byte by byte: case and trailing spaces count.
pub async fn names_are_compared_byte_by_byte(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let names = ["B", "a", "A", "a ", "_", "a.b", "a-b"];
    for name in names {
        let columns = [Value::Null, Value::Text(name.to_owned()), Value::Null, Value::Null, Value::Null];
        assert!(engine.commit(vec![insert_all(name, columns)]).await.is_ok(), "{name:?} is not new");
    }
    let read = query(&engine, "SELECT name FROM scratch ORDER BY name", Vec::new()).await;
    let ordered = ["A", "B", "_", "a", "a ", "a-b", "a.b"];
    assert_eq!(read, ordered.map(|name| vec![Value::Text(name.to_owned())]));
    let sql = "SELECT COUNT(*) FROM scratch WHERE name = ?";
    assert_eq!(single(&query(&engine, sql, vec![Value::Text("a".to_owned())]).await), 1);
}

/// A commit answers how many rows each write touched; an update that changes nothing has touched its row.
pub async fn writes_are_counted(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    assert_eq!(engine.commit(Vec::new()).await.ok(), Some(Vec::new()));
    assert_eq!(
        engine.commit(vec![insert("a", 1), insert("b", 1), insert("c", 2)]).await.ok(),
        Some(vec![1, 1, 1])
    );
    let same = "UPDATE scratch SET number = 1 WHERE number = ?";
    let writes = vec![
        write(same, vec![Value::Integer(1)], Expect::Any),
        write(same, vec![Value::Integer(7)], Expect::Any),
        write("DELETE FROM scratch WHERE number >= ?", vec![Value::Integer(0)], Expect::Any),
    ];
    assert_eq!(engine.commit(writes).await.ok(), Some(vec![2, 0, 3]));
}

/// A write that touches no row, or two, where one was expected undoes the whole commit.
pub async fn an_unmet_expectation_undoes_everything(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    assert!(engine.commit(vec![insert("a", 1), insert("b", 1)]).await.is_ok());
    let both = "UPDATE scratch SET number = 9 WHERE number = ?";
    let refused = [
        vec![update("a", 2, 5)],
        vec![write(both, vec![Value::Integer(1)], Expect::One)],
        vec![insert("c", 3), update("a", 2, 0), update("b", 2, 7)],
        vec![update("missing", 2, 0), insert("c", 3)],
        vec![insert("c", 3), write(both, vec![Value::Integer(1)], Expect::One)],
    ];
    for writes in refused {
        assert_conflict(&engine.commit(writes).await);
        assert_eq!(count(&engine).await, 2);
        assert_eq!(number(&engine, "a").await, Some(Value::Integer(1)));
        assert_eq!(number(&engine, "b").await, Some(Value::Integer(1)));
    }
    assert!(engine.commit(vec![update("a", 2, 0), update("a", 3, 1)]).await.is_ok());
    assert_eq!(number(&engine, "a").await, Some(Value::Integer(3)));
}

/// A duplicate key, primary or unique, is a conflict and leaves nothing.
pub async fn a_duplicate_key_is_a_conflict(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let named = |id: &str| {
        let name = Value::Text("taken".to_owned());
        insert_all(id, [Value::Null, name, Value::Null, Value::Null, Value::Null])
    };
    assert!(engine.commit(vec![named("a")]).await.is_ok());
    for writes in [
        vec![insert("a", 2)],
        vec![named("b")],
        vec![insert("c", 1), insert("a", 2)],
        vec![insert("c", 1), named("b"), insert("d", 1)],
        vec![insert("c", 1), insert("c", 2)],
    ] {
        assert_conflict(&engine.commit(writes).await);
        assert_eq!(count(&engine).await, 1);
    }
    assert!(engine.commit(vec![insert("c", 1)]).await.is_ok());
}

/// A statement that the database refuses is an error with nothing of the parameters in its text, and leaves nothing.
pub async fn a_refused_statement_leaves_nothing_and_tells_nothing(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let secret = || vec![Value::Text("s3cret-value".to_owned()), bytes("a")];
    let broken = write("UPDATE scratch SET no_such_column = ? WHERE id = ?", secret(), Expect::Any);
    let no_version = write("INSERT INTO scratch (name, id) VALUES (?, ?)", secret(), Expect::One);
    for refused in [broken, no_version] {
        for writes in [vec![refused.clone()], vec![insert("a", 1), refused]] {
            let outcome = engine.commit(writes).await;
            let Err(Error::Unavailable(text)) = &outcome else { panic!("{outcome:?}") };
            assert!(!text.contains("s3cret"), "{text}");
            assert_eq!(count(&engine).await, 0);
        }
    }
    assert!(engine.commit(vec![insert("a", 1)]).await.is_ok());
}

/// A commit of a thousand writes is one commit.
pub async fn a_large_commit_is_one_commit(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let mut writes: Vec<_> = (0..1000).map(|index| insert(&index.to_string(), index)).collect();
    writes.push(increment("missing"));
    assert_conflict(&engine.commit(writes.clone()).await);
    assert_eq!(count(&engine).await, 0);
    writes.pop();
    assert_eq!(engine.commit(writes).await.ok(), Some(vec![1; 1000]));
    assert_eq!(count(&engine).await, 1000);
}

/// Migrating twice does nothing the second time; the version tells what was done.
pub async fn migrating_again_changes_nothing(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    assert!(engine.commit(vec![insert("a", 1)]).await.is_ok());
    prepare(&engine).await;
    assert_eq!(count(&engine).await, 1);
    assert_eq!(single(&query(&engine, "SELECT COUNT(*) FROM scratch_step", Vec::new()).await), 1);
    let last = migrations().last().map(|migration| migration.version);
    assert_eq!(engine.version().await.ok(), last);
}

/// A step that ended halfway does not count as done, and the next start completes it.
pub async fn an_interrupted_migration_is_completed(engine: Arc<dyn Engine>) {
    let refused = engine.migrate(&interrupted_migrations()).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(engine.version().await.ok(), MIGRATIONS.last().map(|migration| migration.version));
    prepare(&engine).await;
    assert!(engine.commit(vec![insert("a", 1)]).await.is_ok());
    assert_eq!(single(&query(&engine, "SELECT COUNT(*) FROM scratch_step", Vec::new()).await), 1);
}

/// An empty database has version 0, before and after somebody asked.
pub async fn an_empty_database_has_version_zero(engine: Arc<dyn Engine>) {
    assert_eq!(engine.version().await.ok(), Some(0));
    assert_eq!(engine.version().await.ok(), Some(0));
    assert!(engine.migrate(MIGRATIONS).await.is_ok());
    assert_eq!(engine.version().await.ok(), MIGRATIONS.last().map(|migration| migration.version));
}

/// A database of a newer release is refused and not touched.
pub async fn a_newer_database_is_refused(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    let newest = migrations().len();
    let refused = engine.migrate(MIGRATIONS).await;
    let known = MIGRATIONS.iter().map(|migration| migration.version).max();
    let Err(Error::Newer { found, known: told }) = refused else { panic!("{refused:?}") };
    assert_eq!((Some(found), Some(told)), (migrations().get(newest - 1).map(|last| last.version), known));
    assert_eq!(engine.version().await.ok(), Some(found));
    assert!(engine.commit(vec![insert("a", 1)]).await.is_ok());
}

/// After closing, every call answers and none succeeds.
pub async fn a_closed_engine_answers(engine: Arc<dyn Engine>) {
    prepare(&engine).await;
    engine.close().await;
    let outcome = engine.commit(vec![insert("a", 1)]).await;
    assert!(matches!(outcome, Err(Error::Unavailable(_))), "{outcome:?}");
    assert!(engine.version().await.is_err());
    engine.close().await;
}
