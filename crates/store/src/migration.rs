//! The schema, step by step. One text for all engines: `{…}` stands for a type that they spell differently.

/// One step of the schema. Steps are never edited after a release; new ones are added.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// The version the schema has after this step, counted from 1.
    pub version: i64,
    /// Statements, each ended by `;` at the end of a line, with type words in braces.
    pub sql: &'static str,
}

/// How one engine spells the type words of a migration.
#[derive(Clone, Copy, Debug)]
pub struct Types {
    /// `{integer}`: 64-bit.
    pub integer: &'static str,
    /// `{name}`: short ASCII text that may be a key, compared byte by byte.
    pub name: &'static str,
    /// `{text}`: UTF-8 text, no key, up to 1 MiB.
    pub text: &'static str,
    /// `{key}`: up to 64 bytes that may be a key.
    pub key: &'static str,
    /// `{bytes}`: bytes, no key, up to 1 MiB.
    pub bytes: &'static str,
    /// `{table}`: what follows the closing bracket of a table.
    pub table: &'static str,
}

/// All steps, oldest first.
pub const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("migrations/0001.sql") },
    Migration { version: 2, sql: include_str!("migrations/0002.sql") },
    Migration { version: 3, sql: include_str!("migrations/0005.sql") },
    Migration { version: 4, sql: include_str!("migrations/0007.sql") },
    Migration { version: 5, sql: include_str!("migrations/0004.sql") },
    Migration { version: 6, sql: include_str!("migrations/0003.sql") },
    Migration { version: 7, sql: include_str!("migrations/0006.sql") },
    Migration { version: 8, sql: include_str!("migrations/0008.sql") },
    Migration { version: 9, sql: include_str!("migrations/0009.sql") },
    Migration { version: 10, sql: include_str!("migrations/0010.sql") },
    Migration { version: 11, sql: include_str!("migrations/0011.sql") },
    Migration { version: 12, sql: include_str!("migrations/0012.sql") },
    Migration { version: 13, sql: include_str!("migrations/0013.sql") },
];

impl Migration {
    /// The statements of this step as `types` spells them.
    #[must_use]
    pub fn statements(&self, types: &Types) -> Vec<String> {
        let spelled = self
            .sql
            .replace("{integer}", types.integer)
            .replace("{name}", types.name)
            .replace("{text}", types.text)
            .replace("{key}", types.key)
            .replace("{bytes}", types.bytes)
            .replace("{table}", types.table);
        spelled
            .split(";\n")
            .map(|statement| {
                statement
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("--"))
                    .collect::<Vec<_>>()
                    .join("\n")
            })
            .filter(|statement| !statement.trim().is_empty())
            .collect()
    }
}
