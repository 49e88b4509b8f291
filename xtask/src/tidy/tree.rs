//! The files of the work tree that house rules look at. It knows no rule.

use std::{fs, path::Path};

use anyhow::Context as _;

use super::source::Source;

/// A file that is not Rust.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    /// Where it is, from the root of the work tree, with `/`.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
}

/// All files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    /// The Rust files.
    pub(crate) sources: Vec<Source>,
    /// Other files that people write.
    pub(crate) others: Vec<Text>,
}

/// Endings of files, other than Rust, that people write code in.
const CODE: [&str; 8] = ["sql", "html", "css", "js", "ts", "py", "sh", "toml"];

/// Folders with nothing of ours in them.
const FOREIGN: [&str; 2] = ["target", "node_modules"];

impl Tree {
    /// Reads the tree below `root`.
    ///
    /// # Errors
    /// When a folder or a file cannot be read.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        walk(root, "", &mut files)?;
        files.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(Self::new(files))
    }

    /// Sorts files into Rust and others, and finds out which are for tests only.
    pub(crate) fn new(files: Vec<Text>) -> Self {
        let mut tree = Self::default();
        for file in files {
            match file.path.ends_with(".rs") {
                true => tree.sources.push(Source::new(&file.path, &file.text)),
                false => tree.others.push(file),
            }
        }
        tree.mark_test_modules();
        tree
    }

    /// `#[cfg(test)] mod x;` makes `x.rs` and everything below `x/` a test.
    fn mark_test_modules(&mut self) {
        let mut places: Vec<String> = Vec::new();
        for source in &self.sources {
            let folder = module_folder(&source.path);
            places.extend(source.test_modules().into_iter().map(|module| format!("{folder}/{module}")));
        }
        for source in &mut self.sources {
            let is_inside = |place: &String| {
                source
                    .path
                    .strip_prefix(place.as_str())
                    .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
            };
            if places.iter().any(is_inside) {
                source.mark_as_test();
            }
        }
    }
}

/// The folder in which the modules are that a file declares.
fn module_folder(path: &str) -> &str {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    match stem.rsplit_once('/') {
        Some((folder, "lib" | "main" | "mod")) => folder,
        _ => stem,
    }
}

fn walk(folder: &Path, name: &str, files: &mut Vec<Text>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let file_name = entry.file_name().to_string_lossy().into_owned();
        if file_name.starts_with('.') || FOREIGN.contains(&file_name.as_str()) {
            continue;
        }
        let path = if name.is_empty() { file_name.clone() } else { format!("{name}/{file_name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &path, files)?;
        } else if kind.is_file() && is_code(&file_name) {
            let text = fs::read_to_string(entry.path()).with_context(|| format!("cannot read {path}"))?;
            files.push(Text { path, text });
        }
    }
    Ok(())
}

fn is_code(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| ending == "rs" || CODE.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_declared_for_tests_is_for_tests_with_all_below_it() {
        let file = |path: &str, text: &str| Text { path: path.to_owned(), text: text.to_owned() };
        let tree = Tree::new(vec![
            file("crates/a/src/lib.rs", "#[cfg(test)]\nmod contract;\nmod engine;"),
            file("crates/a/src/contract.rs", "x"),
            file("crates/a/src/contract/race.rs", "x"),
            file("crates/a/src/engine.rs", "#[cfg(test)]\nmod cases;"),
            file("crates/a/src/engine/cases.rs", "x"),
            file("crates/a/src/contracts.rs", "x"),
            file("a.sql", "x"),
        ]);
        let tests: Vec<_> = tree
            .sources
            .iter()
            .filter(|source| source.is_test(0))
            .map(|source| source.path.as_str())
            .collect();
        assert_eq!(
            tests,
            [
                "crates/a/src/lib.rs",
                "crates/a/src/contract.rs",
                "crates/a/src/contract/race.rs",
                "crates/a/src/engine.rs",
                "crates/a/src/engine/cases.rs"
            ]
        );
        assert_eq!(tree.others.len(), 1);
    }
}
