//! A measured process: started on its core, watched through `/proc`, ended at the latest when it is dropped.

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;

/// The core of what is measured; the load has the other.
pub(crate) const SERVER_CORE: &str = "0";
/// `/proc/PID/stat` counts hundredths of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// A process on the server's core.
pub(crate) struct Process(Child);

impl Process {
    /// Starts `program` on the server's core, with its standard error in the file `log`.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn start<A: AsRef<OsStr>>(
        program: &Path,
        arguments: &[A],
        log: &Path,
    ) -> anyhow::Result<Self> {
        let log = fs::File::options().create(true).append(true).open(log)?;
        let child = Command::new("taskset")
            .args(["-c", SERVER_CORE])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn();
        child.map(Self).with_context(|| program.display().to_string())
    }

    /// The next line of its standard output.
    ///
    /// # Errors
    /// When it ended before it said one.
    pub(crate) fn line(&mut self) -> anyhow::Result<String> {
        let output = self.0.stdout.take().context("its output was read before")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        anyhow::ensure!(!line.is_empty(), "it ended and said nothing");
        Ok(line.trim().to_owned())
    }

    /// User and system time it took so far.
    ///
    /// # Errors
    /// When it is no longer there.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        let (_, fields) = stat.rsplit_once(") ").context("/proc/PID/stat")?;
        let mut ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u32>);
        let mut next = || ticks.next().context("/proc/PID/stat")?.context("/proc/PID/stat");
        Ok(TICK * (next()? + next()?))
    }

    /// A size from `/proc/PID/status` in MiB: `VmRSS` (now) or `VmHWM` (at most so far).
    ///
    /// # Errors
    /// When it is no longer there.
    pub(crate) fn mebibytes(&self, name: &str) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()).context("/proc/PID/status")?;
        Ok(number.parse::<f64>()? / 1024.0)
    }

    /// Ends it in order and waits for that.
    ///
    /// # Errors
    /// When it cannot be told to.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing to do about one that has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
