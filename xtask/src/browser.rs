//! Which browser the end-to-end tests use: one that is installed, else the one that apt installs, else, where apt has
//! only a snap, the one that an npm package carries.
//!
//! A snap is none: it does not run in a container, and outside of one it sees neither hidden folders nor the common
//! temporary folder, where the tests keep what they work on. On Ubuntu the package is a snap in disguise.

use std::{
    env::consts::ARCH,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Context as _;

use crate::{environment, packages::Need, toolbox};

/// The names under which a browser of the Chromium family is known.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// Where the npm package keeps the browser.
const PACKED: &str = "node_modules/@sparticuz/chromium/bin/chromium.br";

/// The only architecture of which npm's package holds a browser.
const CARRIED: &str = "x86_64";

/// Where the browser comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It is here.
    Machine(PathBuf),
    /// The package `chromium`.
    Apt,
    /// The package from npm, whose versions and digests are in `xtask/npm-chromium`.
    Npm,
}

impl Source {
    /// What this machine has, or can have.
    ///
    /// # Errors
    /// When it can have none; the text says what to do.
    pub(crate) fn look() -> anyhow::Result<Self> {
        Self::choose(installed(), environment::is_ubuntu(), ARCH)
    }

    fn choose(installed: Option<PathBuf>, is_ubuntu: bool, architecture: &str) -> anyhow::Result<Self> {
        match installed {
            Some(path) => Ok(Self::Machine(path)),
            None if !is_ubuntu => Ok(Self::Apt),
            None if architecture == CARRIED => Ok(Self::Npm),
            None => anyhow::bail!(
                "Ubuntu has Chromium as a snap only, which the tests cannot use, and npm has none for {architecture}: \
                 put another browser of the family ({}) on the path, or use --skip browser",
                NAMES.join(", ")
            ),
        }
    }

    /// What must be there for it.
    pub(crate) fn need(&self) -> Option<Need> {
        match self {
            Self::Machine(_) => None,
            Self::Apt => Some(Need::Chromium),
            Self::Npm => Some(Need::CarriedChromium),
        }
    }
}

/// The browser, brought into the cache where npm has to bring it.
///
/// # Errors
/// When it is not to be had, or npm or unpacking fails.
pub(crate) fn provide(node: &Path) -> anyhow::Result<PathBuf> {
    match Source::look()? {
        Source::Machine(path) => Ok(path),
        Source::Npm => carried(node),
        Source::Apt => anyhow::bail!("{} is not to be found", NAMES.join(" or ")),
    }
}

/// The first on the path that is no snap.
pub(crate) fn installed() -> Option<PathBuf> {
    environment::programs(&NAMES).into_iter().find(|program| !is_snap(program))
}

/// Whether a program starts a snap: it is a link to the program that starts all of them, or a script that names one.
fn is_snap(program: &Path) -> bool {
    if fs::canonicalize(program).is_ok_and(|path| path.file_name().is_some_and(|name| name == "snap")) {
        return true;
    }
    // A browser itself is hundreds of megabytes; its script is short.
    let mut start = Vec::new();
    let read = fs::File::open(program).and_then(|file| file.take(1 << 16).read_to_end(&mut start));
    read.is_ok() && start.starts_with(b"#!") && String::from_utf8_lossy(&start).contains("/snap/")
}

/// The browser of the npm package. Of the package nothing else is kept, and none of its code runs.
fn carried(node: &Path) -> anyhow::Result<PathBuf> {
    let lists = environment::root().join("xtask/npm-chromium");
    let sources = ["package.json", "package-lock.json", "unpack.mjs"].map(|name| lists.join(name));
    let what = "chromium (from npm, 70 MB: apt has it only as a snap)";
    let folder = toolbox::folder("chromium", what, node, &sources, |folder, sources| {
        toolbox::npm(folder, sources)?;
        let unpacked = Command::new(node)
            .args(["unpack.mjs", PACKED, "chromium"])
            .current_dir(folder)
            .status()
            .context("node cannot be started")?;
        anyhow::ensure!(unpacked.success(), "the browser could not be unpacked: {unpacked}");
        Ok(fs::remove_dir_all(folder.join("node_modules"))?)
    })?;
    Ok(folder.join("chromium"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_browser_that_is_here_comes_first_and_ubuntus_package_never() {
        let here = || Some(PathBuf::from("/usr/bin/google-chrome"));
        let choose = |installed, is_ubuntu, architecture| Source::choose(installed, is_ubuntu, architecture);
        for (is_ubuntu, architecture) in [(true, "x86_64"), (true, "aarch64"), (false, "aarch64")] {
            assert_eq!(choose(here(), is_ubuntu, architecture).unwrap().need(), None);
        }
        assert_eq!(choose(None, false, "x86_64").unwrap().need(), Some(Need::Chromium));
        assert_eq!(choose(None, false, "aarch64").unwrap(), Source::Apt);
        assert_eq!(choose(None, true, "x86_64").unwrap().need(), Some(Need::CarriedChromium));
        let refusal = choose(None, true, "aarch64").unwrap_err().to_string();
        assert!(refusal.contains("--skip browser") && refusal.contains("aarch64"), "{refusal}");
    }

    #[test]
    fn a_snap_is_told_from_a_browser() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        assert!(is_snap(&file("chromium-browser", "#!/bin/sh\nexec /snap/bin/chromium \"$@\"\n")));
        assert!(!is_snap(&file("chromium", "#!/bin/sh\nexec /usr/lib/chromium/chromium \"$@\"\n")));
        assert!(!is_snap(&file("chrome", "\u{7f}ELF /snap/")));
        assert!(!is_snap(&folder.path().join("absent")));
        let link = folder.path().join("link");
        symlink(file("snap", "\u{7f}ELF"), &link).unwrap();
        assert!(is_snap(&link));
    }
}
