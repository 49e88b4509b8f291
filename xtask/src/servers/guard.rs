//! A server process that ends when we do, however we end, and leaves nothing behind.
//!
//! A shell stands between us and the server and waits on a pipe from us. The pipe closes when we stop the server, and
//! just as well when Ctrl-C, a failure or a kill ends us: the shell then stops the server and removes its folder. It
//! is in a process group of its own, so that the terminal's Ctrl-C does not reach the server before the shell.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;

use crate::environment;

/// The user that owns nothing, on every Linux; database servers refuse to run as root.
const NOBODY: u32 = 65_534;

const WATCH: &str = r#"
folder=$1; shift
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
{ read -r line <&3; kill "$server"; } 2>/dev/null &
reader=$!
wait "$server"
kill "$reader" 2>/dev/null
rm -rf "$folder"
"#;

/// A folder of our own for one server, short enough for the path of a Unix socket.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    kept: bool,
}

impl Folder {
    /// Makes it, empty and readable by its owner only.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("countersign-{name}-{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))?;
        let folder = Self { path, kept: false };
        folder.hand_over()?;
        Ok(folder)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives everything in it to the user that servers run as.
    ///
    /// # Errors
    /// When that fails.
    pub(crate) fn hand_over(&self) -> anyhow::Result<()> {
        if !environment::is_root() {
            return Ok(());
        }
        environment::must_succeed(
            Command::new("chown").args(["-R", &format!("{NOBODY}:{NOBODY}")]).arg(&self.path),
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept {
            // Nothing can be done about a temporary folder that does not go away.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// A command that runs as an unprivileged user even when we are root, in a folder that this user may read.
pub(crate) fn unprivileged(program: &Path, folder: &Folder) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder.path()).env("HOME", folder.path());
    if environment::is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// A running server. Dropping it stops the server and removes its folder.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

impl Guard {
    /// Starts `arguments`, the program first; its folder is the shell's from here on.
    ///
    /// # Errors
    /// When the shell cannot be started.
    pub(crate) fn start(mut folder: Folder, program: &Path, arguments: &[String]) -> anyhow::Result<Self> {
        let log = fs::File::create(folder.path().join("log"))?;
        let shell = unprivileged(Path::new("/bin/sh"), &folder)
            .args(["-c", WATCH, "guard"])
            .arg(folder.path())
            .arg(program)
            .args(arguments)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        folder.kept = true;
        Ok(Self { shell })
    }

    /// Whether the server is still there.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(None))
    }

    /// Waits until `is_ready` says yes.
    ///
    /// # Errors
    /// When the server ends, or has not been ready within half a minute.
    pub(crate) fn wait_until(&mut self, name: &str, is_ready: impl Fn() -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !is_ready() {
            anyhow::ensure!(self.is_running(), "{name} ended instead of getting ready");
            anyhow::ensure!(Instant::now() < deadline, "{name} did not get ready within 30 seconds");
            std::thread::sleep(Duration::from_millis(30));
        }
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The shell ends when the server has; a status there is no use for.
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_alive(id: &str) -> bool {
        Path::new("/proc").join(id).exists()
    }

    #[test]
    fn a_server_ends_with_its_guard_and_leaves_nothing() {
        let folder = Folder::new("guard-test").unwrap();
        let path = folder.path().to_owned();
        let script = "echo $$ > id; sleep 60".to_owned();
        let arguments = ["-c".to_owned(), format!("{script} & wait")];
        let mut guard = Guard::start(folder, Path::new("/bin/sh"), &arguments).unwrap();
        guard
            .wait_until("the sleeper", || fs::read_to_string(path.join("id")).is_ok_and(|id| !id.is_empty()))
            .unwrap();
        let id = fs::read_to_string(path.join("id")).unwrap().trim().to_owned();
        assert!(is_alive(&id) && guard.is_running());

        drop(guard);
        assert!(!is_alive(&id), "the server outlived its guard");
        assert!(!path.exists(), "{} is left", path.display());
    }

    #[test]
    fn a_server_that_ends_by_itself_is_reported() {
        let folder = Folder::new("guard-ends").unwrap();
        let path = folder.path().to_owned();
        let mut guard = Guard::start(folder, Path::new("/bin/false"), &[]).unwrap();
        let error = guard.wait_until("false", || false).unwrap_err();
        assert!(error.to_string().contains("ended"), "{error}");
        assert!(!path.exists(), "{} is left", path.display());
    }

    #[test]
    fn a_folder_that_never_had_a_server_goes_away() {
        let folder = Folder::new("guard-unused").unwrap();
        let path = folder.path().to_owned();
        drop(folder);
        assert!(!path.exists());
    }
}
