//! What xtask learns from the machine: where the tree is, where the cache is, which programs are there.
//!
//! The only file of xtask that reads environment variables.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context as _;

/// The root of the work tree: Cargo names it when it runs this program, which may have been compiled in another tree that
/// shares the target folder.
pub(crate) fn root() -> PathBuf {
    let xtask = variable("CARGO_MANIFEST_DIR").filter(|folder| Path::new(folder).ends_with("xtask"));
    let xtask = Path::new(xtask.as_deref().unwrap_or(env!("CARGO_MANIFEST_DIR")));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// Our folder in the user's cache, made if it is not there.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let base = match variable("XDG_CACHE_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => {
            Path::new(&variable("HOME").context("neither XDG_CACHE_HOME nor HOME is set")?).join(".cache")
        }
    };
    let folder = base.join("countersign");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// Where cargo builds: what the caller has set, else a folder in the cache that survives a fresh clone.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    match variable("CARGO_TARGET_DIR") {
        Some(folder) => Ok(PathBuf::from(folder)),
        None => Ok(cache()?.join("target")),
    }
}

/// The cargo that started us, so that the whole run uses one toolchain.
pub(crate) fn cargo() -> String {
    variable("CARGO").unwrap_or_else(|| "cargo".to_owned())
}

/// The tests that the caller's shell leaves out.
pub(crate) fn skipped_tests() -> Option<String> {
    variable(crate::skip::VARIABLE)
}

/// True on a build server: nothing there is built twice, so nothing is prepared for a second build.
pub(crate) fn is_build_server() -> bool {
    variable("CI").is_some()
}

/// The first of `names` that is on the path, or in the folders where Debian keeps servers.
pub(crate) fn program(names: &[&str]) -> Option<PathBuf> {
    programs(names).into_iter().next()
}

/// All of them, those of the first name first.
pub(crate) fn programs(names: &[&str]) -> Vec<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from));
    folders.extend(postgres_folders());
    let files = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    files.filter(|file| file.is_file()).collect()
}

/// Debian keeps the PostgreSQL server off the path, one folder for each version; the newest first.
fn postgres_folders() -> Vec<PathBuf> {
    let Ok(versions) = fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let mut versions: Vec<PathBuf> = versions.flatten().map(|version| version.path()).collect();
    versions.sort_by_key(|version| version.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    versions.into_iter().rev().map(|version| version.join("bin")).collect()
}

/// Whether a command runs and succeeds; what it prints is dropped.
pub(crate) fn succeeds(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// What a command prints, without the last line break.
///
/// # Errors
/// When it cannot be started or does not succeed; what it says on standard error is shown as it comes.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("{name} cannot be started"))?;
    anyhow::ensure!(output.status.success(), "{name} failed: {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

/// Runs a command with our own streams.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub(crate) fn must_succeed(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("{name} cannot be started"))?;
    anyhow::ensure!(status.success(), "{name} failed: {status}");
    Ok(())
}

/// Whether this is Ubuntu, of any version and flavour.
pub(crate) fn is_ubuntu() -> bool {
    fs::read_to_string("/etc/os-release").is_ok_and(|text| names_ubuntu(&text))
}

/// Whether an os-release file is Ubuntu's own. Its children name it in `ID_LIKE`, and have packages of their own.
fn names_ubuntu(text: &str) -> bool {
    text.lines().filter_map(|line| line.strip_prefix("ID=")).any(|id| id.trim().trim_matches('"') == "ubuntu")
}

/// Whether we are root.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

#[expect(clippy::disallowed_methods, reason = "xtask is configured by what a developer's shell has set")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ubuntu_is_known_by_its_own_name() {
        assert!(names_ubuntu("PRETTY_NAME=\"Ubuntu 24.04 LTS\"\nID=ubuntu\nID_LIKE=debian\n"));
        assert!(names_ubuntu("ID=\"ubuntu\"\n"));
        assert!(!names_ubuntu("ID=debian\n"));
        assert!(!names_ubuntu("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
    }
}
