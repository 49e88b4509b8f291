//! The files that are made from the code, so that they cannot say something else than the code does.
//!
//! `cargo xtask gen` writes them; tidy compares them. What is in them is the program's own business.

use std::fs;

use crate::{cargo, environment};

/// A file, and what is asked for to make it.
pub(crate) struct Generated {
    /// Where it is kept, from the root of the work tree.
    pub(crate) path: &'static str,
    /// The argument of the server's example `generate`, which answers on standard output.
    pub(crate) argument: &'static str,
}

/// All of them.
pub(crate) const GENERATED: &[Generated] = &[
    Generated { path: "openapi.json", argument: "openapi" },
    Generated { path: "openapi-admin.json", argument: "openapi-admin" },
    Generated { path: "config.schema.json", argument: "schema" },
    Generated { path: "countersign.example.toml", argument: "example" },
];

/// Makes every generated file anew.
///
/// # Errors
/// When the program cannot be built, fails, or a file cannot be written.
pub(crate) fn write_all() -> anyhow::Result<()> {
    for file in GENERATED {
        fs::write(environment::root().join(file.path), make(file)?)?;
        println!("wrote {}", file.path);
    }
    Ok(())
}

/// The paths of the files that are not what the code says now.
///
/// # Errors
/// When the program cannot be built or fails.
pub(crate) fn stale() -> anyhow::Result<Vec<&'static str>> {
    let mut stale = Vec::new();
    for file in GENERATED {
        let kept = fs::read_to_string(environment::root().join(file.path)).unwrap_or_default();
        if kept != make(file)? {
            stale.push(file.path);
        }
    }
    Ok(stale)
}

fn make(file: &Generated) -> anyhow::Result<String> {
    let example = ["run", "--quiet", "--locked", "--package=countersign-server", "--example=generate"];
    let arguments = [&example[..], &["--", file.argument]].concat();
    let text = environment::output(&mut cargo::cargo(&arguments)?)?;
    Ok(text + "\n")
}
