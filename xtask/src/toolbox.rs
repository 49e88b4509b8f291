//! The Python and Node packages the end-to-end tests use, in the user's cache, outside the work tree.
//!
//! A folder is named by the digest of what went into it: a changed list of versions makes a new folder, an unchanged
//! one costs nothing.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;

use crate::{
    browser, environment,
    skip::{Skip, Skipped},
};

/// Where the end-to-end tests find what they run.
#[derive(Debug)]
pub(crate) struct Toolbox {
    /// The Python that has the packages.
    pub(crate) python: PathBuf,
    /// Node.
    pub(crate) node: PathBuf,
    /// The folder with the Node packages.
    pub(crate) node_modules: PathBuf,
    /// A browser of the Chromium family, unless it is left out.
    pub(crate) chromium: Option<PathBuf>,
}

impl Toolbox {
    /// The variables by which the tests find these.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        let always = [
            ("COUNTERSIGN_TEST_PYTHON", &self.python),
            ("COUNTERSIGN_TEST_NODE", &self.node),
            ("COUNTERSIGN_TEST_NODE_MODULES", &self.node_modules),
        ];
        let chromium = self.chromium.iter().map(|path| ("COUNTERSIGN_TEST_CHROMIUM", path));
        always.into_iter().chain(chromium).map(|(name, path)| (name, path.display().to_string())).collect()
    }
}

/// Brings the packages into the cache unless they are there.
///
/// # Errors
/// When a program is missing, or pip or npm fails.
pub(crate) fn provide(skipped: &Skipped) -> anyhow::Result<Toolbox> {
    let has_browser = !skipped.contains(Skip::Browser);
    let sources = environment::root().join("xtask");
    let python = find(&["python3"])?;
    let node = find(&["node"])?;
    let venv = folder(
        "python",
        "python",
        &python,
        &[sources.join("python-requirements.txt")],
        |folder, sources| {
            environment::must_succeed(Command::new(&python).args(["-m", "venv"]).arg(folder))?;
            environment::must_succeed(
                Command::new(folder.join("bin/python"))
                    .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
                    .args(sources),
            )
        },
    )?;
    let lists = ["npm/package.json", "npm/package-lock.json"].map(|list| sources.join(list));
    let modules = folder("npm", "npm", &node, &lists, npm)?;
    let chromium = has_browser.then(|| browser::provide(&node)).transpose()?;
    Ok(Toolbox {
        python: venv.join("bin/python"),
        node,
        node_modules: modules.join("node_modules"),
        chromium,
    })
}

fn find(names: &[&str]) -> anyhow::Result<PathBuf> {
    environment::program(names).with_context(|| format!("{} is not to be found", names.join(" or ")))
}

/// Puts what a list of versions and digests names into a folder, beside copies of these `sources`.
///
/// # Errors
/// When npm is missing or fails; a package that is not the one of the list makes it fail.
pub(crate) fn npm(folder: &Path, sources: &[PathBuf]) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    for source in sources {
        fs::copy(source, folder.join(source.file_name().unwrap_or_default()))?;
    }
    environment::must_succeed(
        Command::new(find(&["npm"])?)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder),
    )
}

/// The cached folder made of `sources` with `interpreter`, filled by `fill` if it is new.
///
/// # Errors
/// When it cannot be filled.
pub(crate) fn folder(
    kind: &str,
    what: &str,
    interpreter: &Path,
    sources: &[PathBuf],
    fill: impl FnOnce(&Path, &[PathBuf]) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let version = environment::output(Command::new(interpreter).arg("--version"))?;
    let folder = environment::cache()?.join(format!("{kind}-{}", digest(&version, sources)?));
    provide_folder(&folder, what, |folder| fill(folder, sources))?;
    Ok(folder)
}

/// Fills a folder once. The mark is written last, so that what was interrupted is begun again.
pub(crate) fn provide_folder(
    folder: &Path,
    what: &str,
    fill: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mark = folder.with_extension("complete");
    if mark.exists() && folder.exists() {
        return Ok(());
    }
    println!("Preparing {what} in {}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fill(folder).with_context(|| format!("{what} could not be prepared"))?;
    fs::write(&mark, "")?;
    Ok(())
}

/// Tells one list of versions from another; not meant to withstand anybody.
pub(crate) fn digest(version: &str, sources: &[PathBuf]) -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    version.hash(&mut hasher);
    for source in sources {
        fs::read(source).with_context(|| format!("cannot read {}", source.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}
