//! A clock that a test sets, under the real binary: libfaketime reads it from a file at every look at the wall clock.
//! The monotonic clock stays as it is, as when somebody sets a machine's clock. The library for programs of several
//! threads: of the other, threads that look at the same moment are now and then told the right time.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::tools;

/// The clock of one server.
pub(crate) struct FakeClock {
    file: PathBuf,
    library: PathBuf,
}

impl FakeClock {
    /// A clock that is right so far, kept in `folder`; `None` when it was left out on purpose.
    pub(crate) fn new(folder: &Path) -> Option<Self> {
        if tools::left_out("faketime") {
            return None;
        }
        let library = fs::read_dir("/usr/lib").unwrap().flatten();
        let library =
            library.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists());
        let library = library.unwrap_or_else(|| {
            panic!(
                "libfaketime is missing: install the package faketime, or set COUNTERSIGN_TEST_SKIP=faketime"
            )
        });
        let clock = Self { file: folder.join("clock"), library };
        clock.set("+0");
        Some(clock)
    }

    /// What a server needs in its environment.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let pairs = [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Sets it so many minutes before (less than 0) or after the right time, from where it goes on.
    pub(crate) fn off_by(&self, minutes: i64) {
        self.set(&format!("{minutes:+}m"));
    }

    /// Stops it at a time of day long ago.
    pub(crate) fn stop(&self) {
        self.set("2026-01-01 12:00:00");
    }

    fn set(&self, text: &str) {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{text}\n")).unwrap();
        // As a whole: the server may look at any moment.
        fs::rename(new, &self.file).unwrap();
    }
}
