//! House rules that the compiler and clippy do not know, as functions over the work tree.
//!
//! Each finding says where and what to do. Rules are in the files below; what is tolerated is in one table,
//! [`exceptions`].

mod dependencies;
mod exceptions;
mod licences;
mod sizes;
mod source;
mod tree;
mod words;

use std::{fs, path::Path};

use anyhow::Context as _;

use crate::{environment, generated};
use tree::Tree;

/// A rule, as findings and exceptions name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A file has at most 400 lines.
    FileLines,
    /// A function has at most 60 lines.
    FunctionLines,
    /// A function has at most 5 arguments, the receiver not counted.
    Arguments,
    /// A Rust file opens with `//!`.
    Header,
    /// Lints are expected, not allowed.
    Allow,
    /// Production code does not unwrap.
    Unwrap,
    /// SQL is in the store.
    Sql,
    /// Status codes of errors are in one table.
    Status,
    /// Nothing is left half done.
    Unfinished,
    /// Our crates stand in a line.
    Arrow,
    /// The domain is pure.
    Pure,
    /// Some packages never come in.
    Banned,
    /// Every dependency has a licence that we allow.
    Licence,
    /// Generated files are what the code says.
    Generated,
    /// The table of exceptions is exact.
    Exception,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What it offends.
    pub(crate) rule: Rule,
    /// The file.
    pub(crate) path: String,
    /// The line, from 1.
    pub(crate) line: usize,
    /// What was measured, for rules on sizes; else 1.
    pub(crate) size: usize,
    /// What to do about it.
    pub(crate) advice: String,
}

impl Finding {
    /// A finding that is there or not.
    pub(crate) fn new(rule: Rule, path: &str, line: usize, advice: String) -> Self {
        Self::sized(rule, path, line, 1, advice)
    }

    /// A finding that has a size.
    pub(crate) fn sized(rule: Rule, path: &str, line: usize, size: usize, advice: String) -> Self {
        Self { rule, path: path.to_owned(), line, size, advice }
    }
}

/// Looks at the work tree and prints what it finds; true when that is nothing.
///
/// # Errors
/// When the tree cannot be read, or cargo fails.
pub(crate) fn run() -> anyhow::Result<bool> {
    let findings = look(&environment::root())?;
    for Finding { rule, path, line, advice, .. } in &findings {
        println!("{path}:{line}: {rule:?}: {advice}");
    }
    match findings.len() {
        0 => println!("tidy: nothing found"),
        found => println!("tidy: {found} found"),
    }
    Ok(findings.is_empty())
}

fn look(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let tree = Tree::read(root)?;
    let mut findings = check_tree(&tree);
    let deny = fs::read_to_string(root.join("deny.toml")).context("cannot read deny.toml")?;
    findings.extend(dependencies::check(&deny)?);
    for path in generated::stale()? {
        let advice = "it is not what the code says: run `cargo xtask gen`".to_owned();
        findings.push(Finding::new(Rule::Generated, path, 1, advice));
    }
    Ok(exceptions::apply(&findings, exceptions::EXCEPTIONS))
}

fn check_tree(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        findings.extend(sizes::check(source));
        findings.extend(words::check(source));
    }
    findings.extend(tree.others.iter().flat_map(words::check_text));
    findings
}
